"""Padding layers."""

from __future__ import annotations

from collections.abc import Sequence

from minicnn.nn import functional as F
from minicnn.nn.module import Module
from minicnn.tensor import Tensor


class Padding(Module):
    """What the padding layers share.

    Attributes:
        dims: how many spatial dims they pad.
        mode: as in `functional.pad`.
    """

    dims = 2
    mode = "constant"
    value: float | None = None

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__()
        many = 2 * self.dims
        self.padding = (padding,) * many if isinstance(padding, int) else tuple(padding)

    def forward(self, input: Tensor) -> Tensor:
        """Return the input padded."""
        return F.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ConstantPad1d(Padding):
    """Surround the last 1 dim with a constant.

    Args:
        padding: a width for all sides, or (left, right).
        value: the constant.

    >>> import minicnn
    >>> ConstantPad1d(1, 2.0)(minicnn.zeros(1, 1)).shape
    (1, 3)
    """

    dims = 1

    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad2d(Padding):
    """Surround the last 2 dims with a constant.

    Args:
        padding: a width for all sides, or (left, right, top, bottom).
        value: the constant.

    >>> import minicnn
    >>> ConstantPad2d(1, 2.0)(minicnn.zeros(1, 1, 1)).shape
    (1, 3, 3)
    """

    dims = 2

    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad3d(Padding):
    """Surround the last 3 dims with a constant.

    Args:
        padding: a width for all sides, or (left, right, top, bottom, front, back).
        value: the constant.

    >>> import minicnn
    >>> ConstantPad3d(1, 2.0)(minicnn.zeros(1, 1, 1, 1)).shape
    (1, 3, 3, 3)
    """

    dims = 3

    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ZeroPad1d(Padding):
    """Surround the last 1 dim with zeros.

    Args:
        padding: a width for all sides, or (left, right).

    >>> import minicnn
    >>> ZeroPad1d(1)(minicnn.zeros(1, 1, 2)).shape
    (1, 1, 4)
    """

    dims = 1
    mode = "constant"


class ZeroPad2d(Padding):
    """Surround the last 2 dims with zeros.

    Args:
        padding: a width for all sides, or (left, right, top, bottom).

    >>> import minicnn
    >>> ZeroPad2d(1)(minicnn.zeros(1, 1, 2, 2)).shape
    (1, 1, 4, 4)
    """

    dims = 2
    mode = "constant"


class ZeroPad3d(Padding):
    """Surround the last 3 dims with zeros.

    Args:
        padding: a width for all sides, or (left, right, top, bottom, front, back).

    >>> import minicnn
    >>> ZeroPad3d(1)(minicnn.zeros(1, 1, 2, 2, 2)).shape
    (1, 1, 4, 4, 4)
    """

    dims = 3
    mode = "constant"


class ReflectionPad1d(Padding):
    """Surround the last 1 dim with its mirror image.

    Args:
        padding: a width for all sides, or (left, right).

    >>> import minicnn
    >>> ReflectionPad1d(1)(minicnn.zeros(1, 1, 2)).shape
    (1, 1, 4)
    """

    dims = 1
    mode = "reflect"


class ReflectionPad2d(Padding):
    """Surround the last 2 dims with its mirror image.

    Args:
        padding: a width for all sides, or (left, right, top, bottom).

    >>> import minicnn
    >>> ReflectionPad2d(1)(minicnn.zeros(1, 1, 2, 2)).shape
    (1, 1, 4, 4)
    """

    dims = 2
    mode = "reflect"


class ReflectionPad3d(Padding):
    """Surround the last 3 dims with its mirror image.

    Args:
        padding: a width for all sides, or (left, right, top, bottom, front, back).

    >>> import minicnn
    >>> ReflectionPad3d(1)(minicnn.zeros(1, 1, 2, 2, 2)).shape
    (1, 1, 4, 4, 4)
    """

    dims = 3
    mode = "reflect"


class ReplicationPad1d(Padding):
    """Surround the last 1 dim with its edge repeated.

    Args:
        padding: a width for all sides, or (left, right).

    >>> import minicnn
    >>> ReplicationPad1d(1)(minicnn.zeros(1, 1, 2)).shape
    (1, 1, 4)
    """

    dims = 1
    mode = "replicate"


class ReplicationPad2d(Padding):
    """Surround the last 2 dims with its edge repeated.

    Args:
        padding: a width for all sides, or (left, right, top, bottom).

    >>> import minicnn
    >>> ReplicationPad2d(1)(minicnn.zeros(1, 1, 2, 2)).shape
    (1, 1, 4, 4)
    """

    dims = 2
    mode = "replicate"


class ReplicationPad3d(Padding):
    """Surround the last 3 dims with its edge repeated.

    Args:
        padding: a width for all sides, or (left, right, top, bottom, front, back).

    >>> import minicnn
    >>> ReplicationPad3d(1)(minicnn.zeros(1, 1, 2, 2, 2)).shape
    (1, 1, 4, 4, 4)
    """

    dims = 3
    mode = "replicate"


class CircularPad1d(Padding):
    """Surround the last 1 dim with its other side.

    Args:
        padding: a width for all sides, or (left, right).

    >>> import minicnn
    >>> CircularPad1d(1)(minicnn.zeros(1, 1, 2)).shape
    (1, 1, 4)
    """

    dims = 1
    mode = "circular"


class CircularPad2d(Padding):
    """Surround the last 2 dims with its other side.

    Args:
        padding: a width for all sides, or (left, right, top, bottom).

    >>> import minicnn
    >>> CircularPad2d(1)(minicnn.zeros(1, 1, 2, 2)).shape
    (1, 1, 4, 4)
    """

    dims = 2
    mode = "circular"


class CircularPad3d(Padding):
    """Surround the last 3 dims with its other side.

    Args:
        padding: a width for all sides, or (left, right, top, bottom, front, back).

    >>> import minicnn
    >>> CircularPad3d(1)(minicnn.zeros(1, 1, 2, 2, 2)).shape
    (1, 1, 4, 4, 4)
    """

    dims = 3
    mode = "circular"
