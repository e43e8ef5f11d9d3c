"""Normalization by instance, by group of channels, and by the root of the mean square."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.errors import ParameterError, ShapeError, message
from minicnn.nn.functional.common import need_float_tensors
from minicnn.ops import batch_norm
from minicnn.ops.fused.batch_norm import update_running
from minicnn.tensor import Tensor


def _scaled(where: str, y: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """Return y · γ + β, a value of each for each channel."""
    c = y.shape[1]
    column = (1, c) + (1,) * (y.ndim - 2)
    for name, x in (("weight", weight), ("bias", bias)):
        if x is not None and tuple(x.shape) != (c,):
            raise ShapeError(
                message(
                    where,
                    f"{name} expects shape ({c},), one per channel, got {tuple(x.shape)}.",
                    f"input {tuple(y.shape)} = (N, C, ...)",
                    f"set the layer's number of channels to {c}.",
                )
            )
    y = y if weight is None else y * weight.reshape(column)
    return y if bias is None else y + bias.reshape(column)


def _instance_samples(rng: Rng) -> Iterator[Sample]:
    def draw(*shape: int) -> Any:
        return rng.normal(size=shape)

    yield Sample(draw(2, 3, 4, 3))
    yield Sample(draw(2, 3, 5), weight=draw(3), bias=draw(3), eps=0.1)
    running = draw(3), rng.uniform(0.5, 2.0, 3)
    yield Sample(draw(2, 3, 5), *running, draw(3), draw(3), use_input_stats=False)
    yield Sample(draw(1, 1, 2), weight=draw(1), eps=0.5)  # two values alone
    yield Sample(draw(2, 2, 3, 2, 2), bias=draw(2))
    yield Sample(draw(2, 3, 4) * 0.1 + 3.0, weight=draw(3), eps=0.01)  # far from 0
    yield Sample(draw(2, 4, 3) * 30.0)
    yield Sample(draw(1, 3, 1), *running, use_input_stats=False)  # one value is enough then


def _instance_errors() -> Iterator[ErrorSample]:
    x = np.ones((2, 3, 4))
    yield ErrorSample(ShapeError, ("instance_norm", "weight", "(3,)", "(2,)"), x, weight=np.ones(2))
    yield ErrorSample(ParameterError, ("instance_norm", "more than 1"), np.ones((2, 3, 1)))
    yield ErrorSample(ShapeError, ("instance_norm", "3 dims"), np.ones((2, 3)))


@composition(_instance_samples, _instance_errors)
def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalize each channel of each sample: y = γ · (x − mean) / √(var + eps) + β, over the spatial dims.

    Shapes: input and output (N, C, *); running_mean, running_var, weight (γ), bias (β): (C,).

    Args:
        running_mean, running_var: updated in place with the batch's mean where the input's statistics are used.
        use_input_stats: normalize by the input's own statistics; else by the running ones.
        momentum: running = (1 − momentum) · running + momentum · batch; the running variance is the unbiased one.
        eps: added to the variance.
    Raises:
        ShapeError: the input has no spatial dims, or an argument not the shape (C,).
        ParameterError: one value a channel.
    Source: Ulyanov, Vedaldi and Lempitsky, "Instance Normalization" (2016), equation 3.

    >>> import minicnn
    >>> instance_norm(minicnn.tensor([[[1.0, 3.0]]]))
    tensor([[[-1.0000,  1.0000]]])
    """
    where = "instance_norm"
    need_float_tensors(where, input=input, weight=weight, bias=bias)
    shape = tuple(input.shape)
    if len(shape) < 3:
        raise ShapeError(
            message(
                where,
                f"input expects 3 dims (N, C, ...) or more, got {len(shape)}.",
                f"input {shape}",
                "use batch_norm or layer_norm for (N, C).",
            )
        )
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    n, c = shape[:2]
    count = int(np.prod(shape[2:]))
    if count == 1:
        raise ParameterError(
            message(
                where,
                "expects more than 1 spatial element: one alone has no variance.",
                f"input {shape} = (N, C, ...)",
                "use larger images, or layer_norm.",
            )
        )
    y = batch_norm(input.reshape(1, n * c, *shape[2:]), None, None, training=True, eps=eps).reshape(shape)
    if running_mean is not None and running_var is not None:
        rows = input.detach().reshape(n, c, count)
        update_running(running_mean, rows.mean(2).mean(0), momentum)
        update_running(running_var, rows.var(2).mean(0), momentum)
    return _scaled(where, y, weight, bias)


def _group_samples(rng: Rng) -> Iterator[Sample]:
    def draw(*shape: int) -> Any:
        return rng.normal(size=shape)

    yield Sample(draw(2, 4, 3, 2), 2, draw(4), draw(4))
    yield Sample(draw(2, 6), 3, eps=0.1)
    yield Sample(draw(3, 4, 5), 1, draw(4))
    yield Sample(draw(2, 4, 3), 4, bias=draw(4))  # a group a channel: instance norm
    yield Sample(draw(1, 2, 2, 1, 3), 2, draw(2), draw(2))
    yield Sample(draw(2, 4), 2, eps=0.5)  # no spatial dims
    yield Sample(draw(2, 2, 3) * 100.0, 1, eps=1.0)
    yield Sample(draw(2, 2, 3) * 0.1 + 3.0, 1, draw(2), eps=0.01)
    yield Sample(draw(2, 3), 3, draw(3), draw(3))  # each value a group of its own
    yield Sample(draw(0, 4, 3), 2, draw(4), draw(4))


