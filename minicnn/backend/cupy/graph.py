"""Steps as CUDA graphs: captured on a stream and with memory of their own, and launched on the current stream."""

from __future__ import annotations

import contextlib
from typing import Any

from minicnn.backend.capture import Capture, recording


class GraphRecorder:
    """A block whose kernels are captured, not run.

    Args:
        backend: the CuPy backend.
        capture: what the host repeats.

    Its memory comes from a pool that nothing else takes from, and that lives as long as this object: an address that
    the graph knows is never given to another array. The mode is relaxed, so that the pool may ask the driver for more.
    """

    def __init__(self, backend: Any, capture: Capture) -> None:
        self._backend, self._capture = backend, capture
        cuda = backend.xp.cuda
        self._pool = cuda.MemoryPool(backend.malloc_or_lack)
        self._stream = cuda.Stream(non_blocking=True)
        self._graph: Any = None

    def __enter__(self) -> GraphRecorder:
        cuda = self._backend.xp.cuda
        cuda.get_current_stream().synchronize()  # what the graph reads is written; the capture stream need not wait
        self._backend.pool.free_all_blocks()  # what the rehearsal left there, the graph's pool could not take
        self._open = contextlib.ExitStack()
        try:
            self._open.enter_context(self._backend.blas.for_stream(self._stream))
            self._open.enter_context(cuda.using_allocator(self._backend.guarded(self._pool)))
            self._open.enter_context(self._stream)
            self._open.enter_context(recording(self._capture))
            self._stream.begin_capture(cuda.runtime.streamCaptureModeRelaxed)
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        with self._open:
            if kind is None:
                self._graph = self._stream.end_capture()
                return
            with contextlib.suppress(self._backend.xp.cuda.runtime.CUDARuntimeError):  # the error that led here is told
                self._stream.end_capture()

    def launch(self) -> None:
        """Do all that was captured, in the order of the current stream's work."""
        self._graph.launch()
