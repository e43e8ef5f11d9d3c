"""Samples: the inputs that each op is checked on, shipped with the op so that users can run the suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Rng = np.random.Generator
else:
    Rng = Any  # numpy.random takes time to import, and is when it is first used


class Sample:
    """One call of a public function: ``function(*args, **kwargs)``.

    Float64 NumPy arrays stand for differentiable tensors and are cast to the dtype under test; arrays of integers
    and bools, and a `Constant`, stand for tensors without gradient. Lists and tuples may hold arrays. All else is
    passed as it is.

    Args:
        args: the positional arguments.
        kwargs: the keyword arguments.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args = tuple(np.asarray(a) if isinstance(a, np.generic) else a for a in args)
        self.kwargs = kwargs

    def __repr__(self) -> str:
        shown = [_show(a) for a in self.args] + [f"{k}={_show(v)}" for k, v in self.kwargs.items()]
        return f"({', '.join(shown)})"


class ErrorSample(Sample):
    """A call that must raise.

    Args:
        error: the type of the error.
        words: what its message must name.
        args: the positional arguments.
        kwargs: the keyword arguments.
    """

    def __init__(self, error: type[Exception], words: str | tuple[str, ...], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.error = error
        self.words = (words,) if isinstance(words, str) else words


class Constant:
    """In a sample: a tensor of floats for which there is no gradient, such as the weights of classes."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def __repr__(self) -> str:
        return f"constant {_show(self.values)}"


Samples = Callable[["Rng"], Iterator[Sample]]
Errors = Callable[[], Iterator[ErrorSample]]


def _show(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_show(v) for v in value)}]"
    return repr(value)
