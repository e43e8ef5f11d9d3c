"""The Kronecker product."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.shape import reshape

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def _kron_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(2, 3)), rng.normal(size=(2, 2)))
    yield Sample(rng.normal(size=2), rng.normal(size=(2, 2)))
    yield Sample(np.zeros((0, 2)), rng.normal(size=(2, 2)))
    yield Sample(rng.normal(size=()), rng.normal(size=(1, 2)))
    yield Sample(rng.normal(size=(2, 1, 2)), rng.normal(size=2))
    yield Sample(np.array([[1, 0]]), np.array([[2, 3], [4, 5]]))


def _kron_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(TypeError, ("other", "float"), np.ones(2), 2.0)


@composition(_kron_samples, _kron_errors)
def kron(input: Tensor, other: Tensor) -> Tensor:
    """The Kronecker product: a copy of ``other``, times each element of input, in its place.

    Shapes: (n, m) and (p, q) -> (n·p, m·q).

    >>> import minicnn
    >>> kron(minicnn.tensor([[1.0, 2.0]]), minicnn.ones(1, 2))
    tensor([[1., 1., 2., 2.]])
    """
    need_tensors("kron", input=input, other=other)
    ndim = max(input.ndim, other.ndim)
    a, b = ((1,) * (ndim - x.ndim) + tuple(x.shape) for x in (input, other))
    y = reshape(input, tuple(s for size in a for s in (size, 1))) * reshape(
        other, tuple(s for size in b for s in (1, size))
    )
    return reshape(y, tuple(p * q for p, q in zip(a, b, strict=True)))
