"""Arithmetic of two operands: add, sub, rsub, mul, pow, float_power; ``out=`` is written to and returned."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.graph import TapeTensor
from minicnn.autograd.op import composition
from minicnn.autograd.refusal import refuse
from minicnn.autograd.sample import Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.errors import DTypeError, message
from minicnn.ops.inplace import write_out
from minicnn.ops.primitive.elementwise import Binary, binary_errors, binary_samples

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class Add(Binary):
    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield from binary_samples(rng)
        yield Sample(rng.normal(size=(2, 3)), rng.normal(size=3), alpha=0.5)

    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.elementwise(be.xp.add, a, b)

    @staticmethod
    def grad_a(g: Tensor) -> Tensor:
        return g

    @staticmethod
    def grad_b(g: Tensor) -> Tensor:
        return g


class Sub(Binary):
    samples = Add.samples

    @staticmethod
    def check(a: Any, b: Any) -> None:
        if any(isinstance(x, bool) or (isinstance(x, TapeTensor) and x._array.dtype.kind == "b") for x in (a, b)):
            raise DTypeError(
                message(
                    "sub",
                    "bool operands cannot be subtracted.",
                    "a difference of truth values has no meaning",
                    "use a ^ b, or convert: a.to(minicnn.int64) - b.",
                )
            )

    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.elementwise(be.xp.subtract, a, b)

    @staticmethod
    def grad_a(g: Tensor) -> Tensor:
        return g

    @staticmethod
    def grad_b(g: Tensor) -> Tensor:
        return -g


class Mul(Binary):
    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.elementwise(be.xp.multiply, a, b)

    @staticmethod
    def grad_a(g: Tensor, b: Tensor) -> Tensor:
        return g * b

    @staticmethod
    def grad_b(g: Tensor, a: Tensor) -> Tensor:
        return g * a


class Pow(Binary):
    @staticmethod
    def check(a: Any, b: Any) -> None:
        if isinstance(b, int) and b < 0 and isinstance(a, TapeTensor) and a._array.dtype.kind != "f":
            raise DTypeError(
                message(
                    "pow",
                    f"an integer tensor has no integer power {b}.",
                    f"base {a._array.dtype}, exponent {b}",
                    "use a float base: x.to(minicnn.float32) ** exponent.",
                )
            )

    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        if type(b) is int and b == 3:
            return a * a * a  # 200 times faster than power; squares and roots are quick by themselves
        return a**b

    @staticmethod
    def grad_a(g: Tensor, a: Tensor, b: Any) -> Tensor:
        if isinstance(b, (int, float)):  # a² and a¹ are exact at 0, where b·a^(b−1) by logs is not
            return g * (b * a ** (b - 1)) if b != 0 else g * 0.0
        # Where b is 0 the derivative is 0 even at a = 0, where a^(b−1) is infinite.
        return g * b * a ** (b - 1).masked_fill(b == 0, 0.0)

    @staticmethod
    def grad_b(g: Tensor, out: Tensor, a: Any, b: Tensor) -> Tensor:
        if not isinstance(a, (int, float)):
            return g * out * a.masked_fill((a == 0) & (b >= 0), 1.0).log()  # 0^b is flat for b ≥ 0
        if a == 0:
            return (g * -math.inf).masked_fill(b >= 0, 0.0)
        return g * out * (math.log(a) if a > 0 else math.nan)

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield from binary_samples(rng, 0.5, 2.0)
        x = rng.uniform(0.5, 2.0, (2, 3)) * rng.choice([-1.0, 1.0], (2, 3))
        for exponent in (3, 2, 1, 0, -1):
            yield Sample(x, exponent)
        yield Sample(np.array([0.0, 1.5]), 2)
        yield Sample(2.5, rng.uniform(-1.0, 2.0, 3))


@Add.public
def add(input: Any, other: Any, *, alpha: float = 1, out: Tensor | None = None) -> Tensor:
    """Sum: y = a + alpha · b.

    Shapes: input and other broadcast to the output's.
    Gradient: da = g, db = alpha · g, each summed over the dims that were broadcast.
    Raises:
        ShapeError: the shapes do not broadcast.
        ArgumentTypeError: an operand is neither a tensor nor a number.

    >>> import minicnn
    >>> add(minicnn.tensor([1.0, 2.0]), 1)
    tensor([2., 3.])
    """
    try:
        y: Tensor = Add.apply(input, other if alpha == 1 else other * alpha)
    except Exception as error:
        refuse(add, (input, other), {"alpha": alpha}, error)
    return y if out is None else write_out("add", out, y)


@Sub.public
def sub(input: Any, other: Any, *, alpha: float = 1, out: Tensor | None = None) -> Tensor:
    """Difference: y = a − alpha · b.

    Shapes: input and other broadcast to the output's.
    Gradient: da = g, db = −alpha · g.
    Raises:
        ShapeError: the shapes do not broadcast.
        ArgumentTypeError: an operand is neither a tensor nor a number.
        DTypeError: an operand is of bools.

    >>> import minicnn
    >>> sub(minicnn.tensor([1.0, 2.0]), 1)
    tensor([0., 1.])
    """
    try:
        y: Tensor = Sub.apply(input, other if alpha == 1 else other * alpha)
    except Exception as error:
        refuse(sub, (input, other), {"alpha": alpha}, error)
    return y if out is None else write_out("sub", out, y)


def _rsub_samples(rng: Rng) -> Iterator[Sample]:
    yield from binary_samples(rng)
    yield Sample(rng.normal(size=(2, 3)), rng.normal(size=3), alpha=0.5)
    yield Sample(np.array([1, 2]), 10)


@composition(_rsub_samples, binary_errors)
def rsub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """A difference, the other way round: y = b − alpha · a.

    Shapes: input and other broadcast to the output's.
    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> rsub(minicnn.tensor([1.0, 2.0]), 10)
    tensor([9., 8.])
    """
    return sub(other, input, alpha=alpha)


@Mul.public
def mul(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
    """Product, element by element: y = a · b.

    Shapes: input and other broadcast to the output's.
    Gradient: da = g · b, db = g · a.
    Raises:
        ShapeError: the shapes do not broadcast.
        ArgumentTypeError: an operand is neither a tensor nor a number.

    >>> import minicnn
    >>> mul(minicnn.tensor([1.0, 2.0]), 3)
    tensor([3., 6.])
    """
    y: Tensor = Mul.apply(input, other)
    return y if out is None else write_out("mul", out, y)


@Pow.public
def pow(input: Any, exponent: Any) -> Tensor:
    """Power: y = a^b.

    Shapes: input and exponent broadcast to the output's.
    Gradient: da = g · b · a^(b−1), db = g · y · ln a.
    Raises:
        ShapeError: the shapes do not broadcast.
        ArgumentTypeError: an operand is neither a tensor nor a number.
        DTypeError: integers raised to a negative integer.

    >>> import minicnn
    >>> pow(minicnn.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    """
    return Pow.apply(input, exponent)


def _power_samples(rng: Rng) -> Iterator[Sample]:
    yield from binary_samples(rng, 0.5, 2.0)
    yield Sample(np.array([1, 2, 3]), 2)
    yield Sample(2, rng.uniform(-1.0, 2.0, 3))
    yield Sample(np.array([2, 3]), np.array([-1, 2]))


@composition(_power_samples, binary_errors)
def float_power(input: Any, exponent: Any) -> Tensor:
    """Power, computed in float64: y = a^b.

    Shapes: input and exponent (one of which may be a number) broadcast to the output's.
    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> float_power(minicnn.tensor([2, 3]), -1)
    tensor([0.5000, 0.3333], dtype=float64)
    """
    a, b = (x.to(np.float64) if isinstance(x, TapeTensor) else x for x in (input, exponent))  # type: ignore[attr-defined]
    return pow(a, b)
