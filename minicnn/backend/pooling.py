"""Pooling in plain ``xp``, for NumPy and CuPy alike: one pass a kernel offset, over all windows at once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

Array = Any
Ints = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]


class Pooling:
    """The part of `minicnn.backend.base.Backend` that pools."""

    xp: Any
    pad: Callable[..., Array]
    may_hold: Callable[[Array], bool]
    empty_map: Callable[[Ints, Any], Array]
    offset_slices: Callable[[Ints, Ints, Ints, Ints], Iterator[tuple[slice, ...]]]

    def max_pool(
        self, x: Array, kernel: Ints, stride: Ints, padding: Pads, dilation: Ints, out: Ints
    ) -> tuple[Array, Array]:
        """Return each window's maximum, (N, C, *S) -> (N, C, *P), and the offset in the window of the first one.

        As in PyTorch, NaN wins, the last of them, and a window of −∞ alone names its first element inside the image.
        """
        xp = self.xp
        padded = self.pad(x, padding, -float("inf"))
        best: Any = None
        index: Any = None
        for k, where in enumerate(self.offset_slices(out, kernel, stride, dilation)):
            part = padded[(..., *where)]
            if best is None:
                best = part.copy(order="K")
                index = xp.zeros_like(best, dtype="uint8" if math.prod(kernel) <= 256 else "int32")
                if any(low for low, _ in padding):
                    index[...] = self._first_inside(out, kernel, stride, padding, dilation)
            else:
                # k grows, so the larger of two offsets is the newer one; xp.where would branch at each element.
                index = xp.maximum(index, (part > best).astype(index.dtype) * k)
                xp.maximum(best, part, out=best)
        if self.may_hold(best != best):
            for k, where in enumerate(self.offset_slices(out, kernel, stride, dilation)):
                part = padded[(..., *where)]
                index = xp.where(part != part, k, index)
        return best, index

    def max_pool_values(self, x: Array, kernel: Ints, stride: Ints, padding: Pads, dilation: Ints, out: Ints) -> Array:
        """Return each window's maximum alone, where no gradient is wanted."""
        return self.max_pool(x, kernel, stride, padding, dilation, out)[0]

    def _first_inside(self, out: Ints, kernel: Ints, stride: Ints, padding: Pads, dilation: Ints) -> Any:
        """Return each window's first offset that is not padding before the image: (*P)."""
        xp, first = self.xp, None
        for n, k, s, (low, _), d in zip(out, kernel, stride, padding, dilation, strict=True):
            along = xp.clip((low - xp.arange(n) * s + d - 1) // d, 0, k - 1)  # ⌈(p − i · s) / d⌉
            first = along if first is None else first[..., None] * k + along
        return first

    def max_pool_grad(
        self, grad: Array, index: Array, sizes: Ints, kernel: Ints, stride: Ints, padding: Pads, dilation: Ints
    ) -> Array:
        """Return the gradient for x: each window's goes to its first maximum; (N, C, *P) -> (N, C, *S)."""
        parts = (grad * (index == k) for k in range(math.prod(kernel)))
        return self._add_windows(parts, sizes, grad.shape[2:], kernel, stride, padding, dilation)

    def sum_pool(self, x: Array, kernel: Ints, stride: Ints, padding: Pads, out: Ints) -> Array:
        """Return each window's sum, zeros around: (N, C, *S) -> (N, C, *P)."""
        if _is_whole(x.shape[2:], kernel, padding):
            for dim in range(x.ndim - 1, 1, -1):  # one after another: a long sum in float32 loses digits
                x = x.sum(axis=dim, keepdims=True)
            return x
        padded = self.pad(x, padding)
        total = None
        for where in self.offset_slices(out, kernel, stride, (1,) * len(kernel)):
            part = padded[(..., *where)]
            if total is None:
                total = part.copy(order="K")
            else:
                total += part
        return total

    def sum_pool_grad(self, grad: Array, sizes: Ints, kernel: Ints, stride: Ints, padding: Pads) -> Array:
        """Return the gradient for x: each window's goes to all its elements; (N, C, *P) -> (N, C, *S)."""
        if _is_whole(sizes, kernel, padding):
            dx = self.empty_map((*grad.shape[:2], *sizes), grad.dtype)
            dx[...] = grad
            return dx
        parts = itertools.repeat(grad, math.prod(kernel))
        return self._add_windows(parts, sizes, grad.shape[2:], kernel, stride, padding, (1,) * len(kernel))

    def _add_windows(
        self, parts: Any, sizes: Ints, out: Ints, kernel: Ints, stride: Ints, padding: Pads, dilation: Ints
    ) -> Array:
        """Add one (N, C, *P) part a kernel offset where its windows read from, which may overlap: -> (N, C, *S).

        One shifted add an offset has the same order every time, where a scatter of atomics has none.
        """
        grown = tuple(low + size + high for (low, high), size in zip(padding, sizes, strict=True))
        total: Any = None
        for part, where in zip(parts, self.offset_slices(out, kernel, stride, dilation), strict=True):
            if total is None:
                total = self.empty_map((*part.shape[:2], *grown), part.dtype)
                total[...] = 0
            total[(..., *where)] += part
        return total[(..., *(slice(low, low + size) for (low, _), size in zip(padding, sizes, strict=True)))]


def _is_whole(sizes: Any, kernel: Ints, padding: Pads) -> bool:
    """Whether one window is the whole image."""
    return tuple(sizes) == kernel and not any(low or high for low, high in padding)
