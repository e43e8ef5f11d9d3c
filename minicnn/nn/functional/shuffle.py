"""Channels made pixels, pixels made channels, and channels of groups mixed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample, Samples
from minicnn.errors import ArgumentTypeError, ParameterError, ShapeError, message
from minicnn.nn.functional.common import need_float_tensors
from minicnn.ops.fused.spatial import ints
from minicnn.tensor import Tensor


def _factor(where: str, name: str, input: Any, value: Any) -> int:
    """Return a factor, checked; the input must have the dims (..., C, H, W)."""
    need_float_tensors(where, input=input)
    (r,) = ints(where, name, value, 1, 1)
    if input.ndim < 3:
        shape = tuple(input.shape)
        raise ShapeError(
            message(
                where,
                f"input expects 3 dims (..., C, H, W) or more, got {len(shape)}.",
                f"input {shape}",
                "add a dim: x.unsqueeze(0).",
            )
        )
    return r


PIXELS = (  # (*, C, H, W) and r
    ((2, 2, 2, 3), 2),
    ((1, 1, 2), 3),
    ((2, 3, 1, 2, 1), 2),  # two batch dims
    ((2, 3, 2, 2), 1),
    ((1, 1, 1, 1), 4),  # one pixel
    ((2, 2, 1, 3, 2, 1), 2),  # three batch dims
    ((0, 1, 1, 1), 2),
    ((2, 1, 0, 1), 2),
)


def _pixel_samples(undo: bool) -> Samples:
    def samples(rng: Rng) -> Iterator[Sample]:
        for (*batch, c, h, w), r in PIXELS:
            yield Sample(rng.normal(size=(*batch, c, h * r, w * r) if undo else (*batch, c * r * r, h, w)), r)

    return samples


def _pixel_errors(where: str, factor: str, words: tuple[str, ...], *shape: int) -> Callable[[], Iterator[ErrorSample]]:
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(ShapeError, (where, *words), np.ones(shape), 2)
        yield ErrorSample(ShapeError, (where, "3 dims"), np.ones((4, 2)), 2)
        yield ErrorSample(ParameterError, (factor, "0"), np.ones((1, 4, 2, 2)), 0)
        yield ErrorSample(ArgumentTypeError, (factor, "float"), np.ones((1, 4, 2, 2)), 2.0)

    return errors


@composition(
    _pixel_samples(False), _pixel_errors("pixel_shuffle", "upscale_factor", ("divisible by 4", "6"), 1, 6, 2, 2)
)
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Make r² channels one of r times the size: y[n, c, h·r + i, w·r + j] = x[n, c·r² + i·r + j, h, w].

    Shapes: input (*, C·r², H, W); output (*, C, H·r, W·r).

    Args:
        upscale_factor: r.
    Raises:
        ShapeError: r² does not divide the channels.
        ParameterError: r is below 1.
    Source: Shi et al., "Real-Time Single Image and Video Super-Resolution" (2016), equation 4.

    >>> import minicnn
    >>> pixel_shuffle(minicnn.arange(4.0).reshape(1, 4, 1, 1), 2)
    tensor([[[[0., 1.],
              [2., 3.]]]])
    """
    r = _factor("pixel_shuffle", "upscale_factor", input, upscale_factor)
    *batch, c, h, w = input.shape
    if c % (r * r):
        raise ShapeError(
            message(
                "pixel_shuffle",
                f"input expects channels divisible by {r * r}, got {c}.",
                f"input {tuple(input.shape)} = (..., C·r², H, W)",
                "give the layer before r² times as many channels.",
            )
        )
    x = input.reshape(int(np.prod(batch)), c // (r * r), r, r, h, w).permute(0, 1, 4, 2, 5, 3)  # (N, C, H, r, W, r)
    return x.reshape(*batch, c // (r * r), h * r, w * r)


@composition(
    _pixel_samples(True), _pixel_errors("pixel_unshuffle", "downscale_factor", ("divisible by 2", "3"), 1, 1, 3, 2)
)
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Make one channel r² of an r-th of the size, undoing `pixel_shuffle`.

    y[n, c·r² + i·r + j, h, w] = x[n, c, h·r + i, w·r + j]

    Shapes: input (*, C, H·r, W·r); output (*, C·r², H, W).

    Args:
        downscale_factor: r.
    Raises:
        ShapeError: r does not divide height and width.
        ParameterError: r is below 1.
    Source: Shi et al., "Real-Time Single Image and Video Super-Resolution" (2016), equation 4.

    >>> import minicnn
    >>> pixel_unshuffle(minicnn.arange(4.0).reshape(1, 1, 2, 2), 2).flatten()
    tensor([0., 1., 2., 3.])
    """
    r = _factor("pixel_unshuffle", "downscale_factor", input, downscale_factor)
    *batch, c, h, w = input.shape
    if h % r or w % r:
        raise ShapeError(
            message(
                "pixel_unshuffle",
                f"input expects height and width divisible by {r}, got {h} and {w}.",
                f"input {tuple(input.shape)} = (..., C, H·r, W·r)",
                "pad or crop the images.",
            )
        )
    x = input.reshape(int(np.prod(batch)), c, h // r, r, w // r, r).permute(0, 1, 3, 5, 2, 4)  # (N, C, r, r, H, W)
    return x.contiguous().reshape(*batch, c * r * r, h // r, w // r)


def _channel_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(2, 6, 2, 3)), 2)
    yield Sample(rng.normal(size=(2, 6, 2, 3)), 3)
    yield Sample(rng.normal(size=(1, 4, 3)), 4)
    yield Sample(rng.normal(size=(1, 4, 2, 1, 2)), 2)
    yield Sample(rng.normal(size=(2, 5, 2)), 1)
    yield Sample(np.zeros((0, 4, 2, 2)), 2)


def _channel_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("channel_shuffle", "divide", "3"), np.ones((1, 4, 2, 2)), 3)
    yield ErrorSample(ShapeError, ("channel_shuffle", "3 dims"), np.ones((4, 2)), 2)
    yield ErrorSample(ParameterError, ("groups", "0"), np.ones((1, 4, 2, 2)), 0)


@composition(_channel_samples, _channel_errors)
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Mix the channels of groups: y[n, j·g + i] = x[n, i·(C/g) + j], so that each new group has some of each old one.

    Shapes: input and output (N, C, *).

    Args:
        groups: g.
    Raises:
        ShapeError: g does not divide C.
        ParameterError: g is below 1.
    Source: Zhang et al., "ShuffleNet" (2017), section 3.1.

    >>> import minicnn
    >>> channel_shuffle(minicnn.arange(4.0).reshape(1, 4, 1), 2).flatten()
    tensor([0., 2., 1., 3.])
    """
    g = _factor("channel_shuffle", "groups", input, groups)
    n, c, *sizes = input.shape
    if c % g:
        raise ShapeError(
            message(
                "channel_shuffle",
                f"groups must divide the channels, got {g}.",
                f"input {tuple(input.shape)} = (N, C, ...)",
                "choose a divisor of C.",
            )
        )
    return input.reshape(n, g, c // g, *sizes).transpose(1, 2).reshape(input.shape)


native_channel_shuffle = channel_shuffle
