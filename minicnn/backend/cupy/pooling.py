"""Pooling on the GPU: the kernels of pool.cu."""

from __future__ import annotations

import math
from typing import Any

from minicnn.backend.base import Array, Ints, Pads
from minicnn.backend.cupy.launch import LIMIT, Launching, windows


class Pooling(Launching):
    """Max and sum pooling, forward and backward."""

    def max_pool(
        self, x: Array, kernel: Ints, stride: Ints, padding: Pads, dilation: Ints, out: Ints
    ) -> tuple[Array, Array]:
        if not self._fits(x, kernel, out):
            return super().max_pool(x, kernel, stride, padding, dilation, out)
        few = math.prod(kernel) <= 256
        y = self.xp.empty((*x.shape[:2], *out), dtype=x.dtype)
        index = self.xp.empty(y.shape, dtype="uint8" if few else "int32")
        name = f"max_pool<{{T}}, {'unsigned char' if few else 'int'}>"
        moves = windows(tuple(x.shape[2:]), tuple(out), tuple(kernel), tuple(stride), padding, tuple(dilation))
        self.launch_flat("pool", name, x.dtype, y.size, self.ready(x), y, index, moves, x.dtype.type(-math.inf))
        return y, index

    def max_pool_grad(
        self, grad: Array, index: Array, sizes: Ints, kernel: Ints, stride: Ints, padding: Pads, dilation: Ints
    ) -> Array:
        known = {"uint8": "unsigned char", "int32": "int"}.get(str(index.dtype))
        if known is None or not self._fits(grad, kernel, sizes):
            return super().max_pool_grad(grad, index, sizes, kernel, stride, padding, dilation)
        args = self.ready(grad), self.ready(index)
        return self._spread(f"max_pool_grad<{{T}}, {known}>", args, grad, sizes, kernel, stride, padding, dilation)

    def sum_pool(self, x: Array, kernel: Ints, stride: Ints, padding: Pads, out: Ints) -> Array:
        if not self._fits(x, kernel, out):
            return super().sum_pool(x, kernel, stride, padding, out)
        y = self.xp.empty((*x.shape[:2], *out), dtype=x.dtype)
        moves = windows(tuple(x.shape[2:]), tuple(out), tuple(kernel), tuple(stride), padding, (1,) * len(kernel))
        self.launch_flat("pool", "sum_pool<{T}>", x.dtype, y.size, self.ready(x), y, moves)
        return y

    def sum_pool_grad(self, grad: Array, sizes: Ints, kernel: Ints, stride: Ints, padding: Pads) -> Array:
        if not self._fits(grad, kernel, sizes):
            return super().sum_pool_grad(grad, sizes, kernel, stride, padding)
        args = (self.ready(grad),)
        return self._spread("sum_pool_grad<{T}>", args, grad, sizes, kernel, stride, padding, (1,) * len(kernel))

    def _fits(self, x: Array, kernel: Ints, other: Ints) -> bool:
        """Whether the kernels take x, with what they make of it: (N, C, *other)."""
        return len(kernel) <= 3 and self.suits(x) and x.shape[0] * x.shape[1] * math.prod(other) < LIMIT

    def _spread(
        self, name: str, args: Any, grad: Array, sizes: Ints, kernel: Ints, stride: Ints, padding: Pads, dilation: Ints
    ) -> Array:
        dx = self.xp.empty((*grad.shape[:2], *sizes), dtype=grad.dtype)
        moves = windows(
            tuple(sizes), tuple(grad.shape[2:]), tuple(kernel), tuple(stride), tuple(padding), tuple(dilation)
        )
        self.launch_flat("pool", name, grad.dtype, dx.size, *args, dx, moves)
        return dx
