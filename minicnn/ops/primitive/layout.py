"""Other shapes of the same elements: ravel, unflatten, view_as, broadcast_to, broadcast_tensors, meshgrid, unfold."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.graph import wrap
from minicnn.autograd.op import composition
from minicnn.autograd.primitive import Primitive
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend, backend_of
from minicnn.errors import ArgumentTypeError, IndexRangeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.dims import normal_dim
from minicnn.ops.primitive.index import unindex
from minicnn.ops.primitive.rearrange import movedim
from minicnn.ops.primitive.shape import as_shape, expand, reshape, transpose

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def _ravel_samples(rng: Rng) -> Iterator[Sample]:
    for shape in ((2, 3), (), (0, 3), (4,), (2, 1, 2, 1, 2)):
        yield Sample(rng.normal(size=shape))
    yield Sample(np.array([[1, 2], [3, 4]]))


def _ravel_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ArgumentTypeError, ("expects a Tensor", "list"), [1.0])


@composition(_ravel_samples, _ravel_errors)
def ravel(input: Tensor) -> Tensor:
    """All elements in one dim; a view where the memory allows it.

    Shapes: (*) -> (n).

    >>> import minicnn
    >>> ravel(minicnn.tensor([[1, 2], [3, 4]]))
    tensor([1, 2, 3, 4])
    """
    need_tensors("ravel", input=input)
    return reshape(input, (-1,) if input.numel() else (0,))


def _unflatten_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(2, 6)), 1, (2, 3))
    yield Sample(rng.normal(size=(6, 2)), 0, (-1, 2))
    yield Sample(rng.normal(size=(2, 6)), -1, (6,))
    yield Sample(np.zeros((0, 2)), 1, (2, 1))
    yield Sample(rng.normal(size=(2, 8, 1)), dim=-2, sizes=(2, -1, 2))
    yield Sample(np.array([1, 2, 3, 4]), 0, [2, 2])


def _unflatten_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(4, 2)", "size 6"), np.ones((2, 6)), 1, (4, 2))
    yield ErrorSample(ShapeError, ("(-1, 4)", "size 6"), np.ones((2, 6)), 1, (-1, 4))
    yield ErrorSample(IndexRangeError, ("dim", "from -2 to 1"), np.ones((2, 6)), 2, (2, 3))


@composition(_unflatten_samples, _unflatten_errors)
def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """One dim as several: what `flatten` undoes; a view.

    Shapes: (N, C·H·W) with dim 1 and sizes (C, H, W) gives (N, C, H, W).
    Args:
        sizes: their product is the dim's size; one of them may be −1, and is inferred.
    Raises:
        ShapeError: the sizes do not fit the dim.
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> unflatten(minicnn.zeros(2, 6), 1, (2, 3)).shape
    (2, 2, 3)
    """
    need_tensors("unflatten", input=input)
    dim = normal_dim("unflatten", dim, input.ndim)
    total = input.shape[dim] if input.ndim else 1
    parts = as_shape((sizes,))
    known = math.prod(s for s in parts if s != -1)
    free = parts.count(-1)
    fits = known == total if free == 0 else free == 1 and known > 0 and total % known == 0
    if not fits or not parts or min(parts) < -1:
        raise ShapeError(
            message(
                "unflatten",
                f"sizes {parts} do not fit dim {dim} of size {total}.",
                f"input {tuple(input.shape)}; the product of the sizes is {known}{', times one -1' if free else ''}",
                f"choose sizes whose product is {total}.",
            )
        )
    inner = tuple(total // known if s == -1 else s for s in parts)
    return reshape(input, (*input.shape[:dim], *inner, *input.shape[dim + 1 :]))


def _as_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(2, 6)), np.zeros((3, 4), dtype=np.int64))
    yield Sample(np.zeros((0, 2)), np.zeros((3, 0), dtype=np.int64))
    yield Sample(rng.normal(size=(2, 3)), np.zeros(6, dtype=np.int64))
    yield Sample(rng.normal(size=()), np.zeros((1, 1), dtype=np.int64))
    yield Sample(rng.normal(size=(2, 2)), rng.normal(size=(4, 1)))  # no gradient goes to the other
    yield Sample(np.array([1, 2]), np.zeros((2, 1), dtype=bool))


def _as_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("6 elements", "(4,)"), np.ones((2, 3)), np.ones(4))


@composition(_as_samples, _as_errors)
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """Under the other tensor's shape, in the same memory: as the method ``view``.

    Raises:
        ShapeError: the numbers of elements differ; or the memory of another tensor would have to be copied.

    >>> import minicnn
    >>> view_as(minicnn.zeros(6), minicnn.zeros(2, 3)).shape
    (2, 3)
    """
    need_tensors("view_as", input=input, other=other)
    return input.view(other.shape)


def _broadcast_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(3, 1)), (3, 4))
    yield Sample(rng.normal(size=3), (2, 3))
    yield Sample(np.zeros((1, 0)), (3, 0))
    yield Sample(rng.normal(size=()), (2, 2))
    yield Sample(rng.normal(size=(2, 3)), (2, 3))
    yield Sample(np.array([[1], [2]]), (3, 2, 2))


def _broadcast_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2, 3)", "(2, 4)"), np.ones((2, 3)), (2, 4))


@composition(_broadcast_samples, _broadcast_errors)
def broadcast_to(input: Tensor, size: Any) -> Tensor:
    """Another name of `expand`: dims of size 1 repeated; a read-only view.

    Raises:
        ShapeError: a dim other than 1 would change.

    >>> import minicnn
    >>> broadcast_to(minicnn.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return expand(input, size)


def _broadcasts_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(3, 1)), rng.normal(size=4))
    yield Sample(rng.normal(size=(2, 3)))
    yield Sample(rng.normal(size=()), np.zeros((0, 2)), rng.normal(size=2))
    yield Sample(rng.normal(size=(2, 1, 1)), rng.normal(size=(1, 3, 1)), rng.normal(size=(1, 1, 2)))
    yield Sample(rng.normal(size=2), rng.normal(size=2))
    yield Sample(np.array([[1], [2]]), rng.normal(size=3))


def _broadcasts_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2, 3)", "(4,)"), np.ones((2, 3)), np.ones(4))


@composition(_broadcasts_samples, _broadcasts_errors)
def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """All tensors in the shape that they broadcast to; read-only views.

    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> [x.shape for x in broadcast_tensors(minicnn.zeros(3, 1), minicnn.zeros(2))]
    [(3, 2), (3, 2)]
    """
    need_tensors("broadcast_tensors", **{f"tensors[{i}]": x for i, x in enumerate(tensors)})
    shapes = [tuple(x.shape) for x in tensors]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        raise ShapeError(
            message(
                "broadcast_tensors",
                f"expects shapes that broadcast, got {' and '.join(map(str, shapes))}.",
                "dims are matched from the last one; each pair must be equal, or one of them 1",
                "reshape or unsqueeze one so that its dims line up.",
            )
        ) from None
    return tuple(expand(x, shape) for x in tensors)


def _meshgrid_samples(rng: Rng) -> Iterator[Sample]:
    a, b = rng.normal(size=3), rng.normal(size=2)
    yield Sample(a, b, indexing="ij")
    yield Sample(a, b, rng.normal(size=()), indexing="xy")
    yield Sample([a, b], indexing="ij")
    yield Sample(a, np.zeros(0), indexing="ij")
    yield Sample(a, indexing="xy")
    yield Sample(a, b, rng.normal(size=2), rng.normal(size=1), indexing="xy")


def _meshgrid_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("at most 1 dim", "(2, 3)"), np.ones((2, 3)))
    yield ErrorSample(ParameterError, ("indexing", "'ij'", "'yx'"), np.ones(3), indexing="yx")


@composition(_meshgrid_samples, _meshgrid_errors)
def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """The coordinates of a grid's points, one tensor a vector.

    Shapes: (n), (m) -> (n, m) each; (m, n) with ``indexing="xy"``.
    Args:
        tensors: vectors, or one sequence of them.
        indexing: ``"ij"``, the first vector runs down the rows, or ``"xy"``, along the columns.
    Raises:
        ShapeError: a tensor of more than one dim.
        ParameterError: another indexing.

    >>> import minicnn
    >>> meshgrid(minicnn.tensor([1, 2]), minicnn.tensor([3, 4]))[0]
    tensor([[1, 1],
            [2, 2]])
    """
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    need_tensors("meshgrid", **{f"tensors[{i}]": x for i, x in enumerate(tensors)})
    if indexing not in ("ij", "xy"):
        raise ParameterError(
            message(
                "meshgrid",
                f"indexing expects 'ij' or 'xy', got {indexing!r}.",
                "'ij' puts rows first, 'xy' columns",
                "write indexing='ij'.",
            )
        )
    for x in tensors:
        if x.ndim > 1:
            raise ShapeError(
                message("meshgrid", "expects tensors of at most 1 dim.", f"got {tuple(x.shape)}", "flatten them.")
            )
    count = len(tensors)
    shape = tuple(x.numel() for x in tensors)
    grids = [
        expand(reshape(x, tuple(x.numel() if j == i else 1 for j in range(count))), shape)
        for i, x in enumerate(tensors)
    ]
    return tuple(transpose(g, 0, 1) if indexing == "xy" and count > 1 else g for g in grids)


class Windows(Primitive):
    """A view: a window's elements lie one step apart, windows ``step`` steps."""

    views = True

    @staticmethod
    def forward(be: Backend, x: Array, *, dim: int, size: int, step: int) -> Array:
        count = (x.shape[dim] - size) // step + 1
        shape = (*x.shape[:dim], count, *x.shape[dim + 1 :], size)
        steps = (*x.strides[:dim], x.strides[dim] * step, *x.strides[dim + 1 :], x.strides[dim])
        return be.xp.lib.stride_tricks.as_strided(x, shape, steps)

    @staticmethod
    def grad_x(g: Tensor, x_shape: tuple[int, ...], dim: int, size: int, step: int) -> Tensor:
        xp = backend_of(g._array).xp
        places = wrap(xp.arange(0, x_shape[dim] - size + 1, step)[:, None] + xp.arange(size))
        return unindex(movedim(g, -1, dim + 1), x_shape, (*(slice(None),) * dim, places))

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield Sample(rng.normal(size=7), 0, 3, 2)
        yield Sample(rng.normal(size=(2, 5, 3)), 1, 2, 1)
        yield Sample(rng.normal(size=(2, 5)), -1, 5, 3)
        yield Sample(rng.normal(size=(4, 3)), 0, 2, 2)
        yield Sample(rng.normal(size=5), 0, 1, 3)
        yield Sample(np.zeros((0, 4)), 1, 2, 2)
        yield Sample(np.arange(6), 0, 4, 1)
        yield Sample(rng.normal(size=()), 0, 1, 1)

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(ShapeError, ("size 4", "size 3"), np.ones((2, 3)), 1, 4, 1)
        yield ErrorSample(ParameterError, ("step", "0"), np.ones((2, 3)), 1, 2, 0)
        yield ErrorSample(IndexRangeError, ("dim", "from -2 to 1"), np.ones((2, 3)), 2, 1, 1)


@Windows.public
def windows(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """All windows of a size along a dim, every so many elements: ``Tensor.unfold``; a view.

    Shapes: (N, L, C) with dimension 1 gives (N, (L − size) // step + 1, C, size).
    Raises:
        ShapeError: the window is longer than the dim.
        ParameterError: the step is not positive.
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> windows(minicnn.arange(5), 0, 3, 2)
    tensor([[0, 1, 2],
            [2, 3, 4]])
    """
    need_tensors("unfold", input=input)
    d = normal_dim("unfold", dimension, input.ndim)
    length = input.shape[d] if input.ndim else 1
    if step < 1:
        raise ParameterError(message("unfold", f"step expects 1 or more, got {step}.", f"dim {d}", "use step=1."))
    if size > length or size < 0:
        raise ShapeError(
            message(
                "unfold",
                f"a window of size {size} does not fit dim {d} of size {length}.",
                f"input {tuple(input.shape)}",
                "use a smaller window, or pad first.",
            )
        )
    if input.ndim == 0:
        return reshape(input, (1,))[:size]
    return Windows.apply(input, dim=d, size=size, step=step)
