"""Losses of numbers: squared, absolute and Huber's error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn import ops
from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.errors import ArgumentTypeError, ParameterError, ShapeError, message, warn
from minicnn.nn.functional.common import need_positive, reduced
from minicnn.ops.checks import need_reduction, need_tensors
from minicnn.ops.fused.cross_entropy import old_reduction
from minicnn.tensor import Tensor


def check_pair(where: str, x: Any, target: Any, reduction: str, weight: Any = None) -> None:
    """Raise an error unless both are tensors that broadcast, and the weight, where given, has the input's shape.

    Raises:
        ArgumentTypeError, ParameterError, ShapeError: as said.
    """
    need_tensors(where, input=x, target=target, weight=weight)
    if target is None:
        need_tensors(where, target="None")
    need_reduction(where, reduction)
    shapes = f"input {tuple(x.shape)}; target {tuple(target.shape)}"
    if x.shape != target.shape:
        try:
            np.broadcast_shapes(x.shape, target.shape)
        except ValueError:
            raise ShapeError(
                message(
                    where,
                    f"target expects the input's shape {tuple(x.shape)}, got {tuple(target.shape)}.",
                    shapes,
                    "give the target one value per element of the input.",
                )
            ) from None
        warn(
            f"{where}: target {tuple(target.shape)} is broadcast against input {tuple(x.shape)}, which is seldom "
            "meant; give both the same shape."
        )
    if weight is not None and weight.shape != x.shape:
        raise ShapeError(
            message(
                where,
                f"weight expects the input's shape {tuple(x.shape)}, got {tuple(weight.shape)}.",
                shapes,
                "expand it: weight.expand_as(input).",
            )
        )


def weighted(loss: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
    """Return the loss, weighted, summed, or its weighted mean Σ w · l / Σ w."""
    if weight is None:
        return reduced(loss, reduction)
    loss = loss * weight
    return loss.sum() / weight.sum() if reduction == "mean" else reduced(loss, reduction)


def pair_samples(rng: Rng) -> Iterator[Sample]:
    """Samples of a loss of two tensors: each reduction, a scalar, an empty one."""
    for reduction in ("mean", "sum", "none"):
        yield Sample(rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), reduction=reduction)
    yield Sample(rng.normal(size=()), rng.normal(size=()))
    yield Sample(np.zeros((0, 3)), np.zeros((0, 3)), reduction="sum")


def pair_errors(where: str) -> Any:
    """Return the errors of a loss of two tensors."""

    def errors() -> Iterator[ErrorSample]:
        x = np.ones((2, 3))
        yield ErrorSample(ShapeError, (where, "(2, 3)", "(2, 4)"), x, np.ones((2, 4)))
        yield ErrorSample(ParameterError, ("reduction", "'avg'"), x, x, reduction="avg")
        yield ErrorSample(ArgumentTypeError, ("target", "float"), x, 1.0)

    return errors


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
    check_pair("mse_loss", input, target, reduction, weight)
    return weighted((input - target) ** 2, weight, reduction)


def _l1_samples(rng: Rng) -> Iterator[Sample]:
    yield from pair_samples(rng)
    for reduction in ("mean", "sum", "none"):
        yield Sample(rng.normal(size=5), rng.normal(size=5), reduction=reduction, weight=rng.uniform(0.5, 2.0, 5))


@composition(_l1_samples, pair_errors("l1_loss"))
def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """The absolute error: l = |x − t|, then its mean or sum; with a weight, l = w · |x − t|, and the mean Σ l / Σ w.

    Shapes: input and target (*); output (), or (*) with reduction "none".

    Args:
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".
        weight: how much each element counts, of the input's shape.
    Raises:
        ShapeError: the shapes do not broadcast, or the weight has another one.
        ParameterError: an unknown reduction.

    >>> import minicnn
    >>> l1_loss(minicnn.tensor([1.0, 2.0]), minicnn.tensor([1.0, 4.0]))
    tensor(1.)
    """
    reduction = old_reduction(reduction, size_average, reduce)
    check_pair("l1_loss", input, target, reduction, weight)
    return weighted((input - target).abs(), weight, reduction)


def _square(d: Tensor, limit: float) -> Tensor:
    """d² up to the limit; 0 beyond it, where the gradient of ∞ would be NaN."""
    near = d.masked_fill(d > limit, 0.0)
    return near * near


def _smooth_l1_samples(rng: Rng) -> Iterator[Sample]:
    yield from pair_samples(rng)
    for beta in (0.3, 0.0):
        yield Sample(rng.normal(size=6), rng.normal(size=6), beta=beta)


def _smooth_l1_errors() -> Iterator[ErrorSample]:
    yield from pair_errors("smooth_l1_loss")()
    yield ErrorSample(ParameterError, ("beta", "-1"), np.ones(2), np.ones(2), beta=-1.0)


@composition(_smooth_l1_samples, _smooth_l1_errors)
def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Squared for small errors, absolute for large ones: l = d² / (2β) for d < β, d − β/2 elsewhere, d = |x − t|.

    Shapes: input and target (*); output (), or (*) with reduction "none".

    Args:
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".
        beta: β; with 0 it is the absolute error.
    Raises:
        ShapeError: the shapes do not broadcast.
        ParameterError: an unknown reduction, or a negative beta.
    Source: Girshick, "Fast R-CNN" (2015), equation 3.

    >>> import minicnn
    >>> smooth_l1_loss(minicnn.tensor([0.5, 3.0]), minicnn.tensor([0.0, 0.0]), reduction="none")
    tensor([0.1250, 2.5000])
    """
    reduction = old_reduction(reduction, size_average, reduce)
    need_positive("smooth_l1_loss", "beta", beta, or_zero=True)
    check_pair("smooth_l1_loss", input, target, reduction)
    d = (input - target).abs()
    return reduced(d if beta == 0 else ops.where(d < beta, _square(d, beta) / (2 * beta), d - beta / 2), reduction)


def _huber_samples(rng: Rng) -> Iterator[Sample]:
    yield from _l1_samples(rng)
    yield Sample(rng.normal(size=6), rng.normal(size=6), delta=0.3)


def _huber_errors() -> Iterator[ErrorSample]:
    yield from pair_errors("huber_loss")()
    yield ErrorSample(ParameterError, ("delta", "0"), np.ones(2), np.ones(2), delta=0.0)


@composition(_huber_samples, _huber_errors)
def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Huber's error: l = d² / 2 for d ≤ δ, δ · (d − δ/2) elsewhere, d = |x − t|.

    Shapes: input and target (*); output (), or (*) with reduction "none".

    Args:
        reduction: "mean", "sum" or "none".
        delta: δ.
        weight: what each loss is multiplied by, of the input's shape; the mean divides by the count, as PyTorch's.
    Raises:
        ShapeError: the shapes do not broadcast, or the weight has another one.
        ParameterError: an unknown reduction, or delta not above 0.
    Source: Huber, "Robust Estimation of a Location Parameter" (1964).

    >>> import minicnn
    >>> huber_loss(minicnn.tensor([0.5, 3.0]), minicnn.tensor([0.0, 0.0]), reduction="none", delta=2.0)
    tensor([0.1250, 4.0000])
    """
    need_positive("huber_loss", "delta", delta)
    check_pair("huber_loss", input, target, reduction, weight)
    d = (input - target).abs()
    loss = ops.where(d <= delta, _square(d, delta) * 0.5, (d - delta / 2) * delta)
    return reduced(loss if weight is None else loss * weight, reduction)