def _group_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ParameterError, ("group_norm", "divide", "3", "2"), np.ones((2, 3, 4)), 2)
    yield ErrorSample(ShapeError, ("weight", "(4,)", "(2,)"), np.ones((2, 4, 4)), 2, np.ones(2))
    yield ErrorSample(ParameterError, ("group_norm", "more than 1 value"), np.ones((1, 2)), 2)


@composition(_group_samples, _group_errors)
def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Normalize each group of channels of each sample: y = γ · (x − mean) / √(var + eps) + β.

    Shapes: input and output (N, C, *); weight (γ) and bias (β): (C,).

    Args:
        num_groups: how many groups; it divides C.
        eps: added to the variance.
    Raises:
        ParameterError: num_groups does not divide C, or there is one value in all.
        ShapeError: weight or bias has not the shape (C,).
    Source: Wu and He, "Group Normalization" (2018), equation 7.

    >>> import minicnn
    >>> group_norm(minicnn.tensor([[1.0, 3.0]]), 1)
    tensor([[-1.0000,  1.0000]])
    """
    need_float_tensors("group_norm", input=input, weight=weight, bias=bias)
    shape = tuple(input.shape)
    if len(shape) < 2 or num_groups < 1 or shape[1] % num_groups:
        raise ParameterError(
            message(
                "group_norm",
                f"num_groups must divide the number of channels C, got {num_groups}.",
                f"input {shape} = (N, C, ...)",
                "choose a divisor of C.",
            )
        )
    count = int(np.prod(shape[1:])) // num_groups
    if shape[0] * count == 1:
        raise ParameterError(
            message(
                "group_norm",
                "expects more than 1 value: one alone has no variance.",
                f"input {shape} = (N, C, ...); num_groups={num_groups}",
                "use fewer groups, or larger images.",
            )
        )
    if shape[0] and count > 1:
        rows = input.reshape(1, shape[0] * num_groups, count)
        y = batch_norm(rows, None, None, training=True, eps=eps).reshape(shape)
    else:
        y = input * 0.0  # each value is its group's mean
    return _scaled("group_norm", y, weight, bias)


def _rms_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(3, 4)), (4,), rng.normal(size=4), 1e-5)
    yield Sample(rng.normal(size=(2, 3, 4)), (3, 4), eps=0.1)
    yield Sample(rng.normal(size=(3, 4)), (4,), eps=1e-3)
    yield Sample(rng.normal(size=4), (4,), rng.normal(size=4))  # eps of the dtype
    yield Sample(rng.normal(size=(2, 3, 2, 2)), (3, 2, 2), rng.normal(size=(3, 2, 2)), 1e-5)
    yield Sample(rng.normal(size=(3, 1)), (1,), eps=0.5)
    yield Sample(rng.normal(size=(3, 4)) * 1e-2, (4,), eps=0.1)  # eps outweighs the input
    yield Sample(np.zeros((0, 4)), (4,), np.ones(4), 1e-5)


def _rms_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("rms_norm", "(4,)"), np.ones((2, 3)), (4,))
    yield ErrorSample(ShapeError, ("rms_norm", "weight", "(3,)", "(1,)"), np.ones((2, 3)), (3,), np.ones(1))


@composition(_rms_samples, _rms_errors)
def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """Divide each sample by the root of its mean square: y = γ · x / √(mean(x²) + eps), over the last dims.

    Shapes: input and output (*, normalized_shape); weight (γ): normalized_shape.

    Args:
        normalized_shape: the sizes of the last dims.
        eps: added to the mean square; the dtype's epsilon if None.
    Raises:
        ShapeError: the input does not end in normalized_shape, or weight has another shape.
    Source: Zhang and Sennrich, "Root Mean Square Layer Normalization" (2019), equation 4.

    >>> import minicnn
    >>> rms_norm(minicnn.tensor([[1.0, 7.0]]), (2,))
    tensor([[0.2000, 1.4000]])
    """
    need_float_tensors("rms_norm", input=input, weight=weight)
    sizes = tuple(normalized_shape)
    if not sizes or tuple(input.shape[-len(sizes) :]) != sizes:
        raise ShapeError(
            message(
                "rms_norm",
                f"input expects to end in {sizes}, got {tuple(input.shape)}.",
                f"normalized_shape {sizes}",
                "set normalized_shape to the input's last sizes.",
            )
        )
    if weight is not None and tuple(weight.shape) != sizes:
        raise ShapeError(
            message(
                "rms_norm",
                f"weight expects shape {sizes}, got {tuple(weight.shape)}.",
                f"normalized_shape {sizes}",
                "give it one factor for each normalized element.",
            )
        )
    least = float(np.finfo(str(input.dtype)).eps) if eps is None else eps
    y = input * ((input * input).mean(tuple(range(-len(sizes), 0)), keepdim=True) + least) ** -0.5
    return y if weight is None else y * weight
