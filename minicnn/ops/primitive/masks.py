"""Elements by masks and by flat places: masked_select, masked_scatter, take, take_along_dim, nonzero, one_hot."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.graph import wrap
from minicnn.autograd.op import composition
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import backend_of
from minicnn.errors import ArgumentTypeError, ClassRangeError, DTypeError, IndexRangeError, ShapeError, message
from minicnn.ops.checks import need_given, need_tensors
from minicnn.ops.primitive.dims import normal_dim
from minicnn.ops.primitive.gather import gather
from minicnn.ops.primitive.index import getitem, index_put
from minicnn.ops.primitive.layout import broadcast_tensors
from minicnn.ops.primitive.shape import expand

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def _need_mask(where: str, x: Tensor, mask: Tensor) -> None:
    need_tensors(where, input=x, mask=mask)
    if mask.dtype != np.bool_:
        raise DTypeError(
            message(where, f"mask expects bools, got {mask.dtype}.", f"mask {tuple(mask.shape)}", "compare: x > 0.")
        )


def _masked_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.normal(size=(2, 3))
    yield Sample(x, np.array([[True, False, True], [False, False, True]]))
    yield Sample(x, np.array([True, False, True]))
    yield Sample(rng.normal(size=3), np.array([[True], [False]]))
    yield Sample(x, np.zeros((2, 3), dtype=bool))
    yield Sample(np.zeros((0, 3)), np.zeros((0, 3), dtype=bool))
    yield Sample(rng.normal(size=()), np.array(True))
    yield Sample(np.array([[1, 2], [3, 4]]), np.eye(2) > 0)


def _masked_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(DTypeError, ("bools", "int64"), np.ones(2), np.array([0, 1]))
    yield ErrorSample(ShapeError, ("(2,)", "(3,)"), np.ones(2), np.array([True, False, True]))


@composition(_masked_samples, _masked_errors)
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where the mask holds, in one dim.

    Shapes: input and mask broadcast; output (k).
    Raises:
        DTypeError: the mask is not bool.
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> masked_select(minicnn.tensor([1, 2, 3]), minicnn.tensor([True, False, True]))
    tensor([1, 3])
    """
    _need_mask("masked_select", input, mask)
    return getitem(*broadcast_tensors(input, mask))


def _masked_scatter_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.normal(size=(2, 3))
    yield Sample(x, np.array([[True, False, True], [False, False, True]]), rng.normal(size=4))
    yield Sample(x, np.array([True, False, True]), rng.normal(size=(2, 3)))
    yield Sample(x[0], np.array([[True, False, True], [False, False, True]]), rng.normal(size=3))
    yield Sample(x, np.zeros((2, 3), dtype=bool), np.zeros(0))  # nowhere
    yield Sample(rng.normal(size=(2, 1, 2)), np.array([[True], [True]]), rng.normal(size=(4, 2)))
    yield Sample(np.array([1, 2, 3]), np.array([True, False, True]), np.array([[8, 9]]))


def _masked_scatter_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(DTypeError, ("bools", "int64"), np.ones(2), np.array([0, 1]), np.ones(2))
    yield ErrorSample(ShapeError, ("2 places", "1 element"), np.ones(2), np.array([True, True]), np.ones(1))


@composition(_masked_scatter_samples, _masked_scatter_errors)
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """The input, with the elements of source, one after another, where the mask holds.

    Raises:
        DTypeError: the mask is not bool.
        ShapeError: source has too few elements.

    >>> import minicnn
    >>> masked_scatter(minicnn.zeros(3), minicnn.tensor([True, False, True]), minicnn.ones(2))
    tensor([1., 0., 1.])
    """
    _need_mask("masked_scatter", input, mask)
    input, mask = broadcast_tensors(input, mask)
    count = int(mask._array.sum())
    if source.numel() < count:
        raise ShapeError(
            message(
                "masked_scatter",
                f"the mask has {count} places, source has {source.numel()} element(s).",
                f"mask {tuple(mask.shape)}; source {tuple(source.shape)}",
                "give at least one element per place.",
            )
        )
    return index_put(input, mask, getitem(source.reshape(-1), slice(0, count)))


