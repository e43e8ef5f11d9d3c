"""Maps of two inputs, of neighbouring channels, and of places with weights of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minicnn import ops
from minicnn.autograd.graph import own
from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.errors import DTypeError, ParameterError, ShapeError, message
from minicnn.nn.functional.common import need_float_tensors
from minicnn.nn.functional.conv import unfold
from minicnn.ops.checks import need_one_dtype
from minicnn.ops.fused.spatial import check_input, ints, output_sizes
from minicnn.tensor import Tensor

Sizes = int | Sequence[int]


def _bilinear_samples(rng: Rng) -> Iterator[Sample]:
    def draw(*shape: int) -> Any:
        return rng.normal(size=shape)

    yield Sample(draw(4, 3), draw(4, 2), draw(5, 3, 2))
    yield Sample(draw(4, 3), draw(4, 2), draw(5, 3, 2), draw(5))
    yield Sample(draw(3), draw(2), draw(5, 3, 2), bias=draw(5))  # no batch
    yield Sample(draw(2, 3, 4), draw(2, 3, 2), draw(1, 4, 2), draw(1))  # two batch dims
    yield Sample(draw(2, 1), draw(2, 1), draw(2, 1, 1))
    yield Sample(np.zeros((0, 3)), np.zeros((0, 2)), draw(5, 3, 2), draw(5))


def _bilinear_errors() -> Iterator[ErrorSample]:
    a, b, w = np.ones((2, 3)), np.ones((2, 4)), np.ones((5, 3, 4))
    yield ErrorSample(ShapeError, ("bilinear", "input1", "3"), np.ones((2, 2)), b, w)
    yield ErrorSample(ShapeError, ("bilinear", "input2", "4"), a, np.ones((2, 3)), w)
    yield ErrorSample(ShapeError, ("bilinear", "batch"), a, np.ones((3, 4)), w)
    yield ErrorSample(ShapeError, ("bilinear", "bias", "(5,)"), a, b, w, np.ones(4))
    yield ErrorSample(ShapeError, ("bilinear", "weight", "3 dims"), a, b, np.ones((3, 4)))
    yield ErrorSample(DTypeError, ("bilinear", "int64"), a.astype(np.int64), b, w)


@composition(_bilinear_samples, _bilinear_errors)
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """The bilinear map of two vectors: y[o] = Σ over i, j of a[i] · w[o, i, j] · b[j] + c[o].

    Shapes: input1 (*, I), input2 (*, J), weight (O, I, J), bias (O,); output (*, O).

    Args:
        weight: w.
        bias: c; nothing is added if None.
    Raises:
        ShapeError: the shapes do not fit.
        DTypeError: an argument is not of floats, or they differ in dtype.

    >>> import minicnn
    >>> bilinear(minicnn.tensor([2.0]), minicnn.tensor([3.0]), minicnn.ones(1, 1, 1))
    tensor([6.])
    """
    where = "bilinear"
    need_float_tensors(where, input1=input1, input2=input2, weight=weight, bias=bias)
    need_one_dtype(where, input1=input1, input2=input2, weight=weight, bias=bias)
    a, b, w = tuple(input1.shape), tuple(input2.shape), tuple(weight.shape)
    problem = None
    if len(w) != 3:
        problem = f"weight expects 3 dims (O, I, J), got {len(w)}"
    elif a[-1:] != w[1:2]:
        problem = f"input1 expects a last dim of {w[1]}, got {a}"
    elif b[-1:] != w[2:]:
        problem = f"input2 expects a last dim of {w[2]}, got {b}"
    elif a[:-1] != b[:-1]:
        problem = f"expects inputs of the same batch dims, got {a[:-1]} and {b[:-1]}"
    elif bias is not None and tuple(bias.shape) != w[:1]:
        problem = f"bias expects shape {w[:1]}, got {tuple(bias.shape)}"
    if problem:
        got = f"input1 {a} = (*, I); input2 {b} = (*, J); weight {w} = (O, I, J)"
        raise ShapeError(
            message(
                where,
                f"{problem}.",
                got,
                "equal letters stand for equal sizes: change the input, or the layer's sizes.",
            )
        )
    o, i, j = w
    rows = input1.reshape(int(np.prod(a[:-1])), i) @ weight.permute(1, 0, 2).reshape(i, o * j)  # (N, O·J)
    y = (rows.reshape(rows.shape[0], o, j) @ input2.reshape(rows.shape[0], j, 1)).reshape(*a[:-1], o)
    return y if bias is None else y + bias


def _response_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(2, 5, 3, 2)), 3)
    yield Sample(rng.normal(size=(2, 5, 3, 2)), 3, alpha=0.5, beta=0.5, k=2.0)
    yield Sample(rng.normal(size=(2, 5, 4)), 2, 0.7)  # even: one more channel before than after
    yield Sample(rng.normal(size=(1, 4, 2, 2, 2)), 4, 0.3, 1.5)
    yield Sample(rng.normal(size=(2, 3, 2)), 7, 1.0)  # wider than the channels
    yield Sample(rng.normal(size=(2, 3, 2)), 1, 1.0)
    yield Sample(np.zeros((1, 3, 2)), 3, k=0.5)
    yield Sample(np.zeros((0, 3, 2)), 3)


def _response_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ParameterError, ("local_response_norm", "3 dims", "2"), np.ones((2, 3)), 2)
    yield ErrorSample(ParameterError, ("local_response_norm", "size", "0"), np.ones((2, 3, 2)), 0)
    yield ErrorSample(DTypeError, ("local_response_norm", "int64"), np.ones((2, 3, 2), dtype=np.int64), 2)


@composition(_response_samples, _response_errors)
def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """Divide by the squares of neighbouring channels: y[c] = x[c] · (k + α/n · Σ over c′ near c of x[c′]²)^(−β).

    The neighbours are the n channels from c − ⌊n/2⌋ on; those outside count 0.

    Shapes: input and output (N, C, *), at least 3 dims.

    Args:
        size: n, how many channels.
        alpha, beta, k: α, β and k.
    Raises:
        ParameterError: fewer than 3 dims, or a size below 1.
    Source: Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep CNNs" (2012), section 3.3; there
        α is not divided by n.

    >>> import minicnn
    >>> local_response_norm(minicnn.ones(1, 2, 1), 2, alpha=2.0, beta=1.0).flatten()
    tensor([0.5000, 0.3333])
    """
    where = "local_response_norm"
    need_float_tensors(where, input=input)
    (n,) = ints(where, "size", size, 1, 1)
    if input.ndim < 3:
        shape = tuple(input.shape)
        raise ParameterError(
            message(
                where,
                f"input expects 3 dims (N, C, ...) or more, got {len(shape)}.",
                f"input {shape}",
                "add a dim: x[:, :, None].",
            )
        )
    c = input.shape[1]
    widths = [0, 0] * (input.ndim - 2) + [n // 2, (n - 1) // 2]
    squares = ops.pad(input * input, widths)
    total = squares.narrow(1, 0, c)
    for i in range(1, n):
        total = total + squares.narrow(1, i, c)
    return input * (total * (alpha / n) + k) ** -beta


def _connected_samples(rng: Rng) -> Iterator[Sample]:
    def draw(*shape: int) -> Any:
        return rng.normal(size=shape)

    yield Sample(draw(2, 2, 4, 3), draw(3, 2, 5, 2, 2, 2))
    yield Sample(draw(2, 2, 4, 3), draw(3, 2, 5, 2, 2, 2), draw(5, 3, 2))
    yield Sample(draw(2, 5, 5), draw(2, 2, 3, 2, 3, 3), bias=draw(3, 2, 2), stride=2)  # no batch
    yield Sample(draw(1, 1, 4, 4), draw(4, 4, 2, 1, 3, 3), padding=1)
    yield Sample(draw(1, 2, 5, 4), draw(3, 4, 1, 2, 2, 1), dilation=2)
    yield Sample(draw(1, 2, 3, 3), draw(3, 3, 1, 2, 1, 1), draw(1, 3, 3))
    yield Sample(draw(2, 1, 3, 2), draw(1, 1, 4, 1, 3, 2))  # one place: a linear layer
    yield Sample(np.zeros((0, 2, 4, 3)), draw(3, 2, 5, 2, 2, 2), draw(5, 3, 2))


def _connected_errors() -> Iterator[ErrorSample]:
    x, w = np.ones((1, 2, 4, 3)), np.ones((3, 2, 5, 2, 2, 2))
    where = "locally_connected2d"
    yield ErrorSample(ShapeError, (where, "(2, 2)", "(3, 2)"), x[:, :, 1:], w)
    yield ErrorSample(ShapeError, (where, "2 channels", "1"), x[:, :1], w)
    yield ErrorSample(ShapeError, (where, "6 dims"), x, w[0])
    yield ErrorSample(ShapeError, (where, "bias", "(5, 3, 2)"), x, w, np.ones(5))
    yield ErrorSample(ShapeError, (where, "larger"), x[:, :, :1], w)
    yield ErrorSample(ParameterError, (where, "stride"), x, w, stride=0)


@composition(_connected_samples, _connected_errors)
def locally_connected2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
) -> Tensor:
    """A convolution with weights of its own at each place; minicnn's own, PyTorch has no such function.

    y[n, o, i, j] = b[o, i, j] + Σ over c, kh, kw of w[i, j, o, c, kh, kw] · x[n, c, i·s + kh·d − p, j·s + kw·d − p]

    Shapes: input (N, C, H, W) or (C, H, W); weight (OH, OW, O, C, KH, KW); bias (O, OH, OW); output (N, O, OH, OW),
    OH = ⌊(H + 2p − d·(KH − 1) − 1) / s⌋ + 1.

    Args:
        weight: w, a kernel for each place of the output.
        bias: b; nothing is added if None.
        stride, padding, dilation: s, p (zeros around the image) and d, as for `conv2d`.
    Raises:
        ShapeError: the shapes do not fit.
        ParameterError: a parameter out of range.
    Source: Taigman et al., "DeepFace" (2014), section 3; LeCun, "Generalization and Network Design Strategies" (1989).

    >>> import minicnn
    >>> x = minicnn.tensor([[[[1.0, 2.0]]]])
    >>> locally_connected2d(x, minicnn.tensor([10.0, 100.0]).reshape(1, 2, 1, 1, 1, 1))
    tensor([[[[ 10., 200.]]]])
    """
    where = "locally_connected2d"
    need_float_tensors(where, weight=weight, bias=bias)
    x, single = check_input(where, input, 2)
    need_one_dtype(where, input=input, weight=weight, bias=bias)
    w = tuple(weight.shape)
    if len(w) != 6:
        raise ShapeError(
            message(
                where,
                f"weight expects 6 dims (OH, OW, O, C, KH, KW), got {len(w)}.",
                f"weight {w}",
                "give every output place (OH, OW) kernels of its own.",
            )
        )
    oh, ow, o, c, *kernel = w
    (s, p, d) = (
        ints(where, name, value, 2, least)
        for name, value, least in (("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1))
    )
    out = output_sizes(where, x.shape[2:], tuple(kernel), s, tuple((n, n) for n in p), d)
    problem = None
    if x.shape[1] != c:
        problem = f"weight expects {c} channels, input has {x.shape[1]}"
    elif out != (oh, ow):
        problem = f"weight has kernels for {(oh, ow)} places, the output has {out}"
    elif bias is not None and tuple(bias.shape) != (o, oh, ow):
        problem = f"bias expects shape {(o, oh, ow)}, got {tuple(bias.shape)}"
    if problem:
        got = f"input {tuple(input.shape)} = (N, C, H, W); weight {w} = (OH, OW, O, C, KH, KW)"
        raise ShapeError(message(where, f"{problem}.", got, "make the layer for images of this size."))
    columns = unfold(x, tuple(kernel), d, p, s).permute(2, 1, 0)  # (P, K, N), K = C · KH · KW
    y = weight.reshape(oh * ow, o, columns.shape[1]) @ columns  # (P, O, N)
    y = own(y.permute(2, 1, 0)).reshape(x.shape[0], o, oh, ow)
    y = y if bias is None else y + bias
    return y.squeeze(0) if single else y
