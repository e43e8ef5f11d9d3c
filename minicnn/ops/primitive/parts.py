"""Tensors taken apart and put together: split, chunk, tensor_split, unbind, select, hstack, vstack, dstack, concat."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.errors import IndexRangeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.dims import normal_dim
from minicnn.ops.primitive.join import cat, narrow
from minicnn.ops.primitive.shape import reshape

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def _need_dims(where: str, x: Tensor) -> None:
    need_tensors(where, input=x)
    if x.ndim == 0:
        raise ShapeError(
            message(where, "expects a tensor of at least 1 dim.", "input () is a single number", "reshape it: x[None].")
        )


def _pieces(x: Tensor, dim: int, sizes: Sequence[int]) -> tuple[Tensor, ...]:
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    return tuple(narrow(x, dim, start, size) for start, size in zip(starts, sizes, strict=True))


def _split_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(5, 2)), 2)
    yield Sample(rng.normal(size=(2, 5)), 5, 1)
    yield Sample(rng.normal(size=(2, 5)), [1, 0, 4], dim=-1)
    yield Sample(rng.normal(size=(0, 2)), 2)
    yield Sample(rng.normal(size=(2, 4, 1)), 2, -2)
    yield Sample(np.array([1, 2, 3]), [3, 0])


def _split_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("[2, 2]", "size 5"), np.ones((5, 2)), [2, 2])
    yield ErrorSample(ParameterError, ("split_size", "0"), np.ones((5, 2)), 0)
    yield ErrorSample(IndexRangeError, ("dim", "from -2 to 1"), np.ones((5, 2)), 1, 2)
    yield ErrorSample(ShapeError, "at least 1 dim", np.ones(()), 1)


@composition(_split_samples, _split_errors)
def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts along a dim, as views: of one size (the last may be smaller), or of the sizes listed.

    Shapes: input (*); each part as input, but for its size along ``dim``.
    Args:
        split_size_or_sections: an int, or sizes that add up to the dim's.
    Raises:
        ShapeError: the sizes do not add up.
        ParameterError: the size is no positive number.
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> split(minicnn.arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    _need_dims("split", tensor)
    dim = normal_dim("split", dim, tensor.ndim)
    total = tensor.shape[dim]
    if isinstance(split_size_or_sections, (int, np.integer)):
        size = int(split_size_or_sections)
        if size < 0 or (size == 0 and total > 0):
            raise ParameterError(
                message(
                    "split",
                    f"split_size expects 1 or more, got {size}.",
                    f"dim {dim} of {total}",
                    "x.split(2), for one.",
                )
            )
        sizes = [min(size, total - start) for start in range(0, total, size or 1)] or [0]
    else:
        sizes = [int(s) for s in split_size_or_sections]
        if sum(sizes) != total or min(sizes, default=0) < 0:
            raise ShapeError(
                message(
                    "split",
                    f"the sizes {sizes} do not add up to dim {dim} of size {total}.",
                    f"input {tuple(tensor.shape)}; they add up to {sum(sizes)}",
                    "list sizes whose sum is the dim's.",
                )
            )
    return _pieces(tensor, dim, sizes)


def _chunk_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(5, 2)), 2)
    yield Sample(rng.normal(size=(2, 5)), 4, dim=1)
    yield Sample(rng.normal(size=(2, 3)), 7, -1)
    yield Sample(rng.normal(size=(0, 3)), 2)
    yield Sample(rng.normal(size=(2, 6, 1)), 3, 1)
    yield Sample(np.array([1, 2, 3]), 1)


def _chunk_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ParameterError, ("chunks", "0"), np.ones((5, 2)), 0)
    yield ErrorSample(IndexRangeError, ("dim", "from -2 to 1"), np.ones((5, 2)), 1, 2)


@composition(_chunk_samples, _chunk_errors)
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most ``chunks`` parts of equal size along a dim, the last perhaps smaller; views.

    Shapes: input (*); each part as input, but for its size along ``dim``.
    Raises:
        ParameterError: chunks is no positive number.
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> chunk(minicnn.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    _need_dims("chunk", input)
    dim = normal_dim("chunk", dim, input.ndim)
    total = input.shape[dim]
    if chunks < 1:
        raise ParameterError(
            message(
                "chunk", f"chunks expects 1 or more, got {chunks}.", f"dim {dim} of {total}", "x.chunk(2), for one."
            )
        )
    if total == 0:
        return _pieces(input, dim, [0] * chunks)
    return split(input, -(-total // chunks), dim)


def _tensor_split_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(5, 2)), 2)
    yield Sample(rng.normal(size=(2, 5)), (1, 4), 1)
    yield Sample(rng.normal(size=(2, 5)), (2, 9), dim=-1)
    yield Sample(rng.normal(size=(2, 3)), 4, 1)  # an empty part
    yield Sample(np.array([1, 2, 3]), [1])
    yield Sample(rng.normal(size=(2, 4, 1)), np.array([1, 3]), -2)


def _tensor_split_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ParameterError, ("sections", "0"), np.ones((5, 2)), 0)


@composition(_tensor_split_samples, _tensor_split_errors)
def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts along a dim: so many of nearly equal size, or cut before the indices listed; views.

    Shapes: input (*); each part as input, but for its size along ``dim``.
    Raises:
        ParameterError: the number of sections is not positive.
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> tensor_split(minicnn.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    _need_dims("tensor_split", input)
    dim = normal_dim("tensor_split", dim, input.ndim)
    total = input.shape[dim]
    if isinstance(indices_or_sections, (int, np.integer)):
        count = int(indices_or_sections)
        if count < 1:
            raise ParameterError(
                message("tensor_split", f"sections expects 1 or more, got {count}.", f"dim {dim}", "x.tensor_split(2).")
            )
        return _pieces(input, dim, [total // count + (i < total % count) for i in range(count)])
    before = (slice(None),) * dim
    cuts = [None, *(int(i) for i in indices_or_sections), None]
    return tuple(input[(*before, slice(a, b))] for a, b in itertools.pairwise(cuts))


def _unbind_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(3, 2)))
    yield Sample(rng.normal(size=(3, 2)), 1)
    yield Sample(rng.normal(size=(3, 0)), dim=-2)
    yield Sample(rng.normal(size=3))
    yield Sample(rng.normal(size=(2, 1, 2)), -1)
    yield Sample(np.array([[1, 2]]), 1)


def _dim_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(IndexRangeError, ("dim", "from -2 to 1", "2"), np.ones((2, 3)), 2)


@composition(_unbind_samples, _dim_errors)
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """All slices along a dim, without it; views.

    Shapes: input (*); each output without ``dim``.
    Raises:
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> unbind(minicnn.tensor([[1, 2], [3, 4]]))
    (tensor([1, 2]), tensor([3, 4]))
    """
    _need_dims("unbind", input)
    dim = normal_dim("unbind", dim, input.ndim)
    before = (slice(None),) * dim
    return tuple(input[(*before, i)] for i in range(input.shape[dim]))


def _select_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(3, 2)), 0, 2)
    yield Sample(rng.normal(size=(3, 2)), -1, -2)
    yield Sample(rng.normal(size=3), 0, -1)  # one element, without dims
    yield Sample(rng.normal(size=(2, 3, 2)), dim=1, index=0)
    yield Sample(np.array([[1, 2], [3, 4]]), 1, 1)
    yield Sample(np.zeros((2, 0)), 0, 1)


def _select_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(IndexRangeError, ("index 3", "size 3"), np.ones((2, 3)), 1, 3)
    yield ErrorSample(IndexRangeError, ("dim", "from -2 to 1"), np.ones((2, 3)), 2, 0)


@composition(_select_samples, _select_errors)
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """One slice along a dim, without it; a view.

    Shapes: input (*); output without ``dim``.
    Raises:
        IndexRangeError: a dim or an index out of range.

    >>> import minicnn
    >>> select(minicnn.tensor([[1, 2], [3, 4]]), 1, 0)
    tensor([1, 3])
    """
    _need_dims("select", input)
    return input[(*(slice(None),) * normal_dim("select", dim, input.ndim), operator.index(index))]


def _several(where: str, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    tensors = tuple(tensors)
    need_tensors(where, **{f"tensors[{i}]": t for i, t in enumerate(tensors)})
    return tensors


def _stack_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample([rng.normal(size=(2, 3)), rng.normal(size=(2, 3))])
    yield Sample([rng.normal(size=3), rng.normal(size=3)])
    yield Sample([rng.normal(size=()), rng.normal(size=()), rng.normal(size=())])
    yield Sample([rng.normal(size=(2, 3, 2)), rng.normal(size=(2, 3, 2))])
    yield Sample([rng.normal(size=(0, 3)), rng.normal(size=(0, 3))])
    yield Sample([rng.normal(size=(2, 1))])
    yield Sample([np.array([1, 2]), np.array([3, 4])])


def _stack_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("2, 3", "4, 5"), [np.ones((2, 3)), np.ones((4, 5))])
    yield ErrorSample(ParameterError, "at least one", [])


@composition(_stack_samples, _stack_errors)
def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors side by side: joined along dim 1, or dim 0 of vectors.

    Raises:
        ShapeError: other dims differ.
        ParameterError: there are no tensors.

    >>> import minicnn
    >>> hstack([minicnn.zeros(1), minicnn.ones(2)])
    tensor([0., 1., 1.])
    """
    parts = tuple(at_least(1, t) for t in _several("hstack", tensors))
    return cat(parts, 0 if not parts or parts[0].ndim == 1 else 1)


