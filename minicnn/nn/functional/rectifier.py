"""Activations with a corner: piecewise, most of them linear in pieces."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minicnn import ops
from minicnn.autograd.op import composition
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.errors import ParameterError, ShapeError, message
from minicnn.nn.functional.common import (
    elementwise_errors,
    elementwise_samples,
    entered,
    left,
    need_float_tensors,
    need_positive,
)
from minicnn.tensor import Tensor


@composition(elementwise_samples({"negative_slope": 0.3}), elementwise_errors())
def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Rectify with a leak: y = x for x > 0, s · x elsewhere.

    Shapes: input and output (*).

    Args:
        negative_slope: s.
        inplace: write the result over the input.
    Raises:
        DTypeError: the input is not of floats.
    Source: Maas, Hannun and Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic Models" (2013).

    >>> import minicnn
    >>> leaky_relu(minicnn.tensor([-1.0, 2.0]))
    tensor([-0.0100,  2.0000])
    """
    x = entered("leaky_relu", input, inplace)
    return left(input, ops.where(x > 0, x, x * negative_slope), inplace)


def _prelu_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(3, 4)), rng.normal(size=1))
    yield Sample(rng.normal(size=(2, 3, 2, 2)), rng.normal(size=3))
    yield Sample(rng.normal(size=4), rng.normal(size=1))
    yield Sample(rng.normal(size=(0, 3)), rng.normal(size=3))
    yield Sample(rng.normal(size=()), rng.normal(size=1))
    yield Sample(rng.normal(size=(2, 3)), np.array(0.25))  # a slope without dims
    yield Sample(rng.normal(size=(2, 3, 4)), rng.normal(size=3))
    yield Sample(rng.normal(size=(2, 1, 4)), rng.normal(size=1))


def _prelu_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("prelu", "weight", "(2,)", "3"), np.ones((2, 3, 4)), np.ones(2))
    yield ErrorSample(ShapeError, ("weight", "(1, 1)"), np.ones((2, 3)), np.ones((1, 1)))


@composition(_prelu_samples, _prelu_errors)
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Rectify with a learned leak: y = x for x > 0, w · x elsewhere.

    Shapes: input and output (N, C, *) or (*); weight (1,), or (C,) with a slope for each channel.

    Args:
        weight: w, the slope below 0.
    Raises:
        ShapeError: the weight has neither 1 element nor one per channel.
    Source: He et al., "Delving Deep into Rectifiers" (2015), equation 1.

    >>> import minicnn
    >>> prelu(minicnn.tensor([-1.0, 2.0]), minicnn.tensor([0.25]))
    tensor([-0.2500,  2.0000])
    """
    need_float_tensors("prelu", input=input, weight=weight)
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.ndim > 1 or weight.numel() not in (1, channels):
        raise ShapeError(
            message(
                "prelu",
                f"weight expects 1 element, or {channels}, one per channel, got shape {tuple(weight.shape)}.",
                f"input {tuple(input.shape)} = (N, C, ...)",
                f"set num_parameters={channels}, or 1.",
            )
        )
    if input.ndim > 1:
        weight = weight.reshape((1, -1) + (1,) * (input.ndim - 2))
    elif input.ndim == 0:
        weight = weight.reshape(())
    above = input > 0
    return ops.where(above, input, input.masked_fill(above, 0.0) * weight)  # ∞ · 0 is no gradient of the slope's


def _exponential(x: Tensor, alpha: float, rate: float) -> Tensor:
    """α · (e^(rate · x) − 1) where x ≤ 0; 0 elsewhere, where the exponential might overflow."""
    return (x.masked_fill(x > 0, 0.0) * rate).expm1() * alpha


@composition(elementwise_samples({"alpha": 0.5}), elementwise_errors())
def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Exponential linear unit: y = x for x > 0, α · (eˣ − 1) elsewhere.

    Shapes: input and output (*).

    Args:
        alpha: α.
        inplace: write the result over the input.
    Raises:
        DTypeError: the input is not of floats.
    Source: Clevert, Unterthiner and Hochreiter, "Fast and Accurate Deep Network Learning by ELUs" (2015).

    >>> import minicnn
    >>> elu(minicnn.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    x = entered("elu", input, inplace)
    return left(input, ops.where(x > 0, x, _exponential(x, alpha, 1.0)), inplace)


@composition(elementwise_samples(), elementwise_errors())
def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Scaled exponential linear unit: y = λ · x for x > 0, λ · α · (eˣ − 1) elsewhere; λ ≈ 1.0507, α ≈ 1.6733.

    Shapes: input and output (*).

    Args:
        inplace: write the result over the input.
    Raises:
        DTypeError: the input is not of floats.
    Source: Klambauer et al., "Self-Normalizing Neural Networks" (2017), equation 2.

    >>> import minicnn
    >>> selu(minicnn.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """
    x = entered("selu", input, inplace)
    y = ops.where(x > 0, x, _exponential(x, 1.6732632423543772, 1.0)) * 1.0507009873554805
    return left(input, y, inplace)


