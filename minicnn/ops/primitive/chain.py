"""Products of several matrices: multi_dot, chain_matmul, matrix_power."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.errors import ArgumentTypeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.matmul import matmul
from minicnn.ops.primitive.solve import inv, need_square

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


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
