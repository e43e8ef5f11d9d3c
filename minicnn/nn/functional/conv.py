"""Convolutions in 1 and 3 dims, and windows as columns: unfold and fold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minicnn.autograd.graph import wrap
from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import backend_of
from minicnn.errors import ParameterError, ShapeError, message
from minicnn.nn.functional.common import need_float_tensors
from minicnn.ops.fused.conv import Conv, conv
from minicnn.ops.fused.conv_transpose import ConvTranspose, conv_transpose
from minicnn.ops.fused.spatial import check_input, ints, output_sizes
from minicnn.tensor import Tensor


def _conv_samples(d: int) -> Callable[[Rng], Iterator[Sample]]:
    def samples(rng: Rng) -> Iterator[Sample]:
        def draw(*shape: int) -> Any:
            return rng.normal(size=shape)

        sizes, kernel = (5, 4, 3)[:d], (3, 2, 2)[:d]
        yield Sample(draw(2, 3, *sizes), draw(4, 3, *kernel), draw(4))
        yield Sample(draw(1, 4, *sizes), draw(2, 2, *kernel), stride=2, padding=1, dilation=2, groups=2)
        yield Sample(draw(2, *sizes), draw(3, 2, *kernel), padding="same")
        yield Sample(draw(1, 2, *sizes), draw(1, 2, *kernel), draw(1), (2, 1, 3)[:d], "valid", (1, 2, 1)[:d])
        yield Sample(draw(1, 4, *sizes), draw(4, 1, *kernel), draw(4), padding=(2, 0, 1)[:d], groups=4)  # depthwise
        yield Sample(draw(2, 3, *sizes), draw(2, 3, *(1,) * d))  # a product at each place
        yield Sample(draw(0, 2, *sizes), draw(3, 2, *kernel))

    return samples


def _transpose_samples(d: int) -> Callable[[Rng], Iterator[Sample]]:
    def samples(rng: Rng) -> Iterator[Sample]:
        def draw(*shape: int) -> Any:
            return rng.normal(size=shape)

        sizes, kernel = (4, 3, 2)[:d], (3, 2, 2)[:d]
        yield Sample(draw(2, 3, *sizes), draw(3, 2, *kernel), draw(2))
        yield Sample(
            draw(1, 4, *sizes), draw(4, 1, *kernel), None, stride=2, padding=1, output_padding=1, dilation=2, groups=2
        )
        yield Sample(draw(2, *sizes), draw(2, 3, *kernel))
        yield Sample(draw(1, 2, *sizes), draw(2, 1, *kernel), draw(1), (3, 1, 2)[:d], (1, 0, 1)[:d], (2, 0, 1)[:d])
        yield Sample(draw(1, 3, *sizes), draw(3, 1, *kernel), draw(3), groups=3)  # depthwise
        yield Sample(draw(1, 2, *(1,) * d), draw(2, 2, *kernel), padding=(1, 0, 0)[:d])  # one place
        yield Sample(draw(0, 2, *sizes), draw(2, 3, *kernel))

    return samples


def _conv_errors(where: str, d: int) -> Callable[[], Iterator[ErrorSample]]:
    def errors() -> Iterator[ErrorSample]:
        sizes, kernel = (5,) * d, (3,) * d
        x, w = np.ones((2, 3, *sizes)), np.ones((3, 3, *kernel))
        yield ErrorSample(ShapeError, (where, "3 input channels", "has 4"), np.ones((2, 4, *sizes)), w)
        yield ErrorSample(ShapeError, (where, f"{d + 2} dims"), np.ones(5), w)
        yield ErrorSample(ParameterError, (where, "stride", "at least 1"), x, w, stride=0)

    return errors


@composition(_conv_samples(1), _conv_errors("conv1d", 1))
def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    """Slide O kernels over sequences and sum the products at each place; as `conv2d`, in one dim.

    y[n, o, i] = b[o] + Σ_c Σ_k w[o, c, k] · x[n, c, i·s + k·d − p]

    Shapes: input (N, C, L) or (C, L); weight (O, C/groups, K); bias (O,); output (N, O, OL) with
    OL = ⌊(L + 2p − d·(K − 1) − 1) / s⌋ + 1.

    Args:
        stride, padding, dilation, groups: as for `conv2d`; in elements.
    Raises:
        ShapeError, ParameterError, DTypeError: as for `conv2d`.

    >>> import minicnn
    >>> conv1d(minicnn.arange(4.0).reshape(1, 1, 4), minicnn.ones(1, 1, 2))
    tensor([[[1., 3., 5.]]])
    """
    return conv(1, input, weight, bias, stride, padding, dilation, groups)


@composition(_conv_samples(3), _conv_errors("conv3d", 3))
def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    """Slide O kernels over volumes and sum the products at each place; as `conv2d`, in three dims.

    y[n, o, i] = b[o] + Σ_c Σ_k w[o, c, k] · x[n, c, i·s + k·d − p], i and k with three indices each

    Shapes: input (N, C, D, H, W) or (C, D, H, W); weight (O, C/groups, KD, KH, KW); bias (O,); output
    (N, O, OD, OH, OW) with OD = ⌊(D + 2p − d·(KD − 1) − 1) / s⌋ + 1.

    Args:
        stride, padding, dilation, groups: as for `conv2d`; an int, or one for each dim.
    Raises:
        ShapeError, ParameterError, DTypeError: as for `conv2d`.

    >>> import minicnn
    >>> conv3d(minicnn.ones(1, 1, 2, 2, 2), minicnn.ones(1, 1, 2, 2, 2)).flatten()
    tensor([8.])
    """
    return conv(3, input, weight, bias, stride, padding, dilation, groups)


@composition(_transpose_samples(1), _conv_errors("conv_transpose1d", 1))
def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> Tensor:
    """Let each element add its multiple of a kernel to the output; as `conv_transpose2d`, in one dim.

    y[n, o, i·s + k·d − p] += w[c, o, k] · x[n, c, i], from y = b[o]

    Shapes: input (N, C, L) or (C, L); weight (C, O/groups, K); bias (O,); output (N, O, OL) with
    OL = (L − 1) · s − 2p + d · (K − 1) + output_padding + 1.

    Args:
        stride, padding, output_padding, groups, dilation: as for `conv_transpose2d`; in elements.
    Raises:
        ShapeError, ParameterError, DTypeError: as for `conv_transpose2d`.

    >>> import minicnn
    >>> conv_transpose1d(minicnn.ones(1, 1, 3), minicnn.ones(1, 1, 2))
    tensor([[[1., 2., 2., 1.]]])
    """
    return conv_transpose(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


@composition(_transpose_samples(3), _conv_errors("conv_transpose3d", 3))
def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> Tensor:
    """Let each voxel add its multiple of a kernel to the output; as `conv_transpose2d`, in three dims.

    y[n, o, i·s + k·d − p] += w[c, o, k] · x[n, c, i], from y = b[o]; i and k with three indices each

    Shapes: input (N, C, D, H, W) or (C, D, H, W); weight (C, O/groups, KD, KH, KW); bias (O,); output
    (N, O, OD, OH, OW) with OD = (D − 1) · s − 2p + d · (KD − 1) + output_padding + 1.

    Args:
        stride, padding, output_padding, groups, dilation: as for `conv_transpose2d`; an int, or one for each dim.
    Raises:
        ShapeError, ParameterError, DTypeError: as for `conv_transpose2d`.

    >>> import minicnn
    >>> conv_transpose3d(minicnn.ones(1, 1, 1, 1, 1), minicnn.ones(1, 1, 2, 2, 2)).shape
    (1, 1, 2, 2, 2)
    """
    return conv_transpose(3, input, weight, bias, stride, padding, output_padding, groups, dilation)


def _unit_kernels(x: Tensor, channels: int, kernel: tuple[int, ...]) -> Tensor:
    """Return (C·K, 1, KH, KW): for each channel, a kernel that picks each element of the window."""
    size = int(np.prod(kernel))
    unit = np.tile(np.eye(size).reshape(size, 1, *kernel), (channels, 1, *(1 for _ in kernel)))
    kernels: Tensor = wrap(backend_of(x._array).constant(unit.astype(str(x.dtype))))
    return kernels


def _windows(
    where: str, sizes: tuple[int, ...], kernel_size: Any, dilation: Any, padding: Any, stride: Any
) -> tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]:
    kernel, dilated = ints(where, "kernel_size", kernel_size, 2, 1), ints(where, "dilation", dilation, 2, 1)
    steps, widths = ints(where, "stride", stride, 2, 1), ints(where, "padding", padding, 2, 0)
    pads = tuple((p, p) for p in widths)
    out = output_sizes(where, sizes, kernel, steps, pads, dilated)
    return kernel, out, {"stride": steps, "padding": pads, "dilation": dilated}


def _unfold_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(2, 3, 4, 5)), (2, 3))
    yield Sample(rng.normal(size=(1, 2, 5, 6)), 2, dilation=2, padding=1, stride=(1, 2))
    yield Sample(rng.normal(size=(2, 4, 4)), 3)
    yield Sample(rng.normal(size=(0, 2, 4, 4)), 2)
    yield Sample(rng.normal(size=(1, 1, 3, 5)), (1, 2), (1, 2), (0, 1), (1, 3))
    yield Sample(rng.normal(size=(1, 2, 4, 4)), 2, stride=2)  # side by side
    yield Sample(rng.normal(size=(2, 3, 2, 2)), 1)
    yield Sample(rng.normal(size=(1, 2, 3, 2)), (3, 2))  # one window


def _unfold_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("unfold", "(6, 6)", "(5, 5)"), np.ones((1, 1, 5, 5)), 6)
    yield ErrorSample(ShapeError, ("unfold", "4 dims"), np.ones(5), 2)


@composition(_unfold_samples, _unfold_errors)
def unfold(
    input: Tensor,
    kernel_size: int | Sequence[int],
    dilation: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    stride: int | Sequence[int] = 1,
) -> Tensor:
    """The windows of an image as columns: what a convolution multiplies its kernels with.

    Shapes: input (N, C, H, W) or (C, H, W); output (N, C·KH·KW, L), L = OH · OW windows.

    Args:
        kernel_size: the window's size in pixels.
        dilation: pixels from one window element to the next.
        padding: zeros around the image.
        stride: pixels from one window to the next.
    Raises:
        ShapeError: the window is larger than the padded input.
        ParameterError: a parameter out of range.

    >>> import minicnn
    >>> unfold(minicnn.arange(4.0).reshape(1, 1, 2, 2), (1, 2))
    tensor([[[0., 2.],
             [1., 3.]]])
    """
    x, single = check_input("unfold", input, 2)
    kernel, _, params = _windows("unfold", tuple(x.shape[2:]), kernel_size, dilation, padding, stride)
    c = x.shape[1]
    y: Tensor = Conv.apply(x, _unit_kernels(x, c, kernel), None, **params, groups=c).flatten(2)
    return y.squeeze(0) if single else y


def _fold_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(2, 18, 9)), (4, 5), (2, 3))
    yield Sample(rng.normal(size=(1, 8, 10)), (5, 4), 2, dilation=2, padding=1, stride=(1, 2))
    yield Sample(rng.normal(size=(9, 4)), 4, 3)
    yield Sample(rng.normal(size=(0, 8, 9)), 4, 2)
    yield Sample(rng.normal(size=(1, 2, 6)), (3, 5), (1, 2), stride=(1, 3), padding=(0, 1), dilation=(1, 2))
    yield Sample(rng.normal(size=(1, 4, 4)), (4, 4), (2, 2), stride=2)  # side by side
    yield Sample(rng.normal(size=(2, 3, 4)), 2, 1)


def _fold_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("fold", "9 columns", "8"), np.ones((1, 4, 8)), 4, 2)
    yield ErrorSample(ShapeError, ("fold", "multiple of 4"), np.ones((1, 5, 9)), 4, 2)
    yield ErrorSample(ShapeError, ("fold", "3 dims"), np.ones(5), 4, 2)


@composition(_fold_samples, _fold_errors)
def fold(
    input: Tensor,
    output_size: int | Sequence[int],
    kernel_size: int | Sequence[int],
    dilation: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    stride: int | Sequence[int] = 1,
) -> Tensor:
    """Add columns up to an image, each element where `unfold` would have taken it from.

    Shapes: input (N, C·KH·KW, L) or (C·KH·KW, L); output (N, C, H, W), (H, W) = output_size.

    Args:
        output_size: H and W.
        kernel_size, dilation, padding, stride: as for `unfold`.
    Raises:
        ShapeError: the input has not as many rows and columns as the windows of such an image.
        ParameterError: a parameter out of range.

    >>> import minicnn
    >>> fold(minicnn.ones(1, 2, 2), (1, 3), (1, 2))
    tensor([[[[1., 2., 1.]]]])
    """
    need_float_tensors("fold", input=input)
    sizes = ints("fold", "output_size", output_size, 2, 1)
    kernel, out, params = _windows("fold", sizes, kernel_size, dilation, padding, stride)
    shape = tuple(input.shape)
    if len(shape) not in (2, 3):
        raise ShapeError(
            message(
                "fold",
                f"input expects 3 dims (N, C·K, L), or 2, got {len(shape)}.",
                f"input {shape}",
                "pass what unfold returned: x.unsqueeze(0) adds a batch.",
            )
        )
    x = input if len(shape) == 3 else input.unsqueeze(0)
    rows, columns = kernel[0] * kernel[1], out[0] * out[1]
    if x.shape[1] % rows or x.shape[2] != columns:
        raise ShapeError(
            message(
                "fold",
                f"input expects {columns} columns and a multiple of {rows} rows, got {x.shape[2]} and {x.shape[1]}.",
                f"input {shape}; output_size {sizes} has {out} windows of {kernel}",
                "use the parameters that unfold was called with.",
            )
        )
    c = x.shape[1] // rows
    y: Tensor = ConvTranspose.apply(
        x.reshape(x.shape[0], x.shape[1], *out), _unit_kernels(x, c, kernel), None, sizes=sizes, **params, groups=c
    )
    return y if len(shape) == 3 else y.squeeze(0)
