"""Distances: of all pairs of points, cdist; of two tensors, dist."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.errors import ParameterError, ShapeError, message
from minicnn.ops.checks import need_choice, need_tensors
from minicnn.ops.primitive.elementwise import pair_errors
from minicnn.ops.primitive.measure import norm

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

MODES = (
    "use_mm_for_euclid_dist_if_necessary",
    "use_mm_for_euclid_dist",
    "donot_use_mm_for_euclid_dist",
)


def _cdist_samples(rng: Rng) -> Iterator[Sample]:
    a, b = rng.normal(size=(3, 2)), rng.normal(size=(4, 2)) + 3.0
    yield Sample(a, b)
    yield Sample(a, b, 1.0)
    yield Sample(a, b, p=3.0)
    yield Sample(a, b, p=float("inf"))
    yield Sample(a, b, compute_mode="donot_use_mm_for_euclid_dist")
    yield Sample(a, b, 2.0, "use_mm_for_euclid_dist")
    yield Sample(rng.normal(size=(2, 3, 2)), rng.normal(size=(2, 1, 2)) + 4.0)
    yield Sample(rng.normal(size=(2, 1, 3, 2)), rng.normal(size=(4, 2, 2)) + 4.0)
    yield Sample(np.zeros((0, 2)), b)


def _cdist_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("2 and 3", "(3, 2)", "(3, 3)"), np.ones((3, 2)), np.ones((3, 3)))
    yield ErrorSample(ShapeError, ("2 dims", "(2,)"), np.ones(2), np.ones((1, 2)))
    yield ErrorSample(ParameterError, ("p", "-1"), np.ones((1, 2)), np.ones((1, 2)), -1.0)


@composition(_cdist_samples, _cdist_errors)
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Tensor:
    """The distances of all pairs of rows: yᵢⱼ = (Σ |aᵢ − bⱼ|ᵖ)^(1/p).

    Shapes: (*, n, k) and (*, m, k) -> (*, n, m).
    Args:
        p: as that of `norm`.
        compute_mode: accepted for PyTorch's sake; the differences are always taken, which loses no digits.
    Raises:
        ShapeError: fewer than two dims, or rows of unequal lengths.
        ParameterError: p is negative.

    >>> import minicnn
    >>> cdist(minicnn.zeros(1, 2), minicnn.tensor([[3.0, 4.0]]))
    tensor([[5.]])
    """
    need_tensors("cdist", x1=x1, x2=x2)
    need_choice("cdist", "compute_mode", compute_mode, MODES)
    if x1.ndim < 2 or x2.ndim < 2:
        raise ShapeError(
            message(
                "cdist",
                "x1 and x2 expect at least 2 dims, one point per row.",
                f"x1 {tuple(x1.shape)}; x2 {tuple(x2.shape)}",
                "x.unsqueeze(0) makes a row of one point.",
            )
        )
    if x1.shape[-1] != x2.shape[-1]:
        raise ShapeError(
            message(
                "cdist",
                f"x1 and x2 expect rows of equal length, got {x1.shape[-1]} and {x2.shape[-1]}.",
                f"x1 {tuple(x1.shape)} = (*, n, k); x2 {tuple(x2.shape)} = (*, m, k)",
                "give every point as many numbers: k in each row.",
            )
        )
    if p < 0:
        raise ParameterError(
            message("cdist", f"p expects 0 or more, got {p}.", "p is the order of the norm", "use p=2.0.")
        )
    p = p if x1.shape[-1] else 1  # the largest of no differences is 0
    return norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1)


def _dist_samples(rng: Rng) -> Iterator[Sample]:
    a, b = rng.normal(size=(2, 3)), rng.normal(size=(2, 3)) + 5.0
    yield Sample(a, b)
    yield Sample(a, b[:1], 1)
    yield Sample(a, b, p=3)
    yield Sample(a, b, float("inf"))
    yield Sample(rng.normal(size=3), rng.normal(size=()))
    yield Sample(np.zeros((0, 2)), np.zeros((0, 2)))


@composition(_dist_samples, pair_errors)
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The distance of two tensors, as one vector each: y = (Σ |a − b|ᵖ)^(1/p).

    Shapes: input and other broadcast; output ().
    Args:
        p: as that of `norm`.
    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> dist(minicnn.tensor([1.0, 2.0]), minicnn.tensor([4.0, 6.0]))
    tensor(5.)
    """
    need_tensors("dist", input=input, other=other)
    return norm(input - other, float(p))
