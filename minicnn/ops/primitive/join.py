"""Tensors joined: cat, stack, hstack, vstack, dstack, column_stack; and atleast_1d, atleast_2d, atleast_3d."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.primitive import Primitive
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.errors import ArgumentTypeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.dims import normal_dim
from minicnn.ops.primitive.parts import narrow
from minicnn.ops.primitive.shape import reshape
from minicnn.ops.promote import result_type

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

Shape = tuple[int, ...]


class Cat(Primitive):
    @staticmethod
    def forward(be: Backend, *tensors: Array, dim: int) -> Array:
        return be.concatenate(tensors, dim)

    @staticmethod
    def grad_tensors(g: Tensor, shapes: list[Shape], dim: int, index: int) -> Tensor:
        start = sum(shape[dim] for shape in shapes[:index])
        return narrow(g, dim, start, shapes[index][dim])

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield Sample([rng.normal(size=(2, 3)), rng.normal(size=(1, 3))])
        yield Sample([rng.normal(size=(2, 3)), rng.normal(size=(2, 1)), rng.normal(size=(2, 0))], -1)
        yield Sample([rng.normal(size=(2, 3))], 1)
        yield Sample([rng.normal(size=(2, 3)), rng.normal(size=(2, 1))], axis=1)
        yield Sample([rng.normal(size=2), rng.normal(size=1), rng.normal(size=3)], dim=-1)
        yield Sample([rng.normal(size=(2, 1, 2)), rng.normal(size=(2, 2, 2))], 1)
        yield Sample([np.array([[1, 2]]), np.array([[3, 4]])])
        yield Sample([np.zeros((0, 2)), np.zeros((0, 1))], 1)

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(ShapeError, ("(2, 3)", "(2, 4)", "dim 0"), [np.ones((2, 3)), np.ones((2, 4))])
        yield ErrorSample(ParameterError, "at least one", [])


@Cat.public
def cat(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Tensors joined along a dim they all have.

    Args:
        tensors: of equal shape but for that dim.
        dim: along which; ``axis`` is another name for it.
    Raises:
        ShapeError: other dims differ.
        ParameterError: there are no tensors.

    >>> import minicnn
    >>> cat([minicnn.zeros(1, 2), minicnn.ones(1, 2)])
    tensor([[0., 0.],
            [1., 1.]])
    """
    tensors = tuple(tensors)
    if not tensors:
        raise ParameterError(
            message("cat", "expects at least one tensor.", "the sequence is empty", "pass one or more tensors.")
        )
    need_tensors("cat", **{f"tensors[{i}]": t for i, t in enumerate(tensors)})
    tensors = tuple(t for t in tensors if tuple(t.shape) != (0,)) or tensors[:1]  # as PyTorch, for old code's sake
    first = tensors[0]
    dim = normal_dim("cat", dim if axis is None else axis, first.ndim)
    for t in tensors:
        if t.ndim != first.ndim or any(
            a != b for i, (a, b) in enumerate(zip(t.shape, first.shape, strict=True)) if i != dim
        ):
            raise ShapeError(
                message(
                    "cat",
                    f"expects equal shapes but for dim {dim}, got {tuple(first.shape)} and {tuple(t.shape)}.",
                    f"shapes {', '.join(str(tuple(t.shape)) for t in tensors)}",
                    "make the other dims equal, or join along another dim.",
                )
            )
    dtype = result_type(*tensors)
    return Cat.apply(*(t.to(dtype) for t in tensors), dim=dim)


def _stack_samples(rng: Rng) -> Iterator[Sample]:
    for dim in (0, 1, -1):
        yield Sample([rng.normal(size=(2, 3)), rng.normal(size=(2, 3))], dim)
    yield Sample([rng.normal(size=(2, 3)), rng.normal(size=(2, 3))], axis=1)
    yield Sample([rng.normal(size=()), rng.normal(size=()), rng.normal(size=())])
    yield Sample([rng.normal(size=3)], dim=1)
    yield Sample([rng.normal(size=(2, 1, 2)), rng.normal(size=(2, 1, 2))], -2)
    yield Sample([np.array([1, 2]), np.array([3, 4])])
    yield Sample([np.zeros((0, 2)), np.zeros((0, 2))], 1)


def _stack_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("stack", "(2, 3)", "(3,)"), [np.ones((2, 3)), np.ones(3)])


