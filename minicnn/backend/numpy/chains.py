"""Chains of elementwise functions, in blocks, each step in the memory of the result or of one array more.

The plain ones make a new array at each step, and the last of a block is copied: a third of the sigmoid's time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minicnn.backend.base import Array, Backend
from minicnn.backend.gauss import DENSITY, FAR, SINGLE, TANH, WHOLE
from minicnn.backend.numpy import elementwise
from minicnn.backend.numpy.layout import order_of
from minicnn.backend.numpy.memory import scratch

SMALL = 2**13  # elements below which the plain ones are as quick
GAUSS = tuple(c * math.sqrt(0.5) / 2**k for k, c in enumerate(SINGLE))  # erf(x / √2) = tanh(x · P(x²))


class Chains(Backend):
    """The part of the CPU's backend that joins elementwise functions."""

    def sigmoid(self, x: Array) -> Array:
        return super().sigmoid(x) if x.size < SMALL else _made(_sigmoid, x)

    def sigmoid_grad(self, y: Array, grad: Array) -> Array:
        return _made(_sigmoid_grad, y, grad) if _suits(y, grad) else super().sigmoid_grad(y, grad)

    def tanh_grad(self, y: Array, grad: Array) -> Array:
        return _made(_tanh_grad, y, grad) if _suits(y, grad) else super().tanh_grad(y, grad)

    def relu(self, x: Array) -> Array:
        return x.clip(0.0, np.inf) if x.size < elementwise.LARGE else _made(_relu, x)

    def relu_grad(self, y: Array, grad: Array) -> Array:
        large = y.size >= elementwise.LARGE and _suits(y, grad)
        return _made(_relu_grad, y, grad) if large else super().relu_grad(y, grad)

    def erf(self, x: Array) -> Array:
        return _made(_erf, x) if x.size >= SMALL and x.dtype == np.float32 else super().erf(x)

    def gelu(self, x: Array, tanh: bool) -> tuple[Array, Array]:
        if x.size < SMALL or x.dtype != np.float32:
            return super().gelu(x, tanh)
        y, below = np.empty_like(x), np.empty_like(x)
        elementwise.in_place(partial(_gelu, TANH if tanh else GAUSS), (x, y, below))
        return y, below

    def gelu_grad(self, grad: Array, x: Array, below: Array, tanh: bool) -> Array:
        if tanh or not _suits(x, grad):
            return super().gelu_grad(grad, x, below, tanh)
        return _made(_gelu_grad, x, grad, below)


def _suits(y: Array, grad: Array) -> bool:
    return y.size >= SMALL and y.dtype == grad.dtype and y.dtype.kind == "f"


def _made(write: Callable[..., None], *arrays: Array) -> Array:
    """Return a new array like the first, which ``write(*arrays, out)`` has filled, block by block."""
    out = np.empty_like(arrays[0])
    elementwise.in_place(write, (*arrays, out))
    return out


def _beside(x: Array, name: str, dtype: Any) -> Array:
    """Return scratch memory in the shape and the memory order of x."""
    if x.flags.c_contiguous:
        return scratch(name, x.shape, dtype)
    order = order_of(x)
    return scratch(name, tuple(x.shape[d] for d in order), dtype).transpose(np.argsort(order))


def _sigmoid(x: Array, y: Array) -> None:
    """y ← eˣ / (1 + eˣ), both tails exact."""
    largest = 88.0 if x.dtype == np.float32 else 709.0  # whose exponential is finite
    np.exp(np.clip(x, -np.inf, largest, out=y), out=y)
    np.divide(y, np.add(y, 1.0, out=_beside(y, "chain", y.dtype)), out=y)


def _sigmoid_grad(y: Array, g: Array, dx: Array) -> None:
    np.multiply(y, y, out=dx)
    np.subtract(y, dx, out=dx)
    np.multiply(dx, g, out=dx)


def _tanh_grad(y: Array, g: Array, dx: Array) -> None:
    np.multiply(y, y, out=dx)
    np.multiply(dx, g, out=dx)
    np.subtract(g, dx, out=dx)


def _relu(x: Array, y: Array) -> None:
    np.clip(x, 0.0, np.inf, out=y)


def _relu_grad(y: Array, g: Array, dx: Array) -> None:
    mask = np.less_equal(y, 0, out=_beside(y, "mask", np.bool_)).view(np.int8)
    np.subtract(mask, np.int8(1), out=mask)  # 0, or −1: all bits; see `elementwise.kept`
    np.bitwise_and(g.view(f"i{g.itemsize}"), mask, out=dx.view(f"i{g.itemsize}"))


def _erf(x: Array, y: Array) -> None:
    near = np.clip(x, -WHOLE, WHOLE, out=_beside(x, "near", x.dtype))
    _odd(near, SINGLE, y)
    np.tanh(y, out=y)


def _gelu(coefficients: tuple[float, ...], x: Array, y: Array, below: Array) -> None:
    """Φ ← (1 + tanh(x · P(x²))) / 2, y ← x · Φ."""
    near = np.clip(x, -FAR, FAR, out=y)
    _odd(near, coefficients, below)
    np.tanh(below, out=below)
    np.multiply(below, 0.5, out=below)
    np.add(below, 0.5, out=below)
    np.multiply(x, below, out=y)


def _gelu_grad(x: Array, g: Array, below: Array, dx: Array) -> None:
    """dx ← g · (Φ + x · exp(−x²/2) / √(2π))."""
    np.clip(x, -FAR, FAR, out=dx)
    np.multiply(dx, dx, out=dx)
    np.multiply(dx, -0.5, out=dx)
    np.exp(dx, out=dx)
    np.multiply(dx, DENSITY, out=dx)
    np.multiply(dx, x, out=dx)
    np.add(dx, below, out=dx)
    np.multiply(dx, g, out=dx)


def _odd(x: Array, coefficients: tuple[float, ...], out: Array) -> None:
    """out ← x · P(x²), by Horner's rule."""
    square = np.multiply(x, x, out=_beside(x, "chain", x.dtype))
    np.multiply(square, coefficients[-1], out=out)
    for c in coefficients[-2:0:-1]:
        np.add(out, c, out=out)
        np.multiply(out, square, out=out)
    np.add(out, coefficients[0], out=out)
    np.multiply(out, x, out=out)
