"""Batch norm in two passes over memory: statistics of blocks, merged; then the normalized values, block by block.

A block is read once from memory and stays in a core's cache for all that is done to it. Several pixels lie side by side
in a row, (M / k, k · C), so that what has one number a channel, tiled k times, meets long rows, and a sum over rows is
short, with few roundings; the k partial sums of a channel are added in float64. Means and sums of squares of blocks
are merged as Chan, Golub and LeVeque do ("Updating formulae", 1979, equation 2.1), so that neither a large mean nor a
long sum costs digits. Where it is a channel's pixels that lie together, planes of them, (A, C, M), stand for rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import numpy as np

from minicnn.backend.base import Ints
from minicnn.backend.numpy.layout import order_by
from minicnn.backend.numpy.memory import scratch
from minicnn.backend.threads import run

Array = Any
BLOCK = 2**18  # numbers in a block: half of a second-level cache; smaller ones fight for the interpreter lock
FAR = 3.5  # standard deviations, of which a difference of float32 sums loses the square: that leaves 1e-6
FARTHER = 12.0  # and a difference of values themselves
LEAST = 2**13  # numbers from which planes pay
SMALL = 2**16  # numbers from which rows pay
LARGE = 2**17  # numbers from which another memory order is worth a copy
PLANE = 64  # numbers of a channel that lie together, from which planes pay
ROW = 2**12  # numbers in a row, at most, if there are fewer channels
WIDE, FEW = 2**14, 4  # numbers of a row of planes, at most, and rows, at least, for which a vector of channels is tiled


@lru_cache(maxsize=1024)
def _pixels(count: int, channels: int) -> int:
    """Return how many of so many pixels lie in a row: the largest divisor that keeps it within `ROW` numbers."""
    return next(k for k in range(max(1, min(count, ROW // channels)), 0, -1) if count % k == 0)


def _blocks(length: int, width: int) -> list[slice]:
    """Cut so many rows into blocks; one, if there would be two or three: waking a thread takes as long as they do."""
    step = length if length * width < 3 * BLOCK else max(1, BLOCK // width)
    return [slice(i, min(i + step, length)) for i in range(0, length, step)]


class _Rows:
    """How values (N, C, *S) are taken whose channels lie together: as rows of memory, (L, k · C), k pixels in each."""

    def __init__(self, shape: Ints) -> None:
        d, (n, self.channels, *sizes) = len(shape) - 2, shape
        self.order, self.back = (*range(2, d + 2), 0, 1), (d, d + 1, *range(d))
        self.shape: Ints = (*sizes, n, self.channels)
        self.count = math.prod(shape) // self.channels
        self.pixels = _pixels(self.count, self.channels)
        self.form: Ints = (self.count // self.pixels, self.pixels * self.channels)
        self.blocks = _blocks(*self.form)
        self.sizes = [float((b.stop - b.start) * self.pixels) for b in self.blocks]

    def of(self, x: Array) -> Array:
        """Return an array in this form; a copy, if it lies in another order."""
        return np.ascontiguousarray(x.transpose(self.order)).reshape(self.form)

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

    def like(self, found: Array) -> Array:
        """Return an array in this form as (N, C, *S)."""
        return found.reshape(self.shape).transpose(self.back)

    def each(self, work: Callable[[Any], None], blocks: Iterable[Any]) -> None:
        """Call ``work`` for each block; if there is but one, at once."""
        if len(self.blocks) > 1:
            run(work, blocks)
            return
        for block in blocks:
            work(block)


class _Planes(_Rows):
    """How values are taken whose pixels of one channel lie together: as planes of memory, (A, C, M) or (A, C · M)."""

    def __init__(self, shape: Ints, order: Ints) -> None:
        self.order, self.back = order, tuple(sorted(range(len(shape)), key=order.__getitem__))
        self.channels, self.count = shape[1], math.prod(shape) // shape[1]
        self.shape, place = tuple(shape[d] for d in order), order.index(1)
        length, self.width = math.prod(self.shape[:place]), math.prod(self.shape[place + 1 :])
        row = self.channels * self.width
        self.wide = row <= WIDE and length >= FEW  # a loop over a whole row is quicker than one for each channel
        self.form = (length, row) if self.wide else (length, self.channels, self.width)
        self.blocks = _blocks(length, row)
        self.sizes = [float((b.stop - b.start) * self.width) for b in self.blocks]

    def tiled(self, vector: Array) -> Array:
        """(C,) -> (C · M,), or (C, 1)."""
        return np.repeat(vector, self.width) if self.wide else vector[:, None]

    def sums(self, values: Array) -> Array:
        return self._dots(values, None)

    def products(self, a: Array, b: Array) -> Array:
        return self._dots(a, b)

    def _dots(self, a: Array, b: Array | None) -> Array:
        """Σ a · b by channel, or Σ a: dot products of pieces of at most `ROW`, and their sums in float64."""
        cut = (len(a), self.channels, self.width)
        a, b = a.reshape(cut), None if b is None else b.reshape(cut)
        piece = min(self.width, ROW)
        whole = self.width - self.width % piece
        total = _piecewise(a[..., :whole], None if b is None else b[..., :whole], piece)
        if whole < self.width:
            total += _piecewise(a[..., whole:], None if b is None else b[..., whole:], self.width - whole)
        return total


def _piecewise(a: Array, b: Array | None, piece: int) -> Array:
    cut = (*a.shape[:2], -1, piece)
    parts = np.vecdot(a.reshape(cut), _ones(piece, a.dtype) if b is None else b.reshape(cut))  # (A, C, M / piece)
    return np.add.reduce(parts, axis=(0, 2), dtype=np.float64)


def arranged(x: Array) -> _Rows | None:
    """Return how to take x: as rows or planes; or None where neither pays, since x is small or lies in another order.

    A large array is worth a copy.
    """
    return _arranged(x.shape, x.strides, x.itemsize)


@lru_cache(maxsize=1024)
def _arranged(shape: Ints, strides: Ints, item: int) -> _Rows | None:
    size = math.prod(shape)
    if size < LEAST or len(shape) < 2:
        return None
    if strides[1] == item:
        return _Rows(shape) if size >= SMALL else None
    order = order_by(strides)
    if math.prod(shape[d] for d in order[order.index(1) + 1 :]) >= PLANE:
        return _Planes(shape, order)
    return _Rows(shape) if size >= LARGE else None


def _centred(values: Array, mean: Array) -> Array:
    """Return a block less a tiled mean, in scratch memory."""
    return np.subtract(values, mean, out=scratch("block", values.shape, values.dtype))


@lru_cache(maxsize=64)
def _ones(count: int, dtype: Any) -> Array:
    """By which a sum is a dot product, of BLAS: three times as fast."""
    return np.ones(count, dtype)


def _distance(mean: Array, scale: Array) -> float:
    """Return how many standard deviations the farthest mean is from 0: so much cancels if it is taken off late."""
    return float(np.maximum.reduce(np.abs(mean * scale), initial=0.0))


def _merged(means: Array, squares: Array, sizes: list[float]) -> tuple[Array, Array]:
    """Return the mean, and the sum of squared differences to it, of blocks with theirs: (blocks, C) -> (C,)."""
    if len(means) == 1:
        return means[0], squares[0]
    column = np.array(sizes)[:, None]
    mean = np.add.reduce(means * (column / column.sum()), axis=0)
    return mean, np.add.reduce(squares, axis=0) + np.add.reduce(column * (means - mean) ** 2, axis=0)


def sums(rows: _Rows, x: Array) -> Array:
    """Return the sum of each channel: (C,)."""
    values = rows.of(x)
    parts = np.empty((len(rows.blocks), rows.channels))

    def add(k: int) -> None:
        parts[k] = rows.sums(values[rows.blocks[k]])

    rows.each(add, range(len(rows.blocks)))
    return np.add.reduce(parts, axis=0).astype(x.dtype)


def statistics(rows: _Rows, x: Array) -> tuple[Array, Array]:
    """Return each channel's mean and biased variance."""
    whole = rows.of(x)
    means, squares = np.empty((2, len(rows.blocks), rows.channels))

    def measure(k: int) -> None:
        values, size = whole[rows.blocks[k]], rows.sizes[k]
        mean = rows.sums(values) / size
        square = rows.products(values, values)
        taken = mean * mean * size
        square -= taken
        kept = (taken <= FAR * FAR * square) & (square < math.inf)
        if not kept.all():  # what the difference of two large sums has lost
            near = mean.astype(x.dtype)
            centred = _centred(values, rows.tiled(near))
            square = rows.products(centred, centred) - size * (mean - near) ** 2
        means[k], squares[k] = mean, square

    rows.each(measure, range(len(rows.blocks)))
    mean, spread = _merged(means, squares, rows.sizes)
    return mean.astype(x.dtype), (np.maximum(spread, 0) / rows.count).astype(x.dtype)


