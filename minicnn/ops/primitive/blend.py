"""Blends of three tensors: lerp, addcmul, addcdiv."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.errors import ArgumentTypeError, ShapeError
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.division import div

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def _lerp_samples(rng: Rng) -> Iterator[Sample]:
    def draw(*shape: int) -> Any:
        return rng.normal(size=shape)

    yield Sample(draw(2, 3), draw(2, 3), 0.25)
    yield Sample(draw(2, 3), draw(3), draw(2, 1))
    yield Sample(draw(0, 3), draw(0, 3), 0.5)
    yield Sample(draw(), draw(), draw())
    yield Sample(draw(3), draw(2, 1), draw(2, 1, 1))
    yield Sample(draw(2, 1, 2), draw(2), 1.5)  # beyond the end


def _lerp_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2,)", "(3,)"), np.ones(3), np.ones(2), 0.5)
    yield ErrorSample(ArgumentTypeError, ("end", "float"), np.ones(3), 1.0, 0.5)


@composition(_lerp_samples, _lerp_errors)
def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """On the way from one tensor to another: y = x + w · (end − x).

    Shapes: input, end and weight (or a number) broadcast to the output's.
    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> lerp(minicnn.tensor([0.0]), minicnn.tensor([10.0]), 0.25)
    tensor([2.5000])
    """
    need_tensors("lerp", input=input, end=end)
    return input + (end - input) * weight


def _three_samples(rng: Rng) -> Iterator[Sample]:
    def draw(*shape: int) -> Any:
        return rng.uniform(0.5, 2.0, shape)

    yield Sample(draw(2, 3), draw(2, 3), draw(2, 3))
    yield Sample(draw(2, 3), draw(3), draw(2, 1), value=0.5)
    yield Sample(draw(), draw(2), draw(3, 1), value=-2)
    yield Sample(draw(0, 3), draw(3), draw(1))
    yield Sample(draw(1), draw(1), draw(4), value=0)
    yield Sample(np.array([1.0, 2.0]), -draw(2, 1, 2), draw(2), value=3.0)


def _three_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2,)", "(3,)"), np.ones(2), np.ones(2), np.ones(3))
    yield ErrorSample(ArgumentTypeError, ("tensor1", "float"), np.ones(2), 1.0, np.ones(2))


@composition(_three_samples, _three_errors)
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """y = x + value · a · b.

    Shapes: all broadcast to the output's.
    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> addcmul(minicnn.tensor([1.0]), minicnn.tensor([2.0]), minicnn.tensor([3.0]), value=0.5)
    tensor([4.])
    """
    need_tensors("addcmul", input=input, tensor1=tensor1, tensor2=tensor2)
    return input + (tensor1 * tensor2 if value == 1 else tensor1 * tensor2 * value)


@composition(_three_samples, _three_errors)
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """y = x + value · a / b.

    Shapes: all broadcast to the output's.
    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> addcdiv(minicnn.tensor([1.0]), minicnn.tensor([3.0]), minicnn.tensor([2.0]), value=2)
    tensor([4.])
    """
    need_tensors("addcdiv", input=input, tensor1=tensor1, tensor2=tensor2)
    return input + (div(tensor1, tensor2) if value == 1 else div(tensor1, tensor2) * value)
