"""Batch norm in two passes over memory: statistics of blocks, merged; then the normalized values, block by block.

A block is read once from memory and stays in a core's cache for all that is done to it. Several pixels lie side by side
in a row, (M / k, k · C), so that what has one number a channel, tiled k times, meets long rows, and a sum over rows is
short, with few roundings; the k partial sums of a channel are added in float64. Means and sums of squares of blocks
are merged as Chan, Golub and LeVeque do ("Updating formulae", 1979, equation 2.1), so that neither a large mean nor a
long sum costs digits.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from minicnn.backend.numpy.memory import scratch
from minicnn.backend.threads import run

Array = Any
BLOCK = 2**18  # numbers in a block: half of a second-level cache; smaller ones fight for the interpreter lock
FAR = 2.0  # standard deviations
SMALL = 2**14  # numbers from which rows pay
LARGE = 2**17  # numbers from which another memory order is worth a copy
ROW = 2**12  # numbers in a row, at most, if there are fewer channels


def suits(x: Array) -> bool:
    """Whether rows pay: x is not small, and a pixel's channels lie together in memory, or x is worth a copy."""
    return x.size >= (SMALL if x.strides[1] == x.itemsize else LARGE)


@lru_cache(maxsize=1024)
def _pixels(count: int, channels: int) -> int:
    """Return how many of so many pixels lie in a row: the largest divisor that keeps it within `ROW` numbers."""
    return next(k for k in range(max(1, min(count, ROW // channels)), 0, -1) if count % k == 0)


class _Rows:
    """Values (N, C, *S) as rows of memory, (L, k · C)."""

    def __init__(self, x: Array) -> None:
        d, self.channels = x.ndim - 2, x.shape[1]
        moved = np.ascontiguousarray(x.transpose(*range(2, x.ndim), 0, 1))  # (*S, N, C)
        self.shape, self.back = moved.shape, (d, d + 1, *range(d))
        self.count = x.size // self.channels
        self.pixels = _pixels(self.count, self.channels)
        self.values = moved.reshape(-1, self.pixels * self.channels)
        length, width = self.values.shape
        step = max(1, BLOCK // width)
        self.blocks = [slice(i, min(i + step, length)) for i in range(0, length, step)]

    def tiled(self, vector: Array) -> Array:
        """(C,) -> (k · C,)."""
        out = np.empty((self.pixels, self.channels), vector.dtype)
        out[...] = vector
        return out.reshape(-1)

    def folded(self, row: Array) -> Array:
        """The sums of a row by channel: (k · C,) -> (C,), in float64."""
        return np.add.reduce(row.reshape(self.pixels, self.channels), axis=0, dtype=np.float64)

    def centred(self, part: slice, mean: Array) -> Array:
        """Return a block less a tiled mean, in scratch memory."""
        values = self.values[part]
        return np.subtract(values, mean, out=scratch("block", values.shape, values.dtype))

    def like(self, found: Array) -> Array:
        """(L, k · C) -> (N, C, *S)."""
        return found.reshape(self.shape).transpose(self.back)


def _near(mean: Array, scale: Array) -> bool:
    """Whether no mean is far from 0 beside its standard deviation, so that nothing cancels if it is taken off late."""
    return bool(np.max(np.abs(mean) * scale, initial=0.0) <= FAR)


def _merged(means: Array, squares: Array, sizes: Array) -> tuple[Array, Array]:
    """Return the mean, and the sum of squared differences to it, of blocks with theirs: (blocks, C) -> (C,)."""
    if len(means) == 1:
        return means[0], squares[0]
    mean = np.add.reduce(means * (sizes / sizes.sum()), axis=0)
    return mean, np.add.reduce(squares, axis=0) + np.add.reduce(sizes * (means - mean) ** 2, axis=0)


def sums(x: Array) -> Array:
    """Return the sum of each channel: (C,)."""
    rows = _Rows(x)
    parts = np.empty((len(rows.blocks), rows.channels))

    def add(k: int) -> None:
        parts[k] = rows.folded(np.add.reduce(rows.values[rows.blocks[k]], axis=0))

    run(add, range(len(rows.blocks)))
    return np.add.reduce(parts, axis=0).astype(x.dtype)


def statistics(x: Array) -> tuple[Array, Array]:
    """Return each channel's mean and biased variance."""
    rows = _Rows(x)
    means, squares = np.empty((2, len(rows.blocks), rows.channels))
    sizes = np.array([[float((b.stop - b.start) * rows.pixels)] for b in rows.blocks])

    def measure(k: int) -> None:
        values = rows.values[rows.blocks[k]]
        mean = rows.folded(np.add.reduce(values, axis=0)) / sizes[k]
        square = rows.folded(np.einsum("mw,mw->w", values, values)) - sizes[k] * mean * mean
        if np.any(mean * mean * sizes[k] > FAR * FAR * square):  # what the difference of two large sums has lost
            near = mean.astype(values.dtype)
            centred = rows.centred(rows.blocks[k], rows.tiled(near))
            square = rows.folded(np.einsum("mw,mw->w", centred, centred)) - sizes[k] * (mean - near) ** 2
        means[k], squares[k] = mean, square

    run(measure, range(len(rows.blocks)))
    mean, spread = _merged(means, squares, sizes)
    return mean.astype(x.dtype), (np.maximum(spread, 0) / rows.count).astype(x.dtype)


def scaled(x: Array, factor: Array, offset: Array) -> Array:
    """Return x · factor + offset."""
    rows = _Rows(x)
    wide_factor, wide_offset = rows.tiled(factor), rows.tiled(offset)
    y = np.empty_like(rows.values)

    def some(part: slice) -> None:
        target = y[part]
        np.multiply(rows.values[part], wide_factor, out=target)
        np.add(target, wide_offset, out=target)

    run(some, rows.blocks)
    return rows.like(y)


def normalize(x: Array, mean: Array, scale: Array, weight: Array | None, bias: Array | None) -> Array:
    """Return (x − mean) · scale · weight + bias."""
    factor = scale if weight is None else scale * weight
    if _near(mean, scale):
        return scaled(x, factor, -mean * factor if bias is None else bias - mean * factor)
    rows = _Rows(x)
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
    grad: Array, x: Array, weight: Array | None, mean: Array, scale: Array, input_needed: bool
) -> tuple[Array | None, Array, Array]:
    """Return dx = γ/σ · (g − mean(g) − x̂ · mean(g·x̂)), dγ = Σ g·x̂ and dβ = Σ g."""
    rows, g = _Rows(x), _Rows(grad).values
    sums = np.empty((2, len(rows.blocks), rows.channels))
    near, wide_mean = _near(mean, scale), rows.tiled(mean)

    def measure(k: int) -> None:
        part = rows.blocks[k]
        values = rows.values[part] if near else rows.centred(part, wide_mean)
        sums[0, k] = rows.folded(np.einsum("mw,mw->w", values, g[part]))
        sums[1, k] = rows.folded(np.add.reduce(g[part], axis=0))

    run(measure, range(len(rows.blocks)))
    products, totals = np.add.reduce(sums, axis=1)
    if near:
        products -= mean * totals
    d_weight, d_bias = (products * scale).astype(x.dtype), totals.astype(x.dtype)
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
