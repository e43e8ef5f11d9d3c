"""More of two or three operands, element by element: fmax, fmin, copysign, heaviside, addcmul, addcdiv and the like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.graph import TapeTensor
from minicnn.autograd.op import composition
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.errors import ArgumentTypeError, DTypeError, ShapeError, message
from minicnn.ops.checks import need_one_dtype, need_tensors
from minicnn.ops.primitive.arithmetic import pow, sub
from minicnn.ops.primitive.clamp import clamp
from minicnn.ops.primitive.division import div
from minicnn.ops.primitive.elementwise import binary_errors, binary_samples
from minicnn.ops.primitive.measure import norm
from minicnn.ops.primitive.questions import signbit
from minicnn.ops.primitive.select import where
from minicnn.ops.promote import as_float, promote

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def _pairs(rng: Rng) -> Iterator[Sample]:
    """Yield pairs of tensors that do not tie."""
    for a, b in (((2, 3), (2, 3)), ((2, 3), (3,)), ((1, 3), (4, 2, 1)), ((), (2,)), ((0, 3), (3,))):
        x = rng.uniform(0.1, 2.0, a) * rng.choice([-1.0, 1.0], a)
        yield Sample(x, rng.uniform(2.1, 3.0, b) * rng.choice([-1.0, 1.0], b))
    yield Sample(rng.integers(-3, 3, (2, 3)), rng.integers(-3, 3, 3))


def _pair_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2, 3)", "(4,)", "Fix"), np.ones((2, 3)), np.ones(4))
    yield ErrorSample(ArgumentTypeError, ("Tensor", "float"), np.ones(2), 1.0)


def _fmax_samples(rng: Rng) -> Iterator[Sample]:
    yield from _pairs(rng)
    yield Sample(Constant(np.array([np.nan, 1.0, np.nan])), Constant(np.array([2.0, np.nan, np.nan])))
    yield Sample(rng.uniform(0.5, 1.0, (2, 2)), np.array([[0.0, 2.0]]))


@composition(_fmax_samples, _pair_errors)
def fmax(input: Tensor, other: Tensor) -> Tensor:
    """The larger of two, element by element; a number where only one of them is NaN.

    Shapes: input and other broadcast to the output's.
    Gradient: to the larger one; where they tie, to input.
    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> fmax(minicnn.tensor([1.0, float("nan")]), minicnn.tensor([3.0, 2.0]))
    tensor([3., 2.])
    """
    need_tensors("fmax", input=input, other=other)
    a, b = promote((input, other))
    return where((a >= b) | (b != b), a, b)


@composition(_fmax_samples, _pair_errors)
def fmin(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of two, element by element; a number where only one of them is NaN.

    Shapes: input and other broadcast to the output's.
    Gradient: to the smaller one; where they tie, to input.
    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> fmin(minicnn.tensor([1.0, float("nan")]), minicnn.tensor([3.0, 2.0]))
    tensor([1., 2.])
    """
    need_tensors("fmin", input=input, other=other)
    a, b = promote((input, other))
    return where((a <= b) | (b != b), a, b)


def _copysign_samples(rng: Rng) -> Iterator[Sample]:
    yield from _pairs(rng)
    yield Sample(np.array([1.0, -2.0]), -0.0)
    yield Sample(np.array([1.0, -2.0]), 3)


def _copysign_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2, 3)", "(4,)", "Fix"), np.ones((2, 3)), np.ones(4))
    yield ErrorSample(ArgumentTypeError, ("Tensor", "float"), 1.0, np.ones(2))


@composition(_copysign_samples, _copysign_errors)
def copysign(input: Tensor, other: Any) -> Tensor:
    """The size of one with the sign of the other: y = |a| · sign(b), where −0 has a sign too.

    Shapes: input and other (or a number) broadcast to the output's.
    Gradient: da = g or −g, as the sign was kept or changed; nothing to other.
    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> copysign(minicnn.tensor([1.0, -2.0]), -1)
    tensor([-1., -2.])
    """
    need_tensors("copysign", input=input)
    size = as_float(input).abs()
    sign: Any = other if isinstance(other, TapeTensor) else input.new_tensor(float(other), dtype="float32")
    return size * where(signbit(sign), -1.0, 1.0).to(size.dtype)


