"""Batch norm in two passes over memory: statistics of blocks, merged; then the normalized values, block by block.

A block is read once from memory and stays in a core's cache for all that is done to it. Several pixels lie side by side
in a row, (M / k, k · C), so that what has one number a channel, tiled k times, meets long rows, and a sum over rows is
short, with few roundings; the k partial sums of a channel are added in float64. Means and sums of squares of blocks
are merged as Chan, Golub and LeVeque do ("Updating formulae", 1979, equation 2.1), so that neither a large mean nor a
long sum costs digits. Where it is a channel's pixels that lie together, planes of them, (A, C, M), stand for rows.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from minicnn.backend.base import Ints
from minicnn.backend.numpy.layout import order_of
from minicnn.backend.numpy.memory import scratch
from minicnn.backend.threads import run

Array = Any
BLOCK = 2**18  # numbers in a block: half of a second-level cache; smaller ones fight for the interpreter lock
FAR = 2.0  # standard deviations
SMALL = 2**16  # numbers from which rows pay
LARGE = 2**17  # numbers from which another memory order is worth a copy
PLANE = 64  # numbers of a channel that lie together, from which planes pay
ROW = 2**12  # numbers in a row, at most, if there are fewer channels


@lru_cache(maxsize=1024)
def _pixels(count: int, channels: int) -> int:
    """Return how many of so many pixels lie in a row: the largest divisor that keeps it within `ROW` numbers."""
    return next(k for k in range(max(1, min(count, ROW // channels)), 0, -1) if count % k == 0)


def _blocks(length: int, width: int) -> list[slice]:
    """Cut so many rows into blocks; one, if there would be two or three: waking a thread takes as long as they do."""
    step = length if length * width < 3 * BLOCK else max(1, BLOCK // width)
    return [slice(i, min(i + step, length)) for i in range(0, length, step)]


class _Rows:
    """Values (N, C, *S) whose channels lie together, as rows of memory, (L, k · C): k pixels in each."""

    def __init__(self, x: Array) -> None:
        d, self.channels = x.ndim - 2, x.shape[1]
        self.order, self.back = (*range(2, x.ndim), 0, 1), (d, d + 1, *range(d))
        moved = self.of(x)  # (*S, N, C)
        self.shape = moved.shape
        self.count = x.size // self.channels
        self.pixels = _pixels(self.count, self.channels)
        self.values = moved.reshape(-1, self.pixels * self.channels)
        length, width = self.values.shape
        self.blocks = _blocks(length, width)
        self.sizes = [float((b.stop - b.start) * self.pixels) for b in self.blocks]

    def of(self, x: Array) -> Array:
        """Return an array in this order; a copy, if it lies in another."""
        return np.ascontiguousarray(x.transpose(self.order))

    def tiled(self, vector: Array) -> Array:
        """(C,) -> (k · C,)."""
        out = np.empty((self.pixels, self.channels), vector.dtype)
        out[...] = vector
        return out.reshape(-1)

    def sums(self, values: Array) -> Array:
        """The sum of some values by channel, in float64 where rows meet."""
        return self._folded(np.add.reduce(values, axis=0))

    def products(self, a: Array, b: Array) -> Array:
        """Σ a · b by channel."""
        return self._folded(np.einsum("mw,mw->w", a, b))

    def _folded(self, row: Array) -> Array:
        return np.add.reduce(row.reshape(self.pixels, self.channels), axis=0, dtype=np.float64)

    def centred(self, part: slice, mean: Array) -> Array:
        """Return a block less a tiled mean, in scratch memory."""
        values = self.values[part]
        return np.subtract(values, mean, out=scratch("block", values.shape, values.dtype))

    def like(self, found: Array) -> Array:
        """Return an array in the form of the values as (N, C, *S)."""
        return found.reshape(self.shape).transpose(self.back)


class _Planes(_Rows):
    """Values (N, C, *S) whose pixels of one channel lie together, as planes of memory, (A, C, M)."""

    def __init__(self, x: Array, order: Ints) -> None:
        self.order, self.back = order, tuple(sorted(range(x.ndim), key=order.__getitem__))
        self.channels, self.count = x.shape[1], x.size // x.shape[1]
        moved = self.of(x)
        self.shape, place = moved.shape, order.index(1)
        self.values = moved.reshape(math.prod(self.shape[:place]), self.channels, -1)
        length, _, width = self.values.shape
        self.blocks = _blocks(length, self.channels * width)
        self.sizes = [float((b.stop - b.start) * width) for b in self.blocks]

    def tiled(self, vector: Array) -> Array:
        """(C,) -> (C, 1)."""
        return vector[:, None]

    def sums(self, values: Array) -> Array:
        return self._dots(values, None)

    def products(self, a: Array, b: Array) -> Array:
        return self._dots(a, b)

    def _dots(self, a: Array, b: Array | None) -> Array:
        """Σ a · b by channel, or Σ a: dot products of pieces of at most `ROW`, and their sums in float64."""
        width = a.shape[2]
        piece = min(width, ROW)
        whole = width - width % piece
        total = _piecewise(a[..., :whole], None if b is None else b[..., :whole], piece)
        if whole < width:
            total += _piecewise(a[..., whole:], None if b is None else b[..., whole:], width - whole)
        return total


def _piecewise(a: Array, b: Array | None, piece: int) -> Array:
    cut = (*a.shape[:2], -1, piece)
    parts = np.vecdot(a.reshape(cut), _ones(piece, a.dtype) if b is None else b.reshape(cut))  # (A, C, M / piece)
    return np.add.reduce(parts, axis=(0, 2), dtype=np.float64)


def arranged(x: Array) -> _Rows | None:
    """Return x as rows or planes; or None where neither pays, since x is small or lies in another order.

    A large array is worth a copy.
    """
    if x.size < SMALL or x.ndim < 2:
        return None
    if x.strides[1] == x.itemsize:
        return _Rows(x)
    order = order_of(x)
    if math.prod(x.shape[d] for d in order[order.index(1) + 1 :]) >= PLANE:
        return _Planes(x, order)
    return _Rows(x) if x.size >= LARGE else None


@lru_cache(maxsize=64)
def _ones(count: int, dtype: Any) -> Array:
    """By which a sum is a dot product, of BLAS: three times as fast."""
    return np.ones(count, dtype)


def _near(mean: Array, scale: Array) -> bool:
    """Whether no mean is far from 0 beside its standard deviation, so that nothing cancels if it is taken off late."""
    return bool(np.max(np.abs(mean) * scale, initial=0.0) <= FAR)


def _merged(means: Array, squares: Array, sizes: list[float]) -> tuple[Array, Array]:
    """Return the mean, and the sum of squared differences to it, of blocks with theirs: (blocks, C) -> (C,)."""
    if len(means) == 1:
        return means[0], squares[0]
    column = np.array(sizes)[:, None]
    mean = np.add.reduce(means * (column / column.sum()), axis=0)
    return mean, np.add.reduce(squares, axis=0) + np.add.reduce(column * (means - mean) ** 2, axis=0)


def sums(rows: _Rows) -> Array:
    """Return the sum of each channel: (C,)."""
    if len(rows.blocks) == 1:
        return rows.sums(rows.values).astype(rows.values.dtype)
    parts = np.empty((len(rows.blocks), rows.channels))

    def add(k: int) -> None:
        parts[k] = rows.sums(rows.values[rows.blocks[k]])

    run(add, range(len(rows.blocks)))
    return np.add.reduce(parts, axis=0).astype(rows.values.dtype)


def statistics(rows: _Rows) -> tuple[Array, Array]:
    """Return each channel's mean and biased variance."""
    means, squares = np.empty((2, len(rows.blocks), rows.channels))

    def measure(k: int) -> None:
        values, size = rows.values[rows.blocks[k]], rows.sizes[k]
        mean = rows.sums(values) / size
        square = rows.products(values, values)
        taken = mean * mean * size
        square -= taken
        if (taken > FAR * FAR * square).any():  # what the difference of two large sums has lost
            near = mean.astype(values.dtype)
            centred = rows.centred(rows.blocks[k], rows.tiled(near))
            square = rows.products(centred, centred) - size * (mean - near) ** 2
        means[k], squares[k] = mean, square

    run(measure, range(len(rows.blocks)))
    mean, spread = _merged(means, squares, rows.sizes)
    dtype = rows.values.dtype
    return mean.astype(dtype), (np.maximum(spread, 0) / rows.count).astype(dtype)


