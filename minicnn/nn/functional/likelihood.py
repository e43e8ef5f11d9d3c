"""Losses of probabilities: the negative log-likelihood of classes and of yes or no, divergence, counts."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn import ops
from minicnn.autograd.op import composition
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import backend_of
from minicnn.errors import DTypeError, IndexRangeError, ParameterError, ShapeError, message
from minicnn.nn.functional.common import need_float_tensors, reduced
from minicnn.nn.functional.loss import check_pair, pair_errors
from minicnn.nn.functional.smooth import logsigmoid
from minicnn.ops.checks import check_range, need_one_device, need_reduction, need_tensors
from minicnn.ops.fused.cross_entropy import old_reduction, wrong_class
from minicnn.tensor import Tensor

EPS = float(np.float32(1e-12))  # PyTorch's, in float64 too


def _nll_samples(rng: Rng) -> Iterator[Sample]:
    x, t = rng.normal(size=(4, 3)), np.array([2, 0, 1, 1])
    weight = Constant(rng.uniform(0.5, 2.0, 3))
    for reduction in ("mean", "sum", "none"):
        yield Sample(x, t, reduction=reduction)
        yield Sample(x, np.array([2, -100, 0, 1]), weight, reduction=reduction)
        yield Sample(rng.normal(size=(2, 3, 2, 2)), rng.integers(0, 3, (2, 2, 2)), weight, reduction=reduction)
    yield Sample(x, t, ignore_index=1)
    yield Sample(rng.normal(size=3), np.array(1))
    yield Sample(np.zeros((0, 3)), np.zeros(0, dtype=np.int64), reduction="sum")


def _nll_errors() -> Iterator[ErrorSample]:
    x = np.ones((2, 3))
    yield ErrorSample(IndexRangeError, ("nll_loss", "target", "0 to 2", "3"), x, np.array([0, 3]))
    yield ErrorSample(ShapeError, ("target", "(2,)", "(3,)"), x, np.array([0, 1, 2]))
    yield ErrorSample(ShapeError, ("weight", "(3,)", "(2,)"), x, np.array([0, 1]), np.ones(2))
    yield ErrorSample(DTypeError, ("target", "float64"), x, np.ones(2))
    yield ErrorSample(ParameterError, ("reduction", "'avg'"), x, np.array([0, 1]), reduction="avg")


@composition(_nll_samples, _nll_errors)
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """The negative log-likelihood of classes: lₙ = −w[tₙ] · x[n, tₙ], x being logarithms; the mean is Σ lₙ / Σ w[tₙ].

    Shapes: input (N, C), (N, C, d₁, ...) or (C,); target (N,), (N, d₁, ...) or (); output (), or the target's shape
    with reduction "none".

    Args:
        target: classes.
        weight: w, one a class, (C,).
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        ignore_index: targets of this class count nothing.
        reduction: "mean", "sum" or "none".
    Raises:
        IndexRangeError: a class outside [0, C).
        ShapeError: the shapes do not fit.
        DTypeError: the input is not of floats, or the target not of integers.

    >>> import minicnn
    >>> nll_loss(minicnn.tensor([[-0.5, -1.0]]), minicnn.tensor([1]))
    tensor(1.)
    """
    reduction = old_reduction(reduction, size_average, reduce)
    _check_nll(input, target, weight, reduction)
    dim = 1 if input.ndim > 1 else 0
    c = input.shape[dim]
    ignored = target == operator.index(ignore_index)
    classes = ops.where(ignored, 0, target).long()
    got = f"input {tuple(input.shape)} has {c} classes; ignore_index is {ignore_index}"
    check_range("nll_loss", classes, 0, c - 1, lambda label: wrong_class("nll_loss", c, label, got))
    loss = -input.gather(dim, classes.unsqueeze(dim)).squeeze(dim)
    share = (~ignored).to(input.dtype) if weight is None else weight[classes].masked_fill(ignored, 0.0)
    loss = (loss if weight is None else loss * share).masked_fill(ignored, 0.0)
    return loss.sum() / share.sum() if reduction == "mean" else reduced(loss, reduction)


def _check_nll(x: Tensor, target: Tensor, weight: Tensor | None, reduction: str) -> None:
    need_tensors("nll_loss", target=target)
    need_float_tensors("nll_loss", input=x, weight=weight)
    need_reduction("nll_loss", reduction)
    need_one_device("nll_loss", input=x, target=target, weight=weight)
    shapes = f"input {tuple(x.shape)} = (N, C, ...); target {tuple(target.shape)} of {target.dtype}"
    if target.dtype.kind not in "iu":
        raise DTypeError(
            message("nll_loss", f"target expects classes, got {target.dtype}.", shapes, "convert it: target.long().")
        )
    expected = (*x.shape[:1], *x.shape[2:])[x.ndim == 1 :]
    if x.ndim == 0 or tuple(target.shape) != expected:
        raise ShapeError(
            message(
                "nll_loss",
                f"target expects shape {expected}, got {tuple(target.shape)}.",
                shapes,
                "give one class number per row.",
            )
        )
    classes = tuple(x.shape[1 if x.ndim > 1 else 0 :][:1])
    if weight is not None and tuple(weight.shape) != classes:
        raise ShapeError(
            message(
                "nll_loss",
                f"weight expects shape {classes}, one number per class, got {tuple(weight.shape)}.",
                shapes,
                "give it shape (C,).",
            )
        )


def _yes_no(rng: Rng, *shape: int) -> tuple[Any, Any]:
    return rng.uniform(0.1, 0.9, shape), rng.uniform(0.0, 1.0, shape)


def _bce_samples(rng: Rng) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(*_yes_no(rng, 3, 4), reduction=reduction)
        yield Sample(*_yes_no(rng, 3, 4), Constant(rng.uniform(0.5, 2.0, 4)), reduction=reduction)
    yield Sample(*_yes_no(rng))
    yield Sample(*_yes_no(rng, 0, 2), reduction="sum")
    ends = np.array([0.0, 1.0, 0.0, 1.0, 1e-30, 0.5])  # the value alone: there is no difference quotient
    yield Sample(Constant(ends), Constant(np.array([0.0, 1.0, 1.0, 0.0, 0.5, 0.3])), reduction="none")


def _bce_errors() -> Iterator[ErrorSample]:
    x = np.full((2, 3), 0.5)
    yield ErrorSample(ShapeError, ("binary_cross_entropy", "(2, 3)", "(2, 1)"), x, np.ones((2, 1)))
    yield ErrorSample(ParameterError, ("between 0 and 1", "2"), x * 4, x)
    yield ErrorSample(ParameterError, ("reduction", "'avg'"), x, x, reduction="avg")
    yield ErrorSample(DTypeError, ("target", "int64"), x, np.ones((2, 3), dtype=np.int64))


def _need_same_shape(where: str, x: Tensor, target: Tensor) -> None:
    if x.shape != target.shape:
        raise ShapeError(
            message(
                where,
                f"target expects the input's shape {tuple(x.shape)}, got {tuple(target.shape)}.",
                f"input {tuple(x.shape)}; target {tuple(target.shape)}",
                "reshape one: target.view_as(input), or input.squeeze(1).",
            )
        )


def _bounded_log(x: Tensor) -> Tensor:
    """ln x, no less than −100."""
    low = x < math.exp(-100)
    return x.masked_fill(low, 1.0).log().masked_fill(low, -100.0)


def _at_the_ends(x: Tensor, target: Tensor) -> Tensor:
    """The loss where x · (1 − x) is below ε: its value, and the slope (x − t) / ε, as PyTorch has it.

    The true slope grows without bound there, and is infinite at 0 and 1.
    """
    held = x.detach()
    loss = -(target * _bounded_log(held) + (1 - target) * _bounded_log(1 - held))
    return loss + ((x * x - held * held) * 0.5 - target * (x - held)) / EPS  # adds 0, with gradient (x − t) / ε


@composition(_bce_samples, _bce_errors)
def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """The cross entropy of yes or no: l = −w · (t · ln x + (1 − t) · ln(1 − x)), logarithms held at −100 or more.

    Its gradient is held too, as PyTorch's is: dl/dx = w · (x − t) / max(x · (1 − x), 1e-12), at 0 and 1 as well.
    The target's is held as the logarithms are, where PyTorch's is infinite at 0 and 1.

    Shapes: input and target (*); weight broadcasts; output (), or (*) with reduction "none".

    Args:
        input: probabilities; for logits, `binary_cross_entropy_with_logits` is exact where this one is not.
        target: probabilities, often 0 and 1.
        weight: w.
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".
    Raises:
        ShapeError: the shapes differ.
        ParameterError: an input outside [0, 1], or an unknown reduction.
        DTypeError: an argument is not of floats.

    >>> import minicnn
    >>> binary_cross_entropy(minicnn.tensor([0.5]), minicnn.tensor([1.0]))
    tensor(0.6931)
    """
    where = "binary_cross_entropy"
    reduction = old_reduction(reduction, size_average, reduce)
    need_float_tensors(where, input=input, target=target, weight=weight)
    need_reduction(where, reduction)
    _need_same_shape(where, input, target)
    got, fix = f"input {tuple(input.shape)}", "apply sigmoid first, or use binary_cross_entropy_with_logits."

    def outside(value: float) -> ParameterError:
        return ParameterError(
            message(where, f"input expects probabilities between 0 and 1, got {float(value)}.", got, fix)
        )

    check_range(where, input, 0, 1, outside)
    end = (input * (1 - input)).detach() < EPS
    inner = input.masked_fill(end, 0.5)
    loss = -(target * inner.log() + (1 - target) * (-inner).log1p())
    if backend_of(end._array).may_hold(end._array):
        loss = ops.where(end, _at_the_ends(input, target), loss)
    return reduced(loss if weight is None else loss * weight, reduction)


def _logits_samples(rng: Rng) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(rng.normal(size=(3, 4)), rng.uniform(size=(3, 4)), reduction=reduction)
        yield Sample(
            rng.normal(size=(3, 4)),
            rng.uniform(size=(3, 4)),
            Constant(rng.uniform(0.5, 2.0, (3, 1))),
            reduction=reduction,
            pos_weight=Constant(rng.uniform(0.5, 2.0, 4)),
        )
    yield Sample(rng.normal(size=3) * 100, np.array([0.0, 1.0, 0.5]))
    yield Sample(np.zeros((0, 2)), np.zeros((0, 2)), reduction="sum")


def _logits_errors() -> Iterator[ErrorSample]:
    x = np.ones((2, 3))
    yield ErrorSample(ShapeError, ("binary_cross_entropy_with_logits", "(2, 3)", "(2, 1)"), x, np.ones((2, 1)))
    yield ErrorSample(ParameterError, ("reduction", "'avg'"), x, x, reduction="avg")
    yield ErrorSample(DTypeError, ("input", "int64"), np.ones(3, dtype=np.int64), np.ones(3))


@composition(_logits_samples, _logits_errors)
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """The cross entropy of yes or no, from logits: l = −w · (p · t · ln σ(x) + (1 − t) · ln(1 − σ(x))).

    Computed as w · ((1 − t) · x − (1 + (p − 1) · t) · ln σ(x)), which never overflows.

    Shapes: input and target (*); weight and pos_weight broadcast; output (), or (*) with reduction "none".

    Args:
        input: logits.
        target: probabilities, often 0 and 1.
        weight: w.
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".
        pos_weight: p, how much more a yes counts than a no.
    Raises:
        ShapeError: the shapes differ.
        DTypeError: an argument is not of floats.
        ParameterError: an unknown reduction.

    >>> import minicnn
    >>> binary_cross_entropy_with_logits(minicnn.tensor([0.0]), minicnn.tensor([1.0]))
    tensor(0.6931)
    """
    where = "binary_cross_entropy_with_logits"
    reduction = old_reduction(reduction, size_average, reduce)
    need_float_tensors(where, input=input, target=target, weight=weight, pos_weight=pos_weight)
    need_reduction(where, reduction)
    _need_same_shape(where, input, target)
    share: Any = 1 if pos_weight is None else (pos_weight - 1) * target + 1
    loss = (1 - target) * input - logsigmoid(input) * share
    return reduced(loss if weight is None else loss * weight, reduction)


def _kl_samples(rng: Rng) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none", "batchmean"):
        yield Sample(rng.normal(size=(3, 4)), rng.uniform(0.1, 1.0, (3, 4)), reduction=reduction)
    yield Sample(rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), log_target=True)
    yield Sample(np.zeros((0, 2)), np.ones((0, 2)), reduction="sum")


def _kl_errors() -> Iterator[ErrorSample]:
    yield from pair_errors("kl_div")()


@composition(_kl_samples, _kl_errors)
def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """The divergence of a distribution from a target: l = t · (ln t − x), x being logarithms, 0 where t is 0.

    Shapes: input and target (*); output (), or (*) with reduction "none".

    Args:
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean" over all elements; "batchmean", the sum over N, which is the divergence; "sum" or "none".
        log_target: whether the target holds logarithms too: l = eᵗ · (t − x).
    Raises:
        ShapeError: the shapes do not broadcast.
        ParameterError: an unknown reduction.
    Source: Kullback and Leibler, "On Information and Sufficiency" (1951), equation 2.4.

    >>> import minicnn
    >>> kl_div(minicnn.tensor([[0.5, 0.5]]).log(), minicnn.tensor([[0.0, 1.0]]), reduction="batchmean")
    tensor(0.6931)
    """
    reduction = old_reduction(reduction, size_average, reduce)
    check_pair("kl_div", input, target, "sum" if reduction == "batchmean" else reduction)
    if log_target:
        loss = target.exp() * (target - input)
    else:
        zero = target == 0
        loss = target * target.masked_fill(zero, 1.0).log() - target * input
    return loss.sum() / input.shape[0] if reduction == "batchmean" else reduced(loss, reduction)
