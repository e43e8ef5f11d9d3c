"""The way back from maxima to the image they were taken of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minicnn.autograd.graph import wrap
from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import backend_of
from minicnn.errors import IndexRangeError, ParameterError, ShapeError, message
from minicnn.ops.checks import check_range, need_tensors
from minicnn.ops.fused.spatial import LETTERS, check_input, ints
from minicnn.tensor import Tensor
from minicnn.tensor.creation import zeros

Sizes = int | Sequence[int]


def _unpool(
    d: int, input: Any, indices: Any, kernel_size: Sizes, stride: Any, padding: Sizes, output_size: Any
) -> Tensor:
    where = f"max_unpool{d}d"
    need_tensors(where, indices=indices)
    check_input(where, input, d)
    if input.shape != indices.shape:
        raise ShapeError(
            message(
                where,
                f"indices expects the input's shape, got {tuple(indices.shape)}.",
                f"input {tuple(input.shape)} = {LETTERS[d]}",
                f"pass both as max_pool{d}d gave them.",
            )
        )
    kernel, pads = ints(where, "kernel_size", kernel_size, d, 1), ints(where, "padding", padding, d, 0)
    steps = kernel if stride is None or stride == () else ints(where, "stride", stride, d, 1)
    usual = tuple((n - 1) * s - 2 * p + k for n, s, p, k in zip(input.shape[-d:], steps, pads, kernel, strict=True))
    sizes = usual if output_size is None else _asked_for(where, tuple(output_size), usual, steps)
    planes, area = int(np.prod(input.shape[:-d])), int(np.prod(sizes))
    flat = indices.reshape(planes, int(np.prod(input.shape[-d:])))

    def wrong_place(place: int) -> IndexRangeError:
        fix = f"pass the indices of max_pool{d}d, and the pooled shape: output_size=x.shape."
        problem = f"indices expect places from 0 to {area - 1}, got {place}."
        return IndexRangeError(message(where, problem, f"output {sizes}", fix))

    check_range(where, flat, 0, area - 1, wrong_place)
    empty = zeros(planes, area, dtype=input.dtype, device=input.device)
    rows: Tensor = wrap(backend_of(input._array).constant(np.arange(planes)[:, None]))
    filled = empty.index_put((rows, flat), input.reshape(flat.shape))
    return filled.reshape(*input.shape[:-d], *sizes)


def _asked_for(where: str, size: tuple[int, ...], usual: tuple[int, ...], steps: tuple[int, ...]) -> tuple[int, ...]:
    """Return the output's spatial sizes: within a stride of the usual ones, since pooling rounds down."""
    d = len(usual)
    found = size[-d:]
    if len(size) not in (d, d + 1, d + 2) or any(
        not u - s < f < u + s for f, u, s in zip(found, usual, steps, strict=True)
    ):
        raise ParameterError(
            message(
                where,
                f"output_size expects sizes less than a stride away from {usual}, got {size}.",
                f"stride {steps}",
                "pass the shape of the tensor that was pooled: output_size=x.shape.",
            )
        )
    return found


def _samples(d: int) -> Callable[[Rng], Iterator[Sample]]:
    def samples(rng: Rng) -> Iterator[Sample]:
        def places(*shape: int, area: int) -> Any:
            """Distinct places in each plane."""
            planes, count = int(np.prod(shape[:-d])), int(np.prod(shape[-d:]))
            rows = [rng.permutation(area)[:count] for _ in range(planes)]
            return np.array(rows, dtype=np.int64).reshape(shape)

        sizes = (3, 2, 2)[:d]
        area = 2**d * int(np.prod(sizes))
        for batch in ((2, 3), (2,), (1, 1)):
            yield Sample(rng.normal(size=(*batch, *sizes)), places(*batch, *sizes, area=area), 2)
        larger = tuple(2 * n + 1 for n in sizes)
        x = rng.normal(size=(1, 2, *sizes))
        yield Sample(x, places(*x.shape, area=area), 2, output_size=larger)
        yield Sample(x, places(*x.shape, area=area), 2, output_size=(1, 2, *larger))
        inner = int(np.prod([2 * n - 1 for n in sizes]))
        yield Sample(x, places(*x.shape, area=inner), (3,) * d, stride=2, padding=1)
        yield Sample(x, places(*x.shape, area=2 * inner), (4, 3, 2)[:d], (3, 2, 2)[:d])
        yield Sample(np.zeros((0, 2, *sizes)), np.zeros((0, 2, *sizes), dtype=np.int64), 2)

    return samples


