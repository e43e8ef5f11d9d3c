"""Losses of pairs and triplets: distances, similarities and margins."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minicnn import ops
from minicnn.autograd.graph import wrap
from minicnn.autograd.op import composition
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import backend_of
from minicnn.errors import ArgumentTypeError, DTypeError, IndexRangeError, ParameterError, ShapeError, message
from minicnn.nn.functional.common import need_float_tensors, need_number, need_positive, reduced
from minicnn.nn.functional.loss import check_pair, pair_errors
from minicnn.ops.checks import need_given, need_reduction, need_tensors
from minicnn.ops.fused.cross_entropy import old_reduction
from minicnn.ops.primitive.dims import normal_dim
from minicnn.tensor import Tensor


def _broadcast(where: str, **tensors: Tensor) -> tuple[int, ...]:
    """Return the shape that the tensors broadcast to; raise an error where they do not."""
    need_float_tensors(where, **tensors)
    shapes = [tuple(x.shape) for x in tensors.values()]
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise ShapeError(
            message(
                where,
                f"expects shapes that broadcast, got {', '.join(map(str, shapes))}.",
                "; ".join(f"{name} {shape}" for name, shape in zip(tensors, shapes, strict=True)),
                "reshape one of them.",
            )
        ) from None


def alike(where: str, **tensors: Tensor) -> None:
    """Raise ShapeError unless the tensors have as many dims and broadcast: (N, 1) against (N,) would give (N, N)."""
    _broadcast(where, **{name: x for name, x in tensors.items() if name != "target"})
    if len({x.ndim for x in tensors.values()}) > 1:
        shapes = [f"{name} {tuple(x.shape)}" for name, x in tensors.items()]
        counts = ", ".join(str(x.ndim) for x in tensors.values())
        raise ShapeError(
            message(
                where,
                f"{', '.join(tensors)} expect equally many dims, got {counts}.",
                "; ".join(shapes),
                "x.squeeze(1) removes a dim of size 1, x.unsqueeze(1) adds one.",
            )
        )


def _signs(rng: Rng, *shape: int) -> Constant:
    return Constant(np.where(np.arange(int(np.prod(shape))).reshape(shape) % 2, -1.0, 1.0))


def _similarity_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(3, 4)), rng.normal(size=(3, 4)))
    yield Sample(rng.normal(size=(3, 4)), rng.normal(size=(1, 4)), -1)
    yield Sample(rng.normal(size=(2, 3, 2)), rng.normal(size=(2, 3, 2)), dim=-1, eps=1e-3)
    yield Sample(np.zeros((0, 3)), np.zeros((0, 3)))
    yield Sample(rng.normal(size=4), rng.normal(size=4), 0)
    yield Sample(rng.normal(size=(2, 1, 3)), rng.normal(size=(1, 4, 3)), 2)
    yield Sample(rng.normal(size=(2, 3)), rng.normal(size=(2, 3)) * 1e3)  # lengths do not matter


def _similarity_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("cosine_similarity", "(2, 3)", "(2, 4)"), np.ones((2, 3)), np.ones((2, 4)))
    yield ErrorSample(IndexRangeError, ("cosine_similarity", "1"), np.ones(3), np.ones(3))
    yield ErrorSample(ParameterError, ("eps", "-1.0"), np.ones((2, 3)), np.ones((2, 3)), eps=-1.0)


@composition(_similarity_samples, _similarity_errors)
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors: y = a · b / (max(‖a‖, ε) · max(‖b‖, ε)).

    Shapes: x1 and x2 (*, D, *), broadcast; output without the dim.

    Args:
        dim: along which the vectors lie.
        eps: ε, against division by 0.
    Raises:
        ShapeError: the shapes do not broadcast.
        IndexRangeError: there is no such dim.

    >>> import minicnn
    >>> cosine_similarity(minicnn.tensor([[1.0, 0.0]]), minicnn.tensor([[1.0, 1.0]]))
    tensor([0.7071])
    """
    need_positive("cosine_similarity", "eps", eps, or_zero=True)
    shape = _broadcast("cosine_similarity", x1=x1, x2=x2)
    a, b = x1.expand(shape), x2.expand(shape)
    dim = normal_dim("cosine_similarity", dim, a.ndim)
    a, b = (x / ops.norm(x, 2, dim, True).clamp(min=eps) for x in (a, b))
    return (a * b).sum(dim)


