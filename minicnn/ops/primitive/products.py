"""Products of vectors and matrices: mm, bmm, mv, dot, vdot, vecdot, outer, inner, tensordot."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.errors import DTypeError, IndexRangeError, ShapeError, message
from minicnn.ops.checks import need_one_dtype, need_tensors
from minicnn.ops.primitive.dims import named_dims
from minicnn.ops.primitive.matmul import matmul
from minicnn.ops.primitive.reduce import sum
from minicnn.ops.primitive.shape import permute, reshape

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def _need(where: str, first: tuple[Tensor, str], second: tuple[Tensor, str], promotes: bool = False) -> None:
    """Raise ShapeError unless two operands have the dims named by letters, equal letters being equal sizes."""
    need_tensors(where, input=first[0], other=second[0])
    sizes: dict[str, int] = {}
    for x, letters in (first, second):
        fits = x.ndim == len(letters)
        for letter, size in zip(letters, x.shape, strict=False):
            fits = fits and sizes.setdefault(letter, size) == size
        if not fits:
            wanted = " and ".join(f"({', '.join(letters)})" for _, letters in (first, second))
            raise ShapeError(
                message(
                    where,
                    f"expects shapes {wanted}, got {tuple(first[0].shape)} and {tuple(second[0].shape)}.",
                    "equal letters stand for equal sizes",
                    "make the sizes of equal letters equal: transpose, reshape or unsqueeze an operand.",
                )
            )
    if not promotes:
        need_one_dtype(where, input=first[0], other=second[0])


def _mm_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(2, 3)), rng.normal(size=(3, 4)))
    yield Sample(rng.normal(size=(0, 3)), rng.normal(size=(3, 2)))
    yield Sample(rng.normal(size=(2, 0)), rng.normal(size=(0, 3)))  # a sum of nothing
    yield Sample(rng.normal(size=(1, 3)), rng.normal(size=(3, 1)))
    yield Sample(rng.normal(size=(2, 1)), rng.normal(size=(1, 3)))
    yield Sample(np.array([[1, 2], [3, 4]]), np.array([[0, -1], [2, 5]]))


def _mm_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2, 3)", "(4, 2)"), np.ones((2, 3)), np.ones((4, 2)))
    yield ErrorSample(ShapeError, ("(3,)", "(n, k)"), np.ones(3), np.ones((3, 2)))


@composition(_mm_samples, _mm_errors)
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices.

    Shapes: (n, k) and (k, m) -> (n, m).
    Raises:
        ShapeError: other shapes.

    >>> import minicnn
    >>> mm(minicnn.tensor([[1.0, 2.0]]), minicnn.tensor([[3.0], [4.0]]))
    tensor([[11.]])
    """
    _need("mm", (input, "nk"), (mat2, "km"))
    return matmul(input, mat2)


def _bmm_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(2, 2, 3)), rng.normal(size=(2, 3, 4)))
    yield Sample(rng.normal(size=(0, 2, 3)), rng.normal(size=(0, 3, 4)))
    yield Sample(rng.normal(size=(2, 2, 0)), rng.normal(size=(2, 0, 3)))
    yield Sample(rng.normal(size=(1, 3, 2)), rng.normal(size=(1, 2, 3)))
    yield Sample(rng.normal(size=(3, 1, 2)), rng.normal(size=(3, 2, 1)))
    yield Sample(np.array([[[1, 2]], [[3, 4]]]), np.array([[[5], [6]], [[7], [8]]]))


def _bmm_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2, 2, 3)", "(1, 3, 2)"), np.ones((2, 2, 3)), np.ones((1, 3, 2)))


