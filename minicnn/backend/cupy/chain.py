"""Joined elementwise chains on the GPU: the kernels of chain.cu."""

from __future__ import annotations

from typing import Any

from minicnn.backend.base import Array
from minicnn.backend.cupy.launch import Launching


class Chains(Launching):
    """Sigmoid, dropout, and the gradients of activations, each in one pass."""

    def sigmoid(self, x: Array) -> Array:
        return self._chain("single", "Sigmoid", x) if self.suits(x) else super().sigmoid(x)

    def sigmoid_grad(self, y: Array, grad: Array) -> Array:
        return self._chain("couple", "SigmoidGrad", y, grad) if self._alike(y, grad) else super().sigmoid_grad(y, grad)

    def tanh_grad(self, y: Array, grad: Array) -> Array:
        return self._chain("couple", "TanhGrad", y, grad) if self._alike(y, grad) else super().tanh_grad(y, grad)

    def relu_grad(self, y: Array, grad: Array) -> Array:
        return self._chain("couple", "ReluGrad", y, grad) if self._alike(y, grad) else super().relu_grad(y, grad)

    def dropout(self, x: Array, mask: Array, scale: float) -> Array:
        if not self.suits(x) or mask.shape != x.shape or mask.dtype.kind != "b":
            return super().dropout(x, mask, scale)
        x, mask, y = self.ready(x), self.ready(mask), self.xp.empty(x.shape, dtype=x.dtype)
        v = self.width(x.size, x, y, mask)
        args = x, mask, y, x.dtype.type(scale)
        self.launch_flat("chain", f"dropout<{{T}}, {v}>", x.dtype, x.size // v, *args)
        return y

    def _alike(self, a: Array, b: Array) -> bool:
        return a.shape == b.shape and self.suits(a, b)

    def _chain(self, kernel: str, function: str, *arrays: Any) -> Array:
        x = arrays[0]
        given = [self.ready(a) for a in arrays]
        out = self.xp.empty(x.shape, dtype=x.dtype)
        v = self.width(x.size, *given, out)
        self.launch_flat("chain", f"{kernel}<{{T}}, {v}, {function}>", x.dtype, x.size // v, *given, out)
        return out
