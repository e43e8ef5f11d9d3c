"""Smooth activation layers: GELU, SiLU, Mish, Softplus, Softsign, LogSigmoid, Tanhshrink, GLU, Softmin."""

from __future__ import annotations

from minicnn.nn import functional as F
from minicnn.nn.module import Module
from minicnn.tensor import Tensor


class GELU(Module):
    """Gaussian error linear unit: y = x · Φ(x), Φ the normal distribution's function.

    Shapes: input and output (*).

    Args:
        approximate: "none", or "tanh" for ½ · x · (1 + tanh(√(2/π) · (x + 0.044715 · x³))).
    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016), section 2.

    >>> import minicnn
    >>> GELU()(minicnn.tensor([-1.0, 2.0]))
    tensor([-0.1587,  1.9545])
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """Return the unit's value for each element."""
        return F.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """Sigmoid linear unit (swish): y = x · σ(x).

    Shapes: input and output (*).

    Args:
        inplace: write the result over the input.
    Source: Elfwing, Uchibe and Doya, "Sigmoid-Weighted Linear Units" (2017), equation 4.

    >>> import minicnn
    >>> SiLU()(minicnn.tensor([-1.0, 2.0]))
    tensor([-0.2689,  1.7616])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the unit's value for each element."""
        return F.silu(input, self.inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Mish(Module):
    """y = x · tanh(ln(1 + eˣ)).

    Shapes: input and output (*).

    Args:
        inplace: write the result over the input.
    Source: Misra, "Mish" (2019), equation 1.

    >>> import minicnn
    >>> Mish()(minicnn.tensor([-1.0, 2.0]))
    tensor([-0.3034,  1.9440])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the function's value for each element."""
        return F.mish(input, self.inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Softplus(Module):
    """A smooth rectifier: y = ln(1 + e^(β·x)) / β; x itself where β · x is above the threshold.

    Shapes: input and output (*).

    Args:
        beta: β.
        threshold: from where on y = x.

    >>> import minicnn
    >>> Softplus()(minicnn.tensor([0.0, 30.0]))
    tensor([ 0.6931, 30.0000])
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        """Return the function's value for each element."""
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class Softsign(Module):
    """y = x / (1 + |x|).

    Shapes: input and output (*).

    >>> import minicnn
    >>> Softsign()(minicnn.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the function's value for each element."""
        return F.softsign(input)


class LogSigmoid(Module):
    """The logarithm of the logistic function: y = ln σ(x).

    Shapes: input and output (*).

    >>> import minicnn
    >>> LogSigmoid()(minicnn.tensor([0.0]))
    tensor([-0.6931])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the function's value for each element."""
        return F.logsigmoid(input)


class Tanhshrink(Module):
    """y = x − tanh x.

    Shapes: input and output (*).

    >>> import minicnn
    >>> Tanhshrink()(minicnn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.2384])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the function's value for each element."""
        return F.tanhshrink(input)


class GLU(Module):
    """Gated linear unit: y = a · σ(b), a and b the halves of x along ``dim``.

    Shapes: input (*, 2M, *); output (*, M, *).

    Args:
        dim: the dim that is halved.
    Source: Dauphin et al., "Language Modeling with Gated Convolutional Networks" (2016), equation 1.

    >>> import minicnn
    >>> GLU()(minicnn.tensor([4.0, 0.0]))
    tensor([2.])
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Return one half, gated by the other."""
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmin(Module):
    """Probabilities, the smaller the larger: y = e⁻ˣ / Σ e⁻ˣ, the sum along ``dim``.

    Shapes: input and output (*).

    Args:
        dim: along which the outputs sum to 1; None guesses it as PyTorch does, with a deprecation warning.

    >>> import minicnn
    >>> Softmin(dim=1)(minicnn.tensor([[0.0, 0.0]]))
    tensor([[0.5000, 0.5000]])
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the probabilities."""
        return F.softmin(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax2d(Module):
    """Softmax over the channels of each pixel: y[n, c, i, j] = e^x[n, c, i, j] / Σ_c e^x[n, c, i, j].

    Shapes: input and output (N, C, H, W) or (C, H, W).

    >>> import minicnn
    >>> Softmax2d()(minicnn.zeros(1, 2, 1, 1)).flatten()
    tensor([0.5000, 0.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the probabilities."""
        return F.softmax(input, -3)
