"""The GPU's kernels, all together: what `CupyBackend` overrides of the plain ones."""

from __future__ import annotations

from minicnn.backend.cupy.chain import Chains
from minicnn.backend.cupy.convolution import Convolution
from minicnn.backend.cupy.optimizers import Optimizers
from minicnn.backend.cupy.pooling import Pooling
from minicnn.backend.cupy.random import Draws
from minicnn.backend.cupy.rows import Rows


class CudaKernels(Convolution, Pooling, Rows, Chains, Optimizers, Draws):
    """A backend that computes by CUDA kernels; what compiles them is left to `compile`."""
