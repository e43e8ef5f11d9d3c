"""Choice by a condition: where, masked_fill."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.graph import TapeTensor, wrap
from minicnn.autograd.op import composition
from minicnn.autograd.primitive import Primitive
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend, backend_of
from minicnn.errors import DTypeError, ParameterError, ShapeError, message
from minicnn.ops.promote import fitting, promote, result_type

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class Where(Primitive):
    constants = ("condition",)
    broadcasts = True

    @staticmethod
    def forward(be: Backend, condition: Array, a: Array, b: Array) -> Array:
        return be.where(condition, a, b)

    # The condition is a constant: what the other branch gives, NaN or infinite, is cut off, not multiplied by 0.
    @staticmethod
    def grad_a(g: Tensor, condition: Tensor) -> Tensor:
        return where(condition, g, 0.0)

    @staticmethod
    def grad_b(g: Tensor, condition: Tensor) -> Tensor:
        return where(condition, 0.0, g)

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        condition = np.array([[True, False, True], [False, False, True]])
        yield Sample(condition, rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))
        yield Sample(condition, rng.normal(size=3), rng.normal(size=(4, 1, 1)))
        yield Sample(condition, rng.normal(size=(2, 1)), 0.5)
        yield Sample(condition[:0], rng.normal(size=(0, 3)), rng.normal(size=3))
        yield Sample(condition, np.array([1, -2, 3], dtype=np.int8), -128)
        yield Sample(condition, np.array([1, 2, 3]), 0.5)  # ints and a float: floats
        yield Sample(condition, 2, rng.normal(size=()))
        yield Sample(condition)
        yield Sample(np.array(True))

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(DTypeError, ("condition", "bool"), np.ones(2), np.ones(2), np.ones(2))
        yield ErrorSample(ShapeError, ("(2,)", "(3,)"), np.array([True, False]), np.ones(3), np.ones(3))
        yield ErrorSample(ParameterError, ("300", "int8"), np.array([True]), np.array([1], dtype=np.int8), 300)


@Where.public
def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """y = a where the condition holds, b elsewhere; without a and b, the places where it holds, a tensor a dim.

    Shapes: condition, input and other broadcast to the output's.
    Gradient: to the one chosen; nothing to the condition.

    Raises:
        DTypeError: the condition is not bool.
        ParameterError: a number that the other's dtype does not hold.
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> where(minicnn.tensor([True, False]), minicnn.tensor([1.0, 2.0]), 0.0)
    tensor([1., 0.])
    """
    if input is None and other is None and isinstance(condition, TapeTensor):
        array = condition._array if condition._array.ndim else condition._array.reshape(1)
        return tuple(wrap(places) for places in backend_of(array).xp.nonzero(array))
    if not isinstance(condition, TapeTensor) or condition._array.dtype != np.bool_:
        raise DTypeError(
            message(
                "where",
                f"condition expects a bool tensor, got {getattr(condition, 'dtype', type(condition).__name__)}.",
                "a condition is True or False for each element",
                "compare first: x > 0.",
            )
        )
    dtype = result_type(input, other)
    input, other = (x if isinstance(x, TapeTensor) else fitting("where", x, dtype) for x in (input, other))
    a, b = promote((input, other))
    if not isinstance(a, TapeTensor) and not isinstance(b, TapeTensor):
        be = backend_of(condition._array)
        a = wrap(be.asarray(a, dtype=result_type(a, b)))
    try:
        return Where.apply(condition, a, b)
    except ValueError:
        shapes = [tuple(x.shape) for x in (condition, a, b) if isinstance(x, TapeTensor)]  # type: ignore[attr-defined]
        raise ShapeError(
            message(
                "where",
                f"expects shapes that broadcast, got {', '.join(map(str, shapes))}.",
                "dims are matched from the last one; each pair must be equal, or one of them 1",
                "reshape or unsqueeze so that the dims line up.",
            )
        ) from None


def _masked_fill_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(2, 3)), np.array([True, False, True]), 0.5)
    yield Sample(rng.normal(size=3), np.array([[True], [False]]), -2)  # the input is broadcast
    yield Sample(rng.normal(size=(2, 3)), np.array([[True], [False]]), rng.normal(size=()))
    yield Sample(Constant(np.array([np.nan, 1.0, np.inf])), np.array([True, False, True]), 0.0)
    yield Sample(rng.normal(size=()), np.array(True), 1.0)
    yield Sample(np.array([[1, 2], [3, 4]]), np.eye(2) > 0, 0.5)  # 0 among ints
    yield Sample(np.zeros((0, 3)), np.array([True, False, True]), 1.0)


def _masked_fill_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(DTypeError, ("mask", "bool"), np.ones(2), np.ones(2), 0.0)
    yield ErrorSample(ParameterError, ("-129", "int8"), np.ones(2, dtype=np.int8), np.array([True, False]), -129)


@composition(_masked_fill_samples, _masked_fill_errors)
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """y = value where the mask holds, x elsewhere.

    Shapes: input and mask broadcast to the output's.

    >>> import minicnn
    >>> masked_fill(minicnn.tensor([1.0, 2.0]), minicnn.tensor([True, False]), -1.0)
    tensor([-1.,  2.])
    """
    if mask.dtype != np.bool_:
        raise DTypeError(
            message("masked_fill", f"mask expects bools, got {mask.dtype}.", "True fills", "compare first: x == 0.")
        )
    if isinstance(value, TapeTensor):
        value = value.to(input.dtype)  # type: ignore[attr-defined]
    elif input.dtype.kind != "f":
        value = fitting("masked_fill", value, input.dtype)  # as the tensor holds it: 0.5 is 0 among integers
    return where(mask, value, input)
