"""Captured steps: what the host repeats at each replay, and numbers that differ from replay to replay.

A captured step is a list of kernels with fixed arguments. Whatever Python computed while they were recorded is frozen:
a learning rate, Adam's count of steps. What must go on living is registered here, by the code that it belongs to:
`on_replay` is work of the host, `live` a number that kernels read from the device's memory.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from minicnn.errors import BackendError, message

SLOTS = 256  # live numbers of one dtype a capture can hold


class Capture:
    """One recording, and what the host does before each replay of it.

    Args:
        backend: records the kernels.

    Attributes:
        work: functions to call before each replay, in order.
        kept: what must not be freed while replays may come.
    """

    def __init__(self, backend: Any) -> None:
        self.backend = backend
        self.work: list[Callable[[], object]] = []
        self.kept: list[Any] = []
        # Made before the recording starts: what is written to them must not become a part of it.
        self.tables = {dtype: Table(*backend.live_numbers(SLOTS, dtype)) for dtype in ("float32", "float64")}

    def number(self, key: Hashable, compute: Callable[[], float], dtype: Any) -> Any:
        """Return the place on the device where a number stands that ``compute`` gives anew before each replay."""
        return self.tables[str(dtype)].place(key, compute)

    def before_replay(self) -> None:
        """Do the host's part of a step, and bring the live numbers up to date."""
        for work in self.work:
            work()
        for table in self.tables.values():
            table.refresh()


class Table:
    """Live numbers of one dtype: an array on the device, and how each number is computed.

    Args:
        array: (SLOTS,), on the device.
        upload: ``upload(array, numbers)`` overwrites it, in the order of the device's other work.
    """

    def __init__(self, array: Any, upload: Callable[[Any, Any], None]) -> None:
        self.array, self._upload = array, upload
        self._sources: dict[Hashable, tuple[int, Callable[[], float]]] = {}
        self._sent: list[float] = []

    def place(self, key: Hashable, compute: Callable[[], float]) -> Any:
        """Return the number's place, an array without dims; the same one for the same key."""
        if key not in self._sources:
            if len(self._sources) == SLOTS:
                raise BackendError(
                    message(
                        "cuda.graph",
                        f"a step may have {SLOTS} numbers that change from call to call.",
                        "an optimizer has one or two for each group of parameters",
                        "use fewer groups, or step the optimizer outside of the graph.",
                    )
                )
            self._sources[key] = (len(self._sources), compute)
        return self.array[self._sources[key][0]]

    def refresh(self) -> None:
        """Send the numbers to the device, if any has changed."""
        values = [compute() for _, compute in self._sources.values()]
        if values != self._sent:
            numbers = np.zeros(SLOTS, dtype=str(self.array.dtype))
            numbers[: len(values)] = values
            self._upload(self.array, numbers)
            self._sent = values


class _Thread(threading.local):
    capture: Capture | None = None


_thread = _Thread()


def capturing() -> Capture | None:
    """Return the capture that this thread is recording; None while it is not."""
    return _thread.capture


class recording:
    """A block in which what the thread does is recorded for a capture."""

    def __init__(self, capture: Capture) -> None:
        self.capture = capture

    def __enter__(self) -> Capture:
        if _thread.capture is not None:
            raise BackendError(
                message(
                    "cuda.graph",
                    "a step is being captured already.",
                    "one capture was begun within another",
                    "call the inner step plainly, and graph the outer one alone.",
                )
            )
        _thread.capture = self.capture
        return self.capture

    def __exit__(self, *_: object) -> None:
        _thread.capture = None


def on_replay(work: Callable[[], object]) -> None:
    """Do a piece of the host's work now, and while a step is captured, before each of its replays too.

    >>> steps = []
    >>> on_replay(lambda: steps.append(1))
    >>> steps
    [1]
    """
    work()
    if _thread.capture is not None:
        _thread.capture.work.append(work)


def live(key: Hashable, compute: Callable[[], float], like: Any) -> Any:
    """Return a number that may be another at the next step: a float, or while a step is captured, its place.

    Args:
        key: what it is; the same key stands for the same number.
        compute: gives it.
        like: an array of the dtype that it is computed with.

    >>> live("lr", lambda: 0.1, None)
    0.1
    """
    if _thread.capture is None:
        return compute()
    return _thread.capture.number(key, compute, like.dtype)


def refuse_crossing(what: str) -> None:
    """Raise the error for values that cross between host and device while a step is captured."""
    if _thread.capture is None:
        return
    raise BackendError(
        message(
            "cuda.graph",
            f"{caller()} needs {what} while the step is captured.",
            "a replay runs on the device alone: nothing is read from it, and what it got from the host is frozen",
            "do this outside of the step; return a tensor from it, and read that when it is needed.",
        )
    )


BELOW = ("minicnn.backend", "minicnn.autograd")  # rooms whose functions no user calls by name


def caller() -> str:
    """Return the name of the function of minicnn that led here, as a user knows it."""
    known = getattr(sys.modules.get("minicnn.autograd.op"), "functions", {})
    frame: Any = sys._getframe(1)
    found = ""
    while frame is not None:
        module, name = frame.f_globals.get("__name__", ""), frame.f_code.co_name
        if module.startswith("minicnn.") and not module.startswith(BELOW):
            if name in known or (module.startswith("minicnn.tensor") and name.startswith("__")):
                return name.strip("_")
            if name[:1] not in "_<":
                found = found or name
        frame = frame.f_back
    return found or "the step"
