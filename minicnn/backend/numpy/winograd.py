"""Winograd's convolution F(m×m, r×r) with m + r = 7: a 3×3 kernel of stride 1 in a quarter of the multiplications.

Along a dim in which the kernel is one pixel, nothing is transformed; so one-dimensional kernels go this way, too, with
m + r = 9: there is room for the error of a second dim.

An output tile of m numbers needs an input tile of six. In one dim, y = Aᵀ [(G w) ⊙ (Bᵀ d)]; in two, with V = Bᵀ d B and
U = G w Gᵀ,

    y = Aᵀ (Σ_c U ⊙ V) A

so what is summed over channels is 36 independent matrix products, one a place in the tile: (tiles, C) · (C, O). The
matrices come from the points 0, ±1, ±2 and ∞, in one dim ±1/2 too, at which polynomials are multiplied; so Bᵀ is the
same for kernels of 2, 3, 4 and 5, with tiles of 5, 4, 3 and 2 outputs.
Source: Lavin and Gray, "Fast Algorithms for Convolutional Networks" (2016), section 4.3.

Memory is spatial-first, (H, W, N, C). So a column of six pixels, over images and channels, is a matrix of six long
rows, wherever it lies: the transforms are products of a 6×6 matrix with such views, read from the image and written to
the image without a copy between. A block of tiles, all of one row of some images, stays in a core's cache from its
first product to its last.

The products are kept small on purpose, to `product.SMALL` multiplications: OpenBLAS then neither packs its operands
nor takes a lock, and runs a quarter faster; so kernels lie in slices of 64 output channels, (36, O/64, C, 64).

The error is about 1e-5 of the largest value in float32, ten times that of a sum of products; float64 never comes here.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from minicnn.backend.base import Ints, Pads
from minicnn.backend.numpy.layout import face, spatial_first, strided
from minicnn.backend.numpy.memory import scratch
from minicnn.backend.numpy.product import parts_of
from minicnn.backend.threads import First, get_num_threads, run, share_out

Array = Any
PATCH, LONG = 6, 8  # inputs of a tile along a dim: of two, and of one alone, where the error of the other is missing
CACHE = 2**21  # bytes of a block's tiles and products: of the order of a core's second-level cache
FEW, MANY = 64, 1024  # tiles of a block
COPIED = 2**17  # numbers of kernels up to which one thread, and a copy in the order they are read, is quickest

POINTS = {6: (0, 1, -1, 2, -2), 8: (0, 1, -1, 2, -2, 0.5, -0.5)}  # by the size of a patch; and infinity


class _Along(NamedTuple):
    """The transforms along a dim: p inputs and m outputs a tile; Bᵀ (p×p), Aᵀ (m×p), A, and G (p×r). p = 6, 8 or 1."""

    patch: int
    tile: int
    inputs: Array
    outputs: Array
    gradients: Array
    kernels: Array


@functools.cache
def _along(size: int, patch: int) -> _Along:
    if size == 1:
        one = np.ones((1, 1), "f")
        return _Along(1, 1, one, one, one, one)
    m, points = patch + 1 - size, POINTS[patch]
    others = [[a for a in points if a != p] for p in points]
    inputs = np.zeros((patch, patch))  # a row a point: the coefficients of Π (x − another), from the lowest
    inputs[:-1, :-1] = [np.poly(roots)[::-1] for roots in others]
    inputs[-1] = np.poly(points)[::-1]
    a = np.array([[p**i for p in points] + [i == m - 1] for i in range(m)], "f")
    g = np.eye(patch, size, size - patch)  # at infinity: the last coefficient
    g[:-1] = [
        [p**j / np.prod([p - a for a in roots]) for j in range(size)] for p, roots in zip(points, others, strict=True)
    ]
    return _Along(patch, m, inputs.astype("f"), a, np.ascontiguousarray(a.T), g)


class _Ways(NamedTuple):
    """The transforms of a kernel, along both dims, and G ⊗ G (36 × KH·KW) of the kernel itself; 36 places, or 8."""

    places: int
    rows: _Along
    columns: _Along
    kernels: Array


@functools.cache
def ways(kernel: Ints) -> _Ways:
    """Return the transforms for a kernel of this size."""
    patch = LONG if 1 in kernel else PATCH
    rows, columns = _along(kernel[0], patch), _along(kernel[1], patch)
    return _Ways(rows.patch * columns.patch, rows, columns, np.kron(rows.kernels, columns.kernels).astype("f"))


class Tiles:
    """How an output is cut into tiles, and those into blocks: one row of tiles of some images."""

    def __init__(self, way: _Ways, out: tuple[int, int], n: int, channels: int) -> None:
        self.n = n
        self.rows, self.columns = -(-out[0] // way.rows.tile), -(-out[1] // way.columns.tile)
        # A block's tiles, before and after the products, should lie in a core's cache; there are some blocks a thread.
        most = min(max(CACHE // (4 * way.places * channels), FEW), MANY) // self.columns
        parts = max(-(-n // max(most, 1)), -(-2 * get_num_threads() // self.rows))
        self.images = -(-n // min(parts, n))

    def blocks(self) -> list[tuple[int, slice]]:
        """Return the blocks: the row of tiles, the images."""
        return [
            (row, slice(b, min(b + self.images, self.n)))
            for b in range(0, self.n, self.images)
            for row in range(self.rows)
        ]


def _width(channels: int) -> int:
    """Return how many output channels a product takes at a time: a divisor."""
    return next((width for width in (64, 48, 32) if channels % width == 0), channels)


class _Reader:
    """A thread's way from the tiles of an image to Bᵀ d B, or from those of a gradient to A d Aᵀ."""

    def __init__(self, kind: str, way: _Ways, x: Array, tiles: Tiles, images: int, before: tuple[int, int]) -> None:
        self.rows, self.columns = getattr(way.rows, kind), getattr(way.columns, kind)
        self.x, self.step, self.top = x, way.rows.tile, before[0]
        step, size = way.columns.tile, self.columns.shape[1]
        channels, columns, left = x.shape[-1], tiles.columns, before[1]
        high, wide = way.rows.patch, way.columns.patch
        half = scratch(kind + " half", (high, step * columns + size - step, images * channels), x.dtype)
        half[:, :left] = half[:, left + x.shape[1] :] = 0
        self.inner = half[:, left : left + x.shape[1]].transpose(1, 0, 2)  # (W, 6, images · C)
        self.copied = self.inner[:, 0].reshape(-1, images, channels)  # of a single row
        s = half.strides
        self.read = strided(half, (high, columns, size, images * channels), (s[0], step * s[1], s[1], s[2]))
        whole = scratch(kind, (high, wide, columns, images * channels), x.dtype)
        self.write = whole.transpose(0, 2, 1, 3)  # (6, columns, 6, images · C)
        self.tiles = whole.reshape(way.places, columns * images, channels)

    def __call__(self, row: int, images: slice) -> Array:
        """Return the transformed tiles of a block, (36, tiles, C)."""
        start = row * self.step - self.top
        low, high = max(start, 0), min(start + self.rows.shape[1], self.x.shape[0])
        if low >= high:
            self.tiles[...] = 0
            return self.tiles
        if self.rows.size == 1:
            np.copyto(self.copied, self.x[low, :, images])
        else:
            part = self.x[low:high, :, images].reshape(high - low, self.x.shape[1], -1)
            np.matmul(self.rows[:, low - start : high - start], part.transpose(1, 0, 2), out=self.inner)
        np.matmul(self.columns, self.read, out=self.write)
        return self.tiles


