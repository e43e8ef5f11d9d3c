"""Max pooling: the largest value of each window.

y[n, c, p] = max_k x[n, c, p · stride + k · dilation − padding]
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.fused import Fused
from minicnn.autograd.graph import wrap
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend, backend_of
from minicnn.backend.base import Ints, Pads
from minicnn.errors import ParameterError, ShapeError, message
from minicnn.ops.fused.spatial import Settled, as_given, check_input, ints, output_sizes
from minicnn.ops.primitive.extreme import amax, argmax
from minicnn.ops.primitive.gather import gather
from minicnn.ops.primitive.join import stack
from minicnn.ops.primitive.pad import pad
from minicnn.ops.primitive.reduce import distinct

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class MaxPool(Fused):
    reads = ()  # the places of the maxima were saved

    @staticmethod
    def definition(x: Tensor, *, kernel: Ints, stride: Ints, padding: Pads, dilation: Ints, out: Ints) -> Tensor:
        """All windows side by side, and of each the last NaN, or the first of the largest elements in the image."""
        widths = [width for pair in reversed(padding) for width in pair]
        slices = [
            (
                ...,
                *(
                    slice(k * d, k * d + (p - 1) * s + 1, s)
                    for k, d, p, s in zip(at, dilation, out, stride, strict=True)
                ),
            )
            for at in itertools.product(*map(range, kernel))
        ]
        held = x.detach()
        padded, image = pad(x, widths, value=-float("inf")), pad((held == held) | (held != held), widths)
        window = stack([padded[at] for at in slices], -1)  # (N, C, *P, K)
        best, count = amax(window.detach(), -1), len(slices)
        ranks = []
        for k, at in enumerate(slices):
            value = padded.detach()[at]
            ranks.append((value != value) * (count + 1 + k) + ((value == best) & image[at]) * (count - k))
        return gather(window, -1, argmax(stack(ranks, -1), -1, keepdim=True)).squeeze(-1)

    @staticmethod
    def forward(be: Backend, x: Array, **params: Any) -> tuple[Array, Array]:
        return be.max_pool(x, **params)

    @staticmethod
    def infer(be: Backend, x: Array, **params: Any) -> Array:
        return be.max_pool_values(x, **params)

    @staticmethod
    def backward(
        be: Backend,
        grads: Sequence[Array],
        saved: Array,
        needs: Sequence[bool],
        x: Array,
        *,
        kernel: Ints,
        stride: Ints,
        padding: Pads,
        dilation: Ints,
        out: Ints,
    ) -> list[Array]:
        return [be.max_pool_grad(grads[0], saved, x.shape[2:], kernel, stride, padding, dilation)]

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield Sample(distinct(rng, 2, 3, 6, 6), 2)
        yield Sample(distinct(rng, 2, 2, 5, 6), 3, stride=2, padding=1)
        yield Sample(distinct(rng, 1, 2, 5, 5), (2, 3), 1)
        yield Sample(distinct(rng, 1, 1, 7, 6), 2, stride=2, dilation=2)
        yield Sample(distinct(rng, 1, 2, 5, 5), 2, ceil_mode=True)
        yield Sample(distinct(rng, 1, 1, 6, 7), 3, 2, 1, ceil_mode=True)
        yield Sample(distinct(rng, 1, 1, 2, 2), 3, 2, ceil_mode=True)  # one window, larger than the image
        yield Sample(distinct(rng, 2, 4, 4), 2)  # no batch
        yield Sample(distinct(rng, 2, 2, 5, 6), 3, 2, 1, return_indices=True)
        yield Sample(np.zeros((0, 2, 4, 4)), 2)
        x = np.full((1, 1, 4, 5), -np.inf)
        yield Sample(Constant(x), 3, 2, 1, return_indices=True)  # the first element in the image, not in the padding
        x = distinct(rng, 2, 2, 5, 6)
        x[0, 0, 1:3, 1:3] = x[1, :, 2, ::2] = np.nan
        x[0, 1, 3] = np.inf
        for padding, dilation in ((0, 1), (1, 1), (1, 2)):
            yield Sample(Constant(x), 3, 2, padding, dilation, return_indices=True)  # NaN wins, the last of them

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        x = np.ones((1, 1, 5, 5))
        yield ErrorSample(ShapeError, ("max_pool2d", "kernel", "(6, 6)", "(5, 5)"), x, 6)
        yield ErrorSample(ParameterError, ("padding", "half", "2"), x, 2, padding=2)
        yield ErrorSample(ParameterError, ("kernel_size", "at least 1"), x, 0)
        yield ErrorSample(ParameterError, ("stride", "at least 1"), x, 2, 0)
        yield ErrorSample(ShapeError, ("(5, 5)", "4 dims"), np.ones((5, 5)), 2)


def pool_params(
    where: str, x: Any, d: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple[Tensor, bool, dict[str, Any], Ints]:
    """Return the input with a batch dim, whether it had none, the kernel's parameters, and the pads as asked for.

    With ceil_mode the last window may reach past the padding, by pads after the end; it must start before it.

    Raises:
        ParameterError: a parameter out of range, or padding of more than half the kernel.
        ShapeError: the kernel is larger than the padded input.
    """
    x, single = check_input(where, x, d)
    kernel = ints(where, "kernel_size", kernel_size, d, 1)
    stride = kernel if stride is None or stride == () else ints(where, "stride", stride, d, 1)
    pad = ints(where, "padding", padding, d, 0)
    dilation = ints(where, "dilation", dilation, d, 1)
    if any(2 * p > k for p, k in zip(pad, kernel, strict=True)):
        raise ParameterError(
            message(
                where,
                f"padding must be at most half the kernel, got {pad} for a kernel of {kernel}.",
                "a window in the padding alone would have no element",
                "use less padding, or a larger kernel.",
            )
        )
    sizes = x.shape[2:]
    out, pads = [], []
    for size, k, s, p, d_ in zip(sizes, kernel, stride, pad, dilation, strict=True):
        span = d_ * (k - 1) + 1
        count = (size + 2 * p - span) // s + 1
        if ceil_mode:
            count = -(-(size + 2 * p - span) // s) + 1
            if (count - 1) * s >= size + p:
                count -= 1
        out.append(count)
        pads.append((p, max(p, (count - 1) * s + span - size - p)))
    output_sizes(where, sizes, kernel, stride, tuple(pads), dilation)  # raises where the kernel does not fit
    if min(out) < 1:
        output_sizes(where, sizes, kernel, stride, tuple((p, p) for p in pad), dilation)
    params = {"kernel": kernel, "stride": stride, "padding": tuple(pads), "dilation": dilation, "out": tuple(out)}
    return x, single, params, pad


_settled = Settled()


def max_pool(
    where: str,
    d: int,
    input: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    """Check the arguments of max pooling in d spatial dims, and compute it."""
    key = _settled.key((input,), (d, kernel_size, stride, padding, dilation, int(ceil_mode)))
    params = _settled.known.get(key)
    if params is not None and not return_indices:
        return MaxPool.apply(input, **params)
    x, single, params, pads = pool_params(where, input, d, kernel_size, stride, padding, dilation, ceil_mode)
    _settled.keep(None if single else key, params)
    y: Any = MaxPool.apply(x, **params)
    results: tuple[Any, ...] = (y, _places(x, pads, params)) if return_indices else (y,)
    results = tuple(as_given(part, single) for part in results)
    return results if return_indices else results[0]


def _places(x: Tensor, pads: Ints, params: dict[str, Any]) -> Tensor:
    """Return where each window's first maximum stands in its image, flattened: (N, C, *P)."""
    be = backend_of(x._array)
    xp = be.xp
    offset = be.max_pool(x._array, **params)[1].astype("int64")
    place = xp.zeros_like(offset)
    factor = 1
    dims = zip(x.shape[2:], params["kernel"], params["stride"], params["dilation"], pads, params["out"], strict=True)
    for i, (size, k, s, d, low, n) in enumerate(reversed(list(dims))):
        start = (xp.arange(n) * s - low).reshape(n, *(1 for _ in range(i)))
        place += (start + offset % k * d) * factor
        offset = offset // k
        factor *= size
    return wrap(place)


@MaxPool.public
def max_pool2d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest value of each window.

    y[n, c, i, j] = max over kh, kw of x[n, c, i·s + kh·d − p, j·s + kw·d − p]

    Shapes: input (N, C, H, W) or (C, H, W); output (N, C, OH, OW) with OH = ⌊(H + 2p − d·(KH − 1) − 1) / s⌋ + 1.

    Args:
        kernel_size: the window's size in pixels.
        stride: pixels from one window to the next; the kernel's size by default.
        padding: pixels of −∞ around the image, at most half the kernel.
        dilation: pixels from one window element to the next.
        ceil_mode: round the output's size up: the last window may reach past the edge.
        return_indices: return a pair: the maxima, and where each stands in its image, flattened.
    Gradient: to the first largest element of each window; NaN is larger than all, the last one the largest.
    Raises:
        ParameterError: a parameter out of range.
        ShapeError: the kernel is larger than the padded input.

    >>> import minicnn
    >>> max_pool2d(minicnn.arange(16.0).reshape(1, 1, 4, 4), 2)
    tensor([[[[ 5.,  7.],
              [13., 15.]]]])
    """
    return max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)
