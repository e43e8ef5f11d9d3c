"""The GPU's kernels, all together: what `CupyBackend` overrides of the plain ones."""

from __future__ import annotations

from minicnn.backend.cupy.channels import Channels
from minicnn.backend.cupy.convolution import Convolution
from minicnn.backend.cupy.pooling import Pooling


class CudaKernels(Convolution, Pooling, Channels):
    """A backend that computes by CUDA kernels; what compiles them is left to `compile`."""
