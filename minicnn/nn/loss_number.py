"""Losses as layers, of numbers and probabilities: L1Loss, SmoothL1Loss, HuberLoss, NLLLoss, BCELoss and their like."""

from __future__ import annotations

from typing import Any

from minicnn.nn import functional as F
from minicnn.nn.module import Module
from minicnn.ops.fused.cross_entropy import old_reduction
from minicnn.tensor import Tensor


class Loss(Module):
    """What these losses share: how they are reduced.

    Args:
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".
    """

    def __init__(self, size_average: Any = None, reduce: Any = None, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = old_reduction(reduction, size_average, reduce)


class L1Loss(Loss):
    """The absolute error: l = |x − t|; see `functional.l1_loss`.

    Shapes: input and target (*); output (), or (*) with reduction "none".

    Args:
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".

    >>> import minicnn
    >>> L1Loss()(minicnn.tensor([1.0]), minicnn.tensor([3.0]))
    tensor(2.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of an output for a target."""
        return F.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(Loss):
    """Squared for small errors, absolute for large ones; see `functional.smooth_l1_loss`.

    Shapes: input and target (*); output (), or (*) with reduction "none".

    Args:
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".
        beta: where one turns into the other.

    >>> import minicnn
    >>> SmoothL1Loss()(minicnn.tensor([1.0]), minicnn.tensor([3.0]))
    tensor(1.5000)
    """

    def __init__(
        self, size_average: Any = None, reduce: Any = None, reduction: str = "mean", beta: float = 1.0
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of an output for a target."""
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(Loss):
    """Huber's error: l = d² / 2 for d ≤ δ, δ · (d − δ/2) elsewhere, d = |x − t|.

    Shapes: input and target (*); output (), or (*) with reduction "none".

    Args:
        reduction: "mean", "sum" or "none".
        delta: δ.

    >>> import minicnn
    >>> HuberLoss()(minicnn.tensor([1.0]), minicnn.tensor([3.0]))
    tensor(1.5000)
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of an output for a target."""
        return F.huber_loss(input, target, self.reduction, self.delta)


class NLLLoss(Loss):
    """The negative log-likelihood of classes: lₙ = −w[tₙ] · x[n, tₙ]; see `functional.nll_loss`.

    Shapes: input (N, C), (N, C, d₁, ...) or (C,), logarithms; target (N,), (N, d₁, ...) or () of classes.

    Args:
        weight: w, one a class; a buffer of the layer.
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        ignore_index: targets of this class count nothing.
        reduction: "mean", "sum" or "none".

    >>> import minicnn
    >>> NLLLoss()(minicnn.tensor([[-0.5, -1.0]]), minicnn.tensor([1]))
    tensor(1.)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: Any = None,
        ignore_index: int = -100,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logarithms of probabilities for classes."""
        return F.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class BCELoss(Loss):
    """The cross entropy of yes or no: l = −w · (t · ln x + (1 − t) · ln(1 − x)).

    Shapes: input and target (*); output (), or (*) with reduction "none".

    Args:
        weight: w; a buffer of the layer.
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".
    Raises:
        ParameterError: on calling it, an input outside [0, 1].
        ShapeError: on calling it, shapes that differ.

    >>> import minicnn
    >>> BCELoss()(minicnn.tensor([0.5]), minicnn.tensor([1.0]))
    tensor(0.6931)
    """

    def __init__(
        self, weight: Tensor | None = None, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of probabilities for a target."""
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(Loss):
    """The cross entropy of yes or no, from logits: l = −w · (p · t · ln σ(x) + (1 − t) · ln(1 − σ(x))).

    Shapes: input and target (*); output (), or (*) with reduction "none".

    Args:
        weight: w; a buffer of the layer.
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".
        pos_weight: p; a buffer of the layer.
    Raises:
        ShapeError: on calling it, shapes that differ.

    >>> import minicnn
    >>> BCEWithLogitsLoss()(minicnn.tensor([0.0]), minicnn.tensor([1.0]))
    tensor(0.6931)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits for a target."""
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class KLDivLoss(Loss):
    """The divergence of a distribution from a target: l = t · (ln t − x), x being logarithms.

    Shapes: input and target (*); output (), or (*) with reduction "none".

    Args:
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean" over all elements, "batchmean", "sum" or "none".
        log_target: whether the target holds logarithms too.

    >>> import minicnn
    >>> KLDivLoss(reduction="sum")(minicnn.tensor([0.5, 0.5]).log(), minicnn.tensor([0.0, 1.0]))
    tensor(0.6931)
    """

    def __init__(
        self, size_average: Any = None, reduce: Any = None, reduction: str = "mean", log_target: bool = False
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logarithms of probabilities for a target."""
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class SoftMarginLoss(Loss):
    """The logistic loss of classes −1 and 1: l = ln(1 + e^(−t·x)).

    Shapes: input and target (*); output (), or (*) with reduction "none".

    Args:
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".

    >>> import minicnn
    >>> SoftMarginLoss()(minicnn.tensor([0.0]), minicnn.tensor([1.0]))
    tensor(0.6931)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of an output for a target."""
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class PoissonNLLLoss(Loss):
    """The negative log-likelihood of counts: l = eˣ − t · x; see `functional.poisson_nll_loss`.

    Shapes: input and target (*); output (), or (*) with reduction "none".

    Args:
        log_input: whether x is the rate's logarithm.
        full: add Stirling's approximation of ln t!.
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        eps: added to the rate where it is given itself.
        reduction: "mean", "sum" or "none".

    >>> import minicnn
    >>> PoissonNLLLoss()(minicnn.tensor([0.0]), minicnn.tensor([2.0]))
    tensor(1.)
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: Any = None,
        eps: float = 1e-8,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of rates for counts."""
        return F.poisson_nll_loss(log_input, target, self.log_input, self.full, eps=self.eps, reduction=self.reduction)
