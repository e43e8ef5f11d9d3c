"""Elements picked along a dim by a tensor of places: gather."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import backend_of
from minicnn.errors import IndexRangeError, ShapeError, message
from minicnn.ops.checks import need_one_device
from minicnn.ops.primitive.dims import normal_dim
from minicnn.ops.primitive.index import getitem

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def _gather_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.normal(size=(3, 4))
    yield Sample(x, 1, np.array([[0, 3], [1, 1], [2, 0]]))
    yield Sample(x, 0, np.array([[2, 0, 1, 1]]))
    yield Sample(x, -1, np.array([[1]]))
    yield Sample(rng.normal(size=()), 0, np.array(0))
    yield Sample(rng.normal(size=3), 0, np.array([1, 1, 2, 1, 0]))  # longer than the input
    yield Sample(rng.normal(size=(2, 3, 2)), -2, np.array([[[2, 0]], [[1, 1]]]))
    yield Sample(x, 1, np.zeros((3, 0), dtype=np.int64))
    yield Sample(np.array([[1, 2], [3, 4]]), 1, np.array([[0, 0], [1, 0]]))


def _gather_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(IndexRangeError, ("index 4", "size 4"), np.ones((3, 4)), 1, np.array([[4]]))
    yield ErrorSample(IndexRangeError, ("index 1", "size 1"), np.ones(()), 0, np.array(1))
    yield ErrorSample(ShapeError, ("2 dims", "(1,)"), np.ones((3, 4)), 1, np.array([0]))


@composition(_gather_samples, _gather_errors)
def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Elements picked along a dim: y[i, j] = x[i, index[i, j]] for dim 1 of two.

    Shapes: index (*) with as many dims as input, no longer than it but along ``dim``; output as index.
    Raises:
        IndexRangeError: an index out of range.
        ShapeError: the numbers of dims differ.

    >>> import minicnn
    >>> gather(minicnn.tensor([[1.0, 2.0], [3.0, 4.0]]), 1, minicnn.tensor([[1], [0]]))
    tensor([[2.],
            [3.]])
    """
    dim = normal_dim("gather", dim, input.ndim)
    if index.ndim != input.ndim:
        raise ShapeError(
            message(
                "gather",
                f"index expects the input's {input.ndim} dims, got shape {tuple(index.shape)}.",
                f"input {tuple(input.shape)}",
                "unsqueeze the index.",
            )
        )
    need_one_device("gather", input=input, index=index)
    if input.ndim == 0:
        return gather(input.reshape(1), 0, index.reshape(1)).reshape(())
    got = f"dim {dim} has size {input.shape[dim]}"

    def negative(value: int) -> IndexRangeError:
        return IndexRangeError(
            message("gather", f"index expects values from 0, got {value}.", got, "count from the start.")
        )

    be = backend_of(input._array)
    be.check_range("gather", index._array, 0, float("inf"), negative)
    xp = be.xp
    ones = [1] * input.ndim
    places = [
        index._array if i == dim else xp.arange(size).reshape((*ones[:i], size, *ones[i + 1 :]))
        for i, size in enumerate(index.shape)
    ]
    return getitem(input, tuple(places))
