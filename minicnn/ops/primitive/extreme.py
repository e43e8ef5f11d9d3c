"""The largest and the smallest, and where they are: amax, amin, max, min, argmax, argmin."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minicnn.autograd.graph import TapeTensor
from minicnn.autograd.op import composition
from minicnn.autograd.primitive import Primitive
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.errors import ShapeError, message
from minicnn.ops.primitive.dims import Dims, normal_dim, normal_dims
from minicnn.ops.primitive.gather import gather
from minicnn.ops.primitive.maximum import maximum, minimum
from minicnn.ops.primitive.reduce import (
    axes,
    count_of,
    dim_errors,
    distinct,
    reduction_errors,
    reduction_samples,
    restore,
)

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class _Extreme(Primitive, abstract=True):
    """The largest or the smallest value; ties share the gradient evenly, as in PyTorch."""

    @staticmethod
    def grad_x(
        g: Tensor, out: Tensor, x: Tensor, x_shape: tuple[int, ...], dim: tuple[int, ...], keepdim: bool
    ) -> Tensor:
        chosen = (x == restore(out, x_shape, dim, keepdim)) | (x != x)  # a NaN among the elements is the result
        share = chosen.to(g.dtype) / chosen.sum(axes(dim, len(x_shape)), keepdim=True).to(g.dtype)
        return restore(g, x_shape, dim, keepdim) * share

    @staticmethod
    def fast_x(
        be: Backend, g: Array, out: Array, x: Array, x_shape: tuple[int, ...], dim: tuple[int, ...], keepdim: bool
    ) -> Array:
        over = axes(dim, len(x_shape))
        kept = tuple(1 if d in over else size for d, size in enumerate(x_shape))
        chosen = x == out.reshape(kept)
        if be.may_hold(out != out):
            chosen |= x != x
        share = chosen.astype(g.dtype)
        count = be.xp.sum(share, axis=over, keepdims=True, dtype="float64").astype(g.dtype)
        share *= g.reshape(kept) / count
        return share

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield from reduction_samples(rng)
        yield Sample(np.zeros((0, 3)), 1)

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield from reduction_errors()
        yield ErrorSample(ShapeError, ("no elements", "dim"), np.zeros((0, 3)), 0)


class Amax(_Extreme):
    @staticmethod
    def forward(be: Backend, x: Array, *, dim: tuple[int, ...], keepdim: bool) -> Array:
        return be.xp.max(x, axis=dim, keepdims=keepdim)


class Amin(_Extreme):
    @staticmethod
    def forward(be: Backend, x: Array, *, dim: tuple[int, ...], keepdim: bool) -> Array:
        return be.xp.min(x, axis=dim, keepdims=keepdim)


class _Arg(Primitive, abstract=True):
    """The place of an extreme value; integers, without gradient."""

    constants = ("x",)

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield Sample(distinct(rng, 2, 3))
        yield Sample(distinct(rng, 2, 3), 1)
        yield Sample(distinct(rng, 2, 3), 0, True)
        yield Sample(distinct(rng, 2, 3), axis=1, keepdims=True)
        yield Sample(distinct(rng, 2, 3, 2), -2, keepdim=True)
        yield Sample(np.array([[1, 3, 3], [0, 0, 2]]), 1)  # the first of equals
        yield Sample(distinct(rng))
        yield Sample(Constant(np.array([[1.0, np.nan], [np.inf, -np.inf]])), 1)  # NaN is the largest, and the smallest
        yield Sample(np.zeros((0, 3)), 1)

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield from dim_errors()
        yield ErrorSample(ShapeError, ("no elements", "dim"), np.zeros((0, 3)), 0)


class Argmax(_Arg):
    @staticmethod
    def forward(be: Backend, x: Array, *, dim: int | None, keepdim: bool) -> Array:
        return be.xp.argmax(x, axis=dim, keepdims=keepdim)


class Argmin(_Arg):
    @staticmethod
    def forward(be: Backend, x: Array, *, dim: int | None, keepdim: bool) -> Array:
        return be.xp.argmin(x, axis=dim, keepdims=keepdim)


@Amax.public
def amax(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The largest value over dims; ties share the gradient evenly.

    Shapes: input (*); output without the dims, or with 1 in their place.
    Args:
        dim: one dim or several; all by default.
        keepdim: keep the dims, as 1.
    Raises:
        IndexRangeError: a dim out of range.
        ShapeError: there are no elements to choose from.

    >>> import minicnn
    >>> amax(minicnn.tensor([[1.0, 4.0], [3.0, 2.0]]), dim=1)
    tensor([4., 3.])
    """
    return _extreme_of(Amax, input, dim, keepdim)


