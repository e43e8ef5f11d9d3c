"""Max pooling, a block of rows a thread: one pass a kernel offset over slices that lie in memory as long runs.

The memory order is the input's, as long as images or channels lie side by side in it. The gradient is shared out by
rows of the input, so that overlapping windows of two threads never add into the same row.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import Any

import numpy as np

from minicnn.backend.base import Ints, Pads
from minicnn.backend.numpy.layout import empty_in, order_of
from minicnn.backend.numpy.memory import scratch
from minicnn.backend.numpy.offsets import meeting
from minicnn.backend.threads import get_num_threads, run

Array = Any
SINGLE = 2  # images up to which the order is left as it is
BLOCK = 2**18  # elements of a block, at least
SCATTERED = 2**15  # windows whose places are made at once
MANY = 6  # elements of windows that overlap, from which their gradients are added one by one


def in_runs(x: Array) -> tuple[Array, Ints]:
    """Return (N, C, *S) itself, or a copy where pixels, and not images or channels, lie side by side; and its order."""
    order = order_of(x)
    if order[-1] < 2 or x.shape[0] <= SINGLE:
        return x, order
    order = (*range(2, x.ndim), 0, 1)
    copy = empty_in(order, x.shape, x.dtype)
    copy[...] = x
    return copy, order


def _blocks(rows: int, size: int) -> list[slice]:
    """Cut rows into ranges of at least `BLOCK` elements, some a thread where there are so many."""
    count = max(1, min(rows, size // BLOCK, 4 * get_num_threads()))
    step = -(-rows // count)
    return [slice(i, min(i + step, rows)) for i in range(0, rows, step)]


def forward(
    x: Array, order: Ints, kernel: Ints, stride: Ints, dilation: Ints, out: Ints, first: Array | int
) -> tuple[Array, Array]:
    """Return each window's maximum and its offset in the window: (N, C, *S), padded -> (N, C, *P).

    Args:
        order: that of the memory of x, which both outputs keep.
        first: the offset that a window of −∞ alone names: (*P), or 0.
    """
    y = empty_in(order, (*x.shape[:2], *out), x.dtype)
    index = empty_in(order, y.shape, np.uint8 if math.prod(kernel) <= 256 else np.int32)
    # From here on, dims are in the order of memory, so that scratch is, too.
    moved, maxima, places = x.transpose(order), y.transpose(order), index.transpose(order)
    plain = isinstance(first, int) and index.dtype == np.uint8
    start = first if isinstance(first, int) else np.broadcast_to(first, y.shape).transpose(order)

    def block(rows: slice) -> None:
        cut = _in_order(order, (rows,))
        best, place = maxima[cut], places[cut]
        first_read, *reads = _reads(order, rows.start, rows.stop, kernel, stride, dilation, out[1:])
        np.copyto(best, moved[first_read])
        if not plain or math.prod(kernel) == 1:
            place[...] = start if isinstance(start, int) else start[cut]
        flag = scratch("flag", best.shape, np.bool_)
        number = scratch("number", best.shape, index.dtype)
        for k, where in enumerate(reads, 1):
            part = moved[where]
            if plain and k == 1:
                np.greater(part, best, out=place.view(np.bool_))  # 0 or 1, the offset itself
            else:
                np.greater(part, best, out=flag)
                np.multiply(flag, index.dtype.type(k), out=number)
                np.maximum(place, number, out=place)  # k grows: the larger of two offsets is the newer one
            np.maximum(best, part, out=best)
        if best.size and math.isnan(np.maximum.reduce(best, axis=None)):
            for k, where in enumerate((first_read, *reads)):
                part = moved[where]
                np.copyto(place, k, where=part != part)

    run(block, _blocks(out[0], y.size))
    return y, index


def values(x: Array, order: Ints, kernel: Ints, stride: Ints, dilation: Ints, out: Ints) -> Array:
    """Return each window's maximum alone."""
    y = empty_in(order, (*x.shape[:2], *out), x.dtype)
    moved, maxima = x.transpose(order), y.transpose(order)

    def block(rows: slice) -> None:
        best = maxima[_in_order(order, (rows,))]
        first_read, *reads = _reads(order, rows.start, rows.stop, kernel, stride, dilation, out[1:])
        np.copyto(best, moved[first_read])
        for where in reads:
            np.maximum(best, moved[where], out=best)

    run(block, _blocks(out[0], y.size))
    return y


def _in_order(order: Ints, spatial: tuple[slice, ...]) -> tuple[slice, ...]:
    """Return slices of the first spatial dims as an index of an array whose dims are in this order."""
    return tuple(spatial[d - 2] if 0 <= d - 2 < len(spatial) else slice(None) for d in order)


@lru_cache(maxsize=1024)
def _reads(
    order: Ints, low: int, high: int, kernel: Ints, stride: Ints, dilation: Ints, out: Ints
) -> list[tuple[slice, ...]]:
    """Return, for each kernel offset, the slices of a padded input that windows of rows [low, high) read.

    Args:
        out: the output's other spatial sizes.
    """
    ranges, found = [(low, high), *((0, p) for p in out)], []
    for offset in itertools.product(*map(range, kernel)):
        spatial = [
            slice(first * s + k * d, (last - 1) * s + k * d + 1, s)
            for (first, last), k, s, d in zip(ranges, offset, stride, dilation, strict=True)
        ]
        found.append(_in_order(order, tuple(spatial)))
    return found


