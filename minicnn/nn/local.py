"""Layers of two inputs, of neighbouring channels, and of places with weights of their own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from minicnn.errors import ParameterError, message
from minicnn.nn import functional as F
from minicnn.nn import init
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.ops.fused.spatial import ints, output_sizes
from minicnn.tensor import Tensor
from minicnn.tensor.creation import empty

Sizes = int | Sequence[int]


def _draw(bound: float, *tensors: Tensor | None) -> None:
    """Fill the parameters with uniform numbers in ±bound."""
    for x in tensors:
        if x is not None:
            init.uniform_(x, -bound, bound)


class Bilinear(Module):
    """The bilinear map of two vectors: y[o] = Σ over i, j of a[i] · w[o, i, j] · b[j] + c[o].

    Shapes: input1 (*, in1_features), input2 (*, in2_features); weight (out_features, in1_features, in2_features);
    bias (out_features,); output (*, out_features).

    Weight and bias start uniform in ±1 / √in1_features.

    Args:
        in1_features, in2_features: the sizes of the inputs' last dims.
        out_features: the size of the output's.
        bias: whether c is there.
        device, dtype: of the parameters; the defaults if None.
    Raises:
        ParameterError: in1_features is below 1.
        ShapeError: on calling it, the inputs do not fit.

    >>> import minicnn
    >>> Bilinear(20, 30, 40)(minicnn.zeros(128, 20), minicnn.zeros(128, 30)).shape
    (128, 40)
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if in1_features <= 0:
            raise ParameterError(
                message("Bilinear", f"in1_features must be above 0, got {in1_features}.", "1 / √in1_features", "use 1.")
            )
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        self.weight = Parameter(empty(out_features, in1_features, in2_features, device=device, dtype=dtype))
        self.bias: Tensor | None
        self.register_parameter("bias", Parameter(empty(out_features, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        _draw(1 / math.sqrt(self.in1_features), self.weight, self.bias)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        """Return the map of both."""
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """Divide by the squares of neighbouring channels: y[c] = x[c] · (k + α/n · Σ over c′ near c of x[c′]²)^(−β).

    Shapes: input and output (N, C, *), at least 3 dims.

    Args:
        size: n, how many channels.
        alpha, beta, k: α, β and k.
    Raises:
        ParameterError: on calling it, fewer than 3 dims.
    Source: Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep CNNs" (2012), section 3.3.

    >>> import minicnn
    >>> LocalResponseNorm(2)(minicnn.zeros(2, 5, 3, 3)).shape
    (2, 5, 3, 3)
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        """Return the input normalized."""
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class LocallyConnected2d(Module):
    """A convolution with weights of its own at each place; minicnn's own (Keras had it), PyTorch has no such layer.

    y[n, o, i, j] = b[o, i, j] + Σ over c, kh, kw of w[i, j, o, c, kh, kw] · x[n, c, i·s + kh·d − p, j·s + kw·d − p]

    Shapes: input (N, C, H, W) or (C, H, W), (H, W) = input_size; weight (OH, OW, O, C, KH, KW); bias (O, OH, OW);
    output (N, O, OH, OW), OH = ⌊(H + 2p − d·(KH − 1) − 1) / s⌋ + 1.

    Weight and bias start uniform in ±1 / √(C·KH·KW), as a convolution's.

    Args:
        in_channels, out_channels: C and O.
        input_size: H and W: a number, or two; the layer is for images of this size alone.
        kernel_size: KH and KW.
        stride, padding, dilation: s, p (zeros around the image) and d.
        bias: whether b is there.
        device, dtype: of the parameters; the defaults if None.
    Raises:
        ParameterError: a parameter out of range.
        ShapeError: the kernel is larger than the image; on calling it, an image of another size.
    Source: Taigman et al., "DeepFace" (2014), section 3.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.LocallyConnected2d(3, 8, 32, 5, stride=2)(minicnn.zeros(4, 3, 32, 32)).shape
    (4, 8, 14, 14)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        input_size: Sizes,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        where = type(self).__name__
        (self.in_channels,) = ints(where, "in_channels", in_channels, 1, 1)
        (self.out_channels,) = ints(where, "out_channels", out_channels, 1, 1)
        self.input_size = ints(where, "input_size", input_size, 2, 1)
        self.kernel_size = ints(where, "kernel_size", kernel_size, 2, 1)
        self.stride = ints(where, "stride", stride, 2, 1)
        self.padding = ints(where, "padding", padding, 2, 0)
        self.dilation = ints(where, "dilation", dilation, 2, 1)
        pairs = tuple((p, p) for p in self.padding)
        out = output_sizes(where, self.input_size, self.kernel_size, self.stride, pairs, self.dilation)
        place = {"device": device, "dtype": dtype}
        self.weight = Parameter(empty(*out, out_channels, in_channels, *self.kernel_size, **place))
        self.bias: Tensor | None
        self.register_parameter("bias", Parameter(empty(out_channels, *out, **place)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        _draw(1 / math.sqrt(math.prod((self.in_channels, *self.kernel_size))), self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Return the image, each place by its own kernel."""
        return F.locally_connected2d(input, self.weight, self.bias, self.stride, self.padding, self.dilation)

    def extra_repr(self) -> str:
        return (
            f"{self.in_channels}, {self.out_channels}, input_size={self.input_size}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}, padding={self.padding}, dilation={self.dilation}, bias={self.bias is not None}"
        )
