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
LARGE = 2**17  # numbers from which another memory order is worth a copy
ROW = 2**12  # numbers in a row, at most, if there are fewer channels


def suits(x: Array) -> bool:
    """Whether a channel's neighbour in memory is another channel of the same pixel; or so it is worth to be."""
    return x.size > 0 and (x.strides[1] == x.itemsize or x.size >= LARGE)


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
        return np.concatenate([vector] * self.pixels)

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


def forward(x: Array, weight: Array | None, bias: Array | None, eps: float) -> tuple[Array, Array, Array, Array]:
    """Return y, and the mean, the biased variance and 1 / √(var + eps) of each channel."""
    rows = _Rows(x)
    means, squares = np.empty((2, len(rows.blocks), rows.channels))
    sizes = np.array([[float((b.stop - b.start) * rows.pixels)] for b in rows.blocks])

    def measure(k: int) -> None:
        part = rows.blocks[k]
        means[k] = rows.folded(np.add.reduce(rows.values[part], axis=0)) / sizes[k]
        near = means[k].astype(x.dtype)
        centred = rows.centred(part, rows.tiled(near))
        squares[k] = rows.folded(np.einsum("mw,mw->w", centred, centred)) - sizes[k] * (means[k] - near) ** 2

    run(measure, range(len(rows.blocks)))
    exact, spread = _merged(means, squares, sizes)
    mean, var = exact.astype(x.dtype), (np.maximum(spread, 0) / rows.count).astype(x.dtype)
    scale = 1.0 / np.sqrt(var + eps)
    shift, factor = rows.tiled(mean), rows.tiled(scale if weight is None else scale * weight)
    offset = None if bias is None else rows.tiled(bias)
    y = np.empty_like(rows.values)

    def normalize(part: slice) -> None:
        target = y[part]
        np.subtract(rows.values[part], shift, out=target)
        np.multiply(target, factor, out=target)
        if offset is not None:
            np.add(target, offset, out=target)

    run(normalize, rows.blocks)
    return rows.like(y), mean, var, scale


def backward(
    grad: Array, x: Array, weight: Array | None, mean: Array, scale: Array, input_needed: bool
) -> tuple[Array | None, Array, Array]:
    """Return dx = γ/σ · (g − mean(g) − x̂ · mean(g·x̂)), dγ = Σ g·x̂ and dβ = Σ g."""
    rows, g = _Rows(x), _Rows(grad).values
    sums = np.empty((2, len(rows.blocks), rows.channels))
    middle = rows.tiled(mean)

    def measure(k: int) -> None:
        part = rows.blocks[k]
        sums[0, k] = rows.folded(np.einsum("mw,mw->w", rows.centred(part, middle), g[part]))
        sums[1, k] = rows.folded(np.add.reduce(g[part], axis=0))

    run(measure, range(len(rows.blocks)))
    d_weight, d_bias = np.add.reduce(sums, axis=1).astype(x.dtype)
    d_weight *= scale
    if not input_needed:
        return None, d_weight, d_bias
    factor = rows.tiled(scale if weight is None else scale * weight)
    slope, shift = rows.tiled(-d_weight * scale / rows.count), rows.tiled(d_bias / rows.count)
    dx = np.empty_like(rows.values)

    def differentiate(part: slice) -> None:
        target = dx[part]
        np.subtract(rows.values[part], middle, out=target)
        np.multiply(target, slope, out=target)
        np.add(target, g[part], out=target)
        np.subtract(target, shift, out=target)
        np.multiply(target, factor, out=target)

    run(differentiate, rows.blocks)
    return rows.like(dx), d_weight, d_bias
