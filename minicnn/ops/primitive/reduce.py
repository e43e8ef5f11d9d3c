"""Reductions over dims: sum, mean, var, std, logsumexp, all, any."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.primitive import Primitive
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.errors import DTypeError, IndexRangeError, ParameterError, message
from minicnn.ops.primitive.dims import Dims, named_dims, normal_dims
from minicnn.ops.primitive.shape import Expand, Reshape
from minicnn.ops.promote import as_float

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def axes(dims: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    """Return the dims as NumPy's axes."""
    return dims if ndim else ()  # arrays without dims have no axis 0


def reduction_samples(rng: Rng) -> Iterator[Sample]:
    """Yield one dim, several, all, kept and not, negative, of size 1, and empty where that has a result."""
    x = distinct(rng, 2, 3, 4)
    yield Sample(x)
    yield Sample(x, 1)
    yield Sample(x, (0, -1))
    yield Sample(x, -1, True)
    yield Sample(x, dim=(0, 2), keepdim=True)
    yield Sample(distinct(rng))
    yield Sample(distinct(rng, 3, 1), 1)


def distinct(rng: Rng, *shape: int) -> Any:
    """Return values that lie well apart, so that finite differences do not change their order."""
    size = int(np.prod(shape))
    return ((rng.permutation(size) + rng.uniform(0.2, 0.8, size)) / builtins.max(size, 1) * 4 - 2).reshape(shape)


def dim_errors() -> Iterator[ErrorSample]:
    """Yield a dim out of range."""
    yield ErrorSample(IndexRangeError, ("dim", "from -2 to 1", "2"), np.ones((2, 3)), 2)
    yield ErrorSample(IndexRangeError, ("dim", "from -2 to 1", "-3"), np.ones((2, 3)), -3)


def reduction_errors() -> Iterator[ErrorSample]:
    """Yield dims out of range, and one given twice."""
    yield from dim_errors()
    yield ErrorSample(ParameterError, ("dim", "once"), np.ones((2, 3)), (0, 0))


class Sum(Primitive):
    @staticmethod
    def forward(be: Backend, x: Array, *, dim: tuple[int, ...], keepdim: bool) -> Array:
        return be.xp.sum(x, axis=dim, keepdims=keepdim)

    @staticmethod
    def grad_x(g: Tensor, x_shape: tuple[int, ...], dim: tuple[int, ...], keepdim: bool) -> Tensor:
        return Expand.apply(restore(g, x_shape, dim, keepdim), shape=x_shape)

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield from reduction_samples(rng)
        yield Sample(np.zeros((0, 3)), 0)
        yield Sample(np.zeros((2, 0)), 1)
        yield Sample(rng.normal(size=(2, 3)), 0, dtype=np.dtype("float64"))
        yield Sample(rng.normal(size=(2, 3)), axis=1, keepdims=True)

    errors = staticmethod(reduction_errors)


class _Quantifier(Primitive, abstract=True):
    constants = ("x",)

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        x = rng.integers(0, 2, (2, 3)) > 0
        yield Sample(x)
        yield Sample(x, 0)
        yield Sample(x, 1, True)
        yield Sample(x, axis=1)
        yield Sample(x, ())  # no dim, where a sum over () is one over all
        yield Sample(np.array([[[0, 2, -1]], [[0, 0, 0]]]), (0, -1), keepdim=True)
        yield Sample(Constant(np.array([0.0, np.nan])))  # NaN is not 0
        yield Sample(np.array(True))
        yield Sample(np.zeros((0, 3), dtype=bool), 0)

    errors = staticmethod(reduction_errors)


class All(_Quantifier):
    @staticmethod
    def forward(be: Backend, x: Array, *, dim: tuple[int, ...], keepdim: bool) -> Array:
        return be.xp.all(x, axis=dim, keepdims=keepdim)


