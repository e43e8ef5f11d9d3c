"""The random numbers of transforms: every batch has a stream of its own, so workers cannot disturb them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from minicnn.random import default_generator

__all__ = ["batch_stream", "make", "rng"]


class _Stream:
    """A generator that is made when first drawn from: most batches never draw."""

    def __init__(self, seed: int, key: tuple[int, ...]) -> None:
        self.seed, self.key = seed, key
        self.generator: np.random.Generator | None = None


_current: ContextVar[_Stream | None] = ContextVar("minicnn_batch_stream", default=None)


def make(seed: int, *key: int) -> np.random.Generator:
    """Return the generator that ``seed`` and the numbers of ``key`` determine.

    >>> [bool(make(0, 1, 2).random() == make(0, 1, n).random()) for n in (2, 3)]
    [True, False]
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


@contextmanager
def batch_stream(seed: int, *key: int) -> Iterator[None]:
    """Let `rng` draw from the generator of ``seed`` and ``key``, in this thread, until the block ends."""
    before = _current.set(_Stream(seed, key))
    try:
        yield
    finally:
        _current.reset(before)


def rng() -> np.random.Generator:
    """Return what a transform draws from: the batch's own stream, or outside a loader the default generator.

    Under a loader the numbers of a batch depend on the loader's seed, the epoch and the batch's number alone,
    and so are the same for every ``num_workers``.

    >>> with batch_stream(0, 5):
    ...     first = rng().random()
    >>> with batch_stream(0, 5):
    ...     bool(rng().random() == first)
    True
    """
    stream = _current.get()
    if stream is None:
        return default_generator.numpy
    if stream.generator is None:
        stream.generator = make(stream.seed, *stream.key)
    return stream.generator
