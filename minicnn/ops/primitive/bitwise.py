"""Integers: their bits, bitwise_and, _or, _xor, _not and shifts; their divisors, gcd, lcm. No gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.graph import TapeTensor
from minicnn.autograd.primitive import Primitive
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.errors import DTypeError, ShapeError, message
from minicnn.ops.primitive.elementwise import Binary

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class Bitwise(Binary, abstract=True):
    constants = ("a", "b")

    @classmethod
    def check(cls, a: Any, b: Any) -> None:
        for x in (a, b):
            _need_bits(cls.name, x)

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield Sample(rng.integers(0, 8, (2, 3)), rng.integers(0, 8, 3))
        yield Sample(rng.integers(0, 2, (2, 3)) > 0, rng.integers(0, 2, (2, 3)) > 0)
        yield Sample(rng.integers(0, 8, (2, 3)), 5)
        yield Sample(rng.integers(-8, 8, (1, 3)), rng.integers(0, 8, (2, 1)))
        yield Sample(np.array(6), np.array([[3], [5]]))
        yield Sample(np.array([6, 3], dtype=np.int32), np.array([True, False]))
        yield Sample(np.zeros((0, 2), dtype=np.int64), 1)

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(DTypeError, ("float", "integers"), np.ones(2), np.array([1, 2]))
        yield ErrorSample(ShapeError, ("(2,)", "(3,)"), np.array([1, 2]), np.array([1, 2, 3]))


def _need_bits(where: str, x: Any) -> None:
    if isinstance(x, float) or (isinstance(x, TapeTensor) and x._array.dtype.kind == "f"):
        raise DTypeError(
            message(
                where,
                f"expects integers or bools, got {x._array.dtype if isinstance(x, TapeTensor) else 'float'}.",
                "floats have no bits to combine",
                "compare first, x > 0, or convert: x.long().",
            )
        )


class BitwiseAnd(Bitwise):
    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.bitwise_and(a, b)


class BitwiseOr(Bitwise):
    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.bitwise_or(a, b)


class BitwiseXor(Bitwise):
    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.bitwise_xor(a, b)


class _Shift(Bitwise, abstract=True):
    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield Sample(rng.integers(0, 50, (2, 3)), rng.integers(0, 4, 3))
        yield Sample(np.array([-8, 8, 5]), 1)
        yield Sample(np.array([[1], [3]]), np.array([0, 1, 2]))
        yield Sample(np.zeros((0, 2), dtype=np.int64), 2)
        yield Sample(np.array([40, 80], dtype=np.int32), np.array([1, 3], dtype=np.int32))
        yield Sample(np.array(9), np.array([[0, 1], [2, 3]]))


class BitwiseLeftShift(_Shift):
    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.left_shift(a, b)


class BitwiseRightShift(_Shift):
    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.right_shift(a, b)


class BitwiseNot(Primitive):
    constants = ("x",)

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.invert(x)

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield Sample(rng.integers(0, 8, (2, 3)))
        yield Sample(rng.integers(0, 2, (2, 3)) > 0)
        yield Sample(np.array([[-1, 0], [7, -9]]))
        yield Sample(np.array(5))
        yield Sample(np.array([0, 1, 255], dtype=np.uint8))
        yield Sample(np.zeros((0, 2), dtype=np.int64))

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(DTypeError, ("float64", "integers"), np.ones(2))


class _Divisor(Bitwise, abstract=True):
    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield Sample(rng.integers(1, 30, (2, 3)), rng.integers(1, 30, 3))
        yield Sample(np.array([12, -18, 0]), np.array([8, 12, 0]))
        yield Sample(np.array([[4], [6]]), np.array([10, 3, 9]))
        yield Sample(np.array(9), np.array([6, 15]))
        yield Sample(np.zeros((0, 2), dtype=np.int64), np.array([4, 6]))
        yield Sample(np.array([5, 7], dtype=np.int32), np.array([10, 21], dtype=np.int32))


class Gcd(_Divisor):
    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.gcd(a, b)


class Lcm(_Divisor):
    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.lcm(a, b)


@BitwiseAnd.public
def bitwise_and(input: Any, other: Any) -> Tensor:
    """Bits set in both; for bools, whether both hold.

    >>> import minicnn
    >>> bitwise_and(minicnn.tensor([6, 5]), 3)
    tensor([2, 1])
    """
    return BitwiseAnd.apply(input, other)


@BitwiseOr.public
def bitwise_or(input: Any, other: Any) -> Tensor:
    """Bits set in either; for bools, whether either holds.

    >>> import minicnn
    >>> bitwise_or(minicnn.tensor([6, 5]), 3)
    tensor([7, 7])
    """
    return BitwiseOr.apply(input, other)


@BitwiseXor.public
def bitwise_xor(input: Any, other: Any) -> Tensor:
    """Bits set in one but not both; for bools, whether they differ.

    >>> import minicnn
    >>> bitwise_xor(minicnn.tensor([6, 5]), 3)
    tensor([5, 6])
    """
    return BitwiseXor.apply(input, other)


@BitwiseLeftShift.public
def bitwise_left_shift(input: Any, other: Any) -> Tensor:
    """The bits moved to the left: y = a · 2ᵇ.

    >>> import minicnn
    >>> bitwise_left_shift(minicnn.tensor([1, 3]), 2)
    tensor([ 4, 12])
    """
    return BitwiseLeftShift.apply(input, other)


@BitwiseRightShift.public
def bitwise_right_shift(input: Any, other: Any) -> Tensor:
    """The bits moved to the right: y = ⌊a / 2ᵇ⌋.

    >>> import minicnn
    >>> bitwise_right_shift(minicnn.tensor([4, 13]), 2)
    tensor([1, 3])
    """
    return BitwiseRightShift.apply(input, other)


@BitwiseNot.public
def bitwise_not(input: Tensor) -> Tensor:
    """All bits turned over: −x − 1 for integers, not x for bools.

    >>> import minicnn
    >>> bitwise_not(minicnn.tensor([True, False]))
    tensor([False,  True])
    """
    _need_bits("bitwise_not", input)
    return BitwiseNot.apply(input)


@Gcd.public
def gcd(input: Tensor, other: Tensor) -> Tensor:
    """The greatest common divisor of integers, element by element; of 0 and 0 it is 0.

    Shapes: input and other broadcast to the output's.
    Raises:
        DTypeError: an operand is of floats.
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> gcd(minicnn.tensor([12, 7]), minicnn.tensor([8, 7]))
    tensor([4, 7])
    """
    return Gcd.apply(input, other)


@Lcm.public
def lcm(input: Tensor, other: Tensor) -> Tensor:
    """The least common multiple of integers, element by element.

    Shapes: input and other broadcast to the output's.
    Raises:
        DTypeError: an operand is of floats.
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> lcm(minicnn.tensor([4, 7]), minicnn.tensor([6, 7]))
    tensor([12,  7])
    """
    return Lcm.apply(input, other)
