"""The same elements under another shape: reshape, permute, transpose, expand, squeeze, unsqueeze, flatten, flip."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.primitive import Primitive
from minicnn.autograd.refusal import refuse
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.errors import ArgumentTypeError, IndexRangeError, ParameterError, ShapeError, message
from minicnn.ops.primitive.dims import named_dims, normal_dim, normal_dims

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

Shape = tuple[int, ...]


def as_shape(sizes: tuple[Any, ...], where: str = "shape") -> Shape:
    """Return sizes given as ints or as one sequence: f(2, 3) and f((2, 3)) alike."""
    if len(sizes) == 1 and not isinstance(sizes[0], (int, np.integer)):
        sizes = sizes[0]
    if type(sizes) is tuple and {*map(type, sizes)} <= {int}:  # the usual case, quickly
        return sizes
    try:
        return tuple([size.__index__() for size in sizes])
    except (AttributeError, TypeError):
        raise ArgumentTypeError(
            message(where, f"sizes expect ints, got {sizes}.", "a size is a whole number", "convert it: int(size).")
        ) from None


class Reshape(Primitive):
    views = True
    quick = True

    @staticmethod
    def forward(be: Backend, x: Array, *, shape: Shape) -> Array:
        return be.reshape(x, shape)

    @staticmethod
    def grad_x(g: Tensor, x_shape: Shape) -> Tensor:
        return g.reshape(x_shape)

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield Sample(rng.normal(size=(2, 6)), (3, 4))
        yield Sample(rng.normal(size=(2, 6)), (-1,))
        yield Sample(rng.normal(size=(2, 6)), (4, -1))
        yield Sample(rng.normal(size=(2, 6)), shape=(3, 4))
        yield Sample(rng.normal(size=()), (1, 1))
        yield Sample(np.zeros((0, 3)), (3, 0))

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(ShapeError, ("6 elements", "(4,)"), np.ones((2, 3)), (4,))
        yield ErrorSample(ShapeError, ("-1", "6 elements"), np.ones((2, 3)), (4, -1))


class Permute(Primitive):
    views = True

    @staticmethod
    def forward(be: Backend, x: Array, *, dims: Shape) -> Array:
        return x.transpose(dims)

    @staticmethod
    def grad_x(g: Tensor, dims: Shape) -> Tensor:
        inverse = sorted(range(len(dims)), key=dims.__getitem__)
        return g.permute(inverse)

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield Sample(rng.normal(size=(2, 3, 4)), (2, 0, 1))
        yield Sample(rng.normal(size=(2, 3)), (-1, 0))
        yield Sample(rng.normal(size=(2, 1, 3, 2)), (0, 2, 3, 1))
        yield Sample(rng.normal(size=(2, 3)), dims=(1, 0))
        yield Sample(rng.normal(size=(2, 1, 2, 1, 3)), dims=(-1, 0, -3, 3, 1))
        yield Sample(rng.normal(size=3), 0)
        yield Sample(np.array([[1, 2], [3, 4]]), 1, 0)
        yield Sample(np.zeros((0, 3)), (1, 0))

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(ShapeError, ("2 dims", "(0, 1, 2)"), np.ones((2, 3)), (0, 1, 2))
        yield ErrorSample(ParameterError, "once", np.ones((2, 3)), (0, 0))


class Expand(Primitive):
    views = True

    @staticmethod
    def forward(be: Backend, x: Array, *, shape: Shape) -> Array:
        return be.xp.broadcast_to(x, shape)

    @staticmethod
    def grad_x(g: Tensor, x_shape: Shape) -> Tensor:
        return g.sum_to_size(x_shape)

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield Sample(rng.normal(size=(3, 1)), (3, 4))
        yield Sample(rng.normal(size=(3, 1)), (2, -1, 2))
        yield Sample(rng.normal(size=(1, 2)), size=(3, 2))
        yield Sample(rng.normal(size=()), (2, 2))
        yield Sample(rng.normal(size=(2, 1, 3)), 2, 4, 3)
        yield Sample(rng.normal(size=3), (2, 1, -1))
        yield Sample(rng.normal(size=(2, 3)), (2, 3))  # as it is
        yield Sample(np.array([[1], [2]]), -1, 3)
        yield Sample(np.zeros((1, 0)), (3, 0))

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(ShapeError, ("(2, 3)", "(2, 4)"), np.ones((2, 3)), (2, 4))


class Flip(Primitive):
    @staticmethod
    def forward(be: Backend, x: Array, *, dims: Shape) -> Array:
        return be.xp.flip(x, dims).copy()

    @staticmethod
    def grad_x(g: Tensor, dims: Shape) -> Tensor:
        return flip(g, dims)

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield Sample(rng.normal(size=(2, 3)), (0,))
        yield Sample(rng.normal(size=(2, 3)), (0, -1))
        yield Sample(rng.normal(size=(2, 3)), dims=[1])
        yield Sample(rng.normal(size=(2, 3)), ())
        yield Sample(rng.normal(size=()), 0)
        yield Sample(rng.normal(size=(2, 3, 2)), -2)
        yield Sample(rng.normal(size=(2, 1, 2)), 0, 1, 2)
        yield Sample(np.array([1, 2, 3]), dims=(-1,))
        yield Sample(np.zeros((0, 3)), [0])

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(IndexRangeError, ("dim", "2"), np.ones((2, 3)), (2,))


@Reshape.public
def reshape(input: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """The same elements, in row-major order, under another shape; a view where the memory allows it.

    Args:
        sizes: one of them may be −1, and is inferred.
        shape: the sizes, by keyword.
    Raises:
        ShapeError: the numbers of elements differ.

    >>> import minicnn
    >>> reshape(minicnn.arange(6), 2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    try:
        return Reshape.apply(input, shape=inferred(input, as_shape(sizes if shape is None else (shape,))))
    except Exception as error:
        refuse(reshape, (input, *sizes), {} if shape is None else {"shape": shape}, error)


def inferred(x: Tensor, shape: Shape, where: str = "reshape") -> Shape:
    """Return the shape with its −1 filled in."""
    size = x._array.size
    if math.prod(shape) == size and (not shape or min(shape) >= 0):
        return shape
    known = math.prod(s for s in shape if s != -1)
    free = shape.count(-1)
    fits = known == size if free == 0 else free == 1 and known > 0 and size % known == 0
    if not fits or any(s < -1 for s in shape):
        raise ShapeError(
            message(
                where,
                f"{size} elements do not fill the shape {shape}.",
                f"input {tuple(x.shape)} has {size} elements; at most one size may be -1",
                "choose sizes whose product is the number of elements.",
            )
        )
    return tuple(size // known if s == -1 else s for s in shape)


@Permute.public
def permute(input: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """The dims in another order, as a view.

    Args:
        order: all dims, each once.
        dims: the order, by keyword.
    Raises:
        ShapeError: not every dim is named.

    >>> import minicnn
    >>> permute(minicnn.zeros(2, 3, 4), 2, 0, 1).shape
    (4, 2, 3)
    """
    order = as_shape(order if dims is None else (dims,))
    if len(order) != input.ndim:
        raise ShapeError(
            message(
                "permute",
                f"expects an order of all {input.ndim} dims, got {order}.",
                f"input {tuple(input.shape)}",
                f"name each dim once, such as {tuple(range(input.ndim))[::-1]}.",
            )
        )
    return Permute.apply(input, dims=normal_dims("permute", order, input.ndim))


@Expand.public
def expand(input: Tensor, *shape: Any, size: Any = None) -> Tensor:
    """Dims of size 1 repeated to the sizes given, and new ones put in front; a read-only view.

    Args:
        shape: the sizes; −1 keeps the one that is there.
        size: the sizes, by keyword.
    Raises:
        ShapeError: a dim other than 1 would change.

    >>> import minicnn
    >>> expand(minicnn.tensor([[1.0], [2.0]]), 2, 3)
    tensor([[1., 1., 1.],
            [2., 2., 2.]])
    """
    sizes = as_shape(shape if size is None else (size,))
    new = len(sizes) - input.ndim
    old = (1,) * max(new, 0) + tuple(input.shape)
    wanted = tuple(o if s == -1 else s for o, s in zip(old, sizes, strict=False))
    if new < 0 or -1 in sizes[:new] or any(o not in (1, s) for o, s in zip(old, wanted, strict=True)):
        raise ShapeError(
            message(
                "expand",
                f"{tuple(input.shape)} does not expand to {sizes}.",
                "only dims of size 1 repeat; new dims come first",
                "give the other dims their own size, or -1.",
            )
        )
    return Expand.apply(input, shape=wanted)


@Flip.public
def flip(input: Tensor, *along: Any, dims: Any = None) -> Tensor:
    """The elements in reverse order along dims, which ``dims`` may give by keyword.

    >>> import minicnn
    >>> flip(minicnn.tensor([1.0, 2.0]), 0)
    tensor([2., 1.])
    """
    named = named_dims("flip", as_shape(along if dims is None else (dims,)), input.ndim)
    return Flip.apply(input, dims=named if input.ndim else ())


def _transpose_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(2, 3, 4)), 0, 2)
    yield Sample(rng.normal(size=(2, 3)), -1, 0)
    yield Sample(rng.normal(size=(2, 3)), 1, 1)  # as it is
    yield Sample(rng.normal(size=(2, 1, 3, 2)), 1, -2)
    yield Sample(np.array([[1, 2], [3, 4]]), 0, 1)
    yield Sample(np.zeros((0, 3)), 0, 1)
    yield Sample(rng.normal(size=()), 0, -1)


def _transpose_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(IndexRangeError, ("dim", "2"), np.ones((2, 3)), 0, 2)


@composition(_transpose_samples, _transpose_errors)
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dims exchanged, as a view.

    >>> import minicnn
    >>> transpose(minicnn.zeros(2, 3, 4), 0, 2).shape
    (4, 3, 2)
    """
    order = list(range(input.ndim))
    a, b = normal_dim("transpose", dim0, input.ndim), normal_dim("transpose", dim1, input.ndim)
    if order:
        order[a], order[b] = b, a
    return permute(input, order)


def _squeeze_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(1, 3, 1)))
    yield Sample(rng.normal(size=(1, 3, 1)), -1)
    yield Sample(rng.normal(size=(1, 3, 1)), 1)
    yield Sample(rng.normal(size=(1, 3, 1)), (0, 1))
    yield Sample(rng.normal(size=(1, 3)), ())
    yield Sample(rng.normal(size=(1, 3)), 1)  # not of size 1: stays
    yield Sample(rng.normal(size=(1, 1, 1)))
    yield Sample(rng.normal(size=()), 0)
    yield Sample(np.zeros((0, 1)), dim=-1)


def _dim_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(IndexRangeError, ("dim", "4"), np.ones((2, 3)), 4)


@composition(_squeeze_samples, _dim_errors)
def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Without its dims of size 1, or without those named where they have size 1; a view.

    >>> import minicnn
    >>> squeeze(minicnn.zeros(1, 3, 1)).shape
    (3,)
    """
    dims = named_dims("squeeze", dim, input.ndim)
    return reshape(input, tuple(s for i, s in enumerate(input.shape) if s != 1 or i not in dims))


def _unsqueeze_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(2, 3)), 0)
    yield Sample(rng.normal(size=(2, 3)), -1)
    yield Sample(rng.normal(size=(2, 3)), dim=1)
    yield Sample(rng.normal(size=()), 0)
    yield Sample(rng.normal(size=(2, 1, 2)), -4)
    yield Sample(np.zeros((0, 2)), 2)
    yield Sample(np.array([1, 2]), -2)


