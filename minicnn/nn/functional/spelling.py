"""PyTorch's spellings of what has other arguments in `minicnn.ops`: relu, softmax, log_softmax, softmin."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn import ops
from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.errors import IndexRangeError
from minicnn.nn.functional.common import float_errors
from minicnn.ops.checks import need_tensors
from minicnn.tensor import Tensor


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Rectify: y = max(x, 0).

    Shapes: input and output (*).

    Args:
        inplace: write the result over the input, which saves no memory here: for code that reads it back.

    >>> import minicnn
    >>> relu(minicnn.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return input.relu_() if inplace else ops.relu(input)


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Probabilities from logits: y = eˣ / Σ eˣ, the sum along ``dim``; see `minicnn.softmax`.

    Shapes: input and output (*).

    Args:
        dim: along which the outputs sum to 1; left out, it is guessed as PyTorch does, with a deprecation warning.
        dtype: cast to it first.

    >>> import minicnn
    >>> softmax(minicnn.tensor([[0.0, 0.0]]), dim=1)
    tensor([[0.5000, 0.5000]])
    """
    return ops.softmax(input, _implicit_dim("softmax", input, _stacklevel) if dim is None else dim, dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Logarithms of probabilities from logits: y = x − ln Σ eˣ, the sum along ``dim``; see `minicnn.log_softmax`.

    Shapes: input and output (*).

    Args:
        dim: along which the exponentials sum to 1; left out, it is guessed as PyTorch does, with a deprecation warning.
        dtype: cast to it first.

    >>> import minicnn
    >>> log_softmax(minicnn.tensor([[0.0, 0.0]]), dim=1)
    tensor([[-0.6931, -0.6931]])
    """
    return ops.log_softmax(input, _implicit_dim("log_softmax", input, _stacklevel) if dim is None else dim, dtype)


def _implicit_dim(where: str, x: Tensor, stacklevel: int) -> int:
    warnings.warn(
        f"{where} without dim guesses it, which is deprecated: pass dim=1 for rows of logits.",
        DeprecationWarning,
        stacklevel=stacklevel,
    )
    return 0 if x.ndim in (0, 1, 3) else 1


def _softmin_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(3, 4)), 1, dtype=None)
    yield Sample(rng.normal(size=(2, 3, 2)), dim=0, _stacklevel=4)
    yield Sample(rng.normal(size=(2, 3)), dim=-1, dtype=np.dtype("float64"))
    yield Sample(rng.normal(size=4) * 5, 0)
    yield Sample(rng.normal(size=(2, 1, 3)), -2)  # of one element: 1
    yield Sample(np.zeros((0, 3)), 1)


def _softmin_errors() -> Iterator[ErrorSample]:
    yield from float_errors()
    yield ErrorSample(IndexRangeError, ("softmin", "2"), np.ones((2, 3)), 2)


@composition(_softmin_samples, _softmin_errors)
def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Probabilities, the smaller the larger: y = e⁻ˣ / Σ e⁻ˣ, the sum along ``dim``.

    Shapes: input and output (*).

    Args:
        dim: along which the outputs sum to 1; left out, it is guessed as PyTorch does, with a deprecation warning.
        dtype: cast to it first.
    Raises:
        IndexRangeError: there is no such dim.

    >>> import minicnn
    >>> softmin(minicnn.tensor([[0.0, 0.0]]), dim=1)
    tensor([[0.5000, 0.5000]])
    """
    need_tensors("softmin", input=input)
    return softmax(-input, dim, _stacklevel + 2, dtype)  # this function, and its guard
