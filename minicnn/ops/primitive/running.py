"""Along a dim, step by step: cummax, cummin, diff, trapezoid, cumulative_trapezoid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.graph import wrap
from minicnn.autograd.op import composition
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import backend_of
from minicnn.errors import ArgumentTypeError, IndexRangeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.dims import normal_dim
from minicnn.ops.primitive.extreme import Extreme, extreme
from minicnn.ops.primitive.gather import gather
from minicnn.ops.primitive.join import cat
from minicnn.ops.primitive.parts import narrow
from minicnn.ops.primitive.reduce import distinct, sum
from minicnn.ops.primitive.scan import cumsum, scan
from minicnn.ops.primitive.where import where

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def _running_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(distinct(rng, 2, 5), 1)
    yield Sample(distinct(rng, 3, 4), 0)
    yield Sample(distinct(rng, 2, 3, 2), -2)
    yield Sample(np.array([3, 1, 3, 5, 5, 2]), 0)
    yield Sample(Constant(np.array([1.0, np.nan, 3.0, np.nan])), 0)
    yield Sample(distinct(rng), 0)
    yield Sample(distinct(rng, 3, 1), 1)
    yield Sample(distinct(rng, 0, 3), 0)


def _dim_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(IndexRangeError, ("dim", "from -2 to 1", "2"), np.ones((2, 3)), dim=2)


@composition(_running_samples, _dim_errors)
def cummax(input: Tensor, dim: int) -> Extreme:
    """The largest element so far along a dim, and where it is: of equal ones the last; NaN from the first NaN on.

    Shapes: input (*); values and indices as input.
    Returns:
        A named tuple (values, indices).
    Raises:
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> cummax(minicnn.tensor([1.0, 3.0, 2.0]), 0).values
    tensor([1., 3., 3.])
    """
    return _running("cummax", input, dim, 1)


@composition(_running_samples, _dim_errors)
def cummin(input: Tensor, dim: int) -> Extreme:
    """The smallest element so far along a dim, and where it is: of equal ones the last; NaN from the first NaN on.

    Shapes: input (*); values and indices as input.
    Returns:
        A named tuple (values, indices).
    Raises:
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> cummin(minicnn.tensor([3.0, 1.0, 2.0]), 0).indices
    tensor([0, 1, 1])
    """
    return _running("cummin", input, dim, -1)


def _running(where_: str, x: Tensor, dim: int, sign: int) -> Extreme:
    need_tensors(where_, input=x)
    d = normal_dim(where_, dim, x.ndim)
    xp = backend_of(x._array).xp
    if x.ndim == 0:
        return extreme(where_, x.clone(), wrap(xp.zeros((), dtype="int64")))
    steps = xp.arange(x.shape[d]).reshape((-1,) + (1,) * (x.ndim - d - 1))
    places: Tensor = wrap(xp.broadcast_to(steps, x.shape))
    old = x.detach()

    def later(a: Tensor, b: Tensor) -> Tensor:
        """Of two places, the one of the extreme value."""
        left, right = gather(old, d, a), gather(old, d, b)
        wins = (right >= left) if sign > 0 else (right <= left)
        return where(wins | (right != right), b, a)

    places = scan(places, d, later)
    return extreme(where_, gather(x, d, places), places)


def _diff_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.normal(size=(3, 4))
    yield Sample(x)
    yield Sample(x, 2, 0)
    yield Sample(x, n=1, dim=1, prepend=rng.normal(size=(3, 2)))
    yield Sample(x, append=rng.normal(size=(3, 1)))
    yield Sample(x, 1, 0, rng.normal(size=(1, 4)), rng.normal(size=(2, 4)))
    yield Sample(x, 0)
    yield Sample(x, 5)
    yield Sample(np.array([1, 4, 2]))
    yield Sample(np.array([True, False, False]))


def _diff_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ParameterError, ("n", "-1"), np.ones(3), -1)
    yield ErrorSample(ShapeError, ("at least 1 dim",), np.ones(()))
    yield ErrorSample(IndexRangeError, ("dim", "from -2 to 1"), np.ones((2, 3)), 1, 2)


@composition(_diff_samples, _diff_errors)
def diff(input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None) -> Any:
    """Differences of neighbours along a dim: yᵢ = xᵢ₊₁ − xᵢ; n times.

    Shapes: (N, L) -> (N, L − n), L counting what is put before and behind.
    Args:
        n: how often.
        prepend, append: tensors to join before and behind first.
    Raises:
        ParameterError: n is negative.
        ShapeError: the input has no dims.
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> diff(minicnn.tensor([1, 4, 9]))
    tensor([3, 5])
    """
    need_tensors("diff", input=input, prepend=prepend, append=append)
    if n < 0:
        raise ParameterError(
            message("diff", f"n expects 0 or more, got {n}.", "how often to take differences", "use n=1, for example.")
        )
    if input.ndim == 0:
        raise ShapeError(
            message(
                "diff",
                "expects at least 1 dim.",
                "input ()",
                "give it a dim of several elements: there is nothing to subtract.",
            )
        )
    d = normal_dim("diff", dim, input.ndim)
    parts = [x for x in (prepend, input, append) if x is not None] if n else [input]  # as PyTorch and NumPy do
    x = cat(parts, d) if len(parts) > 1 else input
    for _ in range(min(n, x.shape[d])):
        size = max(x.shape[d] - 1, 0)
        after, before = narrow(x, d, min(1, x.shape[d]), size), narrow(x, d, 0, size)
        x = after ^ before if x.dtype.kind == "b" else after - before
    return x.clone() if x is input else x


def _area_samples(rng: Rng) -> Iterator[Sample]:
    y = rng.normal(size=(3, 4))
    yield Sample(y)
    yield Sample(y, dx=0.5)
    yield Sample(y, rng.normal(size=4))
    yield Sample(y, rng.normal(size=(3, 4)), dim=1)
    yield Sample(y, rng.normal(size=3), dim=0)
    yield Sample(y, dx=2.0, dim=0)
    yield Sample(rng.normal(size=5))
    yield Sample(rng.normal(size=(2, 1)))


def _area_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("x", "(3,)", "4"), np.ones((2, 4)), np.ones(3))
    yield ErrorSample(ArgumentTypeError, ("Tensor", "list"), [1.0, 2.0])
    yield ErrorSample(IndexRangeError, ("dim", "from -2 to 1"), np.ones((2, 3)), dim=2)


def _areas(name: str, y: Tensor, x: Any, dx: Any, dim: int) -> tuple[Tensor, int]:
    """Return the areas between neighbours, and the dim they lie along."""
    need_tensors(name, y=y, x=x)
    d = normal_dim(name, dim, y.ndim)
    size = y.shape[d] if y.ndim else 1
    if x is not None and (x.ndim == 0 or x.shape[-1 if x.ndim == 1 else normal_dim(name, dim, x.ndim)] != size):
        raise ShapeError(
            message(
                name,
                f"x expects {size} places along dim {d}, one per element of y, got shape {tuple(x.shape)}.",
                f"y {tuple(y.shape)}",
                "give one place per element of y, or one distance: dx=1.0.",
            )
        )
    if x is not None:
        gaps = diff(x, 1, -1 if x.ndim == 1 else dim)
        width = gaps.reshape((-1,) + (1,) * (y.ndim - d - 1)) if x.ndim == 1 else gaps
    else:
        width = dx
    count = max(size - 1, 0)
    return (narrow(y, d, 0, count) + narrow(y, d, min(1, size), count)) * width / 2, d


@composition(_area_samples, _area_errors)
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1.0, dim: int = -1) -> Tensor:
    """The integral by the trapezoid rule: Σ (yᵢ + yᵢ₊₁) / 2 · (xᵢ₊₁ − xᵢ) along a dim.

    Shapes: y (N, L) -> (N); x (L), or as y.
    Args:
        x: the places of the values.
        dx: the distance of all places, where x is not given.
    Raises:
        ShapeError: x has another number of places.
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> trapezoid(minicnn.tensor([1.0, 2.0, 3.0]))
    tensor(4.)
    """
    areas, d = _areas("trapezoid", y, x, dx, dim)
    return sum(areas, d)


@composition(_area_samples, _area_errors)
def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1.0, dim: int = -1) -> Tensor:
    """The running integral by the trapezoid rule; see `trapezoid`.

    Shapes: y (N, L) -> (N, L − 1).
    Args:
        x: the places of the values.
        dx: the distance of all places, where x is not given.
    Raises:
        ShapeError: x has another number of places.
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> cumulative_trapezoid(minicnn.tensor([1.0, 2.0, 3.0]))
    tensor([1.5000, 4.0000])
    """
    areas, d = _areas("cumulative_trapezoid", y, x, dx, dim)
    return cumsum(areas, d)
