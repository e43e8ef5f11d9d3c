"""Batch norm in two passes over memory: statistics of blocks, merged; then the normalized values, block by block.

A block of rows (places, C) is read once from memory and stays in a core's cache for all that is done to it. Means and
sums of squares of blocks are merged as Chan, Golub and LeVeque do ("Updating formulae", 1979, equation 2.1), so that
neither a large mean nor a long sum costs digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.backend.numpy.memory import scratch
from minicnn.backend.threads import run

Array = Any
CACHE = 2**18  # bytes of a block


def _rows(x: Array) -> tuple[Array, Any]:
    """(N, C, *S) -> (M, C), contiguous, and what turns such rows back into the shape of x; a view where it can be."""
    d = x.ndim - 2
    moved = x.transpose(*range(2, x.ndim), 0, 1)  # (*S, N, C)
    rows = np.ascontiguousarray(moved).reshape(-1, x.shape[1])

    def back(found: Array) -> Array:
        return found.reshape(moved.shape).transpose(d, d + 1, *range(d))

    return rows, back


def _blocks(rows: Array) -> list[slice]:
    size = max(1, CACHE // max(rows.shape[1] * rows.itemsize, 1))
    return [slice(i, min(i + size, rows.shape[0])) for i in range(0, rows.shape[0], size)]


def forward(x: Array, weight: Array | None, bias: Array | None, eps: float) -> tuple[Array, Array, Array, Array]:
    """Return y, and the mean, the biased variance and 1 / √(var + eps) of each channel."""
    rows, back = _rows(x)
    count, c = rows.shape
    blocks = _blocks(rows)
    means, squares = np.empty((2, len(blocks), c))  # a row a block, in float64: they are few

    def measure(k: int) -> None:
        part = rows[blocks[k]]
        near = np.mean(part, axis=0)  # a long float32 sum: what it lost is found in the sum of differences to it
        centred = np.subtract(part, near, out=scratch("block", part.shape, x.dtype))
        rest = np.sum(centred, axis=0) / len(part)
        means[k] = near.astype(float) + rest
        squares[k] = np.einsum("mc,mc->c", centred, centred) - len(part) * rest * rest

    run(measure, range(len(blocks)))
    sizes = np.array([[b.stop - b.start] for b in blocks])
    exact = np.sum(means * (sizes / count), axis=0)
    spread = np.sum(squares, axis=0) + np.sum(sizes * (means - exact) ** 2, axis=0)
    mean, var = exact.astype(x.dtype), (spread / count).astype(x.dtype)
    scale = 1.0 / np.sqrt(var + eps)
    factor = scale if weight is None else scale * weight
    y = np.empty_like(rows)

    def normalize(some: slice) -> None:
        target = y[some]
        np.subtract(rows[some], mean, out=target)
        np.multiply(target, factor, out=target)
        if bias is not None:
            np.add(target, bias, out=target)

    run(normalize, blocks)
    return back(y), mean, var, scale


def backward(
    grad: Array, x: Array, weight: Array | None, mean: Array, scale: Array, input_needed: bool
) -> tuple[Array | None, Array, Array]:
    """Return dx = γ/σ · (g − mean(g) − x̂ · mean(g·x̂)), dγ = Σ g·x̂ and dβ = Σ g."""
    rows, back = _rows(x)
    g, _ = _rows(grad)
    count, c = rows.shape
    blocks = _blocks(rows)
    sums = np.empty((2, len(blocks), c), x.dtype)

    def measure(k: int) -> None:
        some = blocks[k]
        centred = np.subtract(rows[some], mean, out=scratch("block", (some.stop - some.start, c), x.dtype))
        np.einsum("mc,mc->c", centred, g[some], out=sums[0, k])
        np.sum(g[some], axis=0, out=sums[1, k])

    run(measure, range(len(blocks)))
    d_weight, d_bias = sums.sum(axis=1)
    d_weight *= scale
    if not input_needed:
        return None, d_weight, d_bias
    factor = scale if weight is None else scale * weight
    slope, shift = -d_weight * scale / count, d_bias / count
    dx = np.empty_like(rows)

    def differentiate(some: slice) -> None:
        target = dx[some]
        np.subtract(rows[some], mean, out=target)
        np.multiply(target, slope, out=target)
        np.add(target, g[some], out=target)
        np.subtract(target, shift, out=target)
        np.multiply(target, factor, out=target)

    run(differentiate, blocks)
    return back(dx), d_weight, d_bias
