"""Batch normalization: each channel of a batch shifted and scaled to mean 0 and variance 1, then by what is learned.

x̂ = (x − mean) / √(var + eps), y = γ · x̂ + β, with mean and variance over N and the spatial dims.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.fused import Fused
from minicnn.autograd.graph import TapeTensor
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.errors import DTypeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_floats, need_one_dtype, need_tensors
from minicnn.ops.fused.spatial import Settled
from minicnn.ops.inplace import array_to_write

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class BatchNorm(Fused):
    """(x, γ, β, mean or None, var or None) -> (y, mean, var), by the batch's statistics where none are given.

    The last two outputs feed the running statistics, and have no gradient.
    """

    reads = (0, 1, 3, 4)

    @staticmethod
    def definition(
        x: Tensor, weight: Tensor | None, bias: Tensor | None, mean: Tensor | None, var: Tensor | None, *, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        dims, column = (0, *range(2, x.ndim)), _column(x)
        if mean is None or var is None:
            mean = x.mean(dims)
            var = (x - mean.reshape(column)).pow(2).mean(dims)
        y = (x - mean.reshape(column)) / (var.reshape(column) + eps).sqrt()
        if weight is not None:
            y = y * weight.reshape(column)
        if bias is not None:
            y = y + bias.reshape(column)
        return y, mean.detach(), var.detach()

    @staticmethod
    def forward(
        be: Backend,
        x: Array,
        weight: Array | None,
        bias: Array | None,
        mean: Array | None,
        var: Array | None,
        *,
        eps: float,
    ) -> tuple[tuple[Array, Array, Array], tuple[Array, Array]]:
        if mean is None or var is None:
            mean, var = be.channel_statistics(x)
        scale = 1.0 / be.xp.sqrt(var + eps)
        return (be.normalize_channels(x, mean, scale, weight, bias), mean, var), (mean, scale)

    @staticmethod
    def infer(
        be: Backend,
        x: Array,
        weight: Array | None,
        bias: Array | None,
        mean: Array | None,
        var: Array | None,
        *,
        eps: float,
    ) -> tuple[Array, Array | None, Array | None]:
        if mean is None or var is None:
            return BatchNorm.forward(be, x, weight, bias, mean, var, eps=eps)[0]
        return be.normalize_channels(x, mean, 1.0 / be.xp.sqrt(var + eps), weight, bias), None, None

    @staticmethod
    def backward(
        be: Backend,
        grads: Sequence[Array],
        saved: tuple[Array, Array],
        needs: Sequence[bool],
        x: Array,
        weight: Array | None,
        bias: Array | None,
        mean: Array | None,
        var: Array | None,
        *,
        eps: float,
    ) -> list[Array | None]:
        g, scale = grads[0], saved[1]
        if mean is None or var is None:
            # x̂ is made again: kept from forward, it would hold as much memory as x.
            dx, d_weight, d_bias = be.batch_norm_grad(g, x, weight, *saved, needs[0])
            return [dx, d_weight if needs[1] else None, d_bias if needs[2] else None, None, None]
        factor = scale if weight is None else scale * weight
        d_bias = be.channel_sums(g)
        slope: Array = None  # Σ g·x̂
        if needs[1] or needs[4]:
            slope = be.channel_sums(g * be.normalize_channels(x, *saved, None, None))
        return [
            g * factor.reshape(_column(x)) if needs[0] else None,
            slope if needs[1] else None,
            d_bias if needs[2] else None,
            -d_bias * factor if needs[3] else None,
            -0.5 * slope * factor * scale if needs[4] else None,
        ]

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        def draw(*shape: int) -> Any:
            return rng.normal(size=shape)

        yield Sample(draw(4, 3), None, None, draw(3), draw(3), training=True)
        yield Sample(draw(2, 3, 4, 2), None, None, draw(3), draw(3), True)
        yield Sample(draw(3, 2, 4), None, None, training=True, eps=0.1)
        yield Sample(draw(3, 2, 2, 2) * 3 + 5, None, None, draw(2), None, True)
        mean, var = draw(3), rng.uniform(0.5, 2.0, 3)
        yield Sample(draw(2, 3, 2, 2), mean.astype(np.float64), var, draw(3), draw(3))
        yield Sample(draw(2, 3), mean, var)

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        x = np.ones((2, 3, 2, 2))
        yield ErrorSample(
            ParameterError, ("batch_norm", "more than 1 value"), np.ones((1, 3)), None, None, training=True
        )
        yield ErrorSample(ShapeError, ("weight", "(3,)", "(2,)"), x, None, None, np.ones(2), training=True)
        yield ErrorSample(ShapeError, ("running_mean", "(3,)", "(4,)"), x, np.ones(4), np.ones(3))
        yield ErrorSample(ParameterError, ("running", "training"), x, None, None)
        yield ErrorSample(ShapeError, ("bias", "(3,)", "()"), x, None, None, None, np.ones(()), training=True)
        yield ErrorSample(ParameterError, ("eps", "0.0"), x, None, None, training=True, eps=0.0)
        yield ErrorSample(ParameterError, ("eps", "-1.0"), x, np.ones(3), np.ones(3), eps=-1.0)
        yield ErrorSample(ShapeError, "2 dims", np.ones(3), None, None, training=True)
        yield ErrorSample(DTypeError, ("floats", "int64"), np.ones((2, 3), dtype=np.int64), None, None, training=True)


def _column(x: Array) -> tuple[int, ...]:
    """The shape in which one value a channel broadcasts: (1, C, 1, ...)."""
    return (1, x.shape[1], *(1 for _ in x.shape[2:]))


_settled = Settled()


@BatchNorm.public
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalize each channel, by the batch's statistics in training and by the running ones otherwise.

    y = γ · (x − mean) / √(var + eps) + β

    Shapes: input (N, C) or (N, C, *); running_mean, running_var, weight (γ), bias (β): (C,); output as input.

    Args:
        running_mean, running_var: used where not training; in training, where given, updated in place.
        training: take mean and (biased) variance over N and the spatial dims of this batch.
        momentum: running = (1 − momentum) · running + momentum · batch; the running variance is the unbiased one.
        eps: added to the variance.
    Raises:
        ParameterError: one value a channel in training, or no running statistics outside it.
        ShapeError: an argument has not the shape (C,).
    Source: Ioffe and Szegedy, "Batch Normalization" (2015), algorithm 1.

    >>> import minicnn
    >>> batch_norm(minicnn.tensor([[1.0], [3.0]]), None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]])
    """
    key = _settled.key((input, running_mean, running_var, weight, bias), (int(training),))
    if key is None or key not in _settled.known:
        _check(input, training, running_mean, running_var, weight, bias)
        _settled.keep(key, True)
    if not (eps > 0 if training else eps >= 0):
        raise ParameterError(
            message("batch_norm", f"eps expects a number above 0, got {eps}.", "the variance needs it", "use eps=1e-5.")
        )
    if not training:
        return BatchNorm.apply(input, weight, bias, running_mean, running_var, eps=eps)[0]
    y, mean, var = BatchNorm.apply(input, weight, bias, None, None, eps=eps)
    if running_mean is not None and running_var is not None:
        count = input.numel() // input.shape[1]
        update_running(running_mean, mean, momentum)
        update_running(running_var, var, momentum, count / (count - 1))
    return y


