"""Exponentials and logarithms: exp, exp2, expm1, log, log2, log10, log1p."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from minicnn.backend import Array, Backend
from minicnn.ops.primitive.elementwise import Unary

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class Exp(Unary):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.exp(x)

    @staticmethod
    def grad_x(g: Tensor, out: Tensor) -> Tensor:
        return g * out


class Exp2(Unary):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.exp2(x)

    @staticmethod
    def grad_x(g: Tensor, out: Tensor) -> Tensor:
        return g * (out * math.log(2.0))


class Expm1(Unary):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.expm1(x)

    @staticmethod
    def grad_x(g: Tensor, out: Tensor) -> Tensor:
        return g * (out + 1)


class Log(Unary):
    interval = (0.5, 3.0)

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.log(x)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return g / x


class Log2(Unary):
    interval = (0.5, 3.0)

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.log2(x)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return g / (x * math.log(2.0))


class Log10(Unary):
    interval = (0.5, 3.0)

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.log10(x)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return g / (x * math.log(10.0))


class Log1p(Unary):
    interval = (-0.5, 2.0)

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.log1p(x)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return g / (x + 1)


@Exp.public
def exp(input: Tensor) -> Tensor:
    """Exponential: y = eˣ.

    Shapes: input and output (*).

    >>> import minicnn
    >>> exp(minicnn.tensor([0.0, 1.0]))
    tensor([1.0000, 2.7183])
    """
    return Exp.apply(input)


@Exp2.public
def exp2(input: Tensor) -> Tensor:
    """The power of 2: y = 2ˣ.

    Shapes: input (*); output as input.
    Gradient: g · y · ln 2.

    >>> import minicnn
    >>> exp2(minicnn.tensor([0.0, 3.0]))
    tensor([1., 8.])
    """
    return Exp2.apply(input)


@Expm1.public
def expm1(input: Tensor) -> Tensor:
    """y = eˣ − 1, exact for small x.

    Shapes: input and output (*).

    >>> import minicnn
    >>> expm1(minicnn.tensor([0.0, 1.0]))
    tensor([0.0000, 1.7183])
    """
    return Expm1.apply(input)


@Log.public
def log(input: Tensor) -> Tensor:
    """Natural logarithm: y = ln x; −inf at 0 and NaN below.

    Shapes: input and output (*).

    >>> import minicnn
    >>> log(minicnn.tensor([1.0, 10.0]))
    tensor([0.0000, 2.3026])
    """
    return Log.apply(input)


@Log2.public
def log2(input: Tensor) -> Tensor:
    """The logarithm to base 2: y = log₂ x.

    Shapes: input (*); output as input.
    Gradient: g / (x · ln 2).

    >>> import minicnn
    >>> log2(minicnn.tensor([1.0, 8.0]))
    tensor([0., 3.])
    """
    return Log2.apply(input)


@Log10.public
def log10(input: Tensor) -> Tensor:
    """The logarithm to base 10: y = log₁₀ x.

    Shapes: input (*); output as input.
    Gradient: g / (x · ln 10).

    >>> import minicnn
    >>> log10(minicnn.tensor([1.0, 20.0]))
    tensor([0.0000, 1.3010])
    """
    return Log10.apply(input)


@Log1p.public
def log1p(input: Tensor) -> Tensor:
    """y = ln(1 + x), exact for small x.

    Shapes: input and output (*).

    >>> import minicnn
    >>> log1p(minicnn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.6931])
    """
    return Log1p.apply(input)
