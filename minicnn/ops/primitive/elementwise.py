"""What all elementwise ops share: an output element depends on the inputs' elements at the same place.

Inputs broadcast: dims are matched from the last one, and a dim of 1 (or a missing one) is repeated; the gradient is
summed back over what was repeated. Dtypes promote as in PyTorch (`minicnn.ops.promote`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.autograd.graph import TapeTensor
from minicnn.autograd.op import Primitive
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.errors import ArgumentTypeError, ShapeError, message
from minicnn.ops.promote import as_float, promote


class Binary(Primitive, abstract=True):
    """Two operands, tensors or numbers, broadcast and promoted."""

    broadcasts = True

    @classmethod
    def apply(cls, *inputs: Any, **params: Any) -> Any:
        a, b = inputs
        if isinstance(a, TapeTensor):
            kind = a._array.dtype
            if isinstance(b, TapeTensor):
                same = kind is b._array.dtype and kind.kind != "b"
            else:
                same = kind.kind == "f" and (type(b) is float or type(b) is int)
        else:
            kind = b._array.dtype if isinstance(b, TapeTensor) else None
            same = kind is not None and kind.kind == "f" and (type(a) is float or type(a) is int)
        if not same:
            inputs = cls.prepare(*promote(inputs))
        try:
            return super().apply(*inputs, **params)
        except ValueError:
            raise _shape_error(cls.name, *inputs) from None

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


def _shape_error(name: str, *inputs: Any) -> ShapeError:
    shapes = [tuple(x._array.shape) if isinstance(x, TapeTensor) else () for x in inputs]
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

    @classmethod
    def apply(cls, *inputs: Any, **params: Any) -> Any:
        (x,) = inputs
        if cls.to_float and isinstance(x, TapeTensor) and x._array.dtype.kind != "f":
            inputs = (as_float(x),)
        return super().apply(*inputs, **params)

    @classmethod
    def samples(cls, rng: Rng) -> Iterator[Sample]:
        for shape in ((2, 3), (), (0, 2), (2, 1, 3)):
            yield Sample(rng.uniform(*cls.interval, shape))

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(ArgumentTypeError, ("expects a Tensor", "list"), [1.0])
