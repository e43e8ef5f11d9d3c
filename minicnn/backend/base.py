"""Backend: every array kernel once, in plain ``xp``, for NumPy and CuPy alike.

Ordinary array functions are reached as ``be.xp.exp(x)``; the bottlenecks (convolution, pooling) are methods. These
plain versions are the oracle of the tuned ones: a backend overrides one where a benchmark shows that it pays.

Spatial parameters come as tuples with one entry a spatial dim, so the same kernel serves 1, 2 and 3 dimensions:
``stride=(2, 2)``, ``padding=((1, 1), (1, 1))`` (before and after), ``dilation=(1, 1)``. The letters are those of
the design: N, C, O, spatial input S = (H, W), output P = (OH, OW), kernel K = (KH, KW), G groups.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from minicnn.backend.gauss import Gauss
from minicnn.backend.host import Host
from minicnn.backend.layers import Layers
from minicnn.backend.pooling import Pooling
from minicnn.random import Generator

Array = Any  # a numpy.ndarray, a cupy.ndarray, or the strict array of the tests
Ints = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]


def output_size(size: int, kernel: int, stride: int, pads: tuple[int, int], dilation: int) -> int:
    """Return how many windows fit: ⌊(size + pads − dilation·(kernel − 1) − 1) / stride⌋ + 1.

    >>> output_size(28, 5, 2, (0, 0), 1)
    12
    """
    return (size + pads[0] + pads[1] - dilation * (kernel - 1) - 1) // stride + 1


class Backend(Host, Layers, Gauss, Pooling):
    """One array library and the kernels on it.

    Attributes:
        name: what `minicnn.use` calls it.
        device_type: what ``Tensor.device`` calls it (PyTorch's word: ``"cpu"`` or ``"cuda"``).
        xp: the array module.
        array_type: the class of its arrays.
        index: the device's number, among those of its type.
    """

    name: str
    device_type: str
    xp: Any
    array_type: type
    index: int = 0

    # ---- crossing between the host and the device

    def asarray(self, values: Any, dtype: Any = None) -> Array:
        """Return ``values`` (host or device) as an array of this backend; no copy where none is needed."""
        raise NotImplementedError(f"{type(self).__name__}.asarray")

    def to_numpy(self, array: Array) -> Any:
        """Return the values as a NumPy array on the host."""
        raise NotImplementedError(f"{type(self).__name__}.to_numpy")

    def address(self, array: Array) -> int:
        """Return where in memory the array's first element lies."""
        raise NotImplementedError(f"{type(self).__name__}.address")

    def random(self, shape: Ints, dtype: Any, generator: Generator) -> Array:
        """Return uniform numbers in [0, 1), drawn on the CPU."""
        return self.asarray(generator.numpy.random(shape, dtype="float32").astype(dtype, copy=False))

    def synchronize(self) -> None:
        """Wait until the device has done what was asked of it; nothing to wait for on the CPU."""

    # ---- element by element

    def elementwise(self, function: Callable[..., Array], *arrays: Any) -> Array:
        """Return ``function(*arrays)``, a function of each element alone; so a backend may apply it to parts."""
        return function(*arrays)

    def in_place(self, function: Callable[..., None], *arrays: Array) -> None:
        """Call ``function(*arrays)``, which writes to some of them, each element by itself; on parts, if need be."""
        function(*arrays)

    def where(self, condition: Array, a: Any, b: Any) -> Array:
        """Return a where the condition holds and b elsewhere; one of them may be a number."""
        return self.xp.where(condition, a, b)

    def concatenate(self, arrays: Sequence[Array], axis: int) -> Array:
        """Return arrays of one dtype joined along a dim, as ``xp.concatenate``."""
        return self.xp.concatenate(arrays, axis=axis)

    # ---- adding in places

    def add_at(self, target: Array, index: Any, values: Array) -> None:
        """Add values to the places of the target that an index reads, in place; repeats add up."""
        self.xp.add.at(target, index, values)

    # ---- matrix products

    def matmul(self, a: Array, b: Array) -> Array:
        """Return the matrix product, as ``xp.matmul``."""
        return self.xp.matmul(a, b)

    def map_rows(self, rows: Array, matrix: Array) -> Array:
        """Return rows @ matrix, (M, I) @ (I, O) -> (M, O); a backend may choose its memory order."""
        return self.matmul(rows, matrix)

    # ---- another shape

    def reshape(self, x: Array, shape: Ints) -> Array:
        """Return x in another shape, a view where one can be had; a backend may choose the memory order of a copy."""
        return x.reshape(shape)

    # ---- windows

    def strided_windows(self, x: Array, kernel: Ints, stride: Ints, dilation: Ints) -> Array:
        """Return a view of all kernel windows: (N, C, *S) -> (N, C, *P, *K); nothing is copied."""
        n, c, *sizes = x.shape
        no_pads = ((0, 0),) * len(kernel)
        out = tuple(output_size(*args) for args in zip(sizes, kernel, stride, no_pads, dilation, strict=True))
        steps = x.strides[2:]
        return self.xp.lib.stride_tricks.as_strided(
            x,
            (n, c, *out, *kernel),
            (
                *x.strides[:2],
                *(step * s for step, s in zip(steps, stride, strict=True)),
                *(step * d for step, d in zip(steps, dilation, strict=True)),
            ),
        )

    @staticmethod
    def offset_slices(out: Ints, kernel: Ints, stride: Ints, dilation: Ints) -> Iterator[tuple[slice, ...]]:
        """Yield, for each kernel offset in row-major order, the slices that reach its elements in all windows."""
        for offset in itertools.product(*map(range, kernel)):
            yield tuple(
                slice(k * d, k * d + (p - 1) * s + 1, s)
                for k, d, p, s in zip(offset, dilation, out, stride, strict=True)
            )

    def pad(self, x: Array, padding: Pads, value: float = 0.0) -> Array:
        """Return x (N, C, *S) with its spatial dims padded by a constant; x itself where nothing is to pad."""
        if not any(low or high for low, high in padding):
            return x
        # Filled and assigned, not xp.pad: that loses the channels-last memory order that convolutions hand on.
        n, c, *sizes = x.shape
        grown = tuple(low + size + high for (low, high), size in zip(padding, sizes, strict=True))
        out = self.empty_map((n, c, *grown), x.dtype)
        out[...] = value
        inner = tuple(slice(low, low + size) for (low, _), size in zip(padding, sizes, strict=True))
        out[(..., *inner)] = x
        return out

    def empty(self, shape: Ints, dtype: Any) -> Array:
        """Return an uninitialized array; one of four dims, taken for images, in the memory order of the kernels."""
        return self.empty_map(shape, dtype) if len(shape) == 4 else self.xp.empty(shape, dtype=dtype)

    def empty_map(self, shape: Ints, dtype: Any) -> Array:
        """Return an uninitialized (N, C, *S) array in the memory order of this backend's kernels: here (N, *S, C)."""
        n, c, *sizes = shape
        return self.xp.moveaxis(self.xp.empty((n, *sizes, c), dtype=dtype), -1, 1)

    # ---- convolution: im2col by strided windows, and one matrix product

    def im2col(self, x: Array, kernel: Ints, stride: Ints, padding: Pads, dilation: Ints, groups: int) -> Array:
        """Return the windows as rows: (N, C, *S) -> (G, N·P, K·C/G)."""
        windows = self.strided_windows(self.pad(x, padding), kernel, stride, dilation)  # (N, C, *P, *K)
        n, c, *rest = windows.shape
        d = len(kernel)
        split = windows.reshape(n, groups, c // groups, *rest)  # (N, G, C/G, *P, *K)
        rows = split.transpose(1, 0, *range(3, 3 + 2 * d), 2)  # (G, N, *P, *K, C/G)
        return rows.reshape(groups, n * math.prod(rest[:d]), math.prod(kernel) * (c // groups))

    def conv_columns(
        self, x: Array, weight_shape: Ints, stride: Ints, padding: Pads, dilation: Ints, groups: int
    ) -> Any:
        """Return what `conv` makes of x, where `conv_weight_grad` needs the same and it is small; else None."""
        return None

    def conv(
        self,
        x: Array,
        weight: Array,
        bias: Array | None,
        stride: Ints,
        padding: Pads,
        dilation: Ints,
        groups: int,
        columns: Any = None,
    ) -> Array:
        """Return x ⋆ weight + bias: (N, C, *S), (O, C/G, *K) and (O,) or None -> (N, O, *P).

        Args:
            columns: what `conv_columns` returned, of the same arguments; made where it is needed and not given.
        """
        kernel = weight.shape[2:]
        cols = self.im2col(x, kernel, stride, padding, dilation, groups)  # (G, N·P, K·C/G)
        out = self.matmul(cols, self._weight_rows(weight, groups).swapaxes(1, 2))  # (G, N·P, O/G)
        sizes = zip(x.shape[2:], kernel, stride, padding, dilation, strict=True)
        y = self._from_rows(out, x.shape[0], tuple(output_size(*args) for args in sizes))
        if bias is not None:
            y += bias.reshape(-1, *(1 for _ in kernel))
        return y

    def conv_input_grad(
        self,
        grad: Array,
        weight: Array,
        sizes: Ints,
        stride: Ints,
        padding: Pads,
        dilation: Ints,
        groups: int,
    ) -> Array:
        """Return the gradient for x: (N, O, *P) and (O, C/G, *K) -> (N, C, *S), with S = ``sizes``."""
        n, _, *out = grad.shape
        _, c_group, *kernel = weight.shape
        cols = self.matmul(self._to_rows(grad, groups), self._weight_rows(weight, groups))  # (G, N·P, K·C/G)
        cols = cols.reshape(groups, n, *out, math.prod(kernel), c_group)
        cols = cols.transpose(-2, 1, 0, -1, *range(2, 2 + len(out)))  # (K, N, G, C/G, *P)
        cols = cols.reshape(math.prod(kernel), n, groups * c_group, *out)  # (K, N, C, *P)
        return self._add_windows(cols, sizes, tuple(out), tuple(kernel), stride, padding, dilation)

    def conv_weight_grad(
        self,
        grad: Array,
        x: Array,
        weight_shape: Ints,
        stride: Ints,
        padding: Pads,
        dilation: Ints,
        groups: int,
        columns: Any = None,
    ) -> Array:
        """Return the gradient for the weight: (N, O, *P) and (N, C, *S) -> (O, C/G, *K)."""
        # The columns are made again: kept from forward, they would hold K times the input's memory until here.
        cols = self.im2col(x, weight_shape[2:], stride, padding, dilation, groups)  # (G, N·P, K·C/G)
        rows = self.matmul(self._to_rows(grad, groups).swapaxes(1, 2), cols)  # (G, O/G, K·C/G)
        o, c_group, *kernel = weight_shape
        return self.xp.ascontiguousarray(self.xp.moveaxis(rows.reshape(o, *kernel, c_group), -1, 1))

    def _weight_rows(self, weight: Array, groups: int) -> Array:
        """(O, C/G, *K) -> (G, O/G, K·C/G), columns in `im2col`'s order."""
        o = weight.shape[0]
        return self.xp.moveaxis(weight, 1, -1).reshape(groups, o // groups, weight.size // max(o, 1))

    def _to_rows(self, grad: Array, groups: int) -> Array:
        """(N, O, *P) -> (G, N·P, O/G)."""
        n, o, *out = grad.shape
        split = grad.reshape(n, groups, o // groups, *out)
        rows = split.transpose(1, 0, *range(3, 3 + len(out)), 2)  # (G, N, *P, O/G)
        return rows.reshape(groups, n * math.prod(out), o // groups)

    def _from_rows(self, rows: Array, n: int, out: Ints) -> Array:
        """(G, N·P, O/G) -> (N, O, *P), left lying in memory as (N, *P, O)."""
        groups, _, o_group = rows.shape
        split = rows.reshape(groups, n, *out, o_group).transpose(1, 0, -1, *range(2, 2 + len(out)))
        return split.reshape(n, groups * o_group, *out)

    # ---- batch norm

    def channel_sums(self, x: Array) -> Array:
        """Return the sum of each channel: (N, C, *S) -> (C,)."""
        return self.xp.sum(x, axis=(0, *range(2, x.ndim)))

    def channel_statistics(self, x: Array) -> tuple[Array, Array]:
        """Return each channel's mean and biased variance: (N, C, *S) -> (C,), (C,)."""
        axes, count = (0, *range(2, x.ndim)), max(x.size // max(x.shape[1], 1), 1)
        mean = x.sum(axis=axes, keepdims=True) / count
        centred = x - mean
        centred *= centred
        return mean.reshape(-1), centred.sum(axis=axes) / count

    def normalize_channels(
        self, x: Array, mean: Array, scale: Array, weight: Array | None, bias: Array | None
    ) -> Array:
        """Return (x − mean) · scale · weight + bias, each (C,)."""
        column = (1, x.shape[1], *(1 for _ in x.shape[2:]))
        y = x - mean.reshape(column)
        y *= (scale if weight is None else scale * weight).reshape(column)
        if bias is not None:
            y += bias.reshape(column)
        return y

    def mix_channels(self, grad: Array, x: Array, mean: Array, by_grad: Array, by_x: Array, shift: Array) -> Array:
        """Return by_grad · grad + by_x · (x − mean) + shift, each but the first two (C,)."""
        column = (1, x.shape[1], *(1 for _ in x.shape[2:]))
        y = x - mean.reshape(column)
        y *= by_x.reshape(column)
        y += grad * by_grad.reshape(column)
        y += shift.reshape(column)
        return y

    def batch_norm_grad(
        self, grad: Array, x: Array, weight: Array | None, mean: Array, scale: Array, input_needed: bool
    ) -> tuple[Array | None, Array, Array]:
        """Return dx = γ/σ · (g − mean(g) − x̂ · mean(g·x̂)), or None, dγ = Σ g·x̂ and dβ = Σ g."""
        axes, column = (0, *range(2, x.ndim)), (1, x.shape[1], *(1 for _ in x.shape[2:]))
        scale = scale.reshape(column)
        normal = (x - mean.reshape(column)) * scale
        d_bias = grad.sum(axis=axes)
        d_weight = (grad * normal).sum(axis=axes)
        dx = None
        if input_needed:
            count = max(x.size // max(x.shape[1], 1), 1)
            dx = normal
            dx *= (-d_weight / count).reshape(column)
            dx += grad
            dx -= (d_bias / count).reshape(column)
            dx *= scale if weight is None else scale * weight.reshape(column)
        return dx, d_weight, d_bias
