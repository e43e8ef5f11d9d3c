"""Batches in pinned memory, each on its way to the GPU while the one before is computed with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from minicnn.autograd.graph import Memory, clock, wrap
from minicnn.backend import Backend, use
from minicnn.tensor import Tensor


class Route:
    """Where the batches of a loader go: known when the first of them has been moved.

    Attributes:
        target: the device's type.
    """

    def __init__(self) -> None:
        self.target: str | None = None


class Ahead:
    """A pinned tensor's copy on the device, made before it is asked for.

    Args:
        tensor: in pinned memory.
        backend: of the device.
        route: of the loader.
    """

    def __init__(self, tensor: Tensor, backend: Backend, route: Route) -> None:
        self._tensor, self._backend, self._route = tensor, backend, route
        self._made = clock()
        self._copy: Callable[[], Any] | None = None

    def start(self) -> None:
        """Start to copy, if the loader's batches go there."""
        if self._route.target == self._backend.device_type:
            self._copy = self._backend.fetch_ahead(self._tensor._array)

    def take(self, target: str, memory: Memory | None) -> Any:
        """Return the array on the device; None if another one is asked for."""
        self._route.target = target
        if target != self._backend.device_type:
            return None
        copy, self._copy = self._copy, None
        if copy is None or (memory is not None and memory.written > self._made):  # not there, or no longer the same
            copy = self._backend.fetch_ahead(self._tensor._array)
        return copy()


def pinned(job: Callable[[], Any], backend: Backend, route: Route) -> Any:
    """Return what a job returns, the CPU's tensors in it in memory that the device reads by itself."""
    with use("numpy"):  # what is collated goes through pinned memory, not straight to the device
        return _each(job(), lambda tensor: _pin(tensor, backend, route))


def one_ahead(batches: Iterator[Any]) -> Iterator[Any]:
    """Give batches, each with the next one on its way."""
    before: list[Any] = []
    for batch in batches:
        _each(batch, _start)
        if before:
            yield before.pop()
        before.append(batch)
    yield from before


def _pin(tensor: Tensor, backend: Backend, route: Route) -> Tensor:
    if type(tensor._array) is not np.ndarray:
        return tensor
    out: Tensor = wrap(backend.pinned(tensor._array))
    out._ahead = Ahead(out.detach(), backend, route)
    return out


def _start(tensor: Tensor) -> Tensor:
    if tensor._ahead is not None:
        tensor._ahead.start()
    return tensor


def _each(value: Any, function: Callable[[Tensor], Tensor]) -> Any:
    """Apply a function to the tensors of a batch: itself, or in tuples, lists and mappings."""
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, Mapping):
        return {key: _each(part, function) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        parts = [_each(part, function) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value
