"""A backend that computes with NumPy and behaves as CuPy does, so that machines without a GPU can prove device code.

What CuPy refuses is refused here: implicit conversion to NumPy, NumPy arrays and lists as operands, names that the
real module lacks. What it does otherwise is done here: reductions give arrays without dims, never scalars, and data
crosses from and to the host by copies. What waits for a device is counted (`crossings`), and steps can be captured.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.backend.capture import Capture, refuse_crossing
from minicnn.backend.device_side import DeviceSide
from minicnn.backend.joining import JOINING, Joining, refuse_many
from minicnn.backend.strict.array import Crossing, StrictArray, cross, crossings, unwrap, wrap, wrapped_round
from minicnn.backend.strict.names import names
from minicnn.backend.strict.recording import Recorder, call

__all__ = ["Crossing", "StrictArray", "StrictBackend", "crossings"]

HOST_DATA = {"array", "asarray", "ascontiguousarray", "asfortranarray"}  # these take NumPy arrays and lists
SIZED_BY_VALUES = {"argwhere", "extract", "flatnonzero", "nonzero", "unique", "union1d", "setdiff1d", "trim_zeros"}
ATOMICS = {
    "add": ("int32", "uint32", "uint64", "float32", "float64"),
    "maximum": ("int32", "uint32", "uint64", "float32", "float64"),
    "minimum": ("int32", "uint32", "uint64", "float32", "float64"),
}


class _Function:
    """A function of the namespace."""

    def __init__(self, name: str, function: Any) -> None:
        self.name = name
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.name in HOST_DATA and not isinstance(args[0], StrictArray):
            refuse_crossing("values from the host")
            return StrictArray(np.array(args[0], **{k: v for k, v in kwargs.items() if k == "dtype"}))
        if self.name in SIZED_BY_VALUES or (self.name == "where" and len(args) == 1):
            cross("the size of the result")
        if self.name in JOINING:
            refuse_many(args[0])
        given = {k: unwrap(v) for k, v in kwargs.items()}
        return wrap(call(self.function, tuple(unwrap(a) for a in args), given), args)

    def at(self, array: StrictArray, index: Any, values: Any) -> None:
        """Apply a ufunc in place where the index reads, repeats included, to the dtypes that atomics take."""
        if array.dtype.name not in ATOMICS.get(self.name, ()):
            raise TypeError(f"{self.name}.at does not take {array.dtype}")
        places = wrapped_round(unwrap(index), array.shape)
        call(self.function.at, (unwrap(array), places, unwrap(values)))


class _Namespace:
    """The array module, with the names that the real one has and no others."""

    lib = types.SimpleNamespace(
        stride_tricks=types.SimpleNamespace(as_strided=_Function("as_strided", np.lib.stride_tricks.as_strided))
    )
    ndarray = StrictArray

    def __init__(self, module: str, room: Any) -> None:
        self._module = module
        self._room = room

    @property
    def linalg(self) -> Any:
        return _Namespace("cupy.linalg", np.linalg)

    def __getattr__(self, name: str) -> Any:
        if name not in names()[self._module]:
            raise AttributeError(f"module {self._module!r} has no attribute {name!r}")
        value = getattr(self._room, name)
        if isinstance(value, type) or not callable(value):
            return value
        return _Function(name, value)


class _Pinned(bytearray):
    """Memory that stands for page-locked memory."""


class StrictBackend(Joining, DeviceSide):
    """NumPy behind a device's manners."""

    name = "strict"
    device_type = "strict"
    xp = _Namespace("cupy", np)
    array_type = StrictArray

    def asarray(self, values: Any, dtype: Any = None) -> Any:
        return self.xp.asarray(values, dtype=dtype)

    def read(self, array: Any) -> Any:
        cross("values")
        return array._values.copy()

    def pinned(self, array: Any) -> Any:
        out = np.ndarray(array.shape, array.dtype, buffer=_Pinned(max(array.nbytes, 1)))
        out[...] = array
        return out

    def is_pinned(self, array: Any) -> bool:
        while array is not None and not isinstance(array, _Pinned):
            array = array.obj if isinstance(array, memoryview) else getattr(array, "base", None)
        return array is not None

    def fetch_ahead(self, array: Any) -> Callable[[], Any]:
        refuse_crossing("values from the host")
        return lambda: self.asarray(array)  # as late as a device may copy it

    def address(self, array: Any) -> int:
        return int(array._values.__array_interface__["data"][0])

    runs_while_recording = True

    def live_numbers(self, count: int, dtype: str) -> tuple[Any, Callable[[Any, Any], None]]:
        array, _ = super().live_numbers(count, dtype)
        return array, lambda array, numbers: array._values.__setitem__(Ellipsis, numbers)  # which is not recorded

    def recorder(self, capture: Capture) -> Recorder:
        return Recorder(capture)
