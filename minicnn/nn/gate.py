"""Activation layers: RReLU, and minicnn's own Maxout and SwiGLU."""

from __future__ import annotations

from minicnn.nn import functional as F
from minicnn.nn.module import Module
from minicnn.tensor import Tensor


class RReLU(Module):
    """Rectify with a random leak: y = x for x > 0, s · x elsewhere, s drawn for each element from [l, u).

    In evaluation mode s = (l + u) / 2.

    Shapes: input and output (*).

    Args:
        lower, upper: l and u.
        inplace: write the result over the input.
    Raises:
        ParameterError: on calling it, lower is above upper.
    Source: Xu et al., "Empirical Evaluation of Rectified Activations in Convolution Network" (2015), equation 2.

    >>> import minicnn
    >>> RReLU(0.1, 0.3).eval()(minicnn.tensor([-1.0, 2.0]))
    tensor([-0.2000,  2.0000])
    """

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        super().__init__()
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the rectified input."""
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"lower={self.lower}, upper={self.upper}" + (", inplace=True" if self.inplace else "")


class Maxout(Module):
    """The largest of k linear pieces: y[m] = max over j < k of x[m·k + j]; minicnn's own, PyTorch has no maxout.

    Shapes: input (*, M·k, *); output (*, M, *).

    Args:
        num_pieces: k.
        dim: along which the pieces lie.
    Raises:
        ShapeError: on calling it, k does not divide the dim's size.
    Source: Goodfellow et al., "Maxout Networks" (2013), section 2.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.Sequential(nn.Linear(4, 3 * 2), nn.Maxout(2))(minicnn.zeros(5, 4)).shape
    (5, 3)
    """

    def __init__(self, num_pieces: int, dim: int = 1) -> None:
        super().__init__()
        self.num_pieces = num_pieces
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the largest of each output's pieces."""
        return F.maxout(input, self.num_pieces, self.dim)

    def extra_repr(self) -> str:
        return f"num_pieces={self.num_pieces}, dim={self.dim}"


class SwiGLU(Module):
    """Gated linear unit with SiLU as its gate: y = a · σ(a) · b; minicnn's own, PyTorch has no such layer.

    Shapes: input (*, 2M, *), a and b its halves along ``dim``; output (*, M, *).

    Args:
        dim: the dim that is halved.
    Raises:
        ShapeError: on calling it, its size is odd.
    Source: Shazeer, "GLU Variants Improve Transformer" (2020), equation 5.

    >>> import minicnn
    >>> SwiGLU()(minicnn.tensor([2.0, 3.0]))
    tensor([5.2848])
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Return one half, gated by the other."""
        return F.swiglu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"
