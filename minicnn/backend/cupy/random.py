"""Random numbers drawn on the GPU: the kernel of random.cu."""

from __future__ import annotations

import numpy as np

from minicnn.backend.base import Array
from minicnn.backend.cupy.launch import Launching

PER_BLOCK = 8  # float32 numbers of one block of Philox


class Draws(Launching):
    """Uniform numbers by Philox4x64-10, those of ``np.random.Philox``."""

    def uniform(self, state: Array, count: int) -> Array:
        """Return ``count`` float32 numbers in [0, 1), and advance the stream.

        The stream's place stands in the device's memory, so a captured step draws other numbers at each replay.

        Args:
            state: (2,) of uint64: the key, and how many blocks of eight numbers were drawn.
        """
        out, blocks = self.xp.empty(count, dtype="float32"), -(-count // PER_BLOCK)
        self.launch("random", "philox", out.dtype, (-(-blocks // 256),), 256, state, out, np.int64(count))
        state[1:2] += blocks
        return out
