"""Lazy layers: the number of inputs is taken from the first one; then they turn into the plain layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from minicnn.errors import ParameterError, message
from minicnn.nn.conv import Conv1d, Conv2d, Conv3d, ConvNd
from minicnn.nn.conv_transpose import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, ConvTransposeNd
from minicnn.nn.linear import Linear
from minicnn.nn.module import Module
from minicnn.nn.norm import BatchNorm, BatchNorm1d, BatchNorm2d
from minicnn.nn.norm_more import BatchNorm3d, InstanceNorm, InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from minicnn.nn.uninitialized import Uninitialized, UninitializedBuffer, UninitializedParameter
from minicnn.ops.fused.spatial import check_input
from minicnn.tensor import Tensor

Sizes = int | Sequence[int]


class Lazy(Module):
    """What lazy layers share: parameters without a shape until the first call, or until a state_dict gives them one.

    Attributes:
        cls_to_become: the plain layer.
    """

    cls_to_become: ClassVar[type[Module]]

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer has no shape yet."""
        return any(isinstance(x, Uninitialized) for x in (*self._parameters.values(), *self._buffers.values()))

    def reset_parameters(self) -> None:
        """Draw the parameters anew, where they have a shape."""
        if not self.has_uninitialized_params():
            super().reset_parameters()  # type: ignore[misc]  # that of the layer beside it

    def _wait(self, *names: str) -> None:
        """Put parameters and buffers without a shape in the place of those of size 0."""
        for register, kind in ((self._parameters, UninitializedParameter), (self._buffers, UninitializedBuffer)):
            found: dict[str, Any] = register
            for name in names:
                old = found.get(name)
                if old is not None:
                    found[name] = kind(old.requires_grad, old.device, old.dtype)

    def _become(self, shapes: dict[str, tuple[int, ...]]) -> None:
        """Turn into the plain layer; give what has no shape one, and draw its values."""
        waiting = [(x, shapes[name]) for name in shapes if isinstance(x := getattr(self, name), Uninitialized)]
        for x, shape in waiting:
            x.materialize(shape)
        self.__class__ = self.cls_to_become  # type: ignore[assignment]
        if waiting:
            self.reset_parameters()


class LazyLinear(Lazy, Linear):
    """`Linear` with in_features taken from the first input; give the network one before its weights are used.

    Args:
        out_features, bias, device, dtype: as for `Linear`.

    >>> import minicnn
    >>> from minicnn import nn
    >>> layer = nn.LazyLinear(3)
    >>> layer(minicnn.zeros(2, 5)).shape, layer
    ((2, 3), Linear(in_features=5, out_features=3, bias=True))
    """

    cls_to_become = Linear

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(0, out_features, bias, device, dtype)
        self._wait("weight", "bias")

    def forward(self, input: Tensor) -> Tensor:
        """Take the input's last size, and go on as `Linear`."""
        fresh = isinstance(self.weight, Uninitialized)
        self.in_features = input.shape[-1] if fresh else self.weight.shape[1]
        self._become({"weight": (self.out_features, self.in_features), "bias": (self.out_features,)})
        return self.forward(input)


