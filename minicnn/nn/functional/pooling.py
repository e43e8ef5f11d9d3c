"""Pooling in 1 and 3 dims, and the way back from maxima."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minicnn.autograd.graph import wrap
from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import backend_of
from minicnn.errors import IndexRangeError, ParameterError, ShapeError, message
from minicnn.nn.functional.common import need_float_tensors
from minicnn.ops.checks import need_tensors
from minicnn.ops.fused.avg_pool import avg_pool
from minicnn.ops.fused.max_pool import max_pool
from minicnn.ops.fused.spatial import ints
from minicnn.ops.primitive.reduce import distinct
from minicnn.tensor import Tensor
from minicnn.tensor.creation import zeros

Sizes = int | Sequence[int]


def _max_samples(d: int) -> Callable[[Rng], Iterator[Sample]]:
    def samples(rng: Rng) -> Iterator[Sample]:
        sizes = (7, 6, 4)[:d]
        yield Sample(distinct(rng, 2, 3, *sizes), 2)
        yield Sample(distinct(rng, 1, 2, *sizes), 2, stride=1, padding=1, dilation=2)
        yield Sample(distinct(rng, 2, *sizes), 3, 2, ceil_mode=True, return_indices=True)
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

    Raises:
        ParameterError, ShapeError: as for `avg_pool2d`.

    >>> import minicnn
    >>> avg_pool3d(minicnn.arange(8.0).reshape(1, 1, 2, 2, 2), 2).flatten()
    tensor([3.5000])
    """
    where, divisor = "avg_pool3d", divisor_override
    return avg_pool(where, 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor)


def _unpool_samples(rng: Rng) -> Iterator[Sample]:
    places = np.array([[[[0, 3], [8, 14]], [[5, 2], [12, 15]]]])
    yield Sample(rng.normal(size=(1, 2, 2, 2)), places, 2)
    yield Sample(rng.normal(size=(2, 2, 2)), places[0], 2, stride=(2, 3), padding=(0, 1), output_size=(4, 4))
    yield Sample(np.zeros((0, 2, 2, 2)), np.zeros((0, 2, 2, 2), dtype=np.int64), 2)


def _unpool_errors() -> Iterator[ErrorSample]:
    x, i = np.ones((1, 1, 2, 2)), np.zeros((1, 1, 2, 2), dtype=np.int64)
    yield ErrorSample(ShapeError, ("max_unpool2d", "indices"), x, i[0], 2)
    yield ErrorSample(IndexRangeError, ("max_unpool2d", "16"), x, i + 16, 2)


@composition(_unpool_samples, _unpool_errors)
def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Put maxima back to where they stood, with zeros elsewhere: y[n, c, indices[n, c, i, j]] = x[n, c, i, j].

    Shapes: input and indices (N, C, H, W) or (C, H, W); output (N, C, OH, OW), OH = (H − 1) · s − 2p + KH.

    Args:
        indices: what ``max_pool2d(..., return_indices=True)`` gave.
        kernel_size, stride, padding: as that was called with.
        output_size: the last sizes of the output, where they are not the ones above.
    Raises:
        ShapeError: the shapes differ.
        IndexRangeError: a place outside the output.

    >>> import minicnn
    >>> max_unpool2d(minicnn.ones(1, 1, 1, 1), minicnn.tensor([[[[2]]]]), 2)
    tensor([[[[0., 0.],
              [1., 0.]]]])
    """
    where = "max_unpool2d"
    need_tensors(where, indices=indices)
    need_float_tensors(where, input=input)
    if input.shape != indices.shape or input.ndim not in (3, 4):
        raise ShapeError(
            message(
                where,
                f"indices expects the input's shape, got {tuple(indices.shape)}.",
                f"input {tuple(input.shape)} = (N, C, H, W)",
                "pass both as max_pool2d gave them.",
            )
        )
    kernel, pads = ints(where, "kernel_size", kernel_size, 2, 1), ints(where, "padding", padding, 2, 0)
    steps = kernel if stride is None else ints(where, "stride", stride, 2, 1)
    sizes = tuple((n - 1) * s - 2 * p + k for n, s, p, k in zip(input.shape[-2:], steps, pads, kernel, strict=True))
    sizes = sizes if output_size is None else tuple(output_size)[-2:]
    planes, area = int(np.prod(input.shape[:-2])), sizes[0] * sizes[1]
    flat = indices.reshape(planes, input.shape[-2] * input.shape[-1])
    if flat.numel() and not 0 <= int(flat.min().item()) <= int(flat.max().item()) < area:
        raise IndexRangeError(
            message(
                where,
                f"indices expects places below {area}, got up to {int(flat.max().item())}.",
                f"output {sizes}",
                "pass output_size.",
            )
        )
    empty = zeros(planes, area, dtype=input.dtype, device=input.device)
    rows: Tensor = wrap(backend_of(input._array).asarray(np.arange(planes)[:, None]))
    filled = empty.index_put((rows, flat), input.reshape(planes, flat.shape[1]))
    return filled.reshape(*input.shape[:-2], *sizes)
