"""Smooth activations, and vectors made as long as 1."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from minicnn import ops
from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.errors import ArgumentTypeError, IndexRangeError, ParameterError, ShapeError, message
from minicnn.nn.functional.common import (
    elementwise_errors,
    elementwise_samples,
    entered,
    left,
    need_number,
    need_positive,
)
from minicnn.ops.fused.gelu import gelu as gelu
from minicnn.ops.primitive.dims import normal_dim
from minicnn.ops.primitive.elementwise import Unary
from minicnn.tensor import Tensor


@composition(elementwise_samples(), elementwise_errors())
def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Sigmoid linear unit (swish): y = x · σ(x).

    Shapes: input and output (*).

    Args:
        inplace: write the result over the input.
    Raises:
        DTypeError: the input is not of floats.
    Source: Elfwing, Uchibe and Doya, "Sigmoid-Weighted Linear Units" (2017), equation 4.

    >>> import minicnn
    >>> silu(minicnn.tensor([-1.0, 2.0]))
    tensor([-0.2689,  1.7616])
    """
    x = entered("silu", input, inplace)
    return left(input, x * x.sigmoid(), inplace)


@composition(
    elementwise_samples({"beta": 2.0}, {"threshold": 1.0}),
    elementwise_errors(ErrorSample(ParameterError, ("beta", "0"), np.ones(2), 0.0)),
)
def softplus(input: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    """A smooth rectifier: y = ln(1 + e^(β·x)) / β; x itself where β · x is above the threshold.

    Shapes: input and output (*).

    Args:
        beta: β.
        threshold: from where on y = x.
    Raises:
        ParameterError: beta is not above 0.
    Source: Dugas et al., "Incorporating Second-Order Functional Knowledge" (2000), section 3.

    >>> import minicnn
    >>> softplus(minicnn.tensor([0.0, 30.0]))
    tensor([ 0.6931, 30.0000])
    """
    need_positive("softplus", "beta", beta)
    x = entered("softplus", input)
    linear = x * beta > threshold
    return ops.where(linear, x, (x * beta).masked_fill(linear, 0.0).exp().log1p() / beta)


@composition(elementwise_samples(), elementwise_errors())
def logsigmoid(input: Tensor) -> Tensor:
    """The logarithm of the logistic function, without overflow: y = ln σ(x) = min(x, 0) − ln(1 + e^(−|x|)).

    Shapes: input and output (*).

    Raises:
        DTypeError: the input is not of floats.

    >>> import minicnn
    >>> logsigmoid(minicnn.tensor([0.0, -200.0]))
    tensor([  -0.6931, -200.0000])
    """
    x = entered("logsigmoid", input)
    below = x < 0
    return ops.where(below, x, 0.0) - ops.where(below, x, -x).exp().log1p()


@composition(elementwise_samples(), elementwise_errors())
def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """y = x · tanh(ln(1 + eˣ)).

    Shapes: input and output (*).

    Args:
        inplace: write the result over the input.
    Raises:
        DTypeError: the input is not of floats.
    Source: Misra, "Mish" (2019), equation 1.

    >>> import minicnn
    >>> mish(minicnn.tensor([-1.0, 2.0]))
    tensor([-0.3034,  1.9440])
    """
    x = entered("mish", input, inplace)
    return left(input, x * softplus(x).tanh(), inplace)


class Softsign(Unary):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return x / (be.xp.abs(x) + 1)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        scale = (x.abs() + 1).reciprocal()
        return g * scale * scale  # the quotient's rule would lose all digits of a large x to a difference

    @classmethod
    def samples(cls, rng: Rng) -> Iterator[Sample]:
        yield from elementwise_samples()(rng)

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield from elementwise_errors()()


@Softsign.public
def softsign(input: Tensor) -> Tensor:
    """y = x / (1 + |x|).

    Shapes: input and output (*).

    Raises:
        DTypeError: the input is not of floats.

    >>> import minicnn
    >>> softsign(minicnn.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """
    return Softsign.apply(entered("softsign", input))


@composition(elementwise_samples(), elementwise_errors())
def tanhshrink(input: Tensor) -> Tensor:
    """y = x − tanh x.

    Shapes: input and output (*).

    Raises:
        DTypeError: the input is not of floats.

    >>> import minicnn
    >>> tanhshrink(minicnn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.2384])
    """
    x = entered("tanhshrink", input)
    return x - x.tanh()


def _glu_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(3, 4)))
    yield Sample(rng.normal(size=(2, 6, 3)), 1)
    yield Sample(rng.normal(size=(0, 4)))
    yield Sample(rng.normal(size=(4, 3)), dim=0)
    yield Sample(rng.normal(size=2))
    yield Sample(rng.normal(size=(3, 4)) * 50)  # gates shut and open
    yield Sample(rng.normal(size=(2, 3, 2, 2)), -2)
    yield Sample(np.zeros((3, 0)))


