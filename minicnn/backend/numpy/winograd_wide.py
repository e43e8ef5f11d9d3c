"""Winograd's convolution of many channels and few tiles: by slices of output channels, each from kernels to outputs.

The transforms are those of `winograd.py`, where blocks of tiles meet all kernels. With 512 channels these are 38 MB
when transformed, and images of 4×4 have a tile each: kernels would be written to memory, and read again for each block.
So here all tiles are transformed first, (36, T, C), and a thread then takes 32 output channels at a time: it transforms
their kernels, (36, C, 32), multiplies, and transforms back, all in scratch memory that stays in the cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.backend.base import Ints, Pads
from minicnn.backend.numpy.layout import face, spatial_first, strided
from minicnn.backend.numpy.memory import scratch
from minicnn.backend.numpy.product import parts_of
from minicnn.backend.numpy.winograd import around, ways
from minicnn.backend.threads import First, run

Array = Any
WIDTH = 32  # output channels of a slice


def _windows(x: Array, step: Ints, size: Ints, count: Ints, before: Ints) -> Array:
    """(H, W, N, C) -> its tiles, (rows, columns, h, w, N · C): a view of a copy with zeros around it."""
    (h, w), width = x.shape[:2], x[0, 0].size
    high, wide = ((n - 1) * s + k for n, s, k in zip(count, step, size, strict=True))
    top, left = before
    padded = np.zeros((high, wide, width), x.dtype)
    padded[top : top + h, left : left + w] = x.reshape(h, w, width)[: high - top, : wide - left]
    s = padded.strides
    strides = (step[0] * s[0], step[1] * s[1], *s)
    return strided(padded, (*count, *size, width), strides)


def _transformed(windows: Array, rows: Array, columns: Array, n: int) -> Array:
    """(rows, columns, h, w, N · C) -> (36, T, C), by a matrix for each dim."""
    count, width = windows.shape[:2], windows.shape[-1]
    half = np.matmul(rows, windows.transpose(0, 1, 3, 2, 4))  # (rows, columns, w, 6, N · C)
    whole = np.empty((len(rows), len(columns), *count, width), windows.dtype)
    np.matmul(columns, half.swapaxes(2, 3), out=whole.transpose(2, 3, 0, 1, 4))
    return whole.reshape(len(rows) * len(columns), count[0] * count[1] * n, -1)


def _slices(channels: int) -> list[slice]:
    return [slice(i, min(i + WIDTH, channels)) for i in range(0, channels, WIDTH)]


def _count(way: Any, out: Ints) -> tuple[int, int]:
    return -(-out[0] // way.rows.tile), -(-out[1] // way.columns.tile)


def _convolve(x: Array, weight: Array, bias: Array | None, padding: Pads, turned: bool = False) -> Array:
    """(H, W, N, C) and (O, C, KH, KW) -> (OH, OW, N, O); with kernels turned round, if so wanted."""
    way, (kh, kw) = ways(weight.shape[2:]), weight.shape[2:]
    h, w, n, c = x.shape
    (top, bottom), (left, right) = padding
    kernels = weight.reshape(*weight.shape[:2], -1).transpose(1, 2, 0)  # (C, K, O)
    matrix = way.kernels
    if turned:
        matrix, kernels = np.ascontiguousarray(matrix[:, ::-1]), kernels.transpose(2, 1, 0)
    out, o = (h + top + bottom + 1 - kh, w + left + right + 1 - kw), kernels.shape[2]
    y = np.empty((*out, n, o), x.dtype)
    rows, columns = count = _count(way, out)
    step = (way.rows.tile, way.columns.tile)
    patch = (way.rows.patch, way.columns.patch)
    v = First(
        lambda: _transformed(_windows(x, step, patch, count, (top, left)), way.rows.inputs, way.columns.inputs, n)
    )

    def work(some: slice) -> None:
        width = some.stop - some.start
        u = scratch("kernels", (way.places, c, width), x.dtype)
        np.matmul(matrix, np.ascontiguousarray(kernels[:, :, some]), out=u.swapaxes(0, 1))
        tiles = v.value().shape[1]
        parts = parts_of(tiles, c * width)
        m = scratch("products", (way.places, parts, tiles // parts, width), x.dtype)
        np.matmul(v.value().reshape(way.places, parts, -1, c), u[:, None], out=m)
        m = m.reshape(*patch, *count, n * width).transpose(2, 3, 1, 0, 4)  # (rows, columns, 6, 6, N · width)
        half = np.matmul(way.rows.outputs, m).swapaxes(2, 3)
        tiled = np.matmul(way.columns.outputs, half)  # (rows, columns, h, w, N · width)
        whole = tiled.swapaxes(1, 2).reshape(rows * step[0], columns * step[1], n, width)[: out[0], : out[1]]
        np.add(whole, 0 if bias is None else bias[some], out=y[..., some])

    run(work, _slices(o), v)
    return y


def conv(x: Array, weight: Array, bias: Array | None, padding: Pads) -> Array:
    """x ⋆ weight: (N, C, H, W) and (O, C, KH, KW) -> (N, O, OH, OW)."""
    return face(_convolve(spatial_first(x), weight, bias, padding))


def input_grad(grad: Array, weight: Array, sizes: tuple[int, ...], padding: Pads) -> Array:
    """The gradient for x: a convolution of the output's gradient with the kernels turned round."""
    return face(_convolve(spatial_first(grad), weight, None, around(weight.shape[2:], padding), turned=True))


def weight_grad(grad: Array, x: Array, shape: Ints, padding: Pads) -> Array:
    """The gradient for the weight: (N, O, OH, OW) and (N, C, H, W) -> (O, C, KH, KW), dw = Gᵀ (Vᵀ · A dy Aᵀ) G."""
    g, x = spatial_first(grad), spatial_first(x)
    (o, c), n, way = shape[:2], g.shape[2], ways(tuple(shape[2:]))
    step, patch = (way.rows.tile, way.columns.tile), (way.rows.patch, way.columns.patch)
    count = _count(way, g.shape[:2])
    dw = np.empty(shape, x.dtype)
    target = dw.reshape(o, c, -1).swapaxes(0, 1)  # (C, O, K)
    before = (padding[0][0], padding[1][0])
    v = First(lambda: _transformed(_windows(x, step, patch, count, before), way.rows.inputs, way.columns.inputs, n))

    def work(some: slice) -> None:
        windows = _windows(g[..., some], step, step, count, (0, 0))
        a = _transformed(windows, way.rows.gradients, way.columns.gradients, n)
        tiles, width = a.shape[1:]
        cut = (way.places, parts_of(c, tiles * width), -1)
        du = scratch("sums", (way.places, c, width), x.dtype)
        np.matmul(v.value().swapaxes(1, 2).reshape(*cut, tiles), a[:, None], out=du.reshape(*cut, width))
        np.matmul(du.transpose(1, 2, 0), way.kernels, out=target[:, some])

    run(work, _slices(o), v)
    return dw
