"""Activations that write over their input, under PyTorch's names: ``relu_(x)`` is ``relu(x, inplace=True)``."""

from __future__ import annotations

from minicnn.nn.functional import noise, rectifier
from minicnn.nn.functional.spelling import relu
from minicnn.tensor import Tensor


def relu_(input: Tensor) -> Tensor:
    """`relu`, written over the input.

    Shapes: input and output (*).

    >>> import minicnn
    >>> x = minicnn.tensor([-1.0, 2.0])
    >>> _ = relu_(x)
    >>> x
    tensor([0., 2.])
    """
    return relu(input, True)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """`leaky_relu`, written over the input.

    Shapes: input and output (*).

    Args:
        negative_slope: as for `leaky_relu`.

    >>> import minicnn
    >>> x = minicnn.tensor([-1.0, 2.0])
    >>> _ = leaky_relu_(x, 0.5)
    >>> x
    tensor([-0.5000,  2.0000])
    """
    return rectifier.leaky_relu(input, negative_slope, True)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`elu`, written over the input.

    Shapes: input and output (*).

    Args:
        alpha: as for `elu`.

    >>> import minicnn
    >>> x = minicnn.tensor([-1.0, 2.0])
    >>> _ = elu_(x)
    >>> x
    tensor([-0.6321,  2.0000])
    """
    return rectifier.elu(input, alpha, True)


def selu_(input: Tensor) -> Tensor:
    """`selu`, written over the input.

    Shapes: input and output (*).

    >>> import minicnn
    >>> x = minicnn.tensor([-1.0, 2.0])
    >>> _ = selu_(x)
    >>> x
    tensor([-1.1113,  2.1014])
    """
    return rectifier.selu(input, True)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`celu`, written over the input.

    Shapes: input and output (*).

    Args:
        alpha: as for `celu`.

    >>> import minicnn
    >>> x = minicnn.tensor([-1.0, 2.0])
    >>> _ = celu_(x)
    >>> x
    tensor([-0.6321,  2.0000])
    """
    return rectifier.celu(input, alpha, True)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """`hardtanh`, written over the input.

    Shapes: input and output (*).

    Args:
        min_val, max_val: as for `hardtanh`.

    >>> import minicnn
    >>> x = minicnn.tensor([-1.0, 2.0])
    >>> _ = hardtanh_(x)
    >>> x
    tensor([-1.,  1.])
    """
    return rectifier.hardtanh(input, min_val, max_val, True)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """`threshold`, written over the input.

    Shapes: input and output (*).

    Args:
        threshold, value: as for `threshold`.

    >>> import minicnn
    >>> x = minicnn.tensor([-1.0, 2.0])
    >>> _ = threshold_(x, 0.0, 9.0)
    >>> x
    tensor([9., 2.])
    """
    return rectifier.threshold(input, threshold, value, True)


def rrelu_(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Tensor:
    """`rrelu`, written over the input.

    Shapes: input and output (*).

    Args:
        lower, upper, training: as for `rrelu`.

    >>> import minicnn
    >>> x = minicnn.tensor([-1.0, 2.0])
    >>> _ = rrelu_(x, 0.25, 0.75)
    >>> x
    tensor([-0.5000,  2.0000])
    """
    return noise.rrelu(input, lower, upper, training, True)
