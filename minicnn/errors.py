"""The error types, and the one builder of their messages.

Every message has three lines: which op and what is wrong; what it got, beside what it expected; how to mend it.
Each type also is the built-in one that PyTorch raises in the same place, so that code which catches those works.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable
from typing import Any, NoReturn


class MinicnnError(Exception):
    """What all errors of minicnn have in common.

    Attributes:
        got: the second line of the message before a function described its arguments there; empty if none did.
    """

    got: str = ""


class ShapeError(MinicnnError, RuntimeError, ValueError):
    """Shapes or ranks that do not fit together (PyTorch: RuntimeError in compiled code, ValueError in Python code)."""


class DTypeError(MinicnnError, RuntimeError):
    """A dtype that the op does not take, or dtypes that do not fit together (PyTorch: RuntimeError)."""


class ArgumentTypeError(MinicnnError, TypeError):
    """An argument of the wrong Python type (PyTorch: TypeError)."""


class DivisionByZeroError(MinicnnError, RuntimeError):
    """An integer divided by 0 (PyTorch: RuntimeError)."""


class ParameterError(MinicnnError, ValueError, RuntimeError):
    """A parameter outside its range (PyTorch: ValueError in Python code, RuntimeError in compiled code)."""


class IndexRangeError(MinicnnError, IndexError):
    """An index, a dim or a class label out of range (PyTorch: IndexError)."""


class ClassRangeError(IndexRangeError, RuntimeError):
    """A class that `one_hot` has no place for (PyTorch: RuntimeError)."""


class ElementError(DTypeError, ArgumentTypeError, ParameterError):
    """An element that is no number (PyTorch: TypeError, ValueError or RuntimeError, by what it is)."""


class KeyNameError(MinicnnError, KeyError):
    """A name that is not there, or is taken (PyTorch: KeyError)."""

    def __str__(self) -> str:  # KeyError shows repr(message), which would put \n into one line
        return str(self.args[0])


class NameMissingError(MinicnnError, AttributeError):
    """A name that a room of minicnn does not have (PyTorch: AttributeError)."""


class MatrixError(MinicnnError, RuntimeError):
    """A matrix that is singular, or not positive definite (PyTorch: linalg.LinAlgError, a RuntimeError)."""


class GraphError(MinicnnError, RuntimeError):
    """The graph cannot give the gradient asked for: freed, changed in place, or never recorded."""


class UninitializedError(ParameterError, GraphError):
    """A lazy layer's parameter without shape or values yet (PyTorch: ValueError, and RuntimeError for the shape)."""


class BackendError(MinicnnError, RuntimeError):
    """A backend or device that is not there, or arrays of two of them in one op."""


class OutOfMemoryError(BackendError):
    """A device has no memory left for an array (PyTorch: OutOfMemoryError, a RuntimeError)."""


class DataError(MinicnnError, RuntimeError):
    """A data file or picture that is missing, truncated or corrupt."""


class CheckpointError(MinicnnError, RuntimeError):
    """Weights that are missing, unexpected, of the wrong shape, or in a broken file."""


class FileMissingError(CheckpointError, FileNotFoundError):
    """A saved file that is not there (PyTorch: FileNotFoundError)."""


def near(word: Any, choices: Iterable[str], cutoff: float = 0.6) -> list[str]:
    """Return the choice that a misspelt word is most like, in a list; an empty one where none is.

    >>> near("mea", ["sum", "mean"])
    ['mean']
    """
    from difflib import get_close_matches  # takes time to import, and is needed for mistakes only

    return get_close_matches(str(word), list(choices), 1, cutoff)


def missing_names(room: str) -> Callable[[str], NoReturn]:
    """Return a room's ``__getattr__``: the error for a name that it does not have, with the reason if PyTorch has it.

    >>> from minicnn import nn
    >>> nn.LSTM
    Traceback (most recent call last):
    minicnn.errors.NameMissingError: minicnn.nn: module 'minicnn.nn' has no attribute 'LSTM'.
      torch.nn.LSTM is not here: recurrent networks are left out
      Fix: docs/names.md lists what there is.
    """

    def refuse_name(name: str) -> NoReturn:
        problem = f"module {room!r} has no attribute {name!r}"
        if name.startswith("__"):  # a question of Python's own
            raise AttributeError(problem, name=name)
        from minicnn.testing.names import torch_room, why

        reason = why(room, name)
        close = [] if reason else near(name, dir(sys.modules[room]), 0.75)
        raise NameMissingError(
            message(
                room,
                f"{problem}.",
                f"{torch_room(room)}.{name} is not here: {reason}" if reason else "nor has PyTorch, by that name",
                f"write {close[0]}." if close else "docs/names.md lists what there is.",
            )
        )

    return refuse_name


def warn(text: str, category: type[Warning] = UserWarning) -> None:
    """Give a warning that points at the line outside of minicnn which led here."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("minicnn."):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, category, stacklevel=level)


def shown(value: object, length: int = 60) -> str:
    """Return a value as a message shows it: in one line, and not too long.

    >>> shown([1.0] * 100, 16)
    '[1.0, 1.0, 1....'
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= length else f"{text[: length - 3]}..."


def message(where: str, problem: str, got: str, fix: str) -> str:
    """Return the three lines of an error.

    Args:
        where: the op, layer or command the user called.
        problem: one sentence with what was got and what was expected.
        got: the shapes, values or names that show it.
        fix: what to write instead.

    >>> print(message("conv2d", "weight expects 3 input channels, input has 4.",
    ...               "input (2, 4, 8, 8) = (N, C, H, W)", "pass an input with C=3."))
    conv2d: weight expects 3 input channels, input has 4.
      input (2, 4, 8, 8) = (N, C, H, W)
      Fix: pass an input with C=3.
    """
    return f"{where}: {problem}\n  {got}\n  Fix: {fix}"