@composition(_unsqueeze_samples, _dim_errors)
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a new dim of size 1 at ``dim``; a view.

    >>> import minicnn
    >>> unsqueeze(minicnn.zeros(3), 0).shape
    (1, 3)
    """
    dim = normal_dim("unsqueeze", dim, input.ndim + 1)
    return reshape(input, (*input.shape[:dim], 1, *input.shape[dim:]))


def _flatten_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(2, 3, 2)))
    yield Sample(rng.normal(size=(2, 3, 2)), 1)
    yield Sample(rng.normal(size=(2, 3, 2)), 0, -2)
    yield Sample(rng.normal(size=()))
    yield Sample(rng.normal(size=3))
    yield Sample(rng.normal(size=(2, 1, 3, 2)), start_dim=-3, end_dim=2)
    yield Sample(rng.normal(size=(2, 3)), 1, 1)  # as it is
    yield Sample(np.zeros((2, 0, 3)), 1)


def _flatten_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(IndexRangeError, ("dim", "4"), np.ones((2, 3)), 4)
    yield ErrorSample(IndexRangeError, ("dim", "from -1 to 0"), np.ones(()), 0, 1)
    yield ErrorSample(ParameterError, ("start_dim", "end_dim"), np.ones((2, 3)), 1, 0)


@composition(_flatten_samples, _flatten_errors)
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dims from start_dim to end_dim as one.

    Shapes: (N, C, H, W) with start_dim=1 gives (N, C·H·W).

    >>> import minicnn
    >>> flatten(minicnn.zeros(2, 3, 4), 1).shape
    (2, 12)
    """
    start, end = normal_dim("flatten", start_dim, input.ndim), normal_dim("flatten", end_dim, input.ndim)
    if start > end:
        raise ParameterError(
            message(
                "flatten",
                "start_dim must not come after end_dim.",
                f"start_dim {start}, end_dim {end}, of {input.ndim} dims",
                "exchange them.",
            )
        )
    shape = tuple(input.shape) or (1,)
    return reshape(input, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))
