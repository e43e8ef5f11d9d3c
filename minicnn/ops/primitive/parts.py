"""Tensors taken apart, as views: narrow, select, unbind, split, chunk, tensor_split, hsplit, vsplit, dsplit."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.errors import ArgumentTypeError, IndexRangeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.dims import normal_dim
from minicnn.ops.primitive.reduce import dim_errors

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """``length`` elements along a dim, from ``start``; a view.

    Args:
        start: the first of them; negative from the end.
    Raises:
        IndexRangeError: a dim or start out of range.
        ParameterError: a negative length, or one that reaches beyond the end.
        ShapeError: the input has no dims.

    >>> import minicnn
    >>> narrow(minicnn.arange(5), 0, 1, 3)
    tensor([1, 2, 3])
    """
    _need_dims("narrow", input)
    dim = normal_dim("narrow", dim, input.ndim)
    size, first, length = input.shape[dim], operator.index(start), operator.index(length)
    got = f"input {tuple(input.shape)}, dim {dim}; start {first}, length {length}"
    if not -size <= first <= size:
        fix = f"use a start from {-size} to {size}."
        raise IndexRangeError(message("narrow", f"start {first} is out of range for a size of {size}.", got, fix))
    first += size if first < 0 else 0
    if not 0 <= length <= size - first:
        problem = f"length expects 0 to {size - first}, what there is from start on, got {length}."
        raise ParameterError(message("narrow", problem, got, f"use length={size - first}, or less."))
    return input[(slice(None),) * dim + (slice(first, first + length),)]


def _need_dims(where: str, x: Tensor) -> None:
    need_tensors(where, input=x)
    if x.ndim == 0:
        raise ShapeError(
            message(where, "expects a tensor of at least 1 dim.", "input () is a single number", "reshape it: x[None].")
        )


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


def _unbind_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(3, 2)))
    yield Sample(rng.normal(size=(3, 2)), 1)
    yield Sample(rng.normal(size=(3, 0)), dim=-2)
    yield Sample(rng.normal(size=3))
    yield Sample(rng.normal(size=(2, 1, 2)), -1)
    yield Sample(np.array([[1, 2]]), 1)


@composition(_unbind_samples, dim_errors)
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
                    "x.split(2), for example.",
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
                "chunk", f"chunks expects 1 or more, got {chunks}.", f"dim {dim} of {total}", "x.chunk(2), for example."
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
                message(
                    "tensor_split",
                    f"sections expects 1 or more, got {count}.",
                    f"dim {dim}",
                    "write x.tensor_split(2).",
                )
            )
        return _pieces(input, dim, [total // count + (i < total % count) for i in range(count)])
    before = (slice(None),) * dim
    cuts = [None, *(int(i) for i in indices_or_sections), None]
    return tuple(input[(*before, slice(a, b))] for a, b in itertools.pairwise(cuts))


def _even_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("at least",), np.ones(()), 2)
    yield ErrorSample(ShapeError, ("equal", "3"), np.ones((4, 4, 4)), 3)
    yield ErrorSample(ArgumentTypeError, ("Tensor", "list"), [1.0], 2)


def _hsplit_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(2, 4)), 2)
    yield Sample(rng.normal(size=4), 4)
    yield Sample(rng.normal(size=(2, 5)), [1, 3])
    yield Sample(rng.normal(size=(1, 4, 2)), (2, 9))
    yield Sample(np.arange(6), 3)
    yield Sample(np.zeros((0, 2)), 1)


@composition(_hsplit_samples, _even_errors)
def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts along dim 1, or dim 0 of a vector: so many equal ones, or cut before the indices listed; views.

    Raises:
        ShapeError: the input has no dims, or the parts are not equal.

    >>> import minicnn
    >>> hsplit(minicnn.arange(4), 2)
    (tensor([0, 1]), tensor([2, 3]))
    """
    return _evenly("hsplit", input, indices_or_sections, 1)


def _vsplit_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(4, 2)), 2)
    yield Sample(rng.normal(size=(5, 2)), [1, 3])
    yield Sample(rng.normal(size=(4, 1, 2)), (2, 9))
    yield Sample(np.arange(6).reshape(6, 1), 3)
    yield Sample(np.zeros((2, 0)), 1)
    yield Sample(rng.normal(size=(3, 2)), 3)


@composition(_vsplit_samples, _even_errors)
def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts along dim 0 of two dims or more: so many equal ones, or cut before the indices listed; views.

    Raises:
        ShapeError: the input has fewer than two dims, or the parts are not equal.

    >>> import minicnn
    >>> [x.shape for x in vsplit(minicnn.zeros(4, 3), 2)]
    [(2, 3), (2, 3)]
    """
    return _evenly("vsplit", input, indices_or_sections, 0)


def _dsplit_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(1, 2, 4)), 2)
    yield Sample(rng.normal(size=(2, 1, 5)), [1, 3])
    yield Sample(rng.normal(size=(1, 2, 4, 2)), (2, 9))
    yield Sample(np.arange(6).reshape(1, 1, 6), 3)
    yield Sample(np.zeros((0, 1, 2)), 1)
    yield Sample(rng.normal(size=(2, 1, 3)), 3)


@composition(_dsplit_samples, _even_errors)
def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts along dim 2 of three dims or more: so many equal ones, or cut before the indices listed; views.

    Raises:
        ShapeError: the input has fewer than three dims, or the parts are not equal.

    >>> import minicnn
    >>> [x.shape for x in dsplit(minicnn.zeros(1, 2, 4), 2)]
    [(1, 2, 2), (1, 2, 2)]
    """
    return _evenly("dsplit", input, indices_or_sections, 2)


def _evenly(where: str, x: Tensor, parts: Any, dim: int) -> tuple[Tensor, ...]:
    need_tensors(where, input=x)
    fewest = {"hsplit": 1, "vsplit": 2, "dsplit": 3}[where]
    if x.ndim < fewest:
        raise ShapeError(
            message(
                where,
                f"expects at least {fewest} dim{'s' * (fewest > 1)}, got {x.ndim}.",
                f"input {tuple(x.shape)}",
                "reshape it first.",
            )
        )
    dim = min(dim, x.ndim - 1)
    if isinstance(parts, int) and parts > 0 and x.shape[dim] % parts:
        raise ShapeError(
            message(
                where,
                f"dim {dim} of size {x.shape[dim]} has no {parts} equal parts.",
                f"input {tuple(x.shape)}",
                "use tensor_split, whose parts may differ by one.",
            )
        )
    return tensor_split(x, parts, dim)
