"""Convolution (cross-correlation, as in every deep-learning library).

y[n, o, p] = b[o] + Σ_c Σ_k w[o, c, k] · x[n, c, p · stride + k · dilation − padding]
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.fused import Fused
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.backend.base import Ints, Pads, output_size
from minicnn.errors import ArgumentTypeError, DTypeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_one_dtype, need_tensors
from minicnn.ops.fused.spatial import Settled, as_given, check_input, ints, output_sizes, pads
from minicnn.ops.primitive.pad import pad

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class Conv(Fused):
    reads = (0, 1)  # the gradient of the bias needs no input

    @staticmethod
    def definition(
        x: Tensor, weight: Tensor, bias: Tensor | None, *, stride: Ints, padding: Pads, dilation: Ints, groups: int
    ) -> Tensor:
        """One matrix product a kernel offset, of the pixels that it meets: no im2col."""
        n, _, *sizes = x.shape
        o, c_group, *kernel = weight.shape
        out = [output_size(*args) for args in zip(sizes, kernel, stride, padding, dilation, strict=True)]
        x = pad(x, [width for pair in reversed(padding) for width in pair])
        x = x.reshape(n, groups, c_group, *x.shape[2:])
        weight = weight.reshape(groups, o // groups, c_group, *kernel)
        y: Any = 0.0
        for offset in itertools.product(*map(range, kernel)):
            window = tuple(
                slice(k * d, k * d + (p - 1) * s + 1, s)
                for k, d, p, s in zip(offset, dilation, out, stride, strict=True)
            )
            pixels = x[(..., *window)].flatten(3)  # (N, G, C/G, P)
            y = y + weight[(..., *offset)] @ pixels  # (G, O/G, C/G) @ (N, G, C/G, P) -> (N, G, O/G, P)
        y = y.reshape(n, o, *out)
        return y if bias is None else y + bias.reshape(o, *(1 for _ in out))

    @staticmethod
    def forward(be: Backend, x: Array, weight: Array, bias: Array | None, **params: Any) -> tuple[Array, Any]:
        columns = be.conv_columns(x, weight.shape, **params)
        return be.conv(x, weight, bias, columns=columns, **params), columns

    @staticmethod
    def infer(be: Backend, x: Array, weight: Array, bias: Array | None, **params: Any) -> Array:
        return be.conv(x, weight, bias, **params)

    @staticmethod
    def backward(
        be: Backend,
        grads: Sequence[Array],
        saved: Any,
        needs: Sequence[bool],
        x: Array,
        weight: Array,
        bias: Array | None,
        **params: Any,
    ) -> list[Array]:
        (g,) = grads
        return [
            be.conv_input_grad(g, weight, x.shape[2:], **params) if needs[0] else None,
            be.conv_weight_grad(g, x, weight.shape, columns=saved, **params) if needs[1] else None,
            be.channel_sums(g) if needs[2] else None,
        ]

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        def draw(*shape: int) -> Any:
            return rng.normal(size=shape)

        yield Sample(draw(2, 3, 5, 6), draw(4, 3, 3, 2), draw(4))
        yield Sample(draw(2, 2, 5, 5), draw(3, 2, 3, 3))
        yield Sample(draw(2, 2, 6, 7), draw(2, 2, 3, 3), draw(2), stride=2, padding=1)
        yield Sample(draw(1, 2, 7, 6), draw(2, 2, 2, 3), draw(2), stride=(1, 3), padding=(2, 0), dilation=(2, 1))
        yield Sample(draw(2, 4, 4, 4), draw(6, 2, 3, 3), draw(6), groups=2, padding=1)
        yield Sample(draw(1, 3, 4, 4), draw(3, 1, 2, 2), None, groups=3)
        yield Sample(draw(1, 2, 5, 4), draw(2, 2, 2, 4), draw(2), padding="same")
        yield Sample(draw(1, 2, 5, 5), draw(2, 2, 3, 3), draw(2), padding="same", dilation=2)
        yield Sample(draw(2, 3, 4), draw(2, 2, 1, 1), padding="valid")
        yield Sample(draw(2, 5, 5), draw(3, 2, 5, 5), draw(3))  # no batch, and a single window
        yield Sample(draw(0, 2, 4, 4), draw(3, 2, 3, 3), draw(3))
        yield Sample(draw(1, 1, 5, 5), draw(1, 1, 2, 2), stride=3)  # the last column is never read

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        x, w = np.ones((2, 3, 5, 5)), np.ones((4, 3, 3, 3))
        yield ErrorSample(
            ShapeError, ("conv2d", "weight expects 3 input channels", "has 4", "Fix"), np.ones((2, 4, 8, 8)), w
        )
        yield ErrorSample(ShapeError, ("(2, 3)", "4 dims"), np.ones((2, 3)), w)
        yield ErrorSample(ShapeError, ("weight", "4 dims"), x, np.ones((4, 3, 3)))
        yield ErrorSample(ShapeError, ("bias", "(4,)", "(3,)"), x, w, np.ones(3))
        yield ErrorSample(ShapeError, ("kernel", "(7, 7)", "(5, 5)"), x, np.ones((4, 3, 7, 7)))
        yield ErrorSample(ParameterError, ("padding", "-1"), x, w, padding=-1)
        yield ErrorSample(ParameterError, ("padding", "'full'"), x, w, padding="full")
        yield ErrorSample(ParameterError, ("'same'", "stride 1"), x, w, padding="same", stride=2)
        yield ErrorSample(ParameterError, ("stride", "at least 1"), x, w, stride=0)
        yield ErrorSample(ParameterError, ("dilation", "at least 1"), x, w, dilation=(1, 0))
        yield ErrorSample(ParameterError, ("groups", "divide", "3", "2"), x, w, groups=2)
        yield ErrorSample(ArgumentTypeError, ("stride", "float"), x, w, stride=1.5)
        yield ErrorSample(DTypeError, ("input", "int64"), np.ones((2, 3, 5, 5), dtype=np.int64), w)


_settled = Settled()


def conv(d: int, x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Tensor:
    """Convolve in d dims; the arguments are those of `conv2d`."""
    key = _settled.key((x, weight, bias), (d, stride, padding, dilation, groups))
    params = _settled.known.get(key)
    if params is not None:
        y: Tensor = Conv.apply(x, weight, bias, **params)
        return y
    where = f"conv{d}d"
    need_tensors(where, input=x, weight=weight, bias=bias)
    x, single = check_input(where, x, d)
    stride, dilation = ints(where, "stride", stride, d, 1), ints(where, "dilation", dilation, d, 1)
    (groups,) = ints(where, "groups", groups, 1, 1)
    _check(where, d, x, weight, bias, groups)
    kernel = tuple(weight.shape[2:])
    padding = pads(where, padding, kernel, stride, dilation)
    output_sizes(where, x.shape[2:], kernel, stride, padding, dilation)
    params = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    _settled.keep(None if single else key, params)
    y = Conv.apply(x, weight, bias, **params)
    return as_given(y, single)


def _check(where: str, d: int, x: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> None:
    shapes = f"input {tuple(x.shape)} = (N, C, ...); weight {tuple(weight.shape)} = (O, C/groups, ...); groups {groups}"
    if weight.ndim != d + 2:
        raise ShapeError(
            message(
                where, f"weight expects {d + 2} dims, got {weight.ndim}.", shapes, "give it (O, C/groups, *kernel)."
            )
        )
    o, c_group = weight.shape[:2]
    if x.shape[1] % groups or o % groups or o == 0:
        raise ParameterError(
            message(
                where,
                f"groups must divide the input channels {x.shape[1]} and the output channels {o}, got {groups}.",
                shapes,
                "choose a common divisor of both.",
            )
        )
    if x.shape[1] != c_group * groups:
        raise ShapeError(
            message(
                where,
                f"weight expects {c_group * groups} input channels, input has {x.shape[1]}.",
                shapes,
                f"set in_channels={x.shape[1]}, or pass an input with C={c_group * groups}.",
            )
        )
    if bias is not None and tuple(bias.shape) != (o,):
        raise ShapeError(
            message(
                where,
                f"bias expects shape ({o},), one per output channel, got {tuple(bias.shape)}.",
                shapes,
                f"give it {o} elements.",
            )
        )
    need_one_dtype(where, input=x, weight=weight, bias=bias)


@Conv.public
def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    """Slide O kernels over the images of a batch and sum the products at each place.

    y[n, o, i, j] = b[o] + Σ_c Σ_kh Σ_kw w[o, c, kh, kw] · x[n, c, i·s + kh·d − p, j·s + kw·d − p]

    Shapes: input (N, C, H, W) or (C, H, W); weight (O, C/groups, KH, KW); bias (O,); output (N, O, OH, OW) with
    OH = ⌊(H + 2p − d·(KH − 1) − 1) / s⌋ + 1.

    Args:
        stride: pixels from one window to the next.
        padding: zeros around the image, in pixels; or "valid" for none, "same" for an output of the input's size.
        dilation: pixels from one kernel element to the next.
        groups: in how many groups the channels are split; each has kernels of its own.
    Raises:
        ShapeError: channels, dims or bias do not fit, or the kernel is larger than the padded input.
        ParameterError: a parameter out of range.
        DTypeError: input, weight and bias differ in dtype, or are not floats.
    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), relationship 14.

    >>> import minicnn
    >>> x = minicnn.arange(9.0).reshape(1, 1, 3, 3)
    >>> conv2d(x, minicnn.ones(1, 1, 2, 2))
    tensor([[[[ 8., 12.],
              [20., 24.]]]])
    """
    return conv(2, input, weight, bias, stride, padding, dilation, groups)