@composition(_stack_samples, _stack_errors)
def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors one above the other: joined along dim 0; vectors are rows.

    Raises:
        ShapeError: other dims differ.
        ParameterError: there are no tensors.

    >>> import minicnn
    >>> vstack([minicnn.zeros(2), minicnn.ones(2)])
    tensor([[0., 0.],
            [1., 1.]])
    """
    return cat(tuple(at_least(2, t) for t in _several("vstack", tensors)), 0)


@composition(_stack_samples, _stack_errors)
def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors one behind the other: joined along dim 2.

    Raises:
        ShapeError: other dims differ.
        ParameterError: there are no tensors.

    >>> import minicnn
    >>> dstack([minicnn.zeros(2), minicnn.ones(2)]).shape
    (1, 2, 2)
    """
    return cat(tuple(at_least(3, t) for t in _several("dstack", tensors)), 2)


def at_least(ndim: int, x: Tensor) -> Tensor:
    """Return the tensor with so many dims, as NumPy's atleast_1d, 2d and 3d add them."""
    shape = tuple(x.shape)
    if x.ndim >= ndim:
        return x
    if ndim == 3:
        return reshape(x, {0: (1, 1, 1), 1: (1, *shape, 1), 2: (*shape, 1)}[x.ndim])
    return reshape(x, (1,) * (ndim - x.ndim) + shape)


