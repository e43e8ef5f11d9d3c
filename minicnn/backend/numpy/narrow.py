"""Convolution of few input channels: products of the kernels with whole rows of the output, all images in it.

With one or three channels, a window's row of im2col has runs of one or three numbers, and copying them costs more than
multiplying them. In memory (H, C, W, N) it is the other way round: for each kernel element there is one run over a
whole row of the output and all images. And only the shifts along W need a copy, (H, C, KW, OW · N): the rows that a
window covers lie one after another there, so the columns of an output row, (KH · C · KW, OW · N), are a view.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minicnn.backend.base import Ints
from minicnn.backend.numpy.layout import empty_in, spatial_first, strided
from minicnn.backend.numpy.memory import scratch
from minicnn.backend.numpy.offsets import meeting
from minicnn.backend.numpy.product import parts_of
from minicnn.backend.numpy.rows import Geometry
from minicnn.backend.threads import alone, get_num_threads, run

Array = Any
CHANNELS_SECOND = (2, 1, 3, 0)  # the order (H, C, W, N)
PIXELS_FIRST = (2, 3, 0, 1)  # the order (H, W, N, C)
FEW = 12  # output channels below which channels second serves what follows better, too
SHARED = 2**19  # numbers from which threads pay
BLOCK = 2**18  # numbers of a block
PRODUCTS = 2**18  # numbers of the products of one row


def columns_of(x: Array, kernel: Ints, geometry: Geometry) -> Array:
    """(N, C, H, W) -> the columns of each output row, (OH, KH · C · KW, OW · N), a view of fewer numbers."""
    out = geometry.out(x.shape[2:], (kernel[0], kernel[1]))
    moved = x.transpose(CHANNELS_SECOND)
    h, c, w, n = moved.shape
    top, left = geometry.padding[0][0], geometry.padding[1][0]
    stride, dilation = geometry.stride, geometry.dilation[1]
    shifts = np.empty(((out[0] - 1) * stride[0] + kernel[0], c, kernel[1], out[1], n), x.dtype)

    def fill(some: slice) -> None:
        low, high = min(max(some.start - top, 0), h), min(max(some.stop - top, 0), h)
        if low + top > some.start:
            shifts[some.start : low + top] = 0
        if high + top < some.stop:
            shifts[high + top : some.stop] = 0
        source, target = moved[low:high], shifts[low + top : high + top]
        if source.strides[-1] != x.itemsize:
            source = np.ascontiguousarray(source)  # once, before it is copied KW times
        for j in range(kernel[1]):
            windows, read = meeting(j * dilation - left, stride[1], out[1], 0, w)
            target[:, :, j, windows] = source[:, :, read]
            if windows.start:
                target[:, :, j, : windows.start] = 0
            if windows.stop < out[1]:
                target[:, :, j, windows.stop :] = 0

    run(fill, _shares(shifts.shape[0], shifts.size))
    row, width = shifts.strides[0], out[1] * n
    return strided(
        shifts, (out[0], kernel[0] * c * kernel[1], width), (stride[0] * row, width * x.itemsize, x.itemsize)
    )


def _shares(rows: int, size: int) -> list[slice]:
    """Cut rows of so many numbers in all into blocks, of one for each thread at least, unless they are few."""
    count = min(rows, max(-(-size // BLOCK), get_num_threads())) if size >= SHARED else 1
    step = -(-rows // max(count, 1))
    return [slice(i, min(i + step, rows)) for i in range(0, rows, step)]


def _cut(columns: Array, parts: int) -> Array:
    """(OH, K, OW · N) -> a view (OH, parts, K, OW · N / parts)."""
    return columns.reshape(*columns.shape[:2], parts, columns.shape[2] // parts).swapaxes(1, 2)


def conv(x: Array, weight: Array, bias: Array | None, geometry: Geometry, columns: Array | None = None) -> Array:
    """x ⋆ weight: (N, C, H, W) and (O, C, KH, KW) -> (N, O, OH, OW); the columns of x, if they are there already."""
    n, (o, _, *kernel) = x.shape[0], weight.shape
    out = geometry.out(x.shape[2:], tuple(kernel))
    if columns is None:
        columns = columns_of(x, tuple(kernel), geometry)
    kernels = weight.transpose(0, 2, 1, 3).reshape(o, -1)  # (O, KH · C · KW)
    second = o < FEW
    y = empty_in(CHANNELS_SECOND if second else PIXELS_FIRST, (n, o, *out), x.dtype)
    if second:
        flat = y.transpose(CHANNELS_SECOND).reshape(out[0], o, -1)
        wide = flat.reshape(out[0], -1)
        tiled = None if bias is None else np.repeat(bias, flat.shape[2])
    else:
        flat = y.transpose(PIXELS_FIRST).reshape(out[0], -1, o)
        wide = flat.reshape(out[0], -1, n * o)
        tiled = None if bias is None else np.tile(bias, n)

    parts = parts_of(columns.shape[2], columns.shape[1] * o)

    def share(some: slice) -> None:
        if second:
            np.matmul(kernels, _cut(columns[some], parts), out=_cut(flat[some], parts))
        else:
            target = flat[some].reshape(-1, parts, columns.shape[2] // parts, o)
            np.matmul(_cut(columns[some], parts).swapaxes(2, 3), kernels.T, out=target)
        if tiled is not None:
            wide[some] += tiled

    run(share, _shares(out[0], y.size))
    return y


def weight_grad(
    grad: Array, x: Array, shape: tuple[int, ...], geometry: Geometry, columns: Array | None = None
) -> Array:
    """The gradient for the weight: Σ over the output's rows of gradient · columns."""
    o, c, kh, kw = shape
    out = (grad.shape[2], grad.shape[3])
    if columns is None:
        columns = columns_of(x, (kh, kw), geometry)
    second = grad.transpose(CHANNELS_SECOND).flags.c_contiguous
    if second:
        g = grad.transpose(CHANNELS_SECOND).reshape(out[0], o, -1)
    else:
        g = spatial_first(grad).reshape(out[0], -1, o)
    shares, parts = _shares(out[0], g.size), parts_of(columns.shape[2], columns.shape[1] * o)
    sums = np.empty((len(shares), *((o, columns.shape[1]) if second else (columns.shape[1], o))), x.dtype)

    def share(k: int) -> None:
        some = shares[k]
        cut = _cut(columns[some], parts)
        if second:
            products = np.matmul(_cut(g[some], parts), cut.swapaxes(2, 3))
        else:
            products = np.matmul(cut, g[some].reshape(-1, parts, columns.shape[2] // parts, o))
        np.add.reduce(products, axis=(0, 1), out=sums[k])

    run(share, range(len(shares)))
    total = np.add.reduce(sums, axis=0)
    return np.ascontiguousarray((total if second else total.T).reshape(o, kh, c, kw).transpose(0, 2, 1, 3))


def input_grad(grad: Array, weight: Array, sizes: tuple[int, ...], geometry: Geometry) -> Array:
    """The gradient for x, of stride and dilation 1: a product an image's row, of all rows of windows that read it.

    In memory (OH, O, OW, N) these lie together, (KH · O, OW · N). The product is that of each column of the kernel,
    (KW · C, OW · N), added KW times, each time shifted by a pixel.
    """
    (n, o, oh, ow), (_, c, kh, kw), (h, w) = grad.shape, weight.shape, sizes
    top, left = geometry.padding[0][0], geometry.padding[1][0]
    g = np.ascontiguousarray(grad.transpose(CHANNELS_SECOND)).reshape(oh * o, ow * n)
    kernels = np.ascontiguousarray(weight[:, :, ::-1].transpose(3, 1, 2, 0)).reshape(kw * c, kh * o)
    dx = np.empty((h, c, w, n), grad.dtype)
    columns = [meeting(j - left, 1, ow, 0, w) for j in range(kw)]
    product = scratch("product", (kw, c, ow, n), grad.dtype)
    parts = parts_of(ow * n, kernels.size)
    cut = (parts, ow * n // parts)
    target = product.reshape(kw * c, *cut).swapaxes(0, 1)
    with alone:
        for i in range(h):
            dx[i] = 0
            first = i + top + 1 - kh  # the row of windows whose last row reads this one
            low, high = max(first, 0), min(first + kh, oh)
            if low >= high:
                continue
            some = kernels[:, (low - first) * o : (high - first) * o]
            np.matmul(some, g[low * o : high * o].reshape(-1, *cut).swapaxes(0, 1), out=target)
            for j, (windows, pixels) in enumerate(columns):
                dx[i, :, pixels] += product[j, :, windows]
    return dx.transpose(3, 1, 0, 2)


def suits_input_grad(n: int, weight: Array, out: Ints, geometry: Geometry) -> bool:
    """Whether the gradient for x is best computed here: few channels, and a row's products fit the cache."""
    c, kernel = weight.shape[1], weight.shape[2:]
    return (
        c < FEW
        and (math.prod(kernel) > 9 or c <= 4)
        and set(geometry.stride) == set(geometry.dilation) == {1}
        and math.prod(kernel) * c * out[-1] * n <= PRODUCTS
    )
