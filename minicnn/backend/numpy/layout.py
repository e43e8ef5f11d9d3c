"""Memory order on the CPU: (H, W, N, C) under an (N, C, H, W) face, so that windows are slices of long runs.

NumPy's elementwise functions keep the order of their inputs, so what one convolution lays out so stays so through
the activations, norms and poolings after it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.backend.base import Ints, Pads
from minicnn.backend.threads import run

Array = Any


def face(x: Array) -> Array:
    """(H, W, N, C) -> a view (N, C, H, W)."""
    return x.transpose(2, 3, 0, 1)


def rows_view(part: Array) -> Array:
    """(h, w, N, C), contiguous -> a view (h · w · N, C)."""
    return part.reshape(-1, part.shape[-1])


def spatial_first(x: Array, padding: Pads = ((0, 0), (0, 0)), sizes: tuple[int, int] | None = None) -> Array:
    """(N, C, H, W) -> (H, W, N, C), contiguous, with zeros around it; with more after it to reach ``sizes``."""
    moved = x.transpose(2, 3, 0, 1)
    h, w = moved.shape[:2]
    (top, bottom), (left, right) = padding
    high, wide = sizes or (top + h + bottom, left + w + right)
    if (high, wide) == (h, w):
        return np.ascontiguousarray(moved)
    out = np.empty((high, wide, *moved.shape[2:]), x.dtype)

    def rows(part: slice) -> None:
        for i in range(part.start, part.stop):
            if not top <= i < top + h:
                out[i] = 0
                continue
            out[i, :left] = 0
            out[i, left + w :] = 0
            out[i, left : left + w] = moved[i - top]

    run(rows, [slice(i, min(i + 8, high)) for i in range(0, high, 8)])
    return out


def order_of(x: Array) -> Ints:
    """Return the dims of x from the one of the largest steps in memory to that of the smallest."""
    return order_by(x.strides)


def order_by(strides: Ints) -> Ints:
    return tuple(sorted(range(len(strides)), key=lambda d: -abs(strides[d])))


def empty_in(order: Ints, shape: Ints, dtype: Any) -> Array:
    """Return an uninitialized array whose dims lie in memory in this order."""
    back = sorted(range(len(order)), key=order.__getitem__)
    return np.empty([shape[d] for d in order], dtype).transpose(back)


def images_last(x: Array) -> bool:
    """Whether the first dim of maps, the images, is the last in memory, as narrow convolutions leave it."""
    return x.ndim == 4 and x.strides[0] == x.itemsize and x.shape[0] > 1 and not x.flags.c_contiguous


def features_first(x: Array, shape: Ints) -> Array:
    """Return such maps (N, C, H, W) in another shape: flattened to (N, C · H · W), as a view of (C · H · W, N).

    Whole rows are copied so, where row-major memory would take each number to another place. The linear layers after
    it compute (features, N), too.
    """
    n, c, h, w = x.shape
    if shape != (n, c * h * w):
        return x.reshape(shape)
    return x.transpose(1, 2, 3, 0).reshape(-1, n).T


def strided(x: Array, shape: Ints, strides: Ints) -> Array:
    """Return a view of a contiguous array's memory, as as_strided does, which takes ten times as long."""
    return np.ndarray(shape, x.dtype, x, 0, strides)
