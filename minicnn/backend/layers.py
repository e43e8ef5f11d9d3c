"""The bottlenecks of the layers besides convolution, pooling and batch norm, each once, in plain ``xp``.

They are a part of `minicnn.backend.base.Backend`: the oracle of the tuned ones, and what a backend computes by that has
none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Array = Any


class Layers:
    """Rows, chains of elementwise functions, and optimizers' steps."""

    xp: Any

    # ---- softmax along a dim

    def softmax(self, x: Array, dim: int) -> Array:
        """Return eˣ / Σ eˣ."""
        y = self.xp.exp(x - self.xp.max(x, axis=dim, keepdims=True))
        y /= self.xp.sum(y, axis=dim, keepdims=True)
        return y

    def softmax_grad(self, grad: Array, y: Array, dim: int) -> Array:
        """Return y · (g − Σ g·y)."""
        dx = grad * y
        dx -= y * self.xp.sum(dx, axis=dim, keepdims=True)
        return dx

    def log_softmax(self, x: Array, dim: int) -> Array:
        """Return x − ln Σ eˣ."""
        y = x - self.xp.max(x, axis=dim, keepdims=True)
        y -= self.xp.log(self.xp.sum(self.xp.exp(y), axis=dim, keepdims=True))
        return y

    def log_softmax_grad(self, grad: Array, y: Array, dim: int) -> Array:
        """Return g − eʸ · Σ g."""
        dx = self.xp.exp(y)
        dx *= -self.xp.sum(grad, axis=dim, keepdims=True)
        dx += grad
        return dx
