"""Margin losses of classes: one of several, several at once; and triplets with a distance of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minicnn import ops
from minicnn.autograd.graph import wrap
from minicnn.autograd.op import composition
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import backend_of
from minicnn.errors import DTypeError, IndexRangeError, ParameterError, ShapeError, message
from minicnn.nn.functional.common import need_float_tensors, reduced
from minicnn.nn.functional.margin import alike, pairwise_distance
from minicnn.nn.functional.smooth import logsigmoid
from minicnn.ops.checks import check_range, need_reduction, need_tensors
from minicnn.ops.fused.cross_entropy import old_reduction, wrong_class
from minicnn.tensor import Tensor


def _need_classes(where: str, input: Any, target: Any, expected: tuple[int, ...], least: int) -> None:
    """Raise an error unless the target has the shape and holds classes of the input's last dim, or −1 if allowed."""
    got = f"input {tuple(input.shape)} = (N, C); target {tuple(target.shape)} of {target.dtype}"
    if target.dtype.kind not in "iu":
        raise DTypeError(
            message(where, f"target expects classes, got {target.dtype}.", got, "convert it: target.long().")
        )
    if tuple(target.shape) != expected:
        raise ShapeError(
            message(
                where,
                f"target expects shape {expected}, got {tuple(target.shape)}.",
                got,
                f"give the target shape {expected}.",
            )
        )
    c = input.shape[-1]
    check_range(where, target, least, c - 1, lambda label: wrong_class(where, c, label, got, least))


def _need_rows(where: str, input: Tensor) -> None:
    if input.ndim not in (1, 2) or input.shape[-1] == 0:
        shape = tuple(input.shape)
        raise ShapeError(
            message(
                where,
                f"input expects dims (N, C) or (C,) with C > 0, got {shape}.",
                "C is the number of classes",
                "reshape it to (N, C): one row of scores per sample.",
            )
        )


def _multi_samples(rng: Rng) -> Iterator[Sample]:
    t = np.array([2, 0, 1, 1])
    for reduction in ("mean", "sum", "none"):
        yield Sample(rng.normal(size=(4, 3)), t, reduction=reduction)
        yield Sample(rng.normal(size=(4, 3)), t, 2, weight=Constant(rng.uniform(0.5, 2.0, 3)), reduction=reduction)
    yield Sample(rng.normal(size=(4, 3)), t, margin=0.3)
    yield Sample(rng.normal(size=3), np.array(1), 2)
    yield Sample(np.zeros((0, 3)), np.zeros(0, dtype=np.int64), reduction="none")


def _multi_errors() -> Iterator[ErrorSample]:
    where, x, t = "multi_margin_loss", np.ones((2, 3)), np.array([0, 1])
    yield ErrorSample(IndexRangeError, (where, "0 to 2", "3"), x, t + 2)
    yield ErrorSample(ShapeError, (where, "target", "(2,)", "(3,)"), x, np.array([0, 1, 2]))
    yield ErrorSample(ShapeError, (where, "input", "(N, C)"), x[None], t)
    yield ErrorSample(DTypeError, (where, "target", "float64"), x, np.ones(2))
    yield ErrorSample(ParameterError, (where, "p", "1 or 2", "3"), x, t, 3)
    yield ErrorSample(ShapeError, (where, "weight", "(3,)"), x, t, weight=np.ones(2))
    yield ErrorSample(ParameterError, ("reduction", "'avg'"), x, t, reduction="avg")


@composition(_multi_samples, _multi_errors)
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """The hinge loss of classes: lₙ = 1/C · Σ over c ≠ tₙ of w[tₙ] · max(0, m − x[n, tₙ] + x[n, c])ᵖ.

    Shapes: input (N, C) or (C,); target (N,) or (); output (), or the target's shape with reduction "none".

    Args:
        target: classes.
        p: 1 or 2.
        margin: m.
        weight: w, one a class, (C,).
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".
    Raises:
        IndexRangeError: a class outside [0, C).
        ShapeError: the shapes do not fit.
        ParameterError: p is neither 1 nor 2, or an unknown reduction.
    Source: Crammer and Singer, "On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines" (2001).

    >>> import minicnn
    >>> multi_margin_loss(minicnn.tensor([[0.5, 0.0]]), minicnn.tensor([0]))
    tensor(0.2500)
    """
    where = "multi_margin_loss"
    reduction = old_reduction(reduction, size_average, reduce)
    need_reduction(where, reduction)
    need_tensors(where, target=target)
    need_float_tensors(where, input=input, weight=weight)
    _need_rows(where, input)
    if p not in (1, 2):
        raise ParameterError(message(where, f"p expects 1 or 2, got {p}.", "1 is the hinge, 2 its square", "use p=1."))
    _need_classes(where, input, target, tuple(input.shape[:-1]), 0)
    c = input.shape[-1]
    if weight is not None and tuple(weight.shape) != (c,):
        raise ShapeError(
            message(
                where,
                f"weight expects shape ({c},), got {tuple(weight.shape)}.",
                f"{c} classes",
                "give one number per class.",
            )
        )
    index = target.long().unsqueeze(-1)
    hinge = ops.relu(margin - input.gather(-1, index) + input)  # (N, C)
    hinge = hinge if p == 1 else hinge * hinge
    hinge = hinge if weight is None else hinge * weight[index]
    own: Tensor = wrap(backend_of(input._array).constant(np.arange(c))) == index
    return reduced(hinge.masked_fill(own, 0.0).sum(-1) / c, reduction)


