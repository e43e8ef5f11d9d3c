"""Matrix products within captured steps, by cuBLAS itself: CuPy refuses its own bindings of it there.

CuPy 14's ``cublas.setStream`` raises NotImplementedError while the stream is being captured, though cuBLAS can be
captured if it has a workspace of its own. So products go by ctypes to the library that CuPy has loaded.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minicnn.errors import BackendError, message

WORKSPACE = 32 * 2**20  # bytes; what NVIDIA advises for Hopper
PREFIX = {"float32": "S", "float64": "D"}
NORMAL, TRANSPOSED = 0, 1
INT, LONG, POINTER = ctypes.c_int, ctypes.c_longlong, ctypes.c_void_p


class Blas:
    """cuBLAS through ctypes, with a handle of its own.

    Args:
        xp: CuPy's namespace.
        library: a path or name of the library; None finds the one that CuPy uses.
    """

    def __init__(self, xp: Any, library: str | None = None) -> None:
        self._xp, self._library = xp, library
        self._stream: Any = None

    @functools.cached_property
    def _functions(self) -> Any:
        major = self._xp.cuda.runtime.runtimeGetVersion() // 1000
        try:
            return ctypes.CDLL(self._library or f"libcublas.so.{major}")
        except OSError as error:
            raise BackendError(
                message(
                    "cuda.graph",
                    "cuBLAS cannot be loaded.",
                    " ".join(str(error).split()),
                    f"pip install 'minicnn[cuda{major}]', which brings it.",
                )
            ) from None

    @functools.cached_property
    def _handle(self) -> Any:
        handle = POINTER()
        self._call("cublasCreate_v2", ctypes.byref(handle))
        return handle

    @functools.cached_property
    def _workspace(self) -> Any:
        return self._xp.cuda.alloc(WORKSPACE)

    def _call(self, name: str, *args: Any) -> None:
        status = getattr(self._functions, name)(*args)
        if status:
            raise BackendError(
                message(
                    "cuda.graph",
                    f"cuBLAS gave up: {name} returned {status}.",
                    "cublasStatus_t 1 is not initialized, 3 no memory, 7 an invalid value, 13 a failed kernel",
                    "run the step without cuda.graph.",
                )
            )

    @contextlib.contextmanager
    def for_stream(self, stream: Any) -> Iterator[None]:
        """Make products on a stream within the block; the graph's, which is about to be captured."""
        self._call("cublasSetStream_v2", self._handle, POINTER(stream.ptr))
        # In memory of its own, since cuBLAS's is of the handle and the stream, and the graph outlives the block.
        place, bytes_ = POINTER(self._workspace.ptr), ctypes.c_size_t(WORKSPACE)
        self._call("cublasSetWorkspace_v2", self._handle, place, bytes_)
        self._stream = stream
        try:
            yield
        finally:
            self._stream = None

    @functools.cached_property
    def _mode(self) -> Callable[[], int]:
        """What gives the mode of CuPy's own handle: whether float32 products may round their factors to TF32."""
        from cupy.cuda import cublas, device

        return lambda: int(cublas.getMathMode(device.get_cublas_handle()))

    @property
    def active(self) -> bool:
        """Whether products are to go this way: while a step is captured."""
        return self._stream is not None

    def matmul(self, a: Any, b: Any, out: Any = None) -> Any:
        """Return a @ b as ``xp.matmul`` does, for float32 and float64; into ``out`` where that is given."""
        xp = self._xp
        if a.dtype != b.dtype or str(a.dtype) not in PREFIX:
            dtype = xp.result_type(a.dtype, b.dtype)
            if str(dtype) not in PREFIX:  # of ints: CuPy has kernels of its own
                return xp.matmul(a, b) if out is None else xp.matmul(a, b, out=out)
            a, b = a.astype(dtype, copy=False), b.astype(dtype, copy=False)
        row, column = a.ndim == 1, b.ndim == 1
        a, b = a[None, :] if row else a, b[:, None] if column else b
        lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        m, n = a.shape[-2], b.shape[-1]
        shape = (*lead, m, n)
        fits = out is not None and out.shape == shape and out.dtype == a.dtype and out.flags.c_contiguous
        c = out if fits else xp.empty(shape, dtype=a.dtype)
        if c.size and a.shape[-1]:
            self._batches(a, b, c, lead)
        else:
            c.fill(0)
        if fits:
            return out
        y = c.reshape((*lead, *(() if row else (m,)), *(() if column else (n,))))
        if out is None:
            return y
        out[...] = y
        return out

    def _batches(self, a: Any, b: Any, c: Any, lead: tuple[int, ...]) -> None:
        """c = a @ b for stacks of matrices, as few calls as their places in memory allow."""
        xp, count = self._xp, math.prod(lead)
        stacks = []
        for x in (a, b):
            if math.prod(x.shape[:-2]) == 1:
                x = x.reshape(1, *x.shape[-2:])
            else:
                x = xp.broadcast_to(x, (*lead, *x.shape[-2:])).reshape(count, *x.shape[-2:])
            stacks.append(_readable(xp, x))
        (left, order_a, lead_a), (right, order_b, lead_b) = stacks
        m, k, n = left.shape[-2], left.shape[-1], right.shape[-1]
        self._call("cublasSetMathMode", self._handle, INT(self._mode()))
        scalar = ctypes.c_float if str(c.dtype) == "float32" else ctypes.c_double
        one, zero = scalar(1), scalar(0)
        # cuBLAS counts by columns: a row-major c is its cᵀ = bᵀ · aᵀ.
        self._call(
            f"cublas{PREFIX[str(c.dtype)]}gemmStridedBatched",
            self._handle,
            INT(order_b),
            INT(order_a),
            INT(n),
            INT(m),
            INT(k),
            ctypes.byref(one),
            POINTER(right.data.ptr),
            INT(lead_b),
            LONG(_step(right)),
            POINTER(left.data.ptr),
            INT(lead_a),
            LONG(_step(left)),
            ctypes.byref(zero),
            POINTER(c.data.ptr),
            INT(n),
            LONG(m * n),
            INT(count),
        )


def _readable(xp: Any, x: Any) -> tuple[Any, int, int]:
    """Return a stack of matrices as cuBLAS can read it, copied if need be: it, the operation, the leading dimension."""
    item = x.dtype.itemsize
    rows, columns = x.strides[-2] // item, x.strides[-1] // item
    m, n = x.shape[-2:]
    aligned = all(step % item == 0 and step >= 0 for step in x.strides)
    if aligned and (columns == 1 or n == 1) and (rows >= n or m == 1):
        return x, NORMAL, max(rows if m > 1 else n, 1)
    if aligned and (rows == 1 or m == 1) and (columns >= m or n == 1):
        return x, TRANSPOSED, max(columns if n > 1 else m, 1)
    return xp.ascontiguousarray(x), NORMAL, max(n, 1)


def _step(x: Any) -> int:
    """Return how many elements lie from one matrix of a stack to the next; 0 for one matrix for all."""
    return 0 if x.shape[0] == 1 else x.strides[0] // x.dtype.itemsize