@composition(_stack_samples, _stack_errors)
def stack(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Tensors of one shape joined along a new dim; ``axis`` is another name for it.

    Raises:
        ShapeError: the shapes differ.

    >>> import minicnn
    >>> stack([minicnn.zeros(2), minicnn.ones(2)])
    tensor([[0., 0.],
            [1., 1.]])
    """
    tensors, dim = tuple(tensors), dim if axis is None else axis
    need_tensors("stack", **{f"tensors[{i}]": t for i, t in enumerate(tensors)})
    for t in tensors[1:]:
        if t.shape != tensors[0].shape:
            raise ShapeError(
                message(
                    "stack",
                    f"expects tensors of one shape, got {tuple(tensors[0].shape)} and {tuple(t.shape)}.",
                    "a new dim needs equal parts",
                    "give all the same shape; cat joins along a dim that they have.",
                )
            )
    return cat([t.unsqueeze(dim) for t in tensors], dim)


def _several(where: str, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    tensors = tuple(tensors)
    need_tensors(where, **{f"tensors[{i}]": t for i, t in enumerate(tensors)})
    return tensors


def _side_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample([rng.normal(size=(2, 3)), rng.normal(size=(2, 3))])
    yield Sample([rng.normal(size=3), rng.normal(size=3)])
    yield Sample([rng.normal(size=()), rng.normal(size=()), rng.normal(size=())])
    yield Sample([rng.normal(size=(2, 3, 2)), rng.normal(size=(2, 3, 2))])
    yield Sample([rng.normal(size=(0, 3)), rng.normal(size=(0, 3))])
    yield Sample([rng.normal(size=(2, 1))])
    yield Sample([np.array([1, 2]), np.array([3, 4])])


def _side_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("2, 3", "4, 5"), [np.ones((2, 3)), np.ones((4, 5))])
    yield ErrorSample(ParameterError, "at least one", [])


@composition(_side_samples, _side_errors)
def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors side by side: joined along dim 1, or dim 0 of vectors.

    Raises:
        ShapeError: other dims differ.
        ParameterError: there are no tensors.

    >>> import minicnn
    >>> hstack([minicnn.zeros(1), minicnn.ones(2)])
    tensor([0., 1., 1.])
    """
    parts = tuple(at_least(1, t) for t in _several("hstack", tensors))
    return cat(parts, 0 if not parts or parts[0].ndim == 1 else 1)


@composition(_side_samples, _side_errors)
def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors one above the other: joined along dim 0; vectors are rows.

    Raises:
        ShapeError: other dims differ.
        ParameterError: there are no tensors.

    >>> import minicnn
    >>> vstack([minicnn.zeros(2), minicnn.ones(2)])
    tensor([[0., 0.],
            [1., 1.]])
    """
    return cat(tuple(at_least(2, t) for t in _several("vstack", tensors)), 0)


@composition(_side_samples, _side_errors)
def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors one behind the other: joined along dim 2.

    Raises:
        ShapeError: other dims differ.
        ParameterError: there are no tensors.

    >>> import minicnn
    >>> dstack([minicnn.zeros(2), minicnn.ones(2)]).shape
    (1, 2, 2)
    """
    return cat(tuple(at_least(3, t) for t in _several("dstack", tensors)), 2)


def _column_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample([rng.normal(size=3), rng.normal(size=3)])
    yield Sample([rng.normal(size=(3, 2)), rng.normal(size=3)])
    yield Sample([rng.normal(size=()), rng.normal(size=1)])
    yield Sample([rng.normal(size=(2, 1, 2)), rng.normal(size=(2, 3, 2))])
    yield Sample([np.array([1, 2]), np.array([3, 4])])
    yield Sample([np.zeros((0, 2)), np.zeros((0, 3))])


def _column_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(3, 1)", "(2, 1)"), [np.ones(3), np.ones(2)])
    yield ErrorSample(ParameterError, "at least one", [])
    yield ErrorSample(ArgumentTypeError, ("Tensor", "float"), [np.ones(2), 1.0])


@composition(_column_samples, _column_errors)
def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors side by side, vectors as columns.

    Shapes: (n), (n, m) -> (n, 1 + m).
    Raises:
        ShapeError: other dims differ.
        ParameterError: there are no tensors.

    >>> import minicnn
    >>> column_stack([minicnn.tensor([1, 2]), minicnn.tensor([3, 4])])
    tensor([[1, 3],
            [2, 4]])
    """
    tensors = tuple(tensors)
    need_tensors("column_stack", **{f"tensors[{i}]": x for i, x in enumerate(tensors)})
    return cat([x.reshape(-1, 1) if x.ndim < 2 else x for x in tensors], 1)


def at_least(ndim: int, x: Tensor) -> Tensor:
    """Return the tensor with so many dims, as NumPy's atleast_1d, 2d and 3d add them."""
    shape = tuple(x.shape)
    if x.ndim >= ndim:
        return x
    if ndim == 3:
        return reshape(x, {0: (1, 1, 1), 1: (1, *shape, 1), 2: (*shape, 1)}[x.ndim])
    return reshape(x, (1,) * (ndim - x.ndim) + shape)


def _atleast_samples(rng: Rng) -> Iterator[Sample]:
    for shape in ((), (3,), (2, 3), (0,), (2, 1, 3), (1, 2, 3, 1)):
        yield Sample(rng.normal(size=shape))
    yield Sample(np.array(4))


def _atleast_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(TypeError, ("Tensor", "float"), 1.0)


@composition(_atleast_samples, _atleast_errors)
def atleast_1d(input: Tensor) -> Tensor:
    """The tensor, with a dim of size 1 where it has none.

    >>> import minicnn
    >>> atleast_1d(minicnn.tensor(2.0))
    tensor([2.])
    """
    need_tensors("atleast_1d", input=input)
    return at_least(1, input)


@composition(_atleast_samples, _atleast_errors)
def atleast_2d(input: Tensor) -> Tensor:
    """The tensor, with dims of size 1 in front where it has fewer than two.

    >>> import minicnn
    >>> atleast_2d(minicnn.tensor([2.0, 3.0]))
    tensor([[2., 3.]])
    """
    need_tensors("atleast_2d", input=input)
    return at_least(2, input)


@composition(_atleast_samples, _atleast_errors)
def atleast_3d(input: Tensor) -> Tensor:
    """The tensor with three dims at least: (n) becomes (1, n, 1), and (n, m) becomes (n, m, 1).

    >>> import minicnn
    >>> atleast_3d(minicnn.zeros(2)).shape
    (1, 2, 1)
    """
    need_tensors("atleast_3d", input=input)
    return at_least(3, input)
