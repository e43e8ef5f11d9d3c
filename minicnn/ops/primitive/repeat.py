"""Elements several times: repeat, tile, repeat_interleave."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.graph import TapeTensor, wrap
from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import backend_of
from minicnn.errors import ParameterError, ShapeError, message, shown
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.dims import normal_dim
from minicnn.ops.primitive.shape import as_shape, expand, reshape

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def _repeat_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(2, 3)), 2, 1)
    yield Sample(rng.normal(size=3), (2, 2))
    yield Sample(rng.normal(size=()), 3)
    yield Sample(rng.normal(size=(2, 1, 2)), 1, 2, 1, 2)
    yield Sample(np.array([1, 2]), 1)
    yield Sample(rng.normal(size=(2, 3)), 0, 1)


def _repeat_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2, 3)", "(2,)"), np.ones((2, 3)), 2)
    yield ErrorSample(ParameterError, ("0 or more", "-1"), np.ones(3), -1)


@composition(_repeat_samples, _repeat_errors)
def repeat(input: Tensor, *repeats: Any) -> Tensor:
    """The whole tensor, laid out again so many times along each dim; a copy.

    Shapes: (3) with repeats (4, 2) gives (4, 6); dims beyond the tensor's own come first.
    Raises:
        ShapeError: fewer numbers than dims.
        ParameterError: a negative number.

    >>> import minicnn
    >>> repeat(minicnn.tensor([1, 2]), 2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    need_tensors("repeat", input=input)
    times = as_shape(repeats)
    if len(times) < input.ndim:
        raise ShapeError(
            message(
                "repeat",
                f"expects at least one number per dim, got {times} for shape {tuple(input.shape)}.",
                "numbers beyond the dims add dims in front",
                "give 1 for the dims that stay.",
            )
        )
    if min(times, default=0) < 0:
        raise ParameterError(
            message(
                "repeat",
                f"expects numbers of 0 or more, got {times}.",
                f"input {tuple(input.shape)}",
                "give 1 to keep a dim.",
            )
        )
    shape = (1,) * (len(times) - input.ndim) + tuple(input.shape)
    apart = reshape(input, tuple(s for size in shape for s in (1, size)))
    wide = expand(apart, tuple(s for n, size in zip(times, shape, strict=True) for s in (n, size)))
    return reshape(wide, tuple(n * size for n, size in zip(times, shape, strict=True))).clone()


def _tile_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(2, 3)), (2,))
    yield Sample(rng.normal(size=(2, 1, 2)), (1, 3, 1))
    yield Sample(rng.normal(size=()), 2, 3)
    yield Sample(rng.normal(size=(2, 3)), 0)
    yield Sample(np.array([[1, 2]]), 2, 2)
    yield Sample(rng.normal(size=3), (2, 2))


def _tile_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ParameterError, ("0 or more", "-1"), np.ones(3), (-1,))


@composition(_tile_samples, _tile_errors)
def tile(input: Tensor, *dims: Any) -> Tensor:
    """As `repeat`, with 1 for the first dims where fewer numbers are given.

    Raises:
        ParameterError: a negative number.

    >>> import minicnn
    >>> tile(minicnn.tensor([[1, 2]]), 2)
    tensor([[1, 2, 1, 2]])
    """
    need_tensors("tile", input=input)
    times = as_shape(dims)
    return repeat(input, (1,) * (input.ndim - len(times)) + times)


def _interleave_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.normal(size=(2, 3))
    yield Sample(x, 2)
    yield Sample(x, 3, 1)
    yield Sample(x, np.array([1, 2]), dim=0)
    yield Sample(x, np.array([2, 0, 1]), -1, output_size=3)
    yield Sample(rng.normal(size=(2, 1, 2)), 2, -2)
    yield Sample(np.array([1, 2, 3]), np.array([0, 0, 2]))
    yield Sample(rng.normal(size=()), 2)
    yield Sample(np.zeros((0, 3)), 2, 0)


def _interleave_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2,)", "size 3"), np.ones((2, 3)), np.array([1, 2]), 1)
    yield ErrorSample(ParameterError, ("0 or more", "-1"), np.ones((2, 3)), -1, 1)


@composition(_interleave_samples, _interleave_errors)
def repeat_interleave(input: Tensor, repeats: Any, dim: int | None = None, *, output_size: int | None = None) -> Tensor:
    """Each element along a dim, so many times in a row.

    Args:
        repeats: one number, or a tensor with one an element of the dim.
        dim: along which; the flattened tensor by default.
        output_size: the resulting size, which PyTorch can be told; not needed here.
    Raises:
        ShapeError: the number of repeats is not the dim's size.
        ParameterError: a negative number.

    >>> import minicnn
    >>> repeat_interleave(minicnn.tensor([1, 2]), 2)
    tensor([1, 1, 2, 2])
    """
    need_tensors("repeat_interleave", input=input)
    if dim is None:
        return repeat_interleave(input.reshape(-1), repeats, 0, output_size=output_size)
    d = normal_dim("repeat_interleave", dim, input.ndim)
    be = backend_of(input._array)
    counts = repeats._array if isinstance(repeats, TapeTensor) else be.asarray(np.asarray(repeats))
    size = input.shape[d] if input.ndim else 1
    if counts.ndim > 1 or (counts.ndim == 1 and counts.shape[0] not in (1, size)):
        raise ShapeError(
            message(
                "repeat_interleave",
                f"repeats {tuple(counts.shape)} does not fit dim {d} of size {size}.",
                f"input {tuple(input.shape)}",
                "give one number, or one per element of the dim.",
            )
        )
    if counts.size and int(counts.min()) < 0:
        raise ParameterError(
            message(
                "repeat_interleave",
                f"repeats expects 0 or more, got {int(counts.min())}.",
                f"repeats {shown(counts.tolist())}",
                "give 0 to leave an element out.",
            )
        )
    if counts.size == 1:
        index = be.xp.repeat(be.xp.arange(size), int(counts.reshape(())))
    else:
        ends = be.xp.cumsum(counts)  # the element of output i is the first whose end lies beyond i
        index = be.xp.searchsorted(ends, be.xp.arange(int(ends[-1]) if size else 0), side="right")
    if output_size is not None and operator.index(output_size) != index.shape[0]:
        raise ParameterError(
            message(
                "repeat_interleave",
                f"output_size expects {index.shape[0]}, got {output_size}.",
                f"repeats {shown(counts.tolist())}",
                "leave it out.",
            )
        )
    return input[(*(slice(None),) * d, wrap(index))] if input.ndim else expand(input, (index.shape[0],))
