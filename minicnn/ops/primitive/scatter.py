"""Reading and writing at places along a dim: index_select, index_add, index_fill, index_copy, scatter, scatter_add."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.graph import TapeTensor, wrap
from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import backend_of
from minicnn.errors import ArgumentTypeError, DTypeError, IndexRangeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.dims import normal_dim
from minicnn.ops.primitive.index import getitem, index_put, unindex

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def along(where: str, x: Tensor, dim: int, index: Tensor) -> tuple[Any, ...]:
    """Return the index that reads these places along a dim, having checked them."""
    need_tensors(where, input=x, index=index)
    dim = normal_dim(where, dim, x.ndim)
    _need_ints(where, index)
    if index.ndim > 1 or x.ndim == 0:
        raise ShapeError(
            message(
                where,
                f"index expects one dim, and input at least one, got {tuple(index.shape)}.",
                f"input {tuple(x.shape)}",
                "flatten the index; gather and scatter take one of many dims.",
            )
        )
    _need_range(where, index, x.shape[dim])
    return (*(slice(None),) * dim, index.reshape(-1))


def _need_ints(where: str, index: Tensor) -> None:
    if index.dtype.kind not in "iu":
        raise DTypeError(
            message(
                where, f"index expects ints, got {index.dtype}.", f"index {tuple(index.shape)}", "use index.long()."
            )
        )


def _need_range(where: str, index: Tensor, size: int) -> None:
    got, fix = f"index {tuple(index.shape)}", f"use values from 0 to {size - 1}."

    def outside(value: int) -> IndexRangeError:
        return IndexRangeError(message(where, f"index {value} is out of range for a dim of size {size}.", got, fix))

    backend_of(index._array).check_range(where, index._array, 0, size - 1, outside)


def _select_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.normal(size=(3, 4))
    yield Sample(x, 0, np.array([2, 0, 2]))
    yield Sample(x, -1, np.array([1]))
    yield Sample(x, 1, np.zeros(0, dtype=np.int64))
    yield Sample(np.zeros((0, 3)), 1, np.array([0, 2]))
    yield Sample(rng.normal(size=3), 0, np.array(1))
    yield Sample(rng.normal(size=(2, 3, 2)), 1, np.array([2, 2, 0, 1], dtype=np.int32))
    yield Sample(np.array([[1, 2], [3, 4]]), -2, np.array([1]))


def _select_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(IndexRangeError, ("index 3", "size 3"), np.ones((2, 3)), 1, np.array([3]))
    yield ErrorSample(IndexRangeError, ("index -1", "size 3"), np.ones((2, 3)), 1, np.array([-1]))
    yield ErrorSample(IndexRangeError, ("dim", "from -2 to 1"), np.ones((2, 3)), 2, np.array([0]))
    yield ErrorSample(ShapeError, ("one dim", "(1, 1)"), np.ones((2, 3)), 1, np.array([[0]]))
    yield ErrorSample(DTypeError, ("ints", "float64"), np.ones((2, 3)), 1, np.array([0.0]))


@composition(_select_samples, _select_errors)
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices along a dim that an index names, in its order; a copy.

    Shapes: (N, C, L) with dim 1 and index (k) gives (N, k, L).
    Raises:
        IndexRangeError: a dim or an index out of range.
        DTypeError, ShapeError: the index is not of ints, or has several dims.

    >>> import minicnn
    >>> index_select(minicnn.tensor([10, 20, 30]), 0, minicnn.tensor([2, 0]))
    tensor([30, 10])
    """
    return getitem(input, along("index_select", input, dim, index))


def _index_add_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.normal(size=(3, 4))
    yield Sample(x, 0, np.array([2, 0, 2]), rng.normal(size=(3, 4)))
    yield Sample(x, -1, np.array([1]), rng.normal(size=(3, 1)), alpha=0.5)
    yield Sample(np.zeros((0, 3)), 1, np.array([0, 2]), np.zeros((0, 2)))
    yield Sample(rng.normal(size=3), 0, np.array([1, 1, 1, 0]), rng.normal(size=4))
    yield Sample(rng.normal(size=(2, 3, 2)), 1, np.array([2, 0]), rng.normal(size=(2, 2, 2)), alpha=-2)
    yield Sample(np.array([[1, 2], [3, 4]]), 0, np.array([1]), np.array([[5, 6]]))


