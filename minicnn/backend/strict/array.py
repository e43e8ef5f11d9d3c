"""Strict arrays: NumPy's, that behave as CuPy's do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from minicnn.backend.capture import caller, refuse_crossing
from minicnn.backend.strict.names import names
from minicnn.backend.strict.recording import call

TO_HOST = {"item", "tolist", "get", "tobytes", "dump", "dumps", "tofile"}  # methods that give values to the host


class Crossing(NamedTuple):
    """One wait for the device: what was asked of it, and by which function."""

    what: str
    where: str


_watchers: list[list[Crossing]] = []


@contextlib.contextmanager
def crossings() -> Iterator[list[Crossing]]:
    """Note, within the block, whatever reads from the device; each is a wait for all its work.

    The first value that is read after labels or indices were checked brings what was noted of them, by one more.

    >>> import minicnn
    >>> before = minicnn.ones(1, device="strict").item()
    >>> with crossings() as seen:
    ...     total = float(minicnn.ones(3, device="strict").sum())
    >>> seen
    [Crossing(what='values', where='float')]
    """
    seen: list[Crossing] = []
    _watchers.append(seen)
    try:
        yield seen
    finally:
        _watchers.remove(seen)


def cross(what: str) -> None:
    """Note that something is read from the device; refuse it while a step is captured."""
    refuse_crossing(f"{what} on the host")
    for seen in _watchers:
        seen.append(Crossing(what, caller()))


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
        if name in TO_HOST:
            cross("values")
            return getattr(self._values, name)
        if name == "set":
            return self._set
        if name == "nonzero":
            cross("the size of the result")
        return _attribute(getattr(self._values, name), self)

    def _set(self, values: Any, stream: Any = None) -> None:
        """Copy a host array over this one; there are no streams here."""
        refuse_crossing("values from the host")
        if not isinstance(values, np.ndarray) or values.dtype != self._values.dtype:
            raise TypeError(f"expected a NumPy array of {self._values.dtype}")
        self._values[...] = values

    def __getitem__(self, index: Any) -> Any:
        given = unwrap(index)
        for part in given if isinstance(given, tuple) else (given,):
            if _kind(part) == "b":
                cross("the size of the result")
            if isinstance(part, list):
                refuse_crossing("values from the host")
        given = wrapped_round(given, self._values.shape)
        if all(type(part) is int for part in (given if isinstance(given, tuple) else (given,))):
            given = (*given, Ellipsis) if isinstance(given, tuple) else (given, Ellipsis)  # a view, even without dims
        return wrap(call(self._values.__getitem__, (given,)), (self,))

    def __setitem__(self, index: Any, value: Any) -> None:
        call(self._values.__setitem__, (wrapped_round(unwrap(index), self._values.shape), unwrap(value)))

    def __len__(self) -> int:
        return len(self._values)

    def __bool__(self) -> bool:
        cross("values")
        return bool(self._values)

    def __int__(self) -> int:
        cross("values")
        return int(self._values)

    __index__ = __int__

    def __float__(self) -> float:
        cross("values")
        return float(self._values)

    def __repr__(self) -> str:
        return f"strict({self._values!r})"


def _operator(name: str) -> Any:
    def method(self: StrictArray, *others: Any) -> Any:
        result = call(getattr(self._values, name), tuple(unwrap(other) for other in others))
        if name.startswith("__i") and name != "__invert__":
            return self
        return result if result is NotImplemented else wrap(result, (self, *others))

    return method


_BINARY = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift"]
for _name in [
    *(f"__{kind}{name}__" for name in _BINARY for kind in ("", "r", "i")),
    *(f"__{name}__" for name in ["eq", "ne", "lt", "le", "gt", "ge", "neg", "pos", "abs", "invert"]),
]:
    setattr(StrictArray, _name, _operator(_name))


def _kind(part: Any) -> str:
    return str(getattr(getattr(part, "dtype", None), "kind", ""))


def wrapped_round(index: Any, shape: tuple[int, ...]) -> Any:
    """Return an index whose arrays of places start again at 0 past the end: a device does not look at them."""
    parts = index if isinstance(index, tuple) else (index,)
    if not any(_kind(part) in "iu" and _kind(part) for part in parts):
        return index
    used = sum(0 if part is None or part is Ellipsis else part.ndim if _kind(part) == "b" else 1 for part in parts)
    out, dim = [], 0
    for part in parts:
        if part is Ellipsis:
            dim += len(shape) - used
        elif part is not None:
            if _kind(part) in ("i", "u") and shape[dim]:
                part = call(np.remainder, (part, shape[dim]))
            dim += part.ndim if _kind(part) == "b" else 1
        out.append(part)
    return tuple(out) if isinstance(index, tuple) else out[0]


def unwrap(value: Any) -> Any:
    """Return device arrays as what they hold; refuse those of the host."""
    if isinstance(value, StrictArray):
        return value._values
    if isinstance(value, (np.ndarray, np.generic)):
        raise TypeError(f"Unsupported type {type(value)}")
    if isinstance(value, tuple):
        return tuple(unwrap(v) for v in value)
    if isinstance(value, list):
        return [unwrap(v) for v in value]
    return value


def wrap(value: Any, inputs: tuple[Any, ...]) -> Any:
    """Return results as device arrays that know, as NumPy's do, whose memory they show."""
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
        parts = [wrap(v, inputs) for v in value]
        return parts if isinstance(value, list) else tuple(parts)
    return value


def _attribute(value: Any, source: StrictArray) -> Any:
    """Return an attribute of an array: data wrapped, methods with wrapped results."""
    if callable(value) and not isinstance(value, (type, np.dtype)):

        def method(*args: Any, **kwargs: Any) -> Any:
            given = {k: unwrap(v) for k, v in kwargs.items()}
            return wrap(call(value, tuple(unwrap(a) for a in args), given), (source, *args))

        return method
    if isinstance(value, np.generic):
        value = np.asarray(value)
    return wrap(value, (source,)) if isinstance(value, np.ndarray) else value
