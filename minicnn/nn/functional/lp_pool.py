"""Power-average pooling: the p-norm of each window."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.errors import ParameterError, ShapeError
from minicnn.nn.functional.common import need_positive
from minicnn.ops.fused.avg_pool import avg_pool
from minicnn.ops.fused.spatial import check_input, ints
from minicnn.tensor import Tensor

Sizes = int | Sequence[int]


def _lp_pool(d: int, input: Any, p: float, kernel_size: Sizes, stride: Any, ceil_mode: bool) -> Tensor:
    where = f"lp_pool{d}d"
    check_input(where, input, d)
    need_positive(where, "norm_type", p)
    mean = avg_pool(where, d, input**p, kernel_size, stride, 0, ceil_mode, True, None)
    total = mean * int(np.prod(ints(where, "kernel_size", kernel_size, d, 1)))
    zero = total == 0  # where the root has no slope
    return (total.masked_fill(zero, 1.0) ** (1 / p)).masked_fill(zero, 0.0)


def _samples(d: int) -> Callable[[Rng], Iterator[Sample]]:
    def samples(rng: Rng) -> Iterator[Sample]:
        sizes = (7, 6, 4)[:d]
        yield Sample(rng.normal(size=(2, 3, *sizes)), 2, 2)
        yield Sample(rng.normal(size=(1, 2, *sizes)), 2.0, 3, 2)
        yield Sample(rng.normal(size=(2, *sizes)), 2, 2, stride=1)  # no batch
        yield Sample(rng.normal(size=(1, 2, *sizes)), 2, 3, 2, True)  # the last windows reach past the edge
        yield Sample(rng.uniform(0.5, 2.0, (1, 2, *sizes)), 1, 2)  # p = 1: the sum
        yield Sample(rng.uniform(0.5, 2.0, (1, 2, *sizes)), 3.5, 2)
        yield Sample(rng.normal(size=(1, 2, *sizes)), 4, (3, 2, 1)[:d] if d > 1 else 3)
        yield Sample(np.zeros((0, 2, *sizes)), 2, 2)

    return samples


def _errors(d: int) -> Callable[[], Iterator[ErrorSample]]:
    def errors() -> Iterator[ErrorSample]:
        where, x = f"lp_pool{d}d", np.ones((1, 1, *(5,) * d))
        yield ErrorSample(ParameterError, (where, "norm_type", "0"), x, 0, 2)
        yield ErrorSample(ParameterError, (where, "kernel_size", "at least 1"), x, 2, 0)
        yield ErrorSample(ShapeError, (where, "larger"), x, 2, 6)
        yield ErrorSample(ShapeError, (where, "dims"), np.ones(3), 2, 2)

    return errors


@composition(_samples(1), _errors(1))
def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> Tensor:
    """The p-norm of each window of a sequence; as `lp_pool2d`, in one dim.

    y[n, c, i] = (Σ_k x[n, c, i·s + k]ᵖ)^(1/p)

    Shapes: input (N, C, L) or (C, L); output (N, C, OL), OL = ⌊(L − K) / s⌋ + 1.

    Args:
        norm_type, kernel_size, stride, ceil_mode: as for `lp_pool2d`; sizes in elements.
    Raises:
        ParameterError, ShapeError: as for `lp_pool2d`.

    >>> import minicnn
    >>> lp_pool1d(minicnn.tensor([[[3.0, 4.0]]]), 2, 2)
    tensor([[[5.]]])
    """
    return _lp_pool(1, input, norm_type, kernel_size, stride, ceil_mode)


@composition(_samples(2), _errors(2))
def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> Tensor:
    """The p-norm of each window: y[n, c, i, j] = (Σ over kh, kw of x[n, c, i·s + kh, j·s + kw]ᵖ)^(1/p).

    p = 1 gives the sum, large p the maximum, of positive numbers. Where the sum is 0 there is no gradient; PyTorch's
    is NaN there.

    Shapes: input (N, C, H, W) or (C, H, W); output (N, C, OH, OW), OH = ⌊(H − KH) / s⌋ + 1.

    Args:
        norm_type: p; powers are taken as they are, so give odd or broken p positive inputs.
        kernel_size: the window's size in pixels.
        stride: pixels from one window to the next; the kernel's size if None.
        ceil_mode: round the output's size up; a window past the edge counts as if it were whole, as in PyTorch.
    Raises:
        ParameterError: p is not above 0, or a size below 1.
        ShapeError: the kernel is larger than the input.
    Source: Sermanet, Chintala and LeCun, "Convolutional Neural Networks Applied to House Numbers" (2012), section 2.2.

    >>> import minicnn
    >>> lp_pool2d(minicnn.tensor([[[[1.0, 1.0], [1.0, 1.0]]]]), 2, 2)
    tensor([[[[2.]]]])
    """
    return _lp_pool(2, input, norm_type, kernel_size, stride, ceil_mode)


@composition(_samples(3), _errors(3))
def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> Tensor:
    """The p-norm of each window of a volume; as `lp_pool2d`, in three dims.

    y[n, c, i] = (Σ_k x[n, c, i·s + k]ᵖ)^(1/p), i and k with three indices each

    Shapes: input (N, C, D, H, W) or (C, D, H, W); output (N, C, OD, OH, OW), OD = ⌊(D − KD) / s⌋ + 1.

    Args:
        norm_type, kernel_size, stride, ceil_mode: as for `lp_pool2d`; sizes an int, or one for each dim.
    Raises:
        ParameterError, ShapeError: as for `lp_pool2d`.

    >>> import minicnn
    >>> lp_pool3d(minicnn.ones(1, 1, 2, 2, 1), 2, (2, 2, 1)).flatten()
    tensor([2.])
    """
    return _lp_pool(3, input, norm_type, kernel_size, stride, ceil_mode)
