"""Dropout of whole channels."""

from __future__ import annotations

from minicnn.nn import functional as F
from minicnn.nn.dropout import Dropout
from minicnn.tensor import Tensor


class Dropout1d(Dropout):
    """In training, set whole channels to 0 at random and scale the others up by 1 / (1 − p).

    Shapes: input and output (N, C, L) or (C, L).

    Args:
        p: the probability of 0.
        inplace: accepted for PyTorch's sake; the result is a new tensor.

    >>> import minicnn
    >>> Dropout1d(0.5).eval()(minicnn.ones(1, 1, 1)).item()
    1.0
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with channels dropped, in training."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(Dropout):
    """In training, set whole channels to 0 at random and scale the others up by 1 / (1 − p).

    Shapes: input and output (N, C, H, W) or (C, H, W).

    Args:
        p: the probability of 0.
        inplace: accepted for PyTorch's sake; the result is a new tensor.

    >>> import minicnn
    >>> Dropout2d(0.5).eval()(minicnn.ones(1, 1, 1, 1)).item()
    1.0
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with channels dropped, in training."""
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(Dropout):
    """In training, set whole channels to 0 at random and scale the others up by 1 / (1 − p).

    Shapes: input and output (N, C, D, H, W) or (C, D, H, W).

    Args:
        p: the probability of 0.
        inplace: accepted for PyTorch's sake; the result is a new tensor.

    >>> import minicnn
    >>> Dropout3d(0.5).eval()(minicnn.ones(1, 1, 1, 1, 1)).item()
    1.0
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with channels dropped, in training."""
        return F.dropout3d(input, self.p, self.training, self.inplace)
