"""GELU: each number times the share of the normal distribution that lies below it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from minicnn.autograd.fused import Fused
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.errors import ArgumentTypeError, DTypeError, ParameterError, message
from minicnn.ops.checks import need_floats, need_given

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class Gelu(Fused):
    @staticmethod
    def definition(x: Tensor, *, tanh: bool) -> Tensor:
        if tanh:
            return x * ((x + x * x * x * 0.044715) * math.sqrt(2 / math.pi)).tanh().add(1) * 0.5
        return x * ((x * math.sqrt(0.5)).erf() + 1) * 0.5

    @staticmethod
    def forward(be: Backend, x: Array, *, tanh: bool) -> tuple[Array, Array]:
        return be.gelu(x, tanh)  # Φ is kept: making it again would cost two thirds of forward

    @staticmethod
    def backward(
        be: Backend, grads: Sequence[Array], saved: Array, needs: Sequence[bool], x: Array, *, tanh: bool
    ) -> list[Array]:
        """dx = g · (Φ + x · Φ')."""
        return [be.gelu_grad(grads[0], x, saved, tanh)]

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        for shape in ((), (3, 4), (2, 3, 2, 2), (0, 3)):
            yield Sample(rng.normal(size=shape) * 2.5)
        yield Sample(np.array([-40.0, -8.0, -0.05, 0.05, 8.0, 40.0]))  # far out, and near 0
        yield Sample(np.array([-40.0, -5.0, -0.05, 0.05, 5.0, 40.0]), approximate="tanh")
        yield Sample(rng.normal(size=(1, 4)) * 0.1)
        yield Sample(rng.normal(size=(4, 5)) * 2.5, approximate="tanh")
        yield Sample(rng.normal(size=(2, 1, 3)), approximate="tanh")

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(ArgumentTypeError, ("input expects a Tensor", "list"), [1.0])
        yield ErrorSample(DTypeError, ("input expects floats", "int64"), np.ones((2, 3), dtype=np.int64))
        yield ErrorSample(ParameterError, ("approximate", "'fast'"), np.ones(2), approximate="fast")


@Gelu.public
def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """Gaussian error linear unit: y = x · Φ(x), Φ the normal distribution's function.

    With "tanh", y = ½ · x · (1 + tanh(√(2/π) · (x + 0.044715 · x³))).

    Shapes: input and output (*).

    Args:
        approximate: "none" or "tanh".
    Raises:
        ParameterError: an unknown approximation.
    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016), section 2.

    >>> import minicnn
    >>> minicnn.nn.functional.gelu(minicnn.tensor([-1.0, 2.0]))
    tensor([-0.1587,  1.9545])
    """
    need_given("gelu", "input", input)
    need_floats("gelu", "input", input)
    if approximate not in ("none", "tanh"):
        raise ParameterError(
            message(
                "gelu",
                f"approximate expects 'none' or 'tanh', got {approximate!r}.",
                "'none' is exact, 'tanh' close to it",
                "write approximate='none'.",
            )
        )
    return Gelu.apply(input, tanh=approximate == "tanh")