def _multilabel_samples(rng: Rng) -> Iterator[Sample]:
    t = np.array([[3, 0, -1, 1], [2, -1, 0, -1], [-1, 0, 0, 0], [0, 1, 2, 3]])
    for reduction in ("mean", "sum", "none"):
        yield Sample(rng.normal(size=(4, 4)), t, reduction=reduction)
        yield Sample(rng.normal(size=(2, 4)) * 3, t[:2], reduction=reduction)
    yield Sample(rng.normal(size=4), t[0])
    yield Sample(np.zeros((0, 3)), np.zeros((0, 3), dtype=np.int64), reduction="none")


def _multilabel_errors() -> Iterator[ErrorSample]:
    where, x, t = "multilabel_margin_loss", np.ones((2, 3)), np.array([[0, -1, -1], [1, 0, -1]])
    yield ErrorSample(IndexRangeError, (where, "-1 to 2", "3"), x, t + 2)
    yield ErrorSample(IndexRangeError, (where, "-1 to 2", "-2"), x, t - 1)
    yield ErrorSample(ShapeError, (where, "target", "(2, 3)", "(2, 2)"), x, t[:, :2])
    yield ErrorSample(DTypeError, (where, "target", "float64"), x, np.ones((2, 3)))
    yield ErrorSample(ShapeError, (where, "input", "(N, C)"), x[None], t[None])
    yield ErrorSample(ParameterError, ("reduction", "'avg'"), x, t, reduction="avg")


@composition(_multilabel_samples, _multilabel_errors)
def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """The hinge loss of several classes at once: lₙ = 1/C · Σ over j in T, i not in T of max(0, 1 − x[n, j] + x[n, i]).

    Shapes: input and target (N, C) or (C,); output (), or (N,) with reduction "none".

    Args:
        target: the classes T of each sample, ended by the first −1.
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".
    Raises:
        IndexRangeError: a class outside [−1, C).
        ShapeError: the shapes differ.
        ParameterError: an unknown reduction.

    >>> import minicnn
    >>> multilabel_margin_loss(minicnn.tensor([[0.5, 0.0]]), minicnn.tensor([[0, -1]]))
    tensor(0.2500)
    """
    where = "multilabel_margin_loss"
    reduction = old_reduction(reduction, size_average, reduce)
    need_reduction(where, reduction)
    need_tensors(where, target=target)
    need_float_tensors(where, input=input)
    _need_rows(where, input)
    _need_classes(where, input, target, tuple(input.shape), -1)
    c = input.shape[-1]
    meant = (target < 0).long().cumsum(-1) == 0  # before the first −1: (N, J)
    classes: Tensor = wrap(backend_of(input._array).constant(np.arange(c)))
    labels = ((target.unsqueeze(-1) == classes) & meant.unsqueeze(-1)).any(-2)  # (N, C)
    chosen = input.gather(-1, target.long().clamp(min=0))  # (N, J)
    hinge = ops.relu(1 - chosen.unsqueeze(-1) + input.unsqueeze(-2))  # (N, J, C)
    counts = meant.unsqueeze(-1) & ~labels.unsqueeze(-2)
    return reduced(hinge.masked_fill(~counts, 0.0).sum((-2, -1)) / c, reduction)


def _soft_samples(rng: Rng) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(rng.normal(size=(4, 3)), rng.uniform(size=(4, 3)), reduction=reduction)
        yield Sample(
            rng.normal(size=(4, 3)),
            Constant(rng.integers(0, 2, (4, 3)) * 1.0),
            Constant(rng.uniform(0.5, 2.0, 3)),
            reduction=reduction,
        )
    yield Sample(rng.normal(size=3) * 50, Constant(np.array([0.0, 1.0, 1.0])))
    yield Sample(np.zeros((0, 3)), np.zeros((0, 3)), reduction="sum")


