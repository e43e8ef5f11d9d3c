"""Activations that PyTorch has no name for: maxout and SwiGLU."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.errors import ArgumentTypeError, DTypeError, IndexRangeError, ParameterError, ShapeError, message
from minicnn.nn.functional.common import entered
from minicnn.ops.fused.spatial import ints
from minicnn.ops.primitive.dims import normal_dim
from minicnn.ops.primitive.reduce import distinct
from minicnn.tensor import Tensor


def _maxout_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(distinct(rng, 3, 4), 2)
    yield Sample(distinct(rng, 3, 6), 3)
    yield Sample(distinct(rng, 2, 4, 3, 2), 2)
    yield Sample(distinct(rng, 2, 3, 4), 2, dim=-1)
    yield Sample(distinct(rng, 6), 3, 0)
    yield Sample(distinct(rng, 2, 3), 1)  # one piece: the input itself
    yield Sample(distinct(rng, 2, 3), 3)  # one output
    yield Sample(np.zeros((0, 4)), 2)


def _maxout_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("maxout", "divisible by 2", "3"), np.ones((2, 3)), 2)
    yield ErrorSample(IndexRangeError, ("maxout", "dim", "got 1"), np.ones(4), 2)
    yield ErrorSample(ParameterError, ("maxout", "num_pieces", "0"), np.ones((2, 4)), 0)
    yield ErrorSample(ArgumentTypeError, ("maxout", "list"), [1.0], 1)


@composition(_maxout_samples, _maxout_errors)
def maxout(input: Tensor, num_pieces: int, dim: int = 1) -> Tensor:
    """The largest of k linear pieces: y[m] = max over j < k of x[m·k + j]; minicnn's own, PyTorch has no maxout.

    It stands after a linear or convolution layer of k times as many outputs, and learns the activation's shape.

    Shapes: input (*, M·k, *); output (*, M, *).

    Args:
        num_pieces: k.
        dim: along which the pieces lie, those of one output side by side.
    Gradient: to the first largest piece.
    Raises:
        ShapeError: k does not divide the dim's size.
        IndexRangeError: there is no such dim.
        ParameterError: k is below 1.
    Source: Goodfellow et al., "Maxout Networks" (2013), section 2.

    >>> import minicnn
    >>> maxout(minicnn.tensor([[1.0, 3.0, -2.0, -5.0]]), 2)
    tensor([[ 3., -2.]])
    """
    x = entered("maxout", input)
    (k,) = ints("maxout", "num_pieces", num_pieces, 1, 1)
    dim = normal_dim("maxout", dim, x.ndim)
    size = x.shape[dim]
    if size % k:
        raise ShapeError(
            message(
                "maxout",
                f"expects a size divisible by {k} along dim {dim}, got {size}.",
                f"input {tuple(x.shape)}",
                "give the layer before num_pieces times as many outputs.",
            )
        )
    best: Tensor = x.unflatten(dim, (size // k, k)).max(dim + 1)[0]
    return best


def _swiglu_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(3, 4)))
    yield Sample(rng.normal(size=(2, 6, 3)), 1)
    yield Sample(rng.normal(size=(4, 3)), dim=0)
    yield Sample(rng.normal(size=2) * 50)  # far out, where σ is 0 or 1
    yield Sample(rng.normal(size=(2, 3, 2, 2)))
    yield Sample(np.zeros((0, 4)))
    yield Sample(np.zeros((3, 0)))


def _swiglu_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("swiglu", "even", "3"), np.ones((2, 3)))
    yield ErrorSample(IndexRangeError, ("swiglu", "2"), np.ones((2, 4)), 2)
    yield ErrorSample(DTypeError, ("swiglu", "int64"), np.ones((2, 4), dtype=np.int64))


@composition(_swiglu_samples, _swiglu_errors)
def swiglu(input: Tensor, dim: int = -1) -> Tensor:
    """Gated linear unit with SiLU as its gate: y = a · σ(a) · b; minicnn's own, PyTorch has no such function.

    a and b are the halves of x along ``dim``: make x by one linear layer, and a = x W, b = x V are the paper's.

    Shapes: input (*, 2M, *); output (*, M, *).

    Args:
        dim: the dim that is halved.
    Raises:
        ShapeError: its size is odd.
        IndexRangeError: there is no such dim.
    Source: Shazeer, "GLU Variants Improve Transformer" (2020), equation 5.

    >>> import minicnn
    >>> swiglu(minicnn.tensor([2.0, 3.0]))
    tensor([5.2848])
    """
    x = entered("swiglu", input)
    dim = normal_dim("swiglu", dim, x.ndim)
    size = x.shape[dim]
    if size % 2:
        shape = tuple(x.shape)
        raise ShapeError(
            message(
                "swiglu",
                f"expects an even size along dim {dim}, got {size}.",
                f"input {shape}",
                "give the layer before an even number of outputs.",
            )
        )
    a = x.narrow(dim, 0, size // 2)
    return a * a.sigmoid() * x.narrow(dim, size // 2, size // 2)
