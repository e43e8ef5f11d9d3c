"""A product added to a tensor: addmm, addmv, addr, addbmm, baddbmm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.errors import ShapeError, message
from minicnn.ops.primitive.products import bmm, mm, mv, outer
from minicnn.ops.primitive.reduce import sum
from minicnn.ops.primitive.shape import expand

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def added(input: Tensor, product: Tensor, beta: float, alpha: float) -> Tensor:
    """Return beta · input + alpha · product, the input broadcast to the product, which never grows."""
    try:
        whole = input if input.shape == product.shape else expand(input, product.shape)
    except ShapeError:
        raise ShapeError(
            message(
                "addmm",
                f"input expects a shape that broadcasts to {tuple(product.shape)}, got {tuple(input.shape)}.",
                "that is the product's shape, and the product itself is not broadcast",
                "check which of the two has the shape that is meant.",
            )
        ) from None
    return (whole if beta == 1 else whole * beta) + (product if alpha == 1 else product * alpha)


def _addmm_samples(rng: Rng) -> Iterator[Sample]:
    a, b = rng.normal(size=(2, 3)), rng.normal(size=(3, 4))
    yield Sample(rng.normal(size=(2, 4)), a, b)
    yield Sample(rng.normal(size=4), a, b, beta=0.5, alpha=2.0)
    yield Sample(rng.normal(size=(2, 1)), a, b, alpha=-1)
    yield Sample(rng.normal(size=()), a, b, beta=0)
    yield Sample(rng.normal(size=(1, 4)), np.zeros((2, 0)), np.zeros((0, 4)), beta=2)
    yield Sample(np.array([[1, 2]]), np.array([[3]]), np.array([[4, 5]]))


def _addmm_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2, 3)", "(4, 2)"), np.ones((2, 2)), np.ones((2, 3)), np.ones((4, 2)))
    yield ErrorSample(ShapeError, ("(2, 4)", "(2, 1)"), np.ones((2, 4)), np.ones((2, 3)), np.ones((3, 1)))


@composition(_addmm_samples, _addmm_errors)
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """y = beta · input + alpha · mat1 mat2.

    Shapes: (n, k) and (k, m) -> (n, m); input broadcasts to it.
    Args:
        beta: what the input is multiplied by.
        alpha: what the product is multiplied by.
    Raises:
        ShapeError: other shapes.

    >>> import minicnn
    >>> addmm(minicnn.ones(1), minicnn.ones(1, 2), minicnn.ones(2, 1))
    tensor([[3.]])
    """
    return added(input, mm(mat1, mat2), beta, alpha)


def _addmv_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=2), rng.normal(size=(2, 3)), rng.normal(size=3), beta=0.5, alpha=2.0)
    yield Sample(rng.normal(size=2), rng.normal(size=(2, 3)), rng.normal(size=3))
    yield Sample(rng.normal(size=1), rng.normal(size=(2, 3)), rng.normal(size=3), alpha=-1)
    yield Sample(rng.normal(size=()), rng.normal(size=(2, 1)), rng.normal(size=1), beta=2)
    yield Sample(rng.normal(size=2), np.zeros((2, 0)), np.zeros(0))
    yield Sample(np.array([1]), np.array([[2, 3]]), np.array([4, 5]))


def _addmv_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2, 3)", "(2,)"), np.ones(2), np.ones((2, 3)), np.ones(2))


@composition(_addmv_samples, _addmv_errors)
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """y = beta · input + alpha · mat vec.

    Shapes: (n, k) and (k) -> (n); input broadcasts to it.
    Args: as for `addmm`.
    Raises:
        ShapeError: other shapes.

    >>> import minicnn
    >>> addmv(minicnn.ones(1), minicnn.ones(1, 2), minicnn.ones(2))
    tensor([3.])
    """
    return added(input, mv(mat, vec), beta, alpha)


def _addr_samples(rng: Rng) -> Iterator[Sample]:
    a, b = rng.normal(size=2), rng.normal(size=3)
    yield Sample(rng.normal(size=(2, 3)), a, b)
    yield Sample(rng.normal(size=3), a, b, beta=0.5, alpha=2.0)
    yield Sample(rng.normal(size=()), a, b, alpha=-1)
    yield Sample(np.array([[1, 2]]), np.array([3]), np.array([4, 5]))
    yield Sample(rng.normal(size=(2, 1)), a, b, beta=0)
    yield Sample(np.zeros((0, 3)), a[:0], b, beta=2)


def _addr_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(1, 2)", "(n)"), np.ones(2), np.ones((1, 2)), np.ones(2))


@composition(_addr_samples, _addr_errors)
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """y = beta · input + alpha · vec1 vec2ᵀ.

    Shapes: (n) and (m) -> (n, m); input broadcasts to it.
    Args: as for `addmm`.
    Raises:
        ShapeError: other shapes.

    >>> import minicnn
    >>> addr(minicnn.ones(1), minicnn.tensor([1.0, 2.0]), minicnn.tensor([3.0, 4.0]))
    tensor([[4., 5.],
            [7., 9.]])
    """
    return added(input, outer(vec1, vec2), beta, alpha)


def _addbmm_samples(rng: Rng) -> Iterator[Sample]:
    a, b = rng.normal(size=(3, 2, 3)), rng.normal(size=(3, 3, 4))
    yield Sample(rng.normal(size=(2, 4)), a, b)
    yield Sample(rng.normal(size=4), a, b, beta=0.5, alpha=2.0)
    yield Sample(rng.normal(size=(2, 1)), a, b, alpha=-1)
    yield Sample(rng.normal(size=()), a[:1], b[:1], beta=2)
    yield Sample(rng.normal(size=(2, 4)), a[:0], b[:0], beta=0.5)  # no products at all
    yield Sample(np.array([[1, 2]]), np.array([[[3]], [[1]]]), np.array([[[4, 5]], [[6, 7]]]))


def _addbmm_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2, 2, 3)", "(1, 3, 2)"), np.ones(1), np.ones((2, 2, 3)), np.ones((1, 3, 2)))


@composition(_addbmm_samples, _addbmm_errors)
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """y = beta · input + alpha · Σ batch1ᵢ batch2ᵢ, summed over the batch.

    Shapes: (b, n, k) and (b, k, m) -> (n, m); input broadcasts to it.
    Args: as for `addmm`.
    Raises:
        ShapeError: other shapes.

    >>> import minicnn
    >>> addbmm(minicnn.ones(1), minicnn.ones(2, 1, 2), minicnn.ones(2, 2, 1))
    tensor([[5.]])
    """
    return added(input, sum(bmm(batch1, batch2), 0), beta, alpha)


def _baddbmm_samples(rng: Rng) -> Iterator[Sample]:
    a, b = rng.normal(size=(2, 2, 3)), rng.normal(size=(2, 3, 4))
    yield Sample(rng.normal(size=(2, 2, 4)), a, b)
    yield Sample(rng.normal(size=(2, 1)), a, b, beta=0.5, alpha=2.0)
    yield Sample(rng.normal(size=(2, 1, 1)), a, b, alpha=-1)
    yield Sample(rng.normal(size=()), a[:1], b[:1], beta=0)
    yield Sample(rng.normal(size=(2, 4)), np.zeros((2, 2, 0)), np.zeros((2, 0, 4)), beta=2)
    yield Sample(np.array([[[1, 2]]]), np.array([[[3]]]), np.array([[[4, 5]]]))


@composition(_baddbmm_samples, _addbmm_errors)
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """y = beta · input + alpha · batch1 batch2, for batches of matrices.

    Shapes: (b, n, k) and (b, k, m) -> (b, n, m); input broadcasts to it.
    Args: as for `addmm`.
    Raises:
        ShapeError: other shapes.

    >>> import minicnn
    >>> baddbmm(minicnn.ones(1), minicnn.ones(1, 1, 2), minicnn.ones(1, 2, 1))
    tensor([[[3.]]])
    """
    return added(input, bmm(batch1, batch2), beta, alpha)
