"""PyTorch's streams and events, and the devices: CuPy's under those names."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from minicnn.backend import gpu
from minicnn.backend.device import device as Device

__all__ = [
    "Event",
    "Stream",
    "StreamContext",
    "current_stream",
    "default_stream",
    "get_device_capability",
    "get_device_properties",
    "set_stream",
    "stream",
]


class Event:
    """A mark in a stream's work, by which to wait, or to measure: ``start.elapsed_time(end)``, in milliseconds.

    Args:
        enable_timing: whether it notes the time.
        blocking: whether waiting for it lets the processor do other work.
        interprocess: whether other processes may see it.
    Raises:
        BackendError: there is no GPU.
    """

    def __init__(self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False) -> None:
        self._cuda = gpu("cuda.Event").xp.cuda
        self._event = self._cuda.Event(block=blocking, disable_timing=not enable_timing, interprocess=interprocess)

    def record(self, stream: Stream | None = None) -> None:
        """Mark the end of what was asked of a stream so far; of the current one if None."""
        self._event.record(None if stream is None else stream._stream)

    def wait(self, stream: Stream | None = None) -> None:
        """Let a stream's further work wait for the mark."""
        (stream or current_stream()).wait_event(self)

    def query(self) -> bool:
        """Return whether the work before the mark is done."""
        return bool(self._event.done)

    def synchronize(self) -> None:
        """Wait until the work before the mark is done."""
        self._event.synchronize()

    def elapsed_time(self, end_event: Event) -> float:
        """Return the milliseconds from this mark to another; both have passed."""
        return float(self._cuda.get_elapsed_time(self._event, end_event._event))


class Stream:
    """A queue of a GPU's work: what is in one runs in order, and beside what is in others.

    Args:
        device: accepted; the GPU in use is meant.
        priority: lower numbers go first.
    Raises:
        BackendError: there is no GPU.
    """

    def __init__(self, device: Any = None, priority: int = 0, *, _stream: Any = None) -> None:
        self._cuda = gpu("cuda.Stream").xp.cuda
        self._stream = self._cuda.Stream(non_blocking=True, priority=priority) if _stream is None else _stream

    @property
    def cuda_stream(self) -> int:
        """CUDA's own handle."""
        return int(self._stream.ptr)

    def synchronize(self) -> None:
        """Wait until its work is done."""
        self._stream.synchronize()

    def query(self) -> bool:
        """Return whether its work is done."""
        return bool(self._stream.done)

    def record_event(self, event: Event | None = None) -> Event:
        """Mark the end of its work so far; return the mark."""
        found = Event() if event is None else event
        found.record(self)
        return found

    def wait_event(self, event: Event) -> None:
        """Let its further work wait for a mark."""
        self._stream.wait_event(event._event)

    def wait_stream(self, stream: Stream) -> None:
        """Let its further work wait for all that another stream was asked for so far."""
        self.wait_event(stream.record_event())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and self.cuda_stream == other.cuda_stream

    def __hash__(self) -> int:
        return self.cuda_stream


class StreamContext:
    """A block in which work goes to a stream.

    Args:
        stream: the stream; None changes nothing.
    """

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        if self.stream is not None:
            self.stream._stream.__enter__()

    def __exit__(self, *details: Any) -> None:
        if self.stream is not None:
            self.stream._stream.__exit__(*details)


def stream(stream: Stream | None) -> StreamContext:
    """Return a block in which work goes to a stream; with None, to the one that it goes to anyway.

    >>> with stream(None):
    ...     pass
    """
    return StreamContext(stream)


def current_stream(device: Any = None) -> Stream:
    """Return the stream that work goes to.

    Raises:
        BackendError: there is no GPU.
    """
    return Stream(_stream=gpu("cuda.current_stream").xp.cuda.get_current_stream())


def default_stream(device: Any = None) -> Stream:
    """Return the stream that work goes to outside of all blocks.

    Raises:
        BackendError: there is no GPU.
    """
    return Stream(_stream=gpu("cuda.default_stream").xp.cuda.Stream(null=True))


def set_stream(stream: Stream) -> None:
    """Let work go to a stream from now on."""
    stream._stream.use()


def get_device_properties(device: Any = None) -> SimpleNamespace:
    """Return what a GPU is: name, total_memory in bytes, multi_processor_count, major, minor, and so on.

    Args:
        device: its number, or a device such as ``"cuda:1"``; the one in use if None.
    Raises:
        BackendError: there is no GPU.
    """
    runtime = gpu("cuda.get_device_properties").xp.cuda.runtime
    found = runtime.getDeviceProperties(number_of(device))
    return SimpleNamespace(
        name=found["name"].decode(),
        total_memory=int(found["totalGlobalMem"]),
        major=int(found["major"]),
        minor=int(found["minor"]),
        multi_processor_count=int(found["multiProcessorCount"]),
        warp_size=int(found["warpSize"]),
        L2_cache_size=int(found["l2CacheSize"]),
        max_threads_per_multi_processor=int(found["maxThreadsPerMultiProcessor"]),
        regs_per_multiprocessor=int(found["regsPerMultiprocessor"]),
        shared_memory_per_multiprocessor=int(found["sharedMemPerMultiprocessor"]),
    )


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """Return a GPU's compute capability, such as (9, 0).

    Raises:
        BackendError: there is no GPU.
    """
    found = get_device_properties(device)
    return found.major, found.minor


def number_of(device: Any) -> int:
    """Return a GPU's number: of ``1``, ``"cuda:1"`` or a device; of the one in use if None."""
    if device is None:
        return gpu("cuda.current_device").index
    return Device(device).index or 0