class Any_(_Quantifier):
    name = "any"

    @staticmethod
    def forward(be: Backend, x: Array, *, dim: tuple[int, ...], keepdim: bool) -> Array:
        return be.xp.any(x, axis=dim, keepdims=keepdim)


def restore(g: Tensor, shape: tuple[int, ...], dim: tuple[int, ...], keepdim: bool) -> Tensor:
    """Return a reduced tensor with the reduced dims back as 1, so that it broadcasts against the input."""
    if keepdim or len(dim) == len(shape):  # a number broadcasts as it is
        return g
    return Reshape.apply(g, shape=tuple([1 if i in dim else size for i, size in enumerate(shape)]))


@Sum.public
def sum(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    axis: Dims = None,
    keepdims: bool = False,
) -> Tensor:
    """Sum over dims: y = Σ x.

    Shapes: input (*); output without the dims, or with 1 in their place.
    Args:
        dim: one dim or several; all by default. ``axis`` is another name for it.
        keepdim: keep the summed dims, as 1; ``keepdims`` is another name for it.
        dtype: cast to it first; bools and integers are summed as int64 otherwise.
    Raises:
        IndexRangeError: a dim out of range.
    Gradient: g, repeated over the summed dims.

    >>> import minicnn
    >>> sum(minicnn.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=0)
    tensor([4., 6.])
    """
    x = input if dtype is None else input.to(dtype)
    if x.dtype.kind in "bui":
        x = x.to(np.int64)
    dims = normal_dims("sum", dim if axis is None else axis, x.ndim)
    return Sum.apply(x, dim=axes(dims, x.ndim), keepdim=keepdim or keepdims)


def _mean_samples(rng: Rng) -> Iterator[Sample]:
    yield from reduction_samples(rng)
    yield Sample(rng.normal(size=(2, 3)), 0, dtype=np.dtype("float64"))
    yield Sample(rng.normal(size=(2, 3)), axis=1, keepdims=True)


@composition(_mean_samples, reduction_errors)
def mean(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    axis: Dims = None,
    keepdims: bool = False,
) -> Tensor:
    """Mean over dims: y = Σ x / n; NaN over no elements.

    Shapes: input (*); output without the dims, or with 1 in their place.
    Args:
        dim: one dim or several; all by default. ``axis`` is another name for it.
        keepdim: keep the dims, as 1; ``keepdims`` is another name for it.
        dtype: cast to it first.
    Raises:
        DTypeError: the input is of integers.
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> mean(minicnn.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(2.5000)
    """
    x = input if dtype is None else input.to(dtype)
    if x.dtype.kind != "f":
        raise DTypeError(
            message("mean", f"expects floats, got {x.dtype}.", f"shape {tuple(x.shape)}", "x.float().mean().")
        )
    dims = normal_dims("mean", dim if axis is None else axis, x.ndim)
    count = count_of(x.shape, dims)
    total = Sum.apply(x, dim=axes(dims, x.ndim), keepdim=keepdim or keepdims)
    return total * (1.0 / count) if count else total / 0.0


def count_of(shape: tuple[int, ...], dims: tuple[int, ...]) -> int:
    """Return how many elements one result is reduced from."""
    total = 1
    for d in dims:
        total *= shape[d] if shape else 1
    return total


def var_samples(rng: Rng) -> Iterator[Sample]:
    """Yield the arguments that `var` and its kind take."""
    x = distinct(rng, 2, 3, 4)
    yield Sample(x)
    yield Sample(x, (0, -1))
    yield Sample(x, 1, keepdim=True)
    yield Sample(x, 1, False, True)
    yield Sample(x, False)
    yield Sample(distinct(rng, 2, 3), 1, correction=0)
    yield Sample(distinct(rng, 2, 3), axis=1)


