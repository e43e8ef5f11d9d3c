"""Matrix products over threads: each computes some rows of the result, or some columns, with BLAS to itself."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from minicnn.backend.threads import alone, get_num_threads, run

Array = Any
SINGLE = 2**18  # multiplications that OpenBLAS leaves to one thread
SMALL = 10**6  # multiplications of a product that OpenBLAS does without packing its operands
MOST = 64  # parts of a product
FEW = 8  # and of its rows
LARGE = 2**22  # multiplications from which threads pay


@lru_cache(maxsize=4096)
def parts_of(size: int, work: int) -> int:
    """Return into how many parts to cut so many rows or columns, of so much work each, for products of `SMALL`."""
    return next((k for k in range(1, MOST + 1) if size % k == 0 and size // k * work <= SMALL), 1)


def matmul(a: Array, b: Array) -> Array:
    """Return the matrix product, as np.matmul."""
    if b.ndim < 2 or a.size * b.shape[-1] <= SINGLE:
        return np.matmul(a, b)
    count = get_num_threads()  # asked once: another thread may set it meanwhile
    if a.size * b.shape[-1] < LARGE or count == 1 or not a.ndim == b.ndim == 2:
        parts = parts_of(len(a), b.size) if a.ndim == b.ndim == 2 and b.flags.c_contiguous else 1
        with alone:
            if parts == 1 or parts > FEW:
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
