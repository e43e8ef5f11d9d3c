"""What is said where no GPU can be used, and where its memory is at an end: the cause, what was found, and the fix."""

import importlib.metadata
import sys

import fake_cupy
import pytest

import minicnn
from minicnn.backend.cupy import why_not
from minicnn.backend.cupy.why_not import reason
from minicnn.errors import BackendError, OutOfMemoryError


def asked():
    """Return the lines of the error when a GPU is asked for."""
    with pytest.raises(BackendError) as raised:
        minicnn.use("cupy")
    lines = str(raised.value).splitlines()
    assert len(lines) == 3
    assert lines[2].startswith("  Fix: ")
    assert lines[0].startswith('minicnn.use("cupy"): a GPU was asked for, and ')
    return lines


@pytest.fixture
def wheels(monkeypatch):
    """Let the packages in the list be those that are installed."""
    found = []

    def version(name):
        if name in found:
            return "14.2.0"
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    return found


def test_cupy_is_not_installed(monkeypatch, wheels):
    monkeypatch.setitem(sys.modules, "cupy", None)
    problem, found, fix = asked()
    assert "CuPy is not installed" in problem
    assert "cupy" in found
    assert "pip install 'minicnn[cuda13]'" in fix
    assert 'use("numpy")' in fix
    assert why_not().startswith("CuPy is not installed (")


def test_cupy_is_broken(monkeypatch, wheels):
    monkeypatch.setitem(sys.modules, "cupy", None)
    wheels.append("cupy-cuda12x")
    problem, found, fix = asked()
    assert "cannot be imported" in problem
    assert "cupy-cuda12x 14.2.0" in found
    assert "pip uninstall -y cupy-cuda12x" in fix


def test_two_wheels_of_cupy(monkeypatch, wheels):
    wheels.extend(["cupy-cuda12x", "cupy-cuda13x"])
    fake_cupy.Machine().install(monkeypatch)
    problem, found, fix = asked()
    assert "several packages of CuPy" in problem
    assert "cupy-cuda12x 14.2.0, cupy-cuda13x 14.2.0" in found
    assert "pip uninstall -y cupy-cuda12x cupy-cuda13x" in fix


OLD = "cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version"


@pytest.mark.parametrize(
    ("machine", "problem", "found", "fix"),
    [
        (
            {"error": OLD, "driver": 12040},
            "driver is too old",
            "is for CUDA 13.0, the driver knows CUDA 12.4",
            "cuda12",
        ),
        ({"error": OLD, "driver": 0}, "there is no NVIDIA driver", "InsufficientDriver", "install NVIDIA's driver"),
        ({"error": "cudaErrorNoDevice: none"}, "there is no CUDA device", "cudaErrorNoDevice", "CUDA_VISIBLE_DEVICES"),
        ({"devices": 0}, "there is no CUDA device", "counts 0 devices", "nvidia-smi"),
        ({"error": "cudaErrorSystemNotReady: later"}, "no usable CUDA device", "SystemNotReady", "nvidia-smi"),
    ],
)
def test_drivers_and_devices(monkeypatch, wheels, machine, problem, found, fix):
    fake_cupy.Machine(**machine).install(monkeypatch)
    lines = asked()
    assert problem in lines[0]
    assert "CuPy 14.2.0" in lines[1]
    assert found in lines[1]
    assert fix in lines[2]
    assert not minicnn.cuda.is_available()
    assert minicnn.cuda.device_count() == 0


def test_a_machine_with_a_gpu(monkeypatch, wheels):
    fake_cupy.Machine().install(monkeypatch)
    assert reason() is None
    assert minicnn.cuda.is_available()
    with minicnn.use("cupy"):
        x = minicnn.ones(2)
        assert x.device == minicnn.device("cuda:0")
        assert (x * 2).sum().item() == 4.0
        assert (x @ x).item() == 2.0


def test_no_memory_is_left(monkeypatch, wheels):
    """The error of the pool, wherever it is met, in three lines that say who holds the memory."""
    machine = fake_cupy.Machine(room=2**20).install(monkeypatch)
    with minicnn.use("cupy"):
        held = [minicnn.ones(2048, 2048) for _ in range(3)]
        allocate = machine.allocators[0]
        assert allocate(2**20).size == 2**20
        with pytest.raises(OutOfMemoryError) as raised:
            allocate(3 * 2**30)
    lines = str(raised.value).splitlines()
    assert lines[0] == "cuda: out of memory: 3.00 GiB more do not fit."
    assert "of 4.00 GiB, arrays hold 3.00 GiB, the pool keeps 1.00 MiB for reuse, 256.00 MiB are free" in lines[1]
    assert "3 × float32 (2048, 2048), 48.00 MiB" in lines[1]
    assert lines[2].startswith("  Fix: use smaller batches")
    assert len(lines) == 3
    assert len(held) == 3
    assert issubclass(OutOfMemoryError, RuntimeError)  # as PyTorch's is


def test_arrays_of_two_devices_in_one_op():
    x, y = minicnn.ones(2), minicnn.ones(2, device="strict")
    for call in (lambda: x + y, lambda: minicnn.nn.functional.linear(x[None], y[None]), lambda: minicnn.cat([x, y])):
        with pytest.raises(BackendError) as raised:
            call()
        lines = str(raised.value).splitlines()
        assert len(lines) == 3
        assert "cpu" in lines[0] + lines[1]
        assert "strict" in lines[0] + lines[1]


def test_a_host_array_among_tensors_of_a_device():
    import numpy as np

    x = minicnn.ones(2, device="strict")
    for call in (lambda: x + np.ones(2), lambda: minicnn.maximum(x, np.ones(2)), lambda: np.ones(2) * x):
        with pytest.raises(minicnn.errors.MinicnnError) as raised:
            call()
        assert len(str(raised.value).splitlines()) == 3
