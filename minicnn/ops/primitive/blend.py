"""More of one or two operands, element by element: lerp, frac, fmod, nan_to_num, clip, isclose, allclose, equal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.errors import ArgumentTypeError, DTypeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.clamp import clamp
from minicnn.ops.primitive.division import FloorDivide, div
from minicnn.ops.primitive.elementwise import Binary, binary_errors
from minicnn.ops.primitive.rounding import sign
from minicnn.ops.primitive.select import Comparison, where

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class LogicalXor(Comparison):
    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.logical_xor(a, b)


class Fmod(Binary):
    """a − b · trunc(a / b), with the sign of a."""

    prepare = FloorDivide.prepare
    samples = FloorDivide.samples

    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.fmod(a, b)

    @staticmethod
    def grad_a(g: Tensor) -> Tensor:
        return g

    @staticmethod
    def grad_b(g: Tensor, a: Any, b: Any) -> Tensor:
        return -(g * div(a, b, rounding_mode="trunc"))


@LogicalXor.public
def logical_xor(input: Any, other: Any) -> Tensor:
    """Whether exactly one is non-zero, as bools.

    Shapes: input and other broadcast to the output's.

    >>> import minicnn
    >>> logical_xor(minicnn.tensor([True, False]), minicnn.tensor([True, True]))
    tensor([False,  True])
    """
    return LogicalXor.apply(input, other)


@Fmod.public
def fmod(input: Any, other: Any) -> Tensor:
    """What a division rounded towards 0 leaves: y = a − b · trunc(a / b), as C's fmod.

    Shapes: input and other broadcast to the output's.
    Gradient: da = g, db = −g · trunc(a / b).
    Raises:
        DivisionByZeroError: an integer is divided by 0.

    >>> import minicnn
    >>> fmod(minicnn.tensor([7, -7]), 4)
    tensor([ 3, -3])
    """
    return Fmod.apply(input, other)


def _lerp_samples(rng: Rng) -> Iterator[Sample]:
    def draw(*shape: int) -> Any:
        return rng.normal(size=shape)

    yield Sample(draw(2, 3), draw(2, 3), 0.25)
    yield Sample(draw(2, 3), draw(3), draw(2, 1))
    yield Sample(draw(0, 3), draw(0, 3), 0.5)
    yield Sample(draw(), draw(), draw())
    yield Sample(draw(3), draw(2, 1), draw(2, 1, 1))
    yield Sample(draw(2, 1, 2), draw(2), 1.5)  # beyond the end


def _lerp_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2,)", "(3,)"), np.ones(3), np.ones(2), 0.5)
    yield ErrorSample(ArgumentTypeError, ("end", "float"), np.ones(3), 1.0, 0.5)


@composition(_lerp_samples, _lerp_errors)
def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """On the way from one tensor to another: y = x + w · (end − x).

    Shapes: input, end and weight (or a number) broadcast to the output's.
    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> lerp(minicnn.tensor([0.0]), minicnn.tensor([10.0]), 0.25)
    tensor([2.5000])
    """
    need_tensors("lerp", input=input, end=end)
    return input + (end - input) * weight


def _frac_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.uniform(0.1, 0.9, (2, 3)) * rng.choice([-1.0, 1.0], (2, 3)) + 3.0)
    yield Sample(rng.uniform(0.1, 0.9, ()))
    yield Sample(rng.uniform(0.1, 0.9, (2, 1, 3)) - 50.0)
    yield Sample(rng.uniform(0.1, 0.9, 1))
    yield Sample(rng.uniform(-0.4, -0.1, (2, 1, 2, 1, 2)))
    yield Sample(np.zeros((0, 2)))


def _need_tensor_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ArgumentTypeError, ("expects a Tensor", "list"), [1.0])


@composition(_frac_samples, _need_tensor_errors)
def frac(input: Tensor) -> Tensor:
    """The part behind the point, with the sign of x: y = x − trunc x.

    Shapes: input (*); output as input.

    >>> import minicnn
    >>> frac(minicnn.tensor([1.25, -2.5]))
    tensor([ 0.2500, -0.5000])
    """
    need_tensors("frac", input=input)
    return input - input.trunc()


def _sgn_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.uniform(0.5, 2.0, (2, 3)) * rng.choice([-1.0, 1.0], (2, 3)))
    yield Sample(np.array([-3, 0, 2]))
    yield Sample(rng.uniform(0.5, 2.0, ()))
    yield Sample(-rng.uniform(0.5, 2.0, (2, 1, 3)))
    yield Sample(np.array([True, False]))
    yield Sample(np.zeros((0, 2)))


@composition(_sgn_samples, _need_tensor_errors)
def sgn(input: Tensor) -> Tensor:
    """−1, 0 or 1, by the sign of x; another name of `sign`, since there are no complex tensors.

    Shapes: input (*); output as input.

    >>> import minicnn
    >>> sgn(minicnn.tensor([-2.0, 0.0]))
    tensor([-1.,  0.])
    """
    need_tensors("sgn", input=input)
    return sign(input)


def _clip_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.permutation(12).reshape(3, 4) / 4 + rng.uniform(-0.05, 0.05, (3, 4)) - 1.125
    yield Sample(x, -0.5, 0.75)
    yield Sample(x, min=0.0)
    yield Sample(x[:0], max=0.5)
    yield Sample(x[:, :1], rng.uniform(2.0, 3.0, 4) * np.array([1.0, -1.0, 1.0, -1.0]))
    yield Sample(x, x[0] - 3.0, max=x[:, :1] + 4.0)
    yield Sample(np.array([[1, 5, -3]]), 0, 2)
    yield Sample(np.array(0.3), 1.0, -1.0)  # the upper bound wins


def _clip_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ParameterError, ("min", "max"), np.ones(2))


@composition(_clip_samples, _clip_errors)
def clip(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Another name of `clamp`: y = x held between min and max.

    Shapes: input, and min and max where they are tensors, broadcast to the output's.
    Raises:
        ParameterError: neither bound is given.

    >>> import minicnn
    >>> clip(minicnn.tensor([-1.0, 0.5, 2.0]), 0.0, 1.0)
    tensor([0.0000, 0.5000, 1.0000])
    """
    return clamp(input, min, max)


