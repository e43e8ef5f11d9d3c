"""Matrices and their parts: tril, triu, diag, diagonal, trace, and the shapes of batches of them."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minicnn.autograd.graph import wrap
from minicnn.autograd.op import composition
from minicnn.autograd.primitive import Primitive
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend, backend_of
from minicnn.errors import IndexRangeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.dims import normal_dim
from minicnn.ops.primitive.index import unindex
from minicnn.ops.primitive.rearrange import movedim
from minicnn.ops.primitive.reduce import sum

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def _need_matrix(where: str, x: Tensor) -> None:
    need_tensors(where, input=x)
    if x.ndim < 2:
        raise ShapeError(
            message(where, "expects a tensor of at least 2 dims.", f"input {tuple(x.shape)}", "reshape it to a matrix.")
        )


def _triangle_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(3, 4)))
    yield Sample(rng.normal(size=(2, 3, 3)), 1)
    yield Sample(rng.normal(size=(4, 3)), diagonal=-1)
    yield Sample(rng.normal(size=(2, 1, 2, 3)), 5)  # past the corner
    yield Sample(rng.normal(size=(1, 3)), -1)
    yield Sample(np.array([[1, 2], [3, 4]]))
    yield Sample(np.zeros((0, 3)))


def _triangle_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("at least 2 dims", "(3,)"), np.ones(3))


@composition(_triangle_samples, _triangle_errors)
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle of matrices, 0 elsewhere.

    Shapes: input (*, n, m); output as input.
    Args:
        diagonal: the last diagonal that stays: 0 the main one, positive above it, negative below.
    Raises:
        ShapeError: fewer than two dims.

    >>> import minicnn
    >>> tril(minicnn.ones(2, 2))
    tensor([[1., 0.],
            [1., 1.]])
    """
    _need_matrix("tril", input)
    xp = backend_of(input._array).xp
    return input.masked_fill(wrap(~xp.tri(*input.shape[-2:], operator.index(diagonal), dtype="bool")), 0)