def _index_add_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(IndexRangeError, ("index 3", "size 3"), np.ones((2, 3)), 1, np.array([3]), np.ones((2, 1)))
    yield ErrorSample(ShapeError, ("(2, 1)", "(2, 2)"), np.ones((2, 3)), 1, np.array([0]), np.ones((2, 2)))


def need_source(where: str, x: Tensor, index: tuple[Any, ...], source: Tensor) -> None:
    need_tensors(where, source=source)
    dim = len(index) - 1
    shape = (*x.shape[:dim], index[-1].shape[0], *x.shape[dim + 1 :])
    if tuple(source.shape) != shape:
        raise ShapeError(
            message(
                where,
                f"source expects shape {shape}, got {tuple(source.shape)}.",
                f"input {tuple(x.shape)}; index ({index[-1].shape[0]},) along dim {dim}",
                "give one slice per index.",
            )
        )


@composition(_index_add_samples, _index_add_errors)
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """The input, with slices of source added where an index says; repeats add up.

    Shapes: input (N, C, L); with dim 1, index (k) and source (N, k, L).
    Args:
        alpha: a factor of source.
    Raises:
        IndexRangeError: a dim or an index out of range.
        ShapeError: source does not fit.

    >>> import minicnn
    >>> index_add(minicnn.zeros(3), 0, minicnn.tensor([1, 1]), minicnn.ones(2))
    tensor([0., 2., 0.])
    """
    where = along("index_add", input, dim, index)
    need_source("index_add", input, where, source)
    return input + unindex(source if alpha == 1 else source * alpha, tuple(input.shape), where)


def _index_copy_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(3, 4)), -1, np.array([3, 0]), rng.normal(size=(3, 2)))
    yield Sample(rng.normal(size=(3, 4)), 0, np.array([1]), rng.normal(size=(1, 4)))
    yield Sample(rng.normal(size=3), 0, np.array([2, 0, 1]), rng.normal(size=3))
    yield Sample(rng.normal(size=(2, 3, 2)), 1, np.array([0, 2]), rng.normal(size=(2, 2, 2)))
    yield Sample(rng.normal(size=(2, 3)), 1, np.zeros(0, dtype=np.int64), np.zeros((2, 0)))
    yield Sample(np.array([[1, 2], [3, 4]]), 0, np.array([1]), np.array([[5, 6]]))


@composition(_index_copy_samples, _index_add_errors)
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """The input, with slices of source in place of those that an index names.

    Shapes: input (N, C, L); with dim 1, index (k) and source (N, k, L).
    Raises:
        IndexRangeError: a dim or an index out of range.
        ShapeError: source does not fit.

    >>> import minicnn
    >>> index_copy(minicnn.zeros(3), 0, minicnn.tensor([1]), minicnn.ones(1))
    tensor([0., 1., 0.])
    """
    where = along("index_copy", input, dim, index)
    need_source("index_copy", input, where, source)
    return index_put(input, where, source)


def _index_fill_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(3, 4)), 0, np.array([2, 0]), 0.5)
    yield Sample(rng.normal(size=(3, 4)), -1, np.array([1]), rng.normal(size=()))
    yield Sample(rng.normal(size=3), 0, np.array([1, 1]), -2.0)
    yield Sample(rng.normal(size=(2, 3, 2)), 1, np.array(2), 0.0)
    yield Sample(rng.normal(size=(2, 3)), 1, np.zeros(0, dtype=np.int64), 1.0)
    yield Sample(np.array([[1, 2], [3, 4]]), 0, np.array([1]), 9)


def _index_fill_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(IndexRangeError, ("index 3", "size 3"), np.ones((2, 3)), 1, np.array([3]), 0.0)


@composition(_index_fill_samples, _index_fill_errors)
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """The input, with one value in the slices along a dim that an index names.

    Raises:
        IndexRangeError: a dim or an index out of range.

    >>> import minicnn
    >>> index_fill(minicnn.zeros(3), 0, minicnn.tensor([1]), 5.0)
    tensor([0., 5., 0.])
    """
    return index_put(input, along("index_fill", input, dim, index), value)


