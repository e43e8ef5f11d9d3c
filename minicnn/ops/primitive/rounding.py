"""Step functions: floor, ceil, trunc, round, whose gradient is 0; and what trunc leaves, frac."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minicnn.autograd.graph import TapeTensor
from minicnn.autograd.op import composition
from minicnn.autograd.sample import Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.elementwise import Unary

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class Step(Unary, abstract=True):
    """A function that is flat wherever it has a derivative: its gradient is 0."""

    to_float = False

    @staticmethod
    def grad_x(g: Tensor) -> Tensor:
        return g * 0.0

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield Sample(np.array([[-1.7, -0.4], [0.3, 2.6]]) + rng.uniform(-0.05, 0.05, (2, 2)))
        yield Sample(np.zeros((0, 2)))
        for shape in ((), (1,), (2, 1, 3), (2, 1, 2, 1, 2)):
            yield Sample(rng.integers(-3, 4, shape) + rng.uniform(0.1, 0.4, shape))
        yield Sample(np.array([[-2, 0, 5]]))


class Floor(Step):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.floor(x)


class Ceil(Step):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.ceil(x)


class Trunc(Step):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.trunc(x)


class Round(Step):
    quick = False  # it has an argument more

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield from Step.samples(rng)
        yield Sample(np.array([0.312, -1.257, 2.5049]), decimals=2)
        yield Sample(np.array([[12.0, -7.0], [161.0, 34.0]]), decimals=-1)
        yield Sample(np.array([3, -4]))
        yield Sample(np.array(2.74), decimals=1)

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.rint(x) if x.dtype.kind == "f" else x.copy()


@Floor.public
def floor(input: Tensor) -> Tensor:
    """The largest whole number not above x; its gradient is 0.

    >>> import minicnn
    >>> floor(minicnn.tensor([-1.5, 1.5]))
    tensor([-2.,  1.])
    """
    return Floor.apply(input)


@Ceil.public
def ceil(input: Tensor) -> Tensor:
    """The smallest whole number not below x; its gradient is 0.

    >>> import minicnn
    >>> ceil(minicnn.tensor([-1.5, 1.5]))
    tensor([-1.,  2.])
    """
    return Ceil.apply(input)


@Trunc.public
def trunc(input: Tensor) -> Tensor:
    """x without its fraction; its gradient is 0.

    >>> import minicnn
    >>> trunc(minicnn.tensor([-1.5, 1.5]))
    tensor([-1.,  1.])
    """
    return Trunc.apply(input)


@Round.public
def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest whole number, halves to the even one; its gradient is 0.

    Args:
        decimals: how many digits after the point stay; with −1, the nearest ten.

    >>> import minicnn
    >>> round(minicnn.tensor([0.5, 1.5, 1.7]))
    tensor([0., 2., 2.])
    """
    if decimals == 0 or (isinstance(input, TapeTensor) and input._array.dtype.kind != "f"):
        return Round.apply(input)
    scale = 10.0 ** builtins.abs(operator.index(decimals))
    return Round.apply(input * scale) / scale if decimals > 0 else Round.apply(input / scale) * scale


def _frac_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.uniform(0.1, 0.9, (2, 3)) * rng.choice([-1.0, 1.0], (2, 3)) + 3.0)
    yield Sample(rng.uniform(0.1, 0.9, ()))
    yield Sample(rng.uniform(0.1, 0.9, (2, 1, 3)) - 50.0)
    yield Sample(rng.uniform(0.1, 0.9, 1))
    yield Sample(rng.uniform(-0.4, -0.1, (2, 1, 2, 1, 2)))
    yield Sample(np.zeros((0, 2)))


@composition(_frac_samples, Unary.errors)
def frac(input: Tensor) -> Tensor:
    """The part behind the point, with the sign of x: y = x − trunc x.

    Shapes: input (*); output as input.

    >>> import minicnn
    >>> frac(minicnn.tensor([1.25, -2.5]))
    tensor([ 0.2500, -0.5000])
    """
    need_tensors("frac", input=input)
    return input - input.trunc()
