"""The bottlenecks of the layers besides convolution, pooling and batch norm, each once, in plain ``xp``.

They are a part of `minicnn.backend.base.Backend`: the oracle of the tuned ones, and what a backend computes by that has
none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

Array = Any


class Layers:
    """Rows, chains of elementwise functions, and optimizers' steps."""

    xp: Any
    elementwise: Any
    where: Any
    in_place: Any

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
        return grad - self.xp.exp(y) * self.xp.sum(grad, axis=dim, keepdims=True)

    # ---- cross entropy of classes: (N, C) and (N,)

    def cross_entropy(
        self, x: Array, target: Array, alive: Array | None, weight: Array | None, smoothing: float
    ) -> tuple[Array, Array, Array | None]:
        """Return each row's loss, the logarithms of its probabilities, and what its class weighs; 0 where not alive.

        Args:
            alive: 1, or 0 for rows that do not count; None where all do. A weight of 1 for all comes back as None.
        """
        xp = self.xp
        log_p = x - x.max(axis=1, keepdims=True)
        log_p -= xp.log(xp.exp(log_p).sum(axis=1, keepdims=True))
        picked = alive
        if weight is not None:
            picked = weight[target] if alive is None else alive * weight[target]
        loss = self._alive(alive, log_p[xp.arange(len(target)), target])
        loss = (loss if picked is None else loss * picked) * (smoothing - 1.0)
        if smoothing:
            total = (log_p if weight is None else log_p * weight).sum(axis=1)
            loss -= self._alive(alive, total) * (smoothing / x.shape[1])
        return loss, log_p, picked

    def cross_entropy_grad(
        self, grad: Array, target: Array, alive: Array | None, weight: Array | None, log_p: Array, picked: Array | None,
        smoothing: float,
    ) -> Array:  # fmt: skip
        """Return dx[n, c] = p · (aₙ + bₙ · Σ w) − bₙ · w_c − aₙ · [c = tₙ], a the class's part and b smoothing's.

        Args:
            grad: of the rows' losses, (N,), or one number for all.
        """
        at_target = self._alive(alive, (grad if picked is None else grad * picked) * (1.0 - smoothing))  # (N,) or ()
        dx = self.xp.exp(log_p)
        if smoothing:
            classes = log_p.shape[1]
            spread = self._alive(alive, grad * (smoothing / classes)).reshape((-1, 1))  # (N, 1), or (1, 1)
            dx *= at_target.reshape((-1, 1)) + spread * (classes if weight is None else weight.sum())
            dx -= spread if weight is None else spread * weight
        else:
            dx *= at_target.reshape((-1, 1))
        dx[self.xp.arange(len(target)), target] -= at_target
        return dx

    def _alive(self, alive: Array | None, values: Array) -> Array:
        """0 for rows that do not count: chosen, not multiplied by 0, for they may hold −∞, and a mean of none NaN."""
        return values if alive is None else self.xp.where(alive != 0, values, 0)

    # ---- layer norm over the last dims

    def layer_norm(
        self, x: Array, weight: Array | None, bias: Array | None, dims: int, eps: float
    ) -> tuple[Array, Array, Array]:
        """Return y = x̂ · weight + bias, x̂ = (x − mean) · scale, and scale = 1 / √(variance + eps)."""
        xp, last = self.xp, tuple(range(-dims, 0))
        normal = x - xp.mean(x, axis=last, keepdims=True)
        scale = 1.0 / xp.sqrt(xp.mean(normal * normal, axis=last, keepdims=True) + eps)
        normal *= scale
        y = normal * weight if weight is not None else normal.copy(order="K")
        if bias is not None:
            y += bias
        return y, normal, scale

    def layer_norm_grad(
        self, grad: Array, weight: Array | None, normal: Array, scale: Array, dims: int, needs: Sequence[bool]
    ) -> list[Array | None]:
        """Return dx = scale · (γg − mean(γg) − x̂ · mean(γg·x̂)), dγ = Σ g·x̂ and dβ = Σ g; None where not needed."""
        xp = self.xp
        first, last = tuple(range(grad.ndim - dims)), tuple(range(-dims, 0))
        dx = None
        if needs[0]:
            dx = grad * weight if weight is not None else grad.copy(order="K")
            along = xp.mean(dx * normal, axis=last, keepdims=True)
            dx -= xp.mean(dx, axis=last, keepdims=True)
            dx -= normal * along
            dx *= scale
        return [
            dx,
            xp.sum(grad * normal, axis=first) if needs[1] else None,
            xp.sum(grad, axis=first) if needs[2] else None,
        ]

    # ---- chains of elementwise functions

    def sigmoid(self, x: Array) -> Array:
        """Return 1 / (1 + e⁻ˣ)."""
        xp = self.xp

        # e⁻ᵃ with a = |x| never overflows, and keeps both tails exact: 1/(1 + e⁻ᵃ) or e⁻ᵃ/(1 + e⁻ᵃ).
        def logistic(x: Array) -> Array:
            tail = xp.exp(-xp.abs(x))
            y = xp.maximum(tail, x >= 0)  # tail is at most 1
            y /= 1 + tail
            return y

        return self.elementwise(logistic, x)

    def sigmoid_grad(self, y: Array, grad: Array) -> Array:
        """Return (y − y²) · g."""
        return self.elementwise(lambda y, g: (y - y * y) * g, y, grad)

    def tanh_grad(self, y: Array, grad: Array) -> Array:
        """Return g − y² · g."""
        return self.elementwise(lambda y, g: g - y * y * g, y, grad)

    def relu(self, x: Array) -> Array:
        """Return the larger of x and 0, for floats."""
        return self.elementwise(lambda x: self.xp.clip(x, 0.0, math.inf), x)  # a maximum with a number is far slower

    def relu_grad(self, y: Array, grad: Array) -> Array:
        """Return g where y is above 0 or NaN, and 0 elsewhere."""
        return self.elementwise(lambda y, g: self.where(y <= 0, 0.0, g), y, grad)

    def dropout(self, x: Array, mask: Array, scale: float) -> Array:
        """Return x · mask · scale, for a mask of bools."""
        y = x * mask
        y *= scale
        return y

    # ---- optimizers' steps, in place

    def penalized(
        self, p: Array, grad: Array, maximize: bool, decay: float, scratch: Callable[[Array], Array] | None = None
    ) -> Array:
        """Return ±grad + decay · p: the gradient itself where nothing changes, else in the memory of ``scratch(p)``."""
        if not maximize and not decay:
            return grad
        xp, out = self.xp, self.xp.empty_like(p) if scratch is None else scratch(p)
        if not decay:
            return xp.negative(grad, out=out)
        combine = xp.subtract if maximize else xp.add
        return combine(xp.multiply(p, decay, out=out), grad, out=out)

    def adam(
        self,
        p: Array,
        grad: Array,
        m: Array,
        v: Array,
        largest: Array | None,
        *,
        maximize: bool,
        decay: float,
        eps: float,
        beta1: Any,
        gain1: Any,
        beta2: Any,
        gain2: Any,
        shrink: Any,
        rate: Any,
        root: Any,
        scratch: Callable[[Array], Array] | None = None,
    ) -> None:
        """p ← shrink · p − rate · m / (√v · root + eps), once g = ±grad + decay · p was taken into m and v.

        m ← β₁ · m + gain₁ · g, v ← β₂ · v + gain₂ · g²; with ``largest``, the largest v so far takes v's place.

        Args:
            gain1, gain2: 1 − β₁ and 1 − β₂.
            shrink: None for 1.
            rate: lr / (1 − β₁ᵗ).
            root: 1 / √(1 − β₂ᵗ). From ``beta1`` on, each may be an array without dims.
            scratch: gives memory like an array's, in which nothing needs to stay.
        """
        xp = self.xp
        grad = self.penalized(p, grad, maximize, decay, scratch)
        if shrink is not None:
            xp.multiply(p, shrink, out=p)

        def take(g: Array, m: Array, v: Array) -> None:
            xp.multiply(m, beta1, out=m)
            xp.add(m, xp.multiply(g, gain1), out=m)
            xp.multiply(v, beta2, out=v)
            square = xp.multiply(g, g)
            square *= gain2
            xp.add(v, square, out=v)

        def descend(p: Array, m: Array, v: Array) -> None:
            below = xp.sqrt(v)
            below *= root
            below += eps
            step = xp.divide(m, below)
            step *= rate
            xp.subtract(p, step, out=p)

        self.in_place(take, grad, m, v)
        if largest is not None:
            v = xp.maximum(largest, v, out=largest)
        self.in_place(descend, p, m, v)

    def sgd(
        self,
        p: Array,
        grad: Array,
        momentum: Array | None,
        *,
        maximize: bool,
        decay: float,
        mu: Any,
        gain: float,
        first: bool,
        nesterov: bool,
        rate: Any,
        scratch: Callable[[Array], Array] | None = None,
    ) -> None:
        """p ← p − rate · b, with g = ±grad + decay · p and b ← μ · b + gain · g, at first b = g.

        With Nesterov's momentum p ← p − rate · (g + μ · b); without momentum p ← p − rate · g.

        Args:
            first: whether b has no value yet.
            mu, rate: numbers, or arrays without dims.
            scratch: as for `adam`.
        """
        xp = self.xp
        grad = self.penalized(p, grad, maximize, decay, scratch)

        def descend(p: Array, g: Array, b: Array) -> None:
            if nesterov:
                b = xp.add(g, xp.multiply(b, mu))
            xp.subtract(p, xp.multiply(b, rate), out=p)

        def move(p: Array, g: Array, b: Array) -> None:
            xp.multiply(b, mu, out=b)
            xp.add(b, g if gain == 1 else xp.multiply(g, gain), out=b)
            descend(p, g, b)

        if momentum is None:
            self.in_place(lambda p, g: xp.subtract(p, xp.multiply(g, rate), out=p), p, grad)
        elif first:
            momentum[...] = grad
            self.in_place(descend, p, grad, momentum)
        else:
            self.in_place(move, p, grad, momentum)
