"""Functions of angles: sin, cos, tan, asin, acos, atan, atan2, hypot, deg2rad, rad2deg."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.elementwise import Binary, Unary

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class Sin(Unary):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.sin(x)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return g * x.cos()


class Cos(Unary):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.cos(x)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return -(g * x.sin())


class Tan(Unary):
    interval = (-1.2, 1.2)

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.tan(x)

    @staticmethod
    def grad_x(g: Tensor, out: Tensor) -> Tensor:
        return g * (out * out + 1)


class Asin(Unary):
    interval = (-0.8, 0.8)

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.arcsin(x)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return g * (1 - x * x).rsqrt()


class Acos(Unary):
    interval = (-0.8, 0.8)

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.arccos(x)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return -(g * (1 - x * x).rsqrt())


class Atan(Unary):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.arctan(x)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return g / (x * x + 1)


class Atan2(Binary):
    to_float = True

    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.arctan2(a, b)

    @staticmethod
    def grad_a(g: Tensor, a: Tensor, b: Tensor) -> Tensor:
        return g * b / _squares(a, b)

    @staticmethod
    def grad_b(g: Tensor, a: Tensor, b: Tensor) -> Tensor:
        return -(g * a / _squares(a, b))


def _squares(a: Any, b: Any) -> Tensor:
    """a² + b², and 1 at the origin, where the angle has no slope and PyTorch gives 0."""
    total: Tensor = a * a + b * b
    return total.masked_fill(total == 0, 1.0)


class Hypot(Binary):
    to_float = True

    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.hypot(a, b)

    @staticmethod
    def grad_a(g: Tensor, out: Tensor, a: Any) -> Tensor:
        return g * (a / out)

    @staticmethod
    def grad_b(g: Tensor, out: Tensor, b: Any) -> Tensor:
        return g * (b / out)


@Sin.public
def sin(input: Tensor) -> Tensor:
    """Sine of an angle in radians.

    Shapes: input and output (*).

    >>> import minicnn
    >>> sin(minicnn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8415])
    """
    return Sin.apply(input)


@Cos.public
def cos(input: Tensor) -> Tensor:
    """Cosine of an angle in radians.

    Shapes: input and output (*).

    >>> import minicnn
    >>> cos(minicnn.tensor([0.0, 1.0]))
    tensor([1.0000, 0.5403])
    """
    return Cos.apply(input)


@Tan.public
def tan(input: Tensor) -> Tensor:
    """The tangent, of radians: y = tan x.

    Shapes: input (*); output as input.
    Gradient: g · (1 + y²).

    >>> import minicnn
    >>> tan(minicnn.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5574])
    """
    return Tan.apply(input)


@Asin.public
def asin(input: Tensor) -> Tensor:
    """The angle of a sine, in [−π/2, π/2]; NaN outside [−1, 1].

    Shapes: input (*); output as input.
    Gradient: g / √(1 − x²).

    >>> import minicnn
    >>> asin(minicnn.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5708])
    """
    return Asin.apply(input)


@Acos.public
def acos(input: Tensor) -> Tensor:
    """The angle of a cosine, in [0, π]; NaN outside [−1, 1].

    Shapes: input (*); output as input.
    Gradient: −g / √(1 − x²).

    >>> import minicnn
    >>> acos(minicnn.tensor([0.0, 1.0]))
    tensor([1.5708, 0.0000])
    """
    return Acos.apply(input)


@Atan.public
def atan(input: Tensor) -> Tensor:
    """The angle of a tangent, in (−π/2, π/2).

    Shapes: input (*); output as input.
    Gradient: g / (1 + x²).

    >>> import minicnn
    >>> atan(minicnn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7854])
    """
    return Atan.apply(input)


@Atan2.public
def atan2(input: Any, other: Any) -> Tensor:
    """The angle of the point (other, input), in [−π, π].

    Shapes: input and other broadcast to the output's.
    Gradient: da = g · b / (a² + b²), db = −g · a / (a² + b²).

    >>> import minicnn
    >>> atan2(minicnn.tensor([1.0, 1.0]), minicnn.tensor([1.0, -1.0]))
    tensor([0.7854, 2.3562])
    """
    return Atan2.apply(input, other)


@Hypot.public
def hypot(input: Any, other: Any) -> Tensor:
    """The length of (a, b): y = √(a² + b²), which does not overflow.

    Shapes: input and other broadcast to the output's.
    Gradient: da = g · a / y, db = g · b / y.

    >>> import minicnn
    >>> hypot(minicnn.tensor([3.0]), minicnn.tensor([4.0]))
    tensor([5.])
    """
    return Hypot.apply(input, other)


def _angle_samples(rng: Rng) -> Iterator[Sample]:
    for shape in ((2, 3), (), (0, 2), (2, 1, 3)):
        yield Sample(rng.uniform(-2.0, 2.0, shape))
    yield Sample(np.array([0.0, 90.0, -180.0, 720.0]))
    yield Sample(np.array([0, 90, -180]))
    yield Sample(np.array([math.pi, -math.pi / 2]))


@composition(_angle_samples, Unary.errors)
def deg2rad(input: Tensor) -> Tensor:
    """Degrees as radians: y = x · π / 180.

    Shapes: input and output (*).

    >>> import minicnn
    >>> deg2rad(minicnn.tensor([90.0, 180.0]))
    tensor([1.5708, 3.1416])
    """
    need_tensors("deg2rad", input=input)
    return input * (math.pi / 180.0)


@composition(_angle_samples, Unary.errors)
def rad2deg(input: Tensor) -> Tensor:
    """Radians as degrees: y = x · 180 / π.

    Shapes: input and output (*).

    >>> import minicnn
    >>> rad2deg(minicnn.tensor([1.0, 2.0]))
    tensor([ 57.2958, 114.5916])
    """
    need_tensors("rad2deg", input=input)
    return input * (180.0 / math.pi)
