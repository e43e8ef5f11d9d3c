"""Special functions: erf, erfc, erfinv, sinc, logit, logaddexp, logaddexp2, xlogy."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.graph import TapeTensor
from minicnn.autograd.op import composition
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.backend.gauss import erf_of
from minicnn.errors import ArgumentTypeError, DTypeError, ShapeError
from minicnn.ops.checks import need_floats, need_tensors
from minicnn.ops.primitive.elementwise import Unary, binary_samples, pair_errors
from minicnn.ops.primitive.maximum import maximum
from minicnn.ops.primitive.where import where
from minicnn.ops.promote import promote

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class Erf(Unary):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.erf(x)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return g * ((-(x * x)).exp() * (2.0 / math.sqrt(math.pi)))

    @classmethod
    def samples(cls, rng: Rng) -> Iterator[Sample]:
        yield from super().samples(rng)
        yield Sample(np.array([-7.0, -3.5, -2.0, -1.1, -0.1, 0.0, 1e-9, 0.5, 1.0, 1.2, 2.5, 4.0]))


class Erfc(Unary):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.elementwise(lambda x: erf_of(be.xp, x, complement=True), x)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return -(g * ((-(x * x)).exp() * (2.0 / math.sqrt(math.pi))))

    @classmethod
    def samples(cls, rng: Rng) -> Iterator[Sample]:
        yield from super().samples(rng)
        yield Sample(np.array([-7.0, -3.5, -1.1, -0.1, 0.0, 0.5, 1.0, 1.2, 2.5]))
        yield Sample(np.array([3.0, 4.0, 5.0]))
        yield Sample(np.array([0, 0]))
        yield Sample(rng.normal(size=(1, 1)))


class Erfinv(Unary):
    interval = (-0.9, 0.9)

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        xp = be.xp
        size = xp.minimum(xp.abs(x), 1.0 - float(xp.finfo(x.dtype).eps) / 2)  # the largest below 1
        tail = -xp.log1p(-size) - xp.log1p(size)  # −ln(1 − x²)
        # Winitzki's formula is within 2e-3; three steps of Newton's method leave only rounding.
        half = 2.0 / (math.pi * 0.147) - tail / 2.0
        y = xp.sqrt(xp.maximum(xp.sqrt(half * half + tail / 0.147) - half, 0.0))
        for _ in range(3):
            slope = xp.exp(-xp.minimum(y * y, 80.0)) * (2.0 / math.sqrt(math.pi))
            left = xp.where(size < 0.5, size - erf_of(be.xp, y), erf_of(be.xp, y, complement=True) - (1.0 - size))
            step = left / slope
            y = y + step / (1.0 + y * step)  # Halley's correction
        y = xp.where(xp.abs(x) == 1, math.inf, xp.where(xp.abs(x) > 1, math.nan, y))
        return xp.copysign(y, x)

    @staticmethod
    def grad_x(g: Tensor, out: Tensor) -> Tensor:
        return g * ((out * out).exp() * (math.sqrt(math.pi) / 2.0))

    @classmethod
    def samples(cls, rng: Rng) -> Iterator[Sample]:
        yield from super().samples(rng)
        yield Sample(np.array([-0.95, -0.5, -1e-6, 0.0, 0.2, 0.7]))
        yield Sample(Constant(np.array([-0.99, 0.0, 0.999])))
        yield Sample(np.array([0, 0]))
        yield Sample(rng.uniform(-0.5, 0.5, (1, 1)))


@Erf.public
def erf(input: Tensor) -> Tensor:
    """The error function: y = 2/√π · ∫₀ˣ exp(−t²) dt.

    Shapes: input (*); output as input.
    Gradient: g · 2/√π · exp(−x²).
    Source: the rational functions of fdlibm, s_erf.c; in float32 tanh(x · P(x²)), with a P of our own.

    >>> import minicnn
    >>> erf(minicnn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8427])
    """
    return Erf.apply(input)


@Erfc.public
def erfc(input: Tensor) -> Tensor:
    """What the error function lacks to 1: y = 1 − erf(x), exact for large x too.

    Shapes: input and output (*).
    Gradient: −g · 2/√π · exp(−x²).
    Source: the rational functions of fdlibm, s_erf.c.

    >>> import minicnn
    >>> erfc(minicnn.tensor([0.0, 1.0]))
    tensor([1.0000, 0.1573])
    """
    return Erfc.apply(input)


@Erfinv.public
def erfinv(input: Tensor) -> Tensor:
    """The inverse of the error function; infinite at ±1, and NaN beyond.

    Shapes: input and output (*).
    Gradient: g · √π/2 · exp(y²).
    Source: Winitzki, A handy approximation for the error function and its inverse (2008), and Halley's method.

    >>> import minicnn
    >>> erfinv(minicnn.tensor([0.0, 0.5]))
    tensor([0.0000, 0.4769])
    """
    return Erfinv.apply(input)


def _sinc_samples(rng: Rng) -> Iterator[Sample]:
    for shape in ((2, 3), (), (0, 2), (2, 1, 3)):
        yield Sample(rng.uniform(0.2, 2.0, shape) * rng.choice([-1.0, 1.0], shape))
    yield Sample(np.array([-2.0, -1.0, 1.0, 3.0]))
    yield Sample(np.array([0.0, 1e-9, 1e-3, 0.1, 0.22, 0.23, -0.4]))  # the series, and where it ends
    yield Sample(np.array([0, 1, 2]))


class Sinc(Unary):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.sinc(x)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        """π · (cos u − sin u / u) / u, u = πx; for small u, where that cancels, π · Σ (−1)ᵏ 2k u²ᵏ⁻¹ / (2k+1)!."""
        u = x * math.pi
        small = u.abs() < 0.7
        away = u.masked_fill(small, 1.0)
        direct = (away.cos() - away.sin() / away) / away
        square = u * u
        series: Any = 0.0
        for k in range(7, 0, -1):
            series = (-1) ** k * 2 * k / math.factorial(2 * k + 1) + square * series
        return g * where(small, u * series, direct) * math.pi

    samples = staticmethod(_sinc_samples)
    errors = staticmethod(Unary.errors)


@Sinc.public
def sinc(input: Tensor) -> Tensor:
    """The sine of πx over πx: y = sin(πx) / (πx), and 1 at 0.

    Shapes: input and output (*).

    >>> import minicnn
    >>> sinc(minicnn.tensor([0.0, 0.5]))
    tensor([1.0000, 0.6366])
    """
    return Sinc.apply(input)


def _logit_samples(rng: Rng) -> Iterator[Sample]:
    for shape in ((2, 3), (), (0, 2), (2, 1, 3)):
        yield Sample(rng.uniform(0.1, 0.9, shape))
    yield Sample(np.array([0.5, 0.01, 0.99]))
    yield Sample(np.array([-0.5, 0.05, 0.4, 1.5]), 0.1)
    yield Sample(rng.uniform(0.2, 0.8, (2, 2)), eps=1e-3)
    yield Sample(np.array([0.3, 0.6]), None)


def _logit_errors() -> Iterator[ErrorSample]:
    yield from Unary.errors()
    yield ErrorSample(DTypeError, ("floats", "int64"), np.array([0, 1]))


@composition(_logit_samples, _logit_errors)
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """The inverse of sigmoid: y = ln(x / (1 − x)); NaN outside [0, 1].

    Shapes: input and output (*).
    Args:
        eps: hold x between eps and 1 − eps first.
    Raises:
        DTypeError: the input is not of floats.

    >>> import minicnn
    >>> logit(minicnn.tensor([0.5, 0.9]))
    tensor([0.0000, 2.1972])
    """
    need_tensors("logit", input=input)
    need_floats("logit", "input", input)
    x = input if eps is None else input.clamp(eps, 1.0 - eps)
    return x.log() - (-x).log1p()


def _logaddexp_samples(rng: Rng) -> Iterator[Sample]:
    yield from (s for s in binary_samples(rng) if isinstance(s.args[1], np.ndarray))
    yield Sample(np.array([1.0, -3.0]), np.array([1.0, -3.0]))
    yield Sample(np.array([500.0, -500.0]), np.array([499.0, 0.0]))
    yield Sample(rng.normal(size=2), np.array([1, -2], dtype=np.int8))  # with integers
    yield Sample(rng.normal(size=(2, 1, 2)), rng.normal(size=(3, 1)))


@composition(_logaddexp_samples, pair_errors)
def logaddexp(input: Tensor, other: Tensor) -> Tensor:
    """The logarithm of a sum of exponentials, without overflow: y = ln(eᵃ + eᵇ).

    Shapes: input and other broadcast to the output's.
    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> logaddexp(minicnn.tensor([100.0]), minicnn.tensor([100.0]))
    tensor([100.6931])
    """
    need_tensors("logaddexp", input=input, other=other)
    top = maximum(input.detach(), other.detach())
    top = top.masked_fill(~top.isfinite(), 0.0)  # ∞ − ∞ has no value; from 0 the sum says what it is
    total = (input - top).exp() + (other - top).exp()
    zero = total == 0
    return (top + total.masked_fill(zero, 1.0).log()).masked_fill(zero, -math.inf)


@composition(_logaddexp_samples, pair_errors)
def logaddexp2(input: Tensor, other: Tensor) -> Tensor:
    """The logarithm of a sum of powers of 2, without overflow: y = log₂(2ᵃ + 2ᵇ).

    Shapes: input and other broadcast to the output's.
    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> logaddexp2(minicnn.tensor([100.0]), minicnn.tensor([100.0]))
    tensor([101.])
    """
    need_tensors("logaddexp2", input=input, other=other)
    a, b = promote((input, other), to_float=True)
    return logaddexp(a * math.log(2.0), b * math.log(2.0)) / math.log(2.0)


def _xlogy_samples(rng: Rng) -> Iterator[Sample]:
    yield from binary_samples(rng, 0.5, 2.0)
    yield Sample(0.5, rng.uniform(0.5, 2.0, (2, 2)))
    yield Sample(Constant(np.array([0.0, 0.0, 1.0])), Constant(np.array([0.0, np.nan, 2.0])))
    yield Sample(np.array([0, 2]), np.array([1, 3]))
    yield Sample(np.array([100], dtype=np.int8), np.array([300, 2], dtype=np.int16))
    yield Sample(rng.normal(size=3), np.array([1, 2, 3], dtype=np.int16))
    yield Sample(np.array([3, 0], dtype=np.int8), 300)


def _xlogy_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2, 3)", "(4,)", "Fix"), np.ones((2, 3)), np.ones(4))
    yield ErrorSample(ArgumentTypeError, ("float",), 1.0, 2.0)


@composition(_xlogy_samples, _xlogy_errors)
def xlogy(input: Any, other: Any) -> Tensor:
    """y = a · ln b, and 0 where a is 0, whatever b is, unless that is NaN.

    Shapes: input and other (one of which may be a number) broadcast to the output's.
    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> xlogy(minicnn.tensor([0.0, 2.0]), minicnn.tensor([0.0, 1.0]))
    tensor([0., 0.])
    """
    if not isinstance(other, TapeTensor):
        need_tensors("xlogy", input=input)
    a, b = promote((input, other), to_float=True)
    a, b = (x if hasattr(x, "new_tensor") else y.new_tensor(x) for x, y in ((a, b), (b, a)))
    skipped: Any = (a == 0) & ((b <= 0) | (b == math.inf))  # elsewhere a = 0 has the slope ln b
    y: Tensor = a * where(skipped, 1.0, b).log()
    return y