@composition(_bmm_samples, _bmm_errors)
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products of two batches of matrices.

    Shapes: (b, n, k) and (b, k, m) -> (b, n, m).
    Raises:
        ShapeError: other shapes.

    >>> import minicnn
    >>> bmm(minicnn.ones(1, 1, 2), minicnn.ones(1, 2, 1))
    tensor([[[2.]]])
    """
    _need("bmm", (input, "bnk"), (mat2, "bkm"))
    return matmul(input, mat2)


def _mv_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(2, 3)), rng.normal(size=3))
    yield Sample(rng.normal(size=(0, 3)), rng.normal(size=3))
    yield Sample(rng.normal(size=(2, 0)), np.zeros(0))
    yield Sample(rng.normal(size=(1, 3)), rng.normal(size=3))
    yield Sample(rng.normal(size=(3, 1)), rng.normal(size=1))
    yield Sample(np.array([[1, 2], [3, 4]]), np.array([5, -6]))


def _mv_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2, 3)", "(2,)"), np.ones((2, 3)), np.ones(2))


@composition(_mv_samples, _mv_errors)
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix and a vector.

    Shapes: (n, k) and (k) -> (n).
    Raises:
        ShapeError: other shapes.

    >>> import minicnn
    >>> mv(minicnn.ones(2, 2), minicnn.tensor([1.0, 2.0]))
    tensor([3., 3.])
    """
    _need("mv", (input, "nk"), (vec, "k"))
    return matmul(input, vec)


def _dot_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=3), rng.normal(size=3))
    yield Sample(np.zeros(0), np.zeros(0))
    yield Sample(rng.normal(size=1), rng.normal(size=1))
    yield Sample(np.array([1.0, 0.0, 2.0]), np.array([0.0, 3.0, -2.0]))
    yield Sample(np.array([1e4, 1e-4]), np.array([-1e-4, 1e4]))
    yield Sample(np.array([1, 2]), np.array([3, -4]))


def _dot_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(3,)", "(2,)"), np.ones(3), np.ones(2))
    yield ErrorSample(ShapeError, ("(1, 3)", "(k)"), np.ones((1, 3)), np.ones(3))


@composition(_dot_samples, _dot_errors)
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The product of two vectors: y = Σ aᵢ bᵢ.

    Shapes: (k) and (k) -> ().
    Raises:
        ShapeError: other shapes.

    >>> import minicnn
    >>> dot(minicnn.tensor([1.0, 2.0]), minicnn.tensor([3.0, 4.0]))
    tensor(11.)
    """
    _need("dot", (input, "k"), (tensor, "k"))
    return matmul(input, tensor)


@composition(_dot_samples, _dot_errors)
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


def _outer_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=3), rng.normal(size=2))
    yield Sample(np.zeros(0), rng.normal(size=2))
    yield Sample(rng.normal(size=2), np.zeros(0))
    yield Sample(rng.normal(size=1), rng.normal(size=3))
    yield Sample(np.array([1, 2]), np.array([3, 4, 5]))
    yield Sample(rng.normal(size=2), np.array([1, 2]))  # promoted


def _outer_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(1, 3)", "(n)"), np.ones((1, 3)), np.ones(3))


@composition(_outer_samples, _outer_errors)
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """All products of two vectors' elements: yᵢⱼ = aᵢ bⱼ.

    Shapes: (n) and (m) -> (n, m).
    Raises:
        ShapeError: other shapes.

    >>> import minicnn
    >>> outer(minicnn.tensor([1.0, 2.0]), minicnn.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    _need("outer", (input, "n"), (vec2, "m"), promotes=True)
    return input.unsqueeze(1) * vec2


def _inner_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=3), rng.normal(size=3))
    yield Sample(rng.normal(size=(2, 3)), rng.normal(size=(4, 2, 3)))
    yield Sample(rng.normal(size=()), rng.normal(size=(2, 3)))
    yield Sample(rng.normal(size=(2, 3)), rng.normal(size=()))
    yield Sample(rng.normal(size=(2, 1, 3)), rng.normal(size=3))
    yield Sample(np.zeros((2, 0)), np.zeros(0))
    yield Sample(np.array([[1, 2]]), np.array([[3, 4], [5, 6]]))


def _inner_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2, 3)", "(2, 4)"), np.ones((2, 3)), np.ones((2, 4)))


@composition(_inner_samples, _inner_errors)
def inner(input: Tensor, other: Tensor) -> Tensor:
    """The products over the last dims of both.

    Shapes: (*A, k) and (*B, k) -> (*A, *B); a tensor without dims multiplies.
    Raises:
        ShapeError: the last dims differ.

    >>> import minicnn
    >>> inner(minicnn.tensor([1.0, 2.0]), minicnn.tensor([3.0, 4.0]))
    tensor(11.)
    """
    need_tensors("inner", input=input, other=other)
    if input.ndim == 0 or other.ndim == 0:
        return input * other
    return tensordot(input, other, ([-1], [-1]))


def _tensordot_samples(rng: Rng) -> Iterator[Sample]:
    a = rng.normal(size=(2, 3, 4))
    yield Sample(a, rng.normal(size=(3, 4, 2)))
    yield Sample(a, rng.normal(size=(4, 2)), 1)
    yield Sample(rng.normal(size=2), rng.normal(size=3), dims=0)
    yield Sample(a, rng.normal(size=(4, 5, 2)), dims=([0, -1], [2, 0]))
    yield Sample(a, rng.normal(size=(2, 3, 4)), 3)  # over all dims: ()
    yield Sample(np.zeros((2, 0)), np.zeros((0, 3)), ([1], [0]))
    yield Sample(np.array([[1, 2]]), np.array([[3], [4]]), 1)


def _tensordot_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2, 3)", "(2, 4)"), np.ones((2, 3)), np.ones((2, 4)), 1)
    yield ErrorSample(ShapeError, ("from 0 to 1", "2"), np.ones((2, 3)), np.ones(2), 2)
    yield ErrorSample(ShapeError, ("(2,)", "(3, 2)"), np.ones((2, 3)), np.ones((3, 2)), ([0], [0, 1]))


@composition(_tensordot_samples, _tensordot_errors)
def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """The product of two tensors, summed over pairs of dims.

    Shapes: the dims of a that stay, then those of b.
    Args:
        dims: an int: the last so many of a with the first of b; or the dims of a and those of b.
    Raises:
        ShapeError: paired dims differ, or are not as many.

    >>> import minicnn
    >>> tensordot(minicnn.ones(2, 3), minicnn.ones(3, 4), 1).shape
    (2, 4)
    """
    need_tensors("tensordot", a=a, b=b)
    need_one_dtype("tensordot", a=a, b=b)
    if isinstance(dims, int) and not 0 <= dims <= min(a.ndim, b.ndim):
        raise ShapeError(
            message(
                "tensordot",
                f"dims expects a number from 0 to {min(a.ndim, b.ndim)}, got {dims}.",
                f"a {tuple(a.shape)}; b {tuple(b.shape)}",
                "use dims=1, for example: the last dim of a with the first of b.",
            )
        )
    if isinstance(dims, int):
        left, right = tuple(range(a.ndim - dims, a.ndim)), tuple(range(dims))
    else:
        left, right = (named_dims("tensordot", given, x.ndim) for given, x in zip(dims, (a, b), strict=True))
    if len(left) != len(right) or any(a.shape[i] != b.shape[j] for i, j in zip(left, right, strict=True)):
        raise ShapeError(
            message(
                "tensordot",
                f"the dims summed over must have equal sizes, got {tuple(a.shape[i] for i in left)} and "
                f"{tuple(b.shape[j] for j in right)}.",
                f"a {tuple(a.shape)}, dims {left}; b {tuple(b.shape)}, dims {right}",
                "transpose one, or sum over other dims.",
            )
        )
    rows = tuple(i for i in range(a.ndim) if i not in left)
    columns = tuple(i for i in range(b.ndim) if i not in right)
    shape = (*(a.shape[i] for i in rows), *(b.shape[i] for i in columns))
    n, k, m = (math.prod(s) for s in ([a.shape[i] for i in rows], [a.shape[i] for i in left], shape[len(rows) :]))
    y = matmul(reshape(permute(a, (*rows, *left)), (n, k)), reshape(permute(b, (*right, *columns)), (k, m)))
    return reshape(y, shape)
