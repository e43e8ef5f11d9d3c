"""Comparison, and choice by a condition: eq ... ge, logical_*, isnan ..., where, masked_fill."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.graph import TapeTensor, wrap
from minicnn.autograd.op import composition
from minicnn.autograd.primitive import Primitive
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend, backend_of
from minicnn.errors import ArgumentTypeError, DTypeError, ShapeError, message
from minicnn.ops.primitive.elementwise import Binary, binary_samples
from minicnn.ops.promote import promote, result_type

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class Comparison(Binary, abstract=True):
    """Two operands, promoted and broadcast; a bool tensor, without gradient."""

    constants = ("a", "b")

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        for sample in binary_samples(rng):
            yield Sample(*(x.round() if isinstance(x, np.ndarray) else x for x in sample.args))


class Eq(Comparison):
    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.equal(a, b)


class Ne(Comparison):
    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.not_equal(a, b)


class Lt(Comparison):
    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.less(a, b)


class Le(Comparison):
    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.less_equal(a, b)


class Gt(Comparison):
    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.greater(a, b)


class Ge(Comparison):
    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.greater_equal(a, b)


class LogicalAnd(Comparison):
    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.logical_and(a, b)


class LogicalOr(Comparison):
    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.logical_or(a, b)


class _Test(Primitive, abstract=True):
    """A question about each element; a bool tensor, without gradient."""

    constants = ("x",)

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield Sample(np.array([[0.0, 1.0], [np.nan, np.inf]]))
        yield Sample(rng.integers(0, 2, (2, 3)).astype(float))
        yield Sample(np.array(-np.inf))
        yield Sample(np.array([-0.0]))
        yield Sample(np.array([[[-2, 0, 3]]]))
        yield Sample(np.array([True, False]))
        yield Sample(np.zeros((0, 2)))

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(ArgumentTypeError, "expects a Tensor", [1.0])


class LogicalNot(_Test):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.logical_not(x)


class Isnan(_Test):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.isnan(x)


class Isinf(_Test):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.isinf(x)


class Isfinite(_Test):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.isfinite(x)


class Where(Primitive):
    constants = ("condition",)
    broadcasts = True

    @staticmethod
    def forward(be: Backend, condition: Array, a: Array, b: Array) -> Array:
        return be.xp.where(condition, a, b)

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
        yield Sample(condition)
        yield Sample(np.array(True))

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(DTypeError, ("condition", "bool"), np.ones(2), np.ones(2), np.ones(2))
        yield ErrorSample(ShapeError, ("(2,)", "(3,)"), np.array([True, False]), np.ones(3), np.ones(3))


@Eq.public
def eq(input: Any, other: Any) -> Tensor:
    """Whether a = b, element by element, as bools.

    >>> import minicnn
    >>> eq(minicnn.tensor([1.0, 2.0]), 2)
    tensor([False,  True])
    """
    return Eq.apply(input, other)


@Ne.public
def ne(input: Any, other: Any) -> Tensor:
    """Whether a ≠ b, element by element, as bools.

    >>> import minicnn
    >>> ne(minicnn.tensor([1.0, 2.0]), 2)
    tensor([ True, False])
    """
    return Ne.apply(input, other)


@Lt.public
def lt(input: Any, other: Any) -> Tensor:
    """Whether a < b, element by element, as bools.

    >>> import minicnn
    >>> lt(minicnn.tensor([1.0, 2.0]), 2)
    tensor([ True, False])
    """
    return Lt.apply(input, other)


@Le.public
def le(input: Any, other: Any) -> Tensor:
    """Whether a ≤ b, element by element, as bools.

    >>> import minicnn
    >>> le(minicnn.tensor([1.0, 3.0]), 2)
    tensor([ True, False])
    """
    return Le.apply(input, other)


@Gt.public
def gt(input: Any, other: Any) -> Tensor:
    """Whether a > b, element by element, as bools.

    >>> import minicnn
    >>> gt(minicnn.tensor([1.0, 3.0]), 2)
    tensor([False,  True])
    """
    return Gt.apply(input, other)


@Ge.public
def ge(input: Any, other: Any) -> Tensor:
    """Whether a ≥ b, element by element, as bools.

    >>> import minicnn
    >>> ge(minicnn.tensor([1.0, 2.0]), 2)
    tensor([False,  True])
    """
    return Ge.apply(input, other)


@LogicalAnd.public
def logical_and(input: Any, other: Any) -> Tensor:
    """Whether both are non-zero, as bools.

    >>> import minicnn
    >>> logical_and(minicnn.tensor([True, True]), minicnn.tensor([True, False]))
    tensor([ True, False])
    """
    return LogicalAnd.apply(input, other)


@LogicalOr.public
def logical_or(input: Any, other: Any) -> Tensor:
    """Whether either is non-zero, as bools.

    >>> import minicnn
    >>> logical_or(minicnn.tensor([True, False]), minicnn.tensor([False, False]))
    tensor([ True, False])
    """
    return LogicalOr.apply(input, other)


@LogicalNot.public
def logical_not(input: Tensor) -> Tensor:
    """Whether the element is 0, as bools.

    >>> import minicnn
    >>> logical_not(minicnn.tensor([0.0, 2.0]))
    tensor([ True, False])
    """
    return LogicalNot.apply(input)


@Isnan.public
def isnan(input: Tensor) -> Tensor:
    """Whether the element is NaN, as bools.

    >>> import minicnn
    >>> isnan(minicnn.tensor([0.0, float("nan")]))
    tensor([False,  True])
    """
    return Isnan.apply(input)


@Isinf.public
def isinf(input: Tensor) -> Tensor:
    """Whether the element is infinite, as bools.

    >>> import minicnn
    >>> isinf(minicnn.tensor([0.0, float("-inf")]))
    tensor([False,  True])
    """
    return Isinf.apply(input)


@Isfinite.public
def isfinite(input: Tensor) -> Tensor:
    """Whether the element is neither infinite nor NaN, as bools.

    >>> import minicnn
    >>> isfinite(minicnn.tensor([0.0, float("nan")]))
    tensor([ True, False])
    """
    return Isfinite.apply(input)


@Where.public
def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """y = a where the condition holds, b elsewhere; without a and b, the places where it holds, a tensor a dim.

    Shapes: condition, input and other broadcast to the output's.
    Gradient: to the one chosen; nothing to the condition.

    Raises:
        DTypeError: the condition is not bool.
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
                "condition, input, other; dims are matched from the last one",
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
        value = input.dtype.type(value).item()  # as the tensor holds it: 0.5 is 0 among integers
    return where(mask, value, input)
