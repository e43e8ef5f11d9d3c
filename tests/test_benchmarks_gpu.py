"""The GPU's benchmark runs, on a machine without one: its logic, its counts and its file."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # benchmarks are no part of the package

import minicnn
from benchmarks.gpu import ops, timing
from benchmarks.gpu.__main__ import main
from benchmarks.gpu.sides import Side
from minicnn import cuda


@pytest.fixture(autouse=True)
def no_peer(monkeypatch):
    """Without PyTorch, which takes seconds to load, and is not installed everywhere."""
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else found(name))


def test_a_smoke_run_writes_its_figures(tmp_path, capsys):
    out = tmp_path / "gpu.json"
    assert main(["--device", "strict", "--smoke", "--out", str(out)]) == 0
    found = json.loads(out.read_text())
    assert found["machine"] == {"device": "strict"}
    assert found["versions"]["minicnn"] == minicnn.__version__
    assert found["tf32"]["minicnn"] == {"convolutions": True, "matmul": False}
    assert {row["name"] for row in found["training"]} == {"base", "lenet5"}
    assert {row["name"] for row in found["ops"]} >= {"relu", "batch_norm", "SGD", "Adam"}
    assert set(found["training"][0]["times"]) == {"minicnn", "minicnn graph"}
    for row in found["ops"]:
        for part in row["parts"].values():
            assert part["bytes"] > 0
            assert part["times"]["minicnn"]["ms"] > 0
            assert part["of_ceiling"]["minicnn"] == pytest.approx(part["floor_ms"] / part["times"]["minicnn"]["ms"])
    printed = capsys.readouterr().out
    assert "lenet5" in printed
    assert str(out) in printed


@pytest.mark.parametrize("name", ops.CASES)
def test_every_op_runs_and_its_bytes_are_counted(name):
    side = Side("minicnn", "strict")
    with side.here():
        case = ops.CASES[name](minicnn, 2)
        y = case.call()
        assert y.device.type == "strict"
        grads = minicnn.autograd.grad(y, case.inputs, minicnn.ones_like(y.detach()))
    assert all(g.shape == x.shape for g, x in zip(grads, case.inputs, strict=True))
    if name.startswith("conv"):
        _, c, *kernel = case.inputs[1].shape
        assert case.operations == 2 * y.numel() * c * np.prod(kernel)
    if name == "relu":
        limits = {"copy_gb_s": 1.0, "float32_tflop_s": 1.0, "tf32_tflop_s": 1.0}
        row = ops.row([side], name, 2, 2, 0.0, limits)
        assert row["parts"]["forward"]["bytes"] == 2 * 4 * 2 * 64 * 32 * 32
        assert row["parts"]["backward"]["bytes"] == 3 * 4 * 2 * 64 * 32 * 32


def test_turns_alternate_and_the_median_counts():
    log, clock = [], iter(range(1000))

    class Event:
        def record(self):
            self.at = next(clock)

        def synchronize(self):
            pass

        def elapsed_time(self, end):
            return float(end.at - self.at)

    class Fake:
        def event(self):
            return Event()

        here = staticmethod(lambda: minicnn.use("numpy"))

    entries = {name: timing.Entry(Fake(), lambda name=name: log.append(name)) for name in "ab"}
    found = timing.measure(entries, 5, 3.0)
    assert "".join(log) == "aaaa" + "bbbb" + "aaabbb" * 5
    assert found["a"]["ms"] == pytest.approx(1 / 3)


def test_wrong_arguments(capsys):
    for arguments, text in ((["nothing"], "there is no 'nothing'"), (["--keep", "--smoke"], "--keep is for a whole")):
        with pytest.raises(SystemExit):
            main(arguments)
        assert text in capsys.readouterr().err


@pytest.mark.skipif(cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so_in_three_lines(tmp_path, capsys):
    assert main(["relu", "--out", str(tmp_path / "gpu.json")]) == 1
    first, _, fix = capsys.readouterr().err.splitlines()
    assert "a GPU was asked for" in first
    assert fix.strip().startswith("Fix: ")
    assert not list(tmp_path.iterdir())


def test_what_is_measured_is_kept_row_by_row(tmp_path, monkeypatch):
    out = tmp_path / "gpu.json"

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("benchmarks.gpu.ops.optimizer_row", killed)
    with pytest.raises(KeyboardInterrupt):
        main(["relu", "SGD", "--device", "strict", "--smoke", "--out", str(out)])
    assert len(json.loads(out.read_text(encoding="utf-8"))["ops"]) == 1
