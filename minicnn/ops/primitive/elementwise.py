"""What all elementwise ops share: an output element depends on the inputs' elements at the same place.

Inputs broadcast: dims are matched from the last one, and a dim of 1 (or a missing one) is repeated; the gradient is
summed back over what was repeated. Dtypes promote as in PyTorch (`minicnn.ops.promote`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np

from minicnn.autograd.graph import TapeTensor, wrap
from minicnn.autograd.mode import mode
from minicnn.autograd.op import as_array, functions
from minicnn.autograd.primitive import Primitive
from minicnn.autograd.refusal import refuse
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import by_array_type
from minicnn.errors import ArgumentTypeError, MinicnnError, ParameterError, ShapeError, message
from minicnn.ops.promote import as_float, promote


class Binary(Primitive, abstract=True):
    """Two operands, tensors or numbers, broadcast and promoted."""

    broadcasts = True
    to_float = False  # whether integers are cast to the default dtype
    quick = True

    @classmethod
    def apply(cls, *inputs: Any, **params: Any) -> Any:
        # As Primitive.apply, unrolled: these ops are the most frequent, and on small tensors this is their cost.
        a, b = inputs
        x = a._array if isinstance(a, TapeTensor) else a
        y = b._array if isinstance(b, TapeTensor) else b
        if type(x) is type(y):
            ready = isinstance(a, TapeTensor) and x.dtype is y.dtype and x.dtype.kind == "f"
        elif isinstance(a, TapeTensor):
            ready = x.dtype.kind == "f" and (type(y) is float or type(y) is int)
        else:
            ready = isinstance(b, TapeTensor) and y.dtype.kind == "f" and (type(x) is float or type(x) is int)
        try:
            if not ready:
                cls.check(a, b)
                inputs = cls.prepare(*promote(inputs, cls.to_float))
                return super().apply(*inputs)
            be = by_array_type.get(type(x)) or by_array_type[type(y)]
            array = cls.forward(be, x, y)  # type: ignore[attr-defined]
        except Exception as error:
            _refuse(cls.name, (a, b), _value_error(cls.name, error, *inputs))
        out = wrap(array if type(array) is be.array_type else as_array(be, array))
        if mode.recording and cls.differentiable:
            cls.record(out, inputs, params)
        return out

    @staticmethod
    def check(a: Any, b: Any) -> None:
        """Raise an error if the op does not take these operands."""

    @staticmethod
    def prepare(a: Any, b: Any) -> tuple[Any, Any]:
        """Return the promoted operands as the op takes them."""
        return a, b

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield from binary_samples(rng)

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield from binary_errors()


def binary_samples(rng: Rng, low: float = -2.0, high: float = 2.0) -> Iterator[Sample]:
    """Yield pairs that are equal in shape, broadcast in either direction, without dims, empty, or a number."""

    def draw(*shape: int) -> Any:
        return rng.uniform(low, high, shape)

    yield Sample(draw(2, 3), draw(2, 3))
    yield Sample(draw(2, 3), draw(3))
    yield Sample(draw(1, 3), draw(4, 2, 1))
    yield Sample(draw(), draw(2))
    yield Sample(draw(0, 3), draw(3))
    yield Sample(draw(2, 2), float(rng.uniform(low, high)))


def binary_errors() -> Iterator[ErrorSample]:
    """Yield operands that do not broadcast, and one that is no number."""
    yield ErrorSample(ShapeError, ("(2, 3)", "(4,)", "Fix"), np.ones((2, 3)), np.ones(4))
    yield ErrorSample(ArgumentTypeError, ("str", "Fix"), np.ones(2), "1")


def untied_samples(rng: Rng) -> Iterator[Sample]:
    """Yield pairs of tensors that do not tie: equal in shape, broadcast, without dims, empty, of integers."""
    for a, b in (((2, 3), (2, 3)), ((2, 3), (3,)), ((1, 3), (4, 2, 1)), ((), (2,)), ((0, 3), (3,))):
        x = rng.uniform(0.1, 2.0, a) * rng.choice([-1.0, 1.0], a)
        yield Sample(x, rng.uniform(2.1, 3.0, b) * rng.choice([-1.0, 1.0], b))
    yield Sample(rng.integers(-3, 3, (2, 3)), rng.integers(-3, 3, 3))


def pair_errors() -> Iterator[ErrorSample]:
    """Yield two tensors that do not broadcast, and either operand as no tensor."""
    yield ErrorSample(ShapeError, ("(2, 3)", "(4,)", "Fix"), np.ones((2, 3)), np.ones(4))
    yield ErrorSample(ArgumentTypeError, ("Tensor", "float"), np.ones(2), 1.0)
    yield ErrorSample(ArgumentTypeError, ("Tensor", "list"), [1.0], np.ones(2))


def _refuse(name: str, inputs: tuple[Any, ...], error: Exception) -> NoReturn:
    if name not in functions:  # an op of a user's, without a public function
        raise error
    refuse(functions[name].function, inputs, {}, error)


def _value_error(name: str, error: Exception, *inputs: Any) -> Exception:
    if isinstance(error, MinicnnError) or not isinstance(error, ValueError):
        return error
    shapes = [tuple(x._array.shape) if isinstance(x, TapeTensor) else () for x in inputs]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        pass
    else:
        return ParameterError(message(name, f"{error}.", f"shapes {shapes}", "change the operands, or use floats."))
    return ShapeError(
        message(
            name,
            f"expects shapes that broadcast, got {' and '.join(map(str, shapes))}.",
            "dims are matched from the last one; each pair must be equal, or one of them 1",
            "reshape or unsqueeze one operand so that its dims line up.",
        )
    )


class Unary(Primitive, abstract=True):
    """One tensor, computed as floats."""

    interval = (-2.0, 2.0)  # where samples are drawn
    to_float = True  # integers are cast to the default dtype
    quick = True

    @classmethod
    def apply(cls, *inputs: Any, **params: Any) -> Any:
        (x,) = inputs
        try:
            if cls.to_float and isinstance(x, TapeTensor) and x._array.dtype.kind != "f":
                inputs = (as_float(x),)
            return super().apply(*inputs, **params)
        except Exception as error:
            _refuse(cls.name, (x,), error)

    @classmethod
    def samples(cls, rng: Rng) -> Iterator[Sample]:
        for shape in ((2, 3), (), (0, 2), (2, 1, 3), (1,), (2, 1, 2, 1, 2)):
            yield Sample(rng.uniform(*cls.interval, shape))
        low, high = cls.interval
        yield Sample(np.arange(math.ceil(low), math.floor(high) + 1))  # integers

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(ArgumentTypeError, ("expects a Tensor", "list"), [1.0])
