"""PyTorch's questions about the GPU, and its old tensor types: ``cuda.FloatTensor`` and its kind."""

from __future__ import annotations

from typing import Any

from minicnn.backend import get
from minicnn.backend.cupy import why_not
from minicnn.cuda.graphs import CUDAGraph as CUDAGraph
from minicnn.cuda.graphs import graph as graph
from minicnn.cuda.graphs import is_current_stream_capturing as is_current_stream_capturing
from minicnn.errors import missing_names as _missing_names
from minicnn.random import manual_seed as _manual_seed


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


def current_device() -> int:
    """Return the number of the GPU in use.

    Raises:
        BackendError: there is no GPU.
    """
    return int(get("cupy").xp.cuda.runtime.getDevice())


def set_device(device: Any) -> None:
    """Use another GPU from now on.

    Args:
        device: its number, or a device such as ``"cuda:1"``.
    Raises:
        BackendError: there is no GPU.
    """
    index = device if isinstance(device, int) else int(str(device).partition(":")[2] or 0)
    get("cupy").xp.cuda.runtime.setDevice(index)


def get_device_name(device: Any = None) -> str:
    """Return the name of a GPU; of the one in use if None.

    Raises:
        BackendError: there is no GPU.
    """
    runtime = get("cupy").xp.cuda.runtime
    index = runtime.getDevice() if device is None else int(str(device).rpartition(":")[2])
    return str(runtime.getDeviceProperties(index)["name"].decode())


def synchronize(device: Any = None) -> None:
    """Wait until the GPU has done what was asked of it.

    Args:
        device: accepted; the GPU in use is meant.
    Raises:
        BackendError: there is no GPU.
    """
    get("cupy").synchronize()


def empty_cache() -> None:
    """Give the memory that is kept for reuse back to the GPU; without one, nothing is kept."""
    if is_available():
        get("cupy").xp.get_default_memory_pool().free_all_blocks()


def memory_allocated(device: Any = None) -> int:
    """Return how many bytes of the GPU's memory tensors hold; 0 without one.

    Args:
        device: accepted; the GPU in use is meant.

    >>> memory_allocated() >= 0
    True
    """
    return int(get("cupy").xp.get_default_memory_pool().used_bytes()) if is_available() else 0


def manual_seed(seed: int) -> None:
    """Seed the default generator: numbers are drawn on the CPU for all devices.

    >>> manual_seed(0)
    """
    _manual_seed(seed)


manual_seed_all = manual_seed


def __getattr__(name: str) -> Any:
    """Return an old tensor type, such as ``cuda.FloatTensor``; they stand with `Tensor`, above this room."""
    if name.endswith("Tensor"):
        from minicnn.tensor.old import old_types

        found = old_types("cuda").get(name)
        if found is not None:
            return found
    if name == "amp":
        from minicnn import amp

        return amp
    _missing_names(__name__)(name)