def _glu_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("glu", "even", "3"), np.ones((2, 3)))
    yield ErrorSample(IndexRangeError, ("glu", "2"), np.ones((2, 4)), 2)
    yield ErrorSample(ShapeError, ("glu", "none"), np.array(2.0))


@composition(_glu_samples, _glu_errors)
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """Gated linear unit: y = a · σ(b), a and b the halves of x along ``dim``.

    Shapes: input (*, 2M, *); output (*, M, *).

    Args:
        dim: the dim that is halved.
    Raises:
        ShapeError: its size is odd.
        IndexRangeError: there is no such dim.
    Source: Dauphin et al., "Language Modeling with Gated Convolutional Networks" (2016), equation 1.

    >>> import minicnn
    >>> glu(minicnn.tensor([4.0, 0.0]))
    tensor([2.])
    """
    x = entered("glu", input)
    dim = normal_dim("glu", dim, x.ndim)
    if x.ndim == 0:
        raise ShapeError(message("glu", "input expects a dim to halve.", "input () has none", "x.reshape(1, -1)."))
    size = x.shape[dim]
    if size % 2:
        raise ShapeError(
            message(
                "glu",
                f"expects an even size along dim {dim}, got {size}.",
                f"input {tuple(x.shape)}",
                "give the layer before an even number of outputs.",
            )
        )
    return x.narrow(dim, 0, size // 2) * x.narrow(dim, size // 2, size // 2).sigmoid()


def _normalize_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(3, 4)))
    yield Sample(rng.normal(size=(2, 3, 2)), 1.0, 2)
    yield Sample(rng.normal(size=(3, 4)), p=3.0, dim=0)
    yield Sample(rng.normal(size=(3, 4)), p=math.inf)
    yield Sample(rng.normal(size=(3, 4)), p=-math.inf)
    yield Sample(rng.normal(size=(3, 4)), p=0)
    yield Sample(rng.normal(size=(3, 4)), p=-1)
    yield Sample(np.array([[0.1, 0.3], [0.0, 0.0]]), eps=0.5)  # shorter than eps, and of no length
    yield Sample(rng.normal(size=(3, 4)), eps=2.0)
    yield Sample(rng.normal(size=(2, 3, 2)), dim=-2)
    yield Sample(rng.normal(size=()) + 3.0, eps=9.0, dim=0)  # a number is a vector of one element
    yield Sample(np.zeros((0, 3)))


def _normalize_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(IndexRangeError, ("normalize", "1"), np.ones(3))
    yield ErrorSample(ArgumentTypeError, ("p", "a number", "str"), np.ones((2, 3)), "nuc")


@composition(_normalize_samples, _normalize_errors)
def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """Give each vector along ``dim`` the length 1: y = x / max(‖x‖ₚ, ε).

    Shapes: input and output (*).

    Args:
        p: which norm, as that of `norm`: 2 for the length.
        dim: along which the vectors lie.
        eps: ε, what shorter vectors are divided by.
    Raises:
        IndexRangeError: there is no such dim.
        ArgumentTypeError: p is no number.

    >>> import minicnn
    >>> normalize(minicnn.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    x = entered("normalize", input)
    dim = normal_dim("normalize", dim, x.ndim)
    need_number("normalize", "p", p)
    return x / ops.norm(x, p, dim, True).clamp(min=eps)
