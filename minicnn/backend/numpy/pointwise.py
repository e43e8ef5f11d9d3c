"""Convolution with a 1×1 kernel: one matrix product, since a window is a pixel."""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.backend.numpy.layout import face, rows_view, spatial_first
from minicnn.backend.numpy.rows import Geometry
from minicnn.backend.threads import get_num_threads, run

Array = Any


def _shares(rows: int) -> list[slice]:
    count = max(1, min(4 * get_num_threads(), rows // 256))
    size = -(-rows // count)
    return [slice(i, min(i + size, rows)) for i in range(0, rows, size)] if rows else []


def _seen(x: Array, geometry: Geometry) -> Array:
    """(N, C, H, W) -> the pixels under the kernel, (OH, OW, N, C), contiguous."""
    sh, sw = geometry.stride
    (top, bottom), (left, right) = geometry.padding
    if top or bottom or left or right:
        return np.ascontiguousarray(spatial_first(x, geometry.padding)[::sh, ::sw])
    return spatial_first(x[:, :, ::sh, ::sw])


def conv(x: Array, weight: Array, bias: Array | None, geometry: Geometry) -> Array:
    """x ⋆ weight: (N, C, H, W) and (O, C, 1, 1) -> (N, O, OH, OW)."""
    o, c = weight.shape[:2]
    pixels = _seen(x, geometry)
    y = np.empty((*pixels.shape[:3], o), x.dtype)
    rows, target = rows_view(pixels), rows_view(y)
    kernels = weight.reshape(o, c).T

    def share(some: slice) -> None:
        np.matmul(rows[some], kernels, out=target[some])
        if bias is not None:
            target[some] += bias

    run(share, _shares(rows.shape[0]))
    return face(y)


def input_grad(grad: Array, weight: Array, sizes: tuple[int, ...], geometry: Geometry) -> Array:
    """The gradient for x: gradient · kernel at the pixels that were seen, and zero between them."""
    o, c = weight.shape[:2]
    g = spatial_first(grad)
    (sh, sw), ((top, bottom), (left, right)) = geometry.stride, geometry.padding
    whole = (sizes[0] + top + bottom, sizes[1] + left + right)
    products = np.empty((*g.shape[:3], c), grad.dtype)
    rows, target = rows_view(g), rows_view(products)
    kernels = weight.reshape(o, c)

    def share(some: slice) -> None:
        np.matmul(rows[some], kernels, out=target[some])

    run(share, _shares(rows.shape[0]))
    if whole == products.shape[:2]:
        dx = products
    else:
        dx = np.zeros((*whole, *products.shape[2:]), grad.dtype)
        dx[: (g.shape[0] - 1) * sh + 1 : sh, : (g.shape[1] - 1) * sw + 1 : sw] = products
    return face(dx[top : top + sizes[0], left : left + sizes[1]])


def weight_grad(grad: Array, x: Array, shape: tuple[int, ...], geometry: Geometry) -> Array:
    """The gradient for the weight: gradientᵀ · pixels."""
    o, c = shape[:2]
    rows, g = rows_view(_seen(x, geometry)), rows_view(spatial_first(grad))
    shares = _shares(rows.shape[0])
    parts = np.zeros((max(len(shares), 1), o, c), x.dtype)

    def share(k: int) -> None:
        np.matmul(g[shares[k]].T, rows[shares[k]], out=parts[k])

    run(share, range(len(shares)))
    return parts.sum(axis=0).reshape(shape)
