"""Lazy layers: the number of inputs is taken from the first one; then they turn into the plain layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicnn.nn.conv import Conv2d
from minicnn.nn.linear import Linear
from minicnn.nn.module import Module
from minicnn.nn.norm import BatchNorm1d, BatchNorm2d
from minicnn.tensor import Tensor
from minicnn.tensor.creation import empty


def _become(layer: Any, plain: type[Module], shapes: dict[str, tuple[int, ...]]) -> None:
    """Give the parameters their shapes, which an optimizer that holds them sees too, and draw their values."""
    for name, shape in shapes.items():
        old = getattr(layer, name)
        if old is not None:
            old.data = empty(shape, dtype=old.dtype, device=old.device)
    layer.__class__ = plain
    layer.reset_parameters()


class LazyLinear(Linear):
    """`Linear` with in_features taken from the first input; give the network one before its weights are used.

    >>> import minicnn
    >>> from minicnn import nn
    >>> layer = nn.LazyLinear(3)
    >>> layer(minicnn.zeros(2, 5)).shape, layer
    ((2, 3), Linear(in_features=5, out_features=3, bias=True))
    """

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(0, out_features, bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        """Take the input's last size, and go on as `Linear`."""
        self.in_features = input.shape[-1]
        _become(self, Linear, {"weight": (self.out_features, self.in_features)})
        return self.forward(input)


class LazyConv2d(Conv2d):
    """`Conv2d` with in_channels taken from the first input; give the network one before its weights are used.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.LazyConv2d(4, 3)(minicnn.zeros(1, 2, 5, 5)).shape
    (1, 4, 3, 3)
    """

    def __init__(
        self,
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
        super().__init__(
            0, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype
        )

    def forward(self, input: Tensor) -> Tensor:
        """Take the input's number of channels, and go on as `Conv2d`."""
        self.in_channels = input.shape[-3]
        self._check()
        shape = (self.out_channels, self.in_channels // self.groups, *self.kernel_size)
        _become(self, Conv2d, {"weight": shape})
        return self.forward(input)


def _batch_norm_shapes(layer: Any, input: Tensor) -> dict[str, tuple[int, ...]]:
    layer.num_features = input.shape[1]
    return dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (layer.num_features,))


class LazyBatchNorm1d(BatchNorm1d):
    """`BatchNorm1d` with num_features taken from the first input.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.LazyBatchNorm1d()(minicnn.zeros(4, 2)).shape
    (4, 2)
    """

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """Take the input's number of channels, and go on as `BatchNorm1d`."""
        _become(self, BatchNorm1d, _batch_norm_shapes(self, input))
        return self.forward(input)


class LazyBatchNorm2d(BatchNorm2d):
    """`BatchNorm2d` with num_features taken from the first input.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.LazyBatchNorm2d()(minicnn.zeros(1, 2, 3, 3)).shape
    (1, 2, 3, 3)
    """

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """Take the input's number of channels, and go on as `BatchNorm2d`."""
        _become(self, BatchNorm2d, _batch_norm_shapes(self, input))
        return self.forward(input)
