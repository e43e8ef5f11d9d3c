"""What convolution and pooling share: their parameters made into tuples, and checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.graph import TapeTensor
from minicnn.backend.base import Ints, Pads, output_size
from minicnn.errors import ArgumentTypeError, ParameterError, ShapeError, message, shown
from minicnn.ops.checks import need_floats, need_tensors
from minicnn.ops.primitive.shape import Reshape

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

PLAIN = {int, str, type(None)}
LETTERS = {1: "(N, C, L)", 2: "(N, C, H, W)", 3: "(N, C, D, H, W)"}


class Settled:
    """What calls of the same shapes, dtypes and parameters came to: so each is checked once."""

    def __init__(self) -> None:
        self.known: dict[Any, Any] = {}

    def key(self, tensors: Sequence[Any], params: Sequence[Any]) -> Any:
        """Return what tells such calls apart; None for what is better checked each time."""
        for p in params:
            # 2.0 and True equal 2 and 1, and are no sizes.
            if type(p) not in PLAIN and not (type(p) is tuple and all(type(part) is int for part in p)):
                return None
        parts = list(params)
        for x in tensors:
            if isinstance(x, TapeTensor):
                parts += x._array.shape, x._array.dtype
            elif x is None:
                parts.append(None)
            else:
                return None
        return tuple(parts)

    def keep(self, key: Any, value: Any) -> Any:
        """Keep, and return, what a call came to."""
        if key is not None:
            if len(self.known) >= 4096:
                self.known.clear()
            self.known[key] = value
        return value


def ints(where: str, name: str, value: Any, d: int, least: int) -> Ints:
    """Return a number or a sequence of them as d ints, each at least ``least``.

    Raises:
        ParameterError: there are not d of them, or one is too small.
        ArgumentTypeError: one is no int.
    """
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * d
    values = values * d if len(values) == 1 else values
    several = f", or {d} of them" if d > 1 else ""
    for v in values:
        if isinstance(v, bool) or not isinstance(v, (int, np.integer)):
            raise ArgumentTypeError(
                message(
                    where,
                    f"{name} expects an int{several}, got {type(v).__name__}.",
                    f"{name} = {shown(value)}",
                    f"use whole numbers, such as {name}={max(least, 1)}.",
                )
            )
    if len(values) != d or any(v < least for v in values):
        raise ParameterError(
            message(
                where,
                f"{name} expects an int of at least {least}{several}, got {value!r}.",
                f"{name} = {shown(value)}" + (f", for {d} spatial dims" if d > 1 else ""),
                f"use {name}={max(least, 1)}, for example.",
            )
        )
    return tuple(int(v) for v in values)


def pads(where: str, padding: Any, kernel: Ints, stride: Ints, dilation: Ints) -> Pads:
    """Return padding as a pair (before, after) a spatial dim, from a number, numbers, ``"valid"`` or ``"same"``.

    ``"same"`` gives the output the input's size; an odd total puts the extra one after, as in PyTorch.

    Raises:
        ParameterError: a negative number, an unknown word, or "same" with a stride.
    """
    if isinstance(padding, str):
        if padding == "valid":
            return ((0, 0),) * len(kernel)
        if padding != "same" or any(s != 1 for s in stride):
            raise ParameterError(
                message(
                    where,
                    f"padding expects an int, ints, 'valid', or 'same' with stride 1, got {padding!r}.",
                    f"stride {stride}",
                    "use padding=1 for a kernel of 3, for example.",
                )
            )
        totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return tuple((total // 2, total - total // 2) for total in totals)
    return tuple((p, p) for p in ints(where, "padding", padding, len(kernel), 0))


def check_input(where: str, x: Any, d: int) -> tuple[Tensor, bool]:
    """Return x with a batch dim, and whether it had none.

    Raises:
        ArgumentTypeError: it is no tensor.
        ShapeError: the wrong number of dims.
        DTypeError: it is not of floats.
    """
    need_tensors(where, input=x)
    shape = tuple(x._array.shape)
    if len(shape) not in (d + 1, d + 2):
        raise ShapeError(
            message(
                where,
                f"input expects {d + 2} dims {LETTERS[d]}, or {d + 1} without a batch, got {len(shape)}.",
                f"input {shape}",
                "reshape it: x.unsqueeze(0) adds a dim, x.flatten(0, 1) joins two.",
            )
        )
    need_floats(where, "input", x)
    single = len(shape) == d + 1
    return (Reshape.apply(x, shape=(1, *shape)) if single else x), single


def as_given(y: Any, single: bool) -> Any:
    """Return the output for what `check_input` says of the input: without a batch dim where that had none."""
    return Reshape.apply(y, shape=y._array.shape[1:]) if single else y


def output_sizes(where: str, sizes: Sequence[int], kernel: Ints, stride: Ints, pads: Pads, dilation: Ints) -> Ints:
    """Return the output's spatial sizes.

    Raises:
        ShapeError: the kernel is larger than the padded input.
    """
    spans = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    padded = tuple(size + low + high for size, (low, high) in zip(sizes, pads, strict=True))
    if any(span > size for span, size in zip(spans, padded, strict=True)):
        raise ShapeError(
            message(
                where,
                f"the kernel spans {spans}, which is larger than the padded input {padded}.",
                f"input {tuple(sizes)}, kernel {kernel}, dilation {dilation}, padding {pads}",
                "use a smaller kernel, more padding, or a larger input.",
            )
        )
    return tuple(output_size(*args) for args in zip(sizes, kernel, stride, pads, dilation, strict=True))
