"""The order of work on streams, and how long memory lives that copies read and write."""

import gc
import weakref

import fake_cupy
import numpy as np
import pytest

import minicnn
from minicnn import cuda
from minicnn.backend import get
from minicnn.errors import BackendError


@pytest.fixture
def machine(monkeypatch):
    found = fake_cupy.Machine().install(monkeypatch)
    backend = get("cupy")
    monkeypatch.setattr(type(backend.blas), "for_stream", lambda self, stream: _Noted(found, stream))
    found.log.clear()
    return found


class _Noted:
    """Stands for cuBLAS's setting of the stream."""

    def __init__(self, machine, stream):
        self.machine, self.stream = machine, stream

    def __enter__(self):
        self.machine.log.append(("blas", self.stream.name))

    def __exit__(self, *_):
        self.machine.log.append(("blas", "null"))


def test_a_copy_waits_for_the_memory_and_its_reader_for_the_copy(machine):
    be = get("cupy")
    pinned = be.pinned(np.arange(6.0).reshape(2, 3))
    assert be.is_pinned(pinned)
    assert not be.is_pinned(np.arange(3.0))
    get_copy = be.fetch_ahead(pinned)
    assert machine.log == [("record", "null"), ("wait", "other"), ("copy", "other"), ("record", "other")]
    machine.log.clear()
    np.testing.assert_array_equal(be.to_numpy(get_copy()), pinned)
    assert machine.log == [("wait", "null")]


def test_memory_lives_until_the_copy_is_done(machine):
    be = get("cupy")
    pinned = be.pinned(np.ones(4))
    buffer, copy = weakref.ref(pinned), be.fetch_ahead(pinned)
    made = weakref.ref(copy())
    del pinned, copy
    gc.collect()
    be.fetch_ahead(be.pinned(np.ones(2)))
    assert buffer() is not None, "the next batch would be written over what is still being read"
    assert made() is not None
    machine.done = True
    be.fetch_ahead(be.pinned(np.ones(2)))
    gc.collect()
    assert buffer() is None
    assert made() is None


def test_a_capture_has_a_stream_memory_and_products_of_its_own(machine):
    with minicnn.use("cupy"):
        x = minicnn.ones(3)
        seen = []
        step = cuda.graph(lambda x: seen.append((len(machine.allocators), machine.streams[-1].name)) or x * 2, warmup=1)
        step(x)
        machine.log.clear()
        before = list(machine.allocators)
        step(x)
        kinds = [entry[:2] for entry in machine.log]
        assert kinds[-1] == ("launch", "null")  # on the user's stream, in the order of its work
        start = kinds.index(("synchronize", "null"))
        assert kinds[start:] == [
            ("synchronize", "null"),
            ("free", "pool"),
            ("blas", "other"),
            ("begin", "other"),
            ("end", "other"),
            ("blas", "null"),
            ("launch", "null"),
        ]
        assert ("begin", "other", 2) in machine.log  # relaxed
        assert machine.allocators == before
        assert len(machine.streams) == 1
        assert seen == [(len(before), "null"), (len(before) + 1, "other")]
        machine.log.clear()
        step(x)
        assert machine.log == [("launch", "null")]


def test_an_error_ends_the_capture(machine):
    with minicnn.use("cupy"):
        x = minicnn.ones(3)
        step = cuda.graph(lambda x: x.sum().item(), warmup=1)
        step(x)
        with pytest.raises(BackendError, match="item: needs a value on the host while a step is captured"):
            step(x)
        assert machine.log[-2:] == [("end", "other"), ("blas", "null")]
        assert not cuda.is_current_stream_capturing()
        assert len(machine.streams) == 1
        assert x.tolist() == [1.0] * 3
        for size in ("nonzero", "unique"):
            with pytest.raises(BackendError, match="the size of the result"), cuda.graph(cuda.CUDAGraph()):
                getattr(minicnn, size)(x)
        with pytest.raises(BackendError, match="wait for the device"), cuda.graph(cuda.CUDAGraph()):
            cuda.synchronize()
        with pytest.raises(BackendError, match="values from the host"), cuda.graph(cuda.CUDAGraph()):
            minicnn.tensor([1.0])


def test_live_numbers_are_sent_before_each_launch(machine):
    from minicnn import nn, optim

    with minicnn.use("cupy"):
        w = nn.Parameter(minicnn.ones(2))
        optimizer = optim.SGD([w], lr=0.1)

        def step(x):
            optimizer.zero_grad()
            (w * x).sum().backward()
            optimizer.step()

        graphed = cuda.graph(step, warmup=1)
        for rate in (0.1, 0.1, 0.1, 0.5):
            optimizer.param_groups[0]["lr"] = rate
            machine.log.clear()
            graphed(minicnn.ones(2))
            sent = [entry[0] for entry in machine.log if entry[0] in ("copy", "launch")]
            if graphed.captures:
                changed = rate == 0.5 or not graphed.replays
                assert sent[-2 if changed else -1 :] == (["copy", "launch"] if changed else ["launch"])
            else:
                assert sent == ["copy"]  # of the rehearsal, whose kernels read the rate as the captured ones will
        assert graphed.replays == 2


def test_a_lack_of_memory_leaves_the_blocks_of_the_graph(machine):
    from minicnn.errors import OutOfMemoryError

    with minicnn.use("cupy"):
        minicnn.ones(1)
        with cuda.graph(cuda.CUDAGraph()):
            allocate = machine.allocators[-1]
            assert allocate(2**20).ptr
            machine.log.clear()
            machine.room = 2**20
            with pytest.raises(OutOfMemoryError, match=r"2\.00 GiB more do not fit"):
                allocate(2**31)
            assert ("free", "pool") in machine.log
            assert ("free", "graph") not in machine.log


def test_a_failed_allocation_is_no_peak(machine, monkeypatch):
    monkeypatch.setattr(fake_cupy.MemoryHook, "installed", [])
    cuda.reset_peak_memory_stats()
    (hook,) = fake_cupy.MemoryHook.installed
    before = cuda.max_memory_allocated()
    hook.malloc_postprocess(device_id=0, size=2**40, mem_size=2**40, mem_ptr=0, pmem_id=0)
    assert cuda.max_memory_allocated() == before
    hook.malloc_postprocess(device_id=0, size=512, mem_size=512, mem_ptr=4096, pmem_id=1)
    assert cuda.max_memory_allocated() == before + 512


@pytest.mark.parametrize("count", [8, 9, 20])
@pytest.mark.parametrize("place", ["cupy", "strict"])
def test_many_tensors_can_be_joined_in_a_capture(machine, place, count):
    """CuPy joins more than 8 by a kernel that reads their addresses, which it sends from the host."""
    with minicnn.use(place):
        parts = [minicnn.ones(2, i % 3 + 1) * i for i in range(count)]
        g = cuda.CUDAGraph()
        with cuda.graph(g):
            joined, stacked = minicnn.cat(parts, 1), minicnn.stack([p.sum() for p in parts])
        for p in parts:
            p += 1
        g.replay()
        expected = [float(i + 1) for i in range(count) for _ in range(i % 3 + 1)]
        assert joined.tolist() == [expected] * 2
        assert stacked.tolist() == [(i + 1.0) * 2 * (i % 3 + 1) for i in range(count)]
        for join in ("concatenate", "stack") if count > 8 else ():
            with pytest.raises(BackendError, match="the addresses of more than 8"), cuda.graph(cuda.CUDAGraph()):
                getattr(get(place).xp, join)([minicnn.ones(2)._array] * count)
