"""What each thread is doing: recording or not, with the fast kernels or by definition."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class _Mode(threading.local):
    """The mode, one a thread."""

    recording = True
    by_definition = False
    walking = False  # running back without recording: what is computed there is never written to, so views go unnoted


mode = _Mode()


class _SetMode:
    """Set one entry of the mode within a block, or within a function as a decorator."""

    entry = "recording"
    value = True

    def __call__(self, function: F) -> F:
        if inspect.isgeneratorfunction(function):
            return self._generator(function)

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with type(self)():
                return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value]

    def _generator(self, function: Any) -> Any:
        """Wrap a generator function: the mode is set while it runs, not while its caller does."""

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            sent = None
            try:
                while True:
                    with type(self)():
                        try:
                            item = generator.send(sent)
                        except StopIteration as stop:
                            return stop.value
                    sent = yield item
            finally:
                generator.close()

        return wrapped

    def __enter__(self) -> None:
        self.previous = getattr(mode, self.entry)
        setattr(mode, self.entry, self.value)

    def __exit__(self, *_: object) -> None:
        setattr(mode, self.entry, self.previous)


class no_grad(_SetMode):
    """Record nothing within this block or decorated function, in this thread.

    >>> import minicnn
    >>> x = minicnn.ones(2, requires_grad=True)
    >>> with no_grad():
    ...     (x * 2).requires_grad
    False
    """

    value = False

    def __new__(cls, function: Any = None) -> Any:
        self = super().__new__(cls)
        return self if function is None else self(function)  # @no_grad as well as @no_grad()


class enable_grad(no_grad):
    """Record within this block or decorated function, in this thread, inside a `no_grad` too."""

    value = True


class by_definition(_SetMode):
    """Compute every fused op by its definition within this block, forward and backward: slow, plain, the oracle.

    >>> import minicnn
    >>> x = minicnn.tensor([[1.0, 2.0]])
    >>> with by_definition():
    ...     minicnn.softmax(x, dim=1)
    tensor([[0.2689, 0.7311]])
    """

    entry = "by_definition"


class set_grad_enabled:
    """Set recording on or off: at once, and as a context manager for a block only."""

    def __init__(self, enabled: bool) -> None:
        self.previous = mode.recording
        mode.recording = bool(enabled)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        mode.recording = self.previous


def is_grad_enabled() -> bool:
    """Return whether this thread records."""
    return mode.recording


class plainly(_SetMode):
    """Run a user's code in the middle of a backward: it may take views and write to them."""

    entry = "walking"
    value = False
