"""The normal distribution in plain ``xp``: the error function, and GELU."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

Array = Any

# In float32 erf(x) = tanh(x · P(x²)), and tanh is the fastest of NumPy's transcendental functions. P was fitted to
# atanh(erf(x)) / x on [0, 4] by least squares, with weights by which the largest relative error of the tanh is smallest
# (Lawson's iteration): 1e-7, a rounding and a half. From the constant term on.
SINGLE = (
    1.128379274293822, 0.10276905590087236, -0.00019183104000500923, -0.0006197844595452523, 8.763725418353831e-05,
    -5.6684639102496526e-06, 1.4185156680515493e-07,
)  # fmt: skip
WHOLE = 4.5  # from where on that is 1
TANH = (math.sqrt(2.0 / math.pi), 0.044715 * math.sqrt(2.0 / math.pi))  # 2 · Φ(x) − 1 is near tanh(a · x + b · x³)
DENSITY = 1.0 / math.sqrt(2.0 * math.pi)  # the normal distribution's at 0
FAR = 40.0  # from where on Φ is 0 or 1, and its slope 0, in float64 too

# In float64: rational functions of Sun's fdlibm (s_erf.c, 1993), from the constant term on, each within 1e-16.
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


def erf_of(xp: Any, x: Array, complement: bool = False) -> Array:
    """Return the error function of an array of floats, or 1 minus it, exact where that is small."""
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


def odd(x: Array, coefficients: Sequence[float]) -> Array:
    """Return x · P(x²), by Horner's rule."""
    square = x * x
    total = square * coefficients[-1]
    for c in coefficients[-2:0:-1]:
        total = (total + c) * square
    return (total + coefficients[0]) * x


class Gauss:
    """The part of `minicnn.backend.base.Backend` that integrates the bell curve."""

    xp: Any
    elementwise: Any

    def erf(self, x: Array) -> Array:
        """Return the error function: 2/√π · ∫₀ˣ exp(−t²) dt."""
        return self.elementwise(self._erf, x)

    def _erf(self, x: Array) -> Array:
        xp = self.xp
        return xp.tanh(odd(xp.clip(x, -WHOLE, WHOLE), SINGLE)) if x.dtype == "float32" else erf_of(xp, x)

    def gelu(self, x: Array, tanh: bool) -> tuple[Array, Array]:
        """Return x · Φ and Φ, the normal distribution's function or its approximation by a tanh."""

        def share(x: Array) -> Array:
            near = self.xp.clip(x, -FAR, FAR)
            bell = self.xp.tanh(odd(near, TANH)) if tanh else self._erf(near * math.sqrt(0.5))
            return 0.5 * bell + 0.5

        below = self.elementwise(share, x)
        return self.elementwise(self.xp.multiply, x, below), below

    def gelu_grad(self, grad: Array, x: Array, below: Array, tanh: bool) -> Array:
        """Return g · (Φ + x · Φ'), Φ' = exp(−x²/2) / √(2π) or 2 · Φ · (1 − Φ) · (a + 3b · x²)."""

        def slope(g: Array, x: Array, below: Array) -> Array:
            near = self.xp.clip(x, -FAR, FAR)
            if tanh:
                density = below * (1.0 - below) * (near * near * (6.0 * TANH[1]) + 2.0 * TANH[0])
            else:
                density = self.xp.exp(near * near * -0.5) * DENSITY
            return g * (below + x * density)

        return self.elementwise(slope, grad, x, below)
