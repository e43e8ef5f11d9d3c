"""Pixels and channels shuffled, and DataParallel."""

from __future__ import annotations

from typing import Any

from minicnn.nn import functional as F
from minicnn.nn.module import Module
from minicnn.tensor import Tensor


class PixelShuffle(Module):
    """Make r² channels one of r times the size; see `functional.pixel_shuffle`.

    Shapes: input (*, C·r², H, W); output (*, C, H·r, W·r).

    Args:
        upscale_factor: r.

    >>> import minicnn
    >>> PixelShuffle(2)(minicnn.zeros(1, 8, 3, 3)).shape
    (1, 2, 6, 6)
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        """Return the image with its pixels shuffled."""
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """Make one channel r² of an r-th of the size, undoing `PixelShuffle`; see `functional.pixel_unshuffle`.

    Shapes: input (*, C, H·r, W·r); output (*, C·r², H, W).

    Args:
        downscale_factor: r.

    >>> import minicnn
    >>> PixelUnshuffle(2)(minicnn.zeros(1, 2, 6, 6)).shape
    (1, 8, 3, 3)
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        """Return the image with its pixels shuffled back."""
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """Mix the channels of groups; see `functional.channel_shuffle`.

    Shapes: input and output (N, C, *).

    Args:
        groups: how many groups; they divide C.
    Raises:
        ParameterError: on calling it, groups is below 1.
    Source: Zhang et al., "ShuffleNet" (2017), section 3.1.

    >>> import minicnn
    >>> ChannelShuffle(2)(minicnn.arange(4.0).reshape(1, 4, 1)).flatten()
    tensor([0., 2., 1., 3.])
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with its channels mixed."""
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"


class DataParallel(Module):
    """Call a module on the one device there is: for code that wraps its network in it.

    Args:
        module: the network; its keys in a state_dict begin with ``module.``.
        device_ids, output_device, dim: accepted and ignored.

    >>> import minicnn
    >>> from minicnn import nn
    >>> list(DataParallel(nn.Linear(2, 1)).state_dict())
    ['module.weight', 'module.bias']
    """

    def __init__(self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0) -> None:
        super().__init__()
        self.module = module
        self.device_ids, self.output_device, self.dim = device_ids, output_device, dim

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """Return what the module gives."""
        return self.module(*inputs, **kwargs)
