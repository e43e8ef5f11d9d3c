"""Elementwise work on large arrays: in blocks that stay in a core's cache, over threads.

A function of several steps, such as the logistic one, reads and writes memory at each of them; block by block, only
its first read and its last write leave the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.backend.numpy.layout import order_of
from minicnn.backend.threads import run

Array = Any
LARGE = 2**20  # elements from which threads pay
BLOCK = 2**17  # elements of a block: fewer, and the threads fight for the interpreter lock


def apply(function: Callable[..., Array], arrays: tuple[Any, ...]) -> Array:
    """Return ``function(*arrays)`` of arrays and numbers: of blocks, where the arrays are large and of one shape."""
    shape = size = None
    for a in arrays:
        if isinstance(a, np.ndarray):
            if a.size < LARGE or (shape is not None and a.shape != shape):
                return function(*arrays)
            first, shape, size = a, a.shape, a.size
    if shape is None or size is None:
        return function(*arrays)
    order = order_of(first)  # which the result keeps
    views = [a.transpose(order) if isinstance(a, np.ndarray) else a for a in arrays]
    long = [v for v in views if isinstance(v, np.ndarray)]
    ordered = long[0].shape
    flat = all(v.flags.c_contiguous for v in long)
    if flat:
        views = [v.reshape(-1) if isinstance(v, np.ndarray) else v for v in views]
        length, step = size, BLOCK
    else:
        length = ordered[0]
        step = max(1, BLOCK * length // size)
    blocks = [slice(i, min(i + step, length)) for i in range(0, length, step)]

    def part(block: slice) -> list[Any]:
        return [v[block] if isinstance(v, np.ndarray) else v for v in views]

    y = np.empty(ordered, function(*part(slice(0, 1))).dtype)
    out = y.reshape(-1) if flat else y
    ufunc = isinstance(function, np.ufunc)

    def work(block: slice) -> None:
        if ufunc:
            function(*part(block), out=out[block])
        else:
            out[block] = function(*part(block))

    run(work, blocks)
    return y.transpose(np.argsort(order))


def in_place(function: Callable[..., None], arrays: tuple[Array, ...]) -> None:
    """Call ``function(*arrays)``, which writes to some of them: on blocks, where they are large and of one shape."""
    first = arrays[0]
    if first.size < LARGE or any(a.shape != first.shape for a in arrays):
        function(*arrays)
        return
    order = order_of(first)
    views = [a.transpose(order) for a in arrays]
    if all(v.flags.c_contiguous for v in views):
        views = [v.reshape(-1) for v in views]
    length = len(views[0])
    step = max(1, BLOCK * length // first.size)
    run(lambda start: function(*(v[start : start + step] for v in views)), range(0, length, step))


def kept(x: Array, keep: Array) -> Array:
    """x where ``keep`` holds and 0 elsewhere, by their bits: np.where branches at each element, 20 times as slow."""
    return _masked(x, np.negative(keep.view(np.int8)))  # −1, all bits, or 0


def dropped(x: Array, drop: Array) -> Array:
    """0 where ``drop`` holds and x elsewhere."""
    return _masked(x, np.subtract(drop.view(np.int8), np.int8(1)))


def _masked(x: Array, mask: Array) -> Array:
    integer = f"i{x.itemsize}"
    # In the memory order of the mask: it comes from what forward made, x perhaps from a flattened gradient.
    target = np.empty_like(mask, dtype=integer)
    return np.bitwise_and(x.view(integer), mask, out=target).view(x.dtype)
