"""How variables vary together: cov, corrcoef."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.errors import ArgumentTypeError, DTypeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.matmul import matmul
from minicnn.ops.primitive.reduce import sum
from minicnn.ops.primitive.triangle import diagonal
from minicnn.ops.promote import as_float

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def _cov_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.normal(size=(3, 5))
    yield Sample(x)
    yield Sample(x, correction=0)
    yield Sample(rng.normal(size=5))
    yield Sample(x, fweights=np.array([1, 2, 0, 3, 1]))
    yield Sample(x, aweights=Constant(np.array([0.5, 1.0, 2.0, 0.25, 1.5])))
    yield Sample(x, correction=2, fweights=np.array([1, 2, 1, 3, 1]), aweights=Constant(np.array([0.5, 1, 2, 0.25, 1])))
    yield Sample(rng.normal(size=(1, 4)))
    yield Sample(np.array([[1, 2, 4], [3, 1, 1]]))


def _cov_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("2 dims at most", "(1, 2, 3)"), np.ones((1, 2, 3)))
    yield ErrorSample(DTypeError, ("fweights", "ints"), np.ones((2, 3)), fweights=np.ones(3))
    yield ErrorSample(ShapeError, ("aweights", "(2,)", "3"), np.ones((2, 3)), aweights=np.ones(2))
    yield ErrorSample(ParameterError, ("-1",), np.ones((2, 3)), fweights=np.array([1, -1, 1]))


@composition(_cov_samples, _cov_errors)
def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """The covariances of variables, one a row, over observations, one a column: Σ w (x − x̄)(x − x̄)ᵀ / (Σ w − c).

    Shapes: (n, m) -> (n, n); one variable, (m) or (1, m), -> ().
    Args:
        correction: c, taken off the number of observations.
        fweights: how often each observation was made, ints (m).
        aweights: how much each observation counts, floats (m).
    Raises:
        ShapeError: more than two dims, or weights of another number.
        DTypeError: fweights are no ints.
        ParameterError: a negative weight.
    Source: as numpy.cov; Price, Incremental variance with weights (1972).

    >>> import minicnn
    >>> cov(minicnn.tensor([[0.0, 2.0], [4.0, 0.0]]))
    tensor([[ 2., -4.],
            [-4.,  8.]])
    """
    need_tensors("cov", input=input, fweights=fweights, aweights=aweights)
    if input.ndim > 2:
        raise ShapeError(
            message(
                "cov",
                "expects 2 dims at most.",
                f"input {tuple(input.shape)}",
                "give one variable per row, one observation per column.",
            )
        )
    correction = operator.index(correction)
    x = as_float(input).reshape((1, -1) if input.ndim < 2 else input.shape)
    count = x.shape[1]
    weights = None
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is not None:
            _check_weights(name, given, count)
            w = given.detach().to(x.dtype)
            weights = w if weights is None else weights * w
    if weights is None:
        total, centred = x.new_tensor(float(count)), x - sum(x, 1, True) / count
        scaled, rest = centred, count - correction
    else:
        total = sum(weights)
        centred = x - sum(x * weights, 1, True) / total
        scaled = centred * weights
        lost = total if aweights is None else sum(weights * aweights.detach().to(x.dtype))
        rest = total - correction * (1 if aweights is None else lost / total)
        rest = rest.clamp(min=0)
    y = matmul(scaled, centred.mT) / (max(rest, 0) if isinstance(rest, (int, float)) else rest)
    return y if y.shape[0] > 1 else y.reshape(())


def _check_weights(name: str, weights: Tensor, count: int) -> None:
    if name == "fweights" and weights.dtype.kind not in "iu":
        raise DTypeError(
            message(
                "cov",
                f"fweights expects ints, got {weights.dtype}.",
                "how often each was seen",
                "pass aweights for weights that are not whole numbers.",
            )
        )
    if tuple(weights.shape) != (count,):
        raise ShapeError(
            message(
                "cov",
                f"{name} expects {count} numbers, one per observation, got shape {tuple(weights.shape)}.",
                "observations are columns",
                "give one weight per column, or transpose the input.",
            )
        )
    if weights.numel() and bool((weights < 0).any()):
        raise ParameterError(
            message(
                "cov",
                f"{name} expects 0 or more, got {weights.min().item()}.",
                f"{name} {(count,)}",
                "use clamp(min=0).",
            )
        )


def _corrcoef_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(3, 5)))
    yield Sample(rng.normal(size=(2, 4)))
    yield Sample(np.array([[1.0, 2.0, 4.0], [2.0, 4.0, 9.0]]))
    yield Sample(np.array([[1, 2, 4], [3, 1, 1]]))
    yield Sample(np.array([[1, 2, 4]]))
    yield Sample(np.array([1, 2, 4]))


def _corrcoef_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("2 dims at most", "(1, 2, 3)"), np.ones((1, 2, 3)))
    yield ErrorSample(ArgumentTypeError, ("Tensor", "list"), [[1.0]])


@composition(_corrcoef_samples, _corrcoef_errors)
def corrcoef(input: Tensor) -> Tensor:
    """Pearson's correlations of variables, one a row: cᵢⱼ / √(cᵢᵢ cⱼⱼ), held within [−1, 1].

    Shapes: (n, m) -> (n, n); one variable, (m) or (1, m), -> ().
    Raises:
        ShapeError: more than two dims.

    >>> import minicnn
    >>> corrcoef(minicnn.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    need_tensors("corrcoef", input=input)
    c = cov(input)
    if c.ndim == 0:
        return c / c
    spread = diagonal(c).sqrt()
    return (c / spread.unsqueeze(1) / spread.unsqueeze(0)).clamp(-1, 1)
