"""Losses of pairs and triplets as layers, and the distances they are made of."""

from __future__ import annotations

from typing import Any

from minicnn.nn import functional as F
from minicnn.nn.loss_number import Loss
from minicnn.nn.module import Module
from minicnn.tensor import Tensor


class CosineSimilarity(Module):
    """The cosine of the angle between vectors: y = a · b / (max(‖a‖, ε) · max(‖b‖, ε)).

    Shapes: x1 and x2 (*, D, *), broadcast; output without the dim.

    Args:
        dim: along which the vectors lie.
        eps: ε, against division by 0.

    >>> import minicnn
    >>> CosineSimilarity()(minicnn.tensor([[1.0, 0.0]]), minicnn.tensor([[1.0, 1.0]]))
    tensor([0.7071])
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Return the cosines."""
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The distance of vectors along the last dim: y = ‖a − b + ε‖ₚ.

    Shapes: x1 and x2 (N, D) or (D,); output (N,) or (); with keepdim (N, 1) or (1,).

    Args:
        p: which norm: 2 for the length.
        eps: ε.
        keepdim: keep the last dim, with size 1.

    >>> import minicnn
    >>> PairwiseDistance()(minicnn.tensor([[3.0, 4.0]]), minicnn.zeros(1, 2))
    tensor([5.0000])
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Return the distances."""
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


class HingeEmbeddingLoss(Loss):
    """Distances small for alike pairs, large for others: l = x where t = 1, max(0, m − x) where t = −1.

    Shapes: input and target (*); output (), or (*) with reduction "none".

    Args:
        margin: m.
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".

    >>> import minicnn
    >>> HingeEmbeddingLoss()(minicnn.tensor([0.5]), minicnn.tensor([1]))
    tensor(0.5000)
    """

    def __init__(
        self, margin: float = 1.0, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of distances."""
        return F.hinge_embedding_loss(input, target, self.margin, reduction=self.reduction)


class MarginRankingLoss(Loss):
    """Which of two is to rank higher: l = max(0, −t · (a − b) + m).

    Shapes: input1, input2 and target (*); output (), or (*) with reduction "none".

    Args:
        margin: m.
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".

    >>> import minicnn
    >>> MarginRankingLoss()(minicnn.tensor([1.0]), minicnn.tensor([3.0]), minicnn.tensor([1.0]))
    tensor(2.)
    """

    def __init__(
        self, margin: float = 0.0, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """Return the loss of two ranks."""
        return F.margin_ranking_loss(input1, input2, target, self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(Loss):
    """Vectors alike or not, by their angle: l = 1 − cos(a, b) where t = 1, max(0, cos(a, b) − m) where t = −1.

    Shapes: input1 and input2 (N, D) or (D,); target (N,) or (); output (), or (N,) with reduction "none".

    Args:
        margin: m.
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".

    >>> import minicnn
    >>> x = minicnn.tensor([[1.0, 0.0]])
    >>> CosineEmbeddingLoss()(x, x, minicnn.tensor([-1]))
    tensor(1.)
    """

    def __init__(
        self, margin: float = 0.0, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """Return the loss of pairs of vectors."""
        return F.cosine_embedding_loss(input1, input2, target, self.margin, reduction=self.reduction)


class TripletMarginLoss(Loss):
    """An anchor nearer to its like than to another: l = max(0, d(a, p) − d(a, n) + m).

    Shapes: anchor, positive and negative (N, D) or (D,); output (), or (N,) with reduction "none".

    Args:
        margin: m.
        p: which norm the distance is.
        eps: added to the difference.
        swap: take d(p, n) for d(a, n) where it is smaller.
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".

    >>> import minicnn
    >>> a = minicnn.zeros(1, 2)
    >>> TripletMarginLoss()(a, a, minicnn.tensor([[0.5, 0.0]]))
    tensor(0.5000)
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Return the loss of triplets."""
        return F.triplet_margin_loss(
            anchor, positive, negative, self.margin, self.p, self.eps, self.swap, reduction=self.reduction
        )
