"""Losses as layers: CrossEntropyLoss, MSELoss."""

from __future__ import annotations

from typing import Any

from minicnn.nn import functional as F
from minicnn.nn.module import Module
from minicnn.ops.fused.cross_entropy import old_reduction
from minicnn.tensor import Tensor


class CrossEntropyLoss(Module):
    """How far the softmax of logits is from the classes: l = −ln softmax(x)[t].

    lₙ = (1 − s) · w[tₙ] · (−ln p[n, tₙ]) + s/C · Σ_c w_c · (−ln p[n, c]), p = softmax(x); the mean is Σ lₙ / Σ w[tₙ].

    Shapes: input (N, C), (N, C, d₁, ...) or (C,); target (N,), (N, d₁, ...) or () of class numbers, or of the
    input's shape with a probability for each class; output (), or the target's shape with reduction "none".

    Args:
        weight: w, one a class, (C,); a buffer of the layer.
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        ignore_index: targets of this class count nothing.
        reduction: "mean", "sum" or "none".
        label_smoothing: s, from 0 to 1: how much of the target is spread over all classes.
    Raises:
        IndexRangeError: on calling it, a class outside [0, C).
        ShapeError: on calling it, shapes that do not fit, or the mean of an empty batch.
    Source: Szegedy et al., "Rethinking the Inception Architecture" (2015), section 7 (label smoothing).

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.CrossEntropyLoss()(minicnn.tensor([[0.0, 0.0]]), minicnn.tensor([1]))
    tensor(0.6931)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: Any = None,
        ignore_index: int = -100,
        reduce: Any = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.reduction = old_reduction(reduction, size_average, reduce)
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits for a target."""
        return F.cross_entropy(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class MSELoss(Module):
    """The squared error: l = (x − t)², then its mean or sum.

    Shapes: input and target (*); output (), or (*) with reduction "none".

    Args:
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".
    Raises:
        ShapeError: on calling it, the shapes do not broadcast.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.MSELoss()(minicnn.tensor([1.0, 2.0]), minicnn.tensor([1.0, 4.0]))
    tensor(2.)
    """

    def __init__(self, size_average: Any = None, reduce: Any = None, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = old_reduction(reduction, size_average, reduce)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of an output for a target."""
        return F.mse_loss(input, target, reduction=self.reduction)