def _atleast_samples(rng: Rng) -> Iterator[Sample]:
    for shape in ((), (3,), (2, 3), (0,), (2, 1, 3)):
        yield Sample(rng.normal(size=shape))
    yield Sample(np.array(4))


def _atleast_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(TypeError, ("Tensor", "float"), 1.0)


@composition(_atleast_samples, _atleast_errors)
def atleast_1d(input: Tensor) -> Tensor:
    """The tensor, with a dim of size 1 where it has none.

    >>> import minicnn
    >>> atleast_1d(minicnn.tensor(2.0))
    tensor([2.])
    """
    need_tensors("atleast_1d", input=input)
    return at_least(1, input)


@composition(_atleast_samples, _atleast_errors)
def atleast_2d(input: Tensor) -> Tensor:
    """The tensor, with dims of size 1 in front where it has fewer than two.

    >>> import minicnn
    >>> atleast_2d(minicnn.tensor([2.0, 3.0]))
    tensor([[2., 3.]])
    """
    need_tensors("atleast_2d", input=input)
    return at_least(2, input)


def _concat_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample([rng.normal(size=(2, 3)), rng.normal(size=(1, 3))])
    yield Sample([rng.normal(size=(2, 3)), rng.normal(size=(2, 1))], 1)
    yield Sample([rng.normal(size=(2, 3)), rng.normal(size=(2, 1))], axis=-1)
    yield Sample([rng.normal(size=2), rng.normal(size=1), rng.normal(size=3)], dim=-1)
    yield Sample([np.array([[1, 2]]), np.array([[3, 4]])])
    yield Sample([np.zeros((0, 2)), np.zeros((0, 1))], 1)


@composition(_concat_samples, _stack_errors)
def concat(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Another name of `cat`.

    Raises:
        ShapeError: other dims differ.
        ParameterError: there are no tensors.

    >>> import minicnn
    >>> concat([minicnn.zeros(1), minicnn.ones(1)])
    tensor([0., 1.])
    """
    return cat(tensors, dim, axis=axis)


concatenate = concat
