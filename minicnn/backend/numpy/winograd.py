"""Winograd's convolution F(4×4, 3×3): a 3×3 kernel, stride 1, in a quarter of the multiplications.

An output tile of 4×4 needs an input tile of 6×6. In one dim, y = Aᵀ [(G w) ⊙ (Bᵀ d)]; in two, with V = Bᵀ d B and
U = G w Gᵀ,

    y = Aᵀ (Σ_c U ⊙ V) A

so what is summed over channels is 36 independent matrix products, one a position in the tile: (tiles, C) · (C, O).
Source: Lavin and Gray, "Fast Algorithms for Convolutional Networks" (2016), section 4.3.

Memory is spatial-first, (H, W, N, C): tiles are slices, and the transforms along rows and then along columns are
products of a 6×6 matrix with a wide one. Tiles are taken in blocks that stay in a core's cache from the gathering
of the inputs to the writing of the outputs.

The error is about 1e-5 of the largest value in float32, ten times that of a sum of products; float64 never comes here.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from minicnn.backend.base import Pads
from minicnn.backend.numpy.layout import spatial_first
from minicnn.backend.numpy.memory import scratch
from minicnn.backend.threads import run

Array = Any
TILE = 4
PATCH = 6  # TILE + 3 − 1

B_T = [
    [4, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
]
G: list[list[float]] = [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
]
A_T = [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]


@functools.cache
def _matrices(dtype: str) -> tuple[Array, Array, Array]:
    return np.array(B_T, dtype), np.array(np.kron(np.array(G), np.array(G)), dtype), np.array(A_T, dtype)


class Tiles:
    """How an image is cut: th × tw tiles, and blocks of them (some rows of tiles, some images)."""

    def __init__(self, out: tuple[int, int], n: int, channels: int) -> None:
        self.n = n
        self.rows, self.columns = -(-out[0] // TILE), -(-out[1] // TILE)
        # A block's tiles before and after the products should lie in a core's cache of 1 to 2 MB.
        wanted = min(max(2**20 // (4 * PATCH * PATCH * channels), 64), 256)
        self.images = max(1, min(n, wanted // self.columns))
        self.high = max(1, min(self.rows, wanted // (self.columns * self.images)))

    def blocks(self) -> list[tuple[slice, slice]]:
        """Return the blocks: rows of tiles, images."""
        return [
            (slice(i, min(i + self.high, self.rows)), slice(b, min(b + self.images, self.n)))
            for i in range(0, self.rows, self.high)
            for b in range(0, self.n, self.images)
        ]


def _windows(x: Array, size: int, tiles: Tiles) -> Array:
    """(H, W, N, C) -> a view of all tiles of size × size, one every TILE: (size, size, rows, columns, N, C)."""
    s = x.strides
    return np.lib.stride_tricks.as_strided(
        x,
        (size, size, tiles.rows, tiles.columns, *x.shape[2:]),
        (s[0], s[1], TILE * s[0], TILE * s[1], s[2], s[3]),
    )


def _both_ways(matrix: Array, tiles: Array, out: Array) -> Array:
    """m d mᵀ of each tile d: (a, a, tiles, C) -> (b, b, tiles, C) with m of b × a."""
    b, a = matrix.shape
    rows = scratch("rows", (b, tiles.size // a), tiles.dtype)
    np.matmul(matrix, tiles.reshape(a, -1), out=rows)  # along the rows: (b, a · tiles · C)
    np.matmul(matrix, rows.reshape(b, a, -1), out=out.reshape(b, b, -1))
    return out


def _gather(windows: Array) -> Array:
    """A view of tiles, copied together: (a, a, rows, columns, N, C) -> (a, a, tiles, C)."""
    tiles = scratch("tiles", windows.shape, windows.dtype)
    np.copyto(tiles, windows)
    return tiles.reshape(*windows.shape[:2], -1, windows.shape[-1])


def conv(x: Array, weight: Array, bias: Array | None, padding: Pads) -> Array:
    """x ⋆ weight: (N, C, H, W) and (O, C, 3, 3) -> (N, O, OH, OW)."""
    o, c = weight.shape[:2]
    n = x.shape[0]
    out = tuple(size + low + high - 2 for size, (low, high) in zip(x.shape[2:], padding, strict=True))
    tiles = Tiles(out, n, c + o)
    to_tiles, kernels, to_outputs = _matrices(x.dtype.char)
    u = np.matmul(kernels, weight.transpose(2, 3, 1, 0).reshape(9, c * o)).reshape(PATCH * PATCH, c, o)
    whole = (TILE * tiles.rows, TILE * tiles.columns)
    windows = _windows(spatial_first(x, padding, (whole[0] + 2, whole[1] + 2)), PATCH, tiles)
    y = np.empty((*whole, n, o), x.dtype)
    y_tiles = y.reshape(tiles.rows, TILE, tiles.columns, TILE, n, o).transpose(1, 3, 0, 2, 4, 5)

    def block(where: tuple[slice, slice]) -> None:
        rows, images = where
        patches = _gather(windows[:, :, rows, :, images])  # (6, 6, tiles, C)
        v = _both_ways(to_tiles, patches, patches).reshape(PATCH * PATCH, -1, c)
        m = np.matmul(v, u, out=scratch("products", (PATCH * PATCH, v.shape[1], o), x.dtype))
        target = y_tiles[:, :, rows, :, images]
        done = scratch("tiles", (TILE, TILE, v.shape[1], o), x.dtype)
        _both_ways(to_outputs, m.reshape(PATCH, PATCH, -1, o), done)
        if bias is not None:
            done += bias
        target[...] = done.reshape(target.shape)

    run(block, tiles.blocks())
    return y[: out[0], : out[1]].transpose(2, 3, 0, 1)


def weight_grad(grad: Array, x: Array, padding: Pads) -> Array:
    """The gradient for the weight: (N, O, OH, OW) and (N, C, H, W) -> (O, C, 3, 3).

    dU = Σ_tiles V ⊗ (A dy Aᵀ), one product a position: (C, tiles) · (tiles, O); and dw = Gᵀ dU G.
    """
    n, o, *out = grad.shape
    c = x.shape[1]
    tiles = Tiles((out[0], out[1]), n, c + o)
    to_tiles, kernels, to_outputs = _matrices(x.dtype.char)
    whole = (TILE * tiles.rows, TILE * tiles.columns)
    x_windows = _windows(spatial_first(x, padding, (whole[0] + 2, whole[1] + 2)), PATCH, tiles)
    g_windows = _windows(spatial_first(grad, ((0, 0), (0, 0)), whole), TILE, tiles)
    back = np.ascontiguousarray(to_outputs.T)
    du = np.zeros((PATCH * PATCH, c, o), x.dtype)
    # As many tiles at a time as keep both sides of the products within a few megabytes.
    most = max(2**24 // (4 * PATCH * PATCH * (c + o)), 64)
    blocks = tiles.blocks()
    sizes = [(r.stop - r.start) * tiles.columns * (i.stop - i.start) for r, i in blocks]
    begin = 0
    while begin < len(blocks):
        end, total = begin, 0
        while end < len(blocks) and (total == 0 or total + sizes[end] <= most):
            total += sizes[end]
            end += 1
        v = np.empty((PATCH * PATCH, total, c), x.dtype)
        z = np.empty((PATCH * PATCH, total, o), x.dtype)
        starts = [sum(sizes[begin:k]) for k in range(begin, end)]

        def transform(k: int, begin: int = begin, v: Array = v, z: Array = z, starts: list[int] = starts) -> None:
            rows, images = blocks[k]
            places = slice(starts[k - begin], starts[k - begin] + sizes[k])
            patches = _gather(x_windows[:, :, rows, :, images])
            v[:, places] = _both_ways(to_tiles, patches, patches).reshape(PATCH * PATCH, -1, c)
            patches = _gather(g_windows[:, :, rows, :, images])
            larger = scratch("products", (PATCH, PATCH, sizes[k], o), x.dtype)
            z[:, places] = _both_ways(back, patches, larger).reshape(PATCH * PATCH, -1, o)

        def multiply(positions: slice, v: Array = v, z: Array = z) -> None:
            du[positions] += np.matmul(v[positions].swapaxes(1, 2), z[positions])

        run(transform, range(begin, end))
        run(multiply, [slice(p, p + 3) for p in range(0, PATCH * PATCH, 3)])
        begin = end
    dw = np.matmul(kernels.T, du.reshape(PATCH * PATCH, c * o)).reshape(3, 3, c, o)
    return np.ascontiguousarray(dw.transpose(3, 2, 0, 1))


def input_grad(grad: Array, weight: Array, sizes: tuple[int, ...], padding: Pads) -> Array:
    """The gradient for x: a convolution of the output's gradient with the kernels turned round."""
    turned = weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)  # (C, O, 3, 3)
    around = tuple((2 - low, 2 - high) for low, high in padding)
    return conv(grad, turned, None, around)
