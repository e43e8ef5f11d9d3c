"""Max pooling, a block of rows a thread: one pass a kernel offset over slices that lie in memory as long runs.

Memory is spatial-first, (*S, N, C). The gradient is shared out by rows of the input, so that overlapping windows of two
threads never add into the same row.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.backend.base import Ints, Pads
from minicnn.backend.numpy.elementwise import kept
from minicnn.backend.numpy.memory import scratch
from minicnn.backend.numpy.offsets import meeting
from minicnn.backend.threads import get_num_threads, run

Array = Any
BLOCK = 2**16  # output elements of a block, at least


def spatial_first(x: Array) -> Array:
    """(N, C, *S) -> (*S, N, C), contiguous."""
    return np.ascontiguousarray(x.transpose(*range(2, x.ndim), 0, 1))


def face(x: Array) -> Array:
    """(*S, N, C) -> a view (N, C, *S)."""
    d = x.ndim - 2
    return x.transpose(d, d + 1, *range(d))


def _blocks(rows: int, size: int) -> list[tuple[int, int]]:
    """Cut rows into ranges of at least `BLOCK` elements, some a thread where there are so many."""
    count = max(1, min(rows, size // BLOCK, 4 * get_num_threads()))
    step = -(-rows // count)
    return [(i, min(i + step, rows)) for i in range(0, rows, step)]


def forward(x: Array, kernel: Ints, stride: Ints, dilation: Ints, out: Ints, first: Array | int) -> tuple[Array, Array]:
    """Return each window's maximum and its offset in the window, (*S, N, C), padded -> (*P, N, C).

    Args:
        first: the offset that a window of −∞ alone names: (*P, 1, 1), or 0.
    """
    shape = (*out, *x.shape[-2:])
    y, index = np.empty(shape, x.dtype), np.empty(shape, np.uint8 if math.prod(kernel) <= 256 else np.int32)

    def block(rows: tuple[int, int]) -> None:
        some = slice(*rows)
        best, place = y[some], index[some]
        flag = scratch("flag", best.shape, np.bool_)
        number = scratch("number", best.shape, index.dtype)
        for k, where in enumerate(_reads(rows, kernel, stride, dilation, out)):
            part = x[where]
            if k == 0:
                np.copyto(best, part)
                place[...] = first if isinstance(first, int) else first[some]
                continue
            np.greater(part, best, out=flag)
            np.maximum(best, part, out=best)
            np.multiply(flag, index.dtype.type(k), out=number)
            np.maximum(place, number, out=place)  # k grows: the larger of two offsets is the newer one
        np.isnan(best, out=flag)
        if flag.any():
            for k, where in enumerate(_reads(rows, kernel, stride, dilation, out)):
                part = x[where]
                np.copyto(place, k, where=part != part)

    run(block, _blocks(out[0], y.size))
    return y, index


def _reads(rows: tuple[int, int], kernel: Ints, stride: Ints, dilation: Ints, out: Ints) -> Iterator[tuple[slice, ...]]:
    """Yield, for each kernel offset, the slices of a padded input that windows of some rows read there."""
    ranges = [rows, *((0, p) for p in out[1:])]
    for offset in itertools.product(*map(range, kernel)):
        yield tuple(
            slice(low * s + k * d, (high - 1) * s + k * d + 1, s)
            for (low, high), k, s, d in zip(ranges, offset, stride, dilation, strict=True)
        )


def backward(
    grad: Array, index: Array, sizes: Ints, kernel: Ints, stride: Ints, padding: Pads, dilation: Ints
) -> Array:
    """Return the gradient for x, (*P, N, C) -> (*S, N, C): each window's goes to the place of its maximum."""
    dx = np.empty((*sizes, *grad.shape[-2:]), grad.dtype)
    apart = all(s >= d * (k - 1) + 1 for k, s, d in zip(kernel, stride, dilation, strict=True))
    covered = apart and all(
        k == s and d == 1 and p * s == size and not low
        for k, s, d, p, size, (low, _) in zip(kernel, stride, dilation, grad.shape, sizes, padding, strict=False)
    )

    def block(rows: tuple[int, int]) -> None:
        if not covered:
            dx[slice(*rows)] = 0
        for k, offset in enumerate(itertools.product(*map(range, kernel))):
            pairs = [
                meeting(o * d - low, s, p, *(rows if dim == 0 else (0, size)))
                for dim, (o, d, s, p, size, (low, _)) in enumerate(
                    zip(offset, dilation, stride, grad.shape, sizes, padding, strict=False)
                )
            ]
            windows, places = (tuple(side) for side in zip(*pairs, strict=True))
            g = grad[windows]
            if g.size == 0:
                continue
            here = np.equal(index[windows], k, out=scratch("flag", g.shape, np.bool_))
            if apart:
                kept(g, here, out=dx[places])
            else:
                dx[places] += kept(g, here, out=scratch("kept", g.shape, g.dtype))

    run(block, _blocks(sizes[0], dx.size))
    return dx
