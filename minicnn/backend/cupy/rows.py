"""Softmax, cross entropy and layer norm on the GPU: the kernels of rows.cu, where the dims they run along come last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from minicnn.backend.base import Array
from minicnn.backend.cupy.channels import BLOCKS, PARTS, Channels
from minicnn.backend.cupy.launch import THREADS

LANES = 32  # threads side by side along a row that is summed over the others: 128 bytes of float32


def team(length: int) -> int:
    """Return how many threads share a row: a power of two, with about four elements each.

    >>> [team(n) for n in (1, 10, 128, 1000, 10**6)]
    [1, 4, 32, 256, 256]
    """
    return min(THREADS, 1 << (-(-length // 4) - 1).bit_length())


class Rows(Channels):
    """What runs along the last dims."""

    def softmax(self, x: Array, dim: int) -> Array:
        return self._along("softmax", x, None, dim) if self._last(dim, x) else super().softmax(x, dim)

    def log_softmax(self, x: Array, dim: int) -> Array:
        return self._along("log_softmax", x, None, dim) if self._last(dim, x) else super().log_softmax(x, dim)

    def softmax_grad(self, grad: Array, y: Array, dim: int) -> Array:
        return self._along("softmax_grad", grad, y, dim) if self._last(dim, grad, y) else super().softmax_grad(
            grad, y, dim
        )  # fmt: skip

    def log_softmax_grad(self, grad: Array, y: Array, dim: int) -> Array:
        return self._along("log_softmax_grad", grad, y, dim) if self._last(dim, grad, y) else super().log_softmax_grad(
            grad, y, dim
        )  # fmt: skip

    def _last(self, dim: int, *arrays: Array) -> bool:
        """Whether the dim is the last one, and the kernels take the arrays."""
        return arrays[0].ndim > 0 and dim % arrays[0].ndim == arrays[0].ndim - 1 and self.suits(*arrays)

    def _along(self, name: str, a: Array, b: Array | None, dim: int) -> Array:
        out = self.xp.empty(a.shape, dtype=a.dtype)
        given = (self.ready(a), out) if b is None else (self.ready(a), self.ready(b), out)
        lowest = (a.dtype.type(-math.inf),) if b is None else ()
        self._launch_rows(name, a.dtype, a.size // a.shape[dim], a.shape[dim], given, lowest)
        return out

    def _launch_rows(
        self, name: str, dtype: Any, rows: int, length: int, args: Sequence[Any], more: Sequence[Any] = ()
    ) -> None:
        """Launch a kernel of rows with (*args, rows, length, width, *more)."""
        width = team(length)
        blocks, shared = -(-rows * width // THREADS), THREADS * dtype.itemsize
        given = *args, rows, length, width, *more
        self.launch("rows", f"{name}<{{T}}>", dtype, (blocks,), THREADS, *given, shared=shared)

    # ---- cross entropy

    def cross_entropy(
        self, x: Array, target: Array, alive: Array, weight: Array | None, smoothing: float
    ) -> tuple[Array, Array, Array]:
        if alive is None or not self.suits(x, alive, weight):
            return super().cross_entropy(x, target, alive, weight, smoothing)
        (n, c), xp, dtype = x.shape, self.xp, x.dtype
        loss, log_p, picked = (xp.empty(shape, dtype=dtype) for shape in (n, (n, c), n))
        inputs = self.ready(x), self._classes(target), self.ready(alive), self.ready(weight)
        args = *inputs, log_p, picked, loss, dtype.type(smoothing)
        self._launch_rows("cross_entropy", dtype, n, c, args, (dtype.type(-math.inf),))
        return loss, log_p, picked

    def cross_entropy_grad(
        self, grad: Array, target: Array, alive: Array, weight: Array | None, log_p: Array, picked: Array,
        smoothing: float,
    ) -> Array:  # fmt: skip
        if alive is None or not self.suits(grad, log_p, alive, weight, picked):
            return super().cross_entropy_grad(grad, target, alive, weight, log_p, picked, smoothing)
        dtype, dx = log_p.dtype, self.xp.empty(log_p.shape, dtype=log_p.dtype)
        inputs = self.ready(grad), self._classes(target), self.ready(alive), self.ready(weight)
        args = *inputs, self.ready(log_p), self.ready(picked), dx, dtype.type(smoothing), int(grad.ndim > 0)
        n, c = log_p.shape
        self._launch_rows("cross_entropy_grad", dtype, n, c, args)
        return dx

    def _classes(self, target: Array) -> Array:
        return self.ready(target.astype("int64", copy=False))

    # ---- layer norm

    def layer_norm(
        self, x: Array, weight: Array | None, bias: Array | None, dims: int, eps: float
    ) -> tuple[Array, Array, Array]:
        if not self.suits(x, weight, bias):
            return super().layer_norm(x, weight, bias, dims, eps)
        xp, dtype, length = self.xp, x.dtype, math.prod(x.shape[-dims:])
        y, normal = xp.empty(x.shape, dtype=dtype), xp.empty(x.shape, dtype=dtype)
        scale = xp.empty((*x.shape[:-dims], *(1 for _ in range(dims))), dtype=dtype)
        args = self.ready(x), self.ready(weight), self.ready(bias), y, normal, scale, dtype.type(eps)
        self._launch_rows("layer_norm", dtype, scale.size, length, args)
        return y, normal, scale

    def layer_norm_grad(
        self, grad: Array, weight: Array | None, normal: Array, scale: Array, dims: int, needs: Sequence[bool]
    ) -> list[Array | None]:
        if not self.suits(grad, weight, normal, scale):
            return super().layer_norm_grad(grad, weight, normal, scale, dims, needs)
        dtype, length, shape = grad.dtype, math.prod(grad.shape[-dims:]), grad.shape[-dims:]
        grad, normal, dx = self.ready(grad), self.ready(normal), None
        if needs[0]:
            dx = self.xp.empty(grad.shape, dtype=dtype)
            args = grad, self.ready(weight), normal, self.ready(scale), dx
            self._launch_rows("layer_norm_dx", dtype, scale.size, length, args)
        if not (needs[1] or needs[2]):
            return [dx, None, None]
        sums = self._column_sums(grad, normal if needs[1] else None, scale.size, length)
        d_bias = sums[:length].copy().reshape(shape) if needs[2] else None
        return [dx, sums[length:].copy().reshape(shape) if needs[1] else None, d_bias]

    def _column_sums(self, g: Array, x: Array | None, rows: int, length: int) -> Array:
        """Return Σ g over rows, and Σ g·x where x is given: (L,) or (2 · L,)."""
        across, kinds = -(-length // LANES), 1 if x is None else 2
        most = rows // (4 * THREADS // LANES)  # four rows or more each
        parts = max(1, min(-(-BLOCKS // across), most, PARTS))
        part = -(-rows // parts)
        parts = -(-rows // part)
        out = self.xp.empty(kinds * length, dtype=g.dtype)
        held = self.in_parts(parts, out)
        args = g, x, held, rows, length, LANES, part
        shared = 2 * THREADS * g.dtype.itemsize
        self.launch("rows", "column_sums<{T}>", g.dtype, (across, parts), THREADS, *args, shared=shared)
        return self.add_parts(held, out)
