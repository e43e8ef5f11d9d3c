"""Copies from the host beside the device's other work: from pinned memory, on a stream of their own."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable
from typing import Any

from minicnn.backend.capture import refuse_crossing


class Streams:
    """Part of the backend: pinned memory and the stream of copies."""

    xp: Any

    @functools.cached_property
    def _copies(self) -> Any:
        return self.xp.cuda.Stream(non_blocking=True)

    @functools.cached_property
    def _under_way(self) -> deque[tuple[Any, Any, Any]]:
        """Copies that may not have come to their end: what they read, what they write, and the event at their end."""
        return deque()

    def pinned(self, array: Any) -> Any:
        import cupyx

        out = cupyx.empty_pinned(array.shape, array.dtype)
        out[...] = array
        return out

    def is_pinned(self, array: Any) -> bool:
        base = array
        while base is not None:
            if isinstance(base, self.xp.cuda.PinnedMemoryPointer):
                return True
            base = base.obj if isinstance(base, memoryview) else getattr(base, "base", None)
        return False

    def fetch_ahead(self, array: Any) -> Callable[[], Any]:
        refuse_crossing("values from the host")
        cuda = self.xp.cuda
        waiting = self._under_way
        while waiting and waiting[0][2].done:
            waiting.popleft()
        # The memory is the compute stream's, which has to be done with it: freed, it may be handed out there again at
        # once. So the copy waits for the work before it, and the work that reads it waits for the copy.
        here = cuda.get_current_stream()
        out = self.xp.empty(array.shape, dtype=array.dtype)
        self._copies.wait_event(here.record(cuda.Event(disable_timing=True)))
        out.set(array, stream=self._copies)
        event = self._copies.record(cuda.Event(disable_timing=True))
        # Freed too early, pinned memory would be written over by the next batch, and the copy's by any array.
        waiting.append((array, out, event))

        def get() -> Any:
            cuda.get_current_stream().wait_event(event)
            return out

        return get
