"""Cross entropy of logits and classes: log-softmax and the negative log-likelihood, in one op."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.fused import Fused
from minicnn.autograd.graph import wrap
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend, backend_of
from minicnn.errors import DTypeError, GraphError, IndexRangeError, ParameterError, ShapeError, message, warn
from minicnn.ops.checks import need_floats, need_one_device, need_one_dtype, need_reduction, need_tensors
from minicnn.ops.fused.softmax import log_softmax
from minicnn.ops.fused.spatial import Settled
from minicnn.ops.primitive.shape import Permute, Reshape

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class CrossEntropy(Fused):
    """(x (N, C), target (N,), alive (N,) or None, weight (C,) or None) -> loss (N,) or ().

    lₙ = aₙ · ((1 − s) · w[tₙ] · (−ln p[n, tₙ]) + s/C · Σ_c w_c · (−ln p[n, c])), the mean being Σ lₙ / Σ aₙ · w[tₙ];
    aₙ is 0 for ignored rows and 1 for others, or None where no row is ignored; s is the label smoothing.
    """

    reads = (1, 2, 3)

    @staticmethod
    def definition(
        x: Tensor, target: Tensor, alive: Tensor | None, weight: Tensor | None, *, smoothing: float, reduction: str
    ) -> Tensor:
        n, c = x.shape
        if alive is None:
            alive = x.detach()[:, 0] * 0 + 1
        x = x.masked_fill((alive == 0).unsqueeze(1), 0.0)  # chosen, not multiplied by 0: ignored rows may hold −∞
        log_p = x - x.logsumexp(1, keepdim=True)
        weights = (weight if weight is not None else x.detach()[0] * 0 + 1).expand(n, c)
        picked = weights.gather(1, target.unsqueeze(1)).squeeze(1) * alive
        loss = -log_p.gather(1, target.unsqueeze(1)).squeeze(1) * picked * (1 - smoothing)
        loss = loss - (log_p * weights).sum(1) * alive * (smoothing / c)
        if reduction == "none":
            return loss
        return loss.sum() if reduction == "sum" else loss.sum() / picked.sum()

    @staticmethod
    def forward(
        be: Backend,
        x: Array,
        target: Array,
        alive: Array | None,
        weight: Array | None,
        *,
        smoothing: float,
        reduction: str,
    ) -> tuple[Array, tuple[Array, Array | None]]:
        loss, log_p, picked = be.cross_entropy(x, target, alive, weight, smoothing)
        if reduction == "none":
            return loss, (log_p, picked)
        total = loss.sum()
        return (total if reduction == "sum" else total / _count(target, picked)), (log_p, picked)

    @staticmethod
    def backward(
        be: Backend,
        grads: Sequence[Array],
        saved: tuple[Array, Array | None],
        needs: Sequence[bool],
        x: Array,
        target: Array,
        alive: Array | None,
        weight: Array | None,
        *,
        smoothing: float,
        reduction: str,
    ) -> list[Array]:
        """dx[n, c] = gₙ · (p · (aₙ + bₙ · Σ w) − bₙ · w_c − aₙ · [c = tₙ]), a the class's part and b smoothing's."""
        log_p, picked = saved
        g = grads[0] / _count(target, picked) if reduction == "mean" else grads[0]
        dx = be.cross_entropy_grad(g, target, alive, weight, log_p, picked, smoothing)
        return [dx, None, None, None]

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        x, t = rng.normal(size=(4, 3)), np.array([2, 0, 1, 1])
        for reduction in ("mean", "sum", "none"):
            yield Sample(x, t, reduction=reduction)
        yield Sample(x, t, label_smoothing=0.1)
        yield Sample(x, np.array([2, -100, 1, -100]), label_smoothing=0.2, reduction="none")
        yield Sample(x, np.array([2, 0, 0, 1]), ignore_index=0)
        weight = Constant(rng.uniform(0.5, 2.0, 3))
        for reduction in ("mean", "sum", "none"):
            yield Sample(x, np.array([2, -100, 0, 1]), weight, label_smoothing=0.1, reduction=reduction)
        yield Sample(x, t, weight)
        infinite = x.copy()
        infinite[0, 1] = -np.inf  # in an ignored row
        yield Sample(infinite, np.array([-100, 0, 1, 2]))
        yield Sample(rng.normal(size=(2, 3, 2, 2)), rng.integers(0, 3, (2, 2, 2)))
        yield Sample(rng.normal(size=(2, 3, 2)), rng.integers(0, 3, (2, 2)), reduction="none")
        yield Sample(rng.normal(size=3), np.array(1))
        yield Sample(x + 1e4, t)
        soft = rng.uniform(0.1, 1.0, (4, 3))
        yield Sample(x, soft / soft.sum(1, keepdims=True))
        yield Sample(x, soft / soft.sum(1, keepdims=True), weight)
        yield Sample(x, soft / soft.sum(1, keepdims=True), label_smoothing=0.1, reduction="sum")

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        x = np.ones((2, 3))
        yield ErrorSample(IndexRangeError, ("cross_entropy", "target", "0 to 2", "3"), x, np.array([0, 3]))
        yield ErrorSample(IndexRangeError, ("target", "-1"), x, np.array([0, -1]))
        yield ErrorSample(ShapeError, ("target", "(2,)", "(3,)"), x, np.array([0, 1, 2]))
        yield ErrorSample(ShapeError, ("empty", "(0, 3)"), np.ones((0, 3)), np.array([], dtype=np.int64))
        yield ErrorSample(ParameterError, ("reduction", "'avg'"), x, np.array([0, 1]), reduction="avg")
        yield ErrorSample(ParameterError, ("label_smoothing", "2"), x, np.array([0, 1]), label_smoothing=2.0)
        yield ErrorSample(DTypeError, ("input", "int64"), np.ones((2, 3), dtype=np.int64), np.array([0, 1]))


def _count(target: Array, picked: Array | None) -> Any:
    """What the mean divides by."""
    return len(target) if picked is None else picked.sum()


_settled = Settled()


@CrossEntropy.public
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """How far the softmax of logits is from the classes: l = −ln softmax(x)[t].

    lₙ = (1 − s) · w[tₙ] · (−ln p[n, tₙ]) + s/C · Σ_c w_c · (−ln p[n, c]), p = softmax(x); the mean is Σ lₙ / Σ w[tₙ].

    Shapes: input (N, C), (N, C, d₁, ...) or (C,); target (N,), (N, d₁, ...) or () of class numbers, or of the
    input's shape with a probability for each class; output (), or the target's shape with reduction "none".

    Args:
        weight: w, one a class, (C,).
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        ignore_index: rows with this class count nothing.
        reduction: "mean", "sum" or "none".
        label_smoothing: s, from 0 to 1: how much of the target is spread over all classes.
    Gradient: dx = (softmax(x) − onehot(t)) / N, for the plain mean.
    Raises:
        IndexRangeError: a class outside [0, C).
        ShapeError: the shapes do not fit, or the mean is asked of an empty batch (PyTorch gives NaN).
        DTypeError: logits that are no floats.
    Source: Szegedy et al., "Rethinking the Inception Architecture" (2015), section 7 (label smoothing).

    >>> import minicnn
    >>> cross_entropy(minicnn.tensor([[0.0, 0.0]]), minicnn.tensor([1]))
    tensor(0.6931)
    """
    reduction = old_reduction(reduction, size_average, reduce)
    key = _settled.key((input, target), (reduction,)) if weight is None else None
    if key is None or key not in _settled.known or not 0.0 <= label_smoothing <= 1.0:
        _check(input, target, weight, reduction, label_smoothing)
        _settled.keep(key, True)
    if type(target._array) is not type(input._array):
        need_one_device("cross_entropy", input=input, target=target)
    if target._array.dtype.kind == "f":
        return _soft(input, target, weight, reduction, label_smoothing)
    c = input.shape[1 if input.ndim > 1 else 0]
    classes, alive = _classes(input, target, c, operator.index(ignore_index))
    rows: Any = Permute.apply(input, dims=(0, *range(2, input.ndim), 1)) if input.ndim > 2 else input
    rows = rows if rows.ndim == 2 else Reshape.apply(rows, shape=(classes.numel(), c))  # (N·d, C)
    loss: Tensor = CrossEntropy.apply(
        rows,
        classes,
        None if alive is None else wrap(alive),
        weight,
        smoothing=float(label_smoothing),
        reduction=reduction,
    )
    return loss.reshape(target.shape) if reduction == "none" else loss


def _classes(x: Tensor, target: Tensor, c: int, ignore: int) -> tuple[Tensor, Array | None]:
    """Return the class of each row, 0 where it is ignored, and 0 or 1 for ignored and other rows; None if all count."""
    be = backend_of(x._array)
    labels, xp = target._array.reshape(-1), be.xp
    plain = labels.dtype == np.int64 and not 0 <= ignore < c
    if plain and not be.may_hold(labels.view("uint64") >= c):  # which a device is not asked
        # A negative label is a large one, unsigned. The target itself, so that writes to it before backward are seen.
        return (target if target.ndim == 1 else Reshape.apply(target, shape=(labels.size,))), None
    ignored = labels == ignore
    classes = xp.where(ignored, 0, labels)
    got = f"input {tuple(x.shape)} has {c} classes; ignore_index is {ignore}"
    be.check_range("cross_entropy", classes, 0, c - 1, lambda label: wrong_class("cross_entropy", c, label, got))
    return wrap(classes), (~ignored).astype(x.dtype)


def wrong_class(where: str, classes: int, label: int, got: str, least: int = 0) -> IndexRangeError:
    """Return the error for a label that is no class."""
    problem = f"target expects classes from {least} to {classes - 1}, got {label}."
    return IndexRangeError(message(where, problem, got, "check the labels, or give the network more outputs."))


def old_reduction(reduction: str, size_average: Any, reduce: Any) -> str:
    """Return ``reduction``, or what PyTorch's old pair of arguments stands for where one is given."""
    if size_average is None and reduce is None:
        return reduction
    meant = "none" if reduce is False else "sum" if size_average is False else "mean"
    warn(f"size_average and reduce are deprecated: write reduction={meant!r}.")
    return meant


