"""Dropout layers."""

from __future__ import annotations

from minicnn.errors import ParameterError, message
from minicnn.nn import functional as F
from minicnn.nn.module import Module
from minicnn.tensor import Tensor


class Dropout(Module):
    """In training, set elements to 0 at random and scale the others up: y = x · m / (1 − p), m ~ Bernoulli(1 − p).

    In evaluation mode it does nothing.

    Shapes: input and output (*).

    Args:
        p: the probability of 0.
        inplace: write the result over the input.
    Raises:
        ParameterError: p outside [0, 1].
    Source: Srivastava et al., "Dropout" (2014), section 10 (the scaling during training).

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.Dropout(0.5).eval()(minicnn.ones(3))
    tensor([1., 1., 1.])
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0.0 <= p <= 1.0:
            raise ParameterError(
                message("Dropout", f"p expects a probability from 0 to 1, got {p}.", "p is the part dropped", "p=0.5.")
            )
        self.p = p
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with elements dropped, in training."""
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"
