"""Convolution on the GPU: windows copied into columns, and matrix products of cuBLAS that read and write NCHW.

Columns are made for as many images at a time as the device's second-level cache holds; so the product reads them from
there, and they cost no trip to memory. Small maps are joined, (C·K, N·P): a product of few columns an image would leave
most of each of cuBLAS's tiles empty.
"""

from __future__ import annotations

import contextlib
import math
from typing import Any

import numpy as np

from minicnn.backend.base import Array, Ints, Pads, output_size
from minicnn.backend.cupy.depthwise import Depthwise
from minicnn.backend.cupy.launch import LIMIT, Launching, divided, windows

COLUMNS = 24 * 2**20  # bytes of columns at a time; an H200's second-level cache holds 50 MB
LONG_COLUMNS = 256 * 2**20  # for the weights' gradient, whose product sums along them: longer sums fill the device
JOINED = 64  # places of an output map below which images are joined; cuBLAS's tiles have 64 to 256 columns


class Convolution(Depthwise):
    """im2col and col2im by kernels of windows.cu, products by cuBLAS."""

    def products(self, allow_tf32: bool) -> contextlib.AbstractContextManager[None]:
        """Return a block in which float32 matrix products may round their factors to TF32's 10 bits, or may not."""
        return contextlib.nullcontext()

    def stacked(self, a: Array, b: Array, out: Array) -> None:
        """Write a @ b, one stack for all images by one for each: (G, m, k), (n, G, k, p) -> (n, G, m, p)."""
        self.xp.matmul(a, b, out=out)

    def matmul(self, a: Array, b: Array) -> Array:
        from minicnn.backends.cuda import matmul as switch

        with self.products(bool(switch.allow_tf32)):
            return super().matmul(a, b)

    def _conv_products(self) -> contextlib.AbstractContextManager[None]:
        from minicnn.backends import cudnn  # PyTorch's name for the switch of convolutions

        return self.products(bool(cudnn.allow_tf32))

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
        sizes = zip(x.shape[2:], weight.shape[2:], stride, padding, dilation, strict=True)
        out = tuple(output_size(*args) for args in sizes)
        job = Job(self, x.shape, weight.shape, out, stride, padding, dilation, groups)
        if not job.suits(x, weight, bias):
            return super().conv(x, weight, bias, stride, padding, dilation, groups, columns)
        if job.depthwise:
            return self.depthwise(job, x, weight, bias)
        xp, x, g = self.xp, self.ready(x), groups
        rows = self.ready(weight).reshape(g, job.o // g, job.length)  # (G, O/G, K·C/G)
        y = xp.empty((job.n, g, job.o // g, job.places), dtype=x.dtype)
        with self._conv_products():
            if job.joined:
                flat = xp.matmul(rows[0], job.columns(x, joined=True))  # (O, N·P)
                job.of_output().gather(flat, y, joined=True)
            elif job.pointwise:
                self.stacked(rows, x.reshape(job.n, g, job.length, job.places), y)
            else:
                for some in job.blocks(COLUMNS, x.dtype.itemsize):
                    self.stacked(rows, job.columns(x[some]), y[some])
        y = y.reshape(job.n, job.o, *job.out)
        if bias is not None:
            v = self.width(job.places, y)
            total = y.size // v
            args = y, self.ready(bias), divided(job.places // v), divided(job.o)
            self.launch_flat("windows", f"add_bias<{{T}}, {v}>", y.dtype, total, *args)
        return y

    def conv_input_grad(
        self, grad: Array, weight: Array, sizes: Ints, stride: Ints, padding: Pads, dilation: Ints, groups: int
    ) -> Array:
        shape = (grad.shape[0], weight.shape[1] * groups, *sizes)
        job = Job(self, shape, weight.shape, grad.shape[2:], stride, padding, dilation, groups)
        if not job.suits(grad, weight):
            return super().conv_input_grad(grad, weight, sizes, stride, padding, dilation, groups)
        xp, g, dx = self.xp, groups, self.xp.empty(shape, dtype=grad.dtype)
        if job.depthwise:
            return self.depthwise_input_grad(job, grad, weight, dx)
        rows = self.ready(weight).reshape(g, job.o // g, job.length)
        rows = xp.ascontiguousarray(rows.swapaxes(1, 2))  # (G, K·C/G, O/G)
        grad = self.ready(grad).reshape(job.n, g, job.o // g, job.places)
        with self._conv_products():
            if job.joined:
                flat = job.of_output().columns(grad, joined=True)  # (O, N·P)
                job.gather(xp.matmul(rows[0], flat), dx, joined=True)
            elif job.pointwise:
                self.stacked(rows, grad, dx.reshape(job.n, g, job.length, job.places))
            else:
                for some in job.blocks(COLUMNS, dx.dtype.itemsize):
                    part = dx[some]
                    columns = job.room(part.shape[0], dx.dtype)
                    self.stacked(rows, grad[some], columns)
                    job.gather(columns, part)
        return dx

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
        job = Job(self, x.shape, weight_shape, grad.shape[2:], stride, padding, dilation, groups)
        if not job.suits(grad, x):
            return super().conv_weight_grad(grad, x, weight_shape, stride, padding, dilation, groups, columns)
        if job.depthwise:
            return self.depthwise_weight_grad(job, grad, x)
        xp, x, g = self.xp, self.ready(x), groups
        dw = xp.empty(tuple(weight_shape), dtype=x.dtype)
        total = dw.reshape(g, job.o // g, job.length)
        grad = self.ready(grad).reshape(job.n, g, job.o // g, job.places)
        with self._conv_products():
            for some in job.blocks(LONG_COLUMNS, x.dtype.itemsize):
                cols = job.columns(x[some], joined=True).reshape(g, job.length, -1)  # (G, K·C/G, N·P)
                first = some.start == 0
                if g == 1:
                    rows, cols = job.of_output().columns(grad[some], joined=True), cols[0].T  # (O, N·P), (N·P, K·C)
                    target = total[0]
                    if first:
                        xp.matmul(rows, cols, out=target)  # cuBLAS reads two dims in either order
                    else:
                        target += xp.matmul(rows, cols)
                else:
                    rows = grad[some].transpose(1, 0, 3, 2).reshape(g, -1, job.o // g)  # (G, N·P, O/G)
                    part = xp.matmul(cols, rows).swapaxes(1, 2)
                    total[...] = part if first else total + part
        return dw


class Job:
    """One convolution: its sizes, and its columns.

    Args:
        out: how many windows there are; fewer than fit, in a transposed convolution whose output reaches further.
    """

    def __init__(
        self,
        be: Launching,
        x_shape: Ints,
        weight_shape: Ints,
        out: Ints,
        stride: Ints,
        padding: Pads,
        dilation: Ints,
        groups: int,
    ) -> None:
        self.be, self.groups, self.out = be, groups, tuple(out)
        self.n, self.c, *sizes = x_shape
        self.o, c_group, *kernel = weight_shape
        self.places, self.pixels, self.kernel = math.prod(self.out), math.prod(sizes), math.prod(kernel)
        self.length = c_group * self.kernel
        unmoved = set(stride) == {1} and not any(low or high for low, high in padding)
        self.pointwise = self.kernel == 1 and unmoved and self.places == self.pixels  # x is its own columns
        self.joined = groups == 1 and self.n > 1 and self.places < JOINED
        self.depthwise = c_group == 1 and groups > 1  # a group a channel
        self.each = self.o // max(self.c, 1)  # kernels of each group, then
        self.dims = len(kernel)
        self.args = tuple(sizes), self.out, tuple(kernel), tuple(stride), tuple(padding), tuple(dilation)

    def suits(self, *arrays: Array | None) -> bool:
        """Whether the kernels take these arrays, and what is made of them."""
        columns = (self.n if self.joined else 1) * self.c * self.kernel * self.places
        most = max(columns, self.n * self.c * self.pixels, self.n * self.o * self.places)
        return self.dims <= 3 and self.be.suits(*arrays) and most < LIMIT

    def of_output(self) -> Job:
        """Return the convolution of 1×1 kernels on the output: its columns are the output itself, its images joined."""
        one, flat = (1,), (self.places,)
        return Job(self.be, (self.n, self.o, *flat), (1, self.o, 1), flat, one, ((0, 0),), one, 1)

    def blocks(self, size: int, itemsize: int) -> list[slice]:
        """Return as many images at a time as have columns of ``size`` bytes together, or one."""
        step = max(1, size // (itemsize * self.c * self.kernel * self.places))
        return [slice(i, min(i + step, self.n)) for i in range(0, self.n, step)]

    def room(self, n: int, dtype: Any) -> Any:
        """Return memory for the columns of n images, each image's together: (n, G, K·C/G, P)."""
        return self.be.xp.empty((n, self.groups, self.length, self.places), dtype=dtype)

    def columns(self, x: Array, joined: bool = False) -> Any:
        """Return the columns of some images: (n, G, K·C/G, P); or of all together, (C·K, n·P)."""
        n = x.shape[0]
        made = self.room(n, x.dtype)
        self._move("im2col", x, made, n, joined, self.places)
        return made.reshape(self.c * self.kernel, n * self.places) if joined else made

    def gather(self, columns: Array, dx: Array, joined: bool = False) -> None:
        """Add columns, laid out as `columns` gives them, up to images in ``dx``."""
        self._move("col2im", columns, dx, dx.shape[0], joined, self.pixels)

    def _move(self, kernel: str, a: Array, b: Array, n: int, joined: bool, work: int) -> None:
        image, row = (1, n) if joined else (self.c * self.kernel, 1)  # in units of P
        steps = np.int64(image * self.places), np.int64(row * self.places)
        args = a, b, windows(*self.args), divided(self.c), *steps
        self.be.launch_flat("windows", f"{kernel}<{{T}}>", a.dtype, n * self.c * work, *args)
