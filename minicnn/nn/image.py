"""Pixel shuffling and resizing of images, the embedding table, and DataParallel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicnn.errors import ParameterError, message
from minicnn.nn import functional as F
from minicnn.nn import init
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.tensor import Tensor
from minicnn.tensor.creation import empty


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


class Upsample(Module):
    """Resize images; see `functional.interpolate`.

    Shapes: input (N, C, *S); output (N, C, *OS).

    Args:
        size: OS.
        scale_factor: OS / S, where no size is given.
        mode: "nearest", or "linear", "bilinear", "trilinear" for 1, 2, 3 spatial dims.
        align_corners: in linear modes, put the corners' elements on the corners.
        recompute_scale_factor: accepted; the factor is used as it is given.

    >>> import minicnn
    >>> Upsample(scale_factor=2)(minicnn.zeros(1, 2, 3, 3)).shape
    (1, 2, 6, 6)
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.size = size
        self.scale_factor = float(scale_factor) if isinstance(scale_factor, (int, float)) else scale_factor
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        """Return the image resized."""
        return F.interpolate(input, self.size, self.scale_factor, self.mode, self.align_corners)

    def extra_repr(self) -> str:
        what = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{what}, mode={self.mode!r}"


class Embedding(Module):
    """A table of vectors: y[*] = w[x[*]].

    Shapes: input (*) of integers; weight (V, D); output (*, D).

    Args:
        num_embeddings, embedding_dim: V and D.
        padding_idx: a row that starts at 0 and gets no gradient.
        max_norm, norm_type, scale_grad_by_freq: not offered: None, any, False.
        sparse: accepted; gradients are dense.
        _weight: the table to start from.
        _freeze: whether the table is left out of training.
        device, dtype: of the parameter; the defaults if None.
    Raises:
        ParameterError: what is not offered is asked for.

    >>> import minicnn
    >>> Embedding(10, 3)(minicnn.tensor([[1, 2]])).shape
    (1, 2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if max_norm is not None or scale_grad_by_freq:
            raise ParameterError(
                message("Embedding", "max_norm and scale_grad_by_freq are not offered.", "both", "leave them out.")
            )
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        table = empty(num_embeddings, embedding_dim, device=device, dtype=dtype) if _weight is None else _weight
        self.weight = Parameter(table, not _freeze)
        if _weight is None:
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the table anew, normal with variance 1."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.detach()[self.padding_idx] = 0.0

    def forward(self, input: Tensor) -> Tensor:
        """Return the rows."""
        return F.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        shown = f"{self.num_embeddings}, {self.embedding_dim}"
        return shown if self.padding_idx is None else f"{shown}, padding_idx={self.padding_idx}"


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

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """Return what the module gives."""
        return self.module(*inputs, **kwargs)
