"""The inverse hyperbolic functions: asinh, acosh, atanh; and angles in degrees: deg2rad, rad2deg."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.errors import ArgumentTypeError
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.elementwise import Unary

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class Asinh(Unary):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.arcsinh(x)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return g * (x * x + 1).rsqrt()

    @classmethod
    def samples(cls, rng: Rng) -> Iterator[Sample]:
        yield from super().samples(rng)
        yield Sample(np.array([-50.0, -1.0, 0.0, 1e-6, 30.0]))
        yield Sample(np.array([-2, 0, 3]))
        yield Sample(rng.normal(size=(2, 2))[:, ::-1])
        yield Sample(rng.normal(size=(1, 1)))


class Acosh(Unary):
    interval = (1.2, 4.0)

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.arccosh(x)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return g * (x * x - 1).rsqrt()

    @classmethod
    def samples(cls, rng: Rng) -> Iterator[Sample]:
        yield from super().samples(rng)
        yield Sample(np.array([1.05, 2.0, 50.0]))
        yield Sample(np.array([1, 2, 30]))
        yield Sample(rng.uniform(2.0, 3.0, (1, 1)))


class Atanh(Unary):
    interval = (-0.8, 0.8)

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.arctanh(x)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return g / (1 - x * x)

    @classmethod
    def samples(cls, rng: Rng) -> Iterator[Sample]:
        yield from super().samples(rng)
        yield Sample(np.array([-0.9, -1e-6, 0.0, 0.5]))
        yield Sample(np.array([0, 0]))
        yield Sample(rng.uniform(-0.5, 0.5, (1, 1)))


@Asinh.public
def asinh(input: Tensor) -> Tensor:
    """The inverse of sinh: y = ln(x + √(x² + 1)).

    Shapes: input and output (*).
    Gradient: g / √(x² + 1).

    >>> import minicnn
    >>> asinh(minicnn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8814])
    """
    return Asinh.apply(input)


@Acosh.public
def acosh(input: Tensor) -> Tensor:
    """The inverse of cosh: y = ln(x + √(x² − 1)); NaN below 1.

    Shapes: input and output (*).
    Gradient: g / √(x² − 1).

    >>> import minicnn
    >>> acosh(minicnn.tensor([1.0, 2.0]))
    tensor([0.0000, 1.3170])
    """
    return Acosh.apply(input)


@Atanh.public
def atanh(input: Tensor) -> Tensor:
    """The inverse of tanh: y = ½ ln((1 + x) / (1 − x)); NaN outside [−1, 1].

    Shapes: input and output (*).
    Gradient: g / (1 − x²).

    >>> import minicnn
    >>> atanh(minicnn.tensor([0.0, 0.5]))
    tensor([0.0000, 0.5493])
    """
    return Atanh.apply(input)


def _angle_samples(rng: Rng) -> Iterator[Sample]:
    for shape in ((2, 3), (), (0, 2), (2, 1, 3)):
        yield Sample(rng.uniform(-2.0, 2.0, shape))
    yield Sample(np.array([0.0, 90.0, -180.0, 720.0]))
    yield Sample(np.array([0, 90, -180]))
    yield Sample(np.array([math.pi, -math.pi / 2]))


def _angle_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ArgumentTypeError, ("expects a Tensor", "list"), [1.0])


@composition(_angle_samples, _angle_errors)
def deg2rad(input: Tensor) -> Tensor:
    """Degrees as radians: y = x · π / 180.

    Shapes: input and output (*).

    >>> import minicnn
    >>> deg2rad(minicnn.tensor([90.0, 180.0]))
    tensor([1.5708, 3.1416])
    """
    need_tensors("deg2rad", input=input)
    return input * (math.pi / 180.0)


@composition(_angle_samples, _angle_errors)
def rad2deg(input: Tensor) -> Tensor:
    """Radians as degrees: y = x · 180 / π.

    Shapes: input and output (*).

    >>> import minicnn
    >>> rad2deg(minicnn.tensor([1.0, 2.0]))
    tensor([ 57.2958, 114.5916])
    """
    need_tensors("rad2deg", input=input)
    return input * (180.0 / math.pi)
