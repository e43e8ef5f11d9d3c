"""Convolution layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicnn.errors import ParameterError, message
from minicnn.nn import functional as F
from minicnn.nn.linear import fan_init
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.ops.fused.spatial import ints, pads
from minicnn.tensor import Tensor
from minicnn.tensor.creation import empty

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class ConvNd(Module):
    """What the convolution layers share, in any number of spatial dims.

    Attributes:
        dims: how many spatial dims there are.
        transposed: whether its kernels map the output to the input.
        output_padding: what a transposed convolution adds after the end; all 0 otherwise.
    """

    dims: int
    transposed = False
    output_padding: tuple[int, ...] = ()

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | str = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        where, d = type(self).__name__, self.dims
        (self.in_channels,) = ints(where, "in_channels", in_channels, 1, 0)
        (self.out_channels,) = ints(where, "out_channels", out_channels, 1, 0)
        self.kernel_size = ints(where, "kernel_size", kernel_size, d, 1)
        self.stride = ints(where, "stride", stride, d, 1)
        self.dilation = ints(where, "dilation", dilation, d, 1)
        (self.groups,) = ints(where, "groups", groups, 1, 1)
        self.padding = padding if isinstance(padding, str) else ints(where, "padding", padding, d, 0)
        self.padding_mode = padding_mode
        pairs = pads(where, padding, self.kernel_size, self.stride, self.dilation)
        self._check()
        self._widths = [width for pair in reversed(pairs) for width in pair]  # as F.pad takes them: last dim first
        rows, columns = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        shape = (rows, columns // groups, *self.kernel_size)
        self.weight = Parameter(empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _check(self) -> None:
        channels = f"in_channels {self.in_channels}, out_channels {self.out_channels}"
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise ParameterError(
                message(
                    type(self).__name__,
                    f"groups must divide in_channels and out_channels, got {self.groups}.",
                    channels,
                    "choose a common divisor of both.",
                )
            )
        if self.padding_mode not in PADDING_MODES:
            raise ParameterError(
                message(
                    type(self).__name__,
                    f"padding_mode expects one of {', '.join(map(repr, PADDING_MODES))}, got {self.padding_mode!r}.",
                    channels,
                    "'zeros' is the default.",
                )
            )

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        fan_init(self.weight, self.bias)

    def _padded(self, input: Tensor) -> tuple[Tensor, Any]:
        """Return the input, and the padding that is left to the convolution."""
        if self.padding_mode == "zeros":
            return input, self.padding
        return F.pad(input, self._widths, mode=self.padding_mode), 0

    def extra_repr(self) -> str:
        ones = (1,) * self.dims
        shown = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0,) * self.dims:
            shown += f", padding={self.padding}"
        if self.dilation != ones:
            shown += f", dilation={self.dilation}"
        if any(self.output_padding):
            shown += f", output_padding={self.output_padding}"
        if self.groups != 1:
            shown += f", groups={self.groups}"
        if self.bias is None:
            shown += ", bias=False"
        if self.padding_mode != "zeros":
            shown += f", padding_mode={self.padding_mode}"
        return shown


class Conv1d(ConvNd):
    """Slide kernels over sequences and sum the products at each place.

    y[n, o, i] = b[o] + Σ_c Σ_k w[o, c, k] · x[n, c, i·s + k·d − p]

    Shapes: input (N, C, L) or (C, L), C = in_channels; weight (O, C/groups, K); bias (O,); output (N, O, OL),
    OL = ⌊(L + 2p − d·(K − 1) − 1) / s⌋ + 1.

    Weight and bias start uniform in ±1 / √(C/groups · K).

    Args:
        in_channels, out_channels: C and O.
        kernel_size: K, in elements.
        stride: s, elements from one window to the next.
        padding: p, elements around the sequence; "valid" for none, "same" for an output of the input's length.
        dilation: d, elements from one kernel element to the next.
        groups: in how many groups the channels are split, each with kernels of its own.
        bias: whether b is there.
        padding_mode: what the border holds: "zeros"; "reflect", the sequence mirrored; "replicate", its edge;
            "circular", its other side.
        device, dtype: of the parameters; the defaults if None.
    Raises:
        ParameterError: a parameter out of range, or groups that do not divide the channels.
        ShapeError: on calling it, the input does not fit.
    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), relationship 14.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.Conv1d(3, 16, 3, stride=2, padding=1)(minicnn.zeros(4, 3, 32)).shape
    (4, 16, 16)
    """

    dims = 1

    def forward(self, input: Tensor) -> Tensor:
        """Return the convolution with the layer's kernels."""
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        input, padding = self._padded(input)
        return F.conv1d(input, weight, bias, self.stride, padding, self.dilation, self.groups)