def normalize(rows: _Rows, x: Array, mean: Array, scale: Array, weight: Array | None, bias: Array | None) -> Array:
    """Return (x − mean) · scale · weight + bias."""
    values, factor = rows.of(x), scale if weight is None else scale * weight
    wide_mean = None
    if _distance(mean, scale) <= FARTHER:
        bias = -mean * factor if bias is None else bias - mean * factor
    else:
        wide_mean = rows.tiled(mean)
    wide_factor, wide_offset = rows.tiled(factor), None if bias is None else rows.tiled(bias)
    y = np.empty_like(values)

    def some(part: slice) -> None:
        target, source = y[part], values[part]
        if wide_mean is not None:
            source = np.subtract(source, wide_mean, out=target)
        np.multiply(source, wide_factor, out=target)
        if wide_offset is not None:
            np.add(target, wide_offset, out=target)

    rows.each(some, rows.blocks)
    return rows.like(y)


def gradients(
    grad: Array, rows: _Rows, x: Array, weight: Array | None, mean: Array, scale: Array, input_needed: bool
) -> tuple[Array | None, Array, Array]:
    """Return dx = γ/σ · (g − mean(g) − x̂ · mean(g·x̂)), dγ = Σ g·x̂ and dβ = Σ g."""
    g, values, dtype = rows.of(grad), rows.of(x), x.dtype
    sums = np.empty((2, len(rows.blocks), rows.channels))
    distance = _distance(mean, scale)
    near, late = distance <= FAR, distance <= FARTHER  # how the mean may be taken off
    wide_mean = None if near else rows.tiled(mean)

    def measure(k: int) -> None:
        part = rows.blocks[k]
        some = values[part] if wide_mean is None else _centred(values[part], wide_mean)
        sums[0, k] = rows.products(some, g[part])
        sums[1, k] = rows.sums(g[part])

    rows.each(measure, range(len(rows.blocks)))
    products, totals = np.add.reduce(sums, axis=1)
    if near:
        products -= mean * totals
    d_weight, d_bias = (products * scale).astype(dtype), totals.astype(dtype)
    if not input_needed:
        return None, d_weight, d_bias
    slope, shift = -d_weight * scale / rows.count, d_bias / rows.count
    if late:
        shift = shift + mean * slope
    wide_slope, wide_shift = rows.tiled(slope), rows.tiled(shift)
    wide_factor = rows.tiled(scale if weight is None else scale * weight)
    dx = np.empty_like(values)

    def differentiate(part: slice) -> None:
        target = dx[part]
        if late or wide_mean is None:  # near is late, too; the types do not know
            np.multiply(values[part], wide_slope, out=target)
        else:
            np.subtract(values[part], wide_mean, out=target)
            np.multiply(target, wide_slope, out=target)
        np.add(target, g[part], out=target)
        np.subtract(target, wide_shift, out=target)
        np.multiply(target, wide_factor, out=target)

    rows.each(differentiate, rows.blocks)
    return rows.like(dx), d_weight, d_bias


def mixed(grad: Array, rows: _Rows, x: Array, mean: Array, by_grad: Array, by_x: Array, shift: Array) -> Array:
    """Return by_grad · grad + by_x · (x − mean) + shift."""
    g, values = rows.of(grad), rows.of(x)
    wide_mean, wide_by_grad, wide_by_x, wide_shift = map(rows.tiled, (mean, by_grad, by_x, shift))
    y = np.empty_like(values)

    def some(part: slice) -> None:
        target, other = y[part], scratch("block", y[part].shape, y.dtype)
        np.subtract(values[part], wide_mean, out=target)
        np.multiply(target, wide_by_x, out=target)
        np.multiply(g[part], wide_by_grad, out=other)
        np.add(target, other, out=target)
        np.add(target, wide_shift, out=target)

    rows.each(some, rows.blocks)
    return rows.like(y)
