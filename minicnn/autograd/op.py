"""What both kinds of op share, and the registry of all public functions.

The two kinds are in files of their own: `minicnn.autograd.primitive` and `minicnn.autograd.fused`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np

from minicnn.autograd.graph import TapeTensor
from minicnn.autograd.refusal import guarded
from minicnn.autograd.sample import Errors, Samples
from minicnn.backend import Array, Backend, backend_of, by_array_type
from minicnn.errors import ArgumentTypeError, BackendError, message

F = TypeVar("F", bound=Callable[..., Any])


class Public:
    """A public differentiable function: what the suite runs.

    Attributes:
        name: what users call it.
        function: the function itself.
        samples: its samples, from a random generator.
        errors: calls that must raise.
        op: the op it applies; None for a composition of other functions.
    """

    def __init__(self, function: Any, samples: Samples, errors: Errors, op: type[Op] | None) -> None:
        self.name: str = function.__name__
        self.function = function
        self.samples = samples
        self.errors = errors
        self.op = op


functions: dict[str, Public] = {}
ops: dict[str, type[Op]] = {}


def composition(samples: Samples, errors: Errors) -> Callable[[F], F]:
    """Decorator: register a public function that is composed of others, with samples of its own."""

    def register(function: F) -> F:
        function = guarded(function)
        functions[function.__name__] = Public(function, samples, errors, None)
        return function

    return register


def check_registry() -> None:
    """Raise TypeError if an op has no public function: called once all ops are imported."""
    orphans = [op.__name__ for op in ops.values() if not op.applied]
    if orphans:
        raise TypeError(f"ops without a public function: {', '.join(orphans)}. Decorate one with @TheOp.public.")


class Op:
    """What both kinds have in common: a name in the registry, samples and error samples.

    A class without samples, or without errors, fails at import; so does one of minicnn's own that no public function
    applies. An op of your own that the suite is not to run says ``class MyOp(Fused, register=False)``.
    """

    name: ClassVar[str]
    samples: ClassVar[Any]
    errors: ClassVar[Any]
    applied: ClassVar[bool] = False  # whether a public function was registered for it
    quick: ClassVar[bool] = False  # whether `apply` itself answers failed calls, and spares the function its guard

    def __init_subclass__(cls, abstract: bool = False, register: bool = True) -> None:
        cls.name = cls.__dict__.get("name", _snake(cls.__name__))
        if abstract:
            return
        for needed in ("forward", "samples", "errors") if register else ("forward",):
            if not hasattr(cls, needed):
                raise TypeError(f"op {cls.__name__} has no {needed}: give the class a static method {needed}.")
        if register:
            ops[cls.name] = cls

    @classmethod
    def public(cls, function: F) -> F:
        """Decorator: register the public function that applies this op."""
        cls.applied = True
        function = function if cls.quick else guarded(function)
        functions[function.__name__] = Public(function, cls.samples, cls.errors, cls)
        return function


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


def unwrap(name: str, inputs: Sequence[Any]) -> tuple[Backend, list[Any], bool]:
    """Return the backend of the input tensors, their arrays, and whether one of them wants a gradient.

    Raises:
        BackendError: they live on two backends.
    """
    arrays = []
    kind = None
    wanted = False
    for x in inputs:
        if isinstance(x, TapeTensor):
            array = x._array
            arrays.append(array)
            if x._requires_grad:
                wanted = True
            if kind is None:
                kind = type(array)
            elif type(array) is not kind:
                raise _two_backends(name, inputs)
        else:
            arrays.append(x)
    if kind is None:
        raise ArgumentTypeError(
            message(
                name,
                f"expects a Tensor, got {', '.join(type(x).__name__ for x in inputs)}.",
                "an op works on tensors",
                "make one first: minicnn.tensor(values).",
            )
        )
    return by_array_type[kind], arrays, wanted


def _two_backends(name: str, inputs: Sequence[Any]) -> BackendError:
    places = [backend_of(x._array).device_type for x in inputs if isinstance(x, TapeTensor)]
    return BackendError(
        message(
            name,
            "expects all tensors on one device.",
            f"got tensors on: {', '.join(places)}",
            f'move them to one: x.to("{places[0]}").',
        )
    )


def as_array(be: Backend, value: Any) -> Array:
    """NumPy gives scalars where an op's result has no dims; tensors hold arrays."""
    if type(value) is be.array_type or not isinstance(value, np.generic):
        return value
    return be.asarray(value)
