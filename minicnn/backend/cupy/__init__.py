"""The GPU backend: CuPy. The only room that imports cupy, and only once a GPU is asked for."""

from __future__ import annotations

import contextlib
import functools
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minicnn.backend.capture import Capture, refuse_crossing
from minicnn.backend.cupy.blas import Blas
from minicnn.backend.cupy.graph import GraphRecorder
from minicnn.backend.cupy.kernels import CudaKernels
from minicnn.backend.cupy.launch import source
from minicnn.backend.cupy.memory import Memory
from minicnn.backend.cupy.streams import Streams
from minicnn.backend.cupy.why_not import reason, why_not
from minicnn.backend.device_side import DeviceSide
from minicnn.backend.joining import JOINING, Joining, refusing
from minicnn.errors import BackendError, message

__all__ = ["CupyBackend", "why_not"]

SIZED_BY_VALUES = ("argwhere", "flatnonzero", "nonzero", "unique")  # how large the result is, the device has to say


class CupyBackend(Memory, Streams, CudaKernels, Joining, DeviceSide):
    """Arrays of CuPy, on a CUDA device.

    Raises:
        BackendError: CuPy or the device is missing.
    """

    name = "cupy"
    device_type = "cuda"

    def __init__(self) -> None:
        super().__init__()
        found = reason()
        if found is not None:
            problem = f"a GPU was asked for, and {found.problem}."
            raise BackendError(message('minicnn.use("cupy")', problem, found.found, found.fix))
        import cupy

        self.blas = Blas(cupy)
        self.xp = _namespace(cupy, self.blas)
        self.array_type = cupy.ndarray
        self.watch_memory()
        self.index = int(cupy.cuda.runtime.getDevice())

    def set_device(self, index: int) -> None:
        """Compute with the GPU of another number from now on.

        Raises:
            BackendError: this process has computed with one already.
        """
        if index != self.index and self.pool.total_bytes():
            raise BackendError(
                message(
                    "cuda.set_device",
                    f"cuda:{index} cannot be taken into use: arrays lie on cuda:{self.index}.",
                    "constants, the state of random numbers and cuBLAS's handle are made once, on one GPU",
                    f"call it before the first tensor, or set CUDA_VISIBLE_DEVICES={index}.",
                )
            )
        self.xp.cuda.runtime.setDevice(index)
        self.index = index

    def asarray(self, values: Any, dtype: Any = None) -> Any:
        if not isinstance(values, self.array_type):
            refuse_crossing("values from the host")
        return self.xp.asarray(values, dtype=dtype)

    def read(self, array: Any) -> Any:
        return self.xp.asnumpy(array)

    def address(self, array: Any) -> int:
        return int(array.data.ptr)

    def synchronize(self) -> None:
        refuse_crossing("to wait for the device")
        self.xp.cuda.runtime.deviceSynchronize()
        self.settle()

    def recorder(self, capture: Capture) -> GraphRecorder:
        return GraphRecorder(self, capture)

    def compile(self, file: str, names: Sequence[str]) -> Mapping[str, Callable[..., Any]]:
        from minicnn.backend.cupy.nvrtc import compiled

        return compiled(file, source(file), names)

    def stacked(self, a: Any, b: Any, out: Any) -> None:
        self.blas.matmul(a, b, out)

    def products(self, allow_tf32: bool) -> contextlib.AbstractContextManager[None]:
        from minicnn.backend.cupy.tf32 import products

        return products() if allow_tf32 else contextlib.nullcontext()


def _namespace(cupy: Any, blas: Blas) -> Any:
    """Return CuPy's names: with matrix products that can be captured, and refusals of what cannot."""
    plain: Callable[..., Any] = cupy.matmul

    @functools.wraps(plain)
    def matmul(a: Any, b: Any, out: Any = None, **options: Any) -> Any:
        if blas.active:
            return blas.matmul(a, b, out)
        return plain(a, b, out=out, **options)

    names = types.ModuleType(cupy.__name__)
    names.__dict__.update(vars(cupy))
    names.matmul = matmul  # type: ignore[attr-defined]
    for name in JOINING:
        setattr(names, name, refusing(getattr(cupy, name)))
    for name in SIZED_BY_VALUES:
        setattr(names, name, _waiting(getattr(cupy, name)))
    return names


def _waiting(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that waits for the device, refused while a step is captured: it would spoil the capture."""

    @functools.wraps(function)
    def waits(*args: Any, **options: Any) -> Any:
        refuse_crossing("the size of the result on the host")
        return function(*args, **options)

    return waits