def _distance_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(3, 4)), rng.normal(size=(3, 4)))
    yield Sample(rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), 1.0, keepdim=True)
    yield Sample(rng.normal(size=4), rng.normal(size=4), p=3.0, eps=0.1)
    yield Sample(rng.normal(size=(2, 3, 2)), rng.normal(size=2) + 5.0, keepdim=True)
    yield Sample(rng.normal(size=(1, 4)), rng.normal(size=(3, 4)), p=float("inf"))
    yield Sample(np.ones((2, 3)), np.ones((2, 3)))  # apart by eps alone
    yield Sample(rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), p=-math.inf)
    yield Sample(Constant(np.array([[1.0, 2.0]])), Constant(np.array([[1.0, 5.0]])), p=0, eps=0.0)
    yield Sample(rng.normal(size=(2, 3)), rng.normal(size=(2, 3)) + 4.0, p=-2)
    yield Sample(rng.normal(size=(0, 4)), rng.normal(size=(0, 4)))


def _distance_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("pairwise_distance", "(2, 3)", "(2, 4)"), np.ones((2, 3)), np.ones((2, 4)))
    yield ErrorSample(ArgumentTypeError, ("p", "a number", "str"), np.ones((2, 3)), np.ones((2, 3)), "nuc")


@composition(_distance_samples, _distance_errors)
def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The distance of vectors along the last dim: y = ‖a − b + ε‖ₚ.

    Shapes: x1 and x2 (N, D) or (D,); output (N,) or (); with keepdim (N, 1) or (1,).

    Args:
        p: which norm, as that of `norm`: 2 for the length.
        eps: ε, so that the gradient exists where a = b.
        keepdim: keep the last dim, with size 1.
    Raises:
        ShapeError: the shapes do not broadcast.
        ArgumentTypeError: p is no number.

    >>> import minicnn
    >>> pairwise_distance(minicnn.tensor([[3.0, 4.0]]), minicnn.zeros(1, 2))
    tensor([5.0000])
    """
    _broadcast("pairwise_distance", x1=x1, x2=x2)
    need_number("pairwise_distance", "p", p)
    return ops.norm(x1 - x2 + eps, p, -1, keepdim)


def _pdist_samples(rng: Rng) -> Iterator[Sample]:
    for p in (1.0, 2, 3.5, math.inf):
        yield Sample(rng.normal(size=(4, 3)), p)
    yield Sample(Constant(np.array([[1.0, 2.0], [1.0, 5.0], [1.0, 2.0]])), 0)  # how many coordinates differ
    yield Sample(rng.normal(size=(2, 3)))
    yield Sample(rng.normal(size=(1, 3)))  # no pairs
    yield Sample(np.zeros((3, 0)), math.inf)  # points of no coordinates
    yield Sample(rng.normal(size=(4, 1)), p=2.0)
    yield Sample(Constant(np.zeros((0, 3))))


def _pdist_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("pdist", "2 dims", "(3,)"), np.ones(3))
    yield ErrorSample(ParameterError, ("pdist", "p", "-1"), np.ones((2, 3)), -1)
    yield ErrorSample(DTypeError, ("pdist", "int64"), np.ones((2, 3), dtype=np.int64))


@composition(_pdist_samples, _pdist_errors)
def pdist(input: Tensor, p: float = 2) -> Tensor:
    """The distance of each row from each later one: y = ‖xᵢ − xⱼ‖ₚ for i < j, in the order of (0, 1), (0, 2), ...

    Shapes: input (N, D); output (N · (N − 1) / 2,).

    Args:
        p: which norm, of 0 or more, as that of `norm`: 2 for the length. Where two rows are equal there is no gradient.
    Raises:
        ShapeError: the input has not two dims.
        ParameterError: p is below 0.

    >>> import minicnn
    >>> pdist(minicnn.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]))
    tensor([5.0000, 1.0000, 4.2426])
    """
    need_float_tensors("pdist", input=input)
    need_positive("pdist", "p", p, or_zero=True)
    if input.ndim != 2:
        shape = tuple(input.shape)
        raise ShapeError(
            message("pdist", f"input expects 2 dims (N, D), got {len(shape)}.", f"input {shape}", "one point per row.")
        )
    asarray = backend_of(input._array).asarray
    first, second = (wrap(asarray(index)) for index in np.triu_indices(input.shape[0], 1))
    return ops.norm(input[first] - input[second], p if input.shape[1] else 1, 1)  # the largest of no differences is 0


def _hinge_samples(rng: Rng) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(rng.normal(size=(3, 4)), _signs(rng, 3, 4), reduction=reduction)
    yield Sample(rng.normal(size=5), _signs(rng, 5), 2.0)
    yield Sample(rng.normal(size=()), Constant(np.array(1.0)), margin=0.5)
    yield Sample(rng.normal(size=(2, 1, 3)) + 9.0, Constant(-np.ones((2, 1, 3))), reduction="none")  # no loss
    yield Sample(np.zeros((0, 2)), _signs(rng, 0, 2), reduction="sum")


@composition(_hinge_samples, pair_errors("hinge_embedding_loss"))
def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Distances small for alike pairs, large for others: l = x where t = 1, max(0, m − x) where t = −1.

    Shapes: input and target (*); output (), or (*) with reduction "none".

    Args:
        target: 1 or −1.
        margin: m.
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".
    Raises:
        ShapeError: the shapes do not broadcast.
        ParameterError: an unknown reduction.

    >>> import minicnn
    >>> hinge_embedding_loss(minicnn.tensor([0.5, 0.25]), minicnn.tensor([1, -1]), reduction="none")
    tensor([0.5000, 0.7500])
    """
    reduction = old_reduction(reduction, size_average, reduce)
    check_pair("hinge_embedding_loss", input, target, reduction)
    loss = ops.where(target != 1, (margin - input).clamp(min=0), 0.0) + ops.where(target != -1, input, 0.0)
    return reduced(loss, reduction)


