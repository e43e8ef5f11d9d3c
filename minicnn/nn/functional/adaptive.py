"""Adaptive pooling: as many windows as asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minicnn.autograd.graph import wrap
from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import backend_of
from minicnn.errors import ParameterError, ShapeError, message
from minicnn.ops.fused.avg_pool import avg_pool
from minicnn.ops.fused.spatial import check_input, ints
from minicnn.ops.primitive.reduce import distinct
from minicnn.tensor import Tensor

Sizes = int | Sequence[int]
FEW = 64  # elements of a window up to which a pass for each of them is quickest


# Window i reaches from ⌊i · S / P⌋ to ⌈(i + 1) · S / P⌉


def _adaptive(where: str, d: int, input: Any, output_size: Any) -> tuple[Tensor, bool, tuple[int, ...]]:
    """Return the input with a batch dim, whether it had none, and the output's sizes."""
    x, single = check_input(where, input, d)
    sizes = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * d
    if len(sizes) == d:
        sizes = tuple(have if want is None else want for have, want in zip(x.shape[2:], sizes, strict=True))
    sizes = ints(where, "output_size", sizes, d, 1)
    if min(x.shape[2:]) == 0:
        raise ShapeError(
            message(
                where,
                "expects spatial sizes of at least 1.",
                f"input {tuple(input.shape)}",
                "pass images that have pixels.",
            )
        )
    return x, single, sizes


