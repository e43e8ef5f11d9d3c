"""Time by device events: the sides take turns, and the median of their rounds counts."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks.gpu.sides import Side


class Entry(NamedTuple):
    """Something to time.

    Attributes:
        side: whose it is.
        call: does it once.
    """

    side: Side
    call: Callable[[], Any]


def once(entry: Entry, count: int) -> float:
    """Return the milliseconds of a call, over so many of them back to back."""
    start, end = entry.side.event(), entry.side.event()
    start.record()
    for _ in range(count):
        entry.call()
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end)) / count


def measure(entries: dict[str, Entry], rounds: int, milliseconds: float) -> dict[str, dict[str, float]]:
    """Return, for each entry, the median milliseconds of a call and its quartiles.

    Args:
        entries: by name; each round gives each its turn, one after the other.
        rounds: how many.
        milliseconds: how long a turn lasts, or longer: many short calls are timed together.
    """
    counts = {}
    for name, entry in entries.items():
        for _ in range(3):
            entry.call()  # kernels are compiled, memory is taken
        first = once(entry, 1)
        counts[name] = max(1, min(1000, round(milliseconds / max(first, 1e-3))))
    times: dict[str, list[float]] = {name: [] for name in entries}
    for _ in range(rounds):
        for name, entry in entries.items():
            with entry.side.here():
                times[name].append(once(entry, counts[name]))
    return {name: _summary(found) for name, found in times.items()}


def _summary(times: list[float]) -> dict[str, float]:
    low, middle, high = statistics.quantiles(times, n=4) if len(times) > 1 else times * 3
    return {"ms": middle, "low": low, "high": high}
