"""Ways to combine the elements of vectors: cartesian_prod, combinations, vander."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minicnn.autograd.graph import wrap
from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import backend_of
from minicnn.errors import ArgumentTypeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.index import getitem
from minicnn.ops.primitive.join import stack
from minicnn.ops.primitive.layout import meshgrid

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def _product_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=3), rng.normal(size=2))
    yield Sample(rng.normal(size=2), rng.normal(size=1), rng.normal(size=3))
    yield Sample(rng.normal(size=3))
    yield Sample(np.array([1, 2]), np.array([3, 4]))
    yield Sample(rng.normal(size=2), np.zeros(0))
    yield Sample(rng.normal(size=1), rng.normal(size=2), rng.normal(size=2), rng.normal(size=1))


def _product_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("vectors", "(2, 1)"), np.ones((2, 1)), np.ones(2))
    yield ErrorSample(ArgumentTypeError, ("Tensor", "float"), np.ones(2), 1.0)
    yield ErrorSample(ParameterError, ("at least one",))


@composition(_product_samples, _product_errors)
def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All ways to take one element of each vector, a row each, the last one changing fastest.

    Shapes: (n), (m) -> (n·m, 2); one vector is returned as it is.
    Raises:
        ShapeError: a tensor that is no vector.
        ParameterError: there are no tensors.

    >>> import minicnn
    >>> cartesian_prod(minicnn.tensor([1, 2]), minicnn.tensor([3, 4]))
    tensor([[1, 3],
            [1, 4],
            [2, 3],
            [2, 4]])
    """
    need_tensors("cartesian_prod", **{f"tensors[{i}]": x for i, x in enumerate(tensors)})
    if not tensors:
        raise ParameterError(
            message("cartesian_prod", "tensors expects at least one.", "got none", "pass one vector or more.")
        )
    for x in tensors:
        if x.ndim != 1:
            raise ShapeError(message("cartesian_prod", "expects vectors.", f"got {tuple(x.shape)}", "flatten them."))
    if len(tensors) == 1:
        return tensors[0]
    return stack([grid.reshape(grid.numel()) for grid in meshgrid(*tensors)], 1)


def _combination_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=4))
    yield Sample(rng.normal(size=4), 3)
    yield Sample(rng.normal(size=3), 2, True)
    yield Sample(rng.normal(size=3), r=3, with_replacement=True)
    yield Sample(rng.normal(size=2), 3)
    yield Sample(np.array([1, 2, 3]), 1)


def _combination_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("a vector", "(2, 1)"), np.ones((2, 1)))
    yield ErrorSample(ParameterError, ("r", "-1"), np.ones(3), -1)


@composition(_combination_samples, _combination_errors)
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All ways to choose r elements of a vector, in order, a row each.

    Shapes: (n) -> (n over r, r).
    Args:
        with_replacement: an element may be chosen again.
    Raises:
        ShapeError: the input is no vector.
        ParameterError: r is negative.

    >>> import minicnn
    >>> combinations(minicnn.tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])
    """
    need_tensors("combinations", input=input)
    if input.ndim != 1:
        raise ShapeError(message("combinations", "expects a vector.", f"input {tuple(input.shape)}", "flatten it."))
    if r < 0:
        raise ParameterError(
            message("combinations", f"r expects 0 or more, got {r}.", "how many to choose", "use r=2.")
        )
    if r == 0:
        return input.new_empty((0,))
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = np.array(list(choose(range(input.shape[0]), r)), dtype=np.int64).reshape(-1, r)
    return getitem(input, wrap(backend_of(input._array).constant(rows)))


def _vander_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=3))
    yield Sample(rng.normal(size=3), 5)
    yield Sample(rng.normal(size=2), 4, True)
    yield Sample(rng.normal(size=3), N=1)
    yield Sample(np.array([1, 2, 3]), increasing=True)
    yield Sample(np.array([2, 3]), 0)


def _vander_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("a vector", "(2, 1)"), np.ones((2, 1)))
    yield ErrorSample(ParameterError, ("N", "-1"), np.ones(3), -1)


@composition(_vander_samples, _vander_errors)
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of a vector's elements as columns: Vandermonde's matrix.

    Shapes: (n) -> (n, N).
    Args:
        N: how many powers, from 0 on; as many as elements by default.
        increasing: from the lowest power to the highest.
    Raises:
        ShapeError: x is no vector.
        ParameterError: N is negative.

    >>> import minicnn
    >>> vander(minicnn.tensor([1, 2, 3]), 3)
    tensor([[1, 1, 1],
            [4, 2, 1],
            [9, 3, 1]])
    """
    need_tensors("vander", x=x)
    if x.ndim != 1:
        raise ShapeError(message("vander", "expects a vector.", f"x {tuple(x.shape)}", "flatten it."))
    count = x.shape[0] if N is None else N
    if count < 0:
        raise ParameterError(message("vander", f"N expects 0 or more, got {N}.", "the number of powers", "use N=3."))
    if count == 0:
        return x.new_empty((x.shape[0], 0))
    powers = range(count) if increasing else range(count - 1, -1, -1)
    return stack([x**p for p in powers], 1)