def _soft_errors() -> Iterator[ErrorSample]:
    where, x = "multilabel_soft_margin_loss", np.ones((2, 3))
    yield ErrorSample(ShapeError, (where, "(2, 3)", "(2, 1)"), x, np.ones((2, 1)))
    yield ErrorSample(ParameterError, ("reduction", "'avg'"), x, x, reduction="avg")
    yield ErrorSample(DTypeError, (where, "input", "int64"), x.astype(np.int64), x)


@composition(_soft_samples, _soft_errors)
def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """The mean over classes of yes or no: lₙ = −1/C · Σ_c w[c] · (t · ln σ(x[n, c]) + (1 − t) · ln σ(−x[n, c])).

    Shapes: input and target (N, C) or (C,); weight broadcasts; output (), or (N,) with reduction "none".

    Args:
        input: logits.
        target: 1 for the classes that are there, 0 for the others.
        weight: w.
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".
    Raises:
        ShapeError: the shapes differ.
        ParameterError: an unknown reduction.

    >>> import minicnn
    >>> multilabel_soft_margin_loss(minicnn.tensor([[0.0, 0.0]]), minicnn.tensor([[1.0, 0.0]]))
    tensor(0.6931)
    """
    where = "multilabel_soft_margin_loss"
    reduction = old_reduction(reduction, size_average, reduce)
    need_reduction(where, reduction)
    need_tensors(where, target=target)
    need_float_tensors(where, input=input, weight=weight)
    if input.shape != target.shape or not input.ndim:
        raise ShapeError(
            message(
                where,
                f"target expects the input's shape {tuple(input.shape)}, got {tuple(target.shape)}.",
                "one number for each of the C classes",
                "reshape one of them.",
            )
        )
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    return reduced((loss if weight is None else loss * weight).mean(-1), reduction)


def _manhattan(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).abs().sum(-1)


def _triplet_samples(rng: Rng) -> Iterator[Sample]:
    def draw(*shape: int) -> list[Any]:
        return [rng.normal(size=shape) for _ in range(3)]

    for reduction in ("mean", "sum", "none"):
        yield Sample(*draw(4, 3), reduction=reduction)
        yield Sample(*draw(4, 3), distance_function=_manhattan, swap=True, reduction=reduction)
    yield Sample(*draw(4, 3), margin=0.3)
    yield Sample(*draw(3), margin=5.0)
    yield Sample(*draw(0, 3), reduction="sum")


def _triplet_errors() -> Iterator[ErrorSample]:
    where, x = "triplet_margin_with_distance_loss", np.ones((2, 3))
    yield ErrorSample(ShapeError, (where, "(2, 3)", "(2, 4)"), x, np.ones((2, 4)), x)
    yield ErrorSample(ParameterError, (where, "margin", "0"), x, x, x, margin=0.0)
    yield ErrorSample(ParameterError, ("reduction", "'avg'"), x, x, x, reduction="avg")


@composition(_triplet_samples, _triplet_errors)
def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with a distance of one's own: l = max(0, d(a, p) − d(a, n) + m).

    Shapes: anchor, positive and negative (N, *); output (), or what d returns, (N,), with reduction "none".

    Args:
        distance_function: d, of two tensors; `pairwise_distance` if None.
        margin: m.
        swap: take d(p, n) for d(a, n) where it is smaller.
        reduction: "mean", "sum" or "none".
    Raises:
        ShapeError: the three do not broadcast, or differ in their number of dims.
        ParameterError: margin is not above 0, or an unknown reduction.
    Source: Balntas et al., "Learning Local Feature Descriptors with Triplets" (2016), section 3.

    >>> import minicnn
    >>> a, n = minicnn.zeros(1, 2), minicnn.tensor([[0.5, 0.0]])
    >>> triplet_margin_with_distance_loss(a, a, n, distance_function=lambda x, y: (x - y).abs().sum(-1))
    tensor(0.5000)
    """
    where = "triplet_margin_with_distance_loss"
    need_reduction(where, reduction)
    need_float_tensors(where, anchor=anchor, positive=positive, negative=negative)
    if margin <= 0:
        raise ParameterError(
            message(where, f"margin expects a number above 0, got {margin}.", f"margin = {margin}", "use margin=1.0.")
        )
    alike(where, anchor=anchor, positive=positive, negative=negative)
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = ops.minimum(far, distance(positive, negative))
    return reduced((near - far + margin).clamp(min=0), reduction)
