"""Elements in other places: movedim, swapaxes, t, adjoint, roll, rot90, fliplr, flipud."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.errors import IndexRangeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.dims import named_dims, normal_dim, normal_dims
from minicnn.ops.primitive.join import cat
from minicnn.ops.primitive.parts import narrow
from minicnn.ops.primitive.shape import as_shape, flip, permute, reshape, transpose

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def _movedim_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.normal(size=(2, 3, 4))
    yield Sample(x, 0, 2)
    yield Sample(x, -1, 0)
    yield Sample(x, (0, 1), (1, 2))
    yield Sample(x, (2, 0), (-3, -1))
    yield Sample(x, source=1, destination=1)  # as it is
    yield Sample(np.zeros((0, 3)), 0, 1)


def _movedim_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(IndexRangeError, ("dim", "from -2 to 1"), np.ones((2, 3)), 2, 0)
    yield ErrorSample(ParameterError, ("source", "destination"), np.ones((2, 3)), (0, 1), (0,))
    yield ErrorSample(ParameterError, ("source", "destination"), np.ones(3), (), (0,))


@composition(_movedim_samples, _movedim_errors)
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Dims moved to other places, the rest in their order; a view.

    Shapes: (N, C, H, W) with source 1, destination −1 gives (N, H, W, C).
    Raises:
        IndexRangeError: a dim out of range.
        ParameterError: source and destination differ in number, or name a dim twice.

    >>> import minicnn
    >>> movedim(minicnn.zeros(2, 3, 4), 0, -1).shape
    (3, 4, 2)
    """
    need_tensors("movedim", input=input)
    old, new = named_dims("movedim", source, input.ndim), named_dims("movedim", destination, input.ndim)
    if len(old) != len(new):
        raise ParameterError(
            message(
                "movedim",
                f"source and destination expect equally many dims, got {len(old)} and {len(new)}.",
                f"got {old} and {new}",
                "give each dim of source one place in destination.",
            )
        )
    rest = iter(d for d in range(input.ndim) if d not in old)
    places = dict(zip(new, old, strict=True))
    return permute(input, tuple(places[i] if i in places else next(rest) for i in range(input.ndim)))


def _swap_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(2, 3, 4)), 0, 2)
    yield Sample(rng.normal(size=(2, 3)), -1, 0)
    yield Sample(rng.normal(size=(2, 3)), 1, 1)
    yield Sample(rng.normal(size=(2, 1, 3, 2)), 1, -2)
    yield Sample(np.array([[1, 2], [3, 4]]), 0, 1)
    yield Sample(np.zeros((0, 3)), 0, 1)


def _swap_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(IndexRangeError, ("dim", "2"), np.ones((2, 3)), 0, 2)


@composition(_swap_samples, _swap_errors)
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """Another name of `transpose`: two dims exchanged, as a view.

    Raises:
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> swapaxes(minicnn.zeros(2, 3), 0, 1).shape
    (3, 2)
    """
    return transpose(input, axis0, axis1)


def _t_samples(rng: Rng) -> Iterator[Sample]:
    for shape in ((2, 3), (3,), (), (1, 3), (0, 3)):
        yield Sample(rng.normal(size=shape))
    yield Sample(np.array([[1, 2], [3, 4]]))


def _t_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("at most 2 dims", "(2, 3, 1)"), np.ones((2, 3, 1)))


