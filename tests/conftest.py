"""Settings that all tests share."""

import numpy as np
import pytest
import tally
from hypothesis import HealthCheck, settings

from minicnn.backend.base import Backend
from minicnn.backend.numpy import NumpyBackend

# The same examples in each run, so that a failure repeats; no deadline, since a first call may compile or allocate.
settings.register_profile(
    "repeatable", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("repeatable")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much went through the stand-ins for a GPU."""
    for line in tally.lines(+tally.strict, tally.shim):
        terminalreporter.write_line(line)


PLUMBING = {"asarray", "to_numpy", "address", "array_type"}  # what the plain backend leaves to each library


@pytest.fixture(params=["plain", "tuned"])
def cpu_kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the test on the CPU's own kernels and on the plain ones, which the strict backend has too."""
    if request.param == "plain":
        tuned = [name for name, value in vars(NumpyBackend).items() if callable(value) and name not in PLUMBING]
        assert "conv" in tuned
        for name in tuned:
            assert hasattr(Backend, name)
            monkeypatch.delattr(NumpyBackend, name)
    return request.param


@pytest.fixture
def same_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the CPU draw dropout's masks as devices do, by NumPy's own Philox, so that both train alike."""

    def random(self, shape, dtype, generator):  # NumPy's generator counts blocks as the device's stream does
        seed, count = generator.initial_seed(), int(np.prod(shape))
        used = generator.drawn.get("here", 0)
        generator.drawn["here"] = used + -(-count // 8)
        stream = np.random.Generator(np.random.Philox(key=seed, counter=used))
        return stream.random(count, dtype="float32").reshape(shape).astype(dtype)

    monkeypatch.setattr(NumpyBackend, "random", random, raising=False)
