"""Rows of a table, channels dropped, pixels shuffled and images resized."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minicnn.autograd.graph import wrap
from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import backend_of
from minicnn.errors import DTypeError, IndexRangeError, ParameterError, ShapeError, message
from minicnn.nn.functional.common import need_float_tensors
from minicnn.ops.checks import need_tensors
from minicnn.ops.fused.dropout import dropout
from minicnn.tensor import Tensor
from minicnn.tensor.creation import ones


def _embedding_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(np.array([[0, 2], [2, 4]]), rng.normal(size=(5, 3)))
    yield Sample(np.array([1, 0, 1]), rng.normal(size=(3, 2)), padding_idx=2)
    yield Sample(np.zeros(0, dtype=np.int64), rng.normal(size=(3, 2)))


def _embedding_errors() -> Iterator[ErrorSample]:
    w = np.ones((3, 2))
    yield ErrorSample(IndexRangeError, ("embedding", "0 to 2", "3"), np.array([3]), w)
    yield ErrorSample(DTypeError, ("embedding", "float64"), np.ones(2), w)


@composition(_embedding_samples, _embedding_errors)
def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None) -> Tensor:
    """Rows of a table: y[*] = w[x[*]].

    Shapes: input (*) of integers; weight (V, D); output (*, D).

    Args:
        padding_idx: a row that gets no gradient.
    Raises:
        IndexRangeError: a row that the table does not have.
        DTypeError: the input is not of integers.

    >>> import minicnn
    >>> embedding(minicnn.tensor([1, 0]), minicnn.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[3., 4.],
            [1., 2.]])
    """
    need_tensors("embedding", input=input, weight=weight)
    if input.dtype.kind not in "iu":
        raise DTypeError(
            message("embedding", f"input expects integers, got {input.dtype}.", "they number rows", "input.long().")
        )
    rows = weight.shape[0]
    bad = (input < 0) | (input >= rows)
    if bool(bad.any()):
        raise IndexRangeError(
            message(
                "embedding",
                f"input expects rows from 0 to {rows - 1}, got {int(input[bad][0].item())}.",
                f"weight {tuple(weight.shape)} = (V, D)",
                "check the indices, or set num_embeddings higher.",
            )
        )
    y = weight[input]
    if padding_idx is None:
        return y
    skipped = (input == padding_idx % rows).unsqueeze(-1)
    return y.masked_fill(skipped, 0.0) + y.detach().masked_fill(~skipped, 0.0)


def _channels(where: str, input: Any, p: float, training: bool, dims: tuple[int, ...]) -> Tensor:
    """Drop whole channels: one draw for all spatial elements of a channel."""
    need_float_tensors(where, input=input)
    if input.ndim not in dims:
        raise ShapeError(
            message(
                where,
                f"input expects {' or '.join(map(str, dims))} dims, got {input.ndim}.",
                f"input {tuple(input.shape)} = (N, C, ...)",
                "use dropout for single elements.",
            )
        )
    spatial = dims[-1] - 2
    one = ones(*input.shape[: input.ndim - spatial], *(1,) * spatial, dtype=input.dtype, device=input.device)
    mask = dropout(one, p, training)
    return input * mask if training and p else input


def _dropout_samples(*shape: int) -> Any:
    def samples(rng: Rng) -> Iterator[Sample]:
        yield Sample(rng.normal(size=shape), 0.3, False)
        yield Sample(rng.normal(size=shape), 0.0)
        yield Sample(rng.normal(size=shape), 1.0)

    return samples


def _dropout_errors(where: str) -> Any:
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(ShapeError, (where, "dims"), np.ones(3))
        yield ErrorSample(ParameterError, ("0 to 1", "1.5"), np.ones((1, 2, 3, 4, 5)[: int(where[-2]) + 2]), 1.5)

    return errors


@composition(_dropout_samples(2, 3, 4), _dropout_errors("dropout1d"))
def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set whole channels of sequences to 0 with probability p, and scale the rest by 1 / (1 − p), in training.

    Shapes: input and output (N, C, L) or (C, L).

    Args:
        p: the probability of 0.
        training: whether to drop at all.
        inplace: accepted for PyTorch's sake; the result is a new tensor.
    Raises:
        ShapeError: another number of dims.
        ParameterError: p outside [0, 1].

    >>> import minicnn
    >>> dropout1d(minicnn.ones(1, 1, 2), training=False)
    tensor([[[1., 1.]]])
    """
    return _channels("dropout1d", input, p, training, (2, 3))


@composition(_dropout_samples(2, 3, 4, 2), _dropout_errors("dropout2d"))
def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set whole channels of images to 0 with probability p, and scale the rest by 1 / (1 − p), in training.

    Shapes: input and output (N, C, H, W) or (C, H, W).

    Args:
        p: the probability of 0.
        training: whether to drop at all.
        inplace: accepted for PyTorch's sake; the result is a new tensor.
    Raises:
        ShapeError: another number of dims.
        ParameterError: p outside [0, 1].
    Source: Tompson et al., "Efficient Object Localization Using Convolutional Networks" (2014), section 3.2.

    >>> import minicnn
    >>> dropout2d(minicnn.ones(1, 1, 1, 2), training=False)
    tensor([[[[1., 1.]]]])
    """
    return _channels("dropout2d", input, p, training, (3, 4))


@composition(_dropout_samples(2, 3, 4, 2, 2), _dropout_errors("dropout3d"))
def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set whole channels of volumes to 0 with probability p, and scale the rest by 1 / (1 − p), in training.

    Shapes: input and output (N, C, D, H, W) or (C, D, H, W).

    Args:
        p: the probability of 0.
        training: whether to drop at all.
        inplace: accepted for PyTorch's sake; the result is a new tensor.
    Raises:
        ShapeError: another number of dims.
        ParameterError: p outside [0, 1].

    >>> import minicnn
    >>> dropout3d(minicnn.ones(1, 1, 1, 1, 2), training=False).flatten()
    tensor([1., 1.])
    """
    return _channels("dropout3d", input, p, training, (4, 5))


