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
        counts: whether the step that is recorded counts as done; else the host's part of it is taken back.

    Attributes:
        work: functions to call before each replay, in the order of the step.
        kept: arrays made before, which replays read and write, and which nobody else may hold any more.
    """

    def __init__(self, backend: Any, counts: bool = True) -> None:
        self.backend, self.counts = backend, counts
        self.undo: list[Callable[[], object]] = []
        self.work: list[Callable[[], object]] = []
        self.kept: list[Any] = []
        self.busy = False  # whether some of it is being done
        # Made before the recording starts: what is written to them must not become a part of it.
        self.tables = {dtype: Table(*backend.live_numbers(SLOTS, dtype)) for dtype in ("float32", "float64")}

    def number(self, key: Hashable, compute: Callable[[], float], dtype: Any) -> Any:
        """Return the place on the device where a number stands that ``compute`` gives anew before each replay."""
        table = self.tables[str(dtype)]
        place, work = table.place(key, compute)
        if work is not None:
            self.work.append(work)
            if self.backend.runs_while_recording or _thread.rehearsal is self:
                table.upload()
        return place

    def before_replay(self) -> None:
        """Do the host's part of a step, and send the live numbers."""
        for work in self.work:
            work()
        self.upload()

    def take_back(self) -> None:
        """Undo the host's part of a step that was recorded, and not done."""
        while self.undo:
            self.undo.pop()()
        for table in self.tables.values():
            table.changed = True

    def upload(self) -> None:
        """Send the live numbers as they are."""
        for table in self.tables.values():
            table.upload()


class Table:
    """Live numbers of one dtype.

    Args:
        array: (SLOTS,), on the device.
        send: ``send(array, numbers)`` overwrites it, in the order of the device's other work.
    """

    def __init__(self, array: Any, send: Callable[[Any, Any], None]) -> None:
        self.array, self._send = array, send
        self._values = np.zeros(SLOTS, dtype=str(array.dtype))
        self._places: dict[Hashable, int] = {}
        self.changed = False

    def place(self, key: Hashable, compute: Callable[[], float]) -> tuple[Any, Callable[[], None] | None]:
        """Return a number's place, an array without dims, and what computes it; None where that is done already."""
        if key in self._places:
            return self.array[self._places[key]], None
        slot = len(self._places)
        if slot == SLOTS:
            raise BackendError(
                message(
                    "cuda.graph",
                    f"a step may have {SLOTS} numbers that change from call to call.",
                    "an optimizer has one to four for each group of parameters",
                    "use fewer groups, or step the optimizer outside of the graph.",
                )
            )
        self._places[key] = slot

        def work() -> None:
            value = self._values.dtype.type(compute())
            if value != self._values[slot]:
                self._values[slot], self.changed = value, True

        work()
        return self.array[slot], work

    def upload(self) -> None:
        """Send the numbers, if any has changed since."""
        if self.changed:
            self._send(self.array, self._values.copy())
            self.changed = False


class _Thread(threading.local):
    capture: Capture | None = None
    rehearsal: Capture | None = None


_thread = _Thread()
_open = 0  # captures and rehearsals of all threads: while there are none, nobody pays for asking


def capturing() -> Capture | None:
    """Return the capture that this thread is recording; None while it is not."""
    return _thread.capture


class recording:
    """A block in which what the thread does is recorded for a capture."""

    def __init__(self, capture: Capture) -> None:
        self.capture = capture

    def __enter__(self) -> Capture:
        global _open
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
        _open += 1
        return self.capture

    def __exit__(self, *_: object) -> None:
        global _open
        _thread.capture = None
        _open -= 1


class rehearsing:
    """A block that runs as ever, but for numbers that stand on the device as they will when it is captured.

    So the kernels that read them are compiled and loaded before the capture, in which a device may refuse to do that.
    """

    def __init__(self, capture: Capture) -> None:
        self.capture = capture

    def __enter__(self) -> None:
        global _open
        _thread.rehearsal = self.capture
        _open += 1

    def __exit__(self, *_: object) -> None:
        global _open
        _thread.rehearsal = None
        _open -= 1


def quiet() -> bool:
    """Whether no step is captured or rehearsed, in any thread.

    >>> quiet()
    True
    """
    return not _open


def on_replay(work: Callable[[], object], saved: Callable[[], Callable[[], object]] | None = None) -> None:
    """Do a piece of the host's work now, and while a step is captured, before each of its replays too.

    Args:
        work: what to do.
        saved: notes how things stand, and returns what brings that back, for a capture that does not count as a step.

    >>> steps = []
    >>> on_replay(lambda: steps.append(1))
    >>> steps
    [1]
    """
    capture = _thread.capture
    if capture is None or capture.busy:  # within other such work, which is repeated whole
        work()
        return
    if saved is not None and not capture.counts:
        capture.undo.append(saved())
    capture.busy = True
    try:
        work()
    finally:
        capture.busy = False
    capture.work.append(work)


def keep(*arrays: Any) -> None:
    """Hold arrays as long as a step may be replayed that is being captured: their memory must go to no other."""
    if _thread.capture is not None:
        _thread.capture.kept.extend(arrays)


def live(key: Hashable, compute: Callable[[], float], like: Any) -> Any:
    """Return a number that may be another at the next step: a float, or while a step is captured, its place.

    Args:
        key: what it is; the same key stands for the same number.
        compute: gives it.
        like: an array of the dtype that it is computed with.

    >>> live("lr", lambda: 0.1, None)
    0.1
    """
    capture = _thread.capture or _thread.rehearsal
    return compute() if capture is None else capture.number(key, compute, like.dtype)


def refuse_crossing(what: str) -> None:
    """Raise the error for values that cross between host and device while a step is captured."""
    if _thread.capture is None:
        return
    raise BackendError(
        message(
            caller(),
            f"needs {what} while a step is captured (cuda.graph).",
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
