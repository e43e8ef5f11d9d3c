"""Uniform numbers drawn on a device: Philox4x64-10, counted in the device's own memory.

Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (2011). The numbers are those of NumPy's generator of that
name, ``np.random.Generator(np.random.Philox(key=seed, counter=blocks))``, in float32, so every backend can be held to
it. Key and counter stand in an array that the kernels read and advance: a captured step draws new numbers at each
replay, and `manual_seed` reaches it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any
ROUNDS = 10
MULTIPLIERS = 0xD2E7470EE14C6C93, 0xCA5A826395121157
WEYL = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B
PER_BLOCK = 8  # float32 numbers of a block of four 64-bit words
LOW = 0xFFFFFFFF


def uniform(xp: Any, state: Array, count: int) -> Array:
    """Return ``count`` float32 numbers in [0, 1), and advance the counter: u = ⌊word / 2⁸⌋ · 2⁻²⁴.

    In array functions alone; the oracle of the kernel that draws them in one pass.

    Args:
        state: (2,) of uint64: key and counter of blocks.
    """
    blocks = -(-count // PER_BLOCK)
    key, start = state[0:1], state[1:2]
    counter = xp.arange(1, blocks + 1, dtype="uint64") + start
    zero = xp.zeros_like(counter)
    words = [counter, zero, zero, zero]
    keys = [key + zero, zero]
    for number in range(ROUNDS):
        if number:
            keys = [k + xp.full_like(zero, w) for k, w in zip(keys, WEYL, strict=True)]
        (high0, low0), (high1, low1) = (
            _product(xp, x, xp.full_like(zero, m)) for x, m in zip(words[::2], MULTIPLIERS, strict=True)
        )
        words = [high1 ^ words[1] ^ keys[0], low1, high0 ^ words[3] ^ keys[1], low0]
    flat = xp.stack(words, axis=1)  # (blocks, 4)
    halves = xp.stack([flat & LOW, flat >> 32], axis=2).reshape(-1)[:count]  # the low half of a word comes first
    state[1:2] += blocks
    return (halves >> 8).astype("float32") * (1.0 / 2**24)


def _product(xp: Any, a: Array, b: Array) -> tuple[Array, Array]:
    """Return the high and low words of a product of 64-bit words, by halves."""
    a0, a1, b0, b1 = a & LOW, a >> 32, b & LOW, b >> 32
    middle = a1 * b0 + ((a0 * b0) >> 32)
    other = a0 * b1 + (middle & LOW)
    return a1 * b1 + (middle >> 32) + (other >> 32), a * b


class DeviceStream:
    """The numbers that one device draws for a generator.

    Args:
        backend: of the device.
        seed: the generator's.
        blocks: how many were drawn before, in a state that is taken up.

    Attributes:
        blocks: how many blocks were drawn, as far as the host knows: what a saved state holds.
    """

    def __init__(self, backend: Any, seed: int, blocks: int = 0) -> None:
        self.backend = backend
        self.state = backend.xp.zeros(2, dtype="uint64")
        self.restart(seed, blocks)

    def restart(self, seed: int, blocks: int = 0) -> None:
        """Begin anew, in place: a captured step draws from here as well."""
        self.blocks = blocks
        self.state.set(np.array([seed % 2**64, blocks], dtype=np.uint64))