class _Writer:
    """A thread's way from the products of a block of tiles to the output, Aᵀ m A."""

    def __init__(self, way: _Ways, y: Array, bias: Array | None, tiles: Tiles, images: int) -> None:
        self.y, self.way = y, way
        channels = y.shape[-1]
        self.products = scratch("products", (way.places, tiles.columns * images, channels), y.dtype)
        self.read = self.products.reshape(way.rows.patch, -1, images * channels).transpose(
            1, 0, 2
        )  # (6 · columns, 6, …)
        self.half = scratch("half", (way.rows.tile, way.columns.patch, tiles.columns, images * channels), y.dtype)
        self.full, self.rest = divmod(y.shape[1], way.columns.tile)
        self.bias = None if bias is None else np.tile(bias, images)

    def __call__(self, row: int, images: slice) -> None:
        """Write the block."""
        rows, columns = self.way.rows, self.way.columns
        top = row * rows.tile
        high = min(rows.tile, self.y.shape[0] - top)
        if rows.patch == 1:
            half = self.products.reshape(self.half.shape)
        else:
            half = self.half[:high]
            np.matmul(rows.outputs[:high], self.read, out=half.reshape(high, *self.read.shape[::2]).transpose(1, 0, 2))
        target = self.y[top : top + high, :, images]
        target = target.reshape(high, target.shape[1], -1)  # a view: images · C lies together
        half = half.transpose(0, 2, 1, 3)  # (high, columns, 6, images · C)
        inside = self.full * columns.tile
        if self.full:
            whole = target[:, :inside].reshape(high, self.full, columns.tile, -1)
            np.matmul(columns.outputs, half[:, : self.full], out=whole)
        if self.rest:
            np.matmul(columns.outputs[: self.rest], half[:, self.full], out=target[:, inside:])
        if self.bias is not None:
            np.add(target, self.bias, out=target)