def _soft(x: Tensor, target: Tensor, weight: Tensor | None, reduction: str, smoothing: float) -> Tensor:
    """The loss for probabilities as targets; the mean is over the rows."""
    dim = 1 if x.ndim > 1 else 0
    c = x.shape[dim]
    log_p = log_softmax(x, dim)
    if weight is not None:
        log_p = log_p * weight.reshape((c,) + (1,) * (x.ndim - dim - 1))
    loss = -(log_p * (target * (1 - smoothing) + smoothing / c)).sum(dim)
    if reduction == "none":
        return loss
    return loss.sum() if reduction == "sum" else loss.mean()


def _check(x: Tensor, target: Tensor, weight: Tensor | None, reduction: str, smoothing: float) -> None:
    need_tensors("cross_entropy", input=x, target=target, weight=weight)
    shapes = f"input {tuple(x.shape)} = (N, C, ...); target {tuple(target.shape)} of {target.dtype}"
    need_floats("cross_entropy", "input", x)
    if target.dtype.kind == "b":
        raise DTypeError(
            message(
                "cross_entropy",
                "target expects classes or probabilities, got bools.",
                shapes,
                "convert it: target.long().",
            )
        )
    if x.ndim == 0:
        raise ShapeError(
            message("cross_entropy", "input expects at least 1 dim (C,).", shapes, "give one logit per class.")
        )
    expected = tuple(x.shape) if target.dtype.kind == "f" else (*x.shape[:1], *x.shape[2:])[x.ndim == 1 :]
    if tuple(target.shape) != expected:
        raise ShapeError(
            message(
                "cross_entropy",
                f"target expects shape {expected}, got {tuple(target.shape)}.",
                shapes,
                "give one class number per row, or probabilities of the input's shape.",
            )
        )
    need_reduction("cross_entropy", reduction)
    need_one_device("cross_entropy", input=x, target=target, weight=weight)
    need_one_dtype("cross_entropy", input=x, weight=weight)
    if weight is not None and weight.requires_grad:
        raise GraphError(
            message(
                "cross_entropy",
                "the weights of classes are constants, these require grad.",
                f"weight {tuple(weight.shape)}",
                "pass weight.detach().",
            )
        )
    if not 0.0 <= smoothing <= 1.0:
        raise ParameterError(
            message(
                "cross_entropy",
                f"label_smoothing expects a number from 0 to 1, got {smoothing}.",
                shapes,
                "use 0.1, for example.",
            )
        )
    if weight is not None and tuple(weight.shape) != tuple(x.shape[1 if x.ndim > 1 else 0 :][:1]):
        raise ShapeError(
            message(
                "cross_entropy",
                f"weight expects one number per class, got shape {tuple(weight.shape)}.",
                shapes,
                "give it shape (C,).",
            )
        )
    if reduction == "mean" and not x.numel():
        raise ShapeError(
            message(
                "cross_entropy",
                "the mean over an empty batch has no value.",
                shapes,
                "skip empty batches, or use reduction='sum'.",
            )
        )
