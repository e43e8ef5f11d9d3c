"""Losses of classes by margins, of measures, and of triplets with a distance of one's own, as layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minicnn.errors import ParameterError, message
from minicnn.nn import functional as F
from minicnn.nn.loss_number import Loss
from minicnn.nn.loss_pair import PairwiseDistance
from minicnn.tensor import Tensor


class MultiMarginLoss(Loss):
    """The hinge loss of classes: lₙ = 1/C · Σ over c ≠ tₙ of w[tₙ] · max(0, m − x[n, tₙ] + x[n, c])ᵖ.

    Shapes: input (N, C) or (C,); target (N,) or (); output (), or the target's shape with reduction "none".

    Args:
        p: 1 or 2.
        margin: m.
        weight: w, one a class; a buffer of the layer.
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".
    Raises:
        ParameterError: p is neither 1 nor 2, or weight has not one dim.

    >>> import minicnn
    >>> MultiMarginLoss()(minicnn.tensor([[0.5, 0.0]]), minicnn.tensor([0]))
    tensor(0.2500)
    """

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        if p not in (1, 2) or (weight is not None and weight.ndim != 1):
            raise ParameterError(
                message(
                    "MultiMarginLoss",
                    f"expects p of 1 or 2, got {p}, and a weight of one dim, if any.",
                    f"weight {None if weight is None else tuple(weight.shape)}",
                    "use p=1, for example.",
                )
            )
        self.p = p
        self.margin = margin
        self.register_buffer("weight", weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of scores for classes."""
        return F.multi_margin_loss(input, target, self.p, self.margin, self.weight, reduction=self.reduction)


class MultiLabelMarginLoss(Loss):
    """The hinge loss of several classes at once: lₙ = 1/C · Σ over j in T, i not in T of max(0, 1 − x[n, j] + x[n, i]).

    Shapes: input and target (N, C) or (C,), the target's classes T ended by −1; output (), or (N,) with "none".

    Args:
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".

    >>> import minicnn
    >>> MultiLabelMarginLoss()(minicnn.tensor([[0.5, 0.0]]), minicnn.tensor([[0, -1]]))
    tensor(0.2500)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of scores for lists of classes."""
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(Loss):
    """The mean over classes of yes or no: lₙ = −1/C · Σ_c w[c] · (t · ln σ(x[n, c]) + (1 − t) · ln σ(−x[n, c])).

    Shapes: input and target (N, C) or (C,); output (), or (N,) with reduction "none".

    Args:
        weight: w; a buffer of the layer.
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".

    >>> import minicnn
    >>> MultiLabelSoftMarginLoss()(minicnn.tensor([[0.0, 0.0]]), minicnn.tensor([[1.0, 0.0]]))
    tensor(0.6931)
    """

    def __init__(
        self, weight: Tensor | None = None, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits for a target."""
        return F.multilabel_soft_margin_loss(input, target, self.weight, reduction=self.reduction)


class GaussianNLLLoss(Loss):
    """The negative log-likelihood of measures: l = ½ · (ln v + (x − t)² / v), v = max(var, ε).

    Shapes: input and target (*); var of that shape, or with a last dim of 1 or none; output (), or (*) with "none".

    Args:
        full: add the constant ½ · ln 2π.
        eps: ε.
        reduction: "mean", "sum" or "none".

    >>> import minicnn
    >>> GaussianNLLLoss()(minicnn.tensor([1.0]), minicnn.tensor([3.0]), minicnn.tensor([1.0]))
    tensor(2.)
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        """Return the loss of means and variances for what was measured."""
        return F.gaussian_nll_loss(input, target, var, self.full, self.eps, self.reduction)


class TripletMarginWithDistanceLoss(Loss):
    """`TripletMarginLoss` with a distance of one's own: l = max(0, d(a, p) − d(a, n) + m).

    Shapes: anchor, positive and negative (N, *); output (), or (N,) with reduction "none".

    Args:
        distance_function: d, of two tensors; a module is kept as a submodule; `PairwiseDistance` if None.
        margin: m.
        swap: take d(p, n) for d(a, n) where it is smaller.
        reduction: "mean", "sum" or "none".
    Raises:
        ParameterError: margin is not above 0.

    >>> import minicnn
    >>> a = minicnn.zeros(1, 2)
    >>> TripletMarginWithDistanceLoss()(a, a, minicnn.tensor([[0.5, 0.0]]))
    tensor(0.5000)
    """

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        if margin <= 0:
            raise ParameterError(
                message(type(self).__name__, f"margin expects a number above 0, got {margin}.", "m", "use margin=1.0.")
            )
        self.distance_function = PairwiseDistance() if distance_function is None else distance_function
        self.margin = margin
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Return the loss of triplets."""
        return F.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )
