"""A backend that computes with NumPy and behaves as CuPy does, so that machines without a GPU can prove device code.

What CuPy refuses is refused here: implicit conversion to NumPy, NumPy arrays and lists as operands, names that the
real module lacks. What it does otherwise is done here: reductions give arrays without dims, never scalars, and data
crosses from and to the host by copies.
"""

from __future__ import annotations

import types
from typing import Any

import numpy as np

from minicnn.backend.base import Backend
from minicnn.backend.strict.names import names

HOST_DATA = {"array", "asarray", "ascontiguousarray", "asfortranarray"}  # these take NumPy arrays and lists


class StrictArray:
    """An array that stands for one on a device."""

    __array_ufunc__ = None

    def __init__(self, values: Any, base: StrictArray | None = None) -> None:
        self._values = values
        self.base = base

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`.")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in names()["cupy.ndarray"]:
            raise AttributeError(f"a device array has no attribute {name!r}")
        return _wrapped(getattr(self._values, name), self)

    def __getitem__(self, index: Any) -> Any:
        return _wrap(self._values[_unwrap(index)], (self,))

    def __setitem__(self, index: Any, value: Any) -> None:
        self._values[_unwrap(index)] = _unwrap(value)

    def __len__(self) -> int:
        return len(self._values)

    def __bool__(self) -> bool:
        return bool(self._values)

    def __int__(self) -> int:
        return int(self._values)

    def __float__(self) -> float:
        return float(self._values)

    def __repr__(self) -> str:
        return f"strict({self._values!r})"


def _operator(name: str) -> Any:
    def method(self: StrictArray, *others: Any) -> Any:
        result = getattr(self._values, name)(*(_unwrap(other) for other in others))
        if name.startswith("__i") and name != "__invert__":
            return self
        return result if result is NotImplemented else _wrap(result, (self, *others))

    return method


_BINARY = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift"]
for _name in [
    *(f"__{kind}{name}__" for name in _BINARY for kind in ("", "r", "i")),
    *(f"__{name}__" for name in ["eq", "ne", "lt", "le", "gt", "ge", "neg", "pos", "abs", "invert"]),
]:
    setattr(StrictArray, _name, _operator(_name))


def _unwrap(value: Any) -> Any:
    """Return device arrays as what they hold; refuse those of the host."""
    if isinstance(value, StrictArray):
        return value._values
    if isinstance(value, (np.ndarray, np.generic)):
        raise TypeError(f"Unsupported type {type(value)}")
    if isinstance(value, tuple):
        return tuple(_unwrap(v) for v in value)
    if isinstance(value, list):
        return [_unwrap(v) for v in value]
    return value


def _wrap(value: Any, inputs: tuple[Any, ...]) -> Any:
    """Return results as device arrays that know, as NumPy's do, whose memory they show."""
    if isinstance(value, np.generic):
        return StrictArray(np.asarray(value))
    if isinstance(value, np.ndarray):
        for source in inputs:
            if isinstance(source, StrictArray):
                owner = source if source.base is None else source.base
                known = [array for array in (owner._values, owner._values.base, source._values) if array is not None]
                base: Any = value
                while base is not None:  # as_strided puts objects of its own between
                    if any(base is array for array in known):
                        return StrictArray(value, owner)
                    base = getattr(base, "base", None)
        return StrictArray(value)
    if isinstance(value, (tuple, list)):
        parts = [_wrap(v, inputs) for v in value]
        return parts if isinstance(value, list) else tuple(parts)
    return value


def _wrapped(value: Any, source: StrictArray) -> Any:
    """Return an attribute of an array: data wrapped, methods with wrapped results."""
    if callable(value) and not isinstance(value, (type, np.dtype)):

        def method(*args: Any, **kwargs: Any) -> Any:
            given = {k: _unwrap(v) for k, v in kwargs.items()}
            return _wrap(value(*(_unwrap(a) for a in args), **given), (source, *args))

        return method
    return _wrap(value, (source,)) if isinstance(value, (np.ndarray, np.generic)) else value


class _Function:
    """A function of the namespace."""

    def __init__(self, name: str, function: Any) -> None:
        self.name = name
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.name in HOST_DATA and not isinstance(args[0], StrictArray):
            return StrictArray(np.array(args[0], **{k: v for k, v in kwargs.items() if k == "dtype"}))
        given = {k: _unwrap(v) for k, v in kwargs.items()}
        return _wrap(self.function(*(_unwrap(a) for a in args), **given), args)

    def at(self, array: StrictArray, index: Any, values: Any) -> None:
        """Apply a ufunc in place where the index reads, repeats included."""
        self.function.at(_unwrap(array), _unwrap(index), _unwrap(values))


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


class StrictBackend(Backend):
    """NumPy behind a device's manners."""

    name = "strict"
    device_type = "strict"
    xp = _Namespace("cupy", np)
    array_type = StrictArray

    def asarray(self, values: Any, dtype: Any = None) -> Any:
        return self.xp.asarray(values, dtype=dtype)

    def to_numpy(self, array: Any) -> Any:
        return array._values.copy()

    def address(self, array: Any) -> int:
        return int(array._values.__array_interface__["data"][0])
