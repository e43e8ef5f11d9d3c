"""The command line when things go wrong: a slip of the pen, divergence, a full disk, Ctrl-C at a bad moment."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from tiny_mnist import write_tiny_mnist

import minicnn
from minicnn.cli import main
from minicnn.errors import CheckpointError
from minicnn.train import read_weights
from minicnn.train import run as run_module

QUICK = ["train", "--data", "mnist", "--epochs", "1", "--batch-size", "50", "--model", "strided"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_mnist(tmp_path_factory.mktemp("data"))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINICNN_DATA", str(root))
    monkeypatch.delenv("MINICNN_BACKEND", raising=False)


def full(*_: Any) -> None:
    raise CheckpointError("write: the file cannot be written.\n  No space left\n  Fix: make room.")


def failure(capsys: pytest.CaptureFixture[str], code: int, *words: Any) -> str:
    assert main([str(word) for word in words]) == code
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 3, error
    return error


@pytest.mark.parametrize(
    ("words", "meant", "program"),
    [
        ("train --epoch 1", "--epochs", "minicnn train"),
        ("train --epoch=1", "--epochs", "minicnn train"),
        ("train -epochs 1", "--epochs", "minicnn train"),
        ("evaluate run --thread 2", "--threads", "minicnn evaluate"),
        ("evaluate --thread 2 run", "--threads", "minicnn evaluate"),
        ("doctor --dataroot x", "--data-root", "minicnn doctor"),
        ("trian", "train", "minicnn"),
        ("train --model lenet", "lenet5", "minicnn train"),
        ("train --data mnst", "mnist", "minicnn train"),
    ],
)
def test_slips(capsys: pytest.CaptureFixture[str], words: str, meant: str, program: str) -> None:
    error = failure(capsys, 2, *words.split())
    assert error.startswith(f"{program}: ")
    assert f"; did you mean {meant}?\n" in error
    assert f"Fix: see {program} --help." in error


def test_no_guess_where_nothing_is_near(capsys: pytest.CaptureFixture[str]) -> None:
    error = failure(capsys, 2, "train", "--colour")
    assert "there is no option --colour.\n" in error
    assert "did you mean" not in error


def test_shift_out_of_range_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    error = failure(capsys, 2, "train", "--shift", "9")
    assert "from 0 to 8 (moved farther, digits leave their 28x28 pixels)" in error


def test_divergence_names_the_option_and_leaves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    error = failure(capsys, 1, *QUICK, "--lr", "1e30", "--out", "run")
    assert error.startswith("minicnn train: the loss is no longer a number")
    assert "Fix: pass a smaller --lr." in error
    assert not Path("run").exists()


def test_divergence_after_an_epoch_keeps_its_weights(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = run_module.Run.save, []

    def spoiling(self: run_module.Run) -> None:
        real(self)
        calls.append(self)
        with minicnn.no_grad():
            next(iter(self.model.parameters())).fill_(float("nan"))

    monkeypatch.setattr(run_module.Run, "save", spoiling)
    error = failure(capsys, 1, *QUICK[:4], "3", *QUICK[5:], "--out", "run")
    assert "the weights of epoch 1 are in run" in error
    assert json.loads(Path("run", "settings.json").read_text())["diverged"]
    assert main(["evaluate", "run"]) == 0
    assert "This run diverged, after 1 whole epoch of 3." in capsys.readouterr().out


def test_a_batch_too_large_names_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    error = failure(capsys, 1, *QUICK, "--batch-size", "271")
    assert error.startswith("minicnn train: a batch has more pictures than there are.")
    assert "Fix: pass a smaller --batch-size." in error
    assert not Path("runs").exists()


def test_a_wrong_backend_in_the_environment(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setenv("MINICNN_BACKEND", "abacus")
    monkeypatch.setattr("minicnn.backend._default", None)
    error = failure(capsys, 1, *QUICK)
    assert "there is no backend 'abacus'" in error
    assert "MINICNN_BACKEND=abacus" in error
    assert "Fix: unset the variable MINICNN_BACKEND, or pass --backend numpy." in error


def test_out_is_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("")
    for out in ("file", "file/run"):
        assert "file is a file" in failure(capsys, 1, *QUICK, "--out", out)


def test_another_folder_than_asked_for_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK, "--out", "run"]) == 0
    assert "not empty" not in capsys.readouterr().out
    assert main([*QUICK, "--out", "run"]) == 0
    assert "run is not empty; this run goes to run-001" in capsys.readouterr().out


@pytest.mark.parametrize("what", ["save_weights", "write_atomic"])
def test_a_full_disk_in_training(capsys: pytest.CaptureFixture[str], monkeypatch: Any, what: str) -> None:
    real = run_module.fit

    def fit(*args: Any, **options: Any) -> Any:
        monkeypatch.setattr(run_module, what, full)
        return real(*args, **options)

    monkeypatch.setattr(run_module, "fit", fit)
    assert main([*QUICK[:4], "2", *QUICK[5:], "--out", "run"]) == 1
    out, error = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()[3:6]] == ["epoch", "1", "2"]
    assert out.splitlines()[-1].startswith("test accuracy ")
    first, *rest = error.splitlines()
    assert first.startswith("The weights of epoch 1 could not be saved; training goes on.")
    assert rest[0] == "run folder: the weights could not be saved."
    assert "No space left" in rest[1]
    assert len(rest) == 3


def test_disk_full_for_one_epoch_only(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    real, calls = run_module.save_weights, []

    def save(*args: Any) -> None:
        calls.append(args)
        if len(calls) == 1:
            full()
        real(*args)

    monkeypatch.setattr(run_module, "save_weights", save)
    assert main([*QUICK[:4], "2", *QUICK[5:], "--out", "run", "--quiet"]) == 0
    assert "epoch 1 could not be saved" in capsys.readouterr().err
    assert read_weights("run/model.safetensors")


def test_an_interrupted_run_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run_module.Run, "_save_epoch", interrupt)
    assert main([*QUICK[:4], "3", *QUICK[5:], "--out", "run"]) == 130
    capsys.readouterr()
    assert main(["evaluate", "run"]) == 0
    assert "This run was interrupted, after 1 whole epoch of 3." in capsys.readouterr().out


@pytest.mark.skipif(
    sys.platform == "win32" or threading.current_thread() is not threading.main_thread(), reason="needs SIGINT"
)
def test_a_second_ctrl_c_lets_saving_finish(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    real, calls = run_module.save_weights, []

    def save(*args: Any) -> None:
        calls.append(args)
        os.kill(os.getpid(), signal.SIGINT)
        real(*args)

    monkeypatch.setattr(run_module, "save_weights", save)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        assert main([*QUICK, "--out", "run"]) == 130
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(calls) == 2
    assert "are in run" in capsys.readouterr().err
    assert read_weights("run/model.safetensors")


def test_ctrl_c_before_there_is_a_run(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run_module, "check_room", interrupt)
    assert main([*QUICK, "--out", "run"]) == 130
    assert capsys.readouterr().err == "minicnn: interrupted.\n"
    assert not Path("run").exists()


@pytest.mark.parametrize("sure", [True, False])
def test_an_unsure_network_says_so(capsys: pytest.CaptureFixture[str], sure: bool) -> None:
    from PIL import Image

    from minicnn.train import save_weights

    assert main([*QUICK, "--out", "run", "--quiet"]) == 0
    model, *_ = run_module.open_run("run")
    with minicnn.no_grad():
        for p in model.parameters():
            p.fill_(0)
        list(model.parameters())[-1][3] = 5.0 if sure else 2.0
    save_weights(model, "run/model.safetensors")
    Image.fromarray(minicnn.data.Digits(train=False).data.numpy()[0]).save("p.png")
    capsys.readouterr()
    assert main(["predict", "run", "p.png"]) == 0
    assert ("The network is unsure: no class reaches 60%." in capsys.readouterr().out) is not sure
