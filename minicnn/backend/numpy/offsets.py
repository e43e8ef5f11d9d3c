"""Convolution by one matrix product a kernel offset: of the pixels that meet the image there, and no others.

Nothing is gathered, since pixels of a row lie together. For gradients of the input this is the kernel for any shape;
forward, and for the weight, it is for small images of many channels, where much of a padded window lies outside: a 3×3
kernel over 2×2 pixels meets them 16 times in 36.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import Any

import numpy as np

from minicnn.backend.base import Ints
from minicnn.backend.numpy.layout import face, spatial_first
from minicnn.backend.numpy.memory import scratch
from minicnn.backend.numpy.rows import Geometry
from minicnn.backend.threads import get_num_threads, run

Array = Any
Places = tuple[slice, slice]
CACHE = 2**22  # bytes of a block; smaller ones fight for the interpreter lock


def meeting(offset: int, stride: int, count: int, low: int, high: int) -> tuple[slice, slice]:
    """Of so many windows, those whose element at an offset from their place lies in [low, high); and where that is."""
    first = max(0, -((offset - low) // stride))  # ⌈(low − offset) / stride⌉
    last = min(count, (high - 1 - offset) // stride + 1)
    if last <= first:
        return slice(0, 0), slice(0, 0)
    return slice(first, last), slice(offset + first * stride, offset + (last - 1) * stride + 1, stride)


@lru_cache(maxsize=1024)
def meetings(
    kernel: Ints, out: Ints, rows: tuple[int, int], width: int, geometry: Geometry
) -> list[tuple[int, Places, Places]]:
    """Return each kernel offset where windows meet the image's rows [low, high), those windows, and the pixels."""
    found = []
    top, left = geometry.padding[0][0], geometry.padding[1][0]
    (sh, sw), (dh, dw) = geometry.stride, geometry.dilation
    for k, (i, j) in enumerate(itertools.product(range(kernel[0]), range(kernel[1]))):
        windows, pixels = meeting(i * dh - top, sh, out[0], *rows)
        columns, read = meeting(j * dw - left, sw, out[1], 0, width)
        if windows.stop > windows.start and columns.stop > columns.start:
            found.append((k, (windows, columns), (pixels, read)))
    return found


def _by_offset(weight: Array) -> Array:
    """(O, C, KH, KW) -> (K, O, C)."""
    return np.ascontiguousarray(weight.reshape(*weight.shape[:2], -1).transpose(2, 0, 1))


def _halves(channels: int) -> list[slice]:
    """Cut channels into as many parts as there are threads."""
    step = -(-channels // get_num_threads())
    return [slice(i, min(i + step, channels)) for i in range(0, channels, step)]


def _pixels(part: Array) -> Array:
    """(h, w, N, C) -> (h, w · N, C)."""
    return part.reshape(part.shape[0], part.shape[1] * part.shape[2], part.shape[3])


def conv(x: Array, weight: Array, bias: Array | None, geometry: Geometry) -> Array:
    """x ⋆ weight: (N, C, H, W) and (O, C, KH, KW) -> (N, O, OH, OW)."""
    o, xs = weight.shape[0], spatial_first(x)
    out = geometry.out(xs.shape[:2], weight.shape[2:])
    y = np.empty((*out, xs.shape[2], o), x.dtype)

    def share(some: slice) -> None:
        mine, kernels = y[..., some], _by_offset(weight[some])
        mine[...] = 0 if bias is None else bias[some]
        for k, windows, pixels in meetings(weight.shape[2:], out, (0, xs.shape[0]), xs.shape[1], geometry):
            part = _pixels(xs[pixels])
            product = scratch("product", (*part.shape[:2], some.stop - some.start), x.dtype)
            np.matmul(part, kernels[k].T, out=product)
            target = mine[windows]
            target += product.reshape(target.shape)

    run(share, _halves(o))
    return face(y)


def weight_grad(grad: Array, x: Array, shape: tuple[int, ...], geometry: Geometry) -> Array:
    """The gradient for the weight: for each kernel offset, gradientᵀ · pixels."""
    g, xs = spatial_first(grad), spatial_first(x)
    o, c, *kernel = shape
    dw = np.empty((o, c, kernel[0] * kernel[1]), x.dtype)

    def share(some: slice) -> None:
        mine = np.zeros((kernel[0] * kernel[1], some.stop - some.start, c), x.dtype)
        for k, windows, pixels in meetings(tuple(kernel), g.shape[:2], (0, xs.shape[0]), xs.shape[1], geometry):
            part = xs[pixels].reshape(-1, c)
            np.matmul(g[windows][..., some].reshape(part.shape[0], -1).T, part, out=mine[k])
        dw[some] = mine.transpose(1, 2, 0)

    run(share, _halves(o))
    return dw.reshape(shape)


def input_grad(grad: Array, weight: Array, sizes: tuple[int, ...], geometry: Geometry) -> Array:
    """The gradient for x: for each kernel offset, gradient · kernel, added where that offset's windows read.

    Windows overlap, so threads share out rows of the input, or its channels where there are few rows.
    """
    n, (o, c, *kernel) = grad.shape[0], weight.shape
    g = spatial_first(grad)
    dx = np.empty((*sizes, n, c), grad.dtype)

    def block(where: tuple[int, int, slice]) -> None:
        low, high, channels = where
        kernels = _by_offset(weight[:, channels])
        dx[low:high, :, :, channels] = 0
        for k, windows, pixels in meetings(tuple(kernel), g.shape[:2], (low, high), sizes[1], geometry):
            part = _pixels(g[windows])
            product = scratch("product", (*part.shape[:2], channels.stop - channels.start), grad.dtype)
            np.matmul(part, kernels[k], out=product)
            target = dx[pixels][..., channels]
            target += product.reshape(target.shape)

    if g.nbytes <= CACHE and sizes[0] <= 4 * get_num_threads():
        run(block, [(0, sizes[0], some) for some in _halves(c)])
    else:
        rows = max(1, min(CACHE // (sizes[1] * n * (c + o) * dx.itemsize), -(-sizes[0] // get_num_threads())))
        run(block, [(i, min(i + rows, sizes[0]), slice(0, c)) for i in range(0, sizes[0], rows)])
    return face(dx)