class Conv2d(ConvNd):
    """Slide kernels over images and sum the products at each place.

    y[n, o, i, j] = b[o] + Σ_c Σ_kh Σ_kw w[o, c, kh, kw] · x[n, c, i·s + kh·d − p, j·s + kw·d − p]

    Shapes: input (N, C, H, W) or (C, H, W), C = in_channels; weight (O, C/groups, KH, KW); bias (O,); output
    (N, O, OH, OW), OH = ⌊(H + 2p − d·(KH − 1) − 1) / s⌋ + 1.

    Weight and bias start uniform in ±1 / √(C/groups · KH · KW).

    Args:
        in_channels, out_channels: C and O.
        kernel_size: KH and KW in pixels: a number, or two.
        stride: s, pixels from one window to the next.
        padding: p, pixels around the image; "valid" for none, "same" for an output of the input's size.
        dilation: d, pixels from one kernel element to the next.
        groups: in how many groups the channels are split, each with kernels of its own.
        bias: whether b is there.
        padding_mode: what the border holds: "zeros"; "reflect", the image mirrored; "replicate", its edge;
            "circular", its other side.
        device, dtype: of the parameters; the defaults if None.
    Raises:
        ParameterError: a parameter out of range, or groups that do not divide the channels.
        ShapeError: on calling it, the input does not fit.
    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), relationship 14.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.Conv2d(3, 16, 3, stride=2, padding=1)(minicnn.zeros(4, 3, 32, 32)).shape
    (4, 16, 16, 16)
    """

    dims = 2

    def forward(self, input: Tensor) -> Tensor:
        """Return the convolution with the layer's kernels."""
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        input, padding = self._padded(input)
        return F.conv2d(input, weight, bias, self.stride, padding, self.dilation, self.groups)


class Conv3d(ConvNd):
    """Slide kernels over volumes and sum the products at each place.

    y[n, o, i] = b[o] + Σ_c Σ_k w[o, c, k] · x[n, c, i·s + k·d − p], i and k with three indices each

    Shapes: input (N, C, D, H, W) or (C, D, H, W), C = in_channels; weight (O, C/groups, KD, KH, KW); bias (O,);
    output (N, O, OD, OH, OW), OD = ⌊(D + 2p − d·(KD − 1) − 1) / s⌋ + 1.

    Weight and bias start uniform in ±1 / √(C/groups · KD · KH · KW).

    Args:
        in_channels, out_channels: C and O.
        kernel_size: KD, KH and KW: a number, or three.
        stride: s, voxels from one window to the next.
        padding: p, voxels around the volume; "valid" for none, "same" for an output of the input's size.
        dilation: d, voxels from one kernel element to the next.
        groups: in how many groups the channels are split, each with kernels of its own.
        bias: whether b is there.
        padding_mode: what the border holds: "zeros"; "reflect", the volume mirrored; "replicate", its edge;
            "circular", its other side.
        device, dtype: of the parameters; the defaults if None.
    Raises:
        ParameterError: a parameter out of range, or groups that do not divide the channels.
        ShapeError: on calling it, the input does not fit.
    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), relationship 14.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.Conv3d(3, 16, 3, stride=2, padding=1)(minicnn.zeros(2, 3, 4, 8, 8)).shape
    (2, 16, 2, 4, 4)
    """

    dims = 3

    def forward(self, input: Tensor) -> Tensor:
        """Return the convolution with the layer's kernels."""
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        input, padding = self._padded(input)
        return F.conv3d(input, weight, bias, self.stride, padding, self.dilation, self.groups)