def update_running(running: Tensor, batch: Tensor, momentum: float, factor: float = 1.0) -> None:
    """running = (1 − momentum) · running + momentum · factor · batch, in place and off the tape."""
    array = array_to_write(running, "batch_norm")
    array *= 1 - momentum
    array += momentum * factor * batch._array


def _check(x: Tensor, training: bool, running_mean: Any, running_var: Any, weight: Any, bias: Any) -> None:
    shape = tuple(x.shape)
    if x.ndim < 2:
        raise ShapeError(
            message(
                "batch_norm",
                f"input expects at least 2 dims (N, C, ...), got {x.ndim}.",
                f"input {shape}",
                "unsqueeze it.",
            )
        )
    need_floats("batch_norm", "input", x)
    need_tensors("batch_norm", running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    need_one_dtype("batch_norm", input=x, weight=weight, bias=bias)
    if (running_mean is None) != (running_var is None):
        raise ParameterError(
            message(
                "batch_norm",
                "expects both running_mean and running_var, or neither.",
                f"input {shape}; running_{'mean' if running_mean is None else 'var'} is None",
                "pass both.",
            )
        )
    for name, value in (
        ("running_mean", running_mean),
        ("running_var", running_var),
        ("weight", weight),
        ("bias", bias),
    ):
        if isinstance(value, TapeTensor) and tuple(value._array.shape) != (shape[1],):
            raise ShapeError(
                message(
                    "batch_norm",
                    f"{name} expects shape ({shape[1]},), one per channel, got {tuple(value._array.shape)}.",
                    f"input {shape} = (N, C, ...)",
                    f"set num_features={shape[1]}, or pass an input with C={value._array.size}.",
                )
            )
    if training and x.numel() <= shape[1]:
        raise ParameterError(
            message(
                "batch_norm",
                "training expects more than 1 value per channel: one alone has no variance.",
                f"input {shape} = (N, C, ...)",
                "use a larger batch (drop_last=True in the DataLoader), or model.eval().",
            )
        )
    if not training and (running_mean is None or running_var is None):
        raise ParameterError(
            message(
                "batch_norm",
                "running_mean and running_var are needed where training is False.",
                f"input {shape}",
                "pass them, or training=True to use the batch's own.",
            )
        )
