"""Losses of signs and of counts: the logistic loss of classes −1 and 1, and Poisson's likelihood."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn import ops
from minicnn.autograd.op import composition
from minicnn.autograd.sample import Constant, Rng, Sample
from minicnn.nn.functional.common import reduced
from minicnn.nn.functional.loss import check_pair, pair_errors, pair_samples
from minicnn.nn.functional.smooth import logsigmoid
from minicnn.ops.fused.cross_entropy import old_reduction
from minicnn.tensor import Tensor


def _soft_margin_samples(rng: Rng) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(rng.normal(size=(3, 4)), Constant(rng.choice([-1.0, 1.0], (3, 4))), reduction=reduction)
    yield Sample(np.zeros((0, 2)), Constant(np.ones((0, 2))), reduction="sum")


@composition(_soft_margin_samples, pair_errors("soft_margin_loss"))
def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """The logistic loss of classes −1 and 1: l = ln(1 + e^(−t·x)).

    Shapes: input and target (*); output (), or (*) with reduction "none".

    Args:
        target: −1 and 1.
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        reduction: "mean", "sum" or "none".
    Raises:
        ShapeError: the shapes do not broadcast.
        ParameterError: an unknown reduction.

    >>> import minicnn
    >>> soft_margin_loss(minicnn.tensor([0.0]), minicnn.tensor([1.0]))
    tensor(0.6931)
    """
    reduction = old_reduction(reduction, size_average, reduce)
    check_pair("soft_margin_loss", input, target, reduction)
    return reduced(-logsigmoid(target * input), reduction)


def _poisson_samples(rng: Rng) -> Iterator[Sample]:
    for sample in pair_samples(rng):
        yield Sample(sample.args[0], Constant(np.asarray(np.abs(sample.args[1]) * 3)), **sample.kwargs)
    yield Sample(rng.normal(size=4), Constant(np.array([0.0, 1.0, 2.0, 3.5])), full=True)
    yield Sample(rng.uniform(0.5, 2.0, 4), Constant(np.array([0.0, 1.0, 2.0, 3.5])), log_input=False, eps=1e-3)


@composition(_poisson_samples, pair_errors("poisson_nll_loss"))
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: Any = None,
    eps: float = 1e-8,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """The negative log-likelihood of counts: l = eˣ − t · x, or x − t · ln(x + ε) where x is the rate itself.

    Shapes: input and target (*); output (), or (*) with reduction "none".

    Args:
        target: counts.
        log_input: whether x is the rate's logarithm.
        full: add Stirling's t · ln t − t + ½ · ln(2πt), for t > 1.
        size_average, reduce: PyTorch's old spelling of ``reduction``.
        eps: ε.
        reduction: "mean", "sum" or "none".
    Raises:
        ShapeError: the shapes do not broadcast.
        ParameterError: an unknown reduction.

    >>> import minicnn
    >>> poisson_nll_loss(minicnn.tensor([0.0]), minicnn.tensor([2.0]))
    tensor(1.)
    """
    reduction = old_reduction(reduction, size_average, reduce)
    check_pair("poisson_nll_loss", input, target, reduction)
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        many = target > 1
        t = ops.where(many, target, 1.0)
        loss = loss + (t * t.log() - t + (t * (2 * math.pi)).log() * 0.5).masked_fill(~many, 0.0)
    return reduced(loss, reduction)
