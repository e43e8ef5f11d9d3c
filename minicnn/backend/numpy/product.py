"""Matrix products over threads: each computes some rows of the result, or some columns, with BLAS to itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.backend.threads import alone, get_num_threads, run

Array = Any
SMALL = 2**18  # multiplications that OpenBLAS leaves to one thread
LARGE = 2**22  # multiplications from which threads pay


def matmul(a: Array, b: Array) -> Array:
    """Return the matrix product, as np.matmul."""
    if b.ndim < 2 or a.size * b.shape[-1] <= SMALL:
        return np.matmul(a, b)
    count = get_num_threads()  # asked once: another thread may set it meanwhile
    if a.size * b.shape[-1] < LARGE or count == 1 or not a.ndim == b.ndim == 2:
        with alone:
            return np.matmul(a, b)
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