@composition(
    elementwise_samples({"alpha": 0.5}),
    elementwise_errors(ErrorSample(ParameterError, ("alpha", "0.0"), np.ones(2), alpha=0.0)),
)
def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Exponential linear unit without a corner at 0: y = x for x > 0, α · (e^(x/α) − 1) elsewhere.

    Shapes: input and output (*).

    Args:
        alpha: α.
        inplace: write the result over the input.
    Raises:
        ParameterError: alpha is not above 0.
    Source: Barron, "Continuously Differentiable Exponential Linear Units" (2017), equation 2.

    >>> import minicnn
    >>> celu(minicnn.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    need_positive("celu", "alpha", alpha)
    x = entered("celu", input, inplace)
    return left(input, ops.where(x > 0, x, _exponential(x, alpha, 1.0 / alpha)), inplace)


@composition(
    elementwise_samples({"min_val": -2.0, "max_val": 0.5}),
    elementwise_errors(ErrorSample(ParameterError, ("min_val", "2.0"), np.ones(2), 2.0, 1.0)),
)
def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """Cut off at both ends: y = min(max(x, a), b); no gradient at a and b themselves.

    Shapes: input and output (*).

    Args:
        min_val, max_val: a and b.
        inplace: write the result over the input.
    Raises:
        ParameterError: min_val is above max_val.

    >>> import minicnn
    >>> hardtanh(minicnn.tensor([-3.0, 0.5]))
    tensor([-1.0000,  0.5000])
    """
    if min_val > max_val:
        raise ParameterError(
            message("hardtanh", f"min_val {min_val} is above max_val.", f"max_val = {max_val}", "swap the two.")
        )
    x = entered("hardtanh", input, inplace)
    y = ops.where(x <= min_val, min_val, ops.where(x >= max_val, max_val, x))
    return left(input, y, inplace)


@composition(elementwise_samples(), elementwise_errors())
def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Rectify, and cut off at 6: y = min(max(x, 0), 6).

    Shapes: input and output (*).

    Args:
        inplace: write the result over the input.
    Source: Howard et al., "MobileNets" (2017).

    >>> import minicnn
    >>> relu6(minicnn.tensor([-1.0, 2.0, 8.0]))
    tensor([0., 2., 6.])
    """
    return hardtanh(input, 0.0, 6.0, inplace)


@composition(elementwise_samples(), elementwise_errors())
def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """The logistic function in three lines: y = min(max(x / 6 + ½, 0), 1).

    Shapes: input and output (*).

    Args:
        inplace: write the result over the input.
    Raises:
        DTypeError: the input is not of floats.
    Source: Howard et al., "Searching for MobileNetV3" (2019), section 5.2.

    >>> import minicnn
    >>> hardsigmoid(minicnn.tensor([-4.0, 0.0, 4.0]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    x = entered("hardsigmoid", input, inplace)
    return left(input, hardtanh(x / 6 + 0.5, 0.0, 1.0), inplace)


@composition(elementwise_samples(), elementwise_errors())
def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """SiLU in pieces: y = x · min(max(x / 6 + ½, 0), 1).

    Shapes: input and output (*).

    Args:
        inplace: write the result over the input.
    Raises:
        DTypeError: the input is not of floats.
    Source: Howard et al., "Searching for MobileNetV3" (2019), section 5.2.

    >>> import minicnn
    >>> hardswish(minicnn.tensor([-4.0, 0.0, 4.0])) + 0
    tensor([0., 0., 4.])
    """
    x = entered("hardswish", input, inplace)
    return left(input, x * hardsigmoid(x), inplace)


def _threshold_samples(rng: Rng) -> Iterator[Sample]:
    for shape in ((), (3, 4), (2, 3, 2), (0, 3)):
        yield Sample(rng.normal(size=shape), 0.2, -1.5)
    for threshold, value in ((-1.0, 0.0), (0.0, 0.0), (10.0, 3.0), (-10.0, 3.0)):  # some, half, all, none replaced
        yield Sample(rng.normal(size=(4, 5)), threshold, value)
    yield Sample(Constant(np.array([np.nan, np.inf, -np.inf, 1.0])), 1.0, 0.0)  # NaN stays NaN


def _threshold_errors() -> Iterator[ErrorSample]:
    for error in elementwise_errors()():
        yield ErrorSample(error.error, error.words, *error.args, threshold=0.0, value=0.0)


@composition(_threshold_samples, _threshold_errors)
def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """y = x for x > t, v elsewhere.

    Shapes: input and output (*).

    Args:
        threshold: t.
        value: v.
        inplace: write the result over the input.
    Raises:
        DTypeError: the input is not of floats.

    >>> import minicnn
    >>> from minicnn.nn import functional as F
    >>> F.threshold(minicnn.tensor([0.5, 2.0]), 1.0, 20.0)
    tensor([20.,  2.])
    """
    x = entered("threshold", input, inplace)
    return left(input, ops.where(x <= threshold, value, x), inplace)  # NaN stays NaN


@composition(
    elementwise_samples({"lambd": 1.5}),
    elementwise_errors(ErrorSample(ParameterError, ("lambd", "-1"), np.ones(2), -1.0)),
)
def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Move x by λ towards 0: y = x − λ for x > λ, x + λ for x < −λ, 0 between.

    Shapes: input and output (*).

    Args:
        lambd: λ.
    Raises:
        ParameterError: lambd is negative.

    >>> import minicnn
    >>> softshrink(minicnn.tensor([-2.0, 0.2, 1.0]))
    tensor([-1.5000,  0.0000,  0.5000])
    """
    need_positive("softshrink", "lambd", lambd, or_zero=True)
    x = entered("softshrink", input)
    return ops.where(x > lambd, x - lambd, ops.where(x < -lambd, x + lambd, x * 0.0))  # NaN stays NaN


@composition(elementwise_samples({"lambd": 1.5}), elementwise_errors())
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Set what is small to 0: y = x for |x| > λ, 0 elsewhere.

    Shapes: input and output (*).

    Args:
        lambd: λ.
    Raises:
        DTypeError: the input is not of floats.

    >>> import minicnn
    >>> hardshrink(minicnn.tensor([-2.0, 0.2, 1.0]))
    tensor([-2.,  0.,  1.])
    """
    x = entered("hardshrink", input)
    return x.masked_fill(x.detach().abs() <= lambd, 0.0)
