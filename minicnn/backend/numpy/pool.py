"""Max pooling, a block of rows a thread: one pass a kernel offset over slices that lie in memory as long runs.

The memory order is the input's, as long as images or channels lie side by side in it. The gradient is shared out by
rows of the input, so that overlapping windows of two threads never add into the same row.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.backend.base import Ints, Pads
from minicnn.backend.numpy.elementwise import kept
from minicnn.backend.numpy.layout import empty_in, order_of
from minicnn.backend.numpy.memory import scratch
from minicnn.backend.numpy.offsets import meeting
from minicnn.backend.threads import get_num_threads, run

Array = Any
SINGLE = 2  # images up to which the order is left as it is
BLOCK = 2**18  # elements of a block, at least


def in_runs(x: Array) -> Array:
    """Return (N, C, *S) itself, or a copy where pixels, and not images or channels, lie side by side in many images."""
    if order_of(x)[-1] < 2 or x.shape[0] <= SINGLE:
        return x
    pixels_first = (*range(2, x.ndim), 0, 1)
    copy = empty_in(pixels_first, x.shape, x.dtype)
    copy[...] = x
    return copy


def _blocks(rows: int, size: int) -> list[slice]:
    """Cut rows into ranges of at least `BLOCK` elements, some a thread where there are so many."""
    count = max(1, min(rows, size // BLOCK, 4 * get_num_threads()))
    step = -(-rows // count)
    return [slice(i, min(i + step, rows)) for i in range(0, rows, step)]


def forward(x: Array, kernel: Ints, stride: Ints, dilation: Ints, out: Ints, first: Array | int) -> tuple[Array, Array]:
    """Return each window's maximum and its offset in the window: (N, C, *S), padded -> (N, C, *P).

    Args:
        first: the offset that a window of −∞ alone names: (*P), or 0.
    """
    order, shape = order_of(x), (*x.shape[:2], *out)
    y = empty_in(order, shape, x.dtype)
    index = empty_in(order, shape, np.uint8 if math.prod(kernel) <= 256 else np.int32)

    def block(rows: slice) -> None:
        best, place = y[:, :, rows], index[:, :, rows]
        flag = _scratch("flag", order, best.shape, np.bool_)
        number = _scratch("number", order, best.shape, index.dtype)
        for k, where in enumerate(_reads(rows, kernel, stride, dilation, out)):
            part = x[where]
            if k == 0:
                np.copyto(best, part)
                place[...] = first if isinstance(first, int) else first[rows]
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


def _scratch(name: str, order: Ints, shape: Ints, dtype: Any) -> Array:
    """Return scratch memory of this shape, its dims in this order."""
    back = sorted(range(len(order)), key=order.__getitem__)
    return scratch(name, tuple(shape[d] for d in order), dtype).transpose(back)


def _reads(rows: slice, kernel: Ints, stride: Ints, dilation: Ints, out: Ints) -> Iterator[tuple[slice, ...]]:
    """Yield, for each kernel offset, the slices of a padded input that windows of some rows read there."""
    ranges = [(rows.start, rows.stop), *((0, p) for p in out[1:])]
    whole = (slice(None), slice(None))
    for offset in itertools.product(*map(range, kernel)):
        yield (
            *whole,
            *(
                slice(low * s + k * d, (high - 1) * s + k * d + 1, s)
                for (low, high), k, s, d in zip(ranges, offset, stride, dilation, strict=True)
            ),
        )


def backward(
    grad: Array, index: Array, sizes: Ints, kernel: Ints, stride: Ints, padding: Pads, dilation: Ints
) -> Array:
    """Return the gradient for x, (N, C, *P) -> (N, C, *S): each window's goes to the place of its maximum."""
    order, out, whole = order_of(index), grad.shape[2:], (slice(None), slice(None))
    if order_of(grad) != order:  # one that was flattened, for a linear layer
        given, grad = grad, empty_in(order, grad.shape, grad.dtype)
        grad[...] = given
    dx = empty_in(order, (*grad.shape[:2], *sizes), grad.dtype)
    apart = all(s >= d * (k - 1) + 1 for k, s, d in zip(kernel, stride, dilation, strict=True))
    covered = apart and all(
        k == s and d == 1 and p * s == size and not low
        for k, s, d, p, size, (low, _) in zip(kernel, stride, dilation, out, sizes, padding, strict=True)
    )

    def block(rows: slice) -> None:
        if not covered:
            dx[:, :, rows] = 0
        ends = [(rows.start, rows.stop), *((0, size) for size in sizes[1:])]
        for k, offset in enumerate(itertools.product(*map(range, kernel))):
            pairs = [
                meeting(o * d - low, s, p, *end)
                for o, d, s, p, (low, _), end in zip(offset, dilation, stride, out, padding, ends, strict=True)
            ]
            windows, places = ((*whole, *side) for side in zip(*pairs, strict=True))
            g = grad[windows]
            if g.size == 0:
                continue
            here = np.equal(index[windows], k, out=_scratch("flag", order, g.shape, np.bool_))
            if apart:
                kept(g, here, out=dx[places])
            else:
                dx[places] += kept(g, here, out=_scratch("kept", order, g.shape, g.dtype))

    run(block, _blocks(sizes[0], dx.size))
    return dx
