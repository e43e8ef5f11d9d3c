"""A part written into a new tensor: diag_embed, diagflat, block_diag, diagonal_, select_ and slice_scatter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.graph import own
from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.errors import ArgumentTypeError, DTypeError, IndexRangeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_one_dtype, need_tensors
from minicnn.ops.primitive.dims import normal_dim
from minicnn.ops.primitive.index import getitem, index_put
from minicnn.ops.primitive.join import at_least, cat
from minicnn.ops.primitive.rearrange import movedim
from minicnn.ops.primitive.triangle import diag, diagonal, embedded

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def _embed_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=3))
    yield Sample(rng.normal(size=(2, 3)))
    yield Sample(rng.normal(size=3), 1)
    yield Sample(rng.normal(size=3), offset=-2)
    yield Sample(rng.normal(size=(2, 3)), 1, 0, 2)
    yield Sample(rng.normal(size=(2, 3)), dim1=2, dim2=0)
    yield Sample(np.array([1, 2]))
    yield Sample(np.zeros((2, 0)))


def _embed_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("at least 1 dim",), np.ones(()))
    yield ErrorSample(ParameterError, ("dim1", "dim2"), np.ones(2), 0, 1, 1)
    yield ErrorSample(IndexRangeError, ("dim", "from -2 to 1"), np.ones(2), 0, 0, 2)


@composition(_embed_samples, _embed_errors)
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices with the last dim on their diagonal, 0 elsewhere: what `diagonal` undoes.

    Shapes: (*, n) -> (*, n + |offset|, n + |offset|), the matrices in dims dim1 and dim2.
    Args:
        offset: which diagonal; positive above the main one.
    Raises:
        ShapeError: the input has no dims.
        IndexRangeError, ParameterError: a dim out of range, or both the same.

    >>> import minicnn
    >>> diag_embed(minicnn.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    need_tensors("diag_embed", input=input)
    if input.ndim == 0:
        raise ShapeError(message("diag_embed", "expects at least 1 dim.", "input ()", "reshape it: x.reshape(1)."))
    ndim = input.ndim + 1
    a, b = normal_dim("diag_embed", dim1, ndim), normal_dim("diag_embed", dim2, ndim)
    if a == b:
        raise ParameterError(
            message("diag_embed", "dim1 and dim2 must differ.", f"both are {a}", "name the two dims of the matrices.")
        )
    size = input.shape[-1] + abs(offset)
    return own(movedim(embedded(input, (size, size), offset), (0, 1), (a, b)))


def _flat_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=3))
    yield Sample(rng.normal(size=(2, 2)))
    yield Sample(rng.normal(size=()))
    yield Sample(rng.normal(size=2), 1)
    yield Sample(rng.normal(size=(2, 1)), offset=-1)
    yield Sample(np.array([1, 2]))


def _flat_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ArgumentTypeError, ("Tensor", "list"), [1.0])


@composition(_flat_samples, _flat_errors)
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """The matrix with all elements of a tensor, in order, on a diagonal.

    Shapes: (*) of n elements -> (n + |offset|, n + |offset|).

    >>> import minicnn
    >>> diagflat(minicnn.tensor([[1], [2]]))
    tensor([[1, 0],
            [0, 2]])
    """
    need_tensors("diagflat", input=input)
    return diag(input.reshape(-1), offset)


def _block_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(2, 3)), rng.normal(size=(1, 2)))
    yield Sample(rng.normal(size=(2, 2)))
    yield Sample(rng.normal(size=3), rng.normal(size=()), rng.normal(size=(2, 1)))
    yield Sample(np.array([[1, 2]]), np.array([3]))
    yield Sample(rng.normal(size=(2, 2)), np.zeros((1, 0)), rng.normal(size=(1, 1)))
    yield Sample(np.array([[1]]), rng.normal(size=(1, 1)))


def _block_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("2 dims at most", "(1, 1, 1)"), np.ones((1, 1, 1)))
    yield ErrorSample(ArgumentTypeError, ("Tensor", "float"), np.ones(1), 1.0)
    yield ErrorSample(ParameterError, "at least one")


@composition(_block_samples, _block_errors)
def block_diag(*tensors: Tensor) -> Tensor:
    """Matrices one after another on the diagonal of a larger one, 0 elsewhere.

    Shapes: (n, m), (p, q) -> (n + p, m + q); vectors are rows.
    Raises:
        ShapeError: a tensor of more than two dims.
        ParameterError: there are no tensors.

    >>> import minicnn
    >>> block_diag(minicnn.tensor([[1, 2]]), minicnn.tensor([[3]]))
    tensor([[1, 2, 0],
            [0, 0, 3]])
    """
    need_tensors("block_diag", **{f"tensors[{i}]": x for i, x in enumerate(tensors)})
    for x in tensors:
        if x.ndim > 2:
            raise ShapeError(
                message(
                    "block_diag",
                    "expects 2 dims at most.",
                    f"got {tuple(x.shape)}",
                    "pass a batch as its matrices: block_diag(*x).",
                )
            )
    blocks = [at_least(2, x) for x in tensors]
    width = sum(block.shape[1] for block in blocks)
    rows, start = [], 0
    for block in blocks:
        n, m = block.shape
        before, after = block.new_zeros((n, start)), block.new_zeros((n, width - start - m))
        rows.append(cat([before, block, after], 1))
        start += m
    return cat(rows)


def _need_part(where: str, part: Tensor, place: Tensor, x: Tensor) -> None:
    need_tensors(where, src=part)
    need_one_dtype(where, input=x, src=part)
    if part.shape != place.shape:
        raise ShapeError(
            message(
                where,
                f"src expects the shape of the place, {tuple(place.shape)}, got {tuple(part.shape)}.",
                f"input {tuple(x.shape)}",
                "expand or reshape src.",
            )
        )


def _part_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ArgumentTypeError, ("Tensor", "float"), np.ones((2, 2)), 1.0)
    yield ErrorSample(ShapeError, ("(2,)", "(3,)"), np.ones((2, 2)), np.ones(3))
    yield ErrorSample(DTypeError, ("one dtype", "int64"), np.ones((2, 2)), np.array([1, 2]))


def _diagonal_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(3, 3)), rng.normal(size=3))
    yield Sample(rng.normal(size=(3, 4)), rng.normal(size=2), 2)
    yield Sample(rng.normal(size=(3, 4)), rng.normal(size=2), offset=-1)
    yield Sample(rng.normal(size=(2, 3, 3)), rng.normal(size=(2, 3)), 0, 1, 2)
    yield Sample(rng.normal(size=(2, 3, 2)), rng.normal(size=(3, 2)), dim1=0, dim2=-1)
    yield Sample(np.array([[1, 2], [3, 4]]), np.array([7, 8]))


@composition(_diagonal_samples, _part_errors)
def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The input, with src in place of its `diagonal`.

    Shapes: (n, m, *), src (*, k); output as input.
    Raises:
        ShapeError, DTypeError: src does not fit.

    >>> import minicnn
    >>> diagonal_scatter(minicnn.zeros(2, 2), minicnn.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    place = diagonal(input, offset, dim1, dim2)
    _need_part("diagonal_scatter", src, place, input)
    out = input.clone()
    diagonal(out, offset, dim1, dim2).copy_(src)
    return out


def _select_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(3, 2)), rng.normal(size=2), 0, 1)
    yield Sample(rng.normal(size=(3, 2)), rng.normal(size=3), 1, -1)
    yield Sample(rng.normal(size=(2, 3, 2)), rng.normal(size=(2, 2)), dim=-2, index=2)
    yield Sample(rng.normal(size=4), rng.normal(size=()), 0, 3)
    yield Sample(np.array([[1, 2], [3, 4]]), np.array([7, 8]), 0, 0)
    yield Sample(np.zeros((2, 0)), np.zeros(0), 0, 1)


def _select_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2,)", "(3,)"), np.ones((3, 2)), np.ones(3), 0, 0)
    yield ErrorSample(IndexRangeError, ("index 3", "size 3"), np.ones((3, 2)), np.ones(2), 0, 3)


@composition(_select_samples, _select_errors)
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """The input, with src in place of one slice along a dim.

    Shapes: input (*); src without ``dim``; output as input.
    Raises:
        IndexRangeError: a dim or an index out of range.
        ShapeError, DTypeError: src does not fit.

    >>> import minicnn
    >>> select_scatter(minicnn.zeros(2, 2), minicnn.ones(2), 1, 0)
    tensor([[1., 0.],
            [1., 0.]])
    """
    need_tensors("select_scatter", input=input)
    where = (*(slice(None),) * normal_dim("select_scatter", dim, input.ndim), index)
    return _written("select_scatter", input, src, where)


def _written(name: str, x: Tensor, src: Tensor, where: tuple[Any, ...]) -> Tensor:
    _need_part(name, src, getitem(x.detach(), where), x)
    return index_put(x, where, src)


def _slice_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.normal(size=(4, 3))
    yield Sample(x, rng.normal(size=(4, 3)))
    yield Sample(x, rng.normal(size=(2, 3)), 0, 1, 3)
    yield Sample(x, rng.normal(size=(4, 2)), 1, 0, None, 2)
    yield Sample(x, rng.normal(size=(2, 3)), dim=0, start=-2, end=9, step=1)
    yield Sample(x, rng.normal(size=(0, 3)), 0, 2, 2)
    yield Sample(x, rng.normal(size=(4, 1)), -1, 2)
    yield Sample(np.array([1, 2, 3]), np.array([9]), start=2)


def _slice_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2, 3)", "(1, 3)"), np.ones((4, 3)), np.ones((1, 3)), 0, 1, 3)
    yield ErrorSample(ParameterError, ("step", "0"), np.ones(3), np.ones(3), step=0)


@composition(_slice_samples, _slice_errors)
def slice_scatter(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """The input, with src in place of a slice along a dim.

    Shapes: input (*); src as the slice; output as input.
    Raises:
        IndexRangeError: a dim out of range.
        ParameterError: the step is not positive.
        ShapeError, DTypeError: src does not fit.

    >>> import minicnn
    >>> slice_scatter(minicnn.zeros(4), minicnn.ones(2), start=1, end=3)
    tensor([0., 1., 1., 0.])
    """
    need_tensors("slice_scatter", input=input)
    if step < 1:
        raise ParameterError(
            message("slice_scatter", f"step expects 1 or more, got {step}.", "step is that of a slice", "use step=1.")
        )
    where = (*(slice(None),) * normal_dim("slice_scatter", dim, input.ndim), slice(start, end, step))
    return _written("slice_scatter", input, src, where)