@Amin.public
def amin(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The smallest value over dims; ties share the gradient evenly.

    Shapes: input (*); output without the dims, or with 1 in their place.
    Args:
        dim: one dim or several; all by default.
        keepdim: keep the dims, as 1.
    Raises:
        IndexRangeError: a dim out of range.
        ShapeError: there are no elements to choose from.

    >>> import minicnn
    >>> amin(minicnn.tensor([[1.0, 4.0], [3.0, 2.0]]), dim=1)
    tensor([1., 2.])
    """
    return _extreme_of(Amin, input, dim, keepdim)


def _extreme_of(op: type[_Extreme], x: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    dims = normal_dims(op.name, dim, x.ndim)
    _need_elements(op.name, x, dims)
    return op.apply(x, dim=axes(dims, x.ndim), keepdim=keepdim)


def _need_elements(where: str, x: Tensor, dims: tuple[int, ...]) -> None:
    if count_of(x.shape, dims) == 0:
        raise ShapeError(
            message(
                where,
                "there are no elements to choose from.",
                f"shape {tuple(x.shape)}, dim {dims} has size 0",
                "reduce over dims that have elements.",
            )
        )


class Extreme(NamedTuple):
    """What max, sort, topk and their like return, each as a class of its name: see `extreme`."""

    values: Any
    indices: Any

    def __reduce__(self) -> Any:
        return extreme, (type(self).__name__, *self)


@functools.cache
def _kind(where: str) -> type[Extreme]:
    return type(where, (Extreme,), {"__slots__": ()})


def extreme(where: str, values: Any, indices: Any) -> Extreme:
    """Return what a function found, a named tuple that prints under the function's name.

    >>> extreme("max", 3, 0)
    max(values=3, indices=0)
    """
    return _kind(where)(values, indices)


def _max_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(distinct(rng, 2, 3))
    yield Sample(distinct(rng, 2, 3), 1)
    yield Sample(distinct(rng, 2, 3), 0, True)
    yield Sample(distinct(rng, 2, 3), axis=1, keepdims=True)
    yield Sample(distinct(rng, 2, 3), distinct(rng, 3) + 0.01)
    yield Sample(distinct(rng, 2, 3), other=distinct(rng, 3) + 0.01)
    yield Sample(distinct(rng, 3), distinct(rng, 2, 3) + 0.01)
    yield Sample(distinct(rng, 3, 1), distinct(rng, 4) + 0.01)
    yield Sample(distinct(rng, 2, 3, 2), -2, keepdim=True)


@composition(_max_samples, _Arg.errors)
def max(
    input: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    other: Any = None,
    axis: int | None = None,
    keepdims: bool = False,
) -> Any:
    """The largest element; with ``dim``, the largest along it and where; with a tensor, the larger of two.

    Shapes: input (*); output (), or values and indices without ``dim`` (or with 1 in its place), or, with ``other``,
    what both broadcast to.
    Args:
        dim: one dim; all by default, and then without indices. A tensor here is ``other``.
        keepdim: keep the dim, as 1.
        other: a tensor to compare with, element by element.
        axis, keepdims: other names for dim and keepdim.
    Returns:
        A tensor without dims; or, with ``dim``, a named tuple (values, indices) of the first maximum.
    Raises:
        IndexRangeError: a dim out of range.
        ShapeError: there are no elements to choose from, or the shapes do not broadcast.

    >>> import minicnn
    >>> max(minicnn.tensor([[1.0, 4.0], [3.0, 2.0]]), dim=1).indices
    tensor([1, 0])
    """
    return _extreme(input, dim if axis is None else axis, keepdim or keepdims, other, largest=True)


@composition(_max_samples, _Arg.errors)
def min(
    input: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    other: Any = None,
    axis: int | None = None,
    keepdims: bool = False,
) -> Any:
    """The smallest element; with ``dim``, the smallest along it and where; with a tensor, the smaller of two.

    Shapes: input (*); output (), or values and indices without ``dim`` (or with 1 in its place), or, with ``other``,
    what both broadcast to.
    Args:
        dim: one dim; all by default, and then without indices. A tensor here is ``other``.
        keepdim: keep the dim, as 1.
        other: a tensor to compare with, element by element.
        axis, keepdims: other names for dim and keepdim.
    Returns:
        A tensor without dims; or, with ``dim``, a named tuple (values, indices) of the first minimum.
    Raises:
        IndexRangeError: a dim out of range.
        ShapeError: there are no elements to choose from, or the shapes do not broadcast.

    >>> import minicnn
    >>> min(minicnn.tensor([[1.0, 4.0], [3.0, 2.0]]), dim=1).values
    tensor([1., 2.])
    """
    return _extreme(input, dim if axis is None else axis, keepdim or keepdims, other, largest=False)


def _extreme(input: Tensor, dim: Any, keepdim: bool, other: Any, largest: bool) -> Any:
    other = dim if isinstance(dim, TapeTensor) else other
    if other is not None:
        return (maximum if largest else minimum)(input, other)
    if dim is None:
        return amax(input) if largest else amin(input)
    indices = (argmax if largest else argmin)(input, dim, keepdim=True)
    values = gather(input, dim, indices) if input.ndim else input
    if not keepdim and input.ndim:
        values, indices = values.squeeze(dim), indices.squeeze(dim)
    return extreme("max" if largest else "min", values, indices)


@Argmax.public
def argmax(
    input: Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    axis: int | None = None,
    keepdims: bool = False,
) -> Tensor:
    """The index of the first largest element, along a dim or of the flattened tensor.

    Shapes: input (*); output without the dim, or with 1 in its place, of int64; () without ``dim``.
    Args:
        dim: along which; the flattened tensor by default.
        keepdim: keep the dim, as 1.
        axis, keepdims: other names for dim and keepdim.
    Raises:
        IndexRangeError: a dim out of range.
        ShapeError: there are no elements to choose from.

    >>> import minicnn
    >>> argmax(minicnn.tensor([[1.0, 4.0], [3.0, 2.0]]), dim=1)
    tensor([1, 0])
    """
    return _arg(Argmax, input, dim if axis is None else axis, keepdim or keepdims)


@Argmin.public
def argmin(
    input: Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    axis: int | None = None,
    keepdims: bool = False,
) -> Tensor:
    """The index of the first smallest element, along a dim or of the flattened tensor.

    Shapes: input (*); output without the dim, or with 1 in its place, of int64; () without ``dim``.
    Args:
        dim: along which; the flattened tensor by default.
        keepdim: keep the dim, as 1.
        axis, keepdims: other names for dim and keepdim.
    Raises:
        IndexRangeError: a dim out of range.
        ShapeError: there are no elements to choose from.

    >>> import minicnn
    >>> argmin(minicnn.tensor([[1.0, 4.0], [3.0, 2.0]]), dim=1)
    tensor([0, 1])
    """
    return _arg(Argmin, input, dim if axis is None else axis, keepdim or keepdims)


def _arg(op: type[_Arg], x: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    if dim is not None:
        dim = normal_dim(op.name, dim, x.ndim)
    _need_elements(op.name, x, normal_dims(op.name, dim, x.ndim))
    return op.apply(x, dim=dim if x.ndim else None, keepdim=keepdim)
