"""Settings that all tests share."""

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
