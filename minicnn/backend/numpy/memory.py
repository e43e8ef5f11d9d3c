"""Warm memory: what arrays free is kept by the C library for the next ones, rather than given back to the system.

Touching memory for the first time costs a page fault every 4 KiB: 4 GB/s on a machine whose warm memory runs at 40
and whose caches run at 100. A network asks for the same sizes at every step, so nothing is won by giving them back.
"""

from __future__ import annotations

import ctypes
import functools
import math
import os
import threading
from typing import Any

import numpy as np

KEEP = "MINICNN_KEEP_MEMORY"  # 0 leaves the C library's allocator as it is
LARGEST = 64 << 20  # bytes of a scratch array that is kept
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4  # names and numbers of glibc's <malloc.h>


@functools.cache
def _c_library() -> Any:
    """Return glibc, or None where the C library is another."""
    try:
        library = ctypes.CDLL(None)
        return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None
    except (OSError, TypeError):
        return None


def keep_freed_memory() -> None:
    """Tell the C library to keep freed memory; nothing happens where it is not glibc, or MINICNN_KEEP_MEMORY is 0."""
    library = _c_library()
    if library is None or os.environ.get(KEEP) == "0":
        return
    library.mallopt(_MMAP_MAX, 0)  # large arrays, too, come from the heap
    library.mallopt(_TRIM_THRESHOLD, 2**31 - 1)
    library.mallopt(_TOP_PAD, 16 << 20)


def empty_cache() -> None:
    """Give freed memory back to the system; threads drop their scratch arrays when next they ask for one."""
    global _generation
    _generation += 1
    library = _c_library()
    if library is not None:
        library.malloc_trim(0)


_kept = threading.local()
_generation = 0  # how often the cache was emptied


def scratch(name: str, shape: tuple[int, ...], dtype: Any) -> Any:
    """Return an array of this thread's own, holding whatever it held: its next use by this name takes it back.

    One array a name is kept, unless it is larger than `LARGEST`.
    """
    size = math.prod(shape)
    if size * np.dtype(dtype).itemsize > LARGEST:
        return np.empty(shape, dtype)
    if _kept.__dict__.get("generation") != _generation:
        _kept.__dict__.clear()
        _kept.generation = _generation
    buffer = _kept.__dict__.get(name)
    if buffer is None or buffer.size < size or buffer.dtype != dtype:
        buffer = _kept.__dict__[name] = np.empty(size, dtype)
    return buffer[:size].reshape(shape)


class _MallInfo(ctypes.Structure):
    """glibc's struct mallinfo2."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def memory_summary() -> str:
    """Return how much memory the process holds, what of it is in use, and what is kept for arrays to come."""
    library = _c_library()
    resident = _resident()
    parts = [f"resident {resident / 2**20:.1f} MiB" if resident else "resident: unknown here"]
    if library is not None and hasattr(library, "mallinfo2"):
        library.mallinfo2.restype = _MallInfo
        info = library.mallinfo2()
        parts.append(f"in use {(info.uordblks + info.hblkhd) / 2**20:.1f} MiB, kept {info.fordblks / 2**20:.1f} MiB")
    else:
        parts.append("the C library tells no more")
    return "; ".join(parts)


def _resident() -> int:
    """Return the bytes of memory this process holds; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return 0