class _LazyConv(Lazy, ConvNd):
    """What the lazy convolutions share: all but their signatures."""

    def forward(self, input: Tensor, *output_size: Any) -> Tensor:
        """Take the input's number of channels, and go on as the plain layer."""
        check_input(type(self).__name__, input, self.dims)
        if isinstance(self.weight, Uninitialized):
            self.in_channels = input.shape[-1 - self.dims]
        else:
            self.in_channels = self.weight.shape[0] if self.transposed else self.weight.shape[1] * self.groups
        self._check()
        rows, columns = self.in_channels, self.out_channels
        if not self.transposed:
            rows, columns = columns, rows
        shape = (rows, columns // self.groups, *self.kernel_size)
        self._become({"weight": shape, "bias": (self.out_channels,)})
        return self.forward(input, *output_size)


class _LazyPlainConv(_LazyConv):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        sizes = (kernel_size, stride, padding, dilation)
        super().__init__(0, out_channels, *sizes, groups, bias, padding_mode, device, dtype)
        self._wait("weight", "bias")


class LazyConv1d(_LazyPlainConv, Conv1d):
    """`Conv1d` with in_channels taken from the first input; give the network one before its weights are used.

    Args:
        out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype: as there.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.LazyConv1d(4, 3)(minicnn.zeros(1, 2, 5)).shape
    (1, 4, 3)
    """

    cls_to_become = Conv1d


class LazyConv2d(_LazyPlainConv, Conv2d):
    """`Conv2d` with in_channels taken from the first input; give the network one before its weights are used.

    Args:
        out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype: as there.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.LazyConv2d(4, 3)(minicnn.zeros(1, 2, 5, 5)).shape
    (1, 4, 3, 3)
    """

    cls_to_become = Conv2d


class LazyConv3d(_LazyPlainConv, Conv3d):
    """`Conv3d` with in_channels taken from the first input; give the network one before its weights are used.

    Args:
        out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype: as there.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.LazyConv3d(4, 2)(minicnn.zeros(1, 2, 3, 3, 3)).shape
    (1, 4, 2, 2, 2)
    """

    cls_to_become = Conv3d


class _LazyTransposed(_LazyConv, ConvTransposeNd):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        sizes = (kernel_size, stride, padding, output_padding)
        super().__init__(0, out_channels, *sizes, groups, bias, dilation, padding_mode, device, dtype)
        self._wait("weight", "bias")


class LazyConvTranspose1d(_LazyTransposed, ConvTranspose1d):
    """`ConvTranspose1d` with in_channels taken from the first input.

    Args:
        out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation, padding_mode, device,
            dtype: as there.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.LazyConvTranspose1d(4, 2, 2)(minicnn.zeros(1, 2, 5)).shape
    (1, 4, 10)
    """

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyTransposed, ConvTranspose2d):
    """`ConvTranspose2d` with in_channels taken from the first input.

    Args:
        out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation, padding_mode, device,
            dtype: as there.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.LazyConvTranspose2d(4, 2, 2)(minicnn.zeros(1, 2, 5, 5)).shape
    (1, 4, 10, 10)
    """

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyTransposed, ConvTranspose3d):
    """`ConvTranspose3d` with in_channels taken from the first input.

    Args:
        out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation, padding_mode, device,
            dtype: as there.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.LazyConvTranspose3d(4, 2)(minicnn.zeros(1, 2, 2, 2, 2)).shape
    (1, 4, 3, 3, 3)
    """

    cls_to_become = ConvTranspose3d


class _LazyNorm(Lazy, BatchNorm):
    """What the lazy normalizations share: all but how many dims an input has."""

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
        self._wait("weight", "bias", "running_mean", "running_var")

    def reset_running_stats(self) -> None:
        """Forget all batches, where there are statistics."""
        if not self.has_uninitialized_params():
            super().reset_running_stats()

    def forward(self, input: Tensor) -> Tensor:
        """Take the input's number of channels, and go on as the plain layer."""
        if input.ndim not in self.ranks:
            raise ParameterError(
                message(
                    type(self).__name__,
                    f"expected {' or '.join(f'{rank}D' for rank in self.ranks)} input {self.letters}, "
                    f"got {input.ndim}D.",
                    f"input {tuple(input.shape)}",
                    "use the layer for that number of dims.",
                )
            )
        alone = isinstance(self, InstanceNorm) and input.ndim == min(self.ranks)  # one sample, without a batch dim
        known = [x for x in (self.weight, self.running_mean) if x is not None and not isinstance(x, Uninitialized)]
        self.num_features = known[0].shape[0] if known else input.shape[0 if alone else 1]
        self._become(dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (self.num_features,)))
        return self.forward(input)


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    """`BatchNorm1d` with num_features taken from the first input.

    Args:
        eps, momentum, affine, track_running_stats, device, dtype, bias: as there.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.LazyBatchNorm1d()(minicnn.zeros(4, 2)).shape
    (4, 2)
    """

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    """`BatchNorm2d` with num_features taken from the first input.

    Args:
        eps, momentum, affine, track_running_stats, device, dtype, bias: as there.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.LazyBatchNorm2d()(minicnn.zeros(1, 2, 3, 3)).shape
    (1, 2, 3, 3)
    """

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):
    """`BatchNorm3d` with num_features taken from the first input; arguments as for `BatchNorm2d`."""

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):
    """`InstanceNorm1d` with num_features taken from the first input.

    Args:
        eps, momentum, affine, track_running_stats, device, dtype, bias: as there, but affine and
            track_running_stats are True by default, as PyTorch has it.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.LazyInstanceNorm1d()(minicnn.zeros(4, 2, 3)).shape
    (4, 2, 3)
    """

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):
    """`InstanceNorm2d` with num_features taken from the first input; arguments as for `LazyInstanceNorm1d`."""

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNorm, InstanceNorm3d):
    """`InstanceNorm3d` with num_features taken from the first input; arguments as for `LazyInstanceNorm1d`."""

    cls_to_become = InstanceNorm3d