def _ranking_samples(rng: Rng) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(rng.normal(size=4), rng.normal(size=4), _signs(rng, 4), reduction=reduction)
    yield Sample(rng.normal(size=4), rng.normal(size=4), _signs(rng, 4), 0.5)
    yield Sample(rng.normal(size=(2, 1, 3)), rng.normal(size=(2, 1, 3)), _signs(rng, 2, 1, 3), margin=-0.5)
    yield Sample(rng.normal(size=1), rng.normal(size=1) + 9.0, Constant(np.ones(1)), reduction="none")
    yield Sample(np.zeros(0), np.zeros(0), _signs(rng, 0), reduction="sum")


def _three(where: str, wrong: int = 2) -> Callable[[], Iterator[ErrorSample]]:
    def errors() -> Iterator[ErrorSample]:
        x = np.ones((2, 3))
        yield ErrorSample(ShapeError, (where, "(2, 3)", "(2, 4)"), x, np.ones((2, 4)), np.ones(2))
        yield ErrorSample(ParameterError, ("reduction", "'avg'"), x, x, np.ones((2, 3))[:, 0], reduction="avg")
        yield ErrorSample(ShapeError, ("target", "dims"), x, x, np.ones((2, 1, 3)))
        yield ErrorSample(ShapeError, ("input2", "dims"), x, np.ones(3), np.ones(2))
        yield ErrorSample(ArgumentTypeError, ("target expects a Tensor", "int"), x, x, 1)

    return errors


