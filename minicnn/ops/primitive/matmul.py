"""The matrix product: matmul of vectors, matrices and batches."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.primitive import Primitive
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.errors import DTypeError, ShapeError, message
from minicnn.ops.checks import need_one_dtype, need_tensors
from minicnn.ops.inplace import write_out
from minicnn.ops.primitive.shape import Permute, Reshape

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class Matmul(Primitive):
    """Operands with two dims or more: (*, n, k) and (*, k, m) -> (*, n, m)."""

    broadcasts = True

    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.matmul(a, b)

    @staticmethod
    def grad_a(g: Tensor, b: Tensor) -> Tensor:
        return Matmul.apply(g, _transposed(b))

    @staticmethod
    def grad_b(g: Tensor, a: Tensor) -> Tensor:
        return Matmul.apply(_transposed(a), g)

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        def draw(*shape: int) -> Any:
            return rng.normal(size=shape)

        yield Sample(draw(2, 3), draw(3, 4))
        yield Sample(draw(3), draw(3))
        yield Sample(draw(2, 3), draw(3))
        yield Sample(draw(3), draw(3, 2))
        yield Sample(draw(4, 2, 3), draw(4, 3, 2))
        yield Sample(draw(4, 2, 3), draw(3, 2))
        yield Sample(draw(2, 1, 2, 3), draw(4, 3, 2))
        yield Sample(draw(3), draw(4, 3, 2))
        yield Sample(draw(0, 3), draw(3, 2))
        yield Sample(draw(2, 0), draw(0, 3))

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(ShapeError, ("(2, 3)", "(4, 2)", "3 columns", "4 rows"), np.ones((2, 3)), np.ones((4, 2)))
        yield ErrorSample(ShapeError, ("batch", "(2, 1, 3)", "(3, 3, 1)"), np.ones((2, 1, 3)), np.ones((3, 3, 1)))
        yield ErrorSample(ShapeError, "at least 1", np.ones(()), np.ones(2))
        yield ErrorSample(DTypeError, ("float64", "int64"), np.ones((2, 2)), np.ones((2, 2), dtype=np.int64))


def _transposed(x: Tensor) -> Any:
    """(*, n, m) -> (*, m, n)."""
    d = x.ndim - 1
    return Permute.apply(x, dims=(*range(d - 1), d, d - 1))


@Matmul.public
def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Matrix product: yᵢⱼ = Σₖ aᵢₖ bₖⱼ; dims before the last two are batches, and broadcast.

    Shapes: (*, n, k) and (*, k, m) -> (*, n, m); a vector stands for a row on the left, a column on the right, and
    its dim is gone from the output.
    Args:
        out: a tensor to write to, and to return.
    Gradient: da = g bᵀ, db = aᵀ g, summed over the batch dims that were broadcast.
    Raises:
        ShapeError: the inner sizes differ, batches do not broadcast, or an operand has no dims.
        DTypeError: the dtypes differ; matmul does not promote, as in PyTorch.

    >>> import minicnn
    >>> matmul(minicnn.tensor([[1.0, 2.0]]), minicnn.tensor([[3.0], [4.0]]))
    tensor([[11.]])
    """
    if out is not None:
        return write_out("matmul", out, matmul(input, other))
    a, b = input, other
    _check(a, b)
    if a.ndim > 2 and b.ndim == 2:  # one product for all batches, forward and backward
        rows = Reshape.apply(a, shape=(math.prod(a.shape[:-1]), a.shape[-1]))
        return Reshape.apply(Matmul.apply(rows, b), shape=(*a.shape[:-1], b.shape[-1]))
    if a.ndim == 1:
        a = Reshape.apply(a, shape=(1, *a.shape))
    if b.ndim == 1:
        b = Reshape.apply(b, shape=(*b.shape, 1))
    try:
        y: Tensor = Matmul.apply(a, b)
    except ValueError:
        raise ShapeError(
            message(
                "matmul",
                "the batch dims do not broadcast.",
                f"input {tuple(a.shape)}; other {tuple(b.shape)}; all but the last two dims are batches",
                "make them equal, or 1.",
            )
        ) from None
    if input.ndim > 1 and other.ndim > 1:
        return y
    *batch, n, m = y.shape
    return Reshape.apply(y, shape=(*batch, *(n,) * (input.ndim > 1), *(m,) * (other.ndim > 1)))


def _check(a: Tensor, b: Tensor) -> None:
    need_tensors("matmul", input=a, other=b)
    if a.dtype != b.dtype:
        need_one_dtype("matmul", input=a, other=b)
    if a.ndim == 0 or b.ndim == 0:
        raise ShapeError(
            message(
                "matmul",
                "expects tensors of at least 1 dim.",
                f"input {tuple(a.shape)}; other {tuple(b.shape)}",
                "multiply by a number with *.",
            )
        )
    inner = b.shape[-2] if b.ndim > 1 else b.shape[0]
    if a.shape[-1] != inner:
        raise ShapeError(
            message(
                "matmul",
                f"input has {a.shape[-1]} columns, other has {inner} rows; they must be equal.",
                f"input {tuple(a.shape)} = (*, n, k); other {tuple(b.shape)} = (*, k, m)",
                "transpose one operand, or check which dim is meant to be summed.",
            )
        )
