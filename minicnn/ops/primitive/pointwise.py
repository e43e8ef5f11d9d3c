"""One tensor, element by element: neg, abs, square, sqrt, rsqrt, reciprocal, sigmoid, relu."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.errors import DTypeError, message
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.elementwise import Unary

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class Neg(Unary):
    to_float = False  # integers stay integers

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        if x.dtype.kind == "b":
            raise DTypeError(message("neg", "bools have no negative.", f"shape {tuple(x.shape)}", "use ~x."))
        return be.xp.negative(x)

    @staticmethod
    def grad_x(g: Tensor) -> Tensor:
        return -g


class Abs(Unary):
    to_float = False

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.abs(x)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return g * x.sign()


class Sqrt(Unary):
    interval = (0.5, 3.0)

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.sqrt(x)

    @staticmethod
    def grad_x(g: Tensor, out: Tensor) -> Tensor:
        return g / (out * 2)


class Reciprocal(Unary):
    interval = (0.5, 3.0)

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.reciprocal(x)

    @staticmethod
    def grad_x(g: Tensor, out: Tensor) -> Tensor:
        return -(g * (out * out))


class Sigmoid(Unary):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.sigmoid(x)

    @staticmethod
    def grad_x(g: Tensor, out: Tensor) -> Tensor:
        return g * (out * (1 - out))

    @staticmethod
    def fast_x(be: Backend, g: Array, out: Array) -> Array:
        return be.sigmoid_grad(out, g)


class Relu(Unary):
    to_float = False

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.relu(x) if x.dtype.kind == "f" else be.xp.maximum(x, 0)

    @staticmethod
    def grad_x(g: Tensor, out: Tensor) -> Tensor:
        return g.masked_fill(out <= 0, 0.0)  # chosen, not multiplied by 0: an infinite g stops here, a NaN passes

    @staticmethod
    def fast_x(be: Backend, g: Array, out: Array) -> Array:
        return be.relu_grad(out, g)

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        for shape in ((3, 4), (), (0, 2), (2, 3, 2), (1,), (2, 1, 2, 1, 2)):
            yield Sample(rng.uniform(0.1, 2.0, shape) * rng.choice([-1.0, 1.0], shape))  # away from the kink
        yield Sample(np.array([[-2, 0, 3]]))


@Neg.public
def neg(input: Tensor) -> Tensor:
    """Negative: y = −x.

    Shapes: input and output (*).

    >>> import minicnn
    >>> neg(minicnn.tensor([1.0, -2.0]))
    tensor([-1.,  2.])
    """
    return Neg.apply(input)


@Abs.public
def abs(input: Tensor) -> Tensor:
    """Absolute value: y = |x|; the gradient at 0 is 0.

    Shapes: input and output (*).

    >>> import minicnn
    >>> abs(minicnn.tensor([1.0, -2.0]))
    tensor([1., 2.])
    """
    return Abs.apply(input)


def _square_samples(rng: Rng) -> Iterator[Sample]:
    for shape in ((2, 3), (), (0, 2), (1,), (2, 1, 2, 1, 2)):
        yield Sample(rng.normal(size=shape))
    yield Sample(np.array([[-3, 0, 2]]))


@composition(_square_samples, Unary.errors)
def square(input: Tensor) -> Tensor:
    """y = x²; integers stay integers.

    Shapes: input (*); output as input.

    >>> import minicnn
    >>> square(minicnn.tensor([3.0, -2.0]))
    tensor([9., 4.])
    """
    need_tensors("square", input=input)
    return input**2


@Sqrt.public
def sqrt(input: Tensor) -> Tensor:
    """Square root: y = √x; NaN below 0, and an infinite gradient at 0.

    Shapes: input and output (*).

    >>> import minicnn
    >>> sqrt(minicnn.tensor([4.0, 9.0]))
    tensor([2., 3.])
    """
    return Sqrt.apply(input)


def _rsqrt_samples(rng: Rng) -> Iterator[Sample]:
    for shape in ((2, 3), (), (0, 2), (1,), (2, 1, 2, 1, 2)):
        yield Sample(rng.uniform(0.5, 3.0, shape))
    yield Sample(np.array([1, 4, 100]))


@composition(_rsqrt_samples, Unary.errors)
def rsqrt(input: Tensor) -> Tensor:
    """y = 1 / √x.

    Shapes: input and output (*).

    >>> import minicnn
    >>> rsqrt(minicnn.tensor([4.0]))
    tensor([0.5000])
    """
    return 1 / sqrt(input)


@Reciprocal.public
def reciprocal(input: Tensor) -> Tensor:
    """y = 1 / x.

    Shapes: input (*); output as input.
    Gradient: −g · y².

    >>> import minicnn
    >>> reciprocal(minicnn.tensor([2.0, 4.0]))
    tensor([0.5000, 0.2500])
    """
    return Reciprocal.apply(input)


@Sigmoid.public
def sigmoid(input: Tensor) -> Tensor:
    """Logistic function: y = 1 / (1 + e⁻ˣ).

    Shapes: input and output (*).
    Gradient: dx = g · y · (1 − y).

    >>> import minicnn
    >>> sigmoid(minicnn.tensor([0.0, 1.0]))
    tensor([0.5000, 0.7311])
    """
    return Sigmoid.apply(input)


@Relu.public
def relu(input: Tensor) -> Tensor:
    """Rectified linear unit: y = max(x, 0); the gradient at 0 is 0.

    Shapes: input and output (*).

    >>> import minicnn
    >>> relu(minicnn.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return Relu.apply(input)
