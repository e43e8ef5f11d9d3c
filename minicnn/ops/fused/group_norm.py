"""Group normalization: the channels of each sample in groups, each shifted and scaled to mean 0 and variance 1."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.fused import Fused
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.errors import ArgumentTypeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_floats, need_one_dtype, need_positive, need_tensors
from minicnn.ops.fused.spatial import ints

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class GroupNorm(Fused):
    """(x (N, C, *S), γ (C,), β (C,)) -> (N, C, *S).

    The kernels are batch norm's: to them, each channel of each sample is a lane of its own, (1, N · C, *S), which is a
    view where images and channels lie side by side in memory.
    """

    reads = (0, 1)

    @staticmethod
    def definition(x: Tensor, weight: Tensor | None, bias: Tensor | None, *, groups: int, eps: float) -> Tensor:
        rows = x.reshape(x.shape[0], groups, math.prod(x.shape[1:]) // groups)
        centred = rows - rows.mean(2, keepdim=True)
        y = (centred / ((centred * centred).mean(2, keepdim=True) + eps).sqrt()).reshape(x.shape)
        column = (-1,) + (1,) * (x.ndim - 2)
        y = y if weight is None else y * weight.reshape(column)
        return y if bias is None else y + bias.reshape(column)

    @staticmethod
    def forward(
        be: Backend, x: Array, weight: Array | None, bias: Array | None, *, groups: int, eps: float
    ) -> tuple[Array, tuple[Array, Array]]:
        xp, (n, c, *_) = be.xp, x.shape
        lanes, parts = _lanes(x), (n, groups, c // groups)
        means, variances = (a.reshape(parts) for a in be.channel_statistics(lanes))
        mean = means.mean(axis=2, keepdims=True)  # (N, G, 1), of as many numbers in each channel
        variance = variances.mean(axis=2, keepdims=True) + ((means - mean) ** 2).mean(axis=2, keepdims=True)
        saved = _spread(xp, mean, parts), _spread(xp, 1.0 / xp.sqrt(variance + eps), parts)
        y = be.normalize_channels(lanes, *saved, *(None if a is None else xp.tile(a, n) for a in (weight, bias)))
        return y.reshape(x.shape), saved

    @staticmethod
    def backward(
        be: Backend,
        grads: Sequence[Array],
        saved: tuple[Array, Array],
        needs: Sequence[bool],
        x: Array,
        weight: Array | None,
        bias: Array | None,
        *,
        groups: int,
        eps: float,
    ) -> list[Array | None]:
        """dx = 1/σ · (γg − mean(γg) − x̂ · mean(γg·x̂)) over each group, dγ = Σ g·x̂, dβ = Σ g."""
        xp, (n, c, *_) = be.xp, x.shape
        lanes, g, (mean, scale) = _lanes(x), _lanes(grads[0]), saved
        parts, count = (n, groups, c // groups), max(x.size // max(n * groups, 1), 1)
        _, products, totals = be.batch_norm_grad(g, lanes, None, mean, scale, False)  # a lane's Σ g·x̂ and Σ g
        dx = None
        if needs[0]:
            factor = scale if weight is None else scale * xp.tile(weight, n)
            along = [
                _spread(xp, (a * factor).reshape(parts).sum(axis=2, keepdims=True) / count, parts)
                for a in (products, totals)
            ]
            dx = be.mix_channels(g, lanes, mean, factor, -along[0] * scale, -along[1]).reshape(x.shape)
        return [
            dx,
            products.reshape(n, c).sum(axis=0) if needs[1] else None,
            totals.reshape(n, c).sum(axis=0) if needs[2] else None,
        ]

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
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

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(ParameterError, ("group_norm", "divide", "3", "2"), np.ones((2, 3, 4)), 2)
        yield ErrorSample(ShapeError, ("weight", "(4,)", "(2,)"), np.ones((2, 4, 4)), 2, np.ones(2))
        yield ErrorSample(ParameterError, ("group_norm", "more than 1 value"), np.ones((1, 2)), 2)
        yield ErrorSample(ParameterError, ("eps", "above 0", "-1.0"), np.ones((2, 4)), 2, eps=-1.0)
        yield ErrorSample(ArgumentTypeError, ("num_groups", "int", "bool"), np.ones((2, 4)), True)


def _lanes(x: Array) -> Array:
    """(N, C, *S) -> (1, N · C, *S)."""
    return x.reshape(1, x.shape[0] * x.shape[1], *x.shape[2:])


def _spread(xp: Any, values: Array, parts: tuple[int, int, int]) -> Array:
    """(N, G, 1) -> (N · C,): a group's value for each of its channels."""
    return xp.broadcast_to(values, parts).reshape(-1)


def check_affine(where: str, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> None:
    """Raise ShapeError unless weight and bias have one value a channel; and as `need_floats` and its kin."""
    need_positive(where, "eps", eps)
    need_tensors(where, input=x, weight=weight, bias=bias)
    need_floats(where, "input", x)
    need_one_dtype(where, input=x, weight=weight, bias=bias)
    c = x.shape[1]
    for name, value in (("weight", weight), ("bias", bias)):
        if value is not None and tuple(value.shape) != (c,):
            raise ShapeError(
                message(
                    where,
                    f"{name} expects shape ({c},), one per channel, got {tuple(value.shape)}.",
                    f"input {tuple(x.shape)} = (N, C, ...)",
                    f"set the layer's number of channels to {c}.",
                )
            )


@GroupNorm.public
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
        DTypeError: they differ in dtype, or are not floats.
    Source: Wu and He, "Group Normalization" (2018), equation 7.

    >>> import minicnn
    >>> group_norm(minicnn.tensor([[1.0, 3.0]]), 1)
    tensor([[-1.0000,  1.0000]])
    """
    need_tensors("group_norm", input=input)
    (num_groups,) = ints("group_norm", "num_groups", num_groups, 1, 1)
    shape = tuple(input.shape)
    if len(shape) < 2 or shape[1] % num_groups:
        raise ParameterError(
            message(
                "group_norm",
                f"num_groups must divide the number of channels C, got {num_groups}.",
                f"input {shape} = (N, C, ...)",
                "choose a divisor of C.",
            )
        )
    check_affine("group_norm", input, weight, bias, eps)
    count = math.prod(shape[1:]) // num_groups
    if shape[0] * count == 1:
        raise ParameterError(
            message(
                "group_norm",
                "expects more than 1 value: one alone has no variance.",
                f"input {shape} = (N, C, ...); num_groups={num_groups}",
                "use fewer groups, or larger images.",
            )
        )
    y: Tensor = GroupNorm.apply(input, weight, bias, groups=num_groups, eps=eps)
    return y
