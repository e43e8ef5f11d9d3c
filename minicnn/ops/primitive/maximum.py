"""The larger and the smaller of two: maximum, minimum, fmax, fmin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import Constant, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.elementwise import Binary, pair_errors, untied_samples
from minicnn.ops.primitive.where import where
from minicnn.ops.promote import promote

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class Maximum(Binary):
    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.maximum(a, b)

    @staticmethod
    def grad_a(g: Tensor, a: Any, b: Any) -> Tensor:
        return _share(g, a == b, a < b)

    @staticmethod
    def grad_b(g: Tensor, a: Any, b: Any) -> Tensor:
        return _share(g, a == b, a > b)


class Minimum(Binary):
    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.minimum(a, b)

    @staticmethod
    def grad_a(g: Tensor, a: Any, b: Any) -> Tensor:
        return _share(g, a == b, a > b)

    @staticmethod
    def grad_b(g: Tensor, a: Any, b: Any) -> Tensor:
        return _share(g, a == b, a < b)


def _share(g: Tensor, tie: Tensor, lost: Tensor) -> Tensor:
    """g where this operand was chosen, half of it where both tie, as in PyTorch, and 0 where the other was."""
    return (g - (g * 0.5).masked_fill(~tie, 0.0)).masked_fill(lost, 0.0)


@Maximum.public
def maximum(input: Any, other: Any) -> Tensor:
    """The larger of two, element by element; NaN where either is.

    Shapes: input and other broadcast to the output's.
    Gradient: to the larger one; half to each where they tie.
    Raises:
        ShapeError: the shapes do not broadcast.
        ArgumentTypeError: an operand is neither a tensor nor a number.

    >>> import minicnn
    >>> maximum(minicnn.tensor([1.0, 4.0]), minicnn.tensor([3.0, 2.0]))
    tensor([3., 4.])
    """
    return Maximum.apply(input, other)


@Minimum.public
def minimum(input: Any, other: Any) -> Tensor:
    """The smaller of two, element by element; NaN where either is.

    Shapes: input and other broadcast to the output's.
    Gradient: to the smaller one; half to each where they tie.
    Raises:
        ShapeError: the shapes do not broadcast.
        ArgumentTypeError: an operand is neither a tensor nor a number.

    >>> import minicnn
    >>> minimum(minicnn.tensor([1.0, 4.0]), minicnn.tensor([3.0, 2.0]))
    tensor([1., 2.])
    """
    return Minimum.apply(input, other)


def _fmax_samples(rng: Rng) -> Iterator[Sample]:
    yield from untied_samples(rng)
    yield Sample(Constant(np.array([np.nan, 1.0, np.nan])), Constant(np.array([2.0, np.nan, np.nan])))
    yield Sample(rng.uniform(0.5, 1.0, (2, 2)), np.array([[0.0, 2.0]]))


@composition(_fmax_samples, pair_errors)
def fmax(input: Tensor, other: Tensor) -> Tensor:
    """The larger of two, element by element; a number where only one of them is NaN.

    Shapes: input and other broadcast to the output's.
    Gradient: to the larger one; where they tie, to input.
    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> fmax(minicnn.tensor([1.0, float("nan")]), minicnn.tensor([3.0, 2.0]))
    tensor([3., 2.])
    """
    need_tensors("fmax", input=input, other=other)
    a, b = promote((input, other))
    return where((a >= b) | (b != b), a, b)


@composition(_fmax_samples, pair_errors)
def fmin(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of two, element by element; a number where only one of them is NaN.

    Shapes: input and other broadcast to the output's.
    Gradient: to the smaller one; where they tie, to input.
    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> fmin(minicnn.tensor([1.0, float("nan")]), minicnn.tensor([3.0, 2.0]))
    tensor([1., 2.])
    """
    need_tensors("fmin", input=input, other=other)
    a, b = promote((input, other))
    return where((a <= b) | (b != b), a, b)
