"""Adaptive pooling layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicnn.nn import functional as F
from minicnn.nn.module import Module
from minicnn.tensor import Tensor


class AdaptiveAvgPool1d(Module):
    """Take the means of as many windows as asked for, whatever the input's size.

    Window i of OS along a dim of size S reaches from ⌊i · S / OS⌋ to ⌈(i + 1) · S / OS⌉.

    Shapes: input (N, C, L) or (C, L); output (N, C, OL).

    Args:
        output_size: OL.
    Raises:
        ParameterError: on calling it, a size is below 1.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.AdaptiveAvgPool1d(4)(minicnn.zeros(2, 3, 10)).shape
    (2, 3, 4)
    """

    def __init__(self, output_size: int | Sequence[int | None] | None) -> None:
        super().__init__()
        self.output_size: Any = output_size

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        return F.adaptive_avg_pool1d(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool2d(Module):
    """Take the means of as many windows as asked for, whatever the input's size.

    Window i of OS along a dim of size S reaches from ⌊i · S / OS⌋ to ⌈(i + 1) · S / OS⌉.

    Shapes: input (N, C, H, W) or (C, H, W); output (N, C, OH, OW).

    Args:
        output_size: OH and OW: a number, or two; None for the input's own.
    Raises:
        ParameterError: on calling it, a size is below 1.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.AdaptiveAvgPool2d(4)(minicnn.zeros(2, 3, 10, 9)).shape
    (2, 3, 4, 4)
    """

    def __init__(self, output_size: int | Sequence[int | None] | None) -> None:
        super().__init__()
        self.output_size: Any = output_size

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        return F.adaptive_avg_pool2d(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool3d(Module):
    """Take the means of as many windows as asked for, whatever the input's size.

    Window i of OS along a dim of size S reaches from ⌊i · S / OS⌋ to ⌈(i + 1) · S / OS⌉.

    Shapes: input (N, C, D, H, W) or (C, D, H, W); output (N, C, OD, OH, OW).

    Args:
        output_size: OD, OH and OW: a number, or three; None for the input's own.
    Raises:
        ParameterError: on calling it, a size is below 1.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.AdaptiveAvgPool3d(4)(minicnn.zeros(2, 3, 4, 5, 6)).shape
    (2, 3, 4, 4, 4)
    """

    def __init__(self, output_size: int | Sequence[int | None] | None) -> None:
        super().__init__()
        self.output_size: Any = output_size

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        return F.adaptive_avg_pool3d(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(Module):
    """Take the maxima of as many windows as asked for, whatever the input's size.

    Window i of OS along a dim of size S reaches from ⌊i · S / OS⌋ to ⌈(i + 1) · S / OS⌉.

    Shapes: input (N, C, L) or (C, L); output (N, C, OL).

    Args:
        output_size: OL.
        return_indices: return a pair: the maxima, and where each stands in its input, flattened.
    Raises:
        ParameterError: on calling it, a size is below 1.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.AdaptiveMaxPool1d(4)(minicnn.zeros(2, 3, 10)).shape
    (2, 3, 4)
    """

    def __init__(self, output_size: int | Sequence[int | None] | None, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size: Any = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        """Return the maxima, and their places where these are asked for."""
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool2d(Module):
    """Take the maxima of as many windows as asked for, whatever the input's size.

    Window i of OS along a dim of size S reaches from ⌊i · S / OS⌋ to ⌈(i + 1) · S / OS⌉.

    Shapes: input (N, C, H, W) or (C, H, W); output (N, C, OH, OW).

    Args:
        output_size: OH and OW: a number, or two; None for the input's own.
        return_indices: return a pair: the maxima, and where each stands in its input, flattened.
    Raises:
        ParameterError: on calling it, a size is below 1.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.AdaptiveMaxPool2d(4)(minicnn.zeros(2, 3, 10, 9)).shape
    (2, 3, 4, 4)
    """

    def __init__(self, output_size: int | Sequence[int | None] | None, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size: Any = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        """Return the maxima, and their places where these are asked for."""
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool3d(Module):
    """Take the maxima of as many windows as asked for, whatever the input's size.

    Window i of OS along a dim of size S reaches from ⌊i · S / OS⌋ to ⌈(i + 1) · S / OS⌉.

    Shapes: input (N, C, D, H, W) or (C, D, H, W); output (N, C, OD, OH, OW).

    Args:
        output_size: OD, OH and OW: a number, or three; None for the input's own.
        return_indices: return a pair: the maxima, and where each stands in its volume, flattened.
    Raises:
        ParameterError: on calling it, a size is below 1.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.AdaptiveMaxPool3d(4)(minicnn.zeros(2, 3, 4, 5, 6)).shape
    (2, 3, 4, 4, 4)
    """

    def __init__(self, output_size: int | Sequence[int | None] | None, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size: Any = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        """Return the maxima, and their places where these are asked for."""
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"
