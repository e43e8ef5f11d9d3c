"""The cross product."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.errors import ShapeError, message
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.dims import normal_dim
from minicnn.ops.primitive.layout import broadcast_tensors
from minicnn.ops.primitive.rearrange import roll

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def _cross_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=3), rng.normal(size=3))
    yield Sample(rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))
    yield Sample(rng.normal(size=(3, 3)), rng.normal(size=(3, 3)), 1)
    yield Sample(rng.normal(size=(4, 3, 2)), rng.normal(size=(1, 3, 1)), dim=-2)
    yield Sample(rng.normal(size=(3, 2)), rng.normal(size=(3, 2)))
    yield Sample(np.array([1, 0, 0]), np.array([0, 1, 0]))
    yield Sample(np.zeros((0, 3)), np.zeros((0, 3)), -1)
    yield Sample(rng.normal(size=(1, 3)), rng.normal(size=(3, 3)))  # along the first dim of 3 that the input has
    yield Sample(rng.normal(size=(2, 1, 3)), rng.normal(size=(1, 4, 3)), -1)


def _cross_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("size 3", "(2, 2)"), np.ones((2, 2)), np.ones((2, 2)))
    yield ErrorSample(ShapeError, ("size 3", "(3, 2)"), np.ones((3, 2)), np.ones((3, 2)), 1)
    yield ErrorSample(ShapeError, ("(2, 3)", "(4, 3)"), np.ones((2, 3)), np.ones((4, 3)), 1)
    yield ErrorSample(ShapeError, ("same number of dims", "other (3,)"), np.ones((2, 3)), np.ones(3))
    yield ErrorSample(ShapeError, ("dim 0", "size 3 of both", "(1, 3)"), np.ones((3, 3)), np.ones((1, 3)))


@composition(_cross_samples, _cross_errors)
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """The cross product of vectors with three elements: (a₂b₃ − a₃b₂, a₃b₁ − a₁b₃, a₁b₂ − a₂b₁).

    Shapes: input and other broadcast; 3 along ``dim``.
    Args:
        dim: where the three elements are; the input's first dim of size 3 by default.
    Raises:
        ShapeError: the dim has not size 3, or the shapes do not broadcast.
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> cross(minicnn.tensor([1, 0, 0]), minicnn.tensor([0, 1, 0]))
    tensor([0, 0, 1])
    >>> cross(minicnn.tensor([[1.0, 0.0, 0.0]]), minicnn.eye(3))[1]
    tensor([0., 0., 1.])
    """
    need_tensors("cross", input=input, other=other)
    if input.ndim != other.ndim:
        shapes = f"input {tuple(input.shape)}, other {tuple(other.shape)}"
        raise ShapeError(
            message(
                "cross",
                f"input and other expect the same number of dims, got {input.ndim} and {other.ndim}.",
                shapes,
                "unsqueeze one of them.",
            )
        )
    if dim is None:
        dim = input.shape.index(3) if 3 in input.shape else -1
    d = normal_dim("cross", dim, input.ndim)
    if input.ndim == 0 or any(x.shape[d] != 3 for x in (input, other)):
        shapes = f"input {tuple(input.shape)}, other {tuple(other.shape)}"
        fix = "pass vectors of 3 elements, and their dim: dim=-1, for example."
        raise ShapeError(message("cross", f"dim {d} expects size 3 of both.", shapes, fix))
    a, b = broadcast_tensors(input, other)
    return roll(a, -1, d) * roll(b, -2, d) - roll(a, -2, d) * roll(b, -1, d)
