"""Convolution with a group a channel on the GPU: the kernels of depthwise.cu."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minicnn.backend.base import Array
from minicnn.backend.cupy.channels import Channels, split
from minicnn.backend.cupy.launch import divided, windows

if TYPE_CHECKING:
    from minicnn.backend.cupy.convolution import Job


class Depthwise(Channels):
    """The convolution and its two gradients; each takes the sizes as a `Job`."""

    def depthwise(self, job: Job, x: Array, weight: Array, bias: Array | None) -> Array:
        y = self.xp.empty((job.n, job.o, *job.out), dtype=x.dtype)
        args = self.ready(x), self.ready(weight), self.ready(bias), y, windows(*job.args)
        self.launch_flat("depthwise", "depthwise<{T}>", x.dtype, y.size, *args, divided(job.o), divided(job.each))
        return y

    def depthwise_input_grad(self, job: Job, grad: Array, weight: Array, dx: Array) -> Array:
        args = self.ready(grad), self.ready(weight), dx, windows(*job.args), divided(job.c), job.each
        self.launch_flat("depthwise", "depthwise_dx<{T}>", grad.dtype, dx.size, *args)
        return dx

    def depthwise_weight_grad(self, job: Job, grad: Array, x: Array) -> Array:
        """Return the gradient for the weight: (O, 1, *K)."""
        outputs, count = job.o * job.kernel, job.n * job.places
        s = split(job.n, outputs, job.places, 1)
        dw = self.xp.empty((job.o, 1, *job.args[2]), dtype=x.dtype)
        parts = self.in_parts(s.parts, dw)
        args = self.ready(grad), self.ready(x), parts, windows(*job.args), job.o, job.each, count, s.part
        shared = s.threads * x.dtype.itemsize
        grid = (outputs, s.parts)
        self.launch("depthwise", "depthwise_dw<{T}>", x.dtype, grid, s.threads, *args, shared=shared)
        return self.add_parts(parts, dw)
