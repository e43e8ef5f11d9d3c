"""Order statistics: quantile, nanquantile, nanmedian, mode, msort; and nanmean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.graph import TapeTensor, wrap
from minicnn.autograd.op import composition
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import backend_of
from minicnn.errors import DTypeError, IndexRangeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_floats, need_one_dtype, need_tensors
from minicnn.ops.primitive.dims import Dims, normal_dim
from minicnn.ops.primitive.extreme import Extreme, amax, amin, extreme
from minicnn.ops.primitive.gather import gather
from minicnn.ops.primitive.index import getitem
from minicnn.ops.primitive.measure import nansum
from minicnn.ops.primitive.order import argsort, sort
from minicnn.ops.primitive.rearrange import movedim
from minicnn.ops.primitive.reduce import distinct, reduction_errors, sum
from minicnn.ops.primitive.where import where

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

WAYS = ("linear", "lower", "higher", "nearest", "midpoint")


def _quantile_samples(rng: Rng) -> Iterator[Sample]:
    x = distinct(rng, 3, 4)
    yield Sample(x, 0.3)
    yield Sample(x, 0.75, 1)
    yield Sample(x, 0.6, 0, True)
    yield Sample(x, Constant(np.array([0.0, 0.1, 0.5, 1.0])), dim=-1)
    yield Sample(x, Constant(np.array([0.2, 0.9])), dim=0, keepdim=True)
    for way in WAYS:
        yield Sample(x, 0.4, 1, interpolation=way)
    yield Sample(Constant(np.array([[1.0, np.nan, 3.0], [2.0, 5.0, 4.0]])), 0.5, 1)
    yield Sample(distinct(rng, 2, 3, 2), 0.5, 1, keepdim=True)


def _quantile_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ParameterError, ("q", "from 0 to 1", "1.5"), np.ones(3), 1.5)
    yield ErrorSample(ParameterError, ("interpolation", "'middle'"), np.ones(3), 0.5, interpolation="middle")
    yield ErrorSample(DTypeError, ("floats", "int64"), np.array([1, 2]), 0.5)
    yield ErrorSample(DTypeError, ("one dtype", "int64"), np.ones(2), np.array([0, 1]))
    yield ErrorSample(ShapeError, ("no elements",), np.ones((2, 0)), 0.5, 1)
    yield ErrorSample(ShapeError, ("q", "(1, 1)"), np.ones(2), np.array([[0.5]]))
    yield ErrorSample(IndexRangeError, ("dim", "from -2 to 1"), np.ones((2, 3)), 0.5, 2)


@composition(_quantile_samples, _quantile_errors)
def quantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """The value below which a part q of the elements lies, of all or along a dim; NaN where there is one.

    Shapes: input (*); output without the dim, or with 1 in its place; for q (k), k of them, as a first dim.
    Args:
        q: a number from 0 to 1, or a tensor of such.
        interpolation: between two elements: ``"linear"``, ``"lower"``, ``"higher"``, ``"nearest"``, ``"midpoint"``.
    Raises:
        ParameterError: a q out of range, or another interpolation.
        DTypeError: the input is not of floats, or q of another dtype.
        ShapeError: there are no elements, or q has several dims.
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> quantile(minicnn.tensor([1.0, 2.0, 3.0, 4.0]), 0.5)
    tensor(2.5000)
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, skip=False)


@composition(_quantile_samples, _quantile_errors)
def nanquantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """`quantile` of the elements that are not NaN; NaN where there are none.

    Raises:
        ParameterError, DTypeError, ShapeError, IndexRangeError: as `quantile`.

    >>> import minicnn
    >>> nanquantile(minicnn.tensor([1.0, float("nan"), 3.0]), 0.5)
    tensor(2.)
    """
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, skip=True)