def scaled(rows: _Rows, factor: Array, offset: Array) -> Array:
    """Return x · factor + offset."""
    wide_factor, wide_offset = rows.tiled(factor), rows.tiled(offset)
    y = np.empty_like(rows.values)

    def some(part: slice) -> None:
        target = y[part]
        np.multiply(rows.values[part], wide_factor, out=target)
        np.add(target, wide_offset, out=target)

    run(some, rows.blocks)
    return rows.like(y)


def normalize(rows: _Rows, mean: Array, scale: Array, weight: Array | None, bias: Array | None) -> Array:
    """Return (x − mean) · scale · weight + bias."""
    factor = scale if weight is None else scale * weight
    if _near(mean, scale):
        return scaled(rows, factor, -mean * factor if bias is None else bias - mean * factor)
    wide_mean, wide_factor = rows.tiled(mean), rows.tiled(factor)
    wide_offset = None if bias is None else rows.tiled(bias)
    y = np.empty_like(rows.values)

    def some(part: slice) -> None:
        target = y[part]
        np.subtract(rows.values[part], wide_mean, out=target)
        np.multiply(target, wide_factor, out=target)
        if wide_offset is not None:
            np.add(target, wide_offset, out=target)

    run(some, rows.blocks)
    return rows.like(y)


def gradients(
    grad: Array, rows: _Rows, weight: Array | None, mean: Array, scale: Array, input_needed: bool
) -> tuple[Array | None, Array, Array]:
    """Return dx = γ/σ · (g − mean(g) − x̂ · mean(g·x̂)), dγ = Σ g·x̂ and dβ = Σ g."""
    g, dtype = rows.of(grad).reshape(rows.values.shape), rows.values.dtype
    sums = np.empty((2, len(rows.blocks), rows.channels))
    near, wide_mean = _near(mean, scale), rows.tiled(mean)

    def measure(k: int) -> None:
        part = rows.blocks[k]
        values = rows.values[part] if near else rows.centred(part, wide_mean)
        sums[0, k] = rows.products(values, g[part])
        sums[1, k] = rows.sums(g[part])

    run(measure, range(len(rows.blocks)))
    products, totals = np.add.reduce(sums, axis=1)
    if near:
        products -= mean * totals
    d_weight, d_bias = (products * scale).astype(dtype), totals.astype(dtype)
    if not input_needed:
        return None, d_weight, d_bias
    slope, shift = -d_weight * scale / rows.count, d_bias / rows.count
    if near:
        shift = shift + mean * slope
    wide_slope, wide_shift = rows.tiled(slope), rows.tiled(shift)
    wide_factor = rows.tiled(scale if weight is None else scale * weight)
    dx = np.empty_like(rows.values)

    def differentiate(part: slice) -> None:
        target = dx[part]
        if near:
            np.multiply(rows.values[part], wide_slope, out=target)
        else:
            np.subtract(rows.values[part], wide_mean, out=target)
            np.multiply(target, wide_slope, out=target)
        np.add(target, g[part], out=target)
        np.subtract(target, wide_shift, out=target)
        np.multiply(target, wide_factor, out=target)

    run(differentiate, rows.blocks)
    return rows.like(dx), d_weight, d_bias


def mixed(grad: Array, rows: _Rows, mean: Array, by_grad: Array, by_x: Array, shift: Array) -> Array:
    """Return by_grad · grad + by_x · (x − mean) + shift."""
    g = rows.of(grad).reshape(rows.values.shape)
    wide_mean, wide_by_grad, wide_by_x, wide_shift = map(rows.tiled, (mean, by_grad, by_x, shift))
    y = np.empty_like(rows.values)

    def some(part: slice) -> None:
        target, other = y[part], scratch("block", y[part].shape, y.dtype)
        np.subtract(rows.values[part], wide_mean, out=target)
        np.multiply(target, wide_by_x, out=target)
        np.multiply(g[part], wide_by_grad, out=other)
        np.add(target, other, out=target)
        np.add(target, wide_shift, out=target)

    run(some, rows.blocks)
    return rows.like(y)
