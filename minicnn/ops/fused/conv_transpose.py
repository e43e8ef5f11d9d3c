"""Transposed convolution: the map whose matrix is the transpose of a convolution's.

y[n, o, q] = b[o] + Σ_c Σ_{p, k: p · stride + k · dilation − padding = q} w[c, o, k] · x[n, c, p]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.fused import Fused
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.backend.base import Ints, Pads
from minicnn.errors import DTypeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_one_dtype, need_tensors
from minicnn.ops.fused.conv import Conv
from minicnn.ops.fused.spatial import Settled, as_given, check_input, ints
from minicnn.ops.primitive.pad import pad

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class ConvTranspose(Fused):
    """(x (N, C, *P), w (C, O/G, *K), b (O,) or None) -> (N, O, *S), S = ``sizes``."""

    reads = (0, 1)

    @staticmethod
    def definition(
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        *,
        sizes: Ints,
        stride: Ints,
        padding: Pads,
        dilation: Ints,
        groups: int,
    ) -> Tensor:
        """Zeros between the pixels, zeros around, and a plain convolution with the kernel turned round."""
        n, c, *out = x.shape
        _, o_group, *kernel = weight.shape
        dims = len(kernel)
        apart = x.reshape(n, c, *(s for p in out for s in (p, 1)))  # (N, C, H, 1, W, 1)
        apart = pad(apart, [w for s in reversed(stride) for w in (0, s - 1, 0, 0)])
        apart = apart.reshape(n, c, *(p * s for p, s in zip(out, stride, strict=True)))
        widths: list[int] = []
        for p, s, d, k, (low, _), size in zip(out, stride, dilation, kernel, padding, sizes, strict=True):
            before = d * (k - 1) - low
            widths = [before, size + d * (k - 1) - before - p * s, *widths]
        turned = weight.reshape(groups, c // groups, o_group, *kernel).transpose(1, 2)  # (G, O/G, C/G, *K)
        turned = turned.reshape(groups * o_group, c // groups, *kernel).flip(*range(2, 2 + dims))
        none = ((0, 0),) * dims
        return Conv.definition(
            pad(apart, widths), turned, bias, stride=(1,) * dims, padding=none, dilation=dilation, groups=groups
        )

    @staticmethod
    def forward(
        be: Backend, x: Array, weight: Array, bias: Array | None, *, sizes: Ints, **params: Any
    ) -> tuple[Array, None]:
        y = be.conv_input_grad(x, weight, sizes, **params)
        if bias is not None:
            y += bias.reshape(-1, *(1 for _ in sizes))
        return y, None

    @staticmethod
    def backward(
        be: Backend,
        grads: Sequence[Array],
        saved: None,
        needs: Sequence[bool],
        x: Array,
        weight: Array,
        bias: Array | None,
        *,
        sizes: Ints,
        **params: Any,
    ) -> list[Array]:
        """The convolution whose transpose this is gives dx; its weight gradient, with x and g in swapped roles, dw."""
        (g,) = grads
        reached, params = _exact(g, x, weight, sizes=sizes, **params)
        return [
            be.conv(reached, weight, None, **params) if needs[0] else None,
            be.conv_weight_grad(x, reached, weight.shape, **params) if needs[1] else None,
            be.channel_sums(g) if needs[2] else None,
        ]

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        def draw(*shape: int) -> Any:
            return rng.normal(size=shape)

        yield Sample(draw(2, 3, 4, 3), draw(3, 2, 3, 2), draw(2))
        yield Sample(draw(1, 2, 3, 3), draw(2, 3, 3, 3), stride=2, padding=1, output_padding=1)
        yield Sample(draw(1, 2, 3, 4), draw(2, 2, 2, 3), draw(2), (1, 3), (0, 2), (0, 2), 1, (2, 1))
        yield Sample(draw(1, 2, 3, 3), draw(2, 1, 2, 2), None, 1, 0, 1, dilation=3)  # more than the stride
        yield Sample(draw(2, 2, 2, 3), draw(2, 1, 1, 2), None, 1, 1, 1, dilation=2)  # of which the padding takes a part
        yield Sample(draw(2, 4, 3, 3), draw(4, 3, 2, 2), draw(6), 2, groups=2)
        yield Sample(draw(2, 3, 3), draw(2, 3, 1, 1))  # no batch
        yield Sample(draw(0, 2, 3, 3), draw(2, 3, 2, 2), draw(3))

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        x, w = np.ones((2, 3, 5, 5)), np.ones((3, 4, 3, 3))
        yield ErrorSample(ShapeError, ("conv_transpose2d", "3 input channels", "has 4"), np.ones((2, 4, 8, 8)), w)
        yield ErrorSample(ShapeError, ("weight", "4 dims"), x, np.ones((3, 4, 3)))
        yield ErrorSample(ShapeError, ("bias", "(4,)", "(3,)"), x, w, np.ones(3))
        yield ErrorSample(ShapeError, ("output", "(-1, -1)"), x[:, :, :1, :1], w, padding=2)
        yield ErrorSample(ParameterError, ("groups", "divide", "3", "2"), x, w, groups=2)
        yield ErrorSample(ParameterError, ("output_padding", "smaller", "1"), x, w, output_padding=1)
        yield ErrorSample(ParameterError, ("stride", "at least 1"), x, w, stride=0)
        yield ErrorSample(DTypeError, ("input", "int64"), np.ones((2, 3, 5, 5), dtype=np.int64), w)


def _exact(g: Array, x: Array, weight: Array, *, sizes: Ints, **params: Any) -> tuple[Array, dict[str, Any]]:
    """Return the part of g that x reaches, and the parameters with which its convolution gives x's shape."""
    kept, padding = [], []
    for p, k, size, s, (low, _), d in zip(
        x.shape[2:], weight.shape[2:], sizes, params["stride"], params["padding"], params["dilation"], strict=True
    ):
        span = (p - 1) * s + d * (k - 1) + 1  # of all windows, padding and all
        low = min(low, span)
        count = min(size, span - low)
        kept.append(slice(0, count))
        padding.append((low, span - low - count))
    return g[(..., *kept)], {**params, "padding": tuple(padding)}


