"""More questions about each element: signbit, isposinf, isneginf, isreal. Bools, without gradient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minicnn.autograd.graph import wrap
from minicnn.autograd.op import composition
from minicnn.autograd.primitive import Primitive
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend, backend_of
from minicnn.errors import ArgumentTypeError
from minicnn.ops.checks import need_tensors

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


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


@Signbit.public
def signbit(input: Tensor) -> Tensor:
    """Whether the sign is minus, that of −0 too; as bools.

    Shapes: input and output (*).

    >>> import minicnn
    >>> signbit(minicnn.tensor([1.0, -0.0]))
    tensor([False,  True])
    """
    return Signbit.apply(input)


def _infinite_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(Constant(np.array([np.inf, -np.inf, np.nan, 0.0, 1.0])))
    yield Sample(Constant(rng.normal(size=(2, 3))))
    yield Sample(np.array([1, -2]))
    yield Sample(np.array([True, False]))
    yield Sample(Constant(np.zeros((0, 2))))
    yield Sample(Constant(np.array(np.inf)))


@composition(_infinite_samples, Signbit.errors)
def isposinf(input: Tensor) -> Tensor:
    """Whether the element is +∞, as bools.

    >>> import minicnn
    >>> isposinf(minicnn.tensor([1.0, float("inf"), float("-inf")]))
    tensor([False,  True, False])
    """
    need_tensors("isposinf", input=input)
    return input.detach() == float("inf")


@composition(_infinite_samples, Signbit.errors)
def isneginf(input: Tensor) -> Tensor:
    """Whether the element is −∞, as bools.

    >>> import minicnn
    >>> isneginf(minicnn.tensor([1.0, float("inf"), float("-inf")]))
    tensor([False, False,  True])
    """
    need_tensors("isneginf", input=input)
    return input.detach() == -float("inf")


@composition(_infinite_samples, Signbit.errors)
def isreal(input: Tensor) -> Tensor:
    """Whether the element has no imaginary part: True everywhere, since there are no complex tensors.

    >>> import minicnn
    >>> isreal(minicnn.tensor([1.0, 2.0]))
    tensor([True, True])
    """
    need_tensors("isreal", input=input)
    return wrap(backend_of(input._array).xp.ones(input.shape, dtype="bool"))