def _heaviside_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(Constant(rng.normal(size=(2, 3))), Constant(rng.normal(size=(2, 3))))
    yield Sample(Constant(np.array([-1.0, 0.0, 2.0])), Constant(np.array([0.5])))
    yield Sample(Constant(np.array([[0.0], [1.0]])), Constant(np.array([0.25, 0.75])))
    yield Sample(np.array([-1, 0, 2]), np.array([5, 6, 7]))
    yield Sample(Constant(np.array(0.0)), Constant(np.array(0.5)))
    yield Sample(np.zeros((0, 2), dtype=np.int64), np.array([1, 2]))


def _heaviside_errors() -> Iterator[ErrorSample]:
    yield from _pair_errors()
    yield ErrorSample(DTypeError, ("one dtype", "float64", "int64"), np.ones(2), np.array([1, 1]))


@composition(_heaviside_samples, _heaviside_errors)
def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """The step function: 0 below 0, 1 above, and ``values`` at 0; without gradient.

    Shapes: input and values broadcast to the output's.
    Raises:
        DTypeError: the dtypes differ.
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> heaviside(minicnn.tensor([-1.0, 0.0, 2.0]), minicnn.tensor([0.5]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    need_tensors("heaviside", input=input, values=values)
    need_one_dtype("heaviside", input=input, values=values)
    x = input.detach()
    return where(x == 0, values.detach(), (x > 0).to(x.dtype))


def _power_samples(rng: Rng) -> Iterator[Sample]:
    yield from binary_samples(rng, 0.5, 2.0)
    yield Sample(np.array([1, 2, 3]), 2)
    yield Sample(2, rng.uniform(-1.0, 2.0, 3))
    yield Sample(np.array([2, 3]), np.array([-1, 2]))


@composition(_power_samples, binary_errors)
def float_power(input: Any, exponent: Any) -> Tensor:
    """Power, computed in float64: y = a^b.

    Shapes: input and exponent (one of which may be a number) broadcast to the output's.
    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> float_power(minicnn.tensor([2, 3]), -1)
    tensor([0.5000, 0.3333], dtype=float64)
    """
    a, b = (x.to(np.float64) if isinstance(x, TapeTensor) else x for x in (input, exponent))  # type: ignore[attr-defined]
    return pow(a, b)


def _rsub_samples(rng: Rng) -> Iterator[Sample]:
    yield from binary_samples(rng)
    yield Sample(rng.normal(size=(2, 3)), rng.normal(size=3), alpha=0.5)
    yield Sample(np.array([1, 2]), 10)


@composition(_rsub_samples, binary_errors)
def rsub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """A difference, the other way round: y = b − alpha · a.

    Shapes: input and other broadcast to the output's.
    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> rsub(minicnn.tensor([1.0, 2.0]), 10)
    tensor([9., 8.])
    """
    return sub(other, input, alpha=alpha)


def _three_samples(rng: Rng) -> Iterator[Sample]:
    def draw(*shape: int) -> Any:
        return rng.uniform(0.5, 2.0, shape)

    yield Sample(draw(2, 3), draw(2, 3), draw(2, 3))
    yield Sample(draw(2, 3), draw(3), draw(2, 1), value=0.5)
    yield Sample(draw(), draw(2), draw(3, 1), value=-2)
    yield Sample(draw(0, 3), draw(3), draw(1))
    yield Sample(draw(1), draw(1), draw(4), value=0)
    yield Sample(np.array([1.0, 2.0]), -draw(2, 1, 2), draw(2), value=3.0)


def _three_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2,)", "(3,)"), np.ones(2), np.ones(2), np.ones(3))
    yield ErrorSample(ArgumentTypeError, ("tensor1", "float"), np.ones(2), 1.0, np.ones(2))


@composition(_three_samples, _three_errors)
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """y = x + value · a · b.

    Shapes: all broadcast to the output's.
    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> addcmul(minicnn.tensor([1.0]), minicnn.tensor([2.0]), minicnn.tensor([3.0]), value=0.5)
    tensor([4.])
    """
    need_tensors("addcmul", input=input, tensor1=tensor1, tensor2=tensor2)
    return input + (tensor1 * tensor2 if value == 1 else tensor1 * tensor2 * value)


@composition(_three_samples, _three_errors)
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """y = x + value · a / b.

    Shapes: all broadcast to the output's.
    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> addcdiv(minicnn.tensor([1.0]), minicnn.tensor([3.0]), minicnn.tensor([2.0]), value=2)
    tensor([4.])
    """
    need_tensors("addcdiv", input=input, tensor1=tensor1, tensor2=tensor2)
    return input + (div(tensor1, tensor2) if value == 1 else div(tensor1, tensor2) * value)


def _bound_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.uniform(0.1, 1.0, (2, 3)) * rng.choice([-1.0, 1.0], (2, 3))
    yield Sample(x, 0.0)
    yield Sample(x, rng.uniform(2.0, 3.0, 3) * np.array([1.0, -1.0, 1.0]))
    yield Sample(np.array([1, 5, -3]), 2)
    yield Sample(np.zeros((0, 2)), 1.0)
    yield Sample(rng.normal(size=()), 5.0)
    yield Sample(x[:, :1], rng.uniform(2.0, 3.0, 3) * np.array([1.0, -1.0, 1.0]))
    yield Sample(x[0], x + 4.0)


def _bound_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("(2,)", "(3,)"), np.ones(2), np.ones(3))
    yield ErrorSample(ArgumentTypeError, ("Tensor", "list"), [1.0], 0.0)


@composition(_bound_samples, _bound_errors)
def clamp_min(input: Tensor, min: Any) -> Tensor:
    """`clamp` with a lower bound alone.

    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> clamp_min(minicnn.tensor([-1.0, 2.0]), 0.0)
    tensor([0., 2.])
    """
    need_tensors("clamp_min", input=input)
    return clamp(input, min=min)


@composition(_bound_samples, _bound_errors)
def clamp_max(input: Tensor, max: Any) -> Tensor:
    """`clamp` with an upper bound alone.

    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> clamp_max(minicnn.tensor([-1.0, 2.0]), 0.0)
    tensor([-1.,  0.])
    """
    need_tensors("clamp_max", input=input)
    return clamp(input, max=max)


def _dist_samples(rng: Rng) -> Iterator[Sample]:
    a, b = rng.normal(size=(2, 3)), rng.normal(size=(2, 3)) + 5.0
    yield Sample(a, b)
    yield Sample(a, b[:1], 1)
    yield Sample(a, b, p=3)
    yield Sample(a, b, float("inf"))
    yield Sample(rng.normal(size=3), rng.normal(size=()))
    yield Sample(np.zeros((0, 2)), np.zeros((0, 2)))


@composition(_dist_samples, _pair_errors)
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The distance of two tensors, as one vector each: y = (Σ |a − b|ᵖ)^(1/p).

    Shapes: input and other broadcast; output ().
    Args:
        p: as that of `norm`.
    Raises:
        ShapeError: the shapes do not broadcast.

    >>> import minicnn
    >>> dist(minicnn.tensor([1.0, 2.0]), minicnn.tensor([4.0, 6.0]))
    tensor(5.)
    """
    need_tensors("dist", input=input, other=other)
    return norm(input - other, float(p))


def positive(input: Tensor) -> Tensor:
    """The tensor itself, as ``+x``.

    Raises:
        DTypeError: it is of bools.

    >>> import minicnn
    >>> positive(minicnn.tensor([-1.0]))
    tensor([-1.])
    """
    need_tensors("positive", input=input)
    if input.dtype.kind == "b":
        raise DTypeError(message("positive", "bools have no sign.", f"shape {tuple(input.shape)}", "use x itself."))
    return input
