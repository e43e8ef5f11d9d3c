"""Values held between bounds, or replaced: clamp, clamp_min, clamp_max, nan_to_num."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.errors import ArgumentTypeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.elementwise import Unary
from minicnn.ops.primitive.where import where

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def _clamp_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.permutation(12).reshape(3, 4) / 4 + rng.uniform(-0.05, 0.05, (3, 4)) - 1.125
    yield Sample(x, -0.5, 0.75)
    yield Sample(x, min=0.0)
    yield Sample(x, max=0.5)
    yield Sample(x, rng.normal(size=4) - 3, rng.normal(size=(3, 1)) + 3)
    yield Sample(np.zeros((0, 2)), 0.0, 1.0)
    yield Sample(x[:, :1], rng.uniform(2.0, 3.0, 4) * np.array([1.0, -1.0, 1.0, -1.0]))
    yield Sample(np.array(0.3), 1.0, -1.0)  # the upper bound wins
    yield Sample(np.array([[1, 5, -3]]), 0, 2)
    yield Sample(x, x + 4.0, x[0] + 9.0)  # all at the lower bound


def _clamp_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ParameterError, ("min", "max"), np.ones(2))


@composition(_clamp_samples, _clamp_errors)
def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """y = x held between min and max; where min > max, max wins.

    Shapes: input, and min and max where they are tensors, broadcast to the output's.
    Args:
        min: a number or tensor; None for no lower bound.
        max: a number or tensor; None for no upper bound.
    Gradient: to x where it lies within the bounds, ends included; else to the bound.
    Raises:
        ParameterError: neither bound is given.

    >>> import minicnn
    >>> clamp(minicnn.tensor([-1.0, 0.5, 2.0]), 0.0, 1.0)
    tensor([0.0000, 0.5000, 1.0000])
    """
    if min is None and max is None:
        raise ParameterError(
            message("clamp", "expects at least one of min and max.", "both are None", "clamp(x, min=0.0), for example.")
        )
    y = input
    if min is not None:
        y = where(y < min, min, y)
    if max is not None:
        y = where(y > max, max, y)
    return y


def _bound_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.uniform(0.1, 1.0, (2, 3)) * rng.choice([-1.0, 1.0], (2, 3))
    yield Sample(x, 0.0)
    yield Sample(x, rng.uniform(2.0, 3.0, 3) * np.array([1.0, -1.0, 1.0]))
    yield Sample(np.array([1, 5, -3]), 2)
    yield Sample(np.zeros((0, 2)), 1.0)
    yield Sample(rng.normal(size=()), 5.0)
    yield Sample(x[:, :1], rng.uniform(2.0, 3.0, 3) * np.array([1.0, -1.0, 1.0]))
    yield Sample(x[0], x + 4.0)


def _bound_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2,)", "(3,)"), np.ones(2), np.ones(3))
    yield ErrorSample(ArgumentTypeError, ("Tensor", "list"), [1.0], 0.0)


@composition(_bound_samples, _bound_errors)
def clamp_min(input: Tensor, min: Any) -> Tensor:
    """`clamp` with a lower bound alone.

    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> clamp_min(minicnn.tensor([-1.0, 2.0]), 0.0)
    tensor([0., 2.])
    """
    need_tensors("clamp_min", input=input)
    return clamp(input, min=min)


@composition(_bound_samples, _bound_errors)
def clamp_max(input: Tensor, max: Any) -> Tensor:
    """`clamp` with an upper bound alone.

    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> clamp_max(minicnn.tensor([-1.0, 2.0]), 0.0)
    tensor([-1.,  0.])
    """
    need_tensors("clamp_max", input=input)
    return clamp(input, max=max)


def _nan_to_num_samples(rng: Rng) -> Iterator[Sample]:
    broken = Constant(np.array([np.nan, 1.0, np.inf, -np.inf]))
    yield Sample(rng.normal(size=(2, 3)))
    yield Sample(Constant(np.array([np.nan, 1.0])))
    yield Sample(broken, 2.0, 3.0, -4.0)
    yield Sample(broken, nan=-1.0, posinf=5.0, neginf=-5.0)
    yield Sample(np.array([1, 2]))
    yield Sample(np.zeros((0, 2)))


@composition(_nan_to_num_samples, Unary.errors)
def nan_to_num(input: Tensor, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """The elements, with numbers in place of NaN and the infinities.

    Shapes: input (*); output as input.
    Args:
        nan: what stands for NaN.
        posinf: what stands for ∞; the largest number of the dtype by default.
        neginf: what stands for −∞; the smallest number of the dtype by default.
    Gradient: g, and 0 where an element was replaced.

    >>> import minicnn
    >>> nan_to_num(minicnn.tensor([float("nan"), 1.0]))
    tensor([0., 1.])
    """
    need_tensors("nan_to_num", input=input)
    if input.dtype.kind != "f":
        return input.clone()
    limits = np.finfo(input.dtype)
    high = float(limits.max) if posinf is None else posinf
    low = float(limits.min) if neginf is None else neginf
    y = where(input != input, nan, input)
    return where(input == float("-inf"), low, where(input == float("inf"), high, y))