_settled = Settled()


def conv_transpose(
    d: int,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: Any,
    dilation: Any,
) -> Tensor:
    """Check the arguments of a transposed convolution in d spatial dims, and compute it."""
    key = _settled.key((x, weight, bias), (d, stride, padding, output_padding, groups, dilation))
    params = _settled.known.get(key)
    if params is not None:
        done: Tensor = ConvTranspose.apply(x, weight, bias, **params)
        return done
    where = f"conv_transpose{d}d"
    need_tensors(where, input=x, weight=weight, bias=bias)
    x, single = check_input(where, x, d)
    stride, dilation = ints(where, "stride", stride, d, 1), ints(where, "dilation", dilation, d, 1)
    pads, more = ints(where, "padding", padding, d, 0), ints(where, "output_padding", output_padding, d, 0)
    (groups,) = ints(where, "groups", groups, 1, 1)
    _check(where, d, x, weight, bias, groups)
    if any(m >= max(s, e) for m, s, e in zip(more, stride, dilation, strict=True)):
        raise ParameterError(
            message(
                where,
                f"output_padding must be smaller than stride or dilation, got {more}.",
                f"stride {stride}, dilation {dilation}",
                "use a smaller one, or pad the output.",
            )
        )
    sizes = tuple(
        (p - 1) * s - 2 * low + e * (k - 1) + m + 1
        for p, k, s, low, e, m in zip(x.shape[2:], weight.shape[2:], stride, pads, dilation, more, strict=True)
    )
    if min(sizes) < 1:
        raise ShapeError(
            message(
                where,
                f"the output would have the sizes {sizes}.",
                f"input {tuple(x.shape)}, kernel {tuple(weight.shape[2:])}, padding {pads}",
                "use less padding, or a larger input.",
            )
        )
    pairs = tuple((p, p) for p in pads)
    params = {"sizes": sizes, "stride": stride, "padding": pairs, "dilation": dilation, "groups": groups}
    _settled.keep(None if single else key, params)
    y: Tensor = ConvTranspose.apply(x, weight, bias, **params)
    return as_given(y, single)


def _check(where: str, d: int, x: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> None:
    shapes = f"input {tuple(x.shape)} = (N, C, ...); weight {tuple(weight.shape)} = (C, O/groups, ...); groups {groups}"
    if weight.ndim != d + 2:
        raise ShapeError(
            message(
                where, f"weight expects {d + 2} dims, got {weight.ndim}.", shapes, "give it (C, O/groups, *kernel)."
            )
        )
    c, o_group = weight.shape[:2]
    if x.shape[1] != c:
        raise ShapeError(
            message(
                where,
                f"weight expects {c} input channels, input has {x.shape[1]}.",
                shapes,
                f"set in_channels={x.shape[1]}, or pass an input with C={c}.",
            )
        )
    if c % groups or not o_group:
        raise ParameterError(
            message(where, f"groups must divide the input channels {c}, got {groups}.", shapes, "choose a divisor.")
        )
    if bias is not None and tuple(bias.shape) != (o_group * groups,):
        raise ShapeError(
            message(
                where,
                f"bias expects shape ({o_group * groups},), one per output channel, got {tuple(bias.shape)}.",
                shapes,
                f"give it {o_group * groups} elements.",
            )
        )
    need_one_dtype(where, input=x, weight=weight, bias=bias)


@ConvTranspose.public
def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> Tensor:
    """Let each pixel add its multiple of a kernel to the output: the transpose of a convolution.

    y[n, o, i·s + kh·d − p, j·s + kw·d − p] += w[c, o, kh, kw] · x[n, c, i, j], from y = b[o]

    Shapes: input (N, C, H, W) or (C, H, W); weight (C, O/groups, KH, KW); bias (O,); output (N, O, OH, OW) with
    OH = (H − 1) · s − 2p + d · (KH − 1) + output_padding + 1.

    Args:
        stride: pixels of the output from one input pixel to the next.
        padding: pixels left out around the output.
        output_padding: pixels added after its end, fewer than stride or dilation.
        groups: in how many groups the channels are split.
        dilation: pixels from one kernel element to the next.
    Raises:
        ShapeError: channels, dims or bias do not fit, or nothing is left of the output.
        ParameterError: a parameter out of range.
        DTypeError: input, weight and bias differ in dtype, or are not floats.
    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), relationship 14.

    >>> import minicnn
    >>> conv_transpose2d(minicnn.ones(1, 1, 2, 2), minicnn.ones(1, 1, 2, 2))
    tensor([[[[1., 2., 1.],
              [2., 4., 2.],
              [1., 2., 1.]]]])
    """
    return conv_transpose(2, input, weight, bias, stride, padding, output_padding, groups, dilation)
