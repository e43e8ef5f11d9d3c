"""Normalization by instance, and by the root of the mean square."""

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
from minicnn.ops.fused.group_norm import GroupNorm, check_affine
from minicnn.tensor import Tensor


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
    yield ErrorSample(ParameterError, ("eps", "above 0", "0.0"), np.ones((2, 3, 4)), eps=0.0)


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
    check_affine(where, input, weight, bias, eps)
    if running_mean is not None and running_var is not None:
        rows = input.detach().reshape(n, c, count)
        update_running(running_mean, rows.mean(2).mean(0), momentum)
        update_running(running_var, rows.var(2).mean(0), momentum)
    y: Tensor = GroupNorm.apply(input, weight, bias, groups=c, eps=eps)
    return y


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
