"""Softmax and its logarithm, computed from the largest element so that nothing overflows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.fused import Fused
from minicnn.autograd.sample import Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.ops.primitive.dims import normal_dim
from minicnn.ops.primitive.reduce import dim_errors, logsumexp
from minicnn.ops.promote import as_float

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def _samples(rng: Rng) -> Iterator[Sample]:
    for shape, dim in (((3, 4), 1), ((2, 3, 4), 0), ((2, 3, 2), -2), ((5,), 0)):
        yield Sample(rng.normal(size=shape) * 2, dim)
    yield Sample(rng.normal(size=(2, 3)) + 1e4, -1)
    yield Sample(np.zeros((0, 3)), 1)
    yield Sample(np.zeros((2, 0)), 1)
    yield Sample(rng.normal(size=()), 0)
    yield Sample(rng.normal(size=(2, 3)), 1, dtype=np.dtype("float64"))
    yield Sample(rng.normal(size=(2, 3)), axis=0)


class Softmax(Fused):
    """y = eˣ / Σ eˣ; dx = y · (g − Σ g·y)."""

    reads = ()
    saves_output = True

    @staticmethod
    def definition(x: Tensor, *, dim: int) -> Tensor:
        return (x - logsumexp(x, dim, keepdim=True)).exp()

    @staticmethod
    def forward(be: Backend, x: Array, *, dim: int) -> tuple[Array, Array]:
        y = be.softmax(x, dim)
        return y, y

    @staticmethod
    def backward(
        be: Backend, grads: Sequence[Array], saved: Array, needs: Sequence[bool], x: Array, *, dim: int
    ) -> list[Array]:
        return [be.softmax_grad(grads[0], saved, dim)]

    samples = staticmethod(_samples)
    errors = staticmethod(dim_errors)


class LogSoftmax(Fused):
    """y = x − ln Σ eˣ; dx = g − eʸ · Σ g."""

    reads = ()
    saves_output = True

    @staticmethod
    def definition(x: Tensor, *, dim: int) -> Tensor:
        return x - logsumexp(x, dim, keepdim=True)

    @staticmethod
    def forward(be: Backend, x: Array, *, dim: int) -> tuple[Array, Array]:
        y = be.log_softmax(x, dim)
        return y, y

    @staticmethod
    def backward(
        be: Backend, grads: Sequence[Array], saved: Array, needs: Sequence[bool], x: Array, *, dim: int
    ) -> list[Array]:
        return [be.log_softmax_grad(grads[0], saved, dim)]

    samples = staticmethod(_samples)
    errors = staticmethod(dim_errors)


@Softmax.public
def softmax(input: Tensor, dim: Any = None, dtype: Any = None, *, axis: int | None = None) -> Tensor:
    """Probabilities from logits: y = eˣ / Σ eˣ, the sum along ``dim``.

    Shapes: input and output (*).
    Args:
        dim: along which the outputs sum to 1; must be given. ``axis`` is another name for it.
        dtype: cast to it first.
    Gradient: dx = y · (g − Σ g·y).
    Raises:
        IndexRangeError: dim out of range.

    >>> import minicnn
    >>> softmax(minicnn.tensor([[0.0, 0.0]]), dim=1)
    tensor([[0.5000, 0.5000]])
    """
    x = as_float(input if dtype is None else input.to(dtype))
    dim = normal_dim("softmax", dim if axis is None else axis, x.ndim)
    return Softmax.apply(x, dim=dim) if x.ndim and x.shape[dim] else x * 0 + 1


@LogSoftmax.public
def log_softmax(input: Tensor, dim: Any = None, dtype: Any = None, *, axis: int | None = None) -> Tensor:
    """Logarithms of probabilities from logits: y = x − ln Σ eˣ, the sum along ``dim``.

    Shapes: input and output (*).
    Args:
        dim: along which the exponentials of the outputs sum to 1; must be given. ``axis`` is another name for it.
        dtype: cast to it first.
    Gradient: dx = g − eʸ · Σ g.
    Raises:
        IndexRangeError: dim out of range.

    >>> import minicnn
    >>> log_softmax(minicnn.tensor([[0.0, 0.0]]), dim=1)
    tensor([[-0.6931, -0.6931]])
    """
    x = as_float(input if dtype is None else input.to(dtype))
    dim = normal_dim("log_softmax", dim if axis is None else axis, x.ndim)
    return LogSoftmax.apply(x, dim=dim) if x.ndim and x.shape[dim] else x * 0
