"""The two libraries: what the benchmark asks of both by the same names, and of each by its own."""

from __future__ import annotations

import contextlib
import importlib
import time
from collections.abc import Callable
from typing import Any


class HostEvent:
    """Stands for a device's event where there is no device."""

    def __init__(self, enable_timing: bool = True) -> None:
        self.at = 0.0

    def record(self) -> None:
        self.at = time.perf_counter()

    def synchronize(self) -> None:
        """Nothing is under way."""

    def elapsed_time(self, end: HostEvent) -> float:
        return (end.at - self.at) * 1e3


class Side:
    """A library on a device.

    Args:
        name: ``"minicnn"`` or ``"torch"``.
        device: ``"cuda"``; or ``"strict"``, on which the benchmark's logic runs without a GPU (PyTorch: on the CPU).
    """

    def __init__(self, name: str, device: str) -> None:
        self.name, self.device = name, device
        self.lib: Any = importlib.import_module(name)
        for room in ("nn", "optim"):
            importlib.import_module(f"{name}.{room}")
        self.lib.manual_seed(0)

    @property
    def version(self) -> str:
        """The library's version."""
        return str(self.lib.__version__)

    def here(self) -> contextlib.AbstractContextManager[Any]:
        """Return a block in which new tensors live on the device."""
        place = "cpu" if self.name == "torch" and self.device == "strict" else self.device
        return self.lib.device(place)  # type: ignore[no-any-return]

    def event(self) -> Any:
        """Return an event that notes the time in the device's work."""
        return self.lib.cuda.Event(enable_timing=True) if self.device == "cuda" else HostEvent()

    def graph(self, step: Callable[[], Any]) -> Callable[[], Any]:
        """Return what replays a step, captured as a CUDA graph."""
        if self.name == "minicnn":
            graphed: Callable[[], Any] = self.lib.cuda.graph(step)
            for _ in range(5):
                graphed()
            return graphed
        if self.device != "cuda":
            return step
        return self._torch_graph(step)

    def _torch_graph(self, step: Callable[[], Any]) -> Callable[[], Any]:
        """As PyTorch's notes on CUDA graphs have it: warmed up on a stream beside, captured, replayed."""
        cuda = self.lib.cuda
        beside = cuda.Stream()
        beside.wait_stream(cuda.current_stream())
        with cuda.stream(beside):
            for _ in range(5):
                step()
        cuda.current_stream().wait_stream(beside)
        graph = cuda.CUDAGraph()
        with cuda.graph(graph):
            step()
        replay: Callable[[], Any] = graph.replay
        return replay

    def tf32(self) -> dict[str, bool]:
        """Return whether float32 products may round their factors to TF32."""
        backends = self.lib.backends
        return {
            "convolutions": bool(backends.cudnn.allow_tf32),
            "matmul": bool(backends.cuda.matmul.allow_tf32),
        }

    def set_tf32(self, convolutions: bool, matmul: bool) -> None:
        """Let products round their factors, or not."""
        self.lib.backends.cudnn.allow_tf32 = convolutions
        self.lib.backends.cuda.matmul.allow_tf32 = matmul

    def peak_mib(self) -> float | None:
        """Return the most memory that arrays held since the peak was last begun anew, in MiB; None without a GPU."""
        return float(self.lib.cuda.max_memory_allocated()) / 2**20 if self.device == "cuda" else None

    def begin_peak(self) -> None:
        """Begin the peak anew."""
        if self.device == "cuda":
            self.lib.cuda.empty_cache()
            self.lib.cuda.reset_peak_memory_stats()


def machine(side: Side) -> dict[str, Any]:
    """Return what the figures depend on: the device, its driver, CUDA and CuPy."""
    if side.device != "cuda":
        return {"device": side.device}
    from minicnn.backend import get

    found = side.lib.cuda.get_device_properties()
    xp = get("cupy").xp
    runtime = xp.cuda.runtime
    return {
        "device": found.name,
        "memory_gib": round(found.total_memory / 2**30, 1),
        "multiprocessors": found.multi_processor_count,
        "compute_capability": f"{found.major}.{found.minor}",
        "driver_cuda": runtime.driverGetVersion(),
        "runtime_cuda": runtime.runtimeGetVersion(),
        "driver": driver(),
        "cupy": xp.__version__,
    }


def driver() -> str:
    """Return the driver's version, as nvidia-smi says it."""
    import shutil
    import subprocess

    tool = shutil.which("nvidia-smi")
    if tool is None:
        return "unknown"
    ask = [tool, "--query-gpu=driver_version", "--format=csv,noheader"]
    lines = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.split()
    return lines[0] if lines else "unknown"