def places_of(where: str, x: Tensor, dim: int, index: Tensor, src: Any) -> tuple[tuple[Any, ...], Any]:
    """Return the places that a scatter writes to, and the part of src that it reads."""
    need_tensors(where, input=x, index=index)
    d = normal_dim(where, dim, x.ndim)
    _need_ints(where, index)
    bad = index.ndim != x.ndim or any(index.shape[i] > x.shape[i] for i in range(x.ndim) if i != d)
    if isinstance(src, TapeTensor):
        sizes = tuple(src._array.shape)
        bad = bad or len(sizes) != index.ndim or any(s < i for s, i in zip(sizes, index.shape, strict=True))
    if bad and index.numel():
        raise ShapeError(
            message(
                where,
                f"index {tuple(index.shape)} does not fit input {tuple(x.shape)}"
                + (f" and src {tuple(src._array.shape)}." if isinstance(src, TapeTensor) else "."),
                f"all need equally many dims; index must be no larger than src, nor, save in dim {d}, than input",
                "unsqueeze or narrow one of them.",
            )
        )
    _need_range(where, index, x.shape[d] if x.ndim else 1)
    xp = backend_of(x._array).xp
    places = []
    for i, size in enumerate(index.shape):
        steps = xp.arange(size).reshape((1,) * i + (size,) + (1,) * (index.ndim - i - 1))
        places.append(index if i == d else wrap(xp.broadcast_to(steps, index.shape)))
    if isinstance(src, TapeTensor):
        src = getitem(src, tuple(slice(0, size) for size in index.shape))  # type: ignore[arg-type]
    return tuple(places), src


def multiply_at(x: Tensor, places: tuple[Any, ...], part: Tensor) -> Tensor:
    """Return x times the elements of part that go to its places, in rounds: each place is named once in each."""
    be = backend_of(x._array)
    flat = be.xp.zeros((), dtype="int64")
    for place, size in zip(places, x.shape, strict=True):
        flat = flat * size + place._array
    flat = flat.reshape(-1)
    order = be.xp.argsort(flat, kind="stable")
    rounds = be.xp.zeros_like(flat)  # which of those with its place an element is
    rounds[order] = be.xp.arange(flat.size) - be.xp.searchsorted(flat[order], flat[order])
    for i in range(int(rounds.max()) + 1 if rounds.size else 0):
        now = wrap(be.xp.nonzero(rounds == i)[0])
        here = tuple(getitem(p.reshape(-1), now) for p in places)
        x = index_put(x, here, getitem(x, here) * getitem(part.reshape(-1), now))
    return x


def _scatter_add_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.normal(size=(3, 4))
    yield Sample(x, 1, np.array([[0, 3], [1, 1], [2, 0]]), rng.normal(size=(3, 2)))
    yield Sample(x, 0, np.array([[2, 2, 1]]), rng.normal(size=(2, 4)))
    yield Sample(rng.normal(size=3), -1, np.array([1, 1, 0, 2]), rng.normal(size=4))
    yield Sample(np.zeros((0, 3)), 0, np.zeros((0, 3), dtype=np.int64), np.zeros((0, 3)))
    yield Sample(rng.normal(size=(2, 2, 3)), 2, np.array([[[0, 0]], [[2, 1]]]), rng.normal(size=(2, 1, 2)))
    yield Sample(np.array([1, 2, 3]), 0, np.array([0, 0]), np.array([4, 5]))


def _scatter_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(IndexRangeError, ("index 3", "size 3"), np.ones((2, 3)), 1, np.array([[3]]), np.ones((1, 1)))
    yield ErrorSample(ShapeError, ("(1, 2)", "(1, 1)"), np.ones((2, 3)), 1, np.array([[0, 1]]), np.ones((1, 1)))
    yield ErrorSample(
        ShapeError, ("(3, 1)", "(2, 3)"), np.ones((2, 3)), 1, np.zeros((3, 1), dtype=int), np.ones((3, 1))
    )
    yield ErrorSample(DTypeError, ("ints", "float64"), np.ones((2, 3)), 1, np.array([[0.0]]), np.ones((1, 1)))