def _quantile(name: str, x: Tensor, q: Any, dim: int | None, keepdim: bool, way: str, skip: bool) -> Tensor:
    need_tensors(name, input=x)
    need_floats(name, "input", x)
    parts = _parts(name, x, q)
    if way not in WAYS:
        raise ParameterError(
            message(
                name,
                f"interpolation expects one of {WAYS}, got {way!r}.",
                "what stands between two elements",
                "write interpolation='linear'.",
            )
        )
    ndim = x.ndim
    if dim is None:
        x = x.reshape(-1)
    d = normal_dim(name, 0 if dim is None else dim, x.ndim)
    x = movedim(x, d, -1) if x.ndim else x.reshape(1)
    if x.shape[-1] == 0:
        raise ShapeError(message(name, "there are no elements.", f"shape {tuple(x.shape)}", "skip empty tensors."))
    ordered = sort(x, -1).values  # NaNs come last
    broken = sum((ordered != ordered), -1, True)
    last = (x.shape[-1] - 1 - broken).clamp(min=0) if skip else where(broken > 0, 0, broken) + (x.shape[-1] - 1)
    rank = last.to(x.dtype) * parts  # (*, k)
    if way in ("lower", "higher", "nearest"):
        rank = {"lower": rank.floor, "higher": rank.ceil, "nearest": rank.round}[way]()
    below = rank.floor()
    low = gather(ordered, -1, below.to(np.int64))
    high = gather(ordered, -1, rank.ceil().to(np.int64))
    weight = where(rank == below, 0.0, 0.5).to(x.dtype) if way == "midpoint" else rank - below
    y = low + (high - low) * weight
    empty = broken == x.shape[-1] if skip else broken > 0
    y = y.masked_fill(empty, float("nan"))
    if keepdim:
        y = movedim(y.unsqueeze(d if dim is not None else -2), -1, 0) if dim is not None and ndim else y
        if dim is None:
            y = y.reshape((1,) * ndim + (-1,))
            y = movedim(y, -1, 0)
    else:
        y = movedim(y, -1, 0)
    return y if isinstance(q, TapeTensor) and q._array.ndim else y.squeeze(0)


def _parts(name: str, x: Tensor, q: Any) -> Tensor:
    """Return q as a vector, checked."""
    if isinstance(q, TapeTensor):
        need_one_dtype(name, input=x, q=q)
        if q._array.ndim > 1:
            raise ShapeError(message(name, "q expects one dim at most.", f"q {tuple(q._array.shape)}", "flatten it."))
        parts: Tensor = q.detach().reshape(-1)  # type: ignore[attr-defined]
    else:
        parts = x.new_tensor([float(q)])
    if parts.numel() and not 0 <= float(parts._array.min()) <= float(parts._array.max()) <= 1:
        raise ParameterError(
            message(
                name,
                f"q expects numbers from 0 to 1, got {parts.tolist()}.",
                "q is a part of the whole",
                "use q=0.5 for the median; divide a percentage by 100.",
            )
        )
    return parts


def _nanmean_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.normal(size=(2, 3, 2))
    yield Sample(x)
    yield Sample(x, 1)
    yield Sample(x, (0, -1), True)
    yield Sample(x, dim=0, keepdim=True, dtype=np.dtype("float64"))
    yield Sample(np.array([[1.0, np.nan, 4.0], [2.0, 3.0, np.nan]]), 0)
    yield Sample(np.array([[1.0, np.nan], [2.0, 3.0]]))
    yield Sample(rng.normal(size=()))
    yield Sample(rng.normal(size=(0, 3)), 1)


