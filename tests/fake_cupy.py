"""CuPy as far as the backend's own code needs it, without a GPU: strict arrays, and a log of what was asked."""

import contextlib
import gc
import sys
import types

import numpy as np

from minicnn.backend import get
from minicnn.backend.strict import StrictArray, recording
from minicnn.backend.strict.names import names


class CUDARuntimeError(RuntimeError):
    """What CuPy raises."""


class OutOfMemoryError(MemoryError):
    """Likewise."""


class Machine:
    """One machine with a GPU: what it answers, and the log.

    Attributes:
        log: (what, stream) or (what, stream, object), in the order asked for.
        done: whether events say that their work is done.
    """

    def __init__(self, devices=1, driver=13000, runtime=13000, error=None, room=2**40):
        self.devices, self.driver, self.runtime, self.error, self.room = devices, driver, runtime, error, room
        self.held = 3 * 2**30  # bytes of arrays
        self.mode = 3  # of cuBLAS: TF32
        self.log, self.done, self.streams, self.allocators = [], False, [], []
        self.module = self._module()

    def _module(self):
        machine, strict = self, get("strict").xp

        class Event:
            def __init__(self, block=False, disable_timing=False, interprocess=False):
                self.timed = not disable_timing
                self.at = None

            @property
            def done(self):
                return machine.done

            def record(self, stream=None):
                machine.log.append(("record", (stream or machine.streams[-1]).name))
                self.at = len(machine.log)

            def synchronize(self):
                machine.log.append(("wait for event", "host"))

        class Stream:
            def __init__(self, null=False, non_blocking=False, ptds=False, priority=None):
                self.null, self.non_blocking, self.ptr = null, non_blocking, 1000 + len(machine.log)
                self.name = "null" if null else "other"

            def __enter__(self):
                machine.streams.append(self)
                return self

            def __exit__(self, *_):
                machine.streams.remove(self)

            def use(self):
                machine.streams[-1] = self

            def record(self, event=None):
                machine.log.append(("record", self.name))
                return event or Event()

            def wait_event(self, event):
                machine.log.append(("wait", self.name))

            def synchronize(self):
                machine.log.append(("synchronize", self.name))

            @property
            def done(self):
                return machine.done

            def begin_capture(self, mode=None):
                machine.log.append(("begin", self.name, mode))
                machine.calls = _Calls()
                machine.before = [(a, a.copy()) for a in _memory()]
                recording._open.append(machine.calls)

            def end_capture(self):
                machine.log.append(("end", self.name))
                recording._open.remove(machine.calls)
                for array, values in machine.before:  # what is captured is not run
                    array[...] = values
                launch = _launches(machine, machine.calls)
                return types.SimpleNamespace(launch=launch)

        class Memory:
            def __init__(self, size):
                if size > machine.room:
                    raise CUDARuntimeError("cudaErrorMemoryAllocation: out of memory")
                self.size = size

        class MemoryPool:
            """CuPy's, which frees all blocks of its own when its allocator raises a CUDARuntimeError."""

            def __init__(self, allocator=None):
                self.allocator = allocator

            def malloc(self, size):
                if self.allocator is not None:
                    try:
                        return self.allocator(size)
                    except CUDARuntimeError:
                        machine.log.append(("free", "graph"))
                        raise OutOfMemoryError(size) from None
                if size > machine.room:
                    raise OutOfMemoryError(size)
                return types.SimpleNamespace(ptr=4096, size=size)

            used_bytes = staticmethod(lambda: machine.held)
            free_bytes = staticmethod(lambda: 2**20)
            total_bytes = staticmethod(lambda: machine.held and machine.held + 2**20)

            def free_all_blocks(self):
                machine.log.append(("free", "pool"))

        @contextlib.contextmanager
        def using_allocator(allocator):
            machine.allocators.append(allocator)
            yield
            machine.allocators.pop()

        def count():
            if machine.error:
                raise CUDARuntimeError(machine.error)
            return machine.devices

        runtime = types.SimpleNamespace(
            CUDARuntimeError=CUDARuntimeError,
            getDeviceCount=count,
            deviceSynchronize=lambda: machine.log.append(("synchronize", "all")),
            getDevice=lambda: 0,
            setDevice=lambda index: machine.log.append(("device", index)),
            driverGetVersion=lambda: machine.driver,
            runtimeGetVersion=lambda: machine.runtime,
            memGetInfo=lambda: (2**28, 2**32),
            getDeviceProperties=lambda index: {"name": b"Fake GPU", "totalGlobalMem": 2**32, "major": 9, "minor": 0,
                                               "multiProcessorCount": 132, "warpSize": 32, "l2CacheSize": 2**20,
                                               "sharedMemPerMultiprocessor": 2**17, "regsPerMultiprocessor": 2**16,
                                               "maxThreadsPerMultiProcessor": 2048},
            streamCaptureModeRelaxed=2,
        )  # fmt: skip
        default = MemoryPool()
        cuda = types.ModuleType("cupy.cuda")
        cuda.__dict__.update(
            Event=Event, Stream=Stream, MemoryPool=MemoryPool, using_allocator=using_allocator, runtime=runtime,
            get_current_stream=lambda: machine.streams[-1], alloc=default.malloc, PinnedMemoryPointer=PinnedPointer,
            MemoryPointer=lambda memory, offset: types.SimpleNamespace(ptr=4096 + offset, mem=memory), Memory=Memory,
            set_allocator=lambda allocator: machine.allocators.append(allocator),
            memory=types.SimpleNamespace(OutOfMemoryError=OutOfMemoryError), MemoryHook=MemoryHook,
            get_elapsed_time=lambda start, end: float(end.at - start.at),
            cublas=types.SimpleNamespace(
                getMathMode=lambda handle: machine.mode,
                setMathMode=lambda handle, mode: setattr(machine, "mode", mode),
            ),
            device=types.SimpleNamespace(get_cublas_handle=lambda: 7, get_compute_capability=lambda: "90"),
        )  # fmt: skip
        self.streams.append(Stream(null=True))
        module = types.ModuleType("cupy")
        for name in names()["cupy"]:
            with contextlib.suppress(AttributeError):
                setattr(module, name, getattr(strict, name))
        product = strict.matmul

        def matmul(a, b, out=None):
            if recording._open:  # as CuPy 14 does
                raise NotImplementedError("calling cuBLAS API during stream capture is currently unsupported")
            if max(a.ndim, b.ndim) > 3:  # six kernels write lists of pointers, then
                machine.log.append(("pointers", machine.streams[-1].name))
            return product(a, b) if out is None else product(a, b, out=out)

        module.__dict__.update(
            matmul=matmul,
            __version__="14.2.0", ndarray=StrictArray, cuda=cuda, get_default_memory_pool=lambda: default,
            asnumpy=lambda array: array._values.copy(), lib=strict.lib,
            _core=types.SimpleNamespace(get_compute_type=lambda dtype: 0, set_compute_type=lambda dtype, kind: None),
        )  # fmt: skip
        return module

    def install(self, monkeypatch, kernels=False):
        """Make this machine the one that ``import cupy`` finds; its backend launches kernels, or has plain ones."""
        import minicnn.backend as backend

        cupyx = types.ModuleType("cupyx")
        cupyx.empty_pinned = lambda shape, dtype: np.ndarray(
            shape, dtype, buffer=PinnedPointer(max(int(np.prod(shape)) * np.dtype(dtype).itemsize, 1))
        )
        for name, module in (("cupy", self.module), ("cupy.cuda", self.module.cuda), ("cupyx", cupyx)):
            monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.setattr(StrictArray, "data", property(lambda a: _Place(a)), raising=False)
        plain = StrictArray._set

        def noted(array, values, stream=None):
            self.log.append(("copy", (stream or self.streams[-1]).name))
            plain(array, values)

        monkeypatch.setattr(StrictArray, "_set", noted)
        # No kernel of the backend's own is launched here; what it does about them is its own tests' matter.
        if not kernels:
            monkeypatch.setattr("minicnn.backend.cupy.launch.Launching.suits", lambda self, *arrays: False)
        monkeypatch.setattr(backend, "_made", {k: v for k, v in backend._made.items() if k != "cupy"})
        monkeypatch.setitem(backend.by_array_type, StrictArray, get("strict"))  # taken back when the test is over
        return self


class _Calls(recording.Recorder):
    """The calls of a capture; the block is the backend's own."""

    def __init__(self):
        self._calls = []
        self._capture = types.SimpleNamespace(counts=True)  # the machine itself brings back what was there


def _launches(machine, calls):
    def launch(stream=None):
        machine.log.append(("launch", machine.streams[-1].name))
        calls.launch()

    return launch


def _memory():
    """Return all memory that strict arrays hold."""
    owners = [a._values for a in gc.get_objects() if type(a) is StrictArray and a.base is None]
    return [a for a in owners if a.flags.writeable]


class MemoryHook:
    """CuPy's base of hooks."""

    installed = []

    def __enter__(self):
        self.installed.append(self)
        return self


class PinnedPointer(bytearray):
    """Pinned memory: a buffer that NumPy can lie in."""


class _Place:
    def __init__(self, array):
        self.ptr = array._values.__array_interface__["data"][0]