@composition(_triangle_samples, _triangle_errors)
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle of matrices, 0 elsewhere.

    Shapes: input (*, n, m); output as input.
    Args:
        diagonal: the first diagonal that stays: 0 the main one, positive above it, negative below.
    Raises:
        ShapeError: fewer than two dims.

    >>> import minicnn
    >>> triu(minicnn.ones(2, 2))
    tensor([[1., 1.],
            [0., 1.]])
    """
    _need_matrix("triu", input)
    xp = backend_of(input._array).xp
    return input.masked_fill(wrap(xp.tri(*input.shape[-2:], operator.index(diagonal) - 1, dtype="bool")), 0)


class Diagonal(Primitive):
    """A view: one step along the diagonal is a step along both dims."""

    views = True

    @staticmethod
    def forward(be: Backend, x: Array, *, offset: int, dims: tuple[int, int]) -> Array:
        a, b = dims
        row, column = max(-offset, 0), max(offset, 0)
        rest = [d for d in range(x.ndim) if d not in dims]
        size = max(min(x.shape[a] - row, x.shape[b] - column), 0)
        start = x[tuple(slice(row if d == a else column, None) if d in dims else slice(None) for d in range(x.ndim))]
        shape = (*(x.shape[d] for d in rest), size)
        steps = (*(x.strides[d] for d in rest), x.strides[a] + x.strides[b])
        return be.xp.lib.stride_tricks.as_strided(start, shape, steps)

    @staticmethod
    def grad_x(g: Tensor, x_shape: tuple[int, ...], offset: int, dims: tuple[int, int]) -> Tensor:
        return movedim(embedded(g, (x_shape[dims[0]], x_shape[dims[1]]), offset), (0, 1), dims)

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield Sample(rng.normal(size=(3, 4)))
        yield Sample(rng.normal(size=(3, 4)), 2)
        yield Sample(rng.normal(size=(2, 3, 4)), -1, 2, 0)
        yield Sample(rng.normal(size=(2, 3, 4)), offset=1, dim1=-2, dim2=-1)
        yield Sample(rng.normal(size=(2, 2)), 5)
        yield Sample(rng.normal(size=(2, 2)), -5)
        yield Sample(rng.normal(size=(4, 1)), -2)
        yield Sample(np.zeros((0, 3)))
        yield Sample(np.arange(9).reshape(3, 3), 1)

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield from _triangle_errors()
        yield ErrorSample(ParameterError, ("dim1", "dim2"), np.ones((2, 3)), 0, 1, -1)
        yield ErrorSample(IndexRangeError, ("dim", "from -2 to 1"), np.ones((2, 3)), 0, 0, 2)


@Diagonal.public
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of the matrices that two dims span, as a new last dim: yᵢ = x[i, i + offset]; a view.

    Shapes: (n, m, *) -> (*, k).
    Args:
        offset: which diagonal; positive above the main one.
    Raises:
        ShapeError: fewer than two dims.
        IndexRangeError, ParameterError: a dim out of range, or both the same.

    >>> import minicnn
    >>> diagonal(minicnn.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    _need_matrix("diagonal", input)
    a, b = normal_dim("diagonal", dim1, input.ndim), normal_dim("diagonal", dim2, input.ndim)
    if a == b:
        raise ParameterError(
            message("diagonal", "dim1 and dim2 must differ.", f"both are {a}", "name the two dims of the matrices.")
        )
    return Diagonal.apply(input, offset=offset, dims=(a, b))


def embedded(x: Tensor, size: tuple[int, int], offset: int) -> Tensor:
    """Return zeros with x on a diagonal: (*, k) -> (n, m, *)."""
    shape = (*size, *x.shape[:-1])
    return unindex(movedim(x, -1, 0), shape, _places(x, offset, *size))


def _places(x: Tensor, offset: int, n: int, m: int) -> tuple[Tensor, Tensor]:
    """Return the rows and columns of a diagonal."""
    row, column = max(-offset, 0), max(offset, 0)
    steps = backend_of(x._array).xp.arange(max(min(n - row, m - column), 0))
    return wrap(steps + row), wrap(steps + column)


def _diag_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=3))
    yield Sample(rng.normal(size=2), -1)
    yield Sample(rng.normal(size=(3, 4)))
    yield Sample(rng.normal(size=(3, 4)), diagonal=1)
    yield Sample(rng.normal(size=(4, 2)), -2)
    yield Sample(rng.normal(size=(2, 3)), 3)  # past the corner
    yield Sample(np.array([1, 2]), 1)
    yield Sample(np.zeros(0))


def _diag_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("1 or 2 dims", "(2, 3, 1)"), np.ones((2, 3, 1)))
    yield ErrorSample(ShapeError, ("1 or 2 dims", "()"), np.ones(()))


@composition(_diag_samples, _diag_errors)
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """The matrix with a vector on its diagonal, or the diagonal of a matrix.

    Shapes: (n) -> (n + |d|, n + |d|); (n, m) -> (k).
    Args:
        diagonal: d, which one; positive above the main one.
    Raises:
        ShapeError: neither a vector nor a matrix.

    >>> import minicnn
    >>> diag(minicnn.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    need_tensors("diag", input=input)
    if input.ndim not in (1, 2):
        raise ShapeError(
            message(
                "diag",
                f"expects 1 or 2 dims, got {input.ndim}.",
                f"input {tuple(input.shape)}",
                "flatten it, or use x.diagonal(0, -2, -1) for batches.",
            )
        )
    if input.ndim == 2:
        return Diagonal.apply(input, offset=diagonal, dims=(0, 1)).clone()
    size = input.shape[0] + abs(diagonal)
    return embedded(input, (size, size), diagonal)


def _trace_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(3, 3)))
    yield Sample(rng.normal(size=(2, 4)))
    yield Sample(rng.normal(size=(4, 2)))
    yield Sample(rng.normal(size=(1, 1)))
    yield Sample(np.array([[1, 2], [3, 4]]))
    yield Sample(np.zeros((0, 2)))


def _trace_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("a matrix", "(3,)"), np.ones(3))


@composition(_trace_samples, _trace_errors)
def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal: y = Σ xᵢᵢ.

    Shapes: (n, m) -> ().
    Raises:
        ShapeError: the input is no matrix.

    >>> import minicnn
    >>> trace(minicnn.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    """
    need_tensors("trace", input=input)
    if input.ndim != 2:
        raise ShapeError(
            message(
                "trace",
                f"expects a matrix (n, m), got {tuple(input.shape)}.",
                f"input {tuple(input.shape)}",
                "use x.sum() for a vector, x.diagonal(0, -2, -1).sum(-1) for a batch.",
            )
        )
    return sum(diagonal(input))
