"""Two operands compared, as bools: eq, ne, lt, le, gt, ge, logical_and, _or, _xor, _not, isclose, allclose, equal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.errors import DTypeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_one_dtype, need_tensors
from minicnn.ops.primitive.elementwise import Binary, binary_errors, binary_samples
from minicnn.ops.primitive.questions import Question

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


class LogicalXor(Comparison):
    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.logical_xor(a, b)


class LogicalNot(Question):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.logical_not(x)


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


@LogicalXor.public
def logical_xor(input: Any, other: Any) -> Tensor:
    """Whether exactly one is non-zero, as bools.

    Shapes: input and other broadcast to the output's.

    >>> import minicnn
    >>> logical_xor(minicnn.tensor([True, False]), minicnn.tensor([True, True]))
    tensor([False,  True])
    """
    return LogicalXor.apply(input, other)


@LogicalNot.public
def logical_not(input: Tensor) -> Tensor:
    """Whether the element is 0, as bools.

    >>> import minicnn
    >>> logical_not(minicnn.tensor([0.0, 2.0]))
    tensor([ True, False])
    """
    return LogicalNot.apply(input)


def _isclose_samples(rng: Rng) -> Iterator[Sample]:
    a = rng.normal(size=(2, 3))
    near = a + 1e-6
    yield Sample(Constant(a), Constant(a + 1e-12))
    yield Sample(Constant(a), Constant(near), 0.0, 1e-5)
    yield Sample(Constant(a), Constant(a + 1.0), rtol=10.0)
    yield Sample(Constant(np.array([np.nan, np.inf, -np.inf, np.nan])), Constant(np.array([np.nan, np.inf, np.inf, 1])))
    yield Sample(Constant(np.array([np.nan, 1.0])), Constant(np.array([np.nan, np.inf])), equal_nan=True)
    yield Sample(np.array([1, 2]), np.array([1, 3]))
    yield Sample(np.array([-128, 0, 100], dtype=np.int8), np.array([127, -1, 101], dtype=np.int8), 0.5, 1)
    yield Sample(np.array([2**62, 2**62]), np.array([2**62, 2**62 + 1]), 0, 0)
    yield Sample(Constant(a), Constant(near[:1]), 0.0, 1e-5)
    yield Sample(Constant(a[:, :1]), Constant(a[0]))
    yield Sample(Constant(np.zeros((0, 2))), Constant(np.zeros(2)))


def _isclose_errors() -> Iterator[ErrorSample]:
    yield from (e for e in binary_errors() if isinstance(e, ErrorSample) and e.error is ShapeError)
    yield ErrorSample(DTypeError, ("one dtype", "float64", "int64"), np.ones(2), np.array([1, 1]))
    yield ErrorSample(ParameterError, ("rtol", "-1.0"), np.ones(2), np.ones(2), rtol=-1.0)
    yield ErrorSample(ParameterError, ("atol", "nan"), np.ones(2), np.ones(2), atol=float("nan"))


@composition(_isclose_samples, _isclose_errors)
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Whether |a − b| ≤ atol + rtol · |b|, element by element, as bools.

    Shapes: input and other broadcast to the output's.
    Args:
        rtol: the relative distance allowed.
        atol: the absolute one.
        equal_nan: NaN is close to NaN.
    Raises:
        DTypeError: the dtypes differ.
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> isclose(minicnn.tensor([1.0, 2.0]), minicnn.tensor([1.0, 2.1]))
    tensor([ True, False])
    """
    need_tensors("isclose", input=input, other=other)
    need_one_dtype("isclose", input=input, other=other)
    for name, value in (("rtol", rtol), ("atol", atol)):
        if not value >= 0:
            raise ParameterError(
                message("isclose", f"{name} expects 0 or more, got {value}.", f"{name} = {value}", f"use {name}=1e-5.")
            )
    a, b = input.detach(), other.detach()
    same = a == b
    if equal_nan:
        same = same | ((a != a) & (b != b))
    if a.dtype.kind == "b" or (a.dtype.kind != "f" and rtol == 0 and atol == 0):
        return same
    if a.dtype.kind != "f":  # the difference of small integers wraps
        a, b = a.to("float64"), b.to("float64")
    # An infinite difference is not close, however large b is.
    finite = a.isfinite() & b.isfinite()
    distance = (a.masked_fill(~a.isfinite(), 0) - b.masked_fill(~b.isfinite(), 0)).abs()
    return same | (finite & (distance <= b.masked_fill(~b.isfinite(), 0).abs() * rtol + atol))


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are close, as `isclose` has it: a Python bool.

    Raises:
        DTypeError: the dtypes differ.
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> allclose(minicnn.tensor([1.0, 2.0]), minicnn.tensor([1.0, 2.1]))
    False
    """
    return bool(isclose(input, other, rtol, atol, equal_nan).all())


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether both have one shape and equal elements: a Python bool; NaN equals nothing.

    >>> import minicnn
    >>> equal(minicnn.tensor([1.0, 2.0]), minicnn.tensor([1.0, 2.0]))
    True
    """
    need_tensors("equal", input=input, other=other)
    return tuple(input.shape) == tuple(other.shape) and bool((input == other).all())
