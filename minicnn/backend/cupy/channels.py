"""Batch norm on the GPU: the kernels of channels.cu."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from minicnn.backend.base import Array
from minicnn.backend.cupy.launch import Launching, divided

BLOCKS = 2048  # about what fills a large device: 132 multiprocessors with eight blocks each, twice
PARTS = 256  # of a channel at most; the second kernel joins them with one block a channel
EACH = 4  # packs a thread sums at least: fewer, and the joins cost more than the reading


class Split(NamedTuple):
    """How each channel's values are shared out to blocks."""

    v: int  # values in a pack
    packs: int  # in a plane
    packs_in_all: int  # in a channel
    part: int  # packs a block
    parts: int
    threads: int


def split(n: int, channels: int, places: int, v: int) -> Split:
    """Return how to share out the N·P values of each of C channels: enough blocks to fill the device, no tiny ones.

    >>> split(256, 64, 1024, 4)
    Split(v=4, packs=256, packs_in_all=65536, part=2048, parts=32, threads=256)
    >>> split(2, 512, 16, 4)
    Split(v=4, packs=4, packs_in_all=8, part=8, parts=1, threads=32)
    """
    packs = places // v
    count = n * packs
    threads = min(256, max(32, 2 ** (count // EACH).bit_length()))
    parts = max(1, min(-(-BLOCKS // channels), count // (threads * EACH), PARTS))
    part = -(-count // parts)
    return Split(v, packs, count, part, -(-count // part), threads)


class Channels(Launching):
    """Sums, moments and gradients over the channels of (N, C, *S)."""

    def channel_sums(self, x: Array) -> Array:
        if x.ndim < 2 or not self.suits(x):
            return super().channel_sums(x)
        return self._sums(self.ready(x), None, None, None)

    def channel_statistics(self, x: Array) -> tuple[Array, Array]:
        if not self.suits(x):
            return super().channel_statistics(x)
        x = self.ready(x)
        xp, c, dtype = self.xp, x.shape[1], x.dtype
        s = self._split(x)
        mean, variance = (xp.empty((s.parts, c) if s.parts > 1 else c, dtype=dtype) for _ in range(2))
        args = x, mean, variance, divided(s.packs), c, s.packs_in_all, s.part
        room = 3 * dtype.itemsize
        name = f"channel_moments<{{T}}, {s.v}>"
        self.launch("channels", name, dtype, (c, s.parts), s.threads, *args, shared=s.threads * room)
        if s.parts == 1:
            return mean, variance
        joined = xp.empty(c, dtype=dtype), xp.empty(c, dtype=dtype)
        sizes = c, np.int64(s.packs_in_all * s.v), np.int64(s.part * s.v), s.parts
        threads = _threads(s.parts)
        name, args_of_join = "channel_moments_join<{T}>", (mean, variance, *joined, *sizes)
        self.launch("channels", name, dtype, (c,), threads, *args_of_join, shared=threads * room)
        return joined

    def normalize_channels(
        self, x: Array, mean: Array, scale: Array, weight: Array | None, bias: Array | None
    ) -> Array:
        if not self.suits(x, mean, scale, weight, bias):
            return super().normalize_channels(x, mean, scale, weight, bias)
        x = self.ready(x)
        y, places = self.xp.empty(x.shape, dtype=x.dtype), math.prod(x.shape[2:])
        v = self.width(places, x, y)
        each = (self.ready(a) for a in (mean, scale, weight, bias))
        args = x, *each, y, divided(places // v), divided(x.shape[1])
        self.launch_flat("channels", f"normalize_channels<{{T}}, {v}>", x.dtype, x.size // v, *args)
        return y

    def batch_norm_grad(
        self, grad: Array, x: Array, weight: Array | None, mean: Array, scale: Array, input_needed: bool
    ) -> tuple[Array | None, Array, Array]:
        if not self.suits(grad, x, weight, mean, scale):
            return super().batch_norm_grad(grad, x, weight, mean, scale, input_needed)
        grad, x, weight, mean, scale = (self.ready(a) for a in (grad, x, weight, mean, scale))
        sums, c = self._sums(grad, x, mean, scale), x.shape[1]  # (2 · C,)
        d_weight, d_bias = sums[c:].copy(), sums[:c].copy()  # gradients are arrays of their own, no views
        if not input_needed:
            return None, d_weight, d_bias
        dx, places = self.xp.empty(x.shape, dtype=x.dtype), math.prod(x.shape[2:])
        v, count = self.width(places, grad, x, dx), x.dtype.type(x.shape[0] * places)
        args = grad, x, mean, scale, weight, sums, dx, divided(places // v), divided(x.shape[1]), count
        self.launch_flat("channels", f"batch_norm_dx<{{T}}, {v}>", x.dtype, x.size // v, *args)
        return dx, d_weight, d_bias

    def _split(self, *arrays: Array) -> Split:
        x = arrays[0]
        places = math.prod(x.shape[2:])
        return split(x.shape[0], x.shape[1], places, self.width(places, *arrays))

    def _sums(self, g: Array, x: Array | None, mean: Any, scale: Any) -> Array:
        """Return Σ g of each channel, and Σ g·x̂ where x is given: (C,) or (2 · C,)."""
        c, kinds = g.shape[1], 1 if x is None else 2
        s = self._split(g) if x is None else self._split(g, x)
        out = self.xp.empty(kinds * c, dtype=g.dtype)
        parts = self.in_parts(s.parts, out)
        args = g, x, mean, scale, parts, divided(s.packs), c, s.packs_in_all, s.part
        shared = s.threads * 2 * g.dtype.itemsize
        self.launch("channels", f"channel_sums<{{T}}, {s.v}>", g.dtype, (c, s.parts), s.threads, *args, shared=shared)
        return self.add_parts(parts, out)

    def in_parts(self, count: int, out: Array) -> Array:
        """Return where to write so many parts of what ``out`` is to hold; ``out`` itself for one."""
        return out if count == 1 else self.xp.empty((count, out.size), dtype=out.dtype)

    def add_parts(self, parts: Array, out: Array) -> Array:
        """Write the sum of the parts to ``out``, where there are several; return it."""
        if parts is not out:
            count, threads = parts.shape[0], _threads(parts.shape[0])
            shared, args = threads * out.dtype.itemsize, (parts, out, count, out.size)
            self.launch("channels", "sum_parts<{T}>", out.dtype, (out.size,), threads, *args, shared=shared)
        return out


def _threads(parts: int) -> int:
    """Return how many threads join so many parts: a power of two, from 32 to 256."""
    return min(256, max(32, 2 ** (parts - 1).bit_length()))
