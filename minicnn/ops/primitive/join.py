"""Tensors joined, and parts of them: cat, stack, narrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.primitive import Primitive
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.errors import ParameterError, ShapeError, message
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.dims import normal_dim
from minicnn.ops.promote import result_type

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

Shape = tuple[int, ...]


class Cat(Primitive):
    @staticmethod
    def forward(be: Backend, *tensors: Array, dim: int) -> Array:
        return be.xp.concatenate(tensors, axis=dim)

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
                    "reshape them alike, or use cat.",
                )
            )
    return cat([t.unsqueeze(dim) for t in tensors], dim)


def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """``length`` elements along a dim, from ``start``; a view.

    >>> import minicnn
    >>> narrow(minicnn.arange(5), 0, 1, 3)
    tensor([1, 2, 3])
    """
    dim = normal_dim("narrow", dim, input.ndim)
    return input[(slice(None),) * dim + (slice(start, start + length),)]
