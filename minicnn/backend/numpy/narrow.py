"""Convolution of few input channels: the columns of im2col, each a run of many images or pixels.

With one or three channels, a window's row has runs of one or three numbers, and copying them costs more than
multiplying them. In memory (H, C, W, N) it is the other way round: for each kernel element there is one run over a
whole row of the output and all images.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.backend.numpy.layout import face, rows_view, spatial_first
from minicnn.backend.numpy.memory import scratch
from minicnn.backend.numpy.rows import Geometry
from minicnn.backend.threads import get_num_threads, run

Array = Any


def _padded(x: Array, geometry: Geometry) -> Array:
    """(N, C, H, W) -> (H, C, W, N), contiguous, with zeros around it."""
    n, c, h, w = x.shape
    (top, bottom), (left, right) = geometry.padding
    moved = x.transpose(2, 1, 3, 0)
    if not any((top, bottom, left, right)):
        return np.ascontiguousarray(moved)
    out = np.zeros((h + top + bottom, c, w + left + right, n), x.dtype)
    out[top : top + h, :, left : left + w] = moved
    return out


def _windows(x: Array, kernel: tuple[int, int], out: tuple[int, int], geometry: Geometry) -> Array:
    """(H, C, W, N), padded -> a view of all windows, (OH, KH, KW, C, OW, N)."""
    (sh, sw), (dh, dw) = geometry.stride, geometry.dilation
    h, c, w, n = x.strides
    return np.lib.stride_tricks.as_strided(
        x, (out[0], *kernel, x.shape[1], out[1], x.shape[3]), (h * sh, h * dh, w * dw, c, w * sw, n)
    )


def conv(x: Array, weight: Array, bias: Array | None, geometry: Geometry) -> Array:
    """x ⋆ weight: (N, C, H, W) and (O, C, KH, KW) -> (N, O, OH, OW)."""
    o, c, kh, kw = weight.shape
    n, depth = x.shape[0], c * kh * kw
    out = geometry.out(x.shape[2:], (kh, kw))
    seen = _windows(_padded(x, geometry), (kh, kw), out, geometry)
    kernels = np.ascontiguousarray(weight.transpose(2, 3, 1, 0)).reshape(depth, o)
    y = np.empty((*out, n, o), x.dtype)

    def block(i: int) -> None:
        columns = scratch("columns", (depth, out[1] * n), x.dtype)
        np.copyto(columns.reshape(seen.shape[1:]), seen[i])
        target = rows_view(y[i])
        np.matmul(columns.T, kernels, out=target)
        if bias is not None:
            np.add(target, bias, out=target)

    run(block, range(out[0]))
    return face(y)


def weight_grad(grad: Array, x: Array, shape: tuple[int, ...], geometry: Geometry) -> Array:
    """The gradient for the weight: Σ over the output's rows of columns · gradient."""
    o, c, kh, kw = shape
    n, depth = x.shape[0], c * kh * kw
    g = spatial_first(grad)
    out = (g.shape[0], g.shape[1])
    seen = _windows(_padded(x, geometry), (kh, kw), out, geometry)
    count = min(get_num_threads(), out[0])
    sums = np.zeros((max(count, 1), depth, o), x.dtype)

    def share(k: int) -> None:
        product = scratch("product", (depth, o), x.dtype)
        for i in range(k, out[0], count):
            columns = scratch("columns", (depth, out[1] * n), x.dtype)
            np.copyto(columns.reshape(seen.shape[1:]), seen[i])
            np.matmul(columns, rows_view(g[i]), out=product)
            sums[k] += product

    run(share, range(count))
    total = sums[0]
    for other in sums[1:]:
        total += other
    return np.ascontiguousarray(total.reshape(kh, kw, c, o).transpose(3, 2, 0, 1))