@composition(_t_samples, _t_errors)
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix, as a view; a vector as it is.

    Shapes: (n, m) -> (m, n).
    Raises:
        ShapeError: more than two dims.

    >>> import minicnn
    >>> t(minicnn.zeros(2, 3)).shape
    (3, 2)
    """
    need_tensors("t", input=input)
    if input.ndim > 2:
        raise ShapeError(
            message("t", "expects at most 2 dims.", f"input {tuple(input.shape)}", "use x.transpose(dim0, dim1).")
        )
    return input if input.ndim < 2 else transpose(input, 0, 1)


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
        raise ShapeError(
            message(
                "adjoint",
                f"expects at least 2 dims, got {input.ndim}.",
                f"input {tuple(input.shape)}",
                "add one: x.unsqueeze(0).",
            )
        )
    return input.transpose(-1, -2)


def _roll_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.normal(size=(3, 4))
    yield Sample(x, 1)
    yield Sample(x, -1, 0)
    yield Sample(x, (5, -2), (0, 1))
    yield Sample(x, shifts=2, dims=-1)
    yield Sample(np.zeros((0, 3)), 1, 0)
    yield Sample(rng.normal(size=(2, 1, 3)), (1, 1), dims=(-1, -1))  # twice along one dim
    yield Sample(np.array([1, 2, 3]), 0)
    yield Sample(rng.normal(size=()), 1)


def _roll_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(IndexRangeError, ("dim", "from -2 to 1"), np.ones((2, 3)), 1, 2)
    yield ErrorSample(ParameterError, ("shifts", "dims"), np.ones((2, 3)), (1, 2), 0)


@composition(_roll_samples, _roll_errors)
def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """Elements moved along dims; those that fall off the end come in at the start.

    Shapes: input (*); output as input.
    Args:
        shifts: by how many places, towards higher indices; one int, or one a dim.
        dims: along which; the flattened tensor by default.
    Raises:
        IndexRangeError: a dim out of range.
        ParameterError: shifts and dims differ in number.

    >>> import minicnn
    >>> roll(minicnn.tensor([1, 2, 3]), 1)
    tensor([3, 1, 2])
    """
    need_tensors("roll", input=input)
    if dims is None:
        return reshape(roll(input.reshape(-1), shifts, 0), input.shape)
    shifts, dims = as_shape((shifts,)), as_shape((dims,))
    if len(shifts) != len(dims):
        raise ParameterError(
            message(
                "roll", "expects as many shifts as dims.", f"shifts {shifts}; dims {dims}", "give one shift per dim."
            )
        )
    y = input
    for shift, dim in zip(shifts, dims, strict=True):
        d = normal_dim("roll", dim, input.ndim)
        size = input.shape[d] if input.ndim else 0
        cut = -shift % size if size else 0
        if cut:
            y = cat([narrow(y, d, cut, size - cut), narrow(y, d, 0, cut)], d)
    return input.clone() if y is input else y


def _rot90_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.normal(size=(2, 3, 2))
    yield Sample(x)
    yield Sample(x, 2)
    yield Sample(x, -1, (1, 2))
    yield Sample(x, k=4, dims=[0, 2])
    yield Sample(x, 1, (-1, 0))
    yield Sample(np.array([[1, 2], [3, 4]]), -3)
    yield Sample(np.zeros((0, 2)), 1)


def _rot90_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ParameterError, ("two dims", "(0,)"), np.ones((2, 3)), 1, (0,))


@composition(_rot90_samples, _rot90_errors)
def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """Turned by k quarters in the plane of two dims, from the first towards the second.

    Raises:
        ParameterError: not two dims.

    >>> import minicnn
    >>> rot90(minicnn.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    need_tensors("rot90", input=input)
    plane = normal_dims("rot90", tuple(dims), input.ndim)
    if len(plane) != 2:
        raise ParameterError(
            message("rot90", f"expects two dims, got {plane}.", f"input {tuple(input.shape)}", "use dims=(0, 1).")
        )
    a, b = plane
    k = operator.index(k)
    if k % 4 == 1:
        return flip(transpose(input, a, b), a)
    if k % 4 == 2:
        return flip(input, a, b)
    return flip(transpose(input, a, b), b) if k % 4 == 3 else input.clone()


def _flip_samples(rng: Rng) -> Iterator[Sample]:
    for shape in ((2, 3), (2, 3, 2), (0, 3), (1, 3), (3, 1)):
        yield Sample(rng.normal(size=shape))
    yield Sample(np.array([[1, 2], [3, 4]]))


@composition(_flip_samples, lambda: iter([ErrorSample(IndexRangeError, "dim", np.ones(3))]))
def fliplr(input: Tensor) -> Tensor:
    """In reverse order along dim 1.

    Raises:
        IndexRangeError: there is no dim 1.

    >>> import minicnn
    >>> fliplr(minicnn.tensor([[1, 2]]))
    tensor([[2, 1]])
    """
    return flip(input, 1)


@composition(_flip_samples, lambda: iter([ErrorSample(TypeError, "Tensor", 1.0)]))
def flipud(input: Tensor) -> Tensor:
    """In reverse order along dim 0.

    >>> import minicnn
    >>> flipud(minicnn.tensor([1, 2]))
    tensor([2, 1])
    """
    need_tensors("flipud", input=input)
    if input.ndim == 0:
        raise ShapeError(message("flipud", "expects one dim or more.", "input ()", "reshape it: x.reshape(1)."))
    return flip(input, 0)
