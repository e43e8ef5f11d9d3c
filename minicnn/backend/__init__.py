"""The switch between array libraries, and what every backend offers.

``use("cupy")`` makes new tensors live on the GPU; ``use("numpy")`` puts them back on the CPU; the environment
variable ``MINICNN_BACKEND`` sets the same at start. An op never asks which backend it is on: it receives one.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

from minicnn.backend.base import Array, Backend
from minicnn.errors import BackendError, DTypeError, ShapeError, message

__all__ = [
    "Array",
    "Backend",
    "backend_of",
    "current",
    "empty_cache",
    "explain_conv",
    "get",
    "gpu",
    "memory_summary",
    "set_winograd",
    "to_numpy",
    "use",
]


def _numpy() -> Backend:
    from minicnn.backend.numpy import NumpyBackend

    return NumpyBackend()


def _cupy() -> Backend:
    from minicnn.backend.cupy import CupyBackend  # imports cupy, so only when asked for

    return CupyBackend()


def _strict() -> Backend:
    from minicnn.backend.strict import StrictBackend

    return StrictBackend()


_makers: dict[str, Callable[[], Backend]] = {"numpy": _numpy, "cupy": _cupy, "strict": _strict}
_made: dict[str, Backend] = {}
by_array_type: dict[type, Backend] = {}
_default: Backend | None = None


class _Thread(threading.local):
    backend: Backend | None = None  # what a block has set for this thread


_thread = _Thread()


def get(name: str) -> Backend:
    """Return the backend of that name, made on first use.

    Raises:
        BackendError: no backend has that name, or what it needs is missing (no GPU, no CuPy).
    """
    if name not in _made:
        if name not in _makers:
            raise BackendError(
                message(
                    "minicnn.use",
                    f"there is no backend {name!r}.",
                    f"known: {', '.join(_makers)}, auto",
                    'use("numpy") for the CPU or use("cupy") for a GPU.',
                )
            )
        backend = _makers[name]()
        _made[name] = backend
        by_array_type[backend.array_type] = backend
    return _made[name]


def gpu(where: str) -> Backend:
    """Return the GPU's backend, for a function whose name begins the error where there is none.

    Raises:
        BackendError: there is no GPU.
    """
    try:
        return get("cupy")
    except BackendError as error:
        raise BackendError(f"{where}: " + str(error).removeprefix('minicnn.use("cupy"): ')) from None


class use:
    """Choose the backend of new tensors; as a context manager, for a block only.

    Args:
        name: ``"numpy"`` (CPU), ``"cupy"`` (GPU), ``"strict"`` (the CPU, behaving as the GPU does, for tests), or
            ``"auto"``: the GPU where one can be used, else the CPU.

    Raises:
        BackendError: the backend is unknown, or cannot be used here; there is no silent fall back.

    >>> import minicnn
    >>> with minicnn.use("numpy"):
    ...     minicnn.zeros(2).device
    device(type='cpu')
    """

    def __init__(self, name: str) -> None:
        global _default
        self.backend = _auto() if name == "auto" else get(name)
        self._before = _default
        _default = self.backend

    def __enter__(self) -> Backend:
        # A block is this thread's alone: what was set for all goes back, and the thread gets its own.
        global _default
        _default = self._before
        self._outer = _thread.backend
        _thread.backend = self.backend
        return self.backend

    def __exit__(self, *_: object) -> None:
        _thread.backend = self._outer

    def __repr__(self) -> str:
        return f"use({self.backend.name!r})"


def _auto() -> Backend:
    try:
        return get("cupy")
    except BackendError:
        return get("numpy")


def current() -> Backend:
    """Return the backend that new tensors are made on: this thread's within a ``with use(...)``, else the default."""
    global _default
    if _thread.backend is not None:
        return _thread.backend
    if _default is None:
        name = os.environ.get("MINICNN_BACKEND", "numpy")
        try:
            _default = _auto() if name == "auto" else get(name)
        except BackendError as error:
            first, *rest = str(error).splitlines()
            got = f"the environment sets MINICNN_BACKEND={name}"
            raise BackendError("\n".join([first, f"  {got}; {rest[0].strip()}", *rest[1:]])) from None
    return _default


def device_in_use() -> Backend | None:
    """Return the backend of the GPU that this process computes with; None while it computes on the CPU alone.

    >>> device_in_use() is None
    True
    """
    here = current()
    return here if here.records else _made.get("cupy")


def backend_of(array: Array) -> Backend:
    """Return the backend that an array belongs to.

    >>> import numpy as np
    >>> backend_of(np.zeros(3)).name
    'numpy'
    """
    try:
        return by_array_type[type(array)]
    except KeyError:
        raise BackendError(
            message(
                "backend_of",
                f"{type(array).__name__} is not an array of a backend in use.",
                f"in use: {', '.join(_made) or 'none'}",
                "make a tensor of it first: minicnn.tensor(values).",
            )
        ) from None


def to_numpy(array: Array) -> Any:
    """Return the array's values as a NumPy array on the host; a NumPy array comes back as it is."""
    return backend_of(array).to_numpy(array)


get("numpy")  # always there, and the first that backend_of meets


def explain_conv(
    x_shape: Sequence[int],
    weight_shape: Sequence[int],
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    dtype: str = "float32",
) -> Any:
    """Return which kernel the CPU takes for a convolution, why, and what it costs.

    Args:
        x_shape: (N, C, *S).
        weight_shape: (O, C/groups, *K).
        stride, padding, dilation, groups: as for `conv2d`.
        dtype: float32 or float64.
    Returns:
        A `minicnn.backend.numpy.plan.Plan`: algorithm, why, multiplications, direct, bytes, scratch.
    Raises:
        DTypeError: another dtype.
        ParameterError, ShapeError: as `conv2d`.

    >>> plan = explain_conv((64, 64, 32, 32), (64, 64, 3, 3), padding=1)
    >>> plan.algorithm, plan.multiplications < 0.5 * plan.direct
    ('winograd', True)
    """
    from minicnn.backend.numpy.plan import plan
    from minicnn.backend.threads import get_num_threads
    from minicnn.ops.fused.spatial import ints, output_sizes, pads

    where, d = "explain_conv", len(weight_shape) - 2
    letters = {"float32": "f", "float64": "d"}
    if str(dtype) not in letters:
        raise DTypeError(
            message(
                where, f"dtype expects float32 or float64, got {dtype}.", "convolutions take floats", 'dtype="float32".'
            )
        )
    stride, dilation = ints(where, "stride", stride, d, 1), ints(where, "dilation", dilation, d, 1)
    (groups,) = ints(where, "groups", groups, 1, 1)
    if len(x_shape) != len(weight_shape) or x_shape[1] != weight_shape[1] * groups or weight_shape[0] % groups:
        raise ShapeError(
            message(
                where,
                f"the weight's channels times groups, {weight_shape[1]} · {groups}, must be the input's.",
                f"x_shape {tuple(x_shape)} = (N, C, ...); weight_shape {tuple(weight_shape)} = (O, C/groups, ...)",
                "give shapes that a convolution would take.",
            )
        )
    kernel = tuple(weight_shape[2:])
    padding = pads(where, padding, kernel, stride, dilation)
    output_sizes(where, x_shape[2:], kernel, stride, padding, dilation)
    return plan(
        tuple(x_shape), tuple(weight_shape), letters[str(dtype)], stride, padding, dilation, groups, get_num_threads()
    )


def set_winograd(enabled: bool) -> None:
    """Let float32 convolutions of stride 1 go by Winograd's algorithm, or not; so does ``MINICNN_WINOGRAD=0``.

    With 3×3 kernels it takes a quarter of the multiplications, with 2×2 to 5×5 ones a third, in one dim half. Its
    error is about 1e-5 of the largest value, ten times the direct sum's; float64 never goes by it.

    >>> set_winograd(False)
    >>> explain_conv((64, 64, 32, 32), (64, 64, 3, 3), padding=1).algorithm
    'rows'
    >>> set_winograd(True)
    >>> explain_conv((64, 64, 32, 32), (64, 64, 3, 3), padding=1).algorithm
    'winograd'
    """
    from minicnn.backend.numpy import plan

    plan.switch.winograd = bool(enabled)


def memory_summary() -> str:
    """Return how much memory this process holds, and how much of it is kept for arrays to come.

    >>> print(memory_summary())  # doctest: +ELLIPSIS
    resident ... MiB; ...
    """
    from minicnn.backend.numpy.memory import memory_summary as summary

    return summary()


def empty_cache() -> None:
    """Give memory that no array uses, kept for those to come, back to the system.

    >>> empty_cache()
    """
    from minicnn.backend.numpy.memory import empty_cache as empty

    empty()