def _take_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(2, 3)), np.array([[0, 5], [-1, 0]]))
    yield Sample(rng.normal(size=(2, 3)), np.zeros(0, dtype=np.int64))
    yield Sample(rng.normal(size=(2, 1, 2)), np.array(3))
    yield Sample(rng.normal(size=3), np.array([1, 1, 1]))  # one element three times
    yield Sample(rng.normal(size=()), np.array([[0]]))
    yield Sample(np.array([[1, 2], [3, 4]]), np.array([3, -4]))


def _take_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(IndexRangeError, ("index 6", "size 6"), np.ones((2, 3)), np.array([6]))


@composition(_take_samples, _take_errors)
def take(input: Tensor, index: Tensor) -> Tensor:
    """Elements by their places in the flattened tensor.

    Shapes: input (*), index (k, *); output as index.
    Raises:
        IndexRangeError: an index out of range.

    >>> import minicnn
    >>> take(minicnn.tensor([[1, 2], [3, 4]]), minicnn.tensor([3, 0]))
    tensor([4, 1])
    """
    need_tensors("take", input=input)
    need_given("take", "index", index)
    return getitem(input.reshape(-1), index)


def _take_along_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.normal(size=(3, 4))
    yield Sample(x, np.array([[0, 3], [1, 1], [2, 0]]), 1)
    yield Sample(x, np.array([[2], [0], [1]]), dim=-1)
    yield Sample(x, np.array([[1], [0]]), 0)
    yield Sample(x, np.array([5, 0]))
    yield Sample(x[:, :1], np.array([[0, 2, 1, 1]]) % 3, 0)  # both broadcast
    yield Sample(rng.normal(size=(2, 3, 2)), np.array([[[2], [0]]]), -2)
    yield Sample(np.array([[3, 1, 2]]), np.array([[1, 2, 0]]), 1)


def _take_along_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("2 dims", "(1,)"), np.ones((3, 4)), np.array([0]), 1)
    yield ErrorSample(IndexRangeError, ("index 4", "size 4"), np.ones((3, 4)), np.array([[4]]), 1)


@composition(_take_along_samples, _take_along_errors)
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """As `gather`, with the other dims broadcast; from the flattened tensor where no dim is given.

    Raises:
        IndexRangeError: a dim or an index out of range.
        ShapeError: the numbers of dims differ.

    >>> import minicnn
    >>> x = minicnn.tensor([[3, 1], [2, 4]])
    >>> take_along_dim(x, x.argsort(dim=1), dim=1)
    tensor([[1, 3],
            [2, 4]])
    """
    need_tensors("take_along_dim", input=input, indices=indices)
    if dim is None:
        return gather(input.reshape(-1), 0, indices.reshape(-1))
    d = normal_dim("take_along_dim", dim, input.ndim)
    if indices.ndim == input.ndim:
        sizes = [b if a == 1 else a for a, b in zip(input.shape, indices.shape, strict=True)]
        indices = expand(indices, tuple(indices.shape[i] if i == d else s for i, s in enumerate(sizes)))
        input = expand(input, tuple(input.shape[i] if i == d else s for i, s in enumerate(sizes)))
    return gather(input, d, indices)


def _nonzero_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(np.array([[0, 1], [2, 0]]))
    yield Sample(Constant(np.array([[[0.0, -0.0, np.nan]]])))  # NaN is not 0
    yield Sample(Constant(np.array([0.0, 0.5, -1.0])), as_tuple=True)
    yield Sample(np.zeros((2, 0), dtype=np.int64))
    yield Sample(np.zeros((2, 2, 2), dtype=bool))
    yield Sample(np.array([[0, 3], [1, 1]]), as_tuple=True)
    yield Sample(np.array(5))
    yield Sample(np.array([True, False, True]))


