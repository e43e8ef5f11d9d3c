"""Batch norm of small (N, C), as in the plain kernel, in as few calls as it takes: there each call is the cost."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


def statistics(x: Array) -> tuple[Array, Array]:
    """Return each feature's mean and biased variance."""
    mean = np.add.reduce(x, 0)
    mean /= len(x)
    centred = x - mean
    np.multiply(centred, centred, out=centred)
    var = np.add.reduce(centred, 0)
    var /= len(x)
    return mean, var


def normalize(x: Array, mean: Array, scale: Array, weight: Array | None, bias: Array | None) -> Array:
    """Return (x − mean) · scale · weight + bias."""
    y = x - mean
    y *= scale if weight is None else scale * weight
    if bias is not None:
        y += bias
    return y


def gradients(
    grad: Array, x: Array, weight: Array | None, mean: Array, scale: Array, input_needed: bool
) -> tuple[Array | None, Array, Array]:
    """Return dx = γ/σ · (g − mean(g) − x̂ · mean(g·x̂)), dγ = Σ g·x̂ and dβ = Σ g."""
    normal = x - mean
    normal *= scale
    product = grad * normal
    d_weight, d_bias = np.add.reduce(product, 0), np.add.reduce(grad, 0)
    if not input_needed:
        return None, d_weight, d_bias
    normal *= d_weight / -len(x)
    normal += grad
    normal -= d_bias / len(x)
    normal *= scale if weight is None else scale * weight
    return normal, d_weight, d_bias
