"""Transposed convolution layers, and windows as columns: Unfold and Fold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicnn.errors import ParameterError, message
from minicnn.nn import functional as F
from minicnn.nn.conv import ConvNd
from minicnn.nn.module import Module
from minicnn.ops.fused.spatial import ints
from minicnn.tensor import Tensor


class ConvTransposeNd(ConvNd):
    """What the transposed convolution layers share, in any number of spatial dims."""

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        output_padding: int | Sequence[int] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | Sequence[int] = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ParameterError(
                message(
                    type(self).__name__,
                    f"padding_mode expects 'zeros', got {padding_mode!r}.",
                    "a transposed convolution leaves pixels out, it adds none",
                    "leave it out.",
                )
            )
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, "zeros", device, dtype
        )
        self.output_padding = ints(type(self).__name__, "output_padding", output_padding, self.dims, 0)

    def _output_padding(self, input: Tensor, output_size: Sequence[int] | None) -> tuple[int, ...]:
        """Return what is to be added after the end for the output to have the size asked for."""
        if output_size is None:
            return self.output_padding
        asked = tuple(output_size)[-self.dims :]
        padding: Any = self.padding
        geometry = zip(input.shape[-self.dims :], self.stride, padding, self.dilation, self.kernel_size, strict=True)
        least = tuple((size - 1) * s - 2 * p + d * (k - 1) + 1 for size, s, p, d, k in geometry)
        more = tuple(a - m for a, m in zip(asked, least, strict=False))
        if len(more) != self.dims or any(not 0 <= m < s for m, s in zip(more, self.stride, strict=True)):
            raise ParameterError(
                message(
                    type(self).__name__,
                    f"output_size expects at least {least}, and less than a stride more, got {asked}.",
                    f"input {tuple(input.shape)}, stride {self.stride}",
                    "ask for a size between.",
                )
            )
        return more


class ConvTranspose1d(ConvTransposeNd):
    """Let each element add its multiple of a kernel to the output: the transpose of a convolution.

    y[n, o, i·s + k·d − p] += w[c, o, k] · x[n, c, i], from y = b[o]

    Shapes: input (N, C, L) or (C, L), C = in_channels; weight (C, O/groups, K); bias (O,); output
    (N, O, OL), OL = (L − 1) · s − 2p + d · (K − 1) + op + 1.

    Weight and bias start uniform in ±1 / √(O/groups · K).

    Args:
        in_channels, out_channels: C and O.
        kernel_size: the kernel's size: a number, or one a dim.
        stride: s, steps of the output from one input element to the next.
        padding: p, elements left out around the output.
        output_padding: op, elements added after its end, fewer than stride or dilation.
        groups: in how many groups the channels are split.
        bias: whether b is there.
        dilation: d, steps from one kernel element to the next.
        padding_mode: "zeros" only.
        device, dtype: of the parameters; the defaults if None.
    Raises:
        ParameterError: a parameter out of range, or groups that do not divide the channels.
        ShapeError: on calling it, the input does not fit.
    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), relationship 14.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.ConvTranspose1d(3, 2, 4, stride=2, padding=1)(minicnn.zeros(4, 3, 8)).shape
    (4, 2, 16)
    """

    dims = 1

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Return the transposed convolution, of the size asked for where several are possible."""
        more = self._output_padding(input, output_size)
        padding: Any = self.padding
        return F.conv_transpose1d(
            input,
            self.weight,
            self.bias,
            self.stride,
            padding,
            more,
            self.groups,
            self.dilation,
        )


