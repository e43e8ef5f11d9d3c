"""Reading and writing by index: getitem of every kind, unindex, index_put."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.graph import TapeTensor, wrap
from minicnn.autograd.primitive import Primitive
from minicnn.autograd.refusal import refuse
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend, backend_of
from minicnn.errors import ArgumentTypeError, DTypeError, IndexRangeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_one_device
from minicnn.ops.promote import fitting

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

Shape = tuple[int, ...]


class Getitem(Primitive):
    views = True
    quick = True

    @staticmethod
    def forward(be: Backend, x: Array, *, index: Any) -> Array:
        for step in index:
            x = x[step]
        return x

    @staticmethod
    def grad_x(g: Tensor, x_shape: Shape, index: Any) -> Tensor:
        return Unindex.apply(g, shape=x_shape, index=index)

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        x = rng.normal(size=(3, 4, 2))
        yield Sample(x, 1)
        yield Sample(x, (slice(None), -1))
        yield Sample(x, (slice(0, 3, 2), slice(1, None)))
        yield Sample(x, (Ellipsis, 0))
        yield Sample(x, (None, 2, slice(None)))
        yield Sample(x, np.array([0, 2, 2]))
        yield Sample(x, (slice(None), np.array([[0, -1], [3, 3]])))
        yield Sample(x, (np.array([0, 2]), np.array([1, 1])))
        yield Sample(x, np.array([True, False, True]))
        yield Sample(x, rng.normal(size=(3, 4)) > 0)
        yield Sample(x, slice(3, None))

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(IndexRangeError, ("index 3", "size 3"), np.ones((3, 2)), 3)
        yield ErrorSample(IndexRangeError, ("index 5", "size 2"), np.ones((3, 2)), (0, np.array([0, 5])))
        yield ErrorSample(IndexRangeError, ("too many", "2 dims"), np.ones((3, 2)), (0, 0, 0))
        yield ErrorSample(IndexRangeError, ("bool", "(2,)"), np.ones((3, 2)), np.array([True, False]))
        yield ErrorSample(ArgumentTypeError, ("float", "ints"), np.ones((3, 2)), 1.5)
        yield ErrorSample(ArgumentTypeError, ("uint8", "bool()", "long()"), np.ones(2), np.ones(2, dtype=np.uint8))
        yield ErrorSample(ArgumentTypeError, ("uint8", "mask"), np.ones((1, 2)), (0, np.ones(2, dtype=np.uint8)))


class Unindex(Primitive):
    """The gradient of `Getitem`: zeros of a shape, with g added where the index reads; repeats add up."""

    @staticmethod
    def forward(be: Backend, g: Array, *, shape: Shape, index: Any) -> Array:
        out = be.empty(shape, g.dtype)
        out[...] = 0
        *views, last = index
        place = out
        for step in views:
            place = place[step]
        if _is_basic(last):
            place[last] = g
        else:
            be.add_at(place, last, g)
        return out

    @staticmethod
    def grad_g(g: Tensor, index: Any) -> Tensor:
        return Getitem.apply(g, index=index)

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield Sample(rng.normal(size=(3,)), (2, 3), 1)
        yield Sample(rng.normal(size=(3, 3)), (2, 3), np.array([0, 1, 1]))
        yield Sample(rng.normal(size=()), (2, 3), (1, -1))
        yield Sample(rng.normal(size=(2, 2)), (2, 4), (slice(None), slice(0, 4, 2)))
        yield Sample(rng.normal(size=2), (2, 2), np.array([[True, False], [False, True]]))
        yield Sample(rng.normal(size=(1, 3)), (3,), None)
        yield Sample(rng.normal(size=3), (2, 3), (np.array([0, 0, 1]), np.array([1, 1, 2])))  # a place twice
        yield Sample(np.zeros((0, 3)), (2, 3), slice(0, 0))

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(IndexRangeError, ("index 2", "size 2"), np.ones(3), (2, 3), 2)


class IndexPut(Primitive):
    """x with ``values`` in the places that the index reads: what assignment computes, as a new tensor."""

    @staticmethod
    def forward(be: Backend, x: Array, values: Array, *, index: Any) -> Array:
        out = be.xp.array(x, order="K")  # a copy, in the same memory order
        write_at(out, index, values)
        return out

    @staticmethod
    def grad_x(g: Tensor, index: Any) -> Tensor:
        return IndexPut.apply(g, 0.0, index=index)

    @staticmethod
    def grad_values(g: Tensor, values_shape: Shape, index: Any) -> Tensor:
        read = Getitem.apply(g, index=index)
        extra = max(len(values_shape) - read.ndim, 0)  # dims of 1 in front, which an assignment leaves out
        return read.sum_to_size(values_shape[extra:]).reshape(values_shape)

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        x = rng.normal(size=(3, 2))
        yield Sample(x, 1, rng.normal(size=2))
        yield Sample(x, (slice(None), 0), rng.normal(size=()))
        yield Sample(x, np.array([2, 0]), rng.normal(size=(2, 2)))
        yield Sample(x, np.array([True, False, True]), 0.5)
        yield Sample(x, np.array([1, 1, 0]), rng.normal(size=2), True)
        yield Sample(x, [np.array([1, 1]), np.array([0, 0])], rng.normal(size=2), accumulate=True)
        yield Sample(x, (np.array([2, 2]), np.array([0, 1])), 0.5, accumulate=True)
        yield Sample(x, 0, rng.normal(size=(1, 1, 2)))  # values with dims of 1 in front
        yield Sample(x, (0, 1), rng.normal(size=1))
        yield Sample(x, Ellipsis, rng.normal(size=(1, 1, 3, 1)))
        yield Sample(x, np.array([2, 0]), rng.normal(size=(1, 1, 2)))
        yield Sample(np.array([1, 2], dtype=np.int8), 0, -128)

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(ShapeError, ("(2,)", "(3,)"), np.ones((3, 2)), 0, np.ones(3))
        yield ErrorSample(IndexRangeError, ("index 3", "size 3"), np.ones((3, 2)), 3, 0.0)
        yield ErrorSample(ParameterError, ("300", "int8"), np.ones(2, dtype=np.int8), 0, 300)


def write_at(array: Array, index: Any, values: Any) -> None:
    """``array[index] = values`` for an index from `normal_index`."""
    *views, last = index
    for step in views:
        array = array[step]
    array[last] = values


def _is_basic(index: Any) -> bool:
    """Whether the index is made of ints, slices, None and ... alone: it reads no element twice."""
    return all(part is None or part is Ellipsis or isinstance(part, (int, slice)) for part in index)


def normal_index(x: Tensor, index: Any) -> tuple[tuple[Any, ...], ...]:
    """Return the index as one or two steps that NumPy and CuPy read alike: first views, then arrays.

    Ints are taken before arrays, so that x[0, :, [1, 2]] keeps the order of dims, as in PyTorch. Bool masks become the
    places where they hold. Out-of-range values are found here, since CuPy wraps them silently.

    Raises:
        IndexRangeError: a value out of range, too many indices, or a mask of another shape.
        ArgumentTypeError: an index that is none of the kinds.
    """
    be = backend_of(x._array)
    shape = tuple(x._array.shape)
    given = [_plain_part(be, part, shape) for part in (index if isinstance(index, tuple) else (index,))]
    used = sum(_dims_of(part) for part in given)
    dots = sum(part is Ellipsis for part in given)
    if used > len(shape) or dots > 1:
        many = f"too many indices: {used} for a tensor of {len(shape)} dims."
        problem = many if used > len(shape) else "an index has one '...' at most."
        fix = "index each dim at most once; None and ... take none."
        raise IndexRangeError(message("index", problem, f"the tensor has shape {shape}", fix))
    parts: list[Any] = []
    dim = 0
    for part in given if dots else [*given, Ellipsis]:  # with ..., NumPy gives a view where it would give a number
        if part is Ellipsis:
            dim += len(shape) - used
            parts.append(part)
        elif _is_mask(part):
            parts.extend(_mask_places(be, part, shape, dim))
            dim += part.ndim
        else:
            if part is not None:
                _check_range(part, dim, shape)
                dim += 1
            parts.append(part)
    arrays = [part for part in parts if hasattr(part, "dtype")]
    if not arrays:
        return (tuple(parts),)
    _check_arrays(arrays, shape)
    if not any(type(part) is int for part in parts):
        return (tuple(parts),)
    views = tuple(slice(None) if hasattr(part, "dtype") or part is None else part for part in parts if part is not None)
    rest = tuple(slice(None) if isinstance(part, slice) else part for part in parts if type(part) is not int)
    return views, rest


def _check_arrays(arrays: list[Array], shape: Shape) -> None:
    try:
        np.broadcast_shapes(*(array.shape for array in arrays))
    except ValueError:
        raise IndexRangeError(
            message(
                "index",
                f"index tensors must broadcast, got shapes {', '.join(str(tuple(a.shape)) for a in arrays)}.",
                f"the tensor has shape {shape}",
                "give them one shape; x[rows[:, None], cols] takes all pairs.",
            )
        ) from None


def _is_mask(part: Any) -> bool:
    return hasattr(part, "dtype") and part.dtype.kind == "b"


def _dims_of(part: Any) -> int:
    """How many dims an index takes."""
    if part is None or part is Ellipsis:
        return 0
    return int(part.ndim) if _is_mask(part) else 1


def _plain_part(be: Backend, part: Any, shape: Shape) -> Any:
    """Return an index as an int, slice, None, ... or an array of ints or bools."""
    if part is None or part is Ellipsis or type(part) is int:
        return part
    if isinstance(part, slice):
        if part.step is not None and operator.index(part.step) < 1:
            raise ParameterError(
                message(
                    "index",
                    f"a slice's step expects 1 or more, got {part.step}.",
                    f"the tensor has shape {shape}",
                    "turn the tensor round first: x.flip(0).",
                )
            )
        return part
    if isinstance(part, TapeTensor):
        part = part._array.copy()  # the gradient needs it as it is now
    elif isinstance(part, np.integer):
        return int(part)
    elif isinstance(part, (list, range, np.ndarray, np.generic, bool)):
        part = be.asarray(np.array(part, dtype=np.int64 if isinstance(part, list) and not part else None))
    kind = getattr(getattr(part, "dtype", None), "kind", "")
    if kind == "u" and part.dtype == np.uint8:
        raise ArgumentTypeError(
            message(
                "index",
                f"an index of {part.dtype} may be meant as a mask, as in PyTorch, or as places.",
                f"the tensor has shape {shape}; the index has shape {tuple(part.shape)}",
                "convert it: index.bool() for a mask, index.long() for places.",
            )
        )
    if kind not in ("b", "i", "u"):
        raise ArgumentTypeError(
            message(
                "index",
                f"expects ints, slices, None, ... and tensors of ints or bools, got {_kind_of(part)}.",
                f"the tensor has shape {shape}",
                "convert it: index.long().",
            )
        )
    return int(part) if part.ndim == 0 and kind != "b" else be.asarray(part)


def _kind_of(part: Any) -> str:
    return str(part.dtype) if hasattr(part, "dtype") else type(part).__name__


def _mask_places(be: Backend, mask: Array, shape: Shape, dim: int) -> list[Any]:
    """Return, for each dim of the mask, the places where it holds."""
    if mask.ndim == 0:  # a new dim in front, of size 1 or 0
        return [bool(mask)]
    if shape[dim : dim + mask.ndim] != tuple(mask.shape):
        raise IndexRangeError(
            message(
                "index",
                f"a bool mask must have the shape of the dims it stands for, got {tuple(mask.shape)}.",
                f"the tensor has shape {shape}; the mask stands at dim {dim}",
                "compare the tensor itself, or a slice of it, to make the mask.",
            )
        )
    return list(be.xp.nonzero(mask))


def _check_range(part: Any, dim: int, shape: Shape) -> None:
    size = shape[dim]
    got, fix = f"the tensor has shape {shape}", f"use values from {-size} to {size - 1}."

    def outside(value: int) -> IndexRangeError:
        return IndexRangeError(
            message("index", f"index {value} is out of range for dim {dim} of size {size}.", got, fix)
        )

    if isinstance(part, int):
        if not -size <= part < size:
            raise outside(part)
    elif not isinstance(part, slice):
        backend_of(part).check_range("index", part, -size, size - 1, outside)


@Getitem.public
def getitem(input: Tensor, index: Any) -> Tensor:
    """What ``x[index]`` computes: a view for ints and slices, a copy for tensors of ints or bools.

    Gradient: g, added where the elements were read.

    >>> import minicnn
    >>> getitem(minicnn.arange(5), slice(1, 3))
    tensor([1, 2])
    """
    try:
        return Getitem.apply(input, index=normal_index(input, index))
    except Exception as error:
        refuse(getitem, (input, index), {}, error)


@Unindex.public
def unindex(input: Tensor, shape: Shape, index: Any) -> Tensor:
    """Zeros of ``shape``, with the input added where ``index`` reads: the transpose of `getitem`.

    >>> import minicnn
    >>> unindex(minicnn.ones(2), (3,), minicnn.tensor([1, 1]))
    tensor([0., 2., 0.])
    """
    be = backend_of(input._array)
    where = normal_index(wrap(be.xp.broadcast_to(be.xp.zeros((), dtype="bool"), shape)), index)
    return Unindex.apply(input, shape=tuple(shape), index=where)


@IndexPut.public
def index_put(input: Tensor, indices: Any, values: Any, accumulate: bool = False) -> Tensor:
    """A copy of x in which ``x[indices] = values`` holds; a list of tensors is one tensor a dim, as a tuple is.

    Args:
        accumulate: add the values, rather than write them; repeats add up.
    Raises:
        ParameterError: a number that the dtype does not hold.
        ShapeError: the values do not broadcast to the places.

    >>> import minicnn
    >>> index_put(minicnn.zeros(3), 1, 5.0)
    tensor([0., 5., 0.])
    """
    if isinstance(indices, list) and all(isinstance(part, TapeTensor) for part in indices) and indices:
        indices = tuple(indices)
    where = normal_index(input, indices)
    if isinstance(values, TapeTensor):
        need_one_device("index_put", input=input, values=values)
    if isinstance(values, TapeTensor) and values._array.dtype != input._array.dtype:
        if values._array.dtype.kind == "f" and input._array.dtype.kind != "f":
            raise DTypeError(
                message(
                    "index_put",
                    f"{values._array.dtype} values do not go into a tensor of {input._array.dtype}.",
                    f"tensor {tuple(input.shape)}; values {tuple(values._array.shape)}",
                    "convert one of them: x.float().",
                )
            )
        values = values.to(input._array.dtype)  # type: ignore[attr-defined]
    if isinstance(values, (int, float)):
        values = fitting("index_put", values, input._array.dtype)
    try:
        if accumulate:
            places = Getitem.forward(backend_of(input._array), input._array, index=where)
            new = IndexPut.apply(wrap(places), values, index=((Ellipsis,),))  # broadcast
            return input + Unindex.apply(new, shape=tuple(input.shape), index=where)
        return IndexPut.apply(input, values, index=where)
    except ValueError:
        places = tuple(Getitem.forward(backend_of(input._array), input._array, index=where).shape)
        raise ShapeError(
            message(
                "index_put",
                f"expects values that broadcast to {places}, got {tuple(getattr(values, 'shape', ()))}.",
                f"tensor {tuple(input.shape)}; the index reads {places}",
                "reshape the values.",
            )
        ) from None
