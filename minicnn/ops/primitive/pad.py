"""Padding: a constant, mirrored, repeated or circular border."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.primitive import Primitive
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend, backend_of
from minicnn.errors import ParameterError, ShapeError, message
from minicnn.ops.primitive.index import Getitem

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

Shape = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]


class ConstantPad(Primitive):
    @staticmethod
    def forward(be: Backend, x: Array, *, pads: tuple[tuple[int, int], ...], value: float) -> Array:
        out = be.empty(tuple(low + size + high for (low, high), size in zip(pads, x.shape, strict=True)), x.dtype)
        out[...] = value
        out[tuple(slice(low, low + size) for (low, _), size in zip(pads, x.shape, strict=True))] = x
        return out

    @staticmethod
    def grad_x(g: Tensor, x_shape: Shape, pads: tuple[tuple[int, int], ...]) -> Tensor:
        return Getitem.apply(
            g, index=(tuple(slice(low, low + size) for (low, _), size in zip(pads, x_shape, strict=True)),)
        )

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield Sample(rng.normal(size=(2, 3)), (1, 2))
        yield Sample(rng.normal(size=(2, 3)), (1, 0, 2, 1), value=0.5)
        yield Sample(rng.normal(size=(1, 2, 5, 5)), (-1, 1, 0, -2))
        for mode in ("reflect", "replicate", "circular"):
            yield Sample(rng.normal(size=(2, 2, 4)), (2, 1), mode)
            yield Sample(rng.normal(size=(1, 2, 3, 4)), (1, 2, 0, 1), mode)
            yield Sample(rng.normal(size=(1, 2, 5)), (2, -1), mode)
            yield Sample(rng.normal(size=(1, 1, 4, 5)), (-1, 2, 1, -2), mode)

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(ParameterError, ("pad", "even"), np.ones((2, 3)), (1, 1, 1))
        yield ErrorSample(ParameterError, ("mode", "'mirror'"), np.ones((2, 3)), (1, 1), "mirror")
        yield ErrorSample(ShapeError, ("reflect", "at most 2", "3"), np.ones((1, 2, 3)), (3, 0), "reflect")
        yield ErrorSample(ShapeError, ("negative", "3"), np.ones((2, 3)), (-2, -2))
        yield ErrorSample(ShapeError, ("circular", "size 2"), np.ones((1, 1, 3)), (3, -1), "circular")


@ConstantPad.public
def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Surround the last dims: (left, right) of the last one, then (top, bottom) of the one before, and so on.

    Args:
        pad: pairs of widths, last dim first; negative widths crop.
        mode: ``"constant"``; ``"reflect"`` mirrors without the edge, ``"replicate"`` repeats the edge, ``"circular"``
            goes round. The last three pad the dims after N and C only.
        value: what constant padding holds; 0 by default.
    Raises:
        ParameterError: the widths are no pairs, or the mode is unknown.
        ShapeError: the padding is larger than the mode allows, or nothing would be left.

    >>> import minicnn
    >>> pad(minicnn.tensor([[1.0, 2.0, 3.0]]), (1, 1), mode="reflect")
    tensor([[2., 1., 2., 3., 2.]])
    """
    widths = tuple(operator.index(w) for w in pad)
    if len(widths) % 2 or len(widths) > 2 * input.ndim:
        raise ParameterError(
            message(
                "pad",
                f"expects an even number of widths, at most {2 * input.ndim}, got {len(widths)}.",
                f"pad {widths}; input {tuple(input.shape)}",
                "give two per dim, the last dim first: (left, right, top, bottom).",
            )
        )
    pairs = tuple((widths[i], widths[i + 1]) for i in range(0, len(widths), 2))[::-1]
    pads = ((0, 0),) * (input.ndim - len(pairs)) + pairs
    if mode == "constant":
        return _constant_pad(input, pads, value or 0.0)
    if mode not in _PLACES:
        raise ParameterError(
            message(
                "pad",
                f"mode expects 'constant', 'reflect', 'replicate' or 'circular', got {mode!r}.",
                f"pad {widths}",
                "choose one of the four.",
            )
        )
    if mode == "circular":  # it goes round what is left; the other modes mirror and repeat what was there
        input, pads = _cropped(input, pads)
    for dim, (low, high) in enumerate(pads):
        if low or high:
            input = _index_pad(input, dim, low, high, mode)
    return input


def _constant_pad(x: Tensor, pads: Pairs, value: float) -> Tensor:
    x, pads = _cropped(x, pads)
    return ConstantPad.apply(x, pads=pads, value=value)


def _cropped(x: Tensor, pads: Pairs) -> tuple[Tensor, Pairs]:
    """Return the tensor cropped by the negative widths, and the others."""
    if any(size + min(low, 0) + min(high, 0) < 0 for size, (low, high) in zip(x.shape, pads, strict=True)):
        raise ShapeError(
            message(
                "pad",
                "negative padding crops more than there is.",
                f"input {tuple(x.shape)}; pads {pads}, one pair per dim",
                "crop less: the widths of a dim may take away at most its size.",
            )
        )
    crop = tuple(slice(max(-low, 0), size - max(-high, 0)) for size, (low, high) in zip(x.shape, pads, strict=True))
    if any(low < 0 or high < 0 for low, high in pads):
        x = x[crop]
    return x, tuple((max(low, 0), max(high, 0)) for low, high in pads)


# For each mode: the largest width it allows for a size, and the element that stands at place i (from −low on).
_PLACES: dict[str, Any] = {
    "reflect": (lambda n: n - 1, lambda i, n: n - 1 - abs(n - 1 - abs(i))),
    "replicate": (lambda n: math.inf if n else 0, lambda i, n: min(max(i, 0), n - 1)),
    "circular": (lambda n: n, lambda i, n: i % n),
}


def _index_pad(x: Tensor, dim: int, low: int, high: int, mode: str) -> Tensor:
    most, place = _PLACES[mode]
    size = x.shape[dim]
    if max(low, high) > most(size) or size + low + high < 0:
        raise ShapeError(
            message(
                "pad",
                f"{mode} padding expects at most {most(size)} on a side of size {size}, got {(low, high)}.",
                f"input {tuple(x.shape)}, dim {dim}",
                "pad less, or use mode='constant'.",
            )
        )
    places = [place(i, size) for i in range(-low, size + high)]
    index = backend_of(x._array).constant(np.array(places, dtype=np.int64))
    return Getitem.apply(x, index=((slice(None),) * dim + (index,),))
