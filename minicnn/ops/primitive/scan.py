"""Products, and running sums and products along a dim: prod, cumsum, cumprod, logcumsumexp."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.primitive import Primitive
from minicnn.autograd.sample import Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.dims import normal_dim
from minicnn.ops.primitive.join import cat
from minicnn.ops.primitive.maximum import maximum
from minicnn.ops.primitive.parts import narrow
from minicnn.ops.primitive.reduce import dim_errors
from minicnn.ops.primitive.shape import flip
from minicnn.ops.promote import as_float

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def _scan_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.normal(size=(2, 3, 4))
    yield Sample(x, 1)
    yield Sample(x, -1)
    yield Sample(rng.normal(size=5), 0)
    yield Sample(rng.normal(size=(0, 3)), 0)
    yield Sample(rng.normal(size=(2, 1)), 1)
    yield Sample(rng.normal(size=()), 0)


def _typed_scan_samples(rng: Rng) -> Iterator[Sample]:
    yield from _scan_samples(rng)
    yield Sample(rng.normal(size=(2, 3)), 1, dtype=np.dtype("float64"))
    yield Sample(np.array([[1, 2, 3]]), 1)
    yield Sample(np.array([2.0, 0.0, 3.0, 0.0, 5.0]), 0)


class Cumsum(Primitive):
    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield from _typed_scan_samples(rng)
        yield Sample(rng.normal(size=(2, 3)), axis=1)

    errors = staticmethod(dim_errors)

    @staticmethod
    def forward(be: Backend, x: Array, *, dim: int) -> Array:
        return be.xp.cumsum(x, axis=dim) if x.ndim else x.copy()

    @staticmethod
    def grad_x(g: Tensor, dim: int) -> Tensor:
        if g.ndim == 0:
            return g
        return flip(Cumsum.apply(flip(g, dim), dim=dim), dim)  # each element is in all sums from its place on


@Cumsum.public
def cumsum(input: Tensor, dim: Any = None, *, dtype: Any = None, axis: int | None = None) -> Tensor:
    """Running sum along a dim, which must be given: yᵢ = x₀ + ... + xᵢ.

    Shapes: input (*); output as input.
    Args:
        axis: another name for dim.
        dtype: cast to it first; bools and integers are summed as int64 otherwise.
    Raises:
        IndexRangeError: a dim out of range.
    Gradient: the running sum of g from the other end.

    >>> import minicnn
    >>> cumsum(minicnn.tensor([1.0, 2.0, 3.0]), 0)
    tensor([1., 3., 6.])
    """
    x, dim = _prepared("cumsum", input, dim if axis is None else axis, dtype)
    return Cumsum.apply(x, dim=dim)


def _prepared(where: str, input: Tensor, dim: int, dtype: Any) -> tuple[Tensor, int]:
    need_tensors(where, input=input)
    x = input if dtype is None else input.to(dtype)
    if x.dtype.kind in "bui":
        x = x.to(np.int64)
    return x, normal_dim(where, dim, x.ndim)


def scan(x: Tensor, dim: int, combine: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Return running results of an associative operation, in log₂ n steps: step k joins results 2ᵏ places apart."""
    if x.ndim == 0:
        return x.clone()
    size, reach = x.shape[dim], 1
    while reach < size:
        early = narrow(x, dim, 0, size - reach)
        x = cat([narrow(x, dim, 0, reach), combine(early, narrow(x, dim, reach, size - reach))], dim)
        reach *= 2
    return x


@composition(_typed_scan_samples, dim_errors)
def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Running product along a dim: yᵢ = x₀ · ... · xᵢ.

    Shapes: input (*); output as input.
    Args:
        dtype: cast to it first; bools and integers are multiplied as int64 otherwise.
    Raises:
        IndexRangeError: a dim out of range.
    Source: Hillis and Steele, Data parallel algorithms (1986); its gradient is right at zeros too.

    >>> import minicnn
    >>> cumprod(minicnn.tensor([1.0, 2.0, 3.0]), 0)
    tensor([1., 2., 6.])
    """
    x, dim = _prepared("cumprod", input, dim, dtype)
    return scan(x, dim, lambda a, b: a * b)


@composition(_scan_samples, dim_errors)
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """Running log-sum-exp along a dim: yᵢ = ln (exp x₀ + ... + exp xᵢ), without overflow.

    Shapes: input (*); output as input.
    Raises:
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> logcumsumexp(minicnn.tensor([100.0, 100.0]), 0)
    tensor([100.0000, 100.6931])
    """
    x, dim = _prepared("logcumsumexp", input, dim, None)

    def combine(a: Tensor, b: Tensor) -> Tensor:
        top = maximum(a.detach(), b.detach())
        top = top.masked_fill(~top.isfinite(), 0.0)  # ∞ − ∞ has no value; from 0 the sum says what it is
        return top + ((a - top).exp() + (b - top).exp()).log()

    return scan(as_float(x), dim, combine)


def _prod_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.normal(size=(2, 3, 5))
    yield Sample(x)
    yield Sample(x, 1)
    yield Sample(x, -1, True)
    yield Sample(x, dim=0, keepdim=True)
    yield Sample(np.array([2.0, 0.0, 3.0]), 0)
    yield Sample(np.array([2.0, 0.0, 0.0]))
    yield Sample(np.zeros((0, 3)), 0)
    yield Sample(rng.normal(size=()))
    yield Sample(rng.normal(size=(2, 3)), 1, dtype=np.dtype("float64"))
    yield Sample(np.array([2, 3]))


@composition(_prod_samples, dim_errors)
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Product of all elements, or along a dim: y = Π x; 1 over no elements.

    Shapes: input (*); output without the dim, or with 1 in its place.
    Args:
        dim: one dim; all elements by default.
        keepdim: keep the dim, as 1.
        dtype: cast to it first; bools and integers are multiplied as int64 otherwise.
    Raises:
        IndexRangeError: a dim out of range.
    Halves are multiplied until one is left, so the gradient is right at zeros too.

    >>> import minicnn
    >>> prod(minicnn.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1)
    tensor([ 2., 12.])
    """
    x, d = _prepared("prod", input, 0 if dim is None else dim, dtype)
    if dim is None:
        x = x.reshape(-1)
    elif x.ndim == 0:
        return x.clone()
    if x.shape[d] == 0:
        x = cat([x, (x.sum(d, keepdim=True) + 1).to(x.dtype)], d)
    while (size := x.shape[d]) > 1:
        half = size // 2
        pairs = narrow(x, d, 0, half) * narrow(x, d, half, half)
        x = cat([pairs, narrow(x, d, size - 1, 1)], d) if size % 2 else pairs
    return x if keepdim and dim is not None else x.squeeze(d)
