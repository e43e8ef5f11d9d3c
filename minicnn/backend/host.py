"""What the backends answer differently because their memory is, or is not, the host's: here, that it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minicnn.random import Generator

Array = Any


class Host:
    """The plain answers of a backend whose arrays lie in the host's memory; `minicnn.backend.device_side` has others.

    Attributes:
        records: whether steps can be captured and replayed.
        runs_while_recording: whether a step that is recorded also runs.
    """

    records = False
    runs_while_recording = False

    xp: Any

    def extreme_at(self, target: Array, index: Any, values: Array, largest: bool) -> None:
        """Take values into the places of the target that an index reads, where they are larger (or smaller)."""
        (self.xp.maximum if largest else self.xp.minimum).at(target, index, values)

    def item(self, array: Array) -> Any:
        """Return the value of a one-element array as a Python number."""
        return array.item()

    def check_range(self, where: str, values: Array, low: float, high: float, error: Callable[[Any], Any]) -> None:
        """Raise ``error(value)`` if a value is outside [low, high]; NaN is not looked at.

        On a device this is found out when values are next read from it: looking at once would stall the device at
        every step. What reads memory by such values must therefore stay within bounds with any of them.

        Args:
            where: what is checked, in a word or two: checks of the same name and limits are noted in one place.
        """
        if values.size:
            for value in (values.min().item(), values.max().item()):
                if value < low or value > high:
                    raise error(value)

    def constant(self, values: Any) -> Array:
        """Return a small host array that an op makes anew at each call, as an array of this backend; only for reading.

        On a device those of equal values are one array, which is copied there once.
        """
        return values

    def may_hold(self, condition: Array) -> bool:
        """Whether a condition may hold anywhere; a backend that can look without waiting for a device does."""
        return bool(condition.any())

    def recorder(self, capture: Any) -> Any:
        """Return a block that records what is asked of the device in it; a device's own (see `minicnn.cuda.graph`)."""
        raise NotImplementedError(f"{type(self).__name__}.recorder")

    def settle(self) -> None:
        """Raise what `check_range` has noted; nothing here, where it raises at once."""

    def draws(self, generator: Generator) -> bool:
        """Whether the device itself draws a generator's uniform numbers."""
        return False

    def pinned(self, array: Any) -> Any:
        """Return a host array's values in memory that the device reads by itself; the array itself here."""
        return array

    def is_pinned(self, array: Any) -> bool:
        """Whether a host array lies in such memory."""
        return False

    def fetch_ahead(self, array: Any) -> Any:
        """Start to copy a pinned host array to the device, beside its other work; return a function to get the copy."""
        return lambda: array
