"""The normal distribution's function Φ, which GELU is made of."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

import numpy as np

from minicnn.autograd.primitive import Primitive
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.nn.functional.common import elementwise_errors, need_float_tensors
from minicnn.tensor import Tensor

STEPS = 16  # places a unit at which Φ is tabled; between them, Taylor's series
LAST = 9.0  # Φ(−9) is 1e-19
TERMS = 10


@cache
def _table() -> np.ndarray:
    """Taylor coefficients of Φ at each place: (places, TERMS); the k-th derivative of φ is (−1)ᵏ · Heₖ · φ."""
    x = np.arange(-LAST * STEPS, LAST * STEPS + 1) / STEPS
    phi = np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    hermite = [np.ones_like(x), x]
    for k in range(1, TERMS):
        hermite.append(x * hermite[k] - k * hermite[k - 1])
    value = np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in x])
    series = [(-1) ** k * hermite[k] * phi / math.factorial(k + 1) for k in range(TERMS - 1)]
    return np.stack([value, *series], axis=1)


class Ndtr(Primitive):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        xp = be.xp
        inside = xp.where(x == x, xp.clip(x, -LAST, LAST), 0.0)
        place = xp.rint((inside + LAST) * STEPS).astype("int64")
        rest = (xp.clip(x, -LAST, LAST) - (place.astype(x.dtype) / STEPS - LAST)).astype(x.dtype)  # NaN stays
        table = be.asarray(_table().astype(x.dtype))
        y = xp.zeros_like(rest)
        for k in reversed(range(TERMS)):
            y = y * rest + table[:, k][place]
        return y

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return g * (x * x * -0.5).exp() * (1 / math.sqrt(2 * math.pi))

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        for shape in ((), (3, 4), (2, 3, 2), (0, 3)):
            yield Sample(rng.normal(size=shape) * 2)
        yield Sample(np.array([-12.0, -6.0, 0.0, 6.0, 12.0]))

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield from elementwise_errors()()


@Ndtr.public
def ndtr(input: Tensor) -> Tensor:
    """How likely a standard normal number is below x: Φ(x) = ½ · (1 + erf(x / √2)).

    Shapes: input and output (*).
    Gradient: dx = g · φ(x), φ(x) = exp(−x²/2) / √(2π).
    Raises:
        DTypeError: the input is not of floats.

    >>> import minicnn
    >>> ndtr(minicnn.tensor([0.0, 1.0]))
    tensor([0.5000, 0.8413])
    """
    need_float_tensors("ndtr", input=input)
    return Ndtr.apply(input)
