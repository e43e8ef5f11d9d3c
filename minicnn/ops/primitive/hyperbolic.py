"""Hyperbolic functions: sinh, cosh, tanh, asinh, acosh, atanh."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minicnn.autograd.sample import Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.ops.primitive.elementwise import Unary

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class Sinh(Unary):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.sinh(x)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return g * cosh(x)


class Cosh(Unary):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.cosh(x)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return g * sinh(x)


class Tanh(Unary):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.elementwise(be.xp.tanh, x)

    @staticmethod
    def grad_x(g: Tensor, out: Tensor) -> Tensor:
        return g - g * (out * out)

    @staticmethod
    def fast_x(be: Backend, g: Array, out: Array) -> Array:
        return be.tanh_grad(out, g)


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


@Sinh.public
def sinh(input: Tensor) -> Tensor:
    """The hyperbolic sine: y = (eˣ − e⁻ˣ) / 2.

    Shapes: input (*); output as input.
    Gradient: g · cosh x.

    >>> import minicnn
    >>> sinh(minicnn.tensor([0.0, 1.0]))
    tensor([0.0000, 1.1752])
    """
    return Sinh.apply(input)


@Cosh.public
def cosh(input: Tensor) -> Tensor:
    """The hyperbolic cosine: y = (eˣ + e⁻ˣ) / 2.

    Shapes: input (*); output as input.
    Gradient: g · sinh x.

    >>> import minicnn
    >>> cosh(minicnn.tensor([0.0, 1.0]))
    tensor([1.0000, 1.5431])
    """
    return Cosh.apply(input)


@Tanh.public
def tanh(input: Tensor) -> Tensor:
    """Hyperbolic tangent: y = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ).

    Shapes: input and output (*).
    Gradient: dx = g · (1 − y²).

    >>> import minicnn
    >>> tanh(minicnn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """
    return Tanh.apply(input)


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
