"""Convolution by one matrix product a kernel offset: of the pixels that meet the image there, and no others.

Nothing is gathered, since pixels of a row lie together. For gradients of the input this is the kernel for any shape;
forward, and for the weight, it is for small images of many channels, where much of a padded window lies outside: a 3×3
kernel over 2×2 pixels meets them 16 times in 36.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.backend.numpy.layout import face, spatial_first
from minicnn.backend.numpy.memory import scratch
from minicnn.backend.numpy.rows import CACHE, Geometry
from minicnn.backend.threads import get_num_threads, run

Array = Any
Places = tuple[slice, slice]


def _meeting(offset: int, stride: int, out: int, size: int) -> tuple[slice, slice]:
    """Of so many windows, those whose element at an offset from their place lies in the image; and where that is."""
    first = max(0, -(offset // stride))  # ⌈−offset / stride⌉
    last = min(out, (size - 1 - offset) // stride + 1)
    if last <= first:
        return slice(0, 0), slice(0, 0)
    return slice(first, last), slice(offset + first * stride, offset + (last - 1) * stride + 1, stride)


def _meetings(
    kernel: tuple[int, ...], out: tuple[int, ...], sizes: tuple[int, ...], geometry: Geometry
) -> Iterator[tuple[int, Places, Places]]:
    """Yield each kernel offset, the windows that meet the image there, and the pixels where they do."""
    top, left = geometry.padding[0][0], geometry.padding[1][0]
    (sh, sw), (dh, dw) = geometry.stride, geometry.dilation
    for k, (i, j) in enumerate(itertools.product(range(kernel[0]), range(kernel[1]))):
        rows, read_rows = _meeting(i * dh - top, sh, out[0], sizes[0])
        columns, read_columns = _meeting(j * dw - left, sw, out[1], sizes[1])
        yield k, (rows, columns), (read_rows, read_columns)


def _by_offset(weight: Array) -> Array:
    """(O, C, KH, KW) -> (K, O, C)."""
    return np.ascontiguousarray(weight.reshape(*weight.shape[:2], -1).transpose(2, 0, 1))


def _halves(channels: int) -> list[slice]:
    """Cut channels into as many parts as there are threads."""
    step = -(-channels // get_num_threads())
    return [slice(i, min(i + step, channels)) for i in range(0, channels, step)]


def _pixels(part: Array) -> Array:
    """(h, w, N, C) -> (h, w · N, C)."""
    return part.reshape(part.shape[0], -1, part.shape[-1])


def conv(x: Array, weight: Array, bias: Array | None, geometry: Geometry) -> Array:
    """x ⋆ weight: (N, C, H, W) and (O, C, KH, KW) -> (N, O, OH, OW)."""
    o = weight.shape[0]
    xs, kernels = spatial_first(x), _by_offset(weight)
    out = geometry.out(xs.shape[:2], weight.shape[2:])
    y = np.empty((*out, xs.shape[2], o), x.dtype)

    def share(some: slice) -> None:
        mine = y[..., some]
        mine[...] = 0 if bias is None else bias[some]
        for k, windows, pixels in _meetings(weight.shape[2:], out, xs.shape[:2], geometry):
            part = _pixels(xs[pixels])
            if part.size:
                product = scratch("product", (*part.shape[:2], some.stop - some.start), x.dtype)
                np.matmul(part, kernels[k, some].T, out=product)
                target = mine[windows]
                target += product.reshape(target.shape)

    run(share, _halves(o))
    return face(y)


def weight_grad(grad: Array, x: Array, shape: tuple[int, ...], geometry: Geometry) -> Array:
    """The gradient for the weight: for each kernel offset, gradientᵀ · pixels."""
    g, xs = spatial_first(grad), spatial_first(x)
    o, c, *kernel = shape
    dw = np.zeros((kernel[0] * kernel[1], o, c), x.dtype)

    def share(some: slice) -> None:
        for k, windows, pixels in _meetings(tuple(kernel), g.shape[:2], xs.shape[:2], geometry):
            part = xs[pixels].reshape(-1, c)
            if part.size:
                np.matmul(g[windows][..., some].reshape(part.shape[0], -1).T, part, out=dw[k, some])

    run(share, _halves(o))
    return np.ascontiguousarray(dw.transpose(1, 2, 0)).reshape(shape)


def input_grad(grad: Array, weight: Array, sizes: tuple[int, ...], geometry: Geometry) -> Array:
    """The gradient for x: for each kernel offset, gradient · kernel, added where that offset's windows read.

    Windows overlap, so threads share out images; or channels, where all images fit into a few megabytes.
    """
    n, c = grad.shape[0], weight.shape[1]
    g, kernels = spatial_first(grad), _by_offset(weight)
    dx = np.empty((*sizes, n, c), grad.dtype)

    def block(where: tuple[slice, slice]) -> None:
        images, channels = where
        part, total = g[:, :, images], dx[:, :, images, channels]
        total[...] = 0
        for k, windows, pixels in _meetings(weight.shape[2:], g.shape[:2], sizes, geometry):
            mine = part[windows]
            if mine.size:
                if images.stop - images.start == n:
                    mine = _pixels(mine)  # longer rows of places, where they lie together
                product = scratch("product", (*mine.shape[:-1], total.shape[-1]), grad.dtype)
                np.matmul(mine, kernels[k, :, channels], out=product)
                target = total[pixels]
                target += product.reshape(target.shape)

    if g.nbytes <= 4 * CACHE:
        run(block, [(slice(0, n), some) for some in _halves(c)])
    else:
        most = max(1, CACHE // (g.nbytes // n))
        size = max(1, min(most, -(-n // get_num_threads())))
        run(block, [(slice(b, min(b + size, n)), slice(0, c)) for b in range(0, n, size)])
    return face(dx)
