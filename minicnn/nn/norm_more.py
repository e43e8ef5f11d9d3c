"""Normalization by instance, by group and by the root mean square, and batch normalization of volumes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicnn.errors import ParameterError, message
from minicnn.nn import functional as F
from minicnn.nn import init
from minicnn.nn.module import Module
from minicnn.nn.norm import BatchNorm
from minicnn.nn.parameter import Parameter
from minicnn.tensor import Tensor
from minicnn.tensor.creation import empty


class BatchNorm3d(BatchNorm):
    """Normalize each channel over the batch and its voxels; as `BatchNorm2d`.

    y = γ · (x − mean) / √(var + eps) + β

    Shapes: input and output (N, C, D, H, W).

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.BatchNorm3d(3)(minicnn.zeros(2, 3, 2, 2, 2)).shape
    (2, 3, 2, 2, 2)
    """

    ranks = (5,)
    letters = "(N, C, D, H, W)"


class InstanceNorm(BatchNorm):
    """What the instance normalization layers share; ``ranks`` are those without a batch, and with one."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """Return the input normalized; in training, take the batch into the running statistics."""
        if input.ndim not in self.ranks:
            raise ParameterError(
                message(
                    type(self).__name__,
                    f"expected {self.ranks[1]}D or {self.ranks[0]}D input {self.letters}, got {input.ndim}D.",
                    f"input {tuple(input.shape)}",
                    "use the layer for that number of dims.",
                )
            )
        x = input.unsqueeze(0) if input.ndim == self.ranks[0] else input
        own = self.training or not self.track_running_stats
        y = F.instance_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, own, self.momentum or 0.0, self.eps
        )
        return y.squeeze(0) if x is not input else y


class InstanceNorm1d(InstanceNorm):
    """Normalize each channel of each sample over its spatial dims.

    y = γ · (x − mean) / √(var + eps) + β

    Shapes: input and output (N, C, L) or (C, L); γ (weight), β (bias), running_mean and running_var (C,).

    Args:
        num_features: C.
        eps: added to the variance.
        momentum: running = (1 − momentum) · running + momentum · batch.
        affine: whether γ and β are there; they start at 1 and 0.
        track_running_stats: whether running statistics are kept, and used in evaluation.
        device, dtype: of parameters and statistics; the defaults if None.
        bias: whether β is there.
    Source: Ulyanov, Vedaldi and Lempitsky, "Instance Normalization" (2016), equation 3.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.InstanceNorm1d(3)(minicnn.zeros(2, 3, 4)).shape
    (2, 3, 4)
    """

    ranks = (2, 3)
    letters = "(N, C, L)"


class InstanceNorm2d(InstanceNorm):
    """Normalize each channel of each sample over its spatial dims.

    y = γ · (x − mean) / √(var + eps) + β

    Shapes: input and output (N, C, H, W) or (C, H, W); γ (weight), β (bias), running_mean and running_var (C,).

    Args:
        num_features: C.
        eps: added to the variance.
        momentum: running = (1 − momentum) · running + momentum · batch.
        affine: whether γ and β are there; they start at 1 and 0.
        track_running_stats: whether running statistics are kept, and used in evaluation.
        device, dtype: of parameters and statistics; the defaults if None.
        bias: whether β is there.
    Source: Ulyanov, Vedaldi and Lempitsky, "Instance Normalization" (2016), equation 3.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.InstanceNorm2d(3)(minicnn.zeros(2, 3, 4, 4)).shape
    (2, 3, 4, 4)
    """

    ranks = (3, 4)
    letters = "(N, C, H, W)"


class InstanceNorm3d(InstanceNorm):
    """Normalize each channel of each sample over its spatial dims.

    y = γ · (x − mean) / √(var + eps) + β

    Shapes: input and output (N, C, D, H, W) or (C, D, H, W); γ (weight), β (bias), running_mean and running_var (C,).

    Args:
        num_features: C.
        eps: added to the variance.
        momentum: running = (1 − momentum) · running + momentum · batch.
        affine: whether γ and β are there; they start at 1 and 0.
        track_running_stats: whether running statistics are kept, and used in evaluation.
        device, dtype: of parameters and statistics; the defaults if None.
        bias: whether β is there.
    Source: Ulyanov, Vedaldi and Lempitsky, "Instance Normalization" (2016), equation 3.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.InstanceNorm3d(3)(minicnn.zeros(2, 3, 2, 4, 4)).shape
    (2, 3, 2, 4, 4)
    """

    ranks = (4, 5)
    letters = "(N, C, D, H, W)"


class GroupNorm(Module):
    """Normalize each group of channels of each sample: y = γ · (x − mean) / √(var + eps) + β.

    Shapes: input and output (N, C, *), C = num_channels; γ (weight) and β (bias): (C,).

    Args:
        num_groups: how many groups; it divides C.
        num_channels: C.
        eps: added to the variance.
        affine: whether γ and β are there; they start at 1 and 0.
        device, dtype: of the parameters; the defaults if None.
        bias: whether β is there.
    Raises:
        ParameterError: num_groups does not divide num_channels.
    Source: Wu and He, "Group Normalization" (2018), equation 7.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.GroupNorm(2, 4)(minicnn.zeros(2, 4, 3)).shape
    (2, 4, 3)
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ParameterError(
                message(
                    "GroupNorm",
                    f"num_groups must divide num_channels, got {num_groups}.",
                    f"num_channels {num_channels}",
                    "choose a divisor.",
                )
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        place = {"device": device, "dtype": dtype}
        self.weight: Tensor | None
        self.bias: Tensor | None
        self.register_parameter("weight", Parameter(empty(num_channels, **place)) if affine else None)
        self.register_parameter("bias", Parameter(empty(num_channels, **place)) if affine and bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set γ to 1 and β to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Return the input normalized."""
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """Divide each sample by the root of its mean square: y = γ · x / √(mean(x²) + eps), over the last dims.

    Shapes: input and output (*, normalized_shape); γ (weight): normalized_shape.

    Args:
        normalized_shape: the sizes of the last dims: a number, or several.
        eps: added to the mean square; the dtype's epsilon if None.
        elementwise_affine: whether γ is there; it starts at 1.
        device, dtype: of the parameter; the defaults if None.
    Source: Zhang and Sennrich, "Root Mean Square Layer Normalization" (2019), equation 4.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.RMSNorm(2)(minicnn.tensor([[1.0, 7.0]])).detach()
    tensor([[0.2000, 1.4000]])
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape = shape
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.weight: Tensor | None
        place = {"device": device, "dtype": dtype}
        self.register_parameter("weight", Parameter(empty(shape, **place)) if elementwise_affine else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set γ to 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        """Return the input normalized."""
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
