"""What each thread is doing: recording or not, with the fast kernels or by definition."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from minicnn.errors import ArgumentTypeError, message

F = TypeVar("F", bound=Callable[..., Any])


class _Mode(threading.local):
    """The mode, one a thread."""

    recording = True
    inference = False  # new tensors are inference tensors, and nothing is recorded
    by_definition = False
    walking = False  # running back without recording: what is computed there is never written to, so views go unnoted


mode = _mode = _Mode()


class _Inferring:
    """How many blocks of `inference_mode` run, in all threads: while none does, no new tensor need ask for the mode."""

    blocks = 0


inferring = _Inferring()
_counting = threading.Lock()


class Block:
    """A context manager that, as a decorator, runs functions and generator functions within such a block."""

    def __call__(self, function: F) -> F:
        if inspect.isgeneratorfunction(function):
            return self._generator(function)

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self.again():
                return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value]

    def _generator(self, function: Any) -> Any:
        """Wrap a generator function: the mode is set while it runs, not while its caller does."""

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            step: Callable[[], Any] = functools.partial(next, generator)
            try:
                while True:
                    with self.again():
                        try:
                            item = step()
                        except StopIteration as stop:
                            return stop.value
                    try:
                        sent = yield item
                    except GeneratorExit:
                        raise
                    except BaseException as error:
                        step = functools.partial(generator.throw, error)
                    else:
                        step = functools.partial(generator.send, sent)
            finally:
                with self.again():
                    generator.close()

        return wrapped

    def again(self) -> Any:
        """Return a new block like this one: a decorated function may call itself, or run in several threads."""
        return type(self)()

    def __enter__(self) -> None:
        raise NotImplementedError

    def __exit__(self, *_: object) -> None:
        raise NotImplementedError


class _SetMode(Block):
    """Set one entry of the mode within a block."""

    entry = "recording"
    value = True

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
    """Record within this block or decorated function, in this thread, inside a `no_grad` too; not in `inference_mode`.

    >>> import minicnn
    >>> x = minicnn.ones(2, requires_grad=True)
    >>> with no_grad(), enable_grad():
    ...     (x * 2).requires_grad
    True
    """

    value = True

    def __enter__(self) -> None:
        super().__enter__()
        mode.recording = not mode.inference


class by_definition(_SetMode):
    """Compute every fused op by its definition within this block, forward and backward: slow, plain, the oracle.

    >>> import minicnn
    >>> x = minicnn.tensor([[1.0, 2.0]])
    >>> with by_definition():
    ...     minicnn.softmax(x, dim=1)
    tensor([[0.2689, 0.7311]])
    """

    entry = "by_definition"


class set_grad_enabled(Block):
    """Set recording on or off: at once, or for a block or a decorated function only.

    Args:
        mode: whether to record. In `inference_mode` nothing is recorded either way.

    >>> import minicnn
    >>> x = minicnn.ones(2, requires_grad=True)
    >>> with set_grad_enabled(False):
    ...     (x * 2).requires_grad
    False
    """

    def __init__(self, mode: bool) -> None:
        self.mode = bool(mode)
        self.previous = _mode.recording
        _mode.recording = self.mode and not _mode.inference

    def __call__(self, function: F) -> F:
        _mode.recording = self.previous  # meant for the function alone
        return super().__call__(function)

    def again(self) -> Any:
        return type(self)(self.mode)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        _mode.recording = self.previous


class inference_mode(Block):
    """Record nothing within this block or decorated function, in this thread, and never of what is made there.

    Tensors made in it are *inference tensors*. Outside, a recorded op may not save one for its gradient, and a write to
    one in place is refused; ``clone()`` outside makes an ordinary tensor of one. With ``mode=False``,
    a block in the middle of another records again.

    Args:
        mode: whether to turn it on.
    Raises:
        ArgumentTypeError: mode is no bool.

    >>> import minicnn
    >>> x = minicnn.ones(2, requires_grad=True)
    >>> with inference_mode():
    ...     y = x * 2
    >>> y.requires_grad, y.is_inference()
    (False, True)
    """

    def __new__(cls, mode: Any = True) -> Any:
        if isinstance(mode, bool):
            return super().__new__(cls)
        if callable(mode):
            return cls()(mode)  # @inference_mode as well as @inference_mode()
        raise ArgumentTypeError(
            message(
                "inference_mode",
                f"mode expects True or False, got {type(mode).__name__}.",
                f"mode = {mode!r}"[:200],
                "with minicnn.inference_mode(): ...",
            )
        )

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode

    def again(self) -> Any:
        return type(self)(self.mode)

    def __enter__(self) -> None:
        self.previous = mode.recording, mode.inference
        mode.recording, mode.inference = not self.mode, self.mode
        with _counting:
            inferring.blocks += 1

    def __exit__(self, *_: object) -> None:
        mode.recording, mode.inference = self.previous
        with _counting:
            inferring.blocks -= 1


def is_grad_enabled() -> bool:
    """Return whether this thread records."""
    return mode.recording


def is_inference_mode_enabled() -> bool:
    """Return whether this thread is in `inference_mode`."""
    return mode.inference


class plainly(_SetMode):
    """Run a user's code in the middle of a backward: it may take views and write to them."""

    entry = "walking"
    value = False
