"""Special functions: erf, erfc, erfinv, sinc, logit, logaddexp, logaddexp2, xlogy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.graph import TapeTensor
from minicnn.autograd.op import composition
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.errors import ArgumentTypeError, DTypeError, ShapeError
from minicnn.ops.checks import need_floats, need_tensors
from minicnn.ops.primitive.elementwise import Unary, binary_samples, pair_errors
from minicnn.ops.primitive.maximum import maximum
from minicnn.ops.primitive.where import where
from minicnn.ops.promote import promote

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

# Rational functions of Sun's fdlibm (s_erf.c, 1993), from the constant term on; error below 1e-16 on each interval.
_SMALL = (  # erf(x) = x + x · P(x²) / Q(x²) for |x| < 0.84375
    (1.28379167095512558561e-01, -3.25042107247001499370e-01, -2.84817495755985104766e-02,
     -5.77027029648944159157e-03, -2.37630166566501626084e-05),
    (1.0, 3.97917223959155352819e-01, 6.50222499887672944485e-02, 5.08130628187576562776e-03,
     1.32494738004321644526e-04, -3.96022827877536812320e-06),
)  # fmt: skip
_MIDDLE_VALUE = 8.45062911510467529297e-01
_MIDDLE = (  # erf(x) = 0.845... + P(x − 1) / Q(x − 1) for x < 1.25
    (-2.36211856075265944077e-03, 4.14856118683748331666e-01, -3.72207876035701323847e-01,
     3.18346619901161753674e-01, -1.10894694282396677476e-01, 3.54783043256182359371e-02,
     -2.16637559486879084300e-03),
    (1.0, 1.06420880400844228286e-01, 5.40397917702171048937e-01, 7.18286544141962662868e-02,
     1.26171219808761642112e-01, 1.36370839120290507362e-02, 1.19844998467991074170e-02),
)  # fmt: skip
_LARGE = (  # erf(x) = 1 − exp(−x² − 0.5625 + P(1/x²) / Q(1/x²)) / x for x < 1/0.35
    (-9.86494403484714822705e-03, -6.93858572707181764372e-01, -1.05586262253232909814e01,
     -6.23753324503260060396e01, -1.62396669462573470355e02, -1.84605092906711035994e02,
     -8.12874355063065934246e01, -9.81432934416914548592e00),
    (1.0, 1.96512716674392571292e01, 1.37657754143519042600e02, 4.34565877475229228821e02,
     6.45387271733267880336e02, 4.29008140027567833386e02, 1.08635005541779435134e02,
     6.57024977031928170135e00, -6.04244152148580987438e-02),
)  # fmt: skip
_LARGEST = (  # and beyond
    (-9.86494292470009928597e-03, -7.99283237680523006574e-01, -1.77579549177547519889e01,
     -1.60636384855821916062e02, -6.37566443368389627722e02, -1.02509513161107724954e03,
     -4.83519191608651397019e02),
    (1.0, 3.03380607434824582924e01, 3.25792512996573918826e02, 1.53672958608443695994e03,
     3.19985821950859553908e03, 2.55305040643316442583e03, 4.74528541206955367215e02,
     -2.24409524465858183362e01),
)  # fmt: skip


def erf_of(be: Backend, x: Array, complement: bool = False) -> Array:
    """Return the error function of an array of floats, or 1 minus it, exact where that is small."""
    xp = be.xp
    size = xp.abs(x)
    near = xp.minimum(size, 0.84375)
    small = near + near * _ratio(_SMALL, near * near)
    middle = _MIDDLE_VALUE + _ratio(_MIDDLE, xp.clip(size, 0.84375, 1.25) - 1.0)
    far = xp.clip(size, 1.25, 28.0 if complement else 6.0)
    inverse = 1.0 / (far * far)
    bend = xp.where(far < 1.0 / 0.35, _ratio(_LARGE, inverse), _ratio(_LARGEST, inverse))
    rest = xp.exp(-far * far - 0.5625 + bend) / far
    if complement:
        tail = xp.where(size < 0.84375, 1.0 - small, xp.where(size < 1.25, 1.0 - middle, rest))
        return xp.where(x < 0, 2.0 - tail, tail)
    large = 1.0 - rest
    y = xp.where(size < 0.84375, small, xp.where(size < 1.25, middle, large))
    return xp.copysign(y, x)  # NaN has come through the clips


def _ratio(pair: tuple[Sequence[float], Sequence[float]], x: Array) -> Array:
    """Return P(x) / Q(x), by Horner's rule."""
    values = []
    for coefficients in pair:
        total = x * coefficients[-1]
        for c in coefficients[-2:0:-1]:
            total = (total + c) * x
        values.append(total + coefficients[0])
    return values[0] / values[1]


class Erf(Unary):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.elementwise(lambda x: erf_of(be, x), x)

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
        return be.elementwise(lambda x: erf_of(be, x, complement=True), x)

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
            left = xp.where(size < 0.5, size - erf_of(be, y), erf_of(be, y, complement=True) - (1.0 - size))
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
    Source: the rational functions of fdlibm, s_erf.c.

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
