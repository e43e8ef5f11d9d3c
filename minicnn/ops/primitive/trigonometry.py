"""More functions of angles: tan, sinh, cosh, asin, acos, atan, atan2, hypot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minicnn.autograd.graph import TapeTensor
from minicnn.backend import Array, Backend
from minicnn.ops.primitive.elementwise import Binary, Unary
from minicnn.ops.promote import as_float

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class Tan(Unary):
    interval = (-1.2, 1.2)

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.tan(x)

    @staticmethod
    def grad_x(g: Tensor, out: Tensor) -> Tensor:
        return g * (out * out + 1)


class Sinh(Unary):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.sinh(x)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return g * cosh(x)


class Cosh(Unary):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.cosh(x)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return g * sinh(x)


class Asin(Unary):
    interval = (-0.8, 0.8)

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.arcsin(x)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return g * (1 - x * x).rsqrt()


class Acos(Unary):
    interval = (-0.8, 0.8)

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.arccos(x)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return -(g * (1 - x * x).rsqrt())


class Atan(Unary):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.arctan(x)

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return g / (x * x + 1)


class _FloatBinary(Binary, abstract=True):
    """Two operands, computed as floats."""

    @staticmethod
    def prepare(a: Any, b: Any) -> tuple[Any, Any]:
        a, b = (as_float(x) if isinstance(x, TapeTensor) else float(x) for x in (a, b))
        return a, b


class Atan2(_FloatBinary):
    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.arctan2(a, b)

    @staticmethod
    def grad_a(g: Tensor, a: Tensor, b: Tensor) -> Tensor:
        return g * b / _squares(a, b)

    @staticmethod
    def grad_b(g: Tensor, a: Tensor, b: Tensor) -> Tensor:
        return -(g * a / _squares(a, b))


def _squares(a: Any, b: Any) -> Tensor:
    """a² + b², and 1 at the origin, where the angle has no slope and PyTorch gives 0."""
    total: Tensor = a * a + b * b
    return total.masked_fill(total == 0, 1.0)


class Hypot(_FloatBinary):
    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        return be.xp.hypot(a, b)

    @staticmethod
    def grad_a(g: Tensor, out: Tensor, a: Any) -> Tensor:
        return g * (a / out)

    @staticmethod
    def grad_b(g: Tensor, out: Tensor, b: Any) -> Tensor:
        return g * (b / out)


@Tan.public
def tan(input: Tensor) -> Tensor:
    """The tangent, of radians: y = tan x.

    Shapes: input (*); output as input.
    Gradient: g · (1 + y²).

    >>> import minicnn
    >>> tan(minicnn.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5574])
    """
    return Tan.apply(input)


@Sinh.public
def sinh(input: Tensor) -> Tensor:
    """The hyperbolic sine: y = (eˣ − e⁻ˣ) / 2.

    Shapes: input (*); output as input.
    Gradient: g · cosh x.

    >>> import minicnn
    >>> sinh(minicnn.tensor([0.0, 1.0]))
    tensor([0.0000, 1.1752])
    """
    return Sinh.apply(input)


@Cosh.public
def cosh(input: Tensor) -> Tensor:
    """The hyperbolic cosine: y = (eˣ + e⁻ˣ) / 2.

    Shapes: input (*); output as input.
    Gradient: g · sinh x.

    >>> import minicnn
    >>> cosh(minicnn.tensor([0.0, 1.0]))
    tensor([1.0000, 1.5431])
    """
    return Cosh.apply(input)


@Asin.public
def asin(input: Tensor) -> Tensor:
    """The angle of a sine, in [−π/2, π/2]; NaN outside [−1, 1].

    Shapes: input (*); output as input.
    Gradient: g / √(1 − x²).

    >>> import minicnn
    >>> asin(minicnn.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5708])
    """
    return Asin.apply(input)


@Acos.public
def acos(input: Tensor) -> Tensor:
    """The angle of a cosine, in [0, π]; NaN outside [−1, 1].

    Shapes: input (*); output as input.
    Gradient: −g / √(1 − x²).

    >>> import minicnn
    >>> acos(minicnn.tensor([0.0, 1.0]))
    tensor([1.5708, 0.0000])
    """
    return Acos.apply(input)


@Atan.public
def atan(input: Tensor) -> Tensor:
    """The angle of a tangent, in (−π/2, π/2).

    Shapes: input (*); output as input.
    Gradient: g / (1 + x²).

    >>> import minicnn
    >>> atan(minicnn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7854])
    """
    return Atan.apply(input)


@Atan2.public
def atan2(input: Any, other: Any) -> Tensor:
    """The angle of the point (other, input), in [−π, π].

    Shapes: input and other broadcast to the output's.
    Gradient: da = g · b / (a² + b²), db = −g · a / (a² + b²).

    >>> import minicnn
    >>> atan2(minicnn.tensor([1.0, 1.0]), minicnn.tensor([1.0, -1.0]))
    tensor([0.7854, 2.3562])
    """
    return Atan2.apply(input, other)


@Hypot.public
def hypot(input: Any, other: Any) -> Tensor:
    """The length of (a, b): y = √(a² + b²), which does not overflow.

    Shapes: input and other broadcast to the output's.
    Gradient: da = g · a / y, db = g · b / y.

    >>> import minicnn
    >>> hypot(minicnn.tensor([3.0]), minicnn.tensor([4.0]))
    tensor([5.])
    """
    return Hypot.apply(input, other)