@composition(var_samples, reduction_errors)
def var(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float = 1,
    axis: Dims = None,
) -> Tensor:
    """Variance over dims, in two passes: y = Σ (x − mean)² / max(0, n − correction).

    Shapes: input (*); output without the dims, or with 1 in their place.
    Args:
        unbiased: PyTorch's older spelling: True is correction 1, False is 0; ``x.var(False)`` means it too.
        correction: what is taken off n; 1 by default (Bessel's).
        axis: another name for dim.
    Raises:
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> var(minicnn.tensor([1.0, 2.0, 3.0]))
    tensor(1.)
    """
    dim = dim if axis is None else axis
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None:
        correction = 1 if unbiased else 0
    dims = normal_dims("var", dim, input.ndim)
    centred = input - mean(input, dims, True)
    total = sum(centred * centred, dims, keepdim)
    degrees = builtins.max(count_of(input.shape, dims) - correction, 0)
    return total * (1.0 / degrees) if degrees else total / 0.0


@composition(var_samples, reduction_errors)
def std(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float = 1,
    axis: Dims = None,
) -> Tensor:
    """Standard deviation over dims: the square root of `var`, with the same arguments.

    Shapes: input (*); output without the dims, or with 1 in their place.
    Args: as for `var`.
    Raises:
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> std(minicnn.tensor([1.0, 2.0, 3.0]))
    tensor(1.)
    """
    squared = var(input, dim if axis is None else axis, unbiased, keepdim, correction=correction)
    zero = squared == 0  # where √ has no slope; the gradient there is 0, as in PyTorch
    return squared.masked_fill(zero, 1.0).sqrt().masked_fill(zero, 0.0)


def _logsumexp_samples(rng: Rng) -> Iterator[Sample]:
    yield from reduction_samples(rng)
    yield Sample(rng.normal(size=(2, 3)) * 3 + 1e4, 1)
    yield Sample(np.zeros((0, 3)), 1)


@composition(_logsumexp_samples, reduction_errors)
def logsumexp(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """y = ln Σ eˣ over dims, computed from the largest element so that nothing overflows.

    Shapes: input (*); output without the dims, or with 1 in their place.
    Args:
        dim: one dim or several; all by default.
        keepdim: keep the dims, as 1.
    Raises:
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> logsumexp(minicnn.tensor([100.0, 100.0]), dim=0)
    tensor(100.6931)
    """
    x = as_float(input)
    dims = normal_dims("logsumexp", dim, x.ndim)
    if count_of(x.shape, dims) == 0:
        return sum(x, dims, keepdim) - float("inf")
    top = x.detach().amax(dims, True)
    top = top.masked_fill(~top.isfinite(), 0.0)  # ∞ − ∞ has no value; from 0 the sum says what it is
    y = sum((x - top).exp(), dims, keepdim).log()
    return y + (top if keepdim else top.reshape(y.shape))


@All.public
def all(input: Tensor, dim: Dims = None, keepdim: bool = False, *, axis: Dims = None) -> Tensor:
    """Whether all elements are non-zero, over dims.

    Shapes: input (*); output without the dims, or with 1 in their place, of bools.
    Args:
        dim: one dim or several; all by default, and none for ().
        keepdim: keep the dims, as 1.
        axis: another name for dim.
    Raises:
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> all(minicnn.tensor([[True, False], [True, True]]), dim=1)
    tensor([False,  True])
    """
    dims = named_dims("all", dim if axis is None else axis, input.ndim)
    return All.apply(input, dim=axes(dims, input.ndim), keepdim=keepdim)


@Any_.public
def any(input: Tensor, dim: Dims = None, keepdim: bool = False, *, axis: Dims = None) -> Tensor:
    """Whether any element is non-zero, over dims.

    Shapes: input (*); output without the dims, or with 1 in their place, of bools.
    Args:
        dim: one dim or several; all by default, and none for ().
        keepdim: keep the dims, as 1.
        axis: another name for dim.
    Raises:
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> any(minicnn.tensor([[True, False], [False, False]]), dim=1)
    tensor([ True, False])
    """
    dims = named_dims("any", dim if axis is None else axis, input.ndim)
    return Any_.apply(input, dim=axes(dims, input.ndim), keepdim=keepdim)
