"""The CPU backend: NumPy. Kernels tuned for the CPU override the plain ones of `minicnn.backend.base` here."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minicnn.backend.base import Array, Ints, Pads, output_size
from minicnn.backend.numpy import (
    columns,
    depthwise,
    elementwise,
    features,
    layout,
    memory,
    narrow,
    norm,
    offsets,
    pointwise,
    pool,
    product,
    rows,
    whole,
    winograd,
    winograd_wide,
)
from minicnn.backend.numpy.chains import Chains
from minicnn.backend.numpy.layer_norm import LayerNorms
from minicnn.backend.numpy.plan import SINGLE, choose
from minicnn.backend.numpy.rows import Geometry

memory.keep_freed_memory()
WINOGRADS: dict[str, Any] = {"winograd": winograd, "winograd_wide": winograd_wide}
KERNELS: dict[str, Any] = {
    "pointwise": pointwise,
    "whole": whole,
    "depthwise": depthwise,
    "columns": columns,
    "narrow": narrow,
    "offsets": offsets,
    "rows": rows,
}


class NumpyBackend(Chains, LayerNorms):
    """Arrays of NumPy, on the CPU."""

    name = "numpy"
    device_type = "cpu"
    xp = np
    array_type = np.ndarray

    def asarray(self, values: Any, dtype: Any = None) -> Any:
        return np.asarray(values, dtype=dtype)

    def to_numpy(self, array: Any) -> Any:
        return array

    def address(self, array: Any) -> int:
        return int(array.__array_interface__["data"][0])

    def elementwise(self, function: Callable[..., Array], *arrays: Any) -> Array:
        first = arrays[0]
        if isinstance(first, np.ndarray) and first.size < elementwise.LARGE:
            return function(*arrays)  # most calls, and on small arrays each call is the cost
        return elementwise.apply(function, arrays)

    def in_place(self, function: Callable[..., None], *arrays: Array) -> None:
        elementwise.in_place(function, arrays)

    def where(self, condition: Array, a: Any, b: Any) -> Array:
        if _is_zero(b) and _alike(a, condition):
            return elementwise.kept(a, condition)
        if _is_zero(a) and _alike(b, condition):
            return elementwise.dropped(b, condition)
        return np.where(condition, a, b)

    def add_at(self, target: Array, index: Any, values: Array) -> None:
        if isinstance(index, tuple) and all(part is Ellipsis for part in index[1:]):
            index = index[0]
        if isinstance(index, np.ndarray) and index.dtype.kind == "i" and target.ndim > 1 and index.size:
            _add_rows(target, index.reshape(-1) % len(target), values.reshape(index.size, *target.shape[1:]))
        else:
            super().add_at(target, index, values)

    def matmul(self, a: Array, b: Array) -> Array:
        return product.matmul(a, b)

    def map_rows(self, rows: Array, matrix: Array) -> Array:
        if rows.flags.f_contiguous and not rows.flags.c_contiguous:
            return product.matmul(matrix.T, rows.T).T  # features first, as the rows are
        return product.matmul(rows, matrix)

    def reshape(self, x: Array, shape: Ints) -> Array:
        return layout.features_first(x, shape) if layout.images_last(x) else x.reshape(shape)

    # ---- memory order and convolution

    def empty_map(self, shape: Ints, dtype: Any) -> Array:
        n, c, *sizes = shape
        d = len(sizes)
        return np.empty((*sizes, n, c), dtype).transpose(d, d + 1, *range(d))

    def conv_columns(
        self, x: Array, weight_shape: Ints, stride: Ints, padding: Pads, dilation: Ints, groups: int
    ) -> Any:
        choice, _ = choose(x.shape, tuple(weight_shape), x.dtype.char, stride, padding, dilation, groups)
        if x.ndim != 4 or choice != "narrow":
            return None
        return narrow.columns_of(x, tuple(weight_shape[2:]), Geometry(stride, padding, dilation))

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
        if columns is not None:
            return narrow.conv(x, weight, bias, Geometry(stride, padding, dilation), columns)
        choice, _ = choose(x.shape, weight.shape, x.dtype.char, stride, padding, dilation, groups)
        if choice == "base":
            return super().conv(x, weight, bias, stride, padding, dilation, groups)
        if choice == "groups":
            y = self.empty_map((x.shape[0], weight.shape[0], *_out(x, weight, stride, padding, dilation)), x.dtype)
            for some, mine in _groups(groups, x.shape[1], weight.shape[0]):
                part = None if bias is None else bias[mine]
                y[:, mine] = self.conv(x[:, some], weight[mine], part, stride, padding, dilation, 1)
            return y
        if x.ndim == 3:
            y = self.conv(_flat(x), _flat(weight), bias, *_flat_moves(stride, padding, dilation), groups)
            return y[:, :, 0]
        if choice in WINOGRADS:
            return WINOGRADS[choice].conv(x, weight, bias, padding)
        return KERNELS[choice].conv(x, weight, bias, Geometry(stride, padding, dilation))

    def conv_input_grad(
        self, grad: Array, weight: Array, sizes: Ints, stride: Ints, padding: Pads, dilation: Ints, groups: int
    ) -> Array:
        if grad.ndim == 3 and groups == 1:
            moves = _flat_moves(stride, padding, dilation)
            return self.conv_input_grad(_flat(grad), _flat(weight), (1, *sizes), *moves, groups)[:, :, 0]
        n, o = grad.shape[:2]
        turned = (weight.shape[1] * groups, o // groups, *weight.shape[2:])
        choice, _ = choose((n, o, *sizes), turned, grad.dtype.char, stride, padding, dilation, groups)
        if choice == "base":
            return super().conv_input_grad(grad, weight, sizes, stride, padding, dilation, groups)
        if choice == "groups":
            dx = self.empty_map((n, weight.shape[1] * groups, *sizes), grad.dtype)
            for some, mine in _groups(groups, dx.shape[1], o):
                dx[:, some] = self.conv_input_grad(grad[:, mine], weight[mine], sizes, stride, padding, dilation, 1)
            return dx
        geometry = Geometry(stride, padding, dilation)
        if choice in (*WINOGRADS, "narrow", "rows") and narrow.suits_input_grad(n, weight, grad.shape[2:], geometry):
            return narrow.input_grad(grad, weight, sizes, geometry)
        if choice in WINOGRADS and all(max(pads) < k for pads, k in zip(padding, turned[2:], strict=True)):
            return WINOGRADS[choice].input_grad(grad, weight, sizes, padding)
        if choice == "narrow" and n <= SINGLE:
            choice = "columns"
        kernel = KERNELS[choice] if choice in ("pointwise", "whole", "depthwise", "columns") else offsets
        return kernel.input_grad(grad, weight, sizes, geometry)

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
        if columns is not None:
            return narrow.weight_grad(grad, x, weight_shape, Geometry(stride, padding, dilation), columns)
        moves = (stride, padding, dilation)
        choice, _ = choose(x.shape, tuple(weight_shape), x.dtype.char, *moves, groups, for_weight=True)
        if choice == "base":
            return super().conv_weight_grad(grad, x, weight_shape, stride, padding, dilation, groups)
        if choice == "groups":
            shape = (weight_shape[0] // groups, *weight_shape[1:])
            parts = _groups(groups, x.shape[1], weight_shape[0])
            return np.concatenate([self.conv_weight_grad(grad[:, m], x[:, s], shape, *moves, 1) for s, m in parts])
        if x.ndim == 3:
            shape = (*weight_shape[:2], 1, *weight_shape[2:])
            moves = _flat_moves(stride, padding, dilation)
            return self.conv_weight_grad(_flat(grad), _flat(x), shape, *moves, groups)[:, :, 0]
        if choice in WINOGRADS:
            return WINOGRADS[choice].weight_grad(grad, x, weight_shape, padding)
        return KERNELS[choice].weight_grad(grad, x, weight_shape, Geometry(stride, padding, dilation))

    # ---- batch norm

    def channel_sums(self, x: Array) -> Array:
        rows = norm.arranged(x)
        return super().channel_sums(x) if rows is None else norm.sums(rows, x)

    def channel_statistics(self, x: Array) -> tuple[Array, Array]:
        rows = norm.arranged(x)
        if rows is None:
            return features.statistics(x) if x.ndim == 2 and x.size else super().channel_statistics(x)
        return norm.statistics(rows, x)

    def normalize_channels(
        self, x: Array, mean: Array, scale: Array, weight: Array | None, bias: Array | None
    ) -> Array:
        rows = norm.arranged(x)
        if rows is None:
            plain = features.normalize if x.ndim == 2 else super().normalize_channels
            return plain(x, mean, scale, weight, bias)
        return norm.normalize(rows, x, mean, scale, weight, bias)

    def mix_channels(self, grad: Array, x: Array, mean: Array, by_grad: Array, by_x: Array, shift: Array) -> Array:
        rows = norm.arranged(x)
        if rows is None:
            return super().mix_channels(grad, x, mean, by_grad, by_x, shift)
        return norm.mixed(grad, rows, x, mean, by_grad, by_x, shift)

    def batch_norm_grad(
        self, grad: Array, x: Array, weight: Array | None, mean: Array, scale: Array, input_needed: bool
    ) -> tuple[Array | None, Array, Array]:
        rows = norm.arranged(x)
        if rows is None:
            plain = features.gradients if x.ndim == 2 and x.size else super().batch_norm_grad
            return plain(grad, x, weight, mean, scale, input_needed)
        return norm.gradients(grad, rows, x, weight, mean, scale, input_needed)

    # ---- pooling

    def max_pool(
        self, x: Array, kernel: Ints, stride: Ints, padding: Pads, dilation: Ints, out: Ints
    ) -> tuple[Array, Array]:
        first: Any = 0
        if any(low for low, _ in padding):
            first = self._first_inside(out, kernel, stride, padding, dilation)
        return pool.forward(*pool.in_runs(self.pad(x, padding, -math.inf)), kernel, stride, dilation, out, first)

    def max_pool_values(self, x: Array, kernel: Ints, stride: Ints, padding: Pads, dilation: Ints, out: Ints) -> Array:
        return pool.values(*pool.in_runs(self.pad(x, padding, -math.inf)), kernel, stride, dilation, out)

    def max_pool_grad(
        self, grad: Array, index: Array, sizes: Ints, kernel: Ints, stride: Ints, padding: Pads, dilation: Ints
    ) -> Array:
        return pool.backward(grad, index, sizes, kernel, stride, padding, dilation)


def _add_rows(target: Array, index: Array, values: Array) -> None:
    """Add rows to those of an index: sorted, those of one place lie together; add.at takes them one by one.

    The first row of each place, then the second of each: whole arrays at a time. Where few places have many rows,
    the sums of those.
    """
    order = np.argsort(index, kind="stable")
    places, rows = index[order], values[order]
    while places.size:
        first = np.concatenate([[True], places[1:] != places[:-1]])
        starts = np.flatnonzero(first)
        if 4 * starts.size < places.size:
            target[places[starts]] += np.add.reduceat(rows, starts, axis=0)
            return
        target[places[starts]] += rows[starts]
        places, rows = places[~first], rows[~first]


def _groups(groups: int, c: int, o: int) -> Iterator[tuple[slice, slice]]:
    """Yield each group's input channels and output channels."""
    for k in range(groups):
        yield tuple(slice(k * size // groups, (k + 1) * size // groups) for size in (c, o))  # type: ignore[misc]


def _out(x: Array, weight: Array, stride: Ints, padding: Pads, dilation: Ints) -> Ints:
    return tuple(output_size(*a) for a in zip(x.shape[2:], weight.shape[2:], stride, padding, dilation, strict=True))


def _is_zero(value: Any) -> bool:
    return type(value) is float and value == 0.0 and math.copysign(1.0, value) > 0


def _alike(x: Any, condition: Array) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.shape == condition.shape and x.ndim > 0


def _flat(x: Array) -> Array:
    """(N, C, L) -> (N, C, 1, L): one spatial dim as two."""
    return x[:, :, None]


def _flat_moves(stride: Ints, padding: Pads, dilation: Ints) -> tuple[Ints, Pads, Ints]:
    return (1, *stride), ((0, 0), *padding), (1, *dilation)
