"""The error types, and the one builder of their messages.

Every message has three lines: which op and what is wrong; what it got, beside what it expected; how to mend it.
Each type also is the built-in one that PyTorch raises in the same place, so that code which catches those works.
"""

from __future__ import annotations


class MinicnnError(Exception):
    """What all errors of minicnn have in common.

    Attributes:
        got: the second line of the message before a function described its arguments there; empty if none did.
    """

    got: str = ""


class ShapeError(MinicnnError, RuntimeError):
    """Shapes or ranks that do not fit together (PyTorch: RuntimeError)."""


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


class KeyNameError(MinicnnError, KeyError):
    """A name that is not there, or is taken (PyTorch: KeyError)."""

    def __str__(self) -> str:  # KeyError shows repr(message), which would put \n into one line
        return str(self.args[0])


class MatrixError(MinicnnError, RuntimeError):
    """A matrix that is singular, or not positive definite (PyTorch: linalg.LinAlgError, a RuntimeError)."""


class GraphError(MinicnnError, RuntimeError):
    """The graph cannot give the gradient asked for: freed, changed in place, or never recorded."""


class UninitializedError(ParameterError, GraphError):
    """A lazy layer's parameter without shape or values yet (PyTorch: ValueError, and RuntimeError for the shape)."""


class BackendError(MinicnnError, RuntimeError):
    """A backend or device that is not there, or arrays of two of them in one op."""


class DataError(MinicnnError, RuntimeError):
    """A data file or picture that is missing, truncated or corrupt."""


class CheckpointError(MinicnnError, RuntimeError):
    """Weights that are missing, unexpected, of the wrong shape, or in a broken file."""


class FileMissingError(CheckpointError, FileNotFoundError):
    """A saved file that is not there (PyTorch: FileNotFoundError)."""


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
