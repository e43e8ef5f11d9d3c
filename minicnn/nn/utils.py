"""Gradients clipped, and parameters as one vector."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING as _TYPE_CHECKING

from minicnn.autograd import no_grad
from minicnn.autograd.graph import TapeTensor
from minicnn.errors import GraphError, ParameterError, message
from minicnn.errors import missing_names as _missing_names
from minicnn.ops import cat, stack
from minicnn.ops.checks import need_tensors
from minicnn.tensor import Tensor
from minicnn.tensor.creation import zeros


def _grads(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    found = [parameters] if isinstance(parameters, TapeTensor) else list(parameters)
    return [p.grad.detach() for p in found if p.grad is not None]


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Return the norm of all tensors as one vector: (Σ |x|ᵖ)^(1/p), or max |x| for p = inf.

    Args:
        tensors: a tensor, or several.
        norm_type: p.
        error_if_nonfinite: raise an error where the norm is NaN or infinite.
        foreach: accepted for PyTorch's sake.
    Raises:
        GraphError: the norm is not finite, and error_if_nonfinite is set.

    >>> import minicnn
    >>> get_total_norm([minicnn.tensor([3.0]), minicnn.tensor([[4.0]])])
    tensor(5.)
    """
    found = [tensors] if isinstance(tensors, TapeTensor) else list(tensors)
    if not found:
        return zeros(())
    if norm_type == float("inf"):
        total: Tensor = stack([x.abs().max() for x in found]).max()
    else:
        total = stack([(x.abs() ** norm_type).sum() for x in found]).sum() ** (1.0 / norm_type)
    if error_if_nonfinite and not bool(total.isfinite()):
        raise GraphError(
            message(
                "get_total_norm",
                f"the norm of the gradients is not finite: {float(total)}.",
                f"{len(found)} tensors, norm_type {norm_type}",
                "look for the NaN's source, or pass error_if_nonfinite=False.",
            )
        )
    return total


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale all gradients, in place: g ← g · min(1, max_norm / (total_norm + 1e-6)).

    Args:
        parameters: a tensor, or several; those without a gradient are left out.
        max_norm: the largest norm allowed.
        total_norm: what `get_total_norm` gave.
        foreach: accepted for PyTorch's sake.
    """
    with no_grad():
        scale = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
        for g in _grads(parameters):
            g.mul_(scale.to(g.dtype))


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients, in place, so that their norm as one vector is at most ``max_norm``; return what it was.

    g ← g · min(1, max_norm / (‖g‖ + 1e-6))

    Args:
        parameters: a tensor, or several; those without a gradient are left out.
        max_norm: the largest norm allowed.
        norm_type: which norm: 2 for the length, inf for the largest element.
        error_if_nonfinite: raise an error where the norm is NaN or infinite; no gradient was changed then.
        foreach: accepted for PyTorch's sake.
    Raises:
        GraphError: the norm is not finite, and error_if_nonfinite is set.
    Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks" (2012), algorithm 1.

    >>> import minicnn
    >>> w = minicnn.zeros(2, requires_grad=True)
    >>> (w * minicnn.tensor([3.0, 4.0])).sum().backward()
    >>> clip_grad_norm_(w, 1.0)
    tensor(5.)
    >>> w.grad
    tensor([0.6000, 0.8000])
    """
    with no_grad():
        held = [parameters] if isinstance(parameters, TapeTensor) else list(parameters)
        total = get_total_norm(_grads(held), norm_type, error_if_nonfinite)
        clip_grads_with_norm_(held, max_norm, total)
    return total


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Hold each gradient element between −clip_value and clip_value, in place.

    >>> import minicnn
    >>> w = minicnn.zeros(2, requires_grad=True)
    >>> (w * minicnn.tensor([3.0, -0.5])).sum().backward()
    >>> clip_grad_value_(w, 1.0)
    >>> w.grad
    tensor([ 1.0000, -0.5000])
    """
    with no_grad():
        for g in _grads(parameters):
            g.clamp_(-clip_value, clip_value)


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Return all parameters, flattened, one after another.

    >>> import minicnn
    >>> parameters_to_vector([minicnn.ones(1, 2), minicnn.zeros(1)])
    tensor([1., 1., 0.])
    """
    return cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Write a vector's elements to the parameters, one after another.

    >>> import minicnn
    >>> w = minicnn.zeros(1, 2)
    >>> vector_to_parameters(minicnn.tensor([1.0, 2.0]), [w])
    >>> w
    tensor([[1., 2.]])
    """
    need_tensors("vector_to_parameters", vec=vec)
    start, parameters = 0, list(parameters)
    need = sum(p.numel() for p in parameters)
    if vec.ndim != 1 or vec.numel() < need:
        raise ParameterError(
            message(
                "vector_to_parameters",
                f"vec expects {need} elements in one dim, got shape {tuple(vec.shape)}.",
                f"{len(parameters)} parameters",
                "pass what parameters_to_vector gave.",
            )
        )
    with no_grad():
        for p in parameters:
            p.copy_(vec[start : start + p.numel()].reshape(p.shape))
            start += p.numel()


if not _TYPE_CHECKING:  # a type checker is to find the names that are not there
    __getattr__ = _missing_names(__name__)
