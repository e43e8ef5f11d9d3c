"""Layers as plain functions: those of `minicnn.ops`, and the linear map, the squared error and PyTorch's spellings."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn import ops
from minicnn.autograd.graph import TapeTensor
from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.errors import ArgumentTypeError, ParameterError, ShapeError, message
from minicnn.ops import (
    avg_pool2d,
    batch_norm,
    conv2d,
    cross_entropy,
    dropout,
    flatten,
    layer_norm,
    linear,
    max_pool2d,
    pad,
    sigmoid,
    tanh,
)
from minicnn.ops.fused.cross_entropy import old_reduction
from minicnn.tensor import Tensor

__all__ = [
    "avg_pool2d",
    "batch_norm",
    "conv2d",
    "cross_entropy",
    "dropout",
    "flatten",
    "layer_norm",
    "linear",
    "log_softmax",
    "max_pool2d",
    "mse_loss",
    "pad",
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
]


# ---- the squared error


def _mse_samples(rng: Rng) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), reduction=reduction)
        yield Sample(rng.normal(size=5), rng.normal(size=5), reduction=reduction, weight=rng.uniform(0.5, 2.0, 5))
    yield Sample(rng.normal(size=()), rng.normal(size=()))


def _mse_errors() -> Iterator[ErrorSample]:
    x = np.ones((2, 3))
    yield ErrorSample(ShapeError, ("mse_loss", "(2, 3)", "(2, 4)"), x, np.ones((2, 4)))
    yield ErrorSample(ParameterError, ("reduction", "'avg'"), x, x, reduction="avg")
    yield ErrorSample(ShapeError, ("weight", "(2, 3)", "(3,)"), x, x, weight=np.ones(3))
    yield ErrorSample(ArgumentTypeError, ("target", "float"), x, 1.0)


@composition(_mse_samples, _mse_errors)
def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """The squared error: l = (x − t)², then its mean or sum.

    With a weight, l = w · (x − t)², and the mean is Σ l / Σ w.

    Shapes: input and target (*); output (), or (*) with reduction "none".

    Args:
        target: of the input's shape; another one is broadcast, with a warning.
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".
        weight: how much each element counts, of the input's shape.
    Gradient: dx = 2 · (x − t) / count, for the plain mean.
    Raises:
        ShapeError: the shapes do not broadcast, or the weight has another one.
        ParameterError: an unknown reduction.
        ArgumentTypeError: an argument is no tensor.

    >>> import minicnn
    >>> mse_loss(minicnn.tensor([1.0, 2.0]), minicnn.tensor([1.0, 4.0]))
    tensor(2.)
    """
    reduction = old_reduction(reduction, size_average, reduce)
    _check_mse(input, target, reduction, weight)
    loss = (input - target) ** 2
    if weight is not None:
        loss = loss * weight
    if reduction == "none":
        return loss
    if reduction == "sum":
        return loss.sum()
    return loss.mean() if weight is None else loss.sum() / weight.sum()


def _check_mse(x: Any, target: Any, reduction: str, weight: Any) -> None:
    for name, value in (("input", x), ("target", target)):
        if not isinstance(value, TapeTensor):
            raise ArgumentTypeError(
                message(
                    "mse_loss",
                    f"{name} expects a Tensor, got {type(value).__name__}.",
                    f"{name} = {str(value)[:60]}",
                    "make one first: minicnn.tensor(values).",
                )
            )
    shapes = f"input {tuple(x.shape)}; target {tuple(target.shape)}"
    if reduction not in ("mean", "sum", "none"):
        raise ParameterError(
            message(
                "mse_loss",
                f"reduction expects 'mean', 'sum' or 'none', got {reduction!r}.",
                shapes,
                "choose one of the three.",
            )
        )
    if x.shape != target.shape:
        try:
            np.broadcast_shapes(x.shape, target.shape)
        except ValueError:
            raise ShapeError(
                message(
                    "mse_loss",
                    f"target expects the input's shape {tuple(x.shape)}, got {tuple(target.shape)}.",
                    shapes,
                    "reshape the target.",
                )
            ) from None
        warnings.warn(
            f"mse_loss: target {tuple(target.shape)} is broadcast against input {tuple(x.shape)}, which is seldom "
            "meant; give both the same shape.",
            UserWarning,
            stacklevel=4,
        )
    if weight is not None and weight.shape != x.shape:
        raise ShapeError(
            message(
                "mse_loss",
                f"weight expects the input's shape {tuple(x.shape)}, got {tuple(weight.shape)}.",
                shapes,
                "expand it: weight.expand_as(input).",
            )
        )


# ---- PyTorch's spellings of what has other arguments in minicnn.ops


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Rectify: y = max(x, 0).

    Shapes: input and output (*).

    Args:
        inplace: write the result over the input, which saves no memory here: for code that reads it back.

    >>> import minicnn
    >>> relu(minicnn.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return input.relu_() if inplace else ops.relu(input)


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Probabilities from logits: y = eˣ / Σ eˣ, the sum along ``dim``; see `minicnn.softmax`.

    Args:
        dim: along which the outputs sum to 1; left out, it is guessed as PyTorch does, with a deprecation warning.
        dtype: cast to it first.

    >>> import minicnn
    >>> softmax(minicnn.tensor([[0.0, 0.0]]), dim=1)
    tensor([[0.5000, 0.5000]])
    """
    return ops.softmax(input, _implicit_dim("softmax", input, _stacklevel) if dim is None else dim, dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Logarithms of probabilities from logits: y = x − ln Σ eˣ, the sum along ``dim``; see `minicnn.log_softmax`.

    Args:
        dim: along which the exponentials sum to 1; left out, it is guessed as PyTorch does, with a deprecation warning.
        dtype: cast to it first.

    >>> import minicnn
    >>> log_softmax(minicnn.tensor([[0.0, 0.0]]), dim=1)
    tensor([[-0.6931, -0.6931]])
    """
    return ops.log_softmax(input, _implicit_dim("log_softmax", input, _stacklevel) if dim is None else dim, dtype)


def _implicit_dim(where: str, x: Tensor, stacklevel: int) -> int:
    warnings.warn(
        f"{where} without dim guesses it, which is deprecated: pass dim=1 for rows of logits.",
        DeprecationWarning,
        stacklevel=stacklevel,
    )
    return 0 if x.ndim in (0, 1, 3) else 1
