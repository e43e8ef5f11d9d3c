"""Average pooling: the mean of each window."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.fused import Fused
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.backend.base import Ints, Pads
from minicnn.errors import ParameterError, ShapeError, message
from minicnn.ops.fused.max_pool import pool_params
from minicnn.ops.fused.spatial import Settled, as_given
from minicnn.ops.primitive.pad import pad as surround

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class AvgPool(Fused):
    """``padding`` is what the windows reach over; ``pad`` (before and after alike) what may count as elements."""

    reads = ()

    @staticmethod
    def definition(
        x: Tensor,
        *,
        kernel: Ints,
        stride: Ints,
        padding: Pads,
        out: Ints,
        pad: Ints,
        include: bool,
        divisor: int | None,
    ) -> Tensor:
        """The sum of each window, over the sum of the same window of ones: that is what it counts."""
        total = _window_sums(x, kernel, stride, padding, out)
        if divisor is not None:
            return total / divisor
        ones = x.detach()[:1, :1] * 0 + 1
        if include:
            ones = surround(ones, [p for p in reversed(pad) for _ in range(2)], value=1.0)
            padding = tuple((low - p, high - p) for (low, high), p in zip(padding, pad, strict=True))
        return total / _window_sums(ones, kernel, stride, padding, out)

    @staticmethod
    def forward(
        be: Backend,
        x: Array,
        *,
        kernel: Ints,
        stride: Ints,
        padding: Pads,
        out: Ints,
        pad: Ints,
        include: bool,
        divisor: int | None,
    ) -> tuple[Array, Any]:
        scale = _scale(x.shape[2:], kernel, stride, out, pad, include) if divisor is None else 1.0 / divisor
        scale = scale if isinstance(scale, float) else be.constant(scale.astype(x.dtype))
        return be.sum_pool(x, kernel, stride, padding, out) * scale, scale

    @staticmethod
    def backward(
        be: Backend,
        grads: Sequence[Array],
        saved: Any,
        needs: Sequence[bool],
        x: Array,
        *,
        kernel: Ints,
        stride: Ints,
        padding: Pads,
        **_: Any,
    ) -> list[Array]:
        return [be.sum_pool_grad(grads[0] * saved, x.shape[2:], kernel, stride, padding)]

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        def draw(*shape: int) -> Any:
            return rng.normal(size=shape)

        yield Sample(draw(2, 3, 6, 6), 2)
        yield Sample(draw(2, 2, 5, 6), 3, stride=2, padding=1)
        yield Sample(draw(2, 2, 5, 6), 3, stride=2, padding=1, count_include_pad=False)
        yield Sample(draw(1, 2, 5, 5), (2, 3), 1)
        yield Sample(draw(1, 2, 5, 5), 2, ceil_mode=True)
        yield Sample(draw(1, 1, 6, 7), 3, 2, 1, True, True)
        yield Sample(draw(1, 1, 6, 7), 3, 2, 1, True, False)
        yield Sample(draw(1, 2, 4, 4), 2, divisor_override=3)
        yield Sample(draw(2, 4, 4), 2)  # no batch
        yield Sample(np.zeros((0, 2, 4, 4)), 2)

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        x = np.ones((1, 1, 5, 5))
        yield ErrorSample(ShapeError, ("avg_pool2d", "kernel", "(6, 6)", "(5, 5)"), x, 6)
        yield ErrorSample(ParameterError, ("padding", "half"), x, 2, padding=2)
        yield ErrorSample(ParameterError, ("divisor_override", "0"), x, 2, divisor_override=0)


def _window_sums(x: Tensor, kernel: Ints, stride: Ints, padding: Pads, out: Ints) -> Tensor:
    """One shifted view a window element, added up: (N, C, *S) -> (N, C, *P)."""
    x = surround(x, [width for pair in reversed(padding) for width in pair])
    y: Any = 0.0
    for offset in itertools.product(*map(range, kernel)):
        window = tuple(slice(k, k + (p - 1) * s + 1, s) for k, p, s in zip(offset, out, stride, strict=True))
        y = y + x[(..., *window)]
    return y


@functools.lru_cache(maxsize=64)
def _scale(sizes: Ints, kernel: Ints, stride: Ints, out: Ints, pad: Ints, include: bool) -> Any:
    """1 / count for each window: a number, or an array (1, 1, *P) where windows at the edge count less."""
    total = np.ones((1, 1, *out))
    for dim, (size, k, s, p, n) in enumerate(zip(sizes, kernel, stride, pad, out, strict=True)):
        start = np.arange(n) * s - p  # where each window begins; what lies past the padding never counts
        low, high = (-p, size + p) if include else (0, size)
        count = np.minimum(start + k, high) - np.maximum(start, low)
        total *= count.reshape((-1,) + (1,) * (len(out) - dim - 1))
    if total.size and (total == total.flat[0]).all():
        return 1.0 / float(total.flat[0])
    return 1.0 / total


_settled = Settled()


def avg_pool(
    where: str,
    d: int,
    input: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:
    """Check the arguments of average pooling in d spatial dims, and compute it."""
    key = _settled.key(
        (input,), (d, kernel_size, stride, padding, int(ceil_mode), int(count_include_pad), divisor_override)
    )
    settled = _settled.known.get(key)
    if settled is not None:
        done: Tensor = AvgPool.apply(input, **settled)
        return done
    x, single, params, pad = pool_params(where, input, d, kernel_size, stride, padding, 1, ceil_mode)
    del params["dilation"]
    if divisor_override is not None and divisor_override < 1:
        raise ParameterError(
            message(
                where,
                f"divisor_override expects at least 1, got {divisor_override}.",
                "each window's sum is divided by it",
                "leave it out to divide by the count.",
            )
        )
    divisor = None if divisor_override is None else operator.index(divisor_override)
    params |= {"pad": pad, "include": count_include_pad, "divisor": divisor}
    _settled.keep(None if single else key, params)
    y: Tensor = AvgPool.apply(x, **params)
    return as_given(y, single)


@AvgPool.public
def avg_pool2d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window.

    y[n, c, i, j] = 1 / (KH·KW) · Σ_kh Σ_kw x[n, c, i·s + kh − p, j·s + kw − p]

    Shapes: input (N, C, H, W) or (C, H, W); output (N, C, OH, OW) with OH = ⌊(H + 2p − KH) / s⌋ + 1.

    Args:
        kernel_size: the window's size in pixels.
        stride: pixels from one window to the next; the kernel's size by default.
        padding: zeros around the image in pixels, at most half the kernel.
        ceil_mode: round the output's size up: the last window may reach past the edge.
        count_include_pad: whether padding counts as elements of the mean.
        divisor_override: what to divide by instead of the count.
    Raises:
        ParameterError: a parameter out of range.
        ShapeError: the kernel is larger than the padded input.

    >>> import minicnn
    >>> avg_pool2d(minicnn.arange(16.0).reshape(1, 1, 4, 4), 2)
    tensor([[[[ 2.5000,  4.5000],
              [10.5000, 12.5000]]]])
    """
    return avg_pool(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )
