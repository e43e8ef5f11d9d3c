"""Losses of signs, counts and measures: the logistic loss of −1 and 1, Poisson's and Gauss's likelihood."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn import ops
from minicnn.autograd.op import composition
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.errors import ArgumentTypeError, ParameterError, ShapeError, message
from minicnn.nn.functional.common import need_float_tensors, need_positive, reduced
from minicnn.nn.functional.loss import check_pair, pair_errors, pair_samples
from minicnn.nn.functional.smooth import logsigmoid
from minicnn.ops.checks import need_reduction
from minicnn.ops.fused.cross_entropy import old_reduction
from minicnn.tensor import Tensor
from minicnn.tensor.creation import zeros


def _soft_margin_samples(rng: Rng) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        yield Sample(rng.normal(size=(3, 4)), Constant(rng.choice([-1.0, 1.0], (3, 4))), reduction=reduction)
    yield Sample(np.zeros((0, 2)), Constant(np.ones((0, 2))), reduction="sum")
    yield Sample(rng.normal(size=()), Constant(np.array(-1.0)))
    yield Sample(rng.normal(size=(2, 1, 3)) * 100, Constant(rng.choice([-1.0, 1.0], (2, 1, 3))), reduction="none")
    yield Sample(rng.normal(size=4), Constant(np.ones(4)))


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


def _gaussian_samples(rng: Rng) -> Iterator[Sample]:
    for reduction in ("mean", "sum", "none"):
        x, t = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
        yield Sample(x, t, rng.uniform(0.5, 2.0, (3, 4)), reduction=reduction)
        yield Sample(x, t, rng.uniform(0.5, 2.0, (3, 1)), reduction=reduction)  # one variance a sample
        yield Sample(x, t, rng.uniform(0.5, 2.0, 3), True, reduction=reduction)  # and without the last dim
    yield Sample(rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), 0.5, full=True)  # one for all
    yield Sample(rng.normal(size=3), rng.normal(size=3), rng.uniform(0.5, 2.0, 3), eps=1e-3)
    yield Sample(rng.normal(size=3), rng.normal(size=3), Constant(np.array([0.0, 1e-9, 2.0])), eps=0.1)  # held at eps
    yield Sample(np.zeros((0, 3)), np.zeros((0, 3)), np.ones((0, 3)), reduction="sum")


def _gaussian_errors() -> Iterator[ErrorSample]:
    where, x = "gaussian_nll_loss", np.ones((2, 3))
    yield ErrorSample(ShapeError, (where, "(2, 3)", "(2, 4)"), x, np.ones((2, 4)), x)
    yield ErrorSample(ParameterError, (where, "var", "(3,)"), x, x, np.ones(3))
    yield ErrorSample(ParameterError, (where, "var", "negative"), x, x, -x)
    yield ErrorSample(ParameterError, (where, "var", "negative"), x, x, -1.0)
    yield ErrorSample(ParameterError, (where, "eps", "0"), x, x, x, eps=0.0)
    yield ErrorSample(ParameterError, ("reduction", "'avg'"), x, x, x, reduction="avg")
    yield ErrorSample(ArgumentTypeError, (where, "var", "list"), x, x, [1.0])


@composition(_gaussian_samples, _gaussian_errors)
def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """The negative log-likelihood of measures: l = ½ · (ln v + (x − t)² / v), v = max(var, ε).

    Shapes: input and target (*), broadcast; var of that shape, or with a last dim of 1 or none; output (), or (*)
    with reduction "none".

    Args:
        input: means.
        target: what was measured.
        var: variances, or one for all; where ε stands for one, the gradient is that at ε.
        full: add the constant ½ · ln 2π.
        eps: ε.
        reduction: "mean", "sum" or "none".
    Raises:
        ShapeError: input and target do not broadcast.
        ParameterError: a negative variance, a var of another shape, eps not above 0, or an unknown reduction.
    Source: Nix and Weigend, "Estimating the Mean and Variance of the Target Probability Distribution" (1994).

    >>> import minicnn
    >>> gaussian_nll_loss(minicnn.tensor([1.0]), minicnn.tensor([3.0]), minicnn.tensor([1.0]))
    tensor(2.)
    """
    where = "gaussian_nll_loss"
    need_reduction(where, reduction)
    need_float_tensors(where, input=input, target=target)
    need_positive(where, "eps", eps)
    v: Any = var
    if isinstance(var, (int, float)) and not isinstance(var, bool):
        v = zeros(tuple(input.shape), dtype=input.dtype, device=input.device) + var
    need_float_tensors(where, var=v)
    try:
        np.broadcast_shapes(input.shape, target.shape)
    except ValueError:
        got = f"input {tuple(input.shape)}; target {tuple(target.shape)}"
        raise ShapeError(
            message(where, f"expects shapes that broadcast, got {got}.", got, "give both the same shape.")
        ) from None
    if v.shape != input.shape:
        shape = tuple(v.shape)
        if shape == tuple(input.shape[:-1]):
            v = v.unsqueeze(-1)
        elif v.ndim != input.ndim or shape[:-1] != tuple(input.shape[:-1]) or shape[-1] != 1:
            raise ParameterError(
                message(
                    where,
                    f"var expects the input's shape {tuple(input.shape)}, or one per row; got {shape}.",
                    f"input {tuple(input.shape)}",
                    "give one variance per element, or per row: shape (*, 1) or (*).",
                )
            )
    if bool((v.detach() < 0).any()):
        raise ParameterError(
            message(
                where,
                "var holds a negative number.",
                f"the least is {float(v.min())}",
                "let the network give log(var), and pass its exp().",
            )
        )
    held = v + (v.detach().clamp(min=eps) - v.detach())  # the value held, the gradient passed on
    loss = (held.log() + (input - target) ** 2 / held) * 0.5
    return reduced(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)
