"""Pooling in 1 and 3 dims."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.errors import ParameterError, ShapeError
from minicnn.ops.fused.avg_pool import avg_pool
from minicnn.ops.fused.max_pool import max_pool
from minicnn.ops.primitive.reduce import distinct
from minicnn.tensor import Tensor

Sizes = int | Sequence[int]


def _max_samples(d: int) -> Callable[[Rng], Iterator[Sample]]:
    def samples(rng: Rng) -> Iterator[Sample]:
        sizes = (7, 6, 4)[:d]
        yield Sample(distinct(rng, 2, 3, *sizes), 2)
        yield Sample(distinct(rng, 1, 2, *sizes), 2, stride=1, padding=1, dilation=2)
        yield Sample(distinct(rng, 2, *sizes), 3, 2, ceil_mode=True, return_indices=True)
        yield Sample(distinct(rng, 1, 2, *sizes), 3, 2, 1, return_indices=True)
        yield Sample(distinct(rng, 1, 1, *sizes), 1)
        yield Sample(distinct(rng, 2, 1, *sizes), (3, 2, 1)[:d], (1, 2, 3)[:d], (1, 1, 0)[:d])
        yield Sample(Constant(np.full((1, 1, *sizes), -np.inf)), 2, 1, 1, return_indices=True)
        some = distinct(rng, 1, 2, *sizes)
        some[0, 0, 2:4] = np.nan
        yield Sample(Constant(some), 3, 1, 1, return_indices=True)
        yield Sample(np.zeros((0, 2, *sizes)), 2)

    return samples


def _pool_errors(where: str, d: int) -> Callable[[], Iterator[ErrorSample]]:
    def errors() -> Iterator[ErrorSample]:
        x = np.ones((1, 1, *(5,) * d))
        yield ErrorSample(ShapeError, (where, "kernel", "larger"), x, 6)
        yield ErrorSample(ParameterError, (where, "padding", "half"), x, 2, padding=2)

    return errors


@composition(_max_samples(1), _pool_errors("max_pool1d", 1))
def max_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest value of each window of a sequence; as `max_pool2d`, in one dim.

    y[n, c, i] = max over k of x[n, c, i·s + k·d − p]

    Shapes: input (N, C, L) or (C, L); output (N, C, OL) with OL = ⌊(L + 2p − d·(K − 1) − 1) / s⌋ + 1.

    Args:
        kernel_size, stride, padding, dilation: as for `max_pool2d`; in elements.
        ceil_mode, return_indices: as for `max_pool2d`.
    Raises:
        ParameterError, ShapeError: as for `max_pool2d`.

    >>> import minicnn
    >>> max_pool1d(minicnn.arange(4.0).reshape(1, 1, 4), 2)
    tensor([[[1., 3.]]])
    """
    return max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@composition(_max_samples(3), _pool_errors("max_pool3d", 3))
def max_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest value of each window of a volume; as `max_pool2d`, in three dims.

    y[n, c, i] = max over k of x[n, c, i·s + k·d − p], i and k with three indices each

    Shapes: input (N, C, D, H, W) or (C, D, H, W); output (N, C, OD, OH, OW) with
    OD = ⌊(D + 2p − d·(KD − 1) − 1) / s⌋ + 1.

    Args:
        kernel_size, stride, padding, dilation: as for `max_pool2d`; an int, or one for each dim.
        ceil_mode, return_indices: as for `max_pool2d`.
    Raises:
        ParameterError, ShapeError: as for `max_pool2d`.

    >>> import minicnn
    >>> max_pool3d(minicnn.arange(8.0).reshape(1, 1, 2, 2, 2), 2).flatten()
    tensor([7.])
    """
    return max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _avg_samples(d: int) -> Callable[[Rng], Iterator[Sample]]:
    def samples(rng: Rng) -> Iterator[Sample]:
        sizes = (7, 6, 4)[:d]
        yield Sample(rng.normal(size=(2, 3, *sizes)), 2)
        yield Sample(rng.normal(size=(1, 2, *sizes)), 3, 2, 1, True, False)
        yield Sample(rng.normal(size=(2, *sizes)), 2, stride=1)
        yield Sample(rng.normal(size=(1, 2, *sizes)), 3, 2, 1, False, True)
        yield Sample(rng.normal(size=(1, 1, *sizes)), 1, 2)
        yield Sample(rng.normal(size=(1, 2, *sizes)), (3, 2, 1)[:d], (1, 2, 3)[:d], (1, 1, 0)[:d])
        yield Sample(rng.normal(size=(2, 1, *sizes)), 3, 3, ceil_mode=True)
        if d == 3:
            yield Sample(rng.normal(size=(1, 2, *sizes)), 2, divisor_override=3)
        yield Sample(np.zeros((0, 2, *sizes)), 2)

    return samples


@composition(_avg_samples(1), _pool_errors("avg_pool1d", 1))
def avg_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window of a sequence; as `avg_pool2d`, in one dim.

    y[n, c, i] = 1 / K · Σ_k x[n, c, i·s + k − p]

    Shapes: input (N, C, L) or (C, L); output (N, C, OL) with OL = ⌊(L + 2p − K) / s⌋ + 1.

    Args:
        kernel_size, stride, padding: as for `avg_pool2d`; in elements.
        ceil_mode, count_include_pad: as for `avg_pool2d`.
    Raises:
        ParameterError, ShapeError: as for `avg_pool2d`.

    >>> import minicnn
    >>> avg_pool1d(minicnn.arange(4.0).reshape(1, 1, 4), 2)
    tensor([[[0.5000, 2.5000]]])
    """
    return avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


@composition(_avg_samples(3), _pool_errors("avg_pool3d", 3))
def avg_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window of a volume; as `avg_pool2d`, in three dims.

    y[n, c, i] = 1 / K · Σ_k x[n, c, i·s + k − p], i and k with three indices each

    Shapes: input (N, C, D, H, W) or (C, D, H, W); output (N, C, OD, OH, OW) with OD = ⌊(D + 2p − KD) / s⌋ + 1.

    Args:
        kernel_size, stride, padding: as for `avg_pool2d`; an int, or one for each dim.
        ceil_mode, count_include_pad, divisor_override: as for `avg_pool2d`.
    Raises:
        ParameterError, ShapeError: as for `avg_pool2d`.

    >>> import minicnn
    >>> avg_pool3d(minicnn.arange(8.0).reshape(1, 1, 2, 2, 2), 2).flatten()
    tensor([3.5000])
    """
    where, divisor = "avg_pool3d", divisor_override
    return avg_pool(where, 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor)
