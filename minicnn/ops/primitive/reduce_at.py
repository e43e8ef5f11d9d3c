"""Reducing to the places that an index names: scatter_reduce, index_reduce, put."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.graph import wrap
from minicnn.autograd.op import composition
from minicnn.autograd.primitive import Primitive
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend, backend_of
from minicnn.errors import DTypeError, IndexRangeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_one_dtype, need_tensors
from minicnn.ops.primitive.division import floor_divide
from minicnn.ops.primitive.index import getitem, index_put, unindex
from minicnn.ops.primitive.reduce import distinct
from minicnn.ops.primitive.scatter import along, multiply_at, need_source, places_of
from minicnn.ops.primitive.where import where

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

Places = tuple[Any, ...]


def _reduce_samples(rng: Rng) -> Iterator[Sample]:
    index = np.array([[0, 3, 0], [1, 1, 1], [2, 0, 3]])
    for reduce in ("sum", "prod", "mean", "amax", "amin"):
        yield Sample(distinct(rng, 3, 4), 1, index, distinct(rng, 3, 3) + 0.01, reduce)
        yield Sample(distinct(rng, 4, 4), 0, index[:2, :2], distinct(rng, 2, 2) + 0.01, reduce, include_self=False)
        yield Sample(distinct(rng, 4), -1, np.array([2, 2]), distinct(rng, 2) + 0.01, reduce=reduce)
    yield Sample(Constant(np.ones(2)), 0, np.array([0, 0]), Constant(np.ones(2)), "amax")
    yield Sample(np.array([2.0, 3.0]), 0, np.array([0, 0, 1]), np.array([0.0, 4.0, 0.0]), "prod")
    yield Sample(np.array([5, 1]), 0, np.array([0, 0]), np.array([2, 8]), "mean")
    yield Sample(np.array([5, 1]), 0, np.array([0, 0]), np.array([2, 8]), "amin", include_self=False)
    yield Sample(np.ones((2, 2)), 0, np.zeros((0, 2), dtype=np.int64), np.zeros((0, 2)), "amax")


def _reduce_errors() -> Iterator[ErrorSample]:
    one = np.array([0])
    yield ErrorSample(ParameterError, ("reduce", "'max'"), np.ones(2), 0, one, np.ones(1), "max")
    yield ErrorSample(IndexRangeError, ("index 2", "size 2"), np.ones(2), 0, np.array([2]), np.ones(1), "prod")
    yield ErrorSample(ShapeError, ("(2,)", "(1,)"), np.ones(3), 0, np.array([0, 1]), np.ones(1), "mean")
    yield ErrorSample(DTypeError, ("one dtype", "int64"), np.ones(2), 0, one, np.array([1]), "amax")


class ExtremeAt(Primitive):
    """The largest or the smallest of x and of those elements of src that go to its place; ties share the gradient."""

    samples = staticmethod(_reduce_samples)
    errors = staticmethod(_reduce_errors)

    @staticmethod
    def forward(be: Backend, x: Array, src: Array, *, places: Places, largest: bool) -> Array:
        out = be.xp.array(x)
        be.extreme_at(out, tuple(p._array for p in places), src, largest)
        return out

    @staticmethod
    def grad_x(g: Tensor, out: Tensor, x: Tensor, src: Tensor, places: Places) -> Tensor:
        return (g / _winners(out, x, src, places)).masked_fill(x != out, 0.0)

    @staticmethod
    def grad_src(g: Tensor, out: Tensor, x: Tensor, src: Tensor, places: Places) -> Tensor:
        share = g / _winners(out, x, src, places)
        return getitem(share, places).masked_fill(src != getitem(out, places), 0.0)


def _winners(out: Tensor, x: Tensor, src: Tensor, places: Places) -> Tensor:
    """Return how many elements have the value that was chosen."""
    chosen = unindex((src == getitem(out, places)).to(out.dtype), tuple(x.shape), places)
    return ((x == out).to(out.dtype) + chosen).detach().clamp(min=1)


@ExtremeAt.public
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """Elements of src, reduced along a dim into the places that an index names: y[i, index[i, j]] for dim 1.

    Shapes: input, index and src have as many dims; index is no larger than src, nor than input but along the dim.
    Args:
        reduce: ``"sum"``, ``"prod"``, ``"mean"``, ``"amax"`` or ``"amin"``.
        include_self: whether the input's own element takes part where elements of src go.
    Gradient: of the largest and the smallest, ties share it.
    Raises:
        ParameterError: another reduce.
        IndexRangeError: a dim or an index out of range.
        ShapeError, DTypeError: the shapes or the dtypes do not fit.

    >>> import minicnn
    >>> scatter_reduce(minicnn.zeros(2), 0, minicnn.tensor([1, 1]), minicnn.tensor([3.0, 5.0]), "amax")
    tensor([0., 5.])
    """
    need_tensors("scatter_reduce", input=input, index=index, src=src)
    return _reduced("scatter_reduce", input, *places_of("scatter_reduce", input, dim, index, src), reduce, include_self)


def _reduced(name: str, x: Tensor, places: Places, part: Tensor, reduce: str, include_self: bool) -> Tensor:
    need_one_dtype(name, input=x, src=part)
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise ParameterError(
            message(
                name,
                f"reduce expects 'sum', 'prod', 'mean', 'amax' or 'amin', got {reduce!r}.",
                f"input {tuple(x.shape)}",
                "choose one of the five.",
            )
        )
    if not part.numel():
        return x.clone()
    largest = reduce == "amax"
    if not include_self:
        x = index_put(x, places, {"sum": 0, "mean": 0, "prod": 1}.get(reduce, _end(x, not largest)))
    if reduce in ("amax", "amin"):
        return ExtremeAt.apply(x, part, places=places, largest=largest)
    if reduce == "prod":
        return multiply_at(x, places, part)
    total = x + unindex(part, tuple(x.shape), places)
    if reduce == "sum":
        return total
    count = unindex(wrap(backend_of(x._array).xp.ones_like(part._array)), tuple(x.shape), places)
    count = count + 1 if include_self else where(count == 0, 1, count)
    return total / count if x.dtype.kind == "f" else floor_divide(total, count)


def _end(x: Tensor, largest: bool) -> Any:
    """Return the largest or the smallest value of a tensor's dtype."""
    if x.dtype.kind == "f":
        return float("inf" if largest else "-inf")
    return np.iinfo(x.dtype).max if largest else np.iinfo(x.dtype).min


def _index_reduce_samples(rng: Rng) -> Iterator[Sample]:
    index = np.array([2, 0, 2])
    for reduce in ("sum", "prod", "mean", "amax", "amin"):
        yield Sample(distinct(rng, 3, 4), 0, index, distinct(rng, 3, 4) + 0.01, reduce)
        yield Sample(distinct(rng, 2, 3), -1, index, distinct(rng, 2, 3) + 0.01, reduce=reduce, include_self=False)
    yield Sample(distinct(rng, 2, 3, 2), 1, np.array([1, 1]), distinct(rng, 2, 2, 2) + 0.01, "amax")
    yield Sample(np.ones((2, 2)), 0, np.zeros(0, dtype=np.int64), np.zeros((0, 2)), "prod")


def _index_reduce_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(IndexRangeError, ("index 3", "size 3"), np.ones(3), 0, np.array([3]), np.ones(1), "prod")
    yield ErrorSample(ShapeError, ("(2, 1)", "(2, 2)"), np.ones((2, 3)), 1, np.array([0]), np.ones((2, 2)), "mean")
    yield ErrorSample(ParameterError, ("reduce", "'max'"), np.ones(2), 0, np.array([0]), np.ones(1), "max")


@composition(_index_reduce_samples, _index_reduce_errors)
def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """Slices of source, reduced into those slices of the input that an index names; see `scatter_reduce`.

    Shapes: input (N, C, L); with dim 1, index (k) and source (N, k, L).
    Args:
        reduce: ``"prod"``, ``"mean"``, ``"amax"`` or ``"amin"``; ``"sum"`` too, which `index_add` does in PyTorch.
        include_self: whether the input's own elements take part where slices of source go.
    Raises:
        ParameterError: another reduce.
        IndexRangeError: a dim or an index out of range.
        ShapeError, DTypeError: source does not fit.

    >>> import minicnn
    >>> index_reduce(minicnn.ones(2), 0, minicnn.tensor([1, 1]), minicnn.tensor([3.0, 5.0]), "prod")
    tensor([ 1., 15.])
    """
    where = along("index_reduce", input, dim, index)
    need_source("index_reduce", input, where, source)
    d = len(where) - 1
    full = where[-1].reshape((1,) * d + (-1,) + (1,) * (input.ndim - d - 1)).expand(source.shape)
    return _reduced("index_reduce", input, *places_of("index_reduce", input, d, full, source), reduce, include_self)


def _put_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.normal(size=(2, 3))
    yield Sample(x, np.array([5, 0]), rng.normal(size=2))
    yield Sample(x, np.array([[-1], [1]]), rng.normal(size=(2, 1)))
    yield Sample(x, np.array([1, 1, 4]), rng.normal(size=3), True)
    yield Sample(x, np.array([0, 0, -6]), rng.normal(size=3), accumulate=True)
    yield Sample(x, np.zeros(0, dtype=np.int64), np.zeros(0))
    yield Sample(np.array([1, 2, 3]), np.array([2]), np.array([7]))
    yield Sample(rng.normal(size=()), np.array([0]), rng.normal(size=1))


def _put_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(IndexRangeError, ("index 6", "size 6"), np.ones((2, 3)), np.array([6]), np.ones(1))
    yield ErrorSample(ShapeError, ("as many", "2", "1"), np.ones((2, 3)), np.array([0, 1]), np.ones(1))
    yield ErrorSample(DTypeError, ("one dtype", "int64"), np.ones(3), np.array([0]), np.array([1]))


@composition(_put_samples, _put_errors)
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """The input, with elements of source at their places in the flattened tensor.

    Shapes: input (*), index and source of as many elements; output as input.
    Args:
        accumulate: add, rather than write; repeats add up.
    Raises:
        IndexRangeError: an index out of range.
        ShapeError, DTypeError: source does not fit.

    >>> import minicnn
    >>> put(minicnn.zeros(2, 2), minicnn.tensor([3, 0]), minicnn.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 1.]])
    """
    need_tensors("put", input=input, index=index, source=source)
    need_one_dtype("put", input=input, source=source)
    if index.numel() != source.numel():
        raise ShapeError(
            message(
                "put",
                f"source expects as many elements as index, {index.numel()}, got {source.numel()}.",
                f"index {tuple(index.shape)}; source {tuple(source.shape)}",
                "give one element per place.",
            )
        )
    flat = index_put(input.reshape(-1), index.reshape(-1), source.reshape(-1), accumulate)
    return flat.reshape(input.shape)
