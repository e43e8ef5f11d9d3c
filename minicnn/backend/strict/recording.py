"""What a captured step is on the strict namespace: calls with fixed arguments, made again into the same memory.

As a CUDA graph does, a replay runs no Python of the step's: numbers are those of the recording, arrays are places in
memory, and what a call gave lies after a replay where it lay when it was recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.backend.capture import Capture, recording

UNSET = ("empty", "empty_like")  # what they give has no values worth repeating


class Recorder:
    """A block whose calls are noted, in order."""

    def __init__(self, capture: Capture) -> None:
        self._calls: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], Any]] = []
        self._block = recording(capture)
        self._capture = capture
        self._before: dict[int, tuple[Any, Any]] = {}  # the memory that calls were given, and its values
        self._made: list[Any] = []  # the memory that calls made

    def __enter__(self) -> Recorder:
        self._block.__enter__()
        _open.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _open.remove(self)
        self._block.__exit__()
        for array, values in self._before.values():
            if array.flags.writeable:
                array[...] = values
        self._before, self._made = {}, []

    def save(self, value: Any) -> None:
        """Keep the values of memory that a call may write to, where the recorded step does not count as done."""
        if self._capture.counts:
            return
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, (tuple, list)):
            for part in value:
                self.save(part)
        elif isinstance(value, np.ndarray):
            owner = _owner(value)
            if id(owner) not in self._before and not any(owner is made for made in self._made):
                self._before[id(owner)] = owner, owner.copy()

    def note(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Add a call that was made."""
        if not self._capture.counts:
            for made in result if isinstance(result, (tuple, list)) else (result,):
                if isinstance(made, np.ndarray) and id(_owner(made)) not in self._before:
                    self._made.append(_owner(made))
        if getattr(function, "__name__", "") not in UNSET:
            self._calls.append((function, args, kwargs, result))

    def launch(self) -> None:
        """Make all calls again."""
        for function, args, kwargs, result in self._calls:
            _put(function(*args, **kwargs), result)


_open: list[Recorder] = []  # the one that is recording; empty while none is


def call(function: Callable[..., Any], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
    """Call a function of NumPy's; return its result with arrays in place of scalars, as a device gives."""
    kwargs = kwargs or {}
    if _open:
        _open[-1].save((getattr(function, "__self__", None), args, kwargs))
    result = _arrays(function(*args, **kwargs))
    if _open:
        _open[-1].note(function, args, kwargs, result)
    return result


def _owner(array: Any) -> Any:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _arrays(value: Any) -> Any:
    if isinstance(value, np.generic):
        return np.asarray(value)
    if isinstance(value, tuple):
        return tuple(_arrays(v) for v in value)
    return [_arrays(v) for v in value] if isinstance(value, list) else value


def _put(new: Any, old: Any) -> None:
    """Write what a call gave over what it gave when it was recorded."""
    if isinstance(old, np.ndarray):
        if not (isinstance(new, np.ndarray) and np.shares_memory(new, old)):  # a view shows the new values already
            np.copyto(old, new)
    elif isinstance(old, (tuple, list)):
        for a, b in zip(new, old, strict=True):
            _put(a, b)
