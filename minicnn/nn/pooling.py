"""Pooling layers: MaxPool, AvgPool and LPPool in 1, 2 and 3 dims."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from minicnn.nn import functional as F
from minicnn.nn.module import Module
from minicnn.tensor import Tensor


class _MaxPool(Module):
    """What the three have in common: all but the function they call."""

    function: ClassVar[Callable[..., Any]]

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
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        """Return the maxima, and their places where these are asked for."""
        return self.function(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """Take the largest value of each window.

    y[n, c, i] = max over k of x[n, c, i·s + k·d − p]

    Shapes: input (N, C, L) or (C, L); output (N, C, OL), OL = ⌊(L + 2p − d·(K − 1) − 1) / s⌋ + 1.

    Args:
        kernel_size: the window's size in elements: a number.
        stride: s, elements from one window to the next; the kernel's size if None.
        padding: p, elements of −∞ around the sequence, at most half the kernel.
        dilation: d, elements from one window element to the next.
        return_indices: return a pair: the maxima, and where each stands in its sequence, flattened.
        ceil_mode: round the output's size up.
    Raises:
        ParameterError: on calling it, a parameter is out of range.
        ShapeError: on calling it, the window is larger than the padded input.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.MaxPool1d(2)(minicnn.zeros(4, 3, 32)).shape
    (4, 3, 16)
    """

    function = staticmethod(F.max_pool1d)


class MaxPool2d(_MaxPool):
    """Take the largest value of each window.

    y[n, c, i, j] = max over kh, kw of x[n, c, i·s + kh·d − p, j·s + kw·d − p]

    Shapes: input (N, C, H, W) or (C, H, W); output (N, C, OH, OW), OH = ⌊(H + 2p − d·(KH − 1) − 1) / s⌋ + 1.

    Args:
        kernel_size: the window's size in pixels: a number, or two.
        stride: s, pixels from one window to the next; the kernel's size if None.
        padding: p, pixels of −∞ around the image, at most half the kernel.
        dilation: d, pixels from one window element to the next.
        return_indices: return a pair: the maxima, and where each stands in its image, flattened.
        ceil_mode: round the output's size up.
    Raises:
        ParameterError: on calling it, a parameter is out of range.
        ShapeError: on calling it, the window is larger than the padded input.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.MaxPool2d(2)(minicnn.zeros(4, 3, 32, 32)).shape
    (4, 3, 16, 16)
    """

    function = staticmethod(F.max_pool2d)


class MaxPool3d(_MaxPool):
    """Take the largest value of each window.

    y[n, c, i] = max over k of x[n, c, i·s + k·d − p], i and k with three indices each

    Shapes: input (N, C, D, H, W) or (C, D, H, W); output (N, C, OD, OH, OW), OD = ⌊(D + 2p − d·(KD − 1) − 1) / s⌋ + 1.

    Args:
        kernel_size: the window's size in elements: a number, or three.
        stride: s, elements from one window to the next; the kernel's size if None.
        padding: p, elements of −∞ around the volume, at most half the kernel.
        dilation: d, elements from one window element to the next.
        return_indices: return a pair: the maxima, and where each stands in its volume, flattened.
        ceil_mode: round the output's size up.
    Raises:
        ParameterError: on calling it, a parameter is out of range.
        ShapeError: on calling it, the window is larger than the padded input.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.MaxPool3d(2)(minicnn.zeros(1, 3, 8, 8, 8)).shape
    (1, 3, 4, 4, 4)
    """

    function = staticmethod(F.max_pool3d)


class AvgPool1d(Module):
    """Take the mean of each window.

    y[n, c, i] = 1 / K · Σ_k x[n, c, i·s + k − p]

    Shapes: input (N, C, L) or (C, L); output (N, C, OL), OL = ⌊(L + 2p − K) / s⌋ + 1.

    Args:
        kernel_size: the window's size in elements: a number.
        stride: s, elements from one window to the next; the kernel's size if None.
        padding: p, zeros around the sequence in elements, at most half the kernel.
        ceil_mode: round the output's size up.
        count_include_pad: whether padding counts as elements of the mean.
    Raises:
        ParameterError: on calling it, a parameter is out of range.
        ShapeError: on calling it, the window is larger than the padded input.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.AvgPool1d(2)(minicnn.zeros(4, 3, 32)).shape
    (4, 3, 16)
    """

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = _one(kernel_size)
        self.stride = _one(kernel_size if stride is None else stride)
        self.padding = _one(padding)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        return F.avg_pool1d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPool(Module):
    """What the two have in common: all but the function they call."""

    function: ClassVar[Callable[..., Tensor]]

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
        return self.function(
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


class AvgPool2d(_AvgPool):
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

    function = staticmethod(F.avg_pool2d)


class AvgPool3d(_AvgPool):
    """Take the mean of each window.

    y[n, c, i] = 1 / K · Σ_k x[n, c, i·s + k − p], i and k with three indices each

    Shapes: input (N, C, D, H, W) or (C, D, H, W); output (N, C, OD, OH, OW), OD = ⌊(D + 2p − KD) / s⌋ + 1.

    Args:
        kernel_size: the window's size in elements: a number, or three.
        stride: s, elements from one window to the next; the kernel's size if None.
        padding: p, zeros around the volume in elements, at most half the kernel.
        ceil_mode: round the output's size up.
        count_include_pad: whether padding counts as elements of the mean.
        divisor_override: what to divide by instead of the count.
    Raises:
        ParameterError: on calling it, a parameter is out of range.
        ShapeError: on calling it, the window is larger than the padded input.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.AvgPool3d(2)(minicnn.zeros(1, 3, 8, 8, 8)).shape
    (1, 3, 4, 4, 4)
    """

    function = staticmethod(F.avg_pool3d)


def _one(value: int | Sequence[int]) -> tuple[int, ...]:
    """Return a number as a tuple, as PyTorch's AvgPool1d keeps it."""
    return (value,) if isinstance(value, int) else tuple(value)


