"""Convolution by blocks of im2col rows that stay in a core's cache: the kernel for any shape with enough channels.

In memory (H, W, N, C) a window's row is KH · KW runs of C numbers. A block of windows is gathered, multiplied by all
kernels, and written; the whole matrix of rows, K times the input, never exists. One dim is done as (1, L).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minicnn.backend.base import Ints, Pads, output_size
from minicnn.backend.numpy.layout import face, rows_view, spatial_first
from minicnn.backend.numpy.memory import scratch
from minicnn.backend.threads import get_num_threads, run

Array = Any
CACHE = 2**21  # bytes of a block's rows: of the order of a core's second-level cache


class Geometry(NamedTuple):
    """How a two-dimensional kernel moves over an image."""

    stride: Ints
    padding: Pads
    dilation: Ints

    def out(self, sizes: tuple[int, ...], kernel: tuple[int, ...]) -> tuple[int, int]:
        """Return how many windows fit: (OH, OW)."""
        oh, ow = (output_size(*a) for a in zip(sizes, kernel, self.stride, self.padding, self.dilation, strict=True))
        return oh, ow


def windows(x: Array, kernel: tuple[int, int], out: tuple[int, int], geometry: Geometry) -> Array:
    """(H, W, N, C), padded -> a view of all windows, (OH, OW, N, KH, KW, C)."""
    (sh, sw), (dh, dw) = geometry.stride, geometry.dilation
    h, w, n, c = x.strides
    return np.lib.stride_tricks.as_strided(
        x, (*out, x.shape[2], *kernel, x.shape[3]), (h * sh, w * sw, n, h * dh, w * dw, c)
    )


def _image(x: Array, geometry: Geometry) -> Array:
    """(N, C, H, W) -> (H, W, N, C), padded; as it lies, if there is no padding and a pixel's channels lie together."""
    if x.strides[1] == x.itemsize and not any(map(any, geometry.padding)):
        return x.transpose(2, 3, 0, 1)
    return spatial_first(x, geometry.padding)


def blocks(out: tuple[int, int], bytes_a_place: int) -> list[tuple[slice, slice]]:
    """Cut the output into blocks of whole rows, or parts of one, of about CACHE bytes; at least two a thread."""
    oh, ow = out
    places = max(1, min(CACHE // max(bytes_a_place, 1), -(-oh * ow // (2 * get_num_threads()))))
    if places >= ow:
        high = places // ow
        return [(slice(i, min(i + high, oh)), slice(0, ow)) for i in range(0, oh, high)]
    return [(slice(i, i + 1), slice(j, min(j + places, ow))) for i in range(oh) for j in range(0, ow, places)]


def conv(x: Array, weight: Array, bias: Array | None, geometry: Geometry) -> Array:
    """x ⋆ weight: (N, C, H, W) and (O, C, KH, KW) -> (N, O, OH, OW)."""
    o, c, kh, kw = weight.shape
    n, depth = x.shape[0], c * kh * kw
    out = geometry.out(x.shape[2:], (kh, kw))
    seen = windows(_image(x, geometry), (kh, kw), out, geometry)
    kernels = np.ascontiguousarray(weight.transpose(2, 3, 1, 0)).reshape(depth, o)
    y = np.empty((*out, n, o), x.dtype)

    def block(where: tuple[slice, slice]) -> None:
        part = seen[where]
        rows = scratch("rows", part.shape, x.dtype)
        np.copyto(rows, part)
        target = rows_view(y[where])
        np.matmul(rows.reshape(-1, depth), kernels, out=target)
        if bias is not None:
            np.add(target, bias, out=target)

    run(block, blocks(out, n * depth * x.itemsize))
    return face(y)


def weight_grad(grad: Array, x: Array, shape: tuple[int, ...], geometry: Geometry) -> Array:
    """The gradient for the weight: Σ over blocks of rowsᵀ · gradient, each thread's share in a sum of its own."""
    o, c, kh, kw = shape
    n, depth = x.shape[0], c * kh * kw
    g = spatial_first(grad)
    out = (g.shape[0], g.shape[1])
    seen = windows(_image(x, geometry), (kh, kw), out, geometry)
    parts = blocks(out, n * depth * x.itemsize)
    count = min(get_num_threads(), len(parts))
    shares = [parts[k::count] for k in range(count)]
    sums = np.zeros((len(shares), depth, o), x.dtype)

    def share(k: int) -> None:
        product = scratch("product", (depth, o), x.dtype)
        for where in shares[k]:
            part = seen[where]
            rows = scratch("rows", part.shape, x.dtype)
            np.copyto(rows, part)
            np.matmul(rows.reshape(-1, depth).T, rows_view(g[where]), out=product)
            sums[k] += product

    run(share, range(len(shares)))
    total = sums[0]
    for other in sums[1:]:
        total += other
    return np.ascontiguousarray(total.reshape(kh, kw, c, o).transpose(3, 2, 0, 1))
