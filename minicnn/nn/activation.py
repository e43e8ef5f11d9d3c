"""Activation layers: ReLU, Sigmoid, Tanh, Softmax, LogSoftmax."""

from __future__ import annotations

from minicnn.nn import functional as F
from minicnn.nn.module import Module
from minicnn.tensor import Tensor


class ReLU(Module):
    """Rectify: y = max(x, 0).

    Shapes: input and output (*).

    Args:
        inplace: write the result over the input, which saves no memory here: for code that reads it back.
    Source: Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines" (2010).

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.ReLU()(minicnn.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the positive part."""
        return F.relu(input, self.inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Sigmoid(Module):
    """The logistic function: y = 1 / (1 + e⁻ˣ).

    Shapes: input and output (*).

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.Sigmoid()(minicnn.tensor([0.0]))
    tensor([0.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the logistic function of the input."""
        return F.sigmoid(input)


class Tanh(Module):
    """The hyperbolic tangent: y = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ).

    Shapes: input and output (*).

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.Tanh()(minicnn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the hyperbolic tangent of the input."""
        return F.tanh(input)


class Softmax(Module):
    """Probabilities from logits: y = eˣ / Σ eˣ, the sum along ``dim``.

    Shapes: input and output (*).

    Args:
        dim: along which the outputs sum to 1; None guesses it as PyTorch does, with a deprecation warning.
    Raises:
        IndexRangeError: on calling it, there is no such dim.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.Softmax(dim=1)(minicnn.tensor([[0.0, 0.0]]))
    tensor([[0.5000, 0.5000]])
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the probabilities."""
        return F.softmax(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """Logarithms of probabilities from logits: y = x − ln Σ eˣ, the sum along ``dim``.

    Shapes: input and output (*).

    Args:
        dim: along which the exponentials sum to 1; None guesses it as PyTorch does, with a deprecation warning.
    Raises:
        IndexRangeError: on calling it, there is no such dim.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.LogSoftmax(dim=1)(minicnn.tensor([[0.0, 0.0]]))
    tensor([[-0.6931, -0.6931]])
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the logarithms of the probabilities."""
        return F.log_softmax(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"