@composition(_nanmean_samples, reduction_errors)
def nanmean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean over dims of the elements that are not NaN.

    Shapes: input (*); output without the dims, or with 1 in their place.
    Args:
        dtype: cast to it first.
    Raises:
        IndexRangeError: a dim out of range.
        DTypeError: the elements are no floats.

    >>> import minicnn
    >>> nanmean(minicnn.tensor([1.0, float("nan"), 3.0]))
    tensor(2.)
    """
    need_tensors("nanmean", input=input)
    x = input if dtype is None else input.to(dtype)
    need_floats("nanmean", "input", x)
    return nansum(x, dim, keepdim) / sum((x == x), dim, keepdim).to(x.dtype)


def _nanmedian_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(distinct(rng, 3, 4))
    yield Sample(distinct(rng, 3, 4), 1)
    yield Sample(distinct(rng, 3, 4), 0, True)
    yield Sample(distinct(rng, 2, 3, 2), dim=1, keepdim=True)
    yield Sample(distinct(rng, 2, 3, 2), -1)
    yield Sample(distinct(rng))
    yield Sample(Constant(np.array([[1.0, np.nan, 2.0, np.nan], [3.0, 1.0, 2.0, 4.0]])), 1)
    yield Sample(Constant(np.array([np.nan, 5.0, 1.0, 3.0])))
    yield Sample(np.array([4, 1, 3, 2]))


def _nanmedian_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(IndexRangeError, ("dim", "from -2 to 1", "2"), np.ones((2, 3)), 2)
    yield ErrorSample(ShapeError, ("no elements",), np.ones((2, 0)), 1)


@composition(_nanmedian_samples, _nanmedian_errors)
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle one of the elements that are not NaN, the lower of two; with ``dim``, along it, and where.

    Returns:
        A tensor without dims; or, with ``dim``, a named tuple (values, indices).
    Raises:
        IndexRangeError: a dim out of range.
        ShapeError: there are no elements.

    >>> import minicnn
    >>> nanmedian(minicnn.tensor([4.0, float("nan"), 3.0]))
    tensor(3.)
    """
    need_tensors("nanmedian", input=input)
    if dim is None:
        found = nanmedian(input.detach().reshape(-1), 0).values
        return amin(getitem(input, (input == found) | (found != found)))  # ties share the gradient
    d = normal_dim("nanmedian", dim, input.ndim)
    if input.ndim == 0:
        return extreme("nanmedian", input.clone(), argsort(input))
    if input.shape[d] == 0:
        raise ShapeError(
            message("nanmedian", "there are no elements.", f"shape {tuple(input.shape)}", "skip empty tensors.")
        )
    whole = sum(input == input, d, True)
    place = ((whole - 1).clamp(min=0) // 2).to(np.int64)
    indices = gather(argsort(input, d), d, place)
    values = gather(input, d, indices)
    if not keepdim:
        values, indices = values.squeeze(d), indices.squeeze(d)
    return extreme("nanmedian", values, indices)


def _mode_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(np.array([[1, 2, 2, 3], [3, 3, 1, 1]]))
    yield Sample(np.array([[1, 2, 2], [1, 2, 3], [0, 0, 3]]), 0)
    yield Sample(np.array([[1, 2, 2], [1, 2, 3]]), 1, True)
    yield Sample(Constant(np.array([[5.0, 1.0, 5.0], [2.0, 2.0, 7.0]])), dim=1)
    yield Sample(np.array([4]), keepdim=True)
    yield Sample(distinct(rng, 1, 3), dim=0)
    yield Sample(np.array([[[1, 1], [0, 2], [1, 2]]]), 1)
    yield Sample(distinct(rng))


@composition(_mode_samples, _nanmedian_errors)
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Extreme:
    """The element that occurs most often along a dim, of several the smallest; and the last place where it is.

    Shapes: input (*); values and indices without the dim, or with 1 in its place.
    Args:
        dim: along which.
        keepdim: keep the dim, as 1.
    Returns:
        A named tuple (values, indices).
    Raises:
        IndexRangeError: a dim out of range.
        ShapeError: there are no elements.

    >>> import minicnn
    >>> mode(minicnn.tensor([3, 1, 3, 2]))
    mode(values=tensor(3), indices=tensor(2))
    """
    need_tensors("mode", input=input)
    d = normal_dim("mode", dim, input.ndim)
    if input.ndim == 0:
        return extreme("mode", input.clone(), argsort(input))
    if input.shape[d] == 0:
        raise ShapeError(
            message("mode", "there are no elements.", f"shape {tuple(input.shape)}", "skip empty tensors.")
        )
    x = movedim(input.detach(), d, -1)
    counts = sum(x.unsqueeze(-1) == x.unsqueeze(-2), -1)  # how often each element occurs
    first = argsort(x, -1)
    ordered = gather(counts, -1, first)
    smallest = gather(x, -1, gather(first, -1, ordered.argmax(-1, keepdim=True)))
    steps = wrap(backend_of(x._array).xp.arange(x.shape[-1]))
    indices = movedim(amax(where(x == smallest, steps, -1), -1, True), -1, d)
    values = gather(input, d, indices)
    if not keepdim:
        values, indices = values.squeeze(d), indices.squeeze(d)
    return extreme("mode", values, indices)


def _msort_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(distinct(rng, 4))
    yield Sample(distinct(rng, 3, 4))
    yield Sample(distinct(rng, 3, 2, 2))
    yield Sample(np.array([3, 1, 2]))
    yield Sample(distinct(rng, 0, 3))
    yield Sample(Constant(np.array([np.nan, 1.0, -1.0])))


def _msort_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(TypeError, ("Tensor", "list"), [1.0])


@composition(_msort_samples, _msort_errors)
def msort(input: Tensor) -> Tensor:
    """The elements in order along dim 0; see `sort`.

    Shapes: input and output (*).

    >>> import minicnn
    >>> msort(minicnn.tensor([3.0, 1.0, 2.0]))
    tensor([1., 2., 3.])
    """
    need_tensors("msort", input=input)
    return sort(input, 0).values
