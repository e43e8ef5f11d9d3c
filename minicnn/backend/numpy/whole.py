"""Convolution with a kernel as large as the image: every pixel has one weight, as in a linear layer.

Memory is spatial-first, so a pixel of all images and channels is a matrix, (N, C), and so is its kernel, (O, C).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.backend.numpy.layout import face, spatial_first
from minicnn.backend.numpy.product import matmul
from minicnn.backend.numpy.rows import Geometry
from minicnn.backend.threads import get_num_threads, run

Array = Any


def _by_pixel(weight: Array) -> Array:
    """(O, C, H, W) -> (H · W · C, O), the order of the pixels in `_flat`."""
    return weight.transpose(2, 3, 1, 0).reshape(-1, weight.shape[0])


def _flat(x: Array) -> Array:
    """(N, C, H, W) -> (N, H · W · C)."""
    return spatial_first(x).transpose(2, 0, 1, 3).reshape(x.shape[0], -1)


def conv(x: Array, weight: Array, bias: Array | None, geometry: Geometry) -> Array:
    """x ⋆ weight: (N, C, H, W) and (O, C, H, W) -> (N, O, 1, 1)."""
    y = matmul(_flat(x), _by_pixel(weight))
    if bias is not None:
        y += bias
    return y[:, :, None, None]


def input_grad(grad: Array, weight: Array, sizes: tuple[int, ...], geometry: Geometry) -> Array:
    """The gradient for x: each pixel's is gradient · its kernel."""
    (n, o), c = grad.shape[:2], weight.shape[1]
    g = np.ascontiguousarray(grad.reshape(n, o))
    kernels = np.ascontiguousarray(weight.transpose(2, 3, 0, 1)).reshape(-1, o, c)
    dx = np.empty((*sizes, n, c), grad.dtype)
    pixels = dx.reshape(-1, n, c)
    size = -(-len(pixels) // get_num_threads())

    def some(start: int) -> None:
        np.matmul(g, kernels[start : start + size], out=pixels[start : start + size])

    run(some, range(0, len(pixels), size))
    return face(dx)


def weight_grad(grad: Array, x: Array, shape: tuple[int, ...], geometry: Geometry) -> Array:
    """The gradient for the weight: gradientᵀ · pixels."""
    o, c, *sizes = shape
    dw = matmul(grad.reshape(grad.shape[:2]).T, _flat(x))  # (O, H · W · C)
    return np.ascontiguousarray(dw.reshape(o, *sizes, c).transpose(0, 3, 1, 2))
