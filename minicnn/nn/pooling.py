"""Pooling layers: MaxPool2d, AvgPool2d."""

from __future__ import annotations

from collections.abc import Sequence

from minicnn.errors import ParameterError, message
from minicnn.nn import functional as F
from minicnn.nn.module import Module
from minicnn.tensor import Tensor


class MaxPool2d(Module):
    """Take the largest value of each window.

    y[n, c, i, j] = max over kh, kw of x[n, c, i·s + kh·d − p, j·s + kw·d − p]

    Shapes: input (N, C, H, W) or (C, H, W); output (N, C, OH, OW), OH = ⌊(H + 2p − d·(KH − 1) − 1) / s⌋ + 1.

    Args:
        kernel_size: the window's size in pixels: a number, or two.
        stride: s, pixels from one window to the next; the kernel's size if None.
        padding: p, pixels of −∞ around the image, at most half the kernel.
        dilation: d, pixels from one window element to the next.
        return_indices: False only: minicnn does not give the places of the maxima.
        ceil_mode: round the output's size up.
    Raises:
        ParameterError: return_indices is set; on calling it, a parameter is out of range.
        ShapeError: on calling it, the window is larger than the padded input.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.MaxPool2d(2)(minicnn.zeros(4, 3, 32, 32)).shape
    (4, 3, 16, 16)
    """

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        if return_indices:
            raise ParameterError(
                message(
                    "MaxPool2d",
                    "return_indices=True is not offered.",
                    f"kernel_size {kernel_size}",
                    "leave it out; argmax over strided windows gives the places.",
                )
            )
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        """Return the maxima."""
        return F.max_pool2d(input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class AvgPool2d(Module):
    """Take the mean of each window.

    y[n, c, i, j] = 1 / (KH·KW) · Σ_kh Σ_kw x[n, c, i·s + kh − p, j·s + kw − p]

    Shapes: input (N, C, H, W) or (C, H, W); output (N, C, OH, OW), OH = ⌊(H + 2p − KH) / s⌋ + 1.

    Args:
        kernel_size: the window's size in pixels: a number, or two.
        stride: s, pixels from one window to the next; the kernel's size if None.
        padding: p, zeros around the image in pixels, at most half the kernel.
        ceil_mode: round the output's size up.
        count_include_pad: whether padding counts as elements of the mean.
        divisor_override: what to divide by instead of the count.
    Raises:
        ParameterError: on calling it, a parameter is out of range.
        ShapeError: on calling it, the window is larger than the padded input.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.AvgPool2d(2)(minicnn.zeros(4, 3, 32, 32)).shape
    (4, 3, 16, 16)
    """

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        return F.avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
