"""Elements in order: sort, argsort, topk, kthvalue, median, aminmax, unique."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minicnn.autograd.graph import own, wrap
from minicnn.autograd.op import composition
from minicnn.autograd.primitive import Primitive
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend, backend_of
from minicnn.errors import ArgumentTypeError, IndexRangeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.dims import normal_dim
from minicnn.ops.primitive.extreme import Extreme, amax, amin, extreme
from minicnn.ops.primitive.gather import gather
from minicnn.ops.primitive.index import getitem
from minicnn.ops.primitive.parts import narrow
from minicnn.ops.primitive.reduce import dim_errors, distinct

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def _sort_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(distinct(rng, 3, 4))
    yield Sample(distinct(rng, 3, 4), 0, True)
    yield Sample(distinct(rng, 2, 3, 2), dim=1, descending=True)
    yield Sample(distinct(rng, 2, 3), stable=True)
    yield Sample(np.array([3, 1, 2, 1, 3]), 0, True, stable=True)
    yield Sample(np.array([[True, False], [False, True]]), stable=True)
    yield Sample(distinct(rng))
    yield Sample(distinct(rng, 0, 3), 0)


class Argsort(Primitive):
    constants = ("x",)
    samples = staticmethod(_sort_samples)
    errors = staticmethod(dim_errors)

    @staticmethod
    def forward(be: Backend, x: Array, *, dim: int, descending: bool) -> Array:
        if x.ndim == 0:
            return be.xp.zeros((), dtype="int64")
        if not descending:
            return be.xp.argsort(x, axis=dim, kind="stable")
        # Reversed twice, so that equal elements keep their order.
        order = be.xp.argsort(be.xp.flip(x, dim), axis=dim, kind="stable")
        return be.xp.flip(x.shape[dim] - 1 - order, dim).copy()


@Argsort.public
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """Where the elements of the sorted tensor come from, along a dim.

    Shapes: input (*); output as input, of int64.
    Args:
        descending: from the largest to the smallest; NaN counts as the largest.
        stable: equal elements keep their order; minicnn's sort always does.
    Raises:
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> argsort(minicnn.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """
    need_tensors("argsort", input=input)
    return Argsort.apply(input, dim=normal_dim("argsort", dim, input.ndim), descending=descending)


@composition(_sort_samples, dim_errors)
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Extreme:
    """The elements in order along a dim, and where they come from.

    Shapes: input (*); values and indices as input.
    Args:
        descending: from the largest to the smallest; NaN counts as the largest.
        stable: equal elements keep their order; minicnn's sort always does.
    Returns:
        A named tuple (values, indices).
    Raises:
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> sort(minicnn.tensor([3.0, 1.0, 2.0])).values
    tensor([1., 2., 3.])
    """
    indices = argsort(input, dim, descending, stable)
    return extreme("sort", gather(input, dim, indices) if input.ndim else input.clone(), indices)


def _topk_samples(rng: Rng) -> Iterator[Sample]:
    x = distinct(rng, 3, 4)
    yield Sample(x, 2)
    yield Sample(x, 4, 1, False)
    yield Sample(x, 1, dim=0, sorted=True)
    yield Sample(distinct(rng, 5), k=3, dim=-1, largest=True)
    yield Sample(x, 0)
    yield Sample(x, 1, 0, True, False)


def _topk_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(IndexRangeError, ("dim", "from -2 to 1", "2"), np.ones((2, 3)), 1, 2)
    yield ErrorSample(ParameterError, ("k", "from 0 to 3", "4"), np.ones((2, 3)), 4)


@composition(_topk_samples, _topk_errors)
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Extreme:
    """The k largest elements along a dim, or the smallest, and where they are; always in order.

    Shapes: input (*); values and indices as input, with k along ``dim``.
    Args:
        k: how many.
        largest: False for the smallest.
        sorted: whether the results must be in order; minicnn's always are.
    Returns:
        A named tuple (values, indices).
    Raises:
        IndexRangeError: a dim out of range.
        ParameterError: k is more than there are.

    >>> import minicnn
    >>> topk(minicnn.tensor([3.0, 1.0, 2.0]), 2).indices
    tensor([0, 2])
    """
    need_tensors("topk", input=input)
    dim = normal_dim("topk", dim, input.ndim)
    size = input.shape[dim] if input.ndim else 1
    if not 0 <= k <= size:
        raise ParameterError(
            message(
                "topk", f"k expects an int from 0 to {size}, got {k}.", f"dim {dim} has size {size}", "use a smaller k."
            )
        )
    if input.ndim == 0:
        return extreme("topk", *sort(input))
    indices = own(narrow(argsort(input, dim, descending=largest), dim, 0, k))
    return extreme("topk", gather(input, dim, indices), indices)


def _kth_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(distinct(rng, 3, 4), 2)
    yield Sample(distinct(rng, 3, 4), 3, 0)
    yield Sample(distinct(rng, 3, 4), 1, 1, True)
    yield Sample(distinct(rng, 2, 3, 2), 3, dim=-2, keepdim=True)
    yield Sample(distinct(rng), 1)
    yield Sample(np.array([[1, 2, 1], [3, 0, 0]]), 3)  # equals count apart
    yield Sample(Constant(np.array([[1.0, np.nan, 2.0]])), 3)  # NaN is the largest


def _kth_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ParameterError, ("k", "from 1 to 3", "0"), np.ones((2, 3)), 0)


@composition(_kth_samples, _kth_errors)
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Extreme:
    """The k-th smallest element along a dim, counted from 1, and where it is.

    Shapes: input (*); values and indices without the dim, or with 1 in its place.
    Args:
        k: from 1 to the dim's size.
        dim: along which.
        keepdim: keep the dim, as 1.
    Returns:
        A named tuple (values, indices).
    Raises:
        IndexRangeError: a dim out of range.
        ParameterError: k is below 1 or more than there are.

    >>> import minicnn
    >>> kthvalue(minicnn.tensor([3.0, 1.0, 2.0]), 2).values
    tensor(2.)
    """
    need_tensors("kthvalue", input=input)
    dim = normal_dim("kthvalue", dim, input.ndim)
    size = input.shape[dim] if input.ndim else 1
    if not 1 <= k <= size:
        raise ParameterError(
            message(
                "kthvalue", f"k expects an int from 1 to {size}, got {k}.", f"dim {dim} of {size}", "k=1 is the least."
            )
        )
    indices = own(narrow(argsort(input, dim), dim, k - 1, 1)) if input.ndim else argsort(input)
    return _picked("kthvalue", input, dim, indices, keepdim)


def _picked(where: str, x: Tensor, dim: int, indices: Tensor, keepdim: bool) -> Extreme:
    """Return values at one index a row, and the indices."""
    if x.ndim == 0:
        return extreme(where, x.clone(), indices)
    values = gather(x, dim, indices)
    if not keepdim:
        values, indices = values.squeeze(dim), indices.squeeze(dim)
    return extreme(where, values, indices)


def _median_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(distinct(rng, 3, 4))
    yield Sample(distinct(rng, 3, 4), 1)
    yield Sample(distinct(rng, 3, 4), 0, True)
    yield Sample(distinct(rng))
    yield Sample(Constant(np.array([[2, 0, 2], [1, 2, 3]])))
    yield Sample(Constant(np.array([[1.0, np.nan, 2.0], [3.0, 1.0, 2.0]])), 1)
    yield Sample(distinct(rng, 2, 3, 2), dim=-2, keepdim=True)


def _median_errors() -> Iterator[ErrorSample]:
    yield from dim_errors()
    yield ErrorSample(ShapeError, ("no elements",), np.ones((2, 0)), 1)


@composition(_median_samples, _median_errors)
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle element, the lower one of two; with ``dim``, along it, and where; NaN where there is one.

    Shapes: input (*); output (), or values and indices without ``dim``, or with 1 in its place.
    Args:
        dim: along which; all elements by default, and then without indices.
        keepdim: keep the dim, as 1.
    Returns:
        A tensor without dims; or, with ``dim``, a named tuple (values, indices).
    Raises:
        IndexRangeError: a dim out of range.
        ShapeError: there are no elements.

    >>> import minicnn
    >>> median(minicnn.tensor([4.0, 1.0, 3.0, 2.0]))
    tensor(2.)
    """
    need_tensors("median", input=input)
    if dim is None:
        found = median(input.detach().reshape(-1), 0).values
        return amin(getitem(input, (input == found) | (input != input)))  # ties share the gradient; NaN comes first
    dim = normal_dim("median", dim, input.ndim)
    if input.ndim == 0:
        return _picked("median", input, dim, argsort(input), keepdim)
    size = input.shape[dim]
    if size == 0:
        raise ShapeError(
            message("median", "there are no elements.", f"shape {tuple(input.shape)}, dim {dim}", "skip empty tensors.")
        )
    broken = (input != input).sum(dim, True)  # NaNs are sorted to the end
    place = ((broken == 0) * ((size - 1) // 2) + (broken != 0) * (size - broken)).to(np.int64)
    return _picked("median", input, dim, gather(argsort(input, dim), dim, place), keepdim)


class MinMax(NamedTuple):
    """What aminmax returns."""

    min: Any
    max: Any


MinMax.__name__ = "aminmax"  # as which it prints


def _aminmax_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(distinct(rng, 3, 4))
    yield Sample(distinct(rng, 3, 4), dim=1)
    yield Sample(distinct(rng, 3, 4), dim=0, keepdim=True)
    yield Sample(distinct(rng, 2, 3, 2), dim=-1)
    yield Sample(distinct(rng))
    yield Sample(Constant(np.array([[1.0, np.nan], [3.0, 2.0]])), dim=1)
    yield Sample(np.array([[1, 2, 2], [1, 1, 3]]), dim=0)


def _aminmax_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, "no elements", np.ones((2, 0)), dim=1)


@composition(_aminmax_samples, _aminmax_errors)
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> MinMax:
    """The smallest and the largest element, of all or along a dim; ties share the gradient.

    Returns:
        A named tuple (min, max).
    Raises:
        ShapeError: there are no elements.

    >>> import minicnn
    >>> aminmax(minicnn.tensor([3.0, 1.0, 2.0])).max
    tensor(3.)
    """
    return MinMax(amin(input, dim, keepdim), amax(input, dim, keepdim))


def _unique_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.integers(0, 4, (3, 4))
    yield Sample(x)
    yield Sample(x, True, True)
    yield Sample(x, return_counts=True)
    yield Sample(np.array([[1, 2], [1, 2], [0, 2]]), sorted=False, dim=0)
    yield Sample(np.array([[1, 1, 0], [2, 2, 3]]), return_inverse=True, dim=-1)
    yield Sample(Constant(np.array([2.0, 0.5, 2.0])), return_inverse=True, return_counts=True)
    yield Sample(np.zeros(0, dtype=np.int64))


def unique_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ArgumentTypeError, ("Tensor", "list"), [1, 1])
    yield ErrorSample(IndexRangeError, ("dim", "2"), np.ones((2, 3)), dim=2)


@composition(_unique_samples, unique_errors)
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different elements, in order; without gradient.

    Args:
        sorted: whether they must be in order; minicnn's always are.
        return_inverse: return too where each element of the input is among them.
        return_counts: return too how often each one occurs.
        dim: compare slices along it instead of elements.
    Returns:
        A tensor, or a tuple of it and what else was asked for.
    Raises:
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> unique(minicnn.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    need_tensors("unique", input=input)
    axis = None if dim is None else normal_dim("unique", dim, input.ndim)
    found = backend_of(input._array).xp.unique(
        input._array, return_inverse=return_inverse, return_counts=return_counts, axis=axis
    )
    if not isinstance(found, tuple):
        return wrap(found)
    values, *rest = found
    if return_inverse:
        rest[0] = rest[0].reshape(input.shape if axis is None else -1)
    return (wrap(values), *map(wrap, rest))
