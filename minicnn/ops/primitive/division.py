"""Quotients and what they leave: div, floor_divide, remainder, fmod; ``out=`` is written to and returned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.graph import TapeTensor
from minicnn.autograd.sample import Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.errors import DivisionByZeroError, ParameterError, message
from minicnn.ops.inplace import write_out
from minicnn.ops.primitive.elementwise import Binary, binary_samples
from minicnn.ops.promote import result_type

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class Div(Binary):
    to_float = True

    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.true_divide(a, b)

    @staticmethod
    def grad_a(g: Tensor, b: Tensor) -> Tensor:
        return g / b

    @staticmethod
    def grad_b(g: Tensor, a: Tensor, b: Tensor) -> Tensor:
        return -g * (a / b) / b

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield from binary_samples(rng, 0.5, 2.0)
        yield Sample(np.array([100, -7], dtype=np.int8), 200)  # each is cast to floats, not to int8 first
        yield Sample(np.array([100], dtype=np.uint8), np.array(-1000))
        for mode in ("floor", "trunc"):
            for sample in FloorDivide.samples(rng):
                yield Sample(*sample.args, rounding_mode=mode)


class FloorDivide(Binary):
    """⌊a / b⌋, exact for integers; flat wherever it has a derivative."""

    @staticmethod
    def prepare(a: Any, b: Any) -> tuple[Any, Any]:
        _check_divisor("floor_divide", b)
        return a, b

    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.floor_divide(a, b)

    @staticmethod
    def grad_a(g: Tensor) -> Tensor:
        return g * 0.0

    @staticmethod
    def grad_b(g: Tensor) -> Tensor:
        return g * 0.0

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        b = rng.uniform(0.5, 2.0, (2, 3)) * rng.choice([-1.0, 1.0], (2, 3))
        yield Sample((rng.integers(-3, 4, (2, 3)) + 0.5) * b, b)
        yield Sample((rng.integers(-3, 4, (2, 3)) + 0.5) * 0.5, 0.5)
        yield Sample(rng.uniform(0.1, 0.4, 3), b)  # smaller than the divisors: no quotient is a whole number
        yield Sample(rng.uniform(0.1, 0.4, (1, 3)), b[:, :1])
        yield Sample(0.3, b[0])
        yield Sample(np.array([[7, -7, 6]]), np.array([[2], [-4]]))
        yield Sample(np.zeros((0, 3)), b[0])


class Remainder(Binary):
    """a − b · ⌊a / b⌋, with the sign of b."""

    @staticmethod
    def prepare(a: Any, b: Any) -> tuple[Any, Any]:
        _check_divisor("remainder", b)
        return a, b

    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.remainder(a, b)

    @staticmethod
    def grad_a(g: Tensor) -> Tensor:
        return g

    @staticmethod
    def grad_b(g: Tensor, a: Any, b: Any) -> Tensor:
        return -(g * floor_divide(a, b))

    samples = FloorDivide.samples


class Fmod(Binary):
    """a − b · trunc(a / b), with the sign of a."""

    prepare = FloorDivide.prepare
    samples = FloorDivide.samples

    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.fmod(a, b)

    @staticmethod
    def grad_a(g: Tensor) -> Tensor:
        return g

    @staticmethod
    def grad_b(g: Tensor, a: Any, b: Any) -> Tensor:
        return -(g * div(a, b, rounding_mode="trunc"))


def _check_divisor(where: str, b: Any) -> None:
    """Integers have no infinity to stand for a quotient by 0."""
    array = b._array if isinstance(b, TapeTensor) else b
    if (isinstance(array, int) and array == 0) or (
        isinstance(b, TapeTensor) and array.dtype.kind in "iu" and bool((array == 0).any())
    ):
        raise DivisionByZeroError(
            message(where, "an integer is divided by 0.", "other holds a 0", "use floats, or a divisor without 0.")
        )


@Div.public
def div(input: Any, other: Any, *, rounding_mode: str | None = None, out: Tensor | None = None) -> Tensor:
    """Quotient: y = a / b, always in floats; integers give the default dtype.

    Shapes: input and other broadcast to the output's.
    Args:
        rounding_mode: None, ``"floor"`` or ``"trunc"``; a rounded quotient has gradient 0.
    Gradient: da = g / b, db = −g · a / b².

    >>> import minicnn
    >>> div(minicnn.tensor([1, 2]), 2)
    tensor([0.5000, 1.0000])
    """
    if out is not None:
        return write_out("div", out, div(input, other, rounding_mode=rounding_mode))
    if rounding_mode is None:
        return Div.apply(input, other)
    if rounding_mode == "floor":
        return floor_divide(input, other)
    if rounding_mode != "trunc":
        raise ParameterError(
            message(
                "div",
                f"rounding_mode expects None, 'floor' or 'trunc', got {rounding_mode!r}.",
                "None divides as floats do",
                "rounding_mode='floor' rounds down, 'trunc' towards 0.",
            )
        )
    if result_type(input, other).kind == "f":
        return Div.apply(input, other).trunc()
    quotient = floor_divide(input, other)
    return quotient + ((quotient < 0) & (remainder(input, other) != 0)).to(quotient.dtype)  # from −∞ to 0


@FloorDivide.public
def floor_divide(input: Any, other: Any) -> Tensor:
    """Quotient, rounded down: y = ⌊a / b⌋, as Python's //; integers stay integers.

    Shapes: input and other broadcast to the output's.
    Gradient: 0.
    Raises:
        DivisionByZeroError: an integer is divided by 0.

    >>> import minicnn
    >>> floor_divide(minicnn.tensor([7, -7]), 2)
    tensor([ 3, -4])
    """
    return FloorDivide.apply(input, other)


@Remainder.public
def remainder(input: Any, other: Any) -> Tensor:
    """What a floor division leaves: y = a − b · ⌊a / b⌋, as Python's %.

    Shapes: input and other broadcast to the output's.
    Gradient: da = g, db = −g · ⌊a / b⌋.
    Raises:
        DivisionByZeroError: an integer is divided by 0.

    >>> import minicnn
    >>> remainder(minicnn.tensor([7, -7]), 4)
    tensor([3, 1])
    """
    return Remainder.apply(input, other)


@Fmod.public
def fmod(input: Any, other: Any) -> Tensor:
    """What a division rounded towards 0 leaves: y = a − b · trunc(a / b), as C's fmod.

    Shapes: input and other broadcast to the output's.
    Gradient: da = g, db = −g · trunc(a / b).
    Raises:
        DivisionByZeroError: an integer is divided by 0.

    >>> import minicnn
    >>> fmod(minicnn.tensor([7, -7]), 4)
    tensor([ 3, -3])
    """
    return Fmod.apply(input, other)
