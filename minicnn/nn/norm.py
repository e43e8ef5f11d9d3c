"""Normalization layers: BatchNorm1d, BatchNorm2d, LayerNorm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.errors import ParameterError, message
from minicnn.nn import functional as F
from minicnn.nn import init
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.ops.inplace import array_to_write
from minicnn.tensor import Tensor
from minicnn.tensor.creation import empty, ones, zeros


class BatchNorm(Module):
    """What the batch normalization layers share.

    Attributes:
        ranks: how many dims an input may have.
        letters: these dims, as an error shows them.
    """

    ranks: tuple[int, ...]
    letters: str

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        place = {"device": device, "dtype": dtype}
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self.weight: Tensor | None
        self.bias: Tensor | None
        self.register_parameter("weight", Parameter(empty(num_features, **place)) if affine else None)
        self.register_parameter("bias", Parameter(empty(num_features, **place)) if affine and bias else None)
        tracked = track_running_stats
        self.register_buffer("running_mean", zeros(num_features, **place) if tracked else None)
        self.register_buffer("running_var", ones(num_features, **place) if tracked else None)
        self.register_buffer("num_batches_tracked", zeros((), device=device, dtype=np.int64) if tracked else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget all batches: mean 0, variance 1."""
        if self.track_running_stats:
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
            init.zeros_(self.num_batches_tracked)

    def reset_parameters(self) -> None:
        """Forget all batches, and set γ to 1 and β to 0."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Return the input normalized; in training, take the batch into the running statistics."""
        if input.ndim not in self.ranks:
            expected = " or ".join(f"{rank}D" for rank in self.ranks)
            raise ParameterError(
                message(
                    type(self).__name__,
                    f"expected {expected} input {self.letters}, got {input.ndim}D.",
                    f"input {tuple(input.shape)}",
                    "use the layer for that number of dims, or add the missing one: x.unsqueeze(0).",
                )
            )
        running_mean, running_var = self.running_mean, self.running_var
        update = self.training and self.track_running_stats and running_mean is not None
        momentum = self.momentum
        if momentum is None:  # a plain average: each batch counts 1 / (how many there were)
            momentum = 1.0 / (float(self.num_batches_tracked) + 1.0) if update else 0.0
        use_running = update or not self.training
        y = F.batch_norm(
            input,
            running_mean if use_running else None,
            running_var if use_running else None,
            self.weight,
            self.bias,
            self.training or running_mean is None,
            momentum,
            self.eps,
        )
        batches = self.num_batches_tracked if update else None
        if batches is not None:
            count = array_to_write(batches, "batch_norm")
            count += 1
        return y

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(BatchNorm):
    """Normalize each feature over the batch, or each channel over batch and length.

    y = γ · (x − mean) / √(var + eps) + β

    Shapes: input and output (N, C) or (N, C, L), C = num_features; γ (weight), β (bias), running_mean and running_var
    (C,); num_batches_tracked ().

    Args:
        num_features: C.
        eps: added to the variance.
        momentum: running = (1 − momentum) · running + momentum · batch; None for the plain average of all batches.
        affine: whether γ and β are there; they start at 1 and 0.
        track_running_stats: whether running statistics are kept and used in evaluation; without, the batch's own
            are used there too.
        device, dtype: of parameters and statistics; the defaults if None.
        bias: whether β is there.
    Raises:
        ParameterError: on calling it, another number of dims, or one value a channel in training.
        ShapeError: on calling it, another number of channels.
    Source: Ioffe and Szegedy, "Batch Normalization" (2015), algorithms 1 and 2.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.BatchNorm1d(1)(minicnn.tensor([[1.0], [3.0]])).detach()
    tensor([[-1.0000],
            [ 1.0000]])
    """

    ranks = (2, 3)
    letters = "(N, C) or (N, C, L)"


class BatchNorm2d(BatchNorm):
    """Normalize each channel over the batch and its pixels.

    y = γ · (x − mean) / √(var + eps) + β

    Shapes: input and output (N, C, H, W), C = num_features; γ (weight), β (bias), running_mean and running_var (C,);
    num_batches_tracked ().

    Args:
        num_features: C.
        eps: added to the variance.
        momentum: running = (1 − momentum) · running + momentum · batch; None for the plain average of all batches.
        affine: whether γ and β are there; they start at 1 and 0.
        track_running_stats: whether running statistics are kept and used in evaluation; without, the batch's own
            are used there too.
        device, dtype: of parameters and statistics; the defaults if None.
        bias: whether β is there.
    Raises:
        ParameterError: on calling it, another number of dims, or one value a channel in training.
        ShapeError: on calling it, another number of channels.
    Source: Ioffe and Szegedy, "Batch Normalization" (2015), algorithms 1 and 2.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.BatchNorm2d(3)(minicnn.zeros(2, 3, 8, 8)).shape
    (2, 3, 8, 8)
    """

    ranks = (4,)
    letters = "(N, C, H, W)"


class LayerNorm(Module):
    """Normalize each sample over its last dims.

    y = γ · (x − mean) / √(var + eps) + β, with mean and biased variance over the dims of normalized_shape.

    Shapes: input and output (*, normalized_shape); γ (weight) and β (bias): normalized_shape.

    Args:
        normalized_shape: the sizes of the last dims: a number, or several.
        eps: added to the variance.
        elementwise_affine: whether γ and β are there; they start at 1 and 0.
        bias: whether β is there.
        device, dtype: of the parameters; the defaults if None.
    Raises:
        ShapeError: on calling it, the input does not end in normalized_shape.
    Source: Ba, Kiros and Hinton, "Layer Normalization" (2016), equation 4.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.LayerNorm(2)(minicnn.tensor([[1.0, 3.0]])).detach()
    tensor([[-1.0000,  1.0000]])
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape = shape
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.weight: Tensor | None
        self.bias: Tensor | None
        affine, place = elementwise_affine, {"device": device, "dtype": dtype}
        self.register_parameter("weight", Parameter(empty(shape, **place)) if affine else None)
        self.register_parameter("bias", Parameter(empty(shape, **place)) if affine and bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set γ to 1 and β to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Return the input normalized."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )
