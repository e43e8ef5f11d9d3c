"""Values held between bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.errors import ParameterError, message
from minicnn.ops.primitive.select import where

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
            message("clamp", "expects at least one of min and max.", "both are None", "clamp(x, min=0.0), for one.")
        )
    y = input
    if min is not None:
        y = where(y < min, min, y)
    if max is not None:
        y = where(y > max, max, y)
    return y
