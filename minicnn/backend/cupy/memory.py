"""The GPU's memory: who holds it, and what is said when there is no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minicnn.backend.holders import largest, size
from minicnn.errors import OutOfMemoryError, message


class Peak:
    """The most bytes that arrays held at a time, since somebody asked to follow them: that costs time at each array."""

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy
        self._hook: Any = None
        self.bytes = 0

    def follow(self, used: int) -> None:
        """Begin anew, at the bytes that are used now."""
        self.bytes = self._now = used
        if self._hook is None:
            peak = self

            class Hook(self._cupy.cuda.MemoryHook):  # type: ignore[name-defined,misc]
                """Counts what the pool gives out and takes back."""

                name = "minicnn.peak"

                def malloc_postprocess(self, **given: Any) -> None:
                    if given["mem_ptr"]:  # 0: there was no memory
                        peak.count(given["mem_size"])

                def free_postprocess(self, **given: Any) -> None:
                    peak.count(-given["mem_size"])

            self._hook = Hook()
            self._hook.__enter__()

    @property
    def followed(self) -> bool:
        """Whether anybody has asked."""
        return self._hook is not None

    def count(self, change: int) -> None:
        """Take bytes that were given out, or taken back."""
        self._now += change
        self.bytes = max(self.bytes, self._now)


class Memory:
    """Part of the backend: its pool, with an error that says who holds the memory."""

    xp: Any
    array_type: type

    def watch_memory(self) -> None:
        """Answer a lack of memory in minicnn's words, wherever it is met."""
        self.pool = self.xp.get_default_memory_pool()
        self.peak = Peak(self.xp)
        self.xp.cuda.set_allocator(self.guarded(self.pool))

    def guarded(self, pool: Any) -> Callable[[int], Any]:
        """Return a pool's allocator with that error."""
        lack = self.xp.cuda.memory.OutOfMemoryError

        def allocate(wanted: int) -> Any:
            try:
                return pool.malloc(wanted)
            except lack as error:
                raise self._no_memory(wanted) from error

        return allocate

    def malloc_or_lack(self, wanted: int) -> Any:
        """Return memory from the driver, for the pool of a graph.

        CuPy's pools answer cudaMalloc's error by giving back their own free blocks: a graph's are known to its kernels.
        So the default pool gives back its own here, and a lack is told by an error that no pool answers.
        """
        cuda = self.xp.cuda
        try:
            return cuda.MemoryPointer(cuda.Memory(wanted), 0)
        except cuda.runtime.CUDARuntimeError:
            self.pool.free_all_blocks()
        try:
            return cuda.MemoryPointer(cuda.Memory(wanted), 0)
        except cuda.runtime.CUDARuntimeError:
            raise cuda.memory.OutOfMemoryError(wanted, self.pool.total_bytes()) from None

    def _no_memory(self, wanted: int) -> OutOfMemoryError:
        free, total = self.xp.cuda.runtime.memGetInfo()
        used, kept = self.pool.used_bytes(), self.pool.free_bytes()
        holders = "; ".join(largest(self.array_type, 3)) or "none"
        return OutOfMemoryError(
            message(
                "cuda",
                f"out of memory: {size(wanted)} more do not fit.",
                f"of {size(total)}, arrays hold {size(used)}, the pool keeps {size(kept)} for reuse, "
                f"{size(free)} are free; the largest tensors: {holders}",
                "use smaller batches, no_grad() where no gradient is wanted, utils.checkpoint; del what is not used.",
            )
        )