def _shuffle_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(2, 8, 2, 3)), 2)
    yield Sample(rng.normal(size=(9, 1, 2)), 3)
    yield Sample(rng.normal(size=(0, 4, 2, 2)), 2)


def _shuffle_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("pixel_shuffle", "divisible by 4", "6"), np.ones((1, 6, 2, 2)), 2)


@composition(_shuffle_samples, _shuffle_errors)
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Make r² channels one of r times the size: y[n, c, h·r + i, w·r + j] = x[n, c·r² + i·r + j, h, w].

    Shapes: input (*, C·r², H, W); output (*, C, H·r, W·r).

    Args:
        upscale_factor: r.
    Raises:
        ShapeError: r² does not divide the channels.
    Source: Shi et al., "Real-Time Single Image and Video Super-Resolution" (2016), equation 4.

    >>> import minicnn
    >>> pixel_shuffle(minicnn.arange(4.0).reshape(1, 4, 1, 1), 2)
    tensor([[[[0., 1.],
              [2., 3.]]]])
    """
    need_float_tensors("pixel_shuffle", input=input)
    r = upscale_factor
    if input.ndim < 3 or input.shape[-3] % (r * r):
        raise ShapeError(
            message(
                "pixel_shuffle",
                f"input expects channels divisible by {r * r}, got {input.shape[-3:-2]}.",
                f"input {tuple(input.shape)} = (..., C·r², H, W)",
                "give the layer before r² times as many channels.",
            )
        )
    *batch, c, h, w = input.shape
    x = input.reshape(-1 if input.numel() else 0, c // (r * r), r, r, h, w).permute(0, 1, 4, 2, 5, 3)
    return x.reshape(*batch, c // (r * r), h * r, w * r)


LINEAR = {"linear": 1, "bilinear": 2, "trilinear": 3}


def _interpolate_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.normal(size=(2, 2, 3, 4))
    yield Sample(x, scale_factor=2)
    yield Sample(x, (5, 3), mode="nearest")
    yield Sample(rng.normal(size=(1, 2, 5)), 8, mode="linear", align_corners=True)
    yield Sample(x, scale_factor=(1.5, 2.0), mode="bilinear", align_corners=False)
    yield Sample(x, (5, 6), None, "bilinear", True)
    yield Sample(rng.normal(size=(1, 1, 2, 3, 2)), 4, mode="trilinear")


def _interpolate_errors() -> Iterator[ErrorSample]:
    x = np.ones((1, 1, 4, 4))
    yield ErrorSample(ParameterError, ("interpolate", "size", "scale_factor"), x)
    yield ErrorSample(ParameterError, ("mode", "'cubic'"), x, 2, mode="cubic")


@composition(_interpolate_samples, _interpolate_errors)
def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """Resize images: each output element is read from the input at s = (i + ½) · S / OS − ½.

    "nearest" takes the element ⌊i · S / OS⌋; linear modes weigh the two neighbours along each dim by their distance.

    Shapes: input (N, C, *S); output (N, C, *OS).

    Args:
        size: OS.
        scale_factor: OS / S, where no size is given.
        mode: "nearest", or "linear", "bilinear", "trilinear" for 1, 2, 3 spatial dims.
        align_corners: in linear modes, put the corners' elements on the corners: s = i · (S − 1) / (OS − 1).
    Raises:
        ParameterError: not one of size and scale_factor, or an unknown mode.

    >>> import minicnn
    >>> interpolate(minicnn.tensor([[[1.0, 2.0]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    """
    need_float_tensors("interpolate", input=input)
    d = input.ndim - 2
    if (size is None) == (scale_factor is None) or d < 1:
        raise ParameterError(
            message(
                "interpolate",
                "expects either size or scale_factor, and an input with spatial dims.",
                f"input {tuple(input.shape)} = (N, C, ...); size {size}, scale_factor {scale_factor}",
                "scale_factor=2, for one.",
            )
        )
    if mode != "nearest" and LINEAR.get(mode) != d:
        raise ParameterError(
            message(
                "interpolate",
                f"mode expects 'nearest' or {[k for k, v in LINEAR.items() if v == d]}, got {mode!r}.",
                f"input {tuple(input.shape)} has {d} spatial dims",
                "choose one of these.",
            )
        )
    given: Any = scale_factor if size is None else size
    values = tuple(given) if isinstance(given, (tuple, list)) else (given,) * d
    be, x = backend_of(input._array), input
    for dim, (have, value) in enumerate(zip(input.shape[2:], values, strict=True), 2):
        want = int(have * value) if size is None else int(value)
        step = 1 / value if size is None else have / want
        at = np.arange(want)
        if mode == "nearest":
            index: Tensor = wrap(be.asarray(np.minimum((at * step).astype(np.int64), have - 1)))
            x = x[(slice(None),) * dim + (index,)]
            continue
        place = at * ((have - 1) / max(want - 1, 1)) if align_corners else np.maximum((at + 0.5) * step - 0.5, 0.0)
        low = np.minimum(place.astype(np.int64), have - 1)
        high, part = np.minimum(low + 1, have - 1), place - low
        matrix = np.zeros((have, want))
        np.add.at(matrix, (low, at), 1 - part)
        np.add.at(matrix, (high, at), part)
        weights: Tensor = wrap(be.asarray(matrix.astype(str(x.dtype))))
        x = (x.transpose(dim, -1) @ weights).transpose(dim, -1)
    return x
