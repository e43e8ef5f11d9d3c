"""PyTorch's questions about whatever device computes faster than the CPU: here, a CUDA GPU."""

from __future__ import annotations

from minicnn import cuda
from minicnn.backend.device import device
from minicnn.cuda import current_device as current_device_index
from minicnn.cuda import device_count, is_available, synchronize
from minicnn.cuda import set_device as set_device_index

__all__ = [
    "current_accelerator",
    "current_device_index",
    "device_count",
    "is_available",
    "set_device_index",
    "synchronize",
]


def current_accelerator(check_available: bool = False) -> device | None:
    """Return the device type of the GPU, or None where there is none.

    Args:
        check_available: accepted; the answer is None wherever no GPU can be used.

    >>> current_accelerator() in (None, device("cuda"))
    True
    """
    return device("cuda") if cuda.is_available() else None
