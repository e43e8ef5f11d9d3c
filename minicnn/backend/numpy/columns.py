"""Convolution of few pixels: im2col in the order of PyTorch's memory, (N, C, H, W), so that kernels are not copied.

With one image or two, rearranging the kernels costs more than the products. Windows become columns,
(C · KH · KW, OH · OW), which meet the kernels as they lie, (O, C · KH · KW).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.backend.numpy.offsets import meetings
from minicnn.backend.numpy.rows import Geometry
from minicnn.backend.threads import get_num_threads, run

Array = Any
SHARED = 2**22  # multiplications from which threads pay


def _columns(x: Array, kernel: tuple[int, ...], out: tuple[int, int], geometry: Geometry) -> Array:
    """(N, C, H, W) -> (N, C · KH · KW, OH · OW); a view, if each window is a pixel."""
    n, c, h, w = x.shape
    (top, bottom), (left, right) = geometry.padding
    if top or bottom or left or right:
        padded = np.zeros((n, c, h + top + bottom, w + left + right), x.dtype)
        padded[:, :, top : top + h, left : left + w] = x
        x = padded
    elif tuple(kernel) == geometry.stride == (1, 1):
        return x.reshape(n, c, h * w)
    (sh, sw), (dh, dw) = geometry.stride, geometry.dilation
    a, b, high, wide = x.strides
    windows = np.lib.stride_tricks.as_strided(
        x, (n, c, *kernel, *out), (a, b, high * dh, wide * dw, high * sh, wide * sw), writeable=False
    )
    return windows.reshape(n, c * kernel[0] * kernel[1], out[0] * out[1])


def _parts(size: int, work: int) -> list[slice]:
    """Cut into one part a thread, where there is enough work."""
    count = get_num_threads() if work >= SHARED else 1
    step = -(-size // count)
    return [slice(i, min(i + step, size)) for i in range(0, size, step)]


def conv(x: Array, weight: Array, bias: Array | None, geometry: Geometry) -> Array:
    """x ⋆ weight: (N, C, H, W) and (O, C, KH, KW) -> (N, O, OH, OW)."""
    o, _, *kernel = weight.shape
    out = geometry.out(x.shape[2:], tuple(kernel))
    columns = _columns(x, tuple(kernel), out, geometry)
    kernels = weight.reshape(o, -1)
    y = np.empty((x.shape[0], o, columns.shape[2]), x.dtype)

    def share(some: slice) -> None:
        np.matmul(kernels[some], columns, out=y[:, some])
        if bias is not None:
            y[:, some] += bias[some, None]

    run(share, _parts(o, y.size * kernels.shape[1]))
    return y.reshape(x.shape[0], o, *out)


def weight_grad(grad: Array, x: Array, shape: tuple[int, ...], geometry: Geometry) -> Array:
    """The gradient for the weight: Σ over images of gradient · columnsᵀ."""
    n, o, *out = grad.shape
    columns = _columns(x, tuple(shape[2:]), (out[0], out[1]), geometry)
    g = grad.reshape(n, o, -1)
    dw = np.empty((o, columns.shape[1]), x.dtype)

    def share(some: slice) -> None:
        np.matmul(g[0, some], columns[0].T, out=dw[some])
        for k in range(1, n):
            dw[some] += np.matmul(g[k, some], columns[k].T)

    run(share, _parts(o, g.size * columns.shape[1]))
    return dw.reshape(shape)


def input_grad(grad: Array, weight: Array, sizes: tuple[int, ...], geometry: Geometry) -> Array:
    """The gradient for x: kernelsᵀ · gradient, each row added where its windows read. Threads share out channels."""
    n, (o, c, *kernel) = grad.shape[0], weight.shape
    out = grad.shape[2:]
    g, kernels = grad.reshape(n, o, -1), weight.reshape(o, c, -1)
    dx = np.empty((n, c, *sizes), grad.dtype)

    def share(some: slice) -> None:
        columns = np.matmul(kernels[:, some].reshape(o, -1).T, g)
        columns = columns.reshape(n, -1, kernel[0] * kernel[1], *out)
        target = dx[:, some]
        target[...] = 0
        for k, windows, pixels in meetings(tuple(kernel), out, (0, sizes[0]), sizes[1], geometry):
            target[(..., *pixels)] += columns[(slice(None), slice(None), k, *windows)]

    run(share, _parts(c, g.size * kernels[0].size))
    return dx