@composition(_scatter_add_samples, _scatter_errors)
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """Elements of src, added along a dim where an index says: y[i, index[i, j]] += src[i, j] for dim 1; repeats add up.

    Shapes: input, index and src have as many dims; index is no larger than src, nor than input but along the dim.
    Raises:
        IndexRangeError: a dim or an index out of range.
        ShapeError: the shapes do not fit.

    >>> import minicnn
    >>> scatter_add(minicnn.zeros(3), 0, minicnn.tensor([1, 1]), minicnn.ones(2))
    tensor([0., 2., 0.])
    """
    need_tensors("scatter_add", src=src)
    places, part = places_of("scatter_add", input, dim, index, src)
    return input + unindex(part, tuple(input.shape), places) if index.numel() else input.clone()


def _scatter_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.normal(size=(3, 4))
    yield Sample(x, 1, np.array([[0, 3], [1, 2], [2, 0]]), rng.normal(size=(3, 2)))
    yield Sample(x, 0, np.array([[2, 0, 1]]), rng.normal(size=(2, 4)))
    yield Sample(x, 0, np.array([[2, 0, 1]]), 1.5)
    yield Sample(x, -1, np.array([[2], [0], [1]]), value=-2.0)
    yield Sample(x, 1, np.array([[0, 0], [1, 1], [2, 0]]), rng.normal(size=(3, 2)), reduce="add")
    yield Sample(x, 1, np.array([[0], [1], [2]]), 2.5, reduce="add")
    yield Sample(x, 1, np.array([[0, 0], [1, 3], [2, 0]]), rng.normal(size=(3, 2)), reduce="multiply")
    yield Sample(x, 0, np.array([[2, 2, 2], [2, 0, 1]]), 1.5, reduce="multiply")
    yield Sample(np.zeros((0, 3)), 0, np.zeros((0, 3), dtype=np.int64), 1.0)


def _all_scatter_errors() -> Iterator[ErrorSample]:
    yield from _scatter_errors()
    yield ErrorSample(ParameterError, ("reduce", "'max'"), np.ones(2), 0, np.array([0]), np.ones(1), reduce="max")
    yield ErrorSample(ArgumentTypeError, ("src", "value"), np.ones(2), 0, np.array([0]))


@composition(_scatter_samples, _all_scatter_errors)
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """Elements of src, or one value, written along a dim where an index says: y[i, index[i, j]] = src[i, j] for dim 1.

    Shapes: input, index and src have as many dims; index is no larger than src, nor than input but along the dim.
    Args:
        src: a tensor or a number.
        value: the number, by keyword.
        reduce: None to write, ``"add"`` to add, ``"multiply"`` to multiply.
    Where an index repeats, one of the elements is written, and all get the gradient, as in PyTorch.
    Raises:
        IndexRangeError: a dim or an index out of range.
        ShapeError: the shapes do not fit.
        ParameterError: another reduce.
        ArgumentTypeError: neither src nor value.

    >>> import minicnn
    >>> scatter(minicnn.zeros(2, 2), 1, minicnn.tensor([[1], [0]]), 1.0)
    tensor([[0., 1.],
            [1., 0.]])
    """
    src = value if src is None else src
    if src is None:
        raise ArgumentTypeError(
            message(
                "scatter",
                "expects src or value.",
                f"input {tuple(input.shape)}",
                "pass one: scatter(x, 1, index, 1.0).",
            )
        )
    if reduce not in (None, "add", "multiply"):
        raise ParameterError(
            message(
                "scatter",
                f"reduce expects None, 'add' or 'multiply', got {reduce!r}.",
                "None writes",
                "use scatter_reduce for others.",
            )
        )
    places, part = places_of("scatter", input, dim, index, src)
    if not index.numel():
        return input.clone()
    if reduce is not None:
        if not isinstance(part, TapeTensor):
            part = wrap(backend_of(input._array).xp.full(index.shape, part, dtype=input.dtype))
        if reduce == "multiply":
            return multiply_at(input, places, part)
        return input + unindex(part, tuple(input.shape), places)
    return index_put(input, places, part)
