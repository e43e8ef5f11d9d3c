"""Matrix products over threads: each computes some rows of the result, or some columns, with BLAS to itself."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from minicnn.backend.threads import alone, get_num_threads, run

Array = Any
SMALL = 2**18  # multiplications that OpenBLAS leaves to one thread
UNPACKED = 10**6  # multiplications of a product that OpenBLAS does without packing its operands
LARGE = 2**22  # multiplications from which threads pay


@lru_cache(maxsize=1024)
def _parts(shape: tuple[int, ...], columns: int) -> int:
    """Return into how many parts, of few, to cut the rows for products of `UNPACKED` or less; 1 if into none."""
    work = math.prod(shape) * columns
    return next((p for p in range(1, 9) if shape[0] % p == 0 and work // p <= UNPACKED), 1)


def matmul(a: Array, b: Array) -> Array:
    """Return the matrix product, as np.matmul."""
    if b.ndim < 2 or a.size * b.shape[-1] <= SMALL:
        return np.matmul(a, b)
    count = get_num_threads()  # asked once: another thread may set it meanwhile
    if a.size * b.shape[-1] < LARGE or count == 1 or not a.ndim == b.ndim == 2:
        parts = _parts(a.shape, b.shape[1]) if a.ndim == b.ndim == 2 and b.flags.c_contiguous else 1
        with alone:
            if parts == 1:
                return np.matmul(a, b)
            y = np.empty((a.shape[0], b.shape[1]), np.result_type(a, b))
            np.matmul(a.reshape(parts, -1, a.shape[1]), b, out=y.reshape(parts, -1, b.shape[1]))
            return y
    m, n = a.shape[0], b.shape[1]
    y = np.empty((m, n), np.result_type(a, b))
    along_rows = m >= n
    size = -(-(m if along_rows else n) // count)

    def share(k: int) -> None:
        some = slice(k * size, (k + 1) * size)
        if along_rows:
            np.matmul(a[some], b, out=y[some])
        else:
            np.matmul(a, b[:, some], out=y[:, some])

    run(share, range(count))
    return y
