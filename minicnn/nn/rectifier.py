"""Activation layers with a corner: LeakyReLU, PReLU, ELU, SELU, CELU, ReLU6, Hardtanh and their like."""

from __future__ import annotations

import warnings
from typing import Any

from minicnn.nn import functional as F
from minicnn.nn import init as initial
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.tensor import Tensor
from minicnn.tensor.creation import empty


class LeakyReLU(Module):
    """Rectify with a leak: y = x for x > 0, s · x elsewhere.

    Shapes: input and output (*).

    Args:
        negative_slope: s.
        inplace: write the result over the input.
    Source: Maas, Hannun and Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic Models" (2013).

    >>> import minicnn
    >>> LeakyReLU(0.1)(minicnn.tensor([-1.0, 2.0]))
    tensor([-0.1000,  2.0000])
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the rectified input."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class PReLU(Module):
    """Rectify with a learned leak: y = x for x > 0, w · x elsewhere.

    Shapes: input and output (N, C, *) or (*); weight (num_parameters,).

    Args:
        num_parameters: 1, or C for a slope a channel.
        init: what w starts at.
        device, dtype: of the parameter; the defaults if None.
    Raises:
        ShapeError: on calling it, there is another number of channels.
    Source: He et al., "Delving Deep into Rectifiers" (2015), equation 1.

    >>> import minicnn
    >>> PReLU()(minicnn.tensor([-1.0, 2.0])).detach()
    tensor([-0.2500,  2.0000])
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the slopes to their first value."""
        initial.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        """Return the rectified input."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class ELU(Module):
    """Exponential linear unit: y = x for x > 0, α · (eˣ − 1) elsewhere.

    Shapes: input and output (*).

    Args:
        alpha: α.
        inplace: write the result over the input.
    Source: Clevert, Unterthiner and Hochreiter, "Fast and Accurate Deep Network Learning by ELUs" (2015).

    >>> import minicnn
    >>> ELU()(minicnn.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the unit's value for each element."""
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class CELU(Module):
    """Exponential linear unit without a corner at 0: y = x for x > 0, α · (e^(x/α) − 1) elsewhere.

    Shapes: input and output (*).

    Args:
        alpha: α.
        inplace: write the result over the input.
    Source: Barron, "Continuously Differentiable Exponential Linear Units" (2017), equation 2.

    >>> import minicnn
    >>> CELU()(minicnn.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the unit's value for each element."""
        return F.celu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class SELU(Module):
    """Scaled exponential linear unit: y = λ · x for x > 0, λ · α · (eˣ − 1) elsewhere; λ ≈ 1.0507, α ≈ 1.6733.

    Shapes: input and output (*).

    Args:
        inplace: write the result over the input.
    Source: Klambauer et al., "Self-Normalizing Neural Networks" (2017), equation 2.

    >>> import minicnn
    >>> SELU()(minicnn.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the unit's value for each element."""
        return F.selu(input, self.inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Hardtanh(Module):
    """Cut off at both ends: y = min(max(x, a), b).

    Shapes: input and output (*).

    Args:
        min_val, max_val: a and b.
        inplace: write the result over the input.
        min_value, max_value: old spellings of a and b, deprecated.

    >>> import minicnn
    >>> Hardtanh()(minicnn.tensor([-3.0, 0.5]))
    tensor([-1.0000,  0.5000])
    """

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        super().__init__()
        if min_value is not None or max_value is not None:
            warnings.warn(
                "min_value and max_value are deprecated: write min_val and max_val.", FutureWarning, stacklevel=3
            )
        self.min_val = min_val if min_value is None else min_value
        self.max_val = max_val if max_value is None else max_value
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the input cut off."""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        return f"min_val={self.min_val}, max_val={self.max_val}" + (", inplace=True" if self.inplace else "")


class ReLU6(Hardtanh):
    """Rectify, and cut off at 6: y = min(max(x, 0), 6).

    Shapes: input and output (*).

    Args:
        inplace: write the result over the input.

    >>> import minicnn
    >>> ReLU6()(minicnn.tensor([-1.0, 2.0, 8.0]))
    tensor([0., 2., 6.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Hardsigmoid(Module):
    """The logistic function in three lines: y = min(max(x / 6 + ½, 0), 1).

    Shapes: input and output (*).

    Args:
        inplace: write the result over the input.

    >>> import minicnn
    >>> Hardsigmoid()(minicnn.tensor([-4.0, 0.0, 4.0]))
    tensor([0.0000, 0.5000, 1.0000])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the function's value for each element."""
        return F.hardsigmoid(input, self.inplace)


class Hardswish(Module):
    """SiLU in pieces: y = x · min(max(x / 6 + ½, 0), 1).

    Shapes: input and output (*).

    Args:
        inplace: write the result over the input.

    >>> import minicnn
    >>> Hardswish()(minicnn.tensor([0.0, 4.0]))
    tensor([0., 4.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the function's value for each element."""
        return F.hardswish(input, self.inplace)


class Threshold(Module):
    """y = x for x > t, v elsewhere.

    Shapes: input and output (*).

    Args:
        threshold: t.
        value: v.
        inplace: write the result over the input.

    >>> import minicnn
    >>> Threshold(1.0, 20.0)(minicnn.tensor([0.5, 2.0]))
    tensor([20.,  2.])
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return what is above the threshold, and the value elsewhere."""
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        return f"threshold={self.threshold}, value={self.value}" + (", inplace=True" if self.inplace else "")


class Softshrink(Module):
    """Move x by λ towards 0: y = x − λ for x > λ, x + λ for x < −λ, 0 between.

    Shapes: input and output (*).

    Args:
        lambd: λ.

    >>> import minicnn
    >>> Softshrink()(minicnn.tensor([-2.0, 0.2, 1.0]))
    tensor([-1.5000,  0.0000,  0.5000])
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """Return the input moved towards 0."""
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)


class Hardshrink(Module):
    """Set what is small to 0: y = x for |x| > λ, 0 elsewhere.

    Shapes: input and output (*).

    Args:
        lambd: λ.

    >>> import minicnn
    >>> Hardshrink()(minicnn.tensor([-2.0, 0.2, 1.0]))
    tensor([-2.,  0.,  1.])
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """Return the input without its small elements."""
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)
