"""Kernels compiled on first use by NVRTC, CUDA's compiler within CuPy, which keeps the results on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minicnn.errors import BackendError, message


def compiled(file: str, text: str, names: Sequence[str]) -> Mapping[str, Callable[..., Any]]:
    """Return the kernels of a source, by name.

    Raises:
        BackendError: the source does not compile; the compiler's first error is named.
    """
    import cupy
    from cupy.cuda.compiler import CompileException

    module = cupy.RawModule(code=text, options=("--std=c++17",), name_expressions=tuple(names))
    try:
        return {name: module.get_function(name) for name in names}
    except CompileException as error:
        raise BackendError(
            message(
                f"{file}.cu",
                "CUDA's compiler NVRTC does not take this source.",
                first_error(str(error)),
                f"reinstall minicnn; if that does not help, report this with CuPy's version, {cupy.__version__}.",
            )
        ) from error


def first_error(log: str) -> str:
    """Return the first error of a compiler's log, on one line.

    >>> first_error("pool.cu(3): warning: unused\\npool.cu(7): error: expected a \';\'\\n1 error detected")
    "pool.cu(7): error: expected a \';\'"
    """
    lines = log.strip().splitlines() or ["it says nothing"]
    return next((line.strip() for line in lines if "error" in line), lines[0].strip())
