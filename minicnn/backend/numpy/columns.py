"""Convolution of few pixels: im2col in the order of PyTorch's memory, (N, C, H, W), so that kernels are not copied.

With one image or two, rearranging the kernels costs more than the products. Windows become columns,
(C · KH · KW, OH · OW), which meet the kernels as they lie, (O, C · KH · KW).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.backend.numpy.layout import strided
from minicnn.backend.numpy.offsets import meeting, meetings
from minicnn.backend.numpy.product import parts_of
from minicnn.backend.numpy.rows import Geometry
from minicnn.backend.threads import alone, get_num_threads, run

Array = Any
SHARED, READ = 2**24, 2**22  # multiplications from which threads pay; and of kernels that no cache holds
LARGE = 2**19  # numbers of such kernels
NARROWEST = 32  # places of a product, at least


def _windows(x: Array, kernel: tuple[int, ...], out: tuple[int, int], geometry: Geometry) -> Array:
    """(N, C, H, W) -> a view of all windows, (N, C, KH, KW, OH, OW), of a padded copy if there is padding."""
    n, c, h, w = x.shape
    (top, bottom), (left, right) = geometry.padding
    if top or bottom or left or right:
        padded = np.zeros((n, c, h + top + bottom, w + left + right), x.dtype)
        padded[:, :, top : top + h, left : left + w] = x
        x = padded
    elif kernel != (1, 1) and x.strides[3] != x.itemsize:
        x = np.ascontiguousarray(x)  # once, before it is copied for each kernel element
    (sh, sw), (dh, dw) = geometry.stride, geometry.dilation
    a, b, high, wide = x.strides
    steps = (a, b, high * dh, wide * dw, high * sh, wide * sw)
    if x.flags.c_contiguous:
        return strided(x, (n, c, *kernel, *out), steps)
    return np.lib.stride_tricks.as_strided(x, (n, c, *kernel, *out), steps, writeable=False)


def _flat(windows: Array) -> Array:
    """(N, C, KH, KW, OH, OW) -> columns, (N, C · KH · KW, OH · OW); a view, if each window is a pixel."""
    n, c, kh, kw, oh, ow = windows.shape
    return windows.reshape(n, c * kh * kw, oh * ow)


def _pays(work: int, kernels: int) -> bool:
    return work >= (READ if kernels >= LARGE else SHARED)


def _shares(size: int, work: int, kernels: int) -> list[slice]:
    """Cut into one part a thread, where there is enough work."""
    count = get_num_threads() if _pays(work, kernels) else 1
    step = -(-size // count)
    return [slice(i, min(i + step, size)) for i in range(0, size, step)]


def _multiply(kernels: Array, columns: Array, target: Array) -> None:
    """(O, K) · (N, K, P) -> (N, O, P): cut, if not too narrow, into products that OpenBLAS does without packing.

    For few output channels these are twice as fast.
    """
    places = columns.shape[2]
    parts = parts_of(places, kernels.size)
    if parts == 1 or places < NARROWEST * parts:
        np.matmul(kernels, columns, out=target)
        return
    cut = (parts, places // parts)
    columns, target = (a.reshape(*a.shape[:2], *cut).swapaxes(1, 2) for a in (columns, target))
    np.matmul(kernels, columns, out=target)


def conv(x: Array, weight: Array, bias: Array | None, geometry: Geometry) -> Array:
    """x ⋆ weight: (N, C, H, W) and (O, C, KH, KW) -> (N, O, OH, OW)."""
    n, (o, _, *kernel) = x.shape[0], weight.shape
    oh, ow = geometry.out(x.shape[2:], tuple(kernel))
    windows, kernels = _windows(x, tuple(kernel), (oh, ow), geometry), weight.reshape(o, -1)
    work = n * oh * ow * kernels.size
    y = np.empty((n, o, oh * ow), x.dtype)

    def rows(some: slice) -> None:
        places = slice(some.start * ow, some.stop * ow)
        product(slice(0, o), places, _flat(windows[..., some, :]))

    def product(channels: slice, places: slice, columns: Array) -> None:
        target = y[:, channels, places]
        _multiply(kernels[channels], columns, target)
        if bias is not None:
            target += bias[channels, None]

    if not _pays(work, kernels.size):
        with alone:
            product(slice(0, o), slice(0, oh * ow), _flat(windows))
    elif oh * ow >= o:  # threads share out the larger side, so that neither reads all of it
        run(rows, _shares(oh, work, kernels.size))
    else:
        columns = _flat(windows)
        run(lambda channels: product(channels, slice(0, oh * ow), columns), _shares(o, work, kernels.size))
    return y.reshape(n, o, oh, ow)


def weight_grad(grad: Array, x: Array, shape: tuple[int, ...], geometry: Geometry) -> Array:
    """The gradient for the weight: Σ over images of gradient · columnsᵀ."""
    n, o, *out = grad.shape
    columns = _flat(_windows(x, tuple(shape[2:]), (out[0], out[1]), geometry))
    g = grad.reshape(n, o, -1)
    dw = np.empty((o, columns.shape[1]), x.dtype)

    def share(some: slice) -> None:
        np.matmul(g[0, some], columns[0].T, out=dw[some])
        for k in range(1, n):
            dw[some] += np.matmul(g[k, some], columns[k].T)

    run(share, _shares(o, g.size * columns.shape[1], dw.size))
    return dw.reshape(shape)


def input_grad(grad: Array, weight: Array, sizes: tuple[int, ...], geometry: Geometry) -> Array:
    """The gradient for x: kernelsᵀ · gradient, each row added where its windows read. Threads share out channels."""
    n, (o, c, *kernel) = grad.shape[0], weight.shape
    out = grad.shape[2:]
    g, kernels = grad.reshape(n, o, -1), weight.reshape(o, c, -1)
    dx = np.zeros((n, c, *sizes), grad.dtype)

    def share(some: slice) -> None:
        columns = np.matmul(kernels[:, some].reshape(o, -1).T, g)
        target = dx[:, some]
        if out == (1, 1):  # one window: a kernel's elements have a pixel each
            pairs = [
                meeting(-low, d, k, 0, size)
                for (low, _), d, k, size in zip(geometry.padding, geometry.dilation, kernel, sizes, strict=True)
            ]
            (high, wide), pixels = zip(*pairs, strict=True)
            target[(..., *pixels)] = columns.reshape(n, -1, *kernel)[..., high, wide]
            return
        columns = columns.reshape(n, -1, kernel[0] * kernel[1], *out)
        for k, windows, pixels in meetings(tuple(kernel), out, (0, sizes[0]), sizes[1], geometry):
            target[(..., *pixels)] += columns[(slice(None), slice(None), k, *windows)]

    run(share, _shares(c, g.size * kernels[0].size, kernels.size))
    return dx
