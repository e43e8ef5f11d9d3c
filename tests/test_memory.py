"""What training holds of memory: nothing that grows, no gradient longer than it is needed, and what is kept on purpose.

Resident memory is the process's own, so what measures it runs in a new process.
"""

import gc
import os
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import minicnn
from minicnn import nn
from minicnn.backend import empty_cache, memory_summary
from minicnn.backend.numpy.memory import KEEP, _c_library

HERE = Path(__file__).parent
MIB = 2**20
statm = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's count of resident memory")
glibc = pytest.mark.skipif(_c_library() is None, reason="needs glibc, whose allocator keeps memory")


def in_a_process(call, **environment):
    """Run a call of this module's in a new process; return the numbers it gave."""
    program = [sys.executable, "-c", f"import test_memory; print(*test_memory.{call})"]
    settings = {**os.environ, **environment}
    done = subprocess.run(program, cwd=HERE, env=settings, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return [float(number) for number in done.stdout.split()]


def resident():
    """Return the MiB of memory that the system says this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MIB


class Training:
    """LeNet with batch norm, learning noise."""

    def __init__(self, batch=16):
        minicnn.manual_seed(0)
        self.model = nn.Sequential(
            *(nn.Conv2d(1, 6, 5, padding=2), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(6, 16, 5), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 10)),
        )
        self.optimizer = minicnn.optim.Adam(self.model.parameters())
        self.images, self.labels = minicnn.randn(batch, 1, 28, 28), minicnn.arange(batch) % 10

    def backward(self):
        self.optimizer.zero_grad()
        loss = nn.functional.cross_entropy(self.model(self.images), self.labels)
        loss.backward()
        return loss

    def step(self):
        self.backward()
        self.optimizer.step()


# ---- over many steps


def resident_while_training(steps):
    """Train; return the resident memory after a tenth of the steps, and at the end."""
    training, held = Training(), []
    for i in range(steps):
        training.step()
        if i + 1 in (steps // 10, steps):
            held.append(resident())
    return held


@pytest.mark.slow
@statm
def test_resident_memory_is_flat_over_a_thousand_steps():
    """Within 2 MiB: a leak of one map of the first layer a step, 0.3 MiB, would be 270."""
    warm, end = in_a_process("resident_while_training(1000)")
    assert end - warm < 2, f"{warm:.1f} MiB after 100 steps, {end:.1f} MiB after 1000"


def test_what_a_step_allocates_is_freed_by_the_next():
    """By the count of Python's and NumPy's allocations, which is the same after 5 steps and after 50, to 64 KiB."""
    training, held = Training(), []
    with traced():
        for i in range(50):
            training.step()
            if i + 1 in (5, 50):
                gc.collect()  # empties Python's own lists of freed tuples, too
                held.append(tracemalloc.get_traced_memory()[0])
    assert held[1] - held[0] < 2**16, held


# ---- gradients


class traced:
    """Count allocations; by one thread, so that no other keeps working memory of its own."""

    def __enter__(self):
        self.threads = minicnn.get_num_threads()
        minicnn.set_num_threads(1)
        tracemalloc.start()

    def __exit__(self, *_):
        tracemalloc.stop()
        minicnn.set_num_threads(self.threads)


def test_gradients_in_between_are_dropped_as_soon_as_they_are_used():
    x = minicnn.ones(MIB // 4, requires_grad=True)  # 1 MiB
    y = x
    for _ in range(30):
        y = y * 1.01
    total = y.sum()
    with traced():
        total.backward()
        held, peak = tracemalloc.get_traced_memory()
    assert peak < 4 * MIB  # a gradient, the next one, and one to spare; not 30
    assert MIB <= held < 1.1 * MIB  # x.grad


def test_gradients_of_maps_are_dropped_as_soon_as_they_are_used():
    """With the graph retained, so that nothing else is freed meanwhile."""
    blocks = [(nn.Conv2d(16, 16, 1), nn.BatchNorm2d(16), nn.ReLU()) for _ in range(10)]
    total = nn.Sequential(*(layer for block in blocks for layer in block))(minicnn.randn(4, 16, 64, 64)).sum()
    with traced():
        total.backward(retain_graph=True)
        _, peak = tracemalloc.get_traced_memory()
    assert peak < 6 * MIB  # of the 30 maps' gradients, 1 MiB each: two or three, and working memory


def test_after_backward_nothing_but_the_gradients_of_leaves_is_alive():
    training = Training()
    with traced():
        training.backward()
        training.optimizer.zero_grad()
        before = tracemalloc.get_traced_memory()[0]
        loss = training.backward()  # its graph is still there; what it saved is not
        held = tracemalloc.get_traced_memory()[0] - before
    gradients = sum(p.grad.numpy().nbytes for p in training.model.parameters())
    assert gradients <= held < gradients + 2**16, (gradients, held)
    assert loss.grad_fn is not None


# ---- what is kept, and given back


def told():
    """Return what `memory_summary` tells: the MiB that are resident, in use, and kept."""
    numbers = re.fullmatch(r"resident (\S+) MiB; in use (\S+) MiB, kept (\S+) MiB", memory_summary())
    return [float(number) for number in numbers.groups()]


def hold_and_free():
    """Hold a tensor of 160 MiB, free it, empty the cache; return at each time what is resident, and what is told."""
    numbers = []

    def note():
        numbers.extend([resident(), *told()])

    note()
    x = minicnn.full((40 * MIB,), 1.0)
    note()
    del x
    note()
    empty_cache()
    note()
    return numbers


@statm
@glibc
def test_freed_memory_is_kept_until_the_cache_is_emptied():
    start, held, freed, emptied = np.reshape(in_a_process("hold_and_free()", **{KEEP: "1"}), (4, 4))
    for real, resident_, *_ in (start, held, freed, emptied):
        assert abs(real - resident_) < 1
    np.testing.assert_allclose(held[:3] - start[:3], 160, atol=4)  # resident and in use
    np.testing.assert_allclose(freed - held, [0, 0, -160, 160], atol=4)  # now it is kept
    np.testing.assert_allclose(emptied[:2] - freed[:2], -160, atol=20)  # more was kept from importing


@statm
@glibc
def test_freed_memory_goes_back_at_once_where_none_is_to_be_kept():
    _, held, freed, _ = np.reshape(in_a_process("hold_and_free()", **{KEEP: "0"}), (4, 4))
    np.testing.assert_allclose(freed[:2] - held[:2], -160, atol=4)
