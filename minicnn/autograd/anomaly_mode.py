"""Finding where a NaN, or an error, of backward comes from: each op remembers the lines that called it."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minicnn.autograd.mode import Block
from minicnn.backend import backend_of
from minicnn.errors import GraphError, message

_PACKAGE = str(Path(__file__).parents[1])
_ENGINE = tuple(str(Path(_PACKAGE, room)) for room in ("autograd", "ops", "tensor"))


class _Anomaly:
    """Whether calls are remembered, and gradients searched for NaN; for all threads, as in PyTorch."""

    on = False
    check_nan = True


anomaly = _Anomaly()


class set_detect_anomaly(Block):
    """Turn the search for anomalies on or off: at once, or for a block or a decorated function only.

    While it is on, each recorded op remembers the lines that called it, which makes it slow. A backward that makes a
    NaN, while the search is on, raises a GraphError that names the op, the input whose gradient it is, and that line;
    any error in backward gets a note with all of these lines.

    Args:
        mode: whether to search.
        check_nan: whether to raise where a NaN is made; else only other errors get the note.

    >>> import minicnn
    >>> x = minicnn.tensor([0.0], requires_grad=True)
    >>> try:
    ...     with set_detect_anomaly(True):
    ...         (x * float("nan")).sum().backward()
    ... except RuntimeError as error:
    ...     print(str(error).splitlines()[0])
    MulBackward0: returned nan values in its 0th output, a gradient of shape (1,).
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.mode, self.check_nan = bool(mode), bool(check_nan)
        self.previous = anomaly.on, anomaly.check_nan
        anomaly.on, anomaly.check_nan = self.mode, self.check_nan

    def __call__(self, function: Any) -> Any:
        anomaly.on, anomaly.check_nan = self.previous  # meant for the function alone
        return super().__call__(function)

    def again(self) -> Any:
        return type(self)(self.mode, self.check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        anomaly.on, anomaly.check_nan = self.previous


class detect_anomaly(Block):
    """Search for anomalies within this block or decorated function; see `set_detect_anomaly`.

    Args:
        check_nan: whether to raise where a NaN is made; else only other errors get the note.

    >>> with detect_anomaly():
    ...     is_anomaly_enabled()
    True
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = bool(check_nan)

    def again(self) -> Any:
        return type(self)(self.check_nan)

    def __enter__(self) -> None:
        self.previous = anomaly.on, anomaly.check_nan
        anomaly.on, anomaly.check_nan = True, self.check_nan

    def __exit__(self, *_: object) -> None:
        anomaly.on, anomaly.check_nan = self.previous


def is_anomaly_enabled() -> bool:
    """Return whether ops remember the lines that called them."""
    return anomaly.on


def is_anomaly_check_nan_enabled() -> bool:
    """Return whether backward raises where a NaN is made."""
    return anomaly.check_nan


def calls() -> traceback.StackSummary:
    """Return the lines that led to an op, the outermost first, without those of the engine itself."""
    stack = traceback.StackSummary.extract(traceback.walk_stack(sys._getframe(1)), lookup_lines=False)
    frames = [frame for frame in reversed(stack) if not frame.filename.startswith(_ENGINE)]
    return traceback.StackSummary.from_list(frames)


def told(error: BaseException, name: str, trace: traceback.StackSummary | None) -> None:
    """Add to an error of backward in which op it happened and, where that is known, who called the op."""
    error.add_note(f"In the backward of {name}.")
    if trace is not None:
        error.add_note("The op was recorded here (most recent call last):\n" + "".join(trace.format()).rstrip())


def check_nan(name: str, results: Sequence[Any], trace: traceback.StackSummary | None) -> None:
    """Raise GraphError where a gradient that the op returned holds a NaN."""
    for i, result in enumerate(results):
        array = getattr(result, "_array", None)
        if array is not None and bool(backend_of(array).xp.isnan(array).any()):
            raise GraphError(
                message(
                    name,
                    f"returned nan values in its {i}th output, a gradient of shape {tuple(array.shape)}.",
                    f"the op was recorded at {_line(trace)}",
                    "look there for 0/0, the root or logarithm of 0, or an input that is nan or infinite.",
                )
            )


def _line(trace: traceback.StackSummary | None) -> str:
    """Return the innermost line of the user's own."""
    if not trace:
        return "a line unknown: turn detect_anomaly on before the op is computed, too"
    own = [frame for frame in trace if not frame.filename.startswith(_PACKAGE)]
    frame = (own or trace)[-1]
    return f"{frame.filename}, line {frame.lineno}: {frame.line}".rstrip(": ")
