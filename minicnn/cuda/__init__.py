"""PyTorch's questions about the GPU, and its old tensor types: ``cuda.FloatTensor`` and its kind."""

from __future__ import annotations

from typing import Any

from minicnn.backend import gpu
from minicnn.backend.cupy import why_not
from minicnn.cuda.graphs import CUDAGraph as CUDAGraph
from minicnn.cuda.graphs import graph as graph
from minicnn.cuda.graphs import is_current_stream_capturing as is_current_stream_capturing
from minicnn.cuda.memory import empty_cache as empty_cache
from minicnn.cuda.memory import max_memory_allocated as max_memory_allocated
from minicnn.cuda.memory import max_memory_reserved as max_memory_reserved
from minicnn.cuda.memory import mem_get_info as mem_get_info
from minicnn.cuda.memory import memory_allocated as memory_allocated
from minicnn.cuda.memory import memory_reserved as memory_reserved
from minicnn.cuda.memory import memory_summary as memory_summary
from minicnn.cuda.memory import reset_peak_memory_stats as reset_peak_memory_stats
from minicnn.cuda.streams import Event as Event
from minicnn.cuda.streams import Stream as Stream
from minicnn.cuda.streams import StreamContext as StreamContext
from minicnn.cuda.streams import current_stream as current_stream
from minicnn.cuda.streams import default_stream as default_stream
from minicnn.cuda.streams import get_device_capability as get_device_capability
from minicnn.cuda.streams import get_device_properties as get_device_properties
from minicnn.cuda.streams import number_of as _number_of
from minicnn.cuda.streams import set_stream as set_stream
from minicnn.cuda.streams import stream as stream
from minicnn.errors import OutOfMemoryError as OutOfMemoryError
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
    return int(gpu("cuda.device_count").xp.cuda.runtime.getDeviceCount()) if is_available() else 0


def current_device() -> int:
    """Return the number of the GPU in use.

    Raises:
        BackendError: there is no GPU.
    """
    return gpu("cuda.current_device").index


def set_device(device: Any) -> None:
    """Use another GPU from now on: before the first tensor there, since a process computes with one.

    Args:
        device: its number, or a device such as ``"cuda:1"``.
    Raises:
        BackendError: there is no GPU; or another one is in use.
    """
    gpu("cuda.set_device").set_device(_number_of(device))  # type: ignore[attr-defined]


class device:
    """A block in which a GPU of another number is used; −1 or None changes nothing.

    Raises:
        BackendError: (on entry) there is no GPU.

    >>> with device(None):
    ...     pass
    """

    def __init__(self, device: Any) -> None:
        self.idx = -1 if device is None or device == -1 else _number_of(device)

    def __enter__(self) -> None:
        if self.idx >= 0:
            self.prev_idx = current_device()
            set_device(self.idx)

    def __exit__(self, *_: object) -> None:
        if self.idx >= 0:
            set_device(self.prev_idx)


def get_device_name(device: Any = None) -> str:
    """Return the name of a GPU; of the one in use if None.

    Raises:
        BackendError: there is no GPU.
    """
    return str(get_device_properties(device).name)


def synchronize(device: Any = None) -> None:
    """Wait until the GPU has done what was asked of it.

    Args:
        device: accepted; the GPU in use is meant.
    Raises:
        BackendError: there is no GPU.
    """
    gpu("cuda.synchronize").synchronize()


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
