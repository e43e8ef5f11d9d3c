"""TF32: float32 factors rounded to 10 bits, for the matrix units that multiply them many times faster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

TF32_MATH = 3  # CUBLAS_TF32_TENSOR_OP_MATH of cublas_api.h, which CuPy has no name for
TF32_COMPUTE = 7  # COMPUTE_TYPE_TF32 of CuPy, for its products of two matrices


@contextmanager
def products() -> Iterator[None]:
    """Within this block, float32 matrix products may go by TF32, where the device has it (compute capability 8.0).

    cuBLAS's mode is a setting of its handle, read when a product is asked for: nothing waits for the device, and a
    captured product keeps the mode it was captured with. CuPy's products of two matrices name the mode themselves.
    """
    from cupy import _core
    from cupy.cuda import cublas, device

    if int(device.get_compute_capability()) < 80:
        yield
        return
    handle = device.get_cublas_handle()
    mode, kind = cublas.getMathMode(handle), _core.get_compute_type("float32")
    cublas.setMathMode(handle, TF32_MATH)
    _core.set_compute_type("float32", TF32_COMPUTE)
    try:
        yield
    finally:
        cublas.setMathMode(handle, mode)
        _core.set_compute_type("float32", kind)
