"""Layers that map or reshape features: Linear, Identity, Flatten, Unflatten."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from minicnn.errors import ArgumentTypeError, IndexRangeError, ParameterError, ShapeError, message
from minicnn.nn import functional as F
from minicnn.nn import init
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.tensor import Tensor
from minicnn.tensor.creation import empty


class Identity(Module):
    """Return the input as it is: y = x.

    Args:
        args, kwargs: accepted and ignored, so that it can stand in the place of any layer.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.Identity()(minicnn.ones(2))
    tensor([1., 1.])
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        """Return the input."""
        return input


class Linear(Module):
    """The linear map of the last dim: y = x Wᵀ + b.

    Shapes: input (*, in_features); weight (out_features, in_features); bias (out_features,); output (*, out_features).

    Weight and bias start uniform in ±1 / √in_features.

    Args:
        in_features: the size of the input's last dim.
        out_features: the size of the output's.
        bias: whether b is there.
        device, dtype: of the parameters; the defaults if None.
    Raises:
        ParameterError: a size is negative.
        ShapeError: on calling it, the input's last dim is not in_features.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.Linear(20, 30)(minicnn.zeros(128, 20)).shape
    (128, 30)
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(empty(out_features, in_features, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        fan_init(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Return x Wᵀ + b."""
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


def fan_init(weight: Tensor, bias: Tensor | None) -> None:
    """Fill both with uniform numbers in ±1 / √fan_in: PyTorch's default for linear and convolution layers.

    Source: LeCun et al., "Efficient BackProp" (1998), section 4.6, with a third of its variance.
    """
    if not weight.numel():  # in_features=0: nothing is summed, and PyTorch leaves the bias at 0
        if bias is not None:
            init.zeros_(bias)
        return
    init.kaiming_uniform_(weight, a=math.sqrt(5))
    if bias is not None:
        fan_in, _ = init._calculate_fan_in_and_fan_out(weight)
        init.uniform_(bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))


class Flatten(Module):
    """Make the dims from start_dim to end_dim one.

    Shapes: (N, C, H, W) gives (N, C·H·W) by default.

    Args:
        start_dim: the first of them; 1 leaves the batch dim.
        end_dim: the last of them.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.Flatten()(minicnn.zeros(2, 3, 4, 4)).shape
    (2, 48)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the flattened input."""
        return F.flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Split one dim into several.

    Shapes: (N, C·H·W) gives (N, C, H, W) with dim=1 and unflattened_size=(C, H, W).

    Args:
        dim: the dim to split.
        unflattened_size: the sizes to split it into; one may be −1, for what is left.
    Raises:
        ArgumentTypeError: the sizes are no tuple or list of ints.
        ShapeError: on calling it, the sizes do not multiply to the dim's.
        IndexRangeError: on calling it, there is no such dim.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.Unflatten(1, (3, 4, -1))(minicnn.zeros(2, 48)).shape
    (2, 3, 4, 4)
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        if not isinstance(unflattened_size, (tuple, list)) or not all(isinstance(s, int) for s in unflattened_size):
            raise ArgumentTypeError(
                message(
                    "Unflatten",
                    f"unflattened_size expects a tuple of ints, got {type(unflattened_size).__name__}.",
                    f"unflattened_size = {unflattened_size!r}",
                    "write Unflatten(1, (3, 4)), for example.",
                )
            )
        if sum(s == -1 for s in unflattened_size) > 1 or any(s < -1 for s in unflattened_size):
            raise ParameterError(
                message(
                    "Unflatten",
                    f"sizes expect 0 or more, and -1 once, got {tuple(unflattened_size)}.",
                    "-1 stands for what is left",
                    "give the others as numbers.",
                )
            )
        self.dim = dim
        self.unflattened_size = tuple(unflattened_size)

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with the dim split."""
        shape = tuple(input.shape)
        if not -len(shape) <= self.dim < len(shape):
            raise IndexRangeError(
                message("Unflatten", f"dim {self.dim} is out of range.", f"input {shape}", "use a dim it has.")
            )
        dim = self.dim % len(shape)
        sizes = self.unflattened_size
        known = math.prod(s for s in sizes if s != -1)
        if -1 in sizes and known:
            sizes = tuple(shape[dim] // known if s == -1 else s for s in sizes)
        if math.prod(sizes) != shape[dim]:
            raise ShapeError(
                message(
                    "Unflatten",
                    f"sizes {list(self.unflattened_size)} don't multiply up to the size of dim {dim} ({shape[dim]}).",
                    f"input {shape}",
                    f"give sizes whose product is {shape[dim]}.",
                )
            )
        return input.reshape(*shape[:dim], *sizes, *shape[dim + 1 :])

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
