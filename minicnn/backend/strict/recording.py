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

    def __enter__(self) -> Recorder:
        self._block.__enter__()
        _open.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _open.remove(self)
        self._block.__exit__()

    def note(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Add a call that was made."""
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
    result = _arrays(function(*args, **kwargs))
    if _open:
        _open[-1].note(function, args, kwargs, result)
    return result


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