def _errors(d: int) -> Callable[[], Iterator[ErrorSample]]:
    def errors() -> Iterator[ErrorSample]:
        where, sizes = f"max_unpool{d}d", (2,) * d
        x, i = np.ones((1, 1, *sizes)), np.zeros((1, 1, *sizes), dtype=np.int64)
        yield ErrorSample(ShapeError, (where, "indices"), x, i[0], 2)
        yield ErrorSample(ShapeError, (where, "dims"), x[None], i[None], 2)
        yield ErrorSample(IndexRangeError, (where, str(4**d)), x, i + 4**d, 2)
        yield ErrorSample(IndexRangeError, (where, "-1"), x, i - 1, 2)
        yield ErrorSample(ParameterError, (where, "output_size", "a stride"), x, i, 2, output_size=(6,) * d)
        yield ErrorSample(ParameterError, (where, "kernel_size", "at least 1"), x, i, 0)

    return errors


@composition(_samples(1), _errors(1))
def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Put maxima back to where they stood, with zeros elsewhere; as `max_unpool2d`, in one dim.

    y[n, c, indices[n, c, i]] = x[n, c, i]

    Shapes: input and indices (N, C, L) or (C, L); output (N, C, OL), OL = (L − 1) · s − 2p + K.

    Args:
        indices: what ``max_pool1d(..., return_indices=True)`` gave.
        kernel_size, stride, padding: as that was called with.
        output_size: as for `max_unpool2d`.
    Raises:
        ShapeError, IndexRangeError, ParameterError: as for `max_unpool2d`.

    >>> import minicnn
    >>> max_unpool1d(minicnn.ones(1, 1, 2), minicnn.tensor([[[1, 2]]]), 2)
    tensor([[[0., 1., 1., 0.]]])
    """
    return _unpool(1, input, indices, kernel_size, stride, padding, output_size)


@composition(_samples(2), _errors(2))
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
        indices: what ``max_pool2d(..., return_indices=True)`` gave; each place once, or one of its values is lost.
        kernel_size, stride, padding: as that was called with.
        output_size: the last sizes of the output, or its whole shape, where they are not the ones above.
    Raises:
        ShapeError: the shapes differ.
        IndexRangeError: a place outside the output.
        ParameterError: a parameter out of range, or an output_size a stride or more away from the sizes above.

    >>> import minicnn
    >>> max_unpool2d(minicnn.ones(1, 1, 1, 1), minicnn.tensor([[[[2]]]]), 2)
    tensor([[[[0., 0.],
              [1., 0.]]]])
    """
    return _unpool(2, input, indices, kernel_size, stride, padding, output_size)


@composition(_samples(3), _errors(3))
def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Put maxima back to where they stood, with zeros elsewhere; as `max_unpool2d`, in three dims.

    y[n, c, indices[n, c, i]] = x[n, c, i], i with three indices, and the output's three last dims flattened

    Shapes: input and indices (N, C, D, H, W) or (C, D, H, W); output (N, C, OD, OH, OW), OD = (D − 1) · s − 2p + KD.

    Args:
        indices: what ``max_pool3d(..., return_indices=True)`` gave.
        kernel_size, stride, padding: as that was called with.
        output_size: as for `max_unpool2d`.
    Raises:
        ShapeError, IndexRangeError, ParameterError: as for `max_unpool2d`.

    >>> import minicnn
    >>> max_unpool3d(minicnn.ones(1, 1, 1, 1, 1), minicnn.tensor([[[[[5]]]]]), 2).flatten()
    tensor([0., 0., 0., 0., 0., 1., 0., 0.])
    """
    return _unpool(3, input, indices, kernel_size, stride, padding, output_size)
