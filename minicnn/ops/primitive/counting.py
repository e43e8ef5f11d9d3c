"""Which, where and how many: histc, searchsorted, bucketize, isin, unique_consecutive. No gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.graph import TapeTensor, wrap
from minicnn.autograd.op import composition
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import backend_of
from minicnn.errors import ArgumentTypeError, DTypeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_floats, need_given, need_tensors
from minicnn.ops.primitive.dims import normal_dim
from minicnn.ops.primitive.order import unique_errors
from minicnn.ops.primitive.reduce import sum
from minicnn.ops.promote import promote

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def _histc_samples(rng: Rng) -> Iterator[Sample]:
    x = Constant(rng.uniform(-1.0, 3.0, (3, 4)))
    yield Sample(x)
    yield Sample(x, 5)
    yield Sample(x, bins=4, min=0, max=2)
    yield Sample(x, 3, -1.5, 3.5)
    yield Sample(Constant(np.array([0.0, 1.0, 2.0, 3.0, 3.0])), 3)
    yield Sample(Constant(np.ones(4)), 4)
    yield Sample(Constant(np.zeros(0)), 3)
    yield Sample(Constant(np.array([0.0, 0.5, 5.0, -5.0])), 2, 0, 1)


def _histc_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ParameterError, ("bins", "0"), np.ones(3), 0)
    yield ErrorSample(ParameterError, ("min", "2", "1"), np.ones(3), 4, 2, 1)
    yield ErrorSample(DTypeError, ("floats", "int64"), np.array([1, 2]))
    yield ErrorSample(ParameterError, ("finite",), np.array([1.0, np.inf]))


@composition(_histc_samples, _histc_errors)
def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements fall into each of ``bins`` equal parts of [min, max]; others are left out.

    Shapes: (*) -> (bins), in the input's dtype.
    Args:
        min, max: the ends; those of the elements where both are the same.
    Raises:
        ParameterError: no bins, min above max, or elements that are not finite where they are to give the ends.
        DTypeError: the elements are no floats.

    >>> import minicnn
    >>> histc(minicnn.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    need_tensors("histc", input=input)
    need_floats("histc", "input", input)
    be = backend_of(input._array)
    x = input._array.reshape(-1)
    if bins < 1:
        raise ParameterError(
            message(
                "histc",
                f"bins expects 1 or more, got {bins}.",
                "bins is the number of parts of the range",
                "use bins=10.",
            )
        )
    low, high = float(min), float(max)
    if low == high and x.size:
        low, high = float(x.min()), float(x.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ParameterError(
            message(
                "histc",
                f"expects a range of finite numbers, got {low} to {high}.",
                f"from {low} to {high}",
                "give min and max, or use nan_to_num().",
            )
        )
    if low > high:
        raise ParameterError(
            message(
                "histc",
                f"min must not be above max, got {low} and {high}.",
                "the ends of the range",
                "swap min and max.",
            )
        )
    if low == high:
        low, high = low - 1, high + 1
    inside = x[(x >= low) & (x <= high)]
    place = ((inside - low) * bins / (high - low)).astype("int64")
    return wrap(be.xp.bincount(be.xp.minimum(place, bins - 1), None, bins).astype(x.dtype))


def _tensor(x: Any, like: Any) -> Tensor:
    """Return a tensor without its gradient, or a number as a tensor on the other one's backend."""
    if isinstance(x, TapeTensor):
        return x.detach()  # type: ignore[attr-defined]
    return wrap(backend_of(like._array).asarray(np.asarray(x)))


def _search_samples(rng: Rng) -> Iterator[Sample]:
    line = Constant(np.array([1.0, 3.0, 3.0, 5.0]))
    values = Constant(np.array([[0.0, 1.0, 3.0], [4.0, 5.0, 9.0]]))
    yield Sample(line, values)
    yield Sample(line, values, right=True)
    yield Sample(line, values, side="right")
    yield Sample(line, 3.0)
    yield Sample(line, 4, out_int32=True)
    yield Sample(np.array([1, 3, 5]), 3.5)
    rows = Constant(np.sort(rng.normal(size=(2, 5)), 1))
    yield Sample(rows, Constant(rng.normal(size=(2, 3))))
    yield Sample(rows, Constant(rng.normal(size=(2, 3))), side="left", right=False)
    yield Sample(np.array([1, 3, 5]), np.array([0, 3, 7]))
    yield Sample(Constant(np.array([5.0, 1.0, 3.0])), Constant(np.array([2.0, 4.0])), sorter=np.array([1, 2, 0]))
    yield Sample(line, Constant(np.zeros((0, 2))))


def _search_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2, 3)", "(3, 2)"), np.ones((2, 3)), np.ones((3, 2)))
    yield ErrorSample(ParameterError, ("side", "'middle'"), np.ones(3), np.ones(2), side="middle")
    yield ErrorSample(ParameterError, ("side", "right"), np.ones(3), np.ones(2), right=True, side="left")
    yield ErrorSample(ShapeError, ("sorter", "(2,)"), np.ones(3), np.ones(2), sorter=np.array([0, 1]))
    yield ErrorSample(ArgumentTypeError, ("Tensor", "list"), [1.0], np.ones(2))


@composition(_search_samples, _search_errors)
def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Where values would go into ordered rows so that they stay in order: how many elements are below each.

    Shapes: sorted_sequence (n), input (*); or (*, n) and (*, m), row by row; output as input, of int64.
    Args:
        out_int32: of int32 instead.
        right, side: ``right=True`` or ``side="right"`` counts equal elements too.
        sorter: the order of a sequence that is not in order, from `argsort`.
    Raises:
        ShapeError: the dims before the last differ.
        ParameterError: another side, or right and side that contradict each other.

    >>> import minicnn
    >>> searchsorted(minicnn.tensor([1.0, 3.0, 5.0]), minicnn.tensor([3.0, 4.0]))
    tensor([1, 2])
    """
    need_tensors("searchsorted", sorted_sequence=sorted_sequence, sorter=sorter)
    if side not in (None, "left", "right") or (side == "left" and right):
        raise ParameterError(
            message(
                "searchsorted",
                f"side expects 'left' or 'right', and no 'left' with right=True; got {side!r}, right={right}.",
                "right counts equal elements too",
                "use side='left' (the default), or side='right', the same as right=True.",
            )
        )
    line = sorted_sequence.detach()
    values = _tensor(input, line)
    if sorter is not None:
        if sorter.shape != line.shape:
            raise ShapeError(
                message(
                    "searchsorted",
                    f"sorter expects the sequence's shape {tuple(line.shape)}, got {tuple(sorter.shape)}.",
                    "one place per element",
                    "pass sorter=sequence.argsort(-1).",
                )
            )
        line = line.gather(-1, sorter)
    if line.ndim > 1 and tuple(line.shape[:-1]) != tuple(values.shape[:-1]):
        raise ShapeError(
            message(
                "searchsorted",
                f"the dims before the last must be equal, got {tuple(line.shape)} and {tuple(values.shape)}.",
                "sorted_sequence and input, row by row",
                "expand one, or give one row.",
            )
        )
    if line.ndim > 1:  # by comparison, row by row
        a, b = line.unsqueeze(-2), values.unsqueeze(-1)
        found = sum((a <= b) if right or side == "right" else (a < b), -1)
    else:
        xp = backend_of(line._array).xp
        a, b = promote((line, values))
        places = xp.searchsorted(a._array, b._array.reshape(-1), side="right" if right or side == "right" else "left")
        found = wrap(places.reshape(values.shape).astype("int64"))
    return found.to(np.int32) if out_int32 else found


def _bucket_samples(rng: Rng) -> Iterator[Sample]:
    edges = Constant(np.array([1.0, 3.0, 5.0]))
    yield Sample(Constant(rng.uniform(0.0, 6.0, (2, 3))), edges)
    yield Sample(Constant(np.array([1.0, 3.0, 4.0])), edges, right=True)
    yield Sample(3.0, edges)
    yield Sample(np.array([0, 1, 9]), np.array([1, 5]), out_int32=True)
    yield Sample(Constant(np.zeros((0, 2))), edges)
    yield Sample(Constant(rng.normal(size=())), edges)


def _bucket_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("one dim", "(1, 2)"), np.ones(3), np.ones((1, 2)))
    yield ErrorSample(ArgumentTypeError, ("Tensor", "list"), np.ones(3), [1.0])


@composition(_bucket_samples, _bucket_errors)
def bucketize(input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """Between which boundaries each element lies: how many of them are below it.

    Shapes: input (*), boundaries (n) in order; output as input, of int64.
    Args:
        out_int32: of int32 instead.
        right: count a boundary equal to the element too.
    Raises:
        ShapeError: the boundaries have several dims.

    >>> import minicnn
    >>> bucketize(minicnn.tensor([0.5, 3.0, 9.0]), minicnn.tensor([1.0, 3.0]))
    tensor([0, 1, 2])
    """
    need_tensors("bucketize", boundaries=boundaries)
    if boundaries.ndim != 1:
        raise ShapeError(
            message("bucketize", "boundaries expect one dim.", f"boundaries {tuple(boundaries.shape)}", "flatten them.")
        )
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def _isin_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.integers(0, 5, (2, 3)), np.array([1, 3]))
    yield Sample(np.array([1, 2, 3]), np.array([[3], [1]]), invert=True)
    yield Sample(np.array([1, 2, 3]), np.array([2]), assume_unique=True)
    yield Sample(np.array([1, 2, 2]), 2)
    yield Sample(np.array([1, 2, 2]), 2.5)
    yield Sample(2, np.array([1, 2]))
    yield Sample(Constant(np.array([0.5, 1.5, np.nan])), Constant(np.array([1.5, np.nan])))
    yield Sample(np.zeros((0, 2), dtype=np.int64), np.array([1]))
    yield Sample(np.array([1, 2]), np.zeros(0, dtype=np.int64))


def _isin_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ArgumentTypeError, ("Tensor",), 1, 2)
    yield ErrorSample(ArgumentTypeError, ("Tensor", "list"), np.array([1]), [1, 2])


@composition(_isin_samples, _isin_errors)
def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element is one of ``test_elements``, as bools.

    Shapes: elements (*), test_elements (*B); output as elements. One of them may be a number.
    Args:
        assume_unique: that no element occurs twice; accepted for PyTorch's sake, nothing is gained by it.
        invert: whether it is none of them.
    Raises:
        ArgumentTypeError: both are numbers, or one is neither number nor tensor.

    >>> import minicnn
    >>> isin(minicnn.tensor([1, 2, 3]), minicnn.tensor([3, 1]))
    tensor([ True, False,  True])
    """
    numbers = [isinstance(x, (int, float)) for x in (elements, test_elements)]
    need_tensors("isin", elements=None if numbers[0] else elements, test_elements=None if numbers[1] else test_elements)
    if elements is None or all(numbers):
        need_given("isin", "elements", elements)
    if test_elements is None:
        need_given("isin", "test_elements", test_elements)
    x = _tensor(elements, test_elements)
    tests = _tensor(test_elements, elements)
    xp = backend_of(x._array).xp
    return wrap(xp.isin(x._array, tests._array, invert=invert))