@composition(_ranking_samples, _three("margin_ranking_loss"))
def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Which of two is to rank higher: l = max(0, −t · (a − b) + m).

    Shapes: input1, input2 and target (*); output (), or (*) with reduction "none".

    Args:
        target: 1 where the first is to rank higher, −1 where the second.
        margin: m.
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".
    Raises:
        ShapeError: the shapes do not broadcast.
        ParameterError: an unknown reduction.

    >>> import minicnn
    >>> margin_ranking_loss(minicnn.tensor([1.0]), minicnn.tensor([3.0]), minicnn.tensor([1.0]))
    tensor(2.)
    """
    reduction = old_reduction(reduction, size_average, reduce)
    need_reduction("margin_ranking_loss", reduction)
    need_given("margin_ranking_loss", "target", target)
    alike("margin_ranking_loss", input1=input1, input2=input2, target=target)
    return reduced((-target * (input1 - input2) + margin).clamp(min=0), reduction)


def _cosine_samples(rng: Rng) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), _signs(rng, 4), reduction=reduction)
    yield Sample(rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), _signs(rng, 4), 0.3)
    yield Sample(rng.normal(size=3), rng.normal(size=3), Constant(np.array(1.0)))
    yield Sample(np.zeros((0, 3)), np.zeros((0, 3)), _signs(rng, 0), reduction="sum")


@composition(_cosine_samples, _three("cosine_embedding_loss"))
def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Vectors alike or not, by their angle: l = 1 − cos(a, b) where t = 1, max(0, cos(a, b) − m) where t = −1.

    Shapes: input1 and input2 (N, D) or (D,); target (N,) or (); output (), or (N,) with reduction "none".

    Args:
        target: 1 or −1.
        margin: m.
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".
    Raises:
        ShapeError: the shapes do not broadcast.
        ParameterError: an unknown reduction.

    >>> import minicnn
    >>> x = minicnn.tensor([[1.0, 0.0]])
    >>> cosine_embedding_loss(x, x, minicnn.tensor([-1]))
    tensor(1.)
    """
    where = "cosine_embedding_loss"
    reduction = old_reduction(reduction, size_average, reduce)
    need_reduction(where, reduction)
    need_tensors(where, target=target)
    alike(where, input1=input1, input2=input2)
    if target.ndim != input1.ndim - 1 or target.ndim > 1:
        shapes = f"input1 {tuple(input1.shape)}; input2 {tuple(input2.shape)}; target {tuple(target.shape)}"
        problem = f"target expects 1 dim for inputs (N, D), 0 dims for (D,), got {target.ndim}."
        raise ShapeError(message(where, problem, shapes, "give one target per pair of vectors."))
    a, b, eps = (input1 * input1).sum(-1), (input2 * input2).sum(-1), 1e-12
    cosine = (input1 * input2).sum(-1) / ((a + eps) * (b + eps)).sqrt()
    loss = ops.where(target == 1, 1 - cosine, 0.0) + ops.where(target == -1, (cosine - margin).clamp(min=0), 0.0)
    return reduced(loss, reduction)


def _triplet_samples(rng: Rng) -> Iterator[Sample]:
    def draw(*shape: int) -> list[Any]:
        return [rng.normal(size=shape) for _ in range(3)]

    for reduction in ("mean", "sum", "none"):
        yield Sample(*draw(4, 3), reduction=reduction)
    yield Sample(*draw(4, 3), 0.5, swap=True)
    yield Sample(*draw(4, 3), p=3.0, eps=0.1)
    yield Sample(*draw(0, 3), reduction="sum")


def _triplet_errors() -> Iterator[ErrorSample]:
    x = np.ones((2, 3))
    yield ErrorSample(ShapeError, ("triplet_margin_loss", "(2, 3)", "(2, 4)"), x, np.ones((2, 4)), x)
    yield ErrorSample(ShapeError, ("positive", "dims"), x, np.ones(3), x)
    yield ErrorSample(ParameterError, ("margin", "0"), x, x, x, 0.0)
    yield ErrorSample(ParameterError, ("reduction", "'avg'"), x, x, x, reduction="avg")


@composition(_triplet_samples, _triplet_errors)
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """An anchor nearer to its like than to another: l = max(0, d(a, p) − d(a, n) + m).

    Shapes: anchor, positive and negative (N, D) or (D,); output (), or (N,) with reduction "none".

    Args:
        margin: m.
        p: which norm the distance is: 2 for the length.
        eps: added to the difference, so that the gradient exists everywhere.
        swap: take d(p, n) for d(a, n) where it is smaller.
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".
    Raises:
        ShapeError: the shapes do not broadcast.
        ParameterError: margin is not above 0, or an unknown reduction.
    Source: Balntas et al., "Learning Local Feature Descriptors with Triplets" (2016), section 3.

    >>> import minicnn
    >>> a, n = minicnn.zeros(1, 2), minicnn.tensor([[0.5, 0.0]])
    >>> triplet_margin_loss(a, a, n)
    tensor(0.5000)
    """
    where = "triplet_margin_loss"
    reduction = old_reduction(reduction, size_average, reduce)
    need_reduction(where, reduction)
    if margin <= 0:
        raise ParameterError(
            message(where, f"margin expects a number above 0, got {margin}.", f"margin = {margin}", "use margin=1.0.")
        )
    alike(where, anchor=anchor, positive=positive, negative=negative)
    near, far = pairwise_distance(anchor, positive, p, eps), pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = far.minimum(pairwise_distance(positive, negative, p, eps))
    return reduced((near - far + margin).clamp(min=0), reduction)