def _kernels(matrix: Array, weight: Array, width: int, turned: bool, few: bool) -> Array:
    """G w Gᵀ: (O, C, KH, KW) -> (36, O / width, C, width); of kernels turned round, C and O exchanged, if so wanted.

    Small products again: for each slice and each input channel, (36, K) · (K, width).
    """
    source = weight.reshape(*weight.shape[:2], -1).transpose(1, 2, 0)  # (C, K, O)
    if turned:
        matrix, source = np.ascontiguousarray(matrix[:, ::-1]), source.transpose(2, 1, 0)
    c, k, o = source.shape
    if few:
        source = np.ascontiguousarray(source)
    source = source.reshape(c, k, o // width, width).transpose(2, 0, 1, 3)
    u = scratch("kernels", (matrix.shape[0], o // width, c, width), weight.dtype)  # warm from the layer before
    target = u.transpose(1, 2, 0, 3)
    if few:
        np.matmul(matrix, source, out=target)
        return u
    size = -(-c // 8)

    def part(where: tuple[int, int]) -> None:
        k, some = where[0], slice(where[1], where[1] + size)
        np.matmul(matrix, source[k, some], out=target[k, some])

    run(part, itertools.product(range(o // width), range(0, c, size)))
    return u


def _moved(x: Array, kernel: Ints) -> Array:
    """(N, C, H, W) -> (H, W, N, C); in any memory order where rows are copied anyway."""
    return x.transpose(2, 3, 0, 1) if kernel[0] == 1 else spatial_first(x)


def _convolve(x: Array, weight: Array, bias: Array | None, padding: Pads, turned: bool = False) -> Array:
    """(H, W, N, C) and (O, C, KH, KW) -> (OH, OW, N, O); with kernels turned round, if so wanted."""
    way, (kh, kw) = ways(weight.shape[2:]), weight.shape[2:]
    c, o = x.shape[-1], weight.shape[1] if turned else weight.shape[0]
    (top, bottom), (left, right) = padding
    h, w, n = x.shape[:3]
    out = (h + top + bottom + 1 - kh, w + left + right + 1 - kw)
    y = np.empty((*out, n, o), x.dtype)
    tiles = Tiles(way, out, n, c + o)
    width = _width(o)
    few = weight.size <= COPIED  # one thread transforms, while the others wake and read; else all do
    u = First(lambda: _kernels(way.kernels, weight, width, turned, few))
    if not few:
        u.make()

    def take(rest: Iterator[tuple[int, slice]]) -> None:
        images = 0
        for row, some in rest:
            if some.stop - some.start != images:  # the first block, or the last, of fewer images
                images = some.stop - some.start
                read = _Reader("inputs", way, x, tiles, images, (top, left))
                write = _Writer(way, y, bias, tiles, images)
                cut = (way.places, parts_of(read.tiles.shape[1], c * width), 1, -1)
                products = write.products.reshape(*cut[:2], -1, o // width, width).swapaxes(2, 3)
            v = read(row, some).reshape(*cut, c)
            np.matmul(v, u.value()[:, None], out=products)  # (36, parts, O / width, tiles, width)
            write(row, some)

    share_out(take, tiles.blocks(), u if few else None)
    return y


def conv(x: Array, weight: Array, bias: Array | None, padding: Pads) -> Array:
    """x ⋆ weight: (N, C, H, W) and (O, C, KH, KW) -> (N, O, OH, OW)."""
    return face(_convolve(_moved(x, weight.shape[2:]), weight, bias, padding))


def input_grad(grad: Array, weight: Array, sizes: tuple[int, ...], padding: Pads) -> Array:
    """The gradient for x: a convolution of the output's gradient with the kernels turned round."""
    kernel = weight.shape[2:]
    return face(_convolve(_moved(grad, kernel), weight, None, around(kernel, padding), turned=True))


def around(kernel: Ints, padding: Pads) -> Pads:
    """Return the padding with which the output's gradient meets the kernels turned round."""
    return tuple((k - 1 - low, k - 1 - high) for k, (low, high) in zip(kernel, padding, strict=True))


def weight_grad(grad: Array, x: Array, shape: Ints, padding: Pads) -> Array:
    """The gradient for the weight: (N, O, OH, OW) and (N, C, H, W) -> (O, C, KH, KW).

    dU = Σ_tiles V ⊗ (A dy Aᵀ), one product a place: (C, tiles) · (tiles, O); and dw = Gᵀ dU G. Each thread has a
    share of the blocks that is its own, and a sum, so that the result is the same from run to run.
    """
    g, x = _moved(grad, shape[2:]), _moved(x, shape[2:])
    (o, c), n, way = shape[:2], g.shape[2], ways(tuple(shape[2:]))
    tiles = Tiles(way, g.shape[:2], n, c + o)
    width = _width(o)
    blocks = tiles.blocks()
    count = min(get_num_threads(), len(blocks))
    parts = parts_of(c, tiles.columns * tiles.images * width)
    sums = scratch("sums", (count, way.places, o // width, parts, c // parts, width), x.dtype)
    step = min(max(CACHE // (4 * c * o), 1), way.places)  # places whose products stay in the cache until they are added

    def share(k: int) -> None:
        mine, images = sums[k], 0
        product = scratch("products", (step, *mine.shape[1:]), x.dtype)
        for i, (row, some) in enumerate(blocks[k::count]):
            if some.stop - some.start != images:
                images = some.stop - some.start
                read_x = _Reader("inputs", way, x, tiles, images, (padding[0][0], padding[1][0]))
                read_g = _Reader("gradients", way, g, tiles, images, (0, 0))
                left = read_x.tiles.reshape(way.places, 1, -1, parts, c // parts).transpose(0, 1, 3, 4, 2)
                right = read_g.tiles.reshape(way.places, -1, o // width, 1, width).transpose(0, 2, 3, 1, 4)
            read_x(row, some)
            read_g(row, some)
            if i == 0:
                np.matmul(left, right, out=mine)
                continue
            for p in range(0, way.places, step):
                part = product[: min(step, way.places - p)]
                np.matmul(left[p : p + step], right[p : p + step], out=part)
                mine[p : p + step] += part

    run(share, range(count))
    du = sums[0]
    for other in sums[1:]:
        du += other
    du = du.reshape(way.places, o // width, c, width)
    dw = np.empty(shape, x.dtype)
    target = dw.reshape(o // width, width, c, -1).transpose(0, 2, 1, 3)  # (O / width, C, width, K)
    run(lambda k: np.matmul(du[:, k].transpose(1, 2, 0), way.kernels, out=target[k]), range(o // width))
    return dw
