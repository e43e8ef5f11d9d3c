"""Signs of elements: sign, signbit, positive, copysign, heaviside."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.graph import TapeTensor
from minicnn.autograd.op import composition
from minicnn.autograd.primitive import Primitive
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.errors import ArgumentTypeError, DTypeError, ShapeError, message
from minicnn.ops.checks import need_one_dtype, need_tensors
from minicnn.ops.primitive.elementwise import pair_errors, untied_samples
from minicnn.ops.primitive.rounding import Step
from minicnn.ops.primitive.where import where
from minicnn.ops.promote import promote

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class Sign(Step):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        if x.dtype.kind == "b":
            return x.copy()
        return be.xp.subtract(x > 0, x < 0, dtype=x.dtype)  # 0 for NaN, as in PyTorch


class Signbit(Primitive):
    constants = ("x",)

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.signbit(x) if x.dtype.kind == "f" else x < 0

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield Sample(rng.normal(size=(2, 3)))
        yield Sample(rng.normal(size=()))
        yield Sample(np.zeros((0, 2)))
        yield Sample(Constant(np.array([0.0, -0.0, np.inf, -np.inf])))
        yield Sample(rng.integers(-3, 3, (2, 3)))
        yield Sample(np.array([True, False]))

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(ArgumentTypeError, ("expects a Tensor", "list"), [1.0])


@Sign.public
def sign(input: Tensor) -> Tensor:
    """−1, 0 or 1 by the sign; its gradient is 0.

    >>> import minicnn
    >>> sign(minicnn.tensor([-2.0, 0.0, 3.0]))
    tensor([-1.,  0.,  1.])
    """
    return Sign.apply(input)


@Signbit.public
def signbit(input: Tensor) -> Tensor:
    """Whether the sign is minus, that of −0 too; as bools.

    Shapes: input and output (*).

    >>> import minicnn
    >>> signbit(minicnn.tensor([1.0, -0.0]))
    tensor([False,  True])
    """
    return Signbit.apply(input)


def positive(input: Tensor) -> Tensor:
    """The tensor itself, as ``+x``.

    Raises:
        DTypeError: it is of bools.

    >>> import minicnn
    >>> positive(minicnn.tensor([-1.0]))
    tensor([-1.])
    """
    need_tensors("positive", input=input)
    if input.dtype.kind == "b":
        raise DTypeError(message("positive", "bools have no sign.", f"shape {tuple(input.shape)}", "use x itself."))
    return input


def _copysign_samples(rng: Rng) -> Iterator[Sample]:
    yield from untied_samples(rng)
    yield Sample(np.array([1.0, -2.0]), -0.0)
    yield Sample(np.array([1.0, -2.0]), 3)
    yield Sample(np.array([1, -128], dtype=np.int8), Constant(np.array([-1.5, 2.0])))


def _copysign_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2, 3)", "(4,)", "Fix"), np.ones((2, 3)), np.ones(4))
    yield ErrorSample(ArgumentTypeError, ("Tensor", "float"), 1.0, np.ones(2))


@composition(_copysign_samples, _copysign_errors)
def copysign(input: Tensor, other: Any) -> Tensor:
    """The size of one with the sign of the other: y = |a| · sign(b), where −0 has a sign too.

    Shapes: input and other (or a number) broadcast to the output's.
    Gradient: da = g or −g, as the sign was kept or changed; nothing to other.
    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> copysign(minicnn.tensor([1.0, -2.0]), -1)
    tensor([-1., -2.])
    """
    need_tensors("copysign", input=input)
    a, b = promote((input, other), to_float=True)
    size = a.abs()
    if not isinstance(b, TapeTensor):
        return size * math.copysign(1.0, b)
    sign: Any = where(signbit(b), -1.0, 1.0)  # type: ignore[arg-type]
    return size * sign.to(size.dtype)


def _heaviside_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(Constant(rng.normal(size=(2, 3))), Constant(rng.normal(size=(2, 3))))
    yield Sample(Constant(np.array([-1.0, 0.0, 2.0])), Constant(np.array([0.5])))
    yield Sample(Constant(np.array([[0.0], [1.0]])), Constant(np.array([0.25, 0.75])))
    yield Sample(np.array([-1, 0, 2]), np.array([5, 6, 7]))
    yield Sample(Constant(np.array(0.0)), Constant(np.array(0.5)))
    yield Sample(np.zeros((0, 2), dtype=np.int64), np.array([1, 2]))


def _heaviside_errors() -> Iterator[ErrorSample]:
    yield from pair_errors()
    yield ErrorSample(DTypeError, ("one dtype", "float64", "int64"), np.ones(2), np.array([1, 1]))


@composition(_heaviside_samples, _heaviside_errors)
def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """The step function: 0 below 0, 1 above, and ``values`` at 0; without gradient.

    Shapes: input and values broadcast to the output's.
    Raises:
        DTypeError: the dtypes differ.
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> heaviside(minicnn.tensor([-1.0, 0.0, 2.0]), minicnn.tensor([0.5]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    need_tensors("heaviside", input=input, values=values)
    need_one_dtype("heaviside", input=input, values=values)
    x = input.detach()
    return where(x == 0, values.detach(), (x > 0).to(x.dtype))
