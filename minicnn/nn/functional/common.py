"""What the functions of this room share: checks of their arguments, writing over the input, and reductions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minicnn.autograd.sample import ErrorSample, Rng, Sample, Samples
from minicnn.errors import ArgumentTypeError, DTypeError, message, shown
from minicnn.ops.checks import need_floats, need_given, need_tensors
from minicnn.ops.checks import need_positive as need_positive  # for the files of this room
from minicnn.tensor import Tensor


def need_float_tensors(where: str, **arguments: Any) -> None:
    """Raise ArgumentTypeError or DTypeError unless all are tensors of floats; None stands for one left out."""
    need_tensors(where, **arguments)
    for name, x in arguments.items():
        if x is not None:
            need_floats(where, name, x)


def entered(where: str, input: Any, inplace: bool = False) -> Tensor:
    """Return the input, checked; a copy where it is to be written over, so that backward has the old values."""
    need_given(where, "input", input)
    need_floats(where, "input", input)
    x: Tensor = input.clone() if inplace else input
    return x


def left(input: Tensor, output: Tensor, inplace: bool) -> Tensor:
    """Return the output; written over the input where that is asked for."""
    return input.copy_(output) if inplace else output


def need_number(where: str, name: str, value: Any) -> None:
    """Raise ArgumentTypeError unless a value is a number."""
    if not isinstance(value, (int, float, np.number)):
        raise ArgumentTypeError(
            message(
                where,
                f"{name} expects a number, got {type(value).__name__}.",
                f"{name} = {shown(value)}",
                f"use {name}=2.0, for example.",
            )
        )


def reduced(loss: Tensor, reduction: str) -> Tensor:
    """Return the loss's mean or sum, or the loss itself."""
    if reduction == "none":
        return loss
    return loss.sum() if reduction == "sum" else loss.mean()


def elementwise_samples(*settings: dict[str, Any]) -> Samples:
    """Return samples of an elementwise function: several shapes, and each of the settings of its parameters."""

    def samples(rng: Rng) -> Iterator[Sample]:
        for shape in ((), (3, 4), (2, 3, 2, 2), (0, 3)):
            yield Sample(rng.normal(size=shape) * 2.5)
        yield Sample(np.array([-40.0, -8.0, -0.05, 0.05, 8.0, 40.0]))  # far out, and near 0
        yield Sample(rng.normal(size=(1, 4)) * 0.1)
        for setting in settings:
            yield Sample(rng.normal(size=(4, 5)) * 2.5, **setting)
            yield Sample(rng.normal(size=(2, 1, 3)), **setting)

    return samples


def float_errors() -> Iterator[ErrorSample]:
    """Errors of every function of floats: what is no tensor, and what has no floats."""
    yield ErrorSample(ArgumentTypeError, ("input expects a Tensor", "list"), [1.0])


def elementwise_errors(*wrong: ErrorSample) -> Callable[[], Iterator[ErrorSample]]:
    """Return the errors of a function of one tensor of floats, and some of its own."""

    def errors() -> Iterator[ErrorSample]:
        yield from float_errors()
        yield ErrorSample(DTypeError, ("input expects floats", "int64"), np.ones((2, 3), dtype=np.int64))
        yield from wrong

    return errors
