"""PyTorch's names for the GPU: as its CPU build answers without one, and what they ask of CuPy with one."""

import fake_cupy
import pytest

import minicnn
from minicnn import cuda
from minicnn.errors import BackendError, OutOfMemoryError


@pytest.fixture
def no_gpu(monkeypatch):
    fake_cupy.Machine(devices=0).install(monkeypatch)


@pytest.fixture
def machine(monkeypatch):
    return fake_cupy.Machine().install(monkeypatch)


def test_without_a_gpu_nothing_is_held(no_gpu):
    for ask in ("memory_allocated", "max_memory_allocated", "memory_reserved", "max_memory_reserved"):
        assert getattr(cuda, ask)() == 0
    assert cuda.empty_cache() is None
    assert cuda.reset_peak_memory_stats() is None
    assert cuda.memory_summary() == "arrays hold 0 B; the pool has 0 B"
    assert not cuda.is_available()
    with cuda.stream(None), cuda.device(-1), cuda.device(None):
        pass


@pytest.mark.parametrize(
    "ask",
    [
        lambda: cuda.Event(enable_timing=True),
        cuda.Stream,
        cuda.current_stream,
        cuda.default_stream,
        cuda.synchronize,
        lambda: cuda.get_device_properties(0),
        cuda.get_device_capability,
        cuda.get_device_name,
        cuda.mem_get_info,
        cuda.current_device,
        lambda: cuda.set_device(0),
        lambda: cuda.device(0).__enter__(),
        lambda: minicnn.ones(2).cuda(),
        lambda: minicnn.ones(2).pin_memory(),
        lambda: minicnn.nn.Linear(2, 2).to("cuda"),
        lambda: minicnn.tensor([1.0], device="cuda"),
    ],
)
def test_without_a_gpu_the_others_say_so(no_gpu, ask):
    with pytest.raises(BackendError, match="there is no CUDA device") as raised:
        ask()
    assert len(str(raised.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("ask", "name"),
    [
        (cuda.Event, "cuda.Event"),
        (lambda: cuda.set_device(0), "cuda.set_device"),
        (cuda.mem_get_info, "cuda.mem_get_info"),
        (lambda: minicnn.ones(2).pin_memory(), "pin_memory"),
        (lambda: minicnn.ones(2).cuda(), "Tensor.cuda"),
        (lambda: minicnn.ones(2).to("cuda"), "Tensor.to"),
        (lambda: minicnn.Generator(device="cuda"), "Generator"),
    ],
)
def test_the_error_names_what_was_called(no_gpu, ask, name):
    with pytest.raises(BackendError) as raised:
        ask()
    assert str(raised.value).startswith(f"{name}: a GPU was asked for, and ")
    assert len(str(raised.value).splitlines()) == 3


@pytest.mark.parametrize(
    "ask",
    [
        lambda: minicnn.ones(2).to("cuda:1"),
        lambda: minicnn.ones(2).cuda(1),
        lambda: minicnn.ones(2, device="cuda:1"),
        lambda: minicnn.ones(2, device="cuda").to("cuda:1"),
    ],
)
def test_another_gpu_than_the_one_in_use_is_refused(machine, ask):
    with pytest.raises(BackendError, match=r"cuda:1.* is not the GPU in use") as raised:
        ask()
    assert "CUDA_VISIBLE_DEVICES=1" in str(raised.value)
    assert len(str(raised.value).splitlines()) == 3


def test_the_gpu_is_chosen_before_the_first_tensor(machine):
    machine.held = 0
    with cuda.device(1):
        assert machine.log[-1] == ("device", 1)
        assert cuda.current_device() == 1
    assert machine.log[-1] == ("device", 0)
    cuda.set_device(1)
    x = minicnn.ones(2).cuda()
    assert x.device == minicnn.device("cuda:1") == x.to(x.device).device
    machine.held = 1024
    cuda.set_device("cuda:1")
    with pytest.raises(BackendError, match="cuda:0 cannot be taken into use: arrays lie on cuda:1"):
        cuda.set_device(0)


def test_with_a_gpu(machine):
    assert cuda.get_device_name() == "Fake GPU"
    assert cuda.get_device_properties("cuda:0").multi_processor_count == 132
    assert cuda.get_device_properties(minicnn.device("cuda")).total_memory == 2**32
    assert cuda.get_device_capability() == (9, 0)
    assert cuda.mem_get_info() == (2**28, 2**32)
    assert cuda.memory_allocated() == 3 * 2**30
    assert cuda.memory_reserved() == cuda.max_memory_reserved() == 3 * 2**30 + 2**20
    cuda.empty_cache()
    assert machine.log[-1] == ("free", "pool")
    x = minicnn.ones(5000, 2000, device="cuda")
    summary = cuda.memory_summary()
    assert "arrays hold 3.00 GiB" in summary
    assert "float32 (5000, 2000), 38.15 MiB" in summary
    assert x.is_cuda
    with pytest.raises(BackendError, match="there is no device"):
        cuda.get_device_properties("cuda:first")


def test_the_peak_is_followed_from_when_it_is_asked_for(machine):
    assert cuda.max_memory_allocated() == cuda.memory_reserved()
    cuda.reset_peak_memory_stats()
    start = cuda.memory_allocated()
    assert cuda.max_memory_allocated() == start
    (hook,) = fake_cupy.MemoryHook.installed[-1:]
    hook.malloc_postprocess(device_id=0, size=90, mem_size=512, mem_ptr=1, pmem_id=1)
    hook.malloc_postprocess(device_id=0, size=600, mem_size=1024, mem_ptr=2, pmem_id=2)
    hook.free_postprocess(device_id=0, mem_size=1024, mem_ptr=2, pmem_id=2)
    hook.malloc_postprocess(device_id=0, size=10, mem_size=512, mem_ptr=3, pmem_id=3)
    assert cuda.max_memory_allocated() == start + 1536
    cuda.reset_peak_memory_stats()
    assert cuda.max_memory_allocated() == start


def test_streams_and_events(machine):
    machine.log.clear()
    side, start, end = cuda.Stream(), cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
    start.record()
    side.wait_stream(cuda.current_stream())
    with cuda.stream(side):
        assert cuda.current_stream() == side
        assert cuda.current_stream() != cuda.default_stream()
        end.record()
    cuda.current_stream().wait_event(end)
    assert machine.log == [
        ("record", "null"),
        ("record", "null"),
        ("wait", "other"),
        ("record", "other"),
        ("wait", "null"),
    ]
    assert start.elapsed_time(end) == 3.0
    assert start._event.timed
    assert not cuda.Event()._event.timed
    assert not end.query()
    end.synchronize()
    side.synchronize()
    end.wait()
    assert not side.query()
    cuda.synchronize()
    assert machine.log[-4:] == [
        ("wait for event", "host"),
        ("synchronize", "other"),
        ("wait", "null"),
        ("synchronize", "all"),
    ]


def test_the_error_has_pytorchs_names():
    assert cuda.OutOfMemoryError is minicnn.OutOfMemoryError is OutOfMemoryError