class _LPPool(Module):
    """What the three have in common: all but the function they call."""

    function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        norm_type: float,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        """Return the norm of each window."""
        return self.function(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}, ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """Take the p-norm of each window: y[n, c, i] = (Σ_k x[n, c, i·s + k]ᵖ)^(1/p).

    Shapes: input (N, C, L) or (C, L); output (N, C, OL), OL = ⌊(L − K) / s⌋ + 1.

    Args:
        norm_type: p.
        kernel_size: the window's size in elements.
        stride: s; the kernel's size if None.
        ceil_mode: round the output's size up.

    >>> import minicnn
    >>> LPPool1d(2, 2)(minicnn.tensor([[[3.0, 4.0]]]))
    tensor([[[5.]]])
    """

    function = staticmethod(F.lp_pool1d)


class LPPool2d(_LPPool):
    """Take the p-norm of each window: y[n, c, i, j] = (Σ over kh, kw of x[n, c, i·s + kh, j·s + kw]ᵖ)^(1/p).

    Shapes: input (N, C, H, W) or (C, H, W); output (N, C, OH, OW), OH = ⌊(H − KH) / s⌋ + 1.

    Args:
        norm_type: p.
        kernel_size: the window's size in pixels: a number, or two.
        stride: s; the kernel's size if None.
        ceil_mode: round the output's size up.

    >>> import minicnn
    >>> LPPool2d(2, 2)(minicnn.ones(1, 1, 4, 4)).flatten()
    tensor([2., 2., 2., 2.])
    """

    function = staticmethod(F.lp_pool2d)


class LPPool3d(_LPPool):
    """Take the p-norm of each window: y[n, c, i] = (Σ_k x[n, c, i·s + k]ᵖ)^(1/p), i and k with three indices each.

    Shapes: input (N, C, D, H, W) or (C, D, H, W); output (N, C, OD, OH, OW), OD = ⌊(D − KD) / s⌋ + 1.

    Args:
        norm_type: p.
        kernel_size: the window's size in voxels: a number, or three.
        stride: s; the kernel's size if None.
        ceil_mode: round the output's size up.

    >>> import minicnn
    >>> LPPool3d(2, (2, 2, 1))(minicnn.ones(1, 1, 2, 2, 1)).flatten()
    tensor([2.])
    """

    function = staticmethod(F.lp_pool3d)