def _edges(size: int, out: int) -> list[tuple[int, int]]:
    return [(i * size // out, -(-(i + 1) * size // out)) for i in range(out)]


def _adaptive_avg(where: str, d: int, input: Any, output_size: Any) -> Tensor:
    x, single, sizes = _adaptive(where, d, input, output_size)
    kernel = tuple(size // out for size, out in zip(x.shape[2:], sizes, strict=True))
    if math.prod(kernel) <= FEW and all(size % out == 0 for size, out in zip(x.shape[2:], sizes, strict=True)):
        return avg_pool(where, d, input, kernel, kernel, 0, False, True, None)
    for dim, out in enumerate(sizes, 2):
        size = x.shape[dim]
        if size % out == 0:
            x = x.reshape(*x.shape[:dim], out, size // out, *x.shape[dim + 1 :]).mean(dim + 1)
            continue
        means = np.zeros((size, out))
        for i, (start, end) in enumerate(_edges(size, out)):
            means[start:end, i] = 1 / (end - start)
        matrix: Tensor = wrap(backend_of(x._array).constant(means.astype(str(x.dtype))))
        x = (x.transpose(dim, -1) @ matrix).transpose(dim, -1)
    return x.squeeze(0) if single else x


def _adaptive_max(where: str, d: int, input: Any, output_size: Any, return_indices: bool) -> Any:
    x, single, sizes = _adaptive(where, d, input, output_size)
    place = np.zeros((1,), dtype=np.int64)  # (*P, *K): where each window's elements stand in the flattened image
    for dim, (size, out) in enumerate(zip(x.shape[2:], sizes, strict=True)):
        edges = _edges(size, out)
        longest = max(end - start for start, end in edges)
        # Shorter windows name their last element again: the maximum, and the first place of it, stay.
        here = np.array([[min(start + k, end - 1) for k in range(longest)] for start, end in edges])
        shape = [1] * (2 * d)
        shape[dim], shape[d + dim] = out, longest
        place = place * size + here.reshape(shape)
    place = place.reshape(*sizes, -1)
    index: Tensor = wrap(backend_of(x._array).constant(place))
    windows = x.flatten(2)[:, :, index]  # (N, C, *P, K)
    values, which = windows.max(-1)
    values = values.squeeze(0) if single else values
    if not return_indices:
        return values
    found = index.expand(windows.shape).gather(-1, which.unsqueeze(-1)).squeeze(-1)
    return values, found.squeeze(0) if single else found


def _adaptive_samples(d: int, draw: Callable[..., Any], more: bool = False) -> Callable[[Rng], Iterator[Sample]]:
    def samples(rng: Rng) -> Iterator[Sample]:
        sizes = (7, 6, 4)[:d]
        yield Sample(draw(rng, 2, 3, *sizes), 1)
        yield Sample(draw(rng, 1, 2, *sizes), (3, 4, 2)[:d])
        yield Sample(draw(rng, 2, *sizes), (9, 3, 2)[:d], **({"return_indices": True} if more else {}))
        if d > 1:
            yield Sample(draw(rng, 2, 2, *sizes), (None, 2, 4)[:d])
        yield Sample(np.zeros((0, 2, *sizes)), 2)
        yield Sample(draw(rng, 1, 1, *sizes), sizes)  # as many windows as elements
        yield Sample(draw(rng, 1, 2, *(1,) * d), 3)  # one element in all windows
        yield Sample(draw(rng, 1, 2, *(5,) * d), 3, **({"return_indices": True} if more else {}))  # windows overlap

    return samples


def _adaptive_errors(where: str, d: int) -> Callable[[], Iterator[ErrorSample]]:
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(ShapeError, (where, f"{d + 2} dims"), np.ones(5), 1)
        yield ErrorSample(ParameterError, (where, "output_size"), np.ones((1, 1, *(5,) * d)), 0)

    return errors


def _normal(rng: Rng, *shape: int) -> Any:
    return rng.normal(size=shape)


@composition(_adaptive_samples(1, _normal), _adaptive_errors("adaptive_avg_pool1d", 1))
def adaptive_avg_pool1d(input: Tensor, output_size: Sizes) -> Tensor:
    """The means of as many windows as asked for; as `adaptive_avg_pool2d`, in one dim.

    y[n, c, i] = mean of x[n, c, ⌊i·L/OL⌋ : ⌈(i+1)·L/OL⌉]

    Shapes: input (N, C, L) or (C, L); output (N, C, OL).

    Args:
        output_size: OL.
    Raises:
        ParameterError, ShapeError: as for `adaptive_avg_pool2d`.

    >>> import minicnn
    >>> adaptive_avg_pool1d(minicnn.arange(4.0).reshape(1, 1, 4), 2)
    tensor([[[0.5000, 2.5000]]])
    """
    return _adaptive_avg("adaptive_avg_pool1d", 1, input, output_size)


@composition(_adaptive_samples(2, _normal), _adaptive_errors("adaptive_avg_pool2d", 2))
def adaptive_avg_pool2d(input: Tensor, output_size: int | Sequence[int | None] | None) -> Tensor:
    """The means of as many windows as asked for, whatever the image's size.

    y[n, c, i, j] = mean of x[n, c, ⌊i·H/OH⌋ : ⌈(i+1)·H/OH⌉, ⌊j·W/OW⌋ : ⌈(j+1)·W/OW⌉]

    Shapes: input (N, C, H, W) or (C, H, W); output (N, C, OH, OW).

    Args:
        output_size: OH and OW: a number, or two; None for the input's own.
    Raises:
        ParameterError: a size is below 1.
        ShapeError: the input has another number of dims, or no pixels.

    >>> import minicnn
    >>> adaptive_avg_pool2d(minicnn.arange(4.0).reshape(1, 1, 2, 2), 1)
    tensor([[[[1.5000]]]])
    """
    return _adaptive_avg("adaptive_avg_pool2d", 2, input, output_size)


@composition(_adaptive_samples(3, _normal), _adaptive_errors("adaptive_avg_pool3d", 3))
def adaptive_avg_pool3d(input: Tensor, output_size: int | Sequence[int | None] | None) -> Tensor:
    """The means of as many windows as asked for; as `adaptive_avg_pool2d`, in three dims.

    y[n, c, i] = mean of x[n, c, ⌊i·D/OD⌋ : ⌈(i+1)·D/OD⌉], and so for H and W

    Shapes: input (N, C, D, H, W) or (C, D, H, W); output (N, C, OD, OH, OW).

    Args:
        output_size: OD, OH and OW: one for all, or one for each; None keeps the input's.
    Raises:
        ParameterError, ShapeError: as for `adaptive_avg_pool2d`.

    >>> import minicnn
    >>> adaptive_avg_pool3d(minicnn.arange(8.0).reshape(1, 1, 2, 2, 2), 1).flatten()
    tensor([3.5000])
    """
    return _adaptive_avg("adaptive_avg_pool3d", 3, input, output_size)


@composition(_adaptive_samples(1, distinct, True), _adaptive_errors("adaptive_max_pool1d", 1))
def adaptive_max_pool1d(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """The maxima of as many windows as asked for; as `adaptive_max_pool2d`, in one dim.

    y[n, c, i] = max of x[n, c, ⌊i·L/OL⌋ : ⌈(i+1)·L/OL⌉]

    Shapes: input (N, C, L) or (C, L); output (N, C, OL).

    Args:
        return_indices: return a pair: the maxima, and where each stands.
    Raises:
        ParameterError, ShapeError: as for `adaptive_avg_pool2d`.

    >>> import minicnn
    >>> adaptive_max_pool1d(minicnn.arange(4.0).reshape(1, 1, 4), 2)
    tensor([[[1., 3.]]])
    """
    return _adaptive_max("adaptive_max_pool1d", 1, input, output_size, return_indices)


@composition(_adaptive_samples(2, distinct, True), _adaptive_errors("adaptive_max_pool2d", 2))
def adaptive_max_pool2d(
    input: Tensor, output_size: int | Sequence[int | None] | None, return_indices: bool = False
) -> Any:
    """The maxima of as many windows as asked for, whatever the image's size.

    y[n, c, i, j] = max of x[n, c, ⌊i·H/OH⌋ : ⌈(i+1)·H/OH⌉, ⌊j·W/OW⌋ : ⌈(j+1)·W/OW⌉]

    Shapes: input (N, C, H, W) or (C, H, W); output (N, C, OH, OW).

    Args:
        output_size: OH and OW: a number, or two; None for the input's own.
        return_indices: return a pair: the maxima, and where each stands in its image, flattened.
    Raises:
        ParameterError, ShapeError: as for `adaptive_avg_pool2d`.

    >>> import minicnn
    >>> adaptive_max_pool2d(minicnn.arange(4.0).reshape(1, 1, 2, 2), 1)
    tensor([[[[3.]]]])
    """
    return _adaptive_max("adaptive_max_pool2d", 2, input, output_size, return_indices)


@composition(_adaptive_samples(3, distinct, True), _adaptive_errors("adaptive_max_pool3d", 3))
def adaptive_max_pool3d(
    input: Tensor, output_size: int | Sequence[int | None] | None, return_indices: bool = False
) -> Any:
    """The maxima of as many windows as asked for; as `adaptive_max_pool2d`, in three dims.

    y[n, c, i] = max of x[n, c, ⌊i·D/OD⌋ : ⌈(i+1)·D/OD⌉], and so for H and W

    Shapes: input (N, C, D, H, W) or (C, D, H, W); output (N, C, OD, OH, OW).

    Args:
        output_size: OD, OH and OW: a number, or three; None for the input's own.
        return_indices: return a pair: the maxima, and where each stands in its volume, flattened.
    Raises:
        ParameterError, ShapeError: as for `adaptive_avg_pool2d`.

    >>> import minicnn
    >>> adaptive_max_pool3d(minicnn.arange(8.0).reshape(1, 1, 2, 2, 2), 1).flatten()
    tensor([7.])
    """
    return _adaptive_max("adaptive_max_pool3d", 3, input, output_size, return_indices)