def _nonzero_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ArgumentTypeError, ("expects a Tensor", "list"), [1.0])


@composition(_nonzero_samples, _nonzero_errors)
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """The places of the elements that are not 0, in row-major order; without gradient.

    Args:
        as_tuple: return one tensor a dim, which ``x[...]`` takes, rather than one row a place.
    Shapes: output (k, ndim), of int64.

    >>> import minicnn
    >>> nonzero(minicnn.tensor([0, 2, 3]))
    tensor([[1],
            [2]])
    """
    need_tensors("nonzero", input=input)
    xp = backend_of(input._array).xp
    found = xp.nonzero(input._array.reshape((1,)) if input.ndim == 0 else input._array)
    if as_tuple:
        return tuple(wrap(places) for places in found)
    rows = xp.stack(found, axis=1)
    return wrap(rows[:, : input.ndim])


@composition(lambda rng: (s for s in _nonzero_samples(rng) if "as_tuple" not in s.kwargs), _nonzero_errors)
def argwhere(input: Tensor) -> Tensor:
    """Another name of `nonzero`: one row a place.

    >>> import minicnn
    >>> argwhere(minicnn.tensor([[0, 2], [3, 0]]))
    tensor([[0, 1],
            [1, 0]])
    """
    return nonzero(input)


def _one_hot_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(np.array([0, 2, 1]))
    yield Sample(np.array([[0, 2], [1, 1]]), 4)
    yield Sample(np.array(1), num_classes=3)
    yield Sample(np.zeros((0, 2), dtype=np.int64), 3)
    yield Sample(np.array([[[0]], [[3]]]))
    yield Sample(np.array([0, 0]), 1)


def _one_hot_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(IndexRangeError, ("class 3", "3 classes"), np.array([0, 3]), 3)
    yield ErrorSample(IndexRangeError, ("class -1",), np.array([0, -1]))
    yield ErrorSample(DTypeError, ("ints", "float64"), np.ones(2))
    yield ErrorSample(ShapeError, ("num_classes", "no elements"), np.zeros(0, dtype=np.int64))


@composition(_one_hot_samples, _one_hot_errors)
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """1 in the place of each class, 0 elsewhere: y[..., c] = 1 where x = c; of int64.

    Shapes: (*) of ints -> (*, num_classes).
    Args:
        num_classes: how many; the largest class plus 1 by default.
    Raises:
        ClassRangeError: a class out of range, an IndexError and a RuntimeError.
        DTypeError: the classes are no ints.
        ShapeError: no elements to count the classes of.

    >>> import minicnn
    >>> one_hot(minicnn.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    need_tensors("one_hot", tensor=tensor)
    if tensor.dtype.kind not in "iu":
        raise DTypeError(
            message("one_hot", f"expects ints, got {tensor.dtype}.", f"tensor {tuple(tensor.shape)}", "use x.long().")
        )
    if not tensor.numel() and num_classes < 0:
        raise ShapeError(
            message(
                "one_hot",
                "num_classes must be given for no elements.",
                f"tensor {tuple(tensor.shape)}",
                "write num_classes=10, for example.",
            )
        )
    low, high = (int(tensor._array.min()), int(tensor._array.max())) if tensor.numel() else (0, 0)
    count = high + 1 if num_classes < 0 else operator.index(num_classes)
    if low < 0 or (high >= count and tensor.numel()):
        raise ClassRangeError(
            message(
                "one_hot",
                f"class {low if low < 0 else high} is out of range for {count} classes.",
                f"input {tuple(tensor.shape)}",
                f"use classes from 0 to {count - 1}, or a larger num_classes.",
            )
        )
    classes = wrap(backend_of(tensor._array).xp.arange(count))
    return (tensor.detach().unsqueeze(-1) == classes).to(np.int64)