def backward(
    grad: Array, index: Array, sizes: Ints, kernel: Ints, stride: Ints, padding: Pads, dilation: Ints
) -> Array:
    """Return the gradient for x, (N, C, *P) -> (N, C, *S): each window's goes to the place of its maximum."""
    order, out = order_of(index), grad.shape[2:]
    dx = empty_in(order, (*grad.shape[:2], *sizes), grad.dtype)
    apart = all(s >= d * (k - 1) + 1 for k, s, d in zip(kernel, stride, dilation, strict=True))
    if not apart and math.prod(kernel) >= MANY and _all_inside(sizes, out, kernel, stride, padding, dilation):
        _scatter(grad, index, dx, order, kernel, stride, padding, dilation)
        return dx
    covered = apart and all(
        k == s and d == 1 and p * s == size and not low
        for k, s, d, p, size, (low, _) in zip(kernel, stride, dilation, out, sizes, padding, strict=True)
    )
    # From here on, dims are in the order of memory; a gradient that was flattened, for a linear layer, may be copied.
    moved, chosen, target = np.ascontiguousarray(grad.transpose(order)), index.transpose(order), dx.transpose(order)

    integer = f"i{grad.itemsize}"  # a gradient is kept or not by its bits: see `elementwise.kept`
    bits, out_bits = moved.view(integer), target.view(integer)

    def block(rows: slice) -> None:
        if not covered:
            dx[:, :, rows] = 0
        for k, windows, places in _meetings(
            order, rows.start, rows.stop, sizes[1:], out, kernel, stride, padding, dilation
        ):
            part = chosen[windows]
            here = np.equal(part, k, out=scratch("flag", part.shape, np.bool_)).view(np.int8)
            np.negative(here, out=here)  # −1, all bits, or 0
            if apart:
                np.bitwise_and(bits[windows], here, out=out_bits[places])
            else:
                kept = np.bitwise_and(bits[windows], here, out=scratch("kept", part.shape, integer))
                target[places] += kept.view(grad.dtype)

    run(block, _blocks(sizes[0], dx.size))
    return dx


@lru_cache(maxsize=1024)
def _all_inside(sizes: Ints, out: Ints, kernel: Ints, stride: Ints, padding: Pads, dilation: Ints) -> bool:
    """Whether each window has an element in the image, and so its maximum there."""
    return all(
        any(0 <= i * s - low + j * d < size for j in range(k))
        for size, p, k, s, (low, _), d in zip(sizes, out, kernel, stride, padding, dilation, strict=True)
        for i in range(p)
    )


def _scatter(
    grad: Array, index: Array, dx: Array, order: Ints, kernel: Ints, stride: Ints, padding: Pads, dilation: Ints
) -> None:
    """Add each window's gradient to dx at the place of its maximum, one by one: a pass, where masks take K."""
    steps = [step // dx.itemsize for step in dx.strides]
    spatial = list(zip(steps[2:], stride, padding, dilation, strict=True))
    table = np.array(
        [
            sum((j * d - low) * step for j, (step, _, (low, _), d) in zip(offset, spatial, strict=True))
            for offset in itertools.product(*map(range, kernel))
        ]
    )
    apart = [*steps[:2], *(step * s for step, s, _, _ in spatial)]  # from one window's place to the next one's
    moved, chosen = (np.ascontiguousarray(a.transpose(order)) for a in (grad, index))
    rows = max(1, min(len(moved), SCATTERED * len(moved) // max(moved.size, 1)))
    first: Any = 0  # the places of the windows of so many rows
    for d, length in zip(order, (rows, *moved.shape[1:]), strict=True):
        first = np.add.outer(first, np.arange(length) * apart[d])
    flat = dx.transpose(order).reshape(-1)
    flat[...] = 0
    for i in range(0, len(moved), rows):
        places = (table + i * apart[order[0]]).take(chosen[i : i + rows])
        places += first[: len(places)]
        np.add.at(flat, places.reshape(-1), moved[i : i + rows].reshape(-1))


@lru_cache(maxsize=1024)
def _meetings(
    order: Ints,
    low: int,
    high: int,
    sizes: Ints,
    out: Ints,
    kernel: Ints,
    stride: Ints,
    padding: Pads,
    dilation: Ints,
) -> list[tuple[int, Any, Any]]:
    """Return, for each kernel offset, the windows that read there from rows [low, high) of the image, and where."""
    found, ends = [], [(low, high), *((0, size) for size in sizes)]
    for k, offset in enumerate(itertools.product(*map(range, kernel))):
        pairs = [
            meeting(o * d - before, s, p, *end)
            for o, d, s, p, (before, _), end in zip(offset, dilation, stride, out, padding, ends, strict=True)
        ]
        if all(windows.stop > windows.start for windows, _ in pairs):
            windows, places = zip(*pairs, strict=True)
            found.append((k, _in_order(order, windows), _in_order(order, places)))
    return found
