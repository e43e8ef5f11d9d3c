"""Gradients clipped, and parameters as one vector."""

from __future__ import annotations

from collections.abc import Iterable

from minicnn.autograd import no_grad
from minicnn.autograd.graph import TapeTensor
from minicnn.ops import cat, stack
from minicnn.tensor import Tensor
from minicnn.tensor.creation import zeros


def _grads(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    found = [parameters] if isinstance(parameters, TapeTensor) else list(parameters)
    return [p.grad.detach() for p in found if p.grad is not None]


def clip_grad_norm_(parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0) -> Tensor:
    """Scale all gradients, in place, so that their norm as one vector is at most ``max_norm``; return what it was.

    g ← g · min(1, max_norm / (‖g‖ + 1e-6))

    Args:
        parameters: a tensor, or several; those without a gradient are left out.
        max_norm: the largest norm allowed.
        norm_type: which norm: 2 for the length, inf for the largest element.
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
        grads = _grads(parameters)
        if not grads:
            return zeros(())
        if norm_type == float("inf"):
            total: Tensor = stack([g.abs().max() for g in grads]).max()
        else:
            total = stack([(g.abs() ** norm_type).sum() for g in grads]).sum() ** (1.0 / norm_type)
        scale = (max_norm / (total + 1e-6)).clamp(max=1.0)
        for g in grads:
            g.mul_(scale)
    return total


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
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
    start = 0
    with no_grad():
        for p in parameters:
            p.copy_(vec[start : start + p.numel()].reshape(p.shape))
            start += p.numel()
