"""More products: addbmm, addr, vdot, vecdot, cross, multi_dot, chain_matmul, matrix_power, adjoint."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.errors import ArgumentTypeError, DTypeError, IndexRangeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_one_dtype, need_tensors
from minicnn.ops.primitive.dims import normal_dim
from minicnn.ops.primitive.layout import broadcast_tensors
from minicnn.ops.primitive.linalg import matmul
from minicnn.ops.primitive.products import added, bmm, dot, outer
from minicnn.ops.primitive.rearrange import roll
from minicnn.ops.primitive.reduce import sum
from minicnn.ops.primitive.solve import inv, need_square

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


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
    Raises:
        ShapeError: other shapes.

    >>> import minicnn
    >>> addbmm(minicnn.ones(1), minicnn.ones(2, 1, 2), minicnn.ones(2, 2, 1))
    tensor([[5.]])
    """
    return added(input, sum(bmm(batch1, batch2), 0), beta, alpha)


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
    Raises:
        ShapeError: other shapes.

    >>> import minicnn
    >>> addr(minicnn.ones(1), minicnn.tensor([1.0, 2.0]), minicnn.tensor([3.0, 4.0]))
    tensor([[4., 5.],
            [7., 9.]])
    """
    return added(input, outer(vec1, vec2), beta, alpha)


def _vdot_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=4), rng.normal(size=4))
    yield Sample(np.array([1, 2]), np.array([3, 4]))
    yield Sample(rng.normal(size=1), rng.normal(size=1))
    yield Sample(np.array([1.0, 0.0, 2.0]), np.array([0.0, 3.0, -2.0]))
    yield Sample(np.array([1e4, 1e-4]), np.array([-1e-4, 1e4]))
    yield Sample(np.zeros(0), np.zeros(0))


def _vdot_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2,)", "(3,)"), np.ones(2), np.ones(3))


@composition(_vdot_samples, _vdot_errors)
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """`dot`, whose name differs for complex vectors only: y = Σ aᵢ bᵢ.

    Shapes: (k) and (k) -> ().
    Raises:
        ShapeError: other shapes.

    >>> import minicnn
    >>> vdot(minicnn.tensor([1.0, 2.0]), minicnn.tensor([3.0, 4.0]))
    tensor(11.)
    """
    return dot(input, other)


def _vecdot_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=4), rng.normal(size=4))
    yield Sample(rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))
    yield Sample(rng.normal(size=(2, 3)), rng.normal(size=3))
    yield Sample(rng.normal(size=(3, 2)), rng.normal(size=(3, 1)), dim=0)
    yield Sample(rng.normal(size=3), rng.normal(size=(2, 2, 3)))
    yield Sample(rng.normal(size=(1, 3, 2)), rng.normal(size=(2, 3, 1)), dim=-2)
    yield Sample(np.zeros((0, 3)), np.zeros((0, 3)))


def _vecdot_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2,)", "(3,)"), np.ones(2), np.ones(3))
    yield ErrorSample(DTypeError, ("one dtype", "int64"), np.ones(2), np.array([1, 2]))
    yield ErrorSample(IndexRangeError, ("dim", "1"), np.ones(2), np.ones(2), dim=1)


@composition(_vecdot_samples, _vecdot_errors)
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """The dot products of vectors along a dim: Σ x y.

    Shapes: x and y broadcast; output without the dim.
    Raises:
        ShapeError, DTypeError: the shapes do not broadcast, or the dtypes differ.
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> vecdot(minicnn.tensor([[1.0, 2.0]]), minicnn.tensor([[3.0, 4.0]]))
    tensor([11.])
    """
    need_tensors("vecdot", x=x, y=y)
    need_one_dtype("vecdot", x=x, y=y)
    return sum(x * y, operator.index(dim))


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
    yield ErrorSample(ShapeError, ("as many dims", "other (3,)"), np.ones((2, 3)), np.ones(3))
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
        raise ShapeError(message("cross", "expects as many dims of both.", shapes, "unsqueeze one of them."))
    if dim is None:
        dim = input.shape.index(3) if 3 in input.shape else -1
    d = normal_dim("cross", dim, input.ndim)
    if input.ndim == 0 or any(x.shape[d] != 3 for x in (input, other)):
        shapes = f"input {tuple(input.shape)}, other {tuple(other.shape)}"
        fix = "name the dim of the three elements, which do not broadcast."
        raise ShapeError(message("cross", f"dim {d} expects size 3 of both.", shapes, fix))
    a, b = broadcast_tensors(input, other)
    return roll(a, -1, d) * roll(b, -2, d) - roll(a, -2, d) * roll(b, -1, d)


def _chain_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample([rng.normal(size=(2, 3)), rng.normal(size=(3, 1)), rng.normal(size=(1, 4))])
    yield Sample([rng.normal(size=(2, 3)), rng.normal(size=(3, 2))])
    yield Sample([rng.normal(size=3), rng.normal(size=(3, 2)), rng.normal(size=(2, 2))])
    yield Sample([rng.normal(size=(2, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)])
    yield Sample([rng.normal(size=(1, 5)), rng.normal(size=(5, 2)), rng.normal(size=(2, 3)), rng.normal(size=(3, 2))])
    yield Sample([rng.normal(size=3), rng.normal(size=3)])


def _chain_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ParameterError, ("at least two", "1"), [np.ones((2, 2))])
    yield ErrorSample(ShapeError, ("(2, 3)", "(2, 2)"), [np.ones((2, 3)), np.ones((2, 2)), np.ones((2, 2))])
    yield ErrorSample(ShapeError, ("matrices", "(1, 2, 2)"), [np.ones((2, 2)), np.ones((1, 2, 2)), np.ones((2, 2))])


@composition(_chain_samples, _chain_errors)
def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """The product of several matrices, in the order that takes the fewest multiplications.

    Shapes: (n, k), (k, l), ..., (p, m) -> (n, m); the first may be a row (k), the last a column (p).
    Raises:
        ParameterError: fewer than two.
        ShapeError: sizes that do not fit, or tensors of other ranks.
    Source: Cormen and others, Introduction to Algorithms, section 15.2.

    >>> import minicnn
    >>> multi_dot([minicnn.ones(1, 2), minicnn.ones(2, 3), minicnn.ones(3, 1)])
    tensor([[6.]])
    """
    tensors = tuple(tensors)
    need_tensors("multi_dot", **{f"tensors[{i}]": x for i, x in enumerate(tensors)})
    if len(tensors) < 2:
        raise ParameterError(
            message(
                "multi_dot", f"expects at least two matrices, got {len(tensors)}.", "a product", "pass two or more."
            )
        )
    row, column = tensors[0].ndim == 1, tensors[-1].ndim == 1
    parts = list(tensors)
    parts[0] = parts[0].unsqueeze(0) if row else parts[0]
    parts[-1] = parts[-1].unsqueeze(1) if column else parts[-1]
    for x in parts:
        if x.ndim != 2:
            raise ShapeError(
                message(
                    "multi_dot", "expects matrices, or vectors at the ends.", f"got {tuple(x.shape)}", "use matmul."
                )
            )
    for a, b in itertools.pairwise(parts):
        if a.shape[1] != b.shape[0]:
            raise ShapeError(
                message(
                    "multi_dot",
                    f"{tuple(a.shape)} and {tuple(b.shape)} do not fit: {a.shape[1]} columns, {b.shape[0]} rows.",
                    f"shapes {', '.join(str(tuple(x.shape)) for x in tensors)}",
                    "transpose one, or check the order.",
                )
            )
    y = _product(parts)
    return y.reshape(tuple(s for s, gone in zip(y.shape, (row, column), strict=True) if not gone))


def _product(parts: list[Tensor]) -> Tensor:
    """Multiply matrices where the cut between two factors costs least."""
    sizes = [x.shape[0] for x in parts] + [parts[-1].shape[1]]
    cost: dict[tuple[int, int], tuple[int, int]] = {(i, i): (0, i) for i in range(len(parts))}
    for length in range(1, len(parts)):
        for i in range(len(parts) - length):
            j = i + length
            cost[i, j] = min(
                (cost[i, k][0] + cost[k + 1, j][0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )

    def product(i: int, j: int) -> Tensor:
        cut = cost[i, j][1]
        return parts[i] if i == j else matmul(product(i, cut), product(cut + 1, j))

    return product(0, len(parts) - 1)


def chain_matmul(*matrices: Tensor) -> Tensor:
    """`multi_dot` of its arguments, under an older name.

    >>> import minicnn
    >>> chain_matmul(minicnn.ones(1, 2), minicnn.ones(2, 3), minicnn.ones(3, 1))
    tensor([[6.]])
    """
    return multi_dot(matrices)


def _power_samples(rng: Rng) -> Iterator[Sample]:
    a = rng.normal(size=(3, 3)) * 0.4 + np.eye(3)
    for n in (0, 1, 2, 3, 5, -1, -2):
        yield Sample(a, n)
    yield Sample(rng.normal(size=(2, 2, 2)), 3)


def _power_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("square", "(2, 3)"), np.ones((2, 3)), 2)
    yield ErrorSample(ArgumentTypeError, ("n", "float"), np.eye(2), 0.5)


@composition(_power_samples, _power_errors)
def matrix_power(A: Tensor, n: int) -> Tensor:
    """A product of n equal matrices; the inverse's where n is negative.

    Shapes: (*, m, m), output too.
    Raises:
        ShapeError: the matrices are not square.
        ArgumentTypeError: n is no int.
        MatrixError: n is negative, and a matrix singular.

    >>> import minicnn
    >>> matrix_power(minicnn.tensor([[1.0, 1.0], [0.0, 1.0]]), 3)
    tensor([[1., 3.],
            [0., 1.]])
    """
    need_square("matrix_power", A)
    if not isinstance(n, int):
        raise ArgumentTypeError(
            message("matrix_power", f"n expects an int, got {type(n).__name__}.", f"n = {n}", "use a whole number.")
        )
    if n == 0:
        return (A * 0.0) + A.new_tensor(np.eye(A.shape[-1]))
    if n < 0:
        return matrix_power(inv(A), -n)
    half = matrix_power(A, n // 2) if n > 1 else A
    if n == 1:
        return A.clone()
    return matmul(matmul(half, half), A) if n % 2 else matmul(half, half)


def _adjoint_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(2, 3)))
    yield Sample(rng.normal(size=(2, 3, 4)))
    yield Sample(np.array([[1, 2]]))
    yield Sample(rng.normal(size=(2, 1, 2, 3)))
    yield Sample(rng.normal(size=(3, 1)))
    yield Sample(np.zeros((0, 2)))


def _adjoint_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("at least 2 dims", "(3,)"), np.ones(3))


@composition(_adjoint_samples, _adjoint_errors)
def adjoint(input: Tensor) -> Tensor:
    """The last two dims exchanged, as a view: ``x.mT``, which complex tensors would also conjugate.

    Shapes: (*, n, m) -> (*, m, n).
    Raises:
        ShapeError: fewer than two dims.

    >>> import minicnn
    >>> adjoint(minicnn.zeros(2, 3)).shape
    (3, 2)
    """
    need_tensors("adjoint", input=input)
    if input.ndim < 2:
        raise ShapeError(message("adjoint", "expects at least 2 dims.", f"input {tuple(input.shape)}", "reshape it."))
    return input.transpose(-1, -2)
