"""Depthwise convolution, a kernel a channel: one pass a kernel offset, elementwise, over long rows.

Memory is spatial-first, so a pixel of all images and channels is one row, (N · C); what has one number a channel is
tiled N times to meet it. There are no matrix products to gain from.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.backend.numpy.layout import face, spatial_first
from minicnn.backend.numpy.memory import scratch
from minicnn.backend.numpy.offsets import meetings
from minicnn.backend.numpy.rows import Geometry
from minicnn.backend.threads import get_num_threads, run

Array = Any
BLOCK = 2**17  # numbers of a block


def _tiled(weight: Array, n: int) -> Array:
    """(C, 1, KH, KW) -> (KH · KW, N · C)."""
    flat = weight.reshape(weight.shape[0], -1).T
    return np.tile(flat, n)


def _flat(x: Array) -> Array:
    """(N, C, H, W) -> (H, W, N · C)."""
    moved = spatial_first(x)
    return moved.reshape(*moved.shape[:2], moved.shape[2] * moved.shape[3])


def _rows(x: Array) -> list[tuple[int, int]]:
    """Cut the rows of (H, W, N · C) into blocks of the cache's size, one a thread at least."""
    high = max(1, min(BLOCK // max(x[0].size, 1), -(-x.shape[0] // get_num_threads())))
    return [(i, min(i + high, x.shape[0])) for i in range(0, x.shape[0], high)]


def conv(x: Array, weight: Array, bias: Array | None, geometry: Geometry) -> Array:
    """x ⋆ weight, channel by channel: (N, C, H, W) and (C, 1, KH, KW) -> (N, C, OH, OW)."""
    n, c = x.shape[:2]
    xs, kernels = _flat(x), _tiled(weight, n)
    out = geometry.out(xs.shape[:2], weight.shape[2:])
    y = np.empty((*out, n * c), x.dtype)
    start: Any = 0 if bias is None else np.tile(bias, n)
    (sh, _), (top, _) = geometry.stride, geometry.padding[0]

    def block(rows: tuple[int, int]) -> None:
        low, high = rows
        y[low:high] = start
        # The same rows as windows of a smaller output, whose padding begins where they do.
        part = geometry._replace(padding=((top - low * sh, 0), geometry.padding[1]))
        for k, windows, pixels in meetings(weight.shape[2:], (high - low, out[1]), (0, len(xs)), xs.shape[1], part):
            seen = xs[pixels]
            if seen.size:
                product = np.multiply(seen, kernels[k], out=scratch("product", seen.shape, x.dtype))
                y[low:high][windows] += product

    run(block, _rows(y))
    return face(y.reshape(*out, n, c))


def input_grad(grad: Array, weight: Array, sizes: tuple[int, ...], geometry: Geometry) -> Array:
    """The gradient for x: for each kernel offset, gradient · kernel, added where that offset's windows read."""
    n, c = grad.shape[:2]
    g, kernels = _flat(grad), _tiled(weight, n)
    dx = np.empty((*sizes, n * c), grad.dtype)

    def block(rows: tuple[int, int]) -> None:
        dx[slice(*rows)] = 0
        for k, windows, pixels in meetings(weight.shape[2:], g.shape[:2], rows, sizes[1], geometry):
            part = g[windows]
            dx[pixels] += np.multiply(part, kernels[k], out=scratch("product", part.shape, grad.dtype))

    run(block, _rows(dx))
    return face(dx.reshape(*sizes, n, c))


def weight_grad(grad: Array, x: Array, shape: tuple[int, ...], geometry: Geometry) -> Array:
    """The gradient for the weight: for each kernel offset, Σ gradient · pixels, over rows and then over images."""
    n, c = x.shape[:2]
    g, xs = _flat(grad), _flat(x)
    dw = np.zeros((shape[2] * shape[3], c), x.dtype)

    def one(meeting: Any) -> None:
        k, windows, pixels = meeting
        if g[windows].size:
            columns = np.einsum("hwm,hwm->m", g[windows], xs[pixels])
            np.add.reduce(columns.reshape(n, c), axis=0, out=dw[k])

    run(one, meetings(shape[2:], g.shape[:2], (0, len(xs)), xs.shape[1], geometry))
    return np.ascontiguousarray(dw.T).reshape(shape)
