"""Layer norm in blocks of rows that stay in a core's cache, over threads; sums by BLAS.

A step with a number a row costs NumPy twice a step of whole arrays, and so does one with a row for all. Weight and bias
are therefore repeated for each row of a block; of the rows' own numbers only mean, scale and slope are left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from minicnn.backend.base import Array, Backend
from minicnn.backend.numpy.memory import scratch
from minicnn.backend.threads import run

SMALL = 2**14  # elements below which the plain kernel is as quick
BLOCK = 2**17  # elements of a block
ROWS = 2**10  # and its rows at most: BLAS's sums of many lose digits
LONGEST = 2**15  # elements of a row, at most: BLAS's sums of more lose digits
LONG = 1024  # elements of a row from which its sum is taken in pairs: BLAS's loses digits


class LayerNorms(Backend):
    """The part of the CPU's backend that normalizes rows."""

    def layer_norm(
        self, x: Array, weight: Array | None, bias: Array | None, dims: int, eps: float
    ) -> tuple[Array, Array, Array]:
        if not _suits(x, dims, weight, bias):
            return super().layer_norm(x, weight, bias, dims, eps)
        rows, length = _rows(x, dims)
        y, normal = np.empty_like(rows), np.empty_like(rows)
        scale = np.empty((len(rows), 1), x.dtype)
        ones, blocks = np.ones(length, x.dtype), _blocks(rows)
        weights, biases = (_repeated(a, blocks[0].stop) for a in (weight, bias))

        def block(some: slice) -> None:
            centred, out, factor = normal[some], y[some], scale[some]
            np.subtract(rows[some], _means(rows[some], ones), out=centred)
            variance = np.vecdot(centred, centred)[:, None]
            variance /= length
            variance += eps
            np.divide(1.0, np.sqrt(variance, out=variance), out=factor)
            np.multiply(centred, factor, out=centred)
            if weights is None:
                np.copyto(out, centred)
            else:
                np.multiply(centred, weights[: len(out)], out=out)
            if biases is not None:
                np.add(out, biases[: len(out)], out=out)

        run(block, blocks)
        shape = (*x.shape[:-dims], *(1 for _ in range(dims)))
        return y.reshape(x.shape), normal.reshape(x.shape), scale.reshape(shape)

    def layer_norm_grad(
        self, grad: Array, weight: Array | None, normal: Array, scale: Array, dims: int, needs: Sequence[bool]
    ) -> list[Array | None]:
        if not _suits(normal, dims, grad, weight, scale):
            return super().layer_norm_grad(grad, weight, normal, scale, dims, needs)
        rows, length = _rows(normal, dims)
        grads = np.ascontiguousarray(grad).reshape(rows.shape)
        blocks, factors = _blocks(rows), scale.reshape(-1, 1)
        dx = np.empty_like(rows) if needs[0] else None
        # A block's sums of g · x̂ and of g, added up when all are there.
        sums = np.empty((2, len(blocks), length), rows.dtype)
        mean = np.full(length, 1.0 / length, rows.dtype)
        if weight is not None:
            mean *= weight.reshape(-1)  # the mean of γg is one product with g
        weights = _repeated(weight, blocks[0].stop)
        ones = np.ones(blocks[0].stop, rows.dtype)

        def block(some: slice) -> None:
            g, x_hat, k = grads[some], rows[some], some.start // blocks[0].stop
            product = np.multiply(g, x_hat, out=scratch("layer norm", g.shape, g.dtype))
            if needs[1]:
                np.matmul(ones[: len(g)], product, out=sums[0, k])
            if needs[2]:
                np.matmul(ones[: len(g)], g, out=sums[1, k])
            if dx is None:
                return
            out, factor = dx[some], factors[some]
            along, middle = (product @ mean)[:, None], (g @ mean)[:, None]
            np.multiply(x_hat, along, out=product)
            np.add(product, middle, out=product)
            if weights is None:
                np.subtract(g, product, out=out)
            else:
                np.multiply(g, weights[: len(g)], out=out)
                np.subtract(out, product, out=out)
            np.multiply(out, factor, out=out)

        run(block, blocks)
        shape = normal.shape[normal.ndim - dims :]
        d_weight, d_bias = (sums[i].sum(axis=0).reshape(shape) if needs[i + 1] else None for i in (0, 1))
        return [None if dx is None else dx.reshape(normal.shape), d_weight, d_bias]


def _suits(x: Array, dims: int, *others: Array | None) -> bool:
    long = math.prod(x.shape[x.ndim - dims :]) > LONGEST
    alike = x.flags.c_contiguous and all(a is None or a.dtype == x.dtype for a in others)
    return x.size >= SMALL and alike and not long


def _rows(x: Array, dims: int) -> tuple[Array, int]:
    """(*, *S) with S the last ``dims`` -> (M, L), and L."""
    length = math.prod(x.shape[x.ndim - dims :])
    return x.reshape(-1, length), length


def _blocks(rows: Array) -> list[slice]:
    step = max(1, min(ROWS, BLOCK // rows.shape[1]))
    return [slice(i, min(i + step, len(rows))) for i in range(0, len(rows), step)]


def _repeated(row: Array | None, times: int) -> Array | None:
    """*S -> (times, L)."""
    return None if row is None else np.tile(row.reshape(-1), (times, 1))


def _means(rows: Array, ones: Array) -> Array:
    """(M, L) -> (M, 1)."""
    total = rows.sum(axis=1) if len(ones) > LONG else rows @ ones
    total /= len(ones)
    return total[:, None]