def _consecutive_samples(rng: Rng) -> Iterator[Sample]:
    x = np.array([1, 1, 2, 2, 2, 1, 3])
    yield Sample(x)
    yield Sample(x, return_inverse=True)
    yield Sample(x, return_counts=True)
    yield Sample(x, return_inverse=True, return_counts=True)
    yield Sample(np.array([[1, 1], [1, 2]]), return_inverse=True, return_counts=True)
    yield Sample(np.array([[1, 2], [1, 2], [0, 2], [1, 2]]), return_inverse=True, return_counts=True, dim=0)
    yield Sample(np.array([[1, 1, 2], [3, 3, 2]]), dim=1)
    yield Sample(np.array([[1, 1], [1, 1], [2, 3]]), dim=-2)
    yield Sample(Constant(np.array([0.5, 0.5, 1.5])))
    yield Sample(np.array([7]))


@composition(_consecutive_samples, unique_errors)
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements without those that equal the one before; without gradient.

    Args:
        return_inverse: return too where each element of the input is among them.
        return_counts: return too how long each run is.
        dim: compare slices along it instead of elements.
    Returns:
        A tensor, or a tuple of it and what else was asked for.
    Raises:
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> unique_consecutive(minicnn.tensor([1, 1, 2, 1]), return_counts=True)
    (tensor([1, 2, 1]), tensor([2, 1, 1]))
    """
    need_tensors("unique_consecutive", input=input)
    x = input.detach().reshape(-1) if dim is None else input.detach()
    d = normal_dim("unique_consecutive", 0 if dim is None else dim, x.ndim)
    xp = backend_of(x._array).xp
    rows = xp.moveaxis(x._array, d, 0).reshape((x.shape[d], -1))
    new = xp.concatenate([xp.ones(min(len(rows), 1), dtype="bool"), (rows[1:] != rows[:-1]).any(1)])
    starts = xp.nonzero(new)[0]
    results = [x.index_select(d, wrap(starts))]
    if return_inverse:
        inverse = wrap(xp.cumsum(new) - 1)
        results.append(inverse.reshape(input.shape) if dim is None else inverse)
    if return_counts:
        ends = xp.concatenate([starts[1:], xp.full(min(len(rows), 1), len(rows))])
        results.append(wrap(ends - starts))
    return tuple(results) if len(results) > 1 else results[0]
