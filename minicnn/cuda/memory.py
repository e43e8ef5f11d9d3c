"""PyTorch's questions about the GPU's memory; without a GPU, none is held.

The memory of captured steps is their own, and not counted in what is allocated or reserved, but for a peak that is
followed while one is captured: `mem_get_info` has what is left of the GPU's.
"""

from __future__ import annotations

from typing import Any

from minicnn.backend import get, gpu
from minicnn.backend.cupy import why_not
from minicnn.backend.holders import largest, size

__all__ = [
    "empty_cache",
    "max_memory_allocated",
    "max_memory_reserved",
    "mem_get_info",
    "memory_allocated",
    "memory_reserved",
    "memory_summary",
    "reset_peak_memory_stats",
]


def empty_cache() -> None:
    """Give the memory that is kept for reuse back to the GPU; without one, nothing is kept."""
    if why_not() is None:
        get("cupy").xp.get_default_memory_pool().free_all_blocks()


def memory_allocated(device: Any = None) -> int:
    """Return how many bytes of the GPU's memory arrays hold; 0 without one.

    Args:
        device: accepted; the GPU in use is meant.

    >>> memory_allocated() >= 0
    True
    """
    return int(get("cupy").xp.get_default_memory_pool().used_bytes()) if why_not() is None else 0


def memory_reserved(device: Any = None) -> int:
    """Return how many bytes the pool has from the GPU: those of arrays, and those kept for reuse; 0 without one.

    Args:
        device: accepted; the GPU in use is meant.

    >>> memory_reserved() >= memory_allocated()
    True
    """
    return int(get("cupy").xp.get_default_memory_pool().total_bytes()) if why_not() is None else 0


def max_memory_allocated(device: Any = None) -> int:
    """Return the most bytes that arrays held at a time since `reset_peak_memory_stats`; 0 without a GPU.

    Before that is called, the peak is not followed, since that costs time at each array: then it is what the pool has,
    which is no less.

    Args:
        device: accepted; the GPU in use is meant.

    >>> max_memory_allocated() >= memory_allocated()
    True
    """
    if why_not() is not None:
        return 0
    peak = get("cupy").peak  # type: ignore[attr-defined]
    return int(peak.bytes) if peak.followed else memory_reserved()


def max_memory_reserved(device: Any = None) -> int:
    """Return the most bytes that the pool had: those it has, since it gives none back but by `empty_cache`.

    >>> max_memory_reserved() == memory_reserved()
    True
    """
    return memory_reserved(device)


def reset_peak_memory_stats(device: Any = None) -> None:
    """Follow the peak of `max_memory_allocated` from here on; without a GPU, there is none.

    >>> reset_peak_memory_stats()
    """
    if why_not() is None:
        get("cupy").peak.follow(memory_allocated())  # type: ignore[attr-defined]


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Return how many bytes of the GPU are free for all processes, and how many it has.

    Raises:
        BackendError: there is no GPU.
    """
    free, total = gpu("cuda.mem_get_info").xp.cuda.runtime.memGetInfo()
    return int(free), int(total)


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """Return how much of the GPU's memory is held, and the arrays that hold the most of it.

    Args:
        device: accepted; the GPU in use is meant.
        abbreviated: without the arrays.

    >>> print(memory_summary(abbreviated=True))
    arrays hold ...; the pool has ...
    """
    lines = [f"arrays hold {size(memory_allocated())}; the pool has {size(memory_reserved())}"]
    if why_not() is None and not abbreviated:
        lines += [f"  {line}" for line in largest(get("cupy").array_type, 10)]
    return "\n".join(lines)
