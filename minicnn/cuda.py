"""PyTorch's questions about the GPU."""

from __future__ import annotations

from minicnn.backend import get
from minicnn.backend.cupy import why_not


def is_available() -> bool:
    """Return whether a GPU can be used here.

    >>> is_available() in (True, False)
    True
    """
    return why_not() is None


def device_count() -> int:
    """Return how many GPUs can be used here.

    >>> device_count() >= 0
    True
    """
    return int(get("cupy").xp.cuda.runtime.getDeviceCount()) if is_available() else 0


def synchronize() -> None:
    """Wait until the GPU has done what was asked of it.

    Raises:
        BackendError: there is no GPU.
    """
    get("cupy").synchronize()