class ConvTranspose2d(ConvTransposeNd):
    """Let each pixel add its multiple of a kernel to the output: the transpose of a convolution.

    y[n, o, i·s + kh·d − p, j·s + kw·d − p] += w[c, o, kh, kw] · x[n, c, i, j], from y = b[o]

    Shapes: input (N, C, H, W) or (C, H, W), C = in_channels; weight (C, O/groups, KH, KW); bias (O,); output
    (N, O, OH, OW), OH = (H − 1) · s − 2p + d · (KH − 1) + op + 1.

    Weight and bias start uniform in ±1 / √(O/groups · KH · KW).

    Args:
        in_channels, out_channels: C and O.
        kernel_size: the kernel's size: a number, or one a dim.
        stride: s, steps of the output from one input element to the next.
        padding: p, elements left out around the output.
        output_padding: op, elements added after its end, fewer than stride or dilation.
        groups: in how many groups the channels are split.
        bias: whether b is there.
        dilation: d, steps from one kernel element to the next.
        padding_mode: "zeros" only.
        device, dtype: of the parameters; the defaults if None.
    Raises:
        ParameterError: a parameter out of range, or groups that do not divide the channels.
        ShapeError: on calling it, the input does not fit.
    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), relationship 14.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.ConvTranspose2d(3, 2, 4, stride=2, padding=1)(minicnn.zeros(4, 3, 8, 8)).shape
    (4, 2, 16, 16)
    """

    dims = 2

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Return the transposed convolution, of the size asked for where several are possible."""
        more = self._output_padding(input, output_size)
        padding: Any = self.padding
        return F.conv_transpose2d(
            input,
            self.weight,
            self.bias,
            self.stride,
            padding,
            more,
            self.groups,
            self.dilation,
        )


class ConvTranspose3d(ConvTransposeNd):
    """Let each voxel add its multiple of a kernel to the output: the transpose of a convolution.

    y[n, o, i·s + k·d − p] += w[c, o, k] · x[n, c, i], from y = b[o]; i and k with three indices each

    Shapes: input (N, C, D, H, W) or (C, D, H, W), C = in_channels; weight (C, O/groups, KD, KH, KW); bias (O,); output
    (N, O, OD, OH, OW), OD = (D − 1) · s − 2p + d · (KD − 1) + op + 1.

    Weight and bias start uniform in ±1 / √(O/groups · KD · KH · KW).

    Args:
        in_channels, out_channels: C and O.
        kernel_size: the kernel's size: a number, or one a dim.
        stride: s, steps of the output from one input element to the next.
        padding: p, elements left out around the output.
        output_padding: op, elements added after its end, fewer than stride or dilation.
        groups: in how many groups the channels are split.
        bias: whether b is there.
        dilation: d, steps from one kernel element to the next.
        padding_mode: "zeros" only.
        device, dtype: of the parameters; the defaults if None.
    Raises:
        ParameterError: a parameter out of range, or groups that do not divide the channels.
        ShapeError: on calling it, the input does not fit.
    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), relationship 14.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.ConvTranspose3d(3, 2, 4, stride=2, padding=1)(minicnn.zeros(1, 3, 2, 2, 2)).shape
    (1, 2, 4, 4, 4)
    """

    dims = 3

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Return the transposed convolution, of the size asked for where several are possible."""
        more = self._output_padding(input, output_size)
        padding: Any = self.padding
        return F.conv_transpose3d(
            input,
            self.weight,
            self.bias,
            self.stride,
            padding,
            more,
            self.groups,
            self.dilation,
        )


class Unfold(Module):
    """The windows of an image as columns; see `functional.unfold`.

    Shapes: input (N, C, H, W) or (C, H, W); output (N, C·KH·KW, L), L = OH · OW windows.

    Args:
        kernel_size: the window's size in pixels.
        dilation: pixels from one window element to the next.
        padding: zeros around the image.
        stride: pixels from one window to the next.

    >>> import minicnn
    >>> Unfold(2)(minicnn.zeros(1, 3, 4, 4)).shape
    (1, 12, 9)
    """

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        dilation: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        stride: int | Sequence[int] = 1,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """Return the windows."""
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Fold(Module):
    """Add columns up to an image; see `functional.fold`.

    Shapes: input (N, C·KH·KW, L) or (C·KH·KW, L); output (N, C, H, W), (H, W) = output_size.

    Args:
        output_size: H and W.
        kernel_size, dilation, padding, stride: as for `Unfold`.

    >>> import minicnn
    >>> Fold(4, 2)(minicnn.zeros(1, 12, 9)).shape
    (1, 3, 4, 4)
    """

    def __init__(
        self,
        output_size: int | Sequence[int],
        kernel_size: int | Sequence[int],
        dilation: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        stride: int | Sequence[int] = 1,
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """Return the image."""
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )
