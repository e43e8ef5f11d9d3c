"""Which kernel computes a convolution, and why: asked for each of its three products by their own shapes.

The choice depends on shapes and dtype alone, so it is the same from run to run.
"""

from __future__ import annotations

import math
import os
from functools import lru_cache
from typing import NamedTuple

from minicnn.backend.base import Ints, Pads, output_size

NARROW = 12  # input channels below which the rows of im2col have runs too short to copy
FEWEST = 3  # output channels below which Winograd's transforms cost more than its products save
LEAST = 1024  # pixels of the batch below which transforming the kernels does
GROUPED = 8  # channels of a group from which it is worth a convolution of its own
SINGLE = 2  # images up to which kernels are not worth rearranging, if they have no more pixels than LEAST,
MANY = 4096  # or, with few channels, than this
MUCH = 2**14  # kernels from which Winograd's are worth slices
TINY = 4  # pixels along a side up to which much of the windows lies outside the image


class Plan(NamedTuple):
    """A choice of kernel, and what it costs.

    Attributes:
        algorithm: the kernel's name, which is that of its file in `minicnn/backend/numpy/`; "groups" where each group
            is a convolution of its own, "base" for the plain kernel of `minicnn/backend/base.py`.
        why: the reason, in words.
        multiplications: of the forward pass, transforms included.
        direct: those of the sum that defines it.
        bytes: of input, weight and output together.
        scratch: bytes of working memory beside them, of all threads.
    """

    algorithm: str
    why: str
    multiplications: int
    direct: int
    bytes: int
    scratch: int

    def __str__(self) -> str:
        share = self.multiplications / max(self.direct, 1)
        return (
            f"{self.algorithm}: {self.why}\n"
            f"  {self.multiplications:,} multiplications, {share:.2f} of the direct sum's {self.direct:,}\n"
            f"  {self.bytes / 2**20:.1f} MiB of input, weight and output; {self.scratch / 2**20:.1f} MiB of scratch"
        )


class _Switch:
    """Whether Winograd's convolution may be chosen: `minicnn.backend.set_winograd`."""

    winograd = os.environ.get("MINICNN_WINOGRAD", "1") != "0"


switch = _Switch()


def choose(
    x_shape: Ints,
    weight_shape: Ints,
    dtype: str,
    stride: Ints,
    padding: Pads,
    dilation: Ints,
    groups: int,
    for_weight: bool = False,
) -> tuple[str, str]:
    """Return the kernel for a convolution of these shapes, or for its weight's gradient, and the reason."""
    inside = not any(map(any, padding))
    return _choose(x_shape, weight_shape, dtype, stride, inside, dilation, groups, switch.winograd, for_weight)


@lru_cache(maxsize=4096)
def _choose(
    x_shape: Ints,
    weight_shape: Ints,
    dtype: str,
    stride: Ints,
    inside: bool,
    dilation: Ints,
    groups: int,
    winograd: bool,
    for_weight: bool,
) -> tuple[str, str]:
    n, c, *sizes = x_shape
    o, _, *kernel = weight_shape
    if len(kernel) == 2 and groups == c == o > 1 and n > 0:
        return "depthwise", "a kernel a channel: one elementwise pass a kernel offset"
    if len(kernel) > 2 or 0 in x_shape or 0 in weight_shape:
        return "base", "three spatial dims, or nothing to do: the plain kernel"
    if groups > 1:
        few = c // groups < GROUPED
        return ("base", "groups of few channels: the plain kernel") if few else ("groups", "each group by itself")
    pixels = n * math.prod(sizes)
    if n <= SINGLE and pixels <= (MANY if c < NARROW else LEAST):
        if c >= NARROW >= o and dilation[0] == 1 and any(k > 1 for k in kernel):
            return "narrow", f"{o} output channels of few pixels: columns that are views along one dim"
        return "columns", "few pixels: columns that meet the kernels as they lie"
    if all(k == 1 for k in kernel):
        return "pointwise", "a window is one pixel: a product of pixels and channels"
    if kernel == sizes and inside and set(dilation) == {1}:
        return "whole", "a kernel as large as the image: a linear layer"
    largest = 7 if 1 in kernel else 5
    plain = max(kernel) <= largest and len(kernel) == 2 and set(stride) == set(dilation) == {1}
    if plain and dtype == "f" and winograd and c >= NARROW and o >= FEWEST:
        if _wide(x_shape, weight_shape, inside, 1.6 if for_weight else 1.25):
            return "winograd_wide", "stride 1, float32, many channels and few tiles: a fraction of the multiplications"
        enough = max(LEAST, c * o // (64 if for_weight else 256))  # or the kernels' transforms cost too much
        if pixels >= enough:
            return "winograd", "stride 1, float32, enough channels and pixels: a fraction of the multiplications"
    if max(sizes) <= TINY and c >= NARROW:
        return "offsets", "a tiny image: a product for each kernel offset skips the padding"
    if c < NARROW and dilation[0] == 1:
        return "narrow", f"{c} input channels: columns of im2col, in runs of pixels and images"
    return "rows", "rows of im2col, in blocks that fit the cache"


def _wide(x_shape: Ints, weight_shape: Ints, inside: bool, gain: float) -> bool:
    """Whether kernels outweigh tiles, and the direct products Winograd's, with its transforms, ``gain`` times.

    Padding is taken to keep the image's size, where there is any.
    """
    from minicnn.backend.numpy.winograd import ways

    (n, c, *sizes), (o, _, *kernel) = x_shape, weight_shape
    way = ways((kernel[0], kernel[1]))
    out = sizes if not inside else [s - k + 1 for s, k in zip(sizes, kernel, strict=True)]
    tiles = n * -(-out[0] // way.rows.tile) * -(-out[1] // way.columns.tile)
    within = [s * k - (0 if inside else k * k // 4) for s, k in zip(out, kernel, strict=True)]  # not in the padding
    cost = way.places * (tiles + 2 * math.prod(kernel))
    return c * o >= MUCH and 2 * c * o >= 3 * tiles * (c + o) and n * math.prod(within) >= gain * cost


def plan(
    x_shape: Ints,
    weight_shape: Ints,
    dtype: str,
    stride: Ints,
    padding: Pads,
    dilation: Ints,
    groups: int,
    threads: int,
) -> Plan:
    """Return the kernel for a convolution, and what it costs."""
    from minicnn.backend.numpy import depthwise, rows, winograd, winograd_wide

    n, c, *sizes = x_shape
    o, c_group, *kernel = weight_shape
    out = [output_size(*args) for args in zip(sizes, kernel, stride, padding, dilation, strict=True)]
    item = 4 if dtype == "f" else 8
    algorithm, why = choose(x_shape, weight_shape, dtype, stride, padding, dilation, groups)
    if len(kernel) == 1 and algorithm not in ("base", "groups"):  # computed as two dims, of which one is a single pixel
        x_shape, weight_shape = (n, c, 1, *sizes), (o, c_group, 1, *kernel)
        stride, padding, dilation = (1, *stride), ((0, 0), *padding), (1, *dilation)
        return plan(x_shape, weight_shape, dtype, stride, padding, dilation, groups, threads)
    depth = c_group * math.prod(kernel)
    direct = products = n * o * math.prod(out) * depth
    padded = n * c * math.prod(s + low + high for s, (low, high) in zip(sizes, padding, strict=True))
    copied = padded if any(map(any, padding)) else 0
    if algorithm.startswith("winograd"):
        way = winograd.ways((kernel[0], kernel[1]))
        tiles = winograd.Tiles(way, (out[0], out[1]), n, c + o)
        count, block = n * tiles.rows * tiles.columns, tiles.images * tiles.columns
        high, wide = way.rows.tile, way.columns.tile
        places, p, q = way.places, way.rows.patch, way.columns.patch
        transforms = (p + q) * places * c + high * (places + q * wide) * o
        products = count * (places * c * o + transforms) + places * depth * o
        if algorithm == "winograd":
            scratch = places * c * o + threads * block * 5 * places * (c + o) // 3  # kernels; tiles, whole and halfway
        else:
            scratch = places * (3 * count * c + threads * winograd_wide.WIDTH * (c + 3 * count))
    elif algorithm == "pointwise":
        scratch = copied
    elif algorithm == "columns":
        scratch = copied + n * math.prod(out) * depth
    elif algorithm == "narrow":
        high = (out[0] - 1) * stride[0] + kernel[0] if len(out) > 1 else 1
        scratch = high * c * kernel[-1] * out[-1] * n
    elif algorithm == "whole":
        scratch = n * depth + o * depth
    elif algorithm == "offsets":
        scratch = o * depth + n * o * math.prod(out)
    elif algorithm == "depthwise":
        scratch = threads * depthwise.BLOCK + n * depth * c
    elif algorithm == "base":
        scratch = copied + n * math.prod(out) * depth * groups
    else:
        scratch = copied + threads * max(rows.CACHE // item, n * depth)
    whole = math.prod(x_shape) + math.prod(weight_shape) + n * o * math.prod(out)
    return Plan(algorithm, why, products, direct, item * whole, item * scratch)
