"""Matrix products by cuBLAS itself: in captured steps, where CuPy refuses its own bindings, and of broadcast stacks.

CuPy 14's ``cublas.setStream`` raises NotImplementedError while the stream is being captured, though cuBLAS can be
captured if it has a workspace of its own; and of stacks of more than three dims it makes lists of pointers, by six
kernels a product. So these go by ctypes to the library that CuPy has loaded.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minicnn.errors import BackendError, message

WORKSPACE = 32 * 2**20  # bytes; what NVIDIA advises for Hopper
PREFIX = {"float32": "S", "float64": "D"}
NORMAL, TRANSPOSED = 0, 1
INT, LONG, POINTER = ctypes.c_int, ctypes.c_longlong, ctypes.c_void_p


class Blas:
    """cuBLAS through ctypes, with a handle of its own for each thread.

    Args:
        xp: CuPy's namespace.
        library: a path or name of the library; None finds the one that CuPy uses.
    """

    def __init__(self, xp: Any, library: str | None = None) -> None:
        self._xp, self._library = xp, library
        self._thread = _Thread()

    @functools.cached_property
    def _functions(self) -> Any:
        self._xp.cuda.device.get_cublas_handle()  # CuPy loads cuBLAS at first use, wherever pip has put it
        major = self._xp.cuda.runtime.runtimeGetVersion() // 1000
        try:
            return ctypes.CDLL(self._library or f"libcublas.so.{major}")
        except OSError as error:
            raise BackendError(
                message(
                    "matmul",
                    "cuBLAS cannot be loaded.",
                    " ".join(str(error).split()),
                    f"pip install 'minicnn[cuda{major}]', which brings it.",
                )
            ) from None

    @property
    def _handle(self) -> Any:
        if self._thread.handle is None:
            handle = POINTER()
            self._call("cublasCreate_v2", ctypes.byref(handle))
            self._thread.handle = handle
        return self._thread.handle

    @functools.cached_property
    def _workspace(self) -> Any:
        return self._xp.cuda.alloc(WORKSPACE)

    def _call(self, name: str, *args: Any) -> None:
        status = getattr(self._functions, name)(*args)
        if status:
            raise BackendError(
                message(
                    "matmul",
                    f"cuBLAS gave up: {name} returned {status}.",
                    "cublasStatus_t 1 is not initialized, 3 no memory, 7 an invalid value, 13 a failed kernel",
                    "use smaller batches where memory is short; CUDA_LAUNCH_BLOCKING=1 shows an earlier error's place.",
                )
            )

    @contextlib.contextmanager
    def for_stream(self, stream: Any) -> Iterator[None]:
        """Make products on a stream within the block; the graph's, which is about to be captured."""
        self._mode()  # makes CuPy's own handle, which allocates, before the capture
        self._call("cublasSetStream_v2", self._handle, POINTER(stream.ptr))
        # In memory of its own, since cuBLAS's is of the handle and the stream, and the graph outlives the block.
        place, bytes_ = POINTER(self._workspace.ptr), ctypes.c_size_t(WORKSPACE)
        self._call("cublasSetWorkspace_v2", self._handle, place, bytes_)
        self._thread.stream = stream
        try:
            yield
        finally:
            self._thread.stream = None

    @functools.cached_property
    def _mode(self) -> Callable[[], int]:
        """What gives the mode of CuPy's own handle: whether float32 products may round their factors to TF32."""
        from cupy.cuda import cublas, device

        return lambda: int(cublas.getMathMode(device.get_cublas_handle()))

    @property
    def active(self) -> bool:
        """Whether all products of this thread are to go this way: while it captures a step."""
        return self._thread.stream is not None

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
        """c = a @ b for stacks of matrices, as few calls as their places in memory allow; nothing is repeated."""
        (left, order_a, lead_a), (right, order_b, lead_b) = _readable(self._xp, a), _readable(self._xp, b)
        m, k, n = left.shape[-2], left.shape[-1], right.shape[-1]
        if not self.active:  # which gives the handle cuBLAS's workspace of this stream again, too
            stream = self._xp.cuda.get_current_stream()
            self._call("cublasSetStream_v2", self._handle, POINTER(stream.ptr))
        self._call("cublasSetMathMode", self._handle, INT(self._mode()))
        kind, item = str(c.dtype), c.dtype.itemsize
        scalar = ctypes.c_float if kind == "float32" else ctypes.c_double
        one, zero = scalar(1), scalar(0)
        dims = _joined(lead, _steps(left, lead), _steps(right, lead), _steps(c, lead))
        count, *steps = dims.pop(max(range(len(dims)), key=lambda i: dims[i][0]))
        for place in itertools.product(*(range(size) for size, *_ in dims)):
            at_a, at_b, at_c = (
                x.data.ptr + item * sum(i * dim[which] for i, dim in zip(place, dims, strict=True))
                for which, x in enumerate((left, right, c), 1)
            )
            # cuBLAS counts by columns: a row-major c is its cᵀ = bᵀ · aᵀ.
            self._call(
                f"cublas{PREFIX[kind]}gemmStridedBatched",
                self._handle,
                INT(order_b),
                INT(order_a),
                INT(n),
                INT(m),
                INT(k),
                ctypes.byref(one),
                POINTER(at_b),
                INT(lead_b),
                LONG(steps[1]),
                POINTER(at_a),
                INT(lead_a),
                LONG(steps[0]),
                ctypes.byref(zero),
                POINTER(at_c),
                INT(n),
                LONG(steps[2]),
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


def _steps(x: Any, lead: tuple[int, ...]) -> list[int]:
    """Return how many elements lie from one matrix to the next along each dim of a stack; 0 where one is for all."""
    sizes, strides = x.shape[:-2], x.strides[:-2]
    own = [0 if size == 1 else stride // x.dtype.itemsize for size, stride in zip(sizes, strides, strict=True)]
    return [0] * (len(lead) - len(own)) + own


def _joined(lead: tuple[int, ...], *steps: list[int]) -> list[tuple[int, ...]]:
    """Return (size, a step for each array) of the dims of a stack, as few as can be; (1, 0, ...) of a single matrix."""
    dims: list[tuple[int, ...]] = []
    for size, *inner in zip(lead, *steps, strict=True):
        if size == 1:
            continue
        if dims and all(outer == size * step for outer, step in zip(dims[-1][1:], inner, strict=True)):
            dims[-1] = (dims[-1][0] * size, *inner)
        else:
            dims.append((size, *inner))
    return dims or [(1, *(0 for _ in steps))]


class _Thread(threading.local):
    handle: Any = None
    stream: Any = None  # that of the capture, while there is one