def _nan_to_num_samples(rng: Rng) -> Iterator[Sample]:
    broken = Constant(np.array([np.nan, 1.0, np.inf, -np.inf]))
    yield Sample(rng.normal(size=(2, 3)))
    yield Sample(Constant(np.array([np.nan, 1.0])))
    yield Sample(broken, 2.0, 3.0, -4.0)
    yield Sample(broken, nan=-1.0, posinf=5.0, neginf=-5.0)
    yield Sample(np.array([1, 2]))
    yield Sample(np.zeros((0, 2)))


@composition(_nan_to_num_samples, _need_tensor_errors)
def nan_to_num(input: Tensor, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """The elements, with numbers in place of NaN and the infinities.

    Shapes: input (*); output as input.
    Args:
        nan: what stands for NaN.
        posinf: what stands for ∞; the largest number of the dtype by default.
        neginf: what stands for −∞; the smallest number of the dtype by default.
    Gradient: g, and 0 where an element was replaced.

    >>> import minicnn
    >>> nan_to_num(minicnn.tensor([float("nan"), 1.0]))
    tensor([0., 1.])
    """
    need_tensors("nan_to_num", input=input)
    if input.dtype.kind != "f":
        return input.clone()
    limits = np.finfo(input.dtype)
    high = float(limits.max) if posinf is None else posinf
    low = float(limits.min) if neginf is None else neginf
    y = where(input != input, nan, input)
    return where(input == float("-inf"), low, where(input == float("inf"), high, y))


def _isclose_samples(rng: Rng) -> Iterator[Sample]:
    a = rng.normal(size=(2, 3))
    near = a + 1e-6
    yield Sample(Constant(a), Constant(a + 1e-12))
    yield Sample(Constant(a), Constant(near), 0.0, 1e-5)
    yield Sample(Constant(a), Constant(a + 1.0), rtol=10.0)
    yield Sample(Constant(np.array([np.nan, np.inf, -np.inf, np.nan])), Constant(np.array([np.nan, np.inf, np.inf, 1])))
    yield Sample(Constant(np.array([np.nan, 1.0])), Constant(np.array([np.nan, np.inf])), equal_nan=True)
    yield Sample(np.array([1, 2]), np.array([1, 3]))
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
    if input.dtype != other.dtype:
        raise DTypeError(
            message(
                "isclose",
                f"expects tensors of one dtype, got {input.dtype} and {other.dtype}.",
                f"input {tuple(input.shape)}; other {tuple(other.shape)}",
                f"convert one: other.to(minicnn.{input.dtype}).",
            )
        )
    for name, value in (("rtol", rtol), ("atol", atol)):
        if not value >= 0:
            raise ParameterError(
                message("isclose", f"{name} expects 0 or more, got {value}.", f"{name} = {value}", f"{name}=1e-5.")
            )
    a, b = input.detach(), other.detach()
    same = a == b
    if equal_nan:
        same = same | ((a != a) & (b != b))
    if a.dtype.kind == "b":
        return same
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
