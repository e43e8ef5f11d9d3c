"""The GPU backend: CuPy. The only room that imports cupy, and only once a GPU is asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minicnn.backend.cupy.kernels import CudaKernels
from minicnn.backend.cupy.launch import source
from minicnn.errors import BackendError, message


def why_not() -> str | None:
    """Return why no GPU can be used here, or None where one can."""
    try:
        import cupy
    except ImportError as error:
        return f"CuPy is not installed ({error})"
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except RuntimeError as error:  # cupy imports without a driver and fails at the first call
        return f"CuPy {cupy.__version__} finds no usable CUDA device ({error})"
    return None if count else f"CuPy {cupy.__version__} finds no CUDA device"


class CupyBackend(CudaKernels):
    """Arrays of CuPy, on a CUDA device.

    Raises:
        BackendError: CuPy or the device is missing.
    """

    name = "cupy"
    device_type = "cuda"

    def __init__(self) -> None:
        reason = why_not()
        if reason is not None:
            raise BackendError(
                message(
                    'minicnn.use("cupy")',
                    "a GPU was asked for and none can be used.",
                    reason,
                    "pip install 'minicnn[cuda12]' (or cuda13, as your driver asks) on a machine with an NVIDIA "
                    'GPU, or stay on the CPU: use("numpy").',
                )
            )
        import cupy

        self.xp = cupy
        self.array_type = cupy.ndarray

    def asarray(self, values: Any, dtype: Any = None) -> Any:
        return self.xp.asarray(values, dtype=dtype)

    def to_numpy(self, array: Any) -> np.ndarray[Any, Any]:
        return self.xp.asnumpy(array)

    def address(self, array: Any) -> int:
        return int(array.data.ptr)

    def synchronize(self) -> None:
        self.xp.cuda.get_current_stream().synchronize()

    def compile(self, file: str, names: Sequence[str]) -> Mapping[str, Callable[..., Any]]:
        from minicnn.backend.cupy.nvrtc import compiled

        return compiled(file, source(file), names)

    def products(self, allow_tf32: bool) -> contextlib.AbstractContextManager[None]:
        from minicnn.backend.cupy.tf32 import products

        return products() if allow_tf32 else contextlib.nullcontext()
