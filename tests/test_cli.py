"""The command line: what it prints, what it leaves behind, and what it says to wrong use."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_mnist import TEST, write_tiny_mnist

import minicnn
from minicnn.cli import main, parser
from minicnn.errors import CheckpointError
from minicnn.models import names
from minicnn.train import History, read_weights
from minicnn.train import run as run_module
from minicnn.train.settings import DATASETS, EPOCHS, Settings

ROOT = Path(__file__).parent.parent
QUICK = ["--data", "mnist", "--epochs", "1", "--batch-size", "50", "--model", "strided"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_mnist(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def trained(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert main(["train", *QUICK, "--data-root", str(root), "--out", str(folder), "--quiet"]) == 0
    return folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MINICNN_DATA", raising=False)
    monkeypatch.delenv("MINICNN_BACKEND", raising=False)


def program(*words: Any, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run ``python -m minicnn`` in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    command = [sys.executable, "-m", "minicnn", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, **options)


def failure(capsys: pytest.CaptureFixture[str], code: int, *words: Any) -> str:
    """Run the command; check that it fails with the code and an error of three lines; return the error."""
    assert main([str(word) for word in words]) == code
    error = capsys.readouterr().err
    lines = error.splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("  ")
    assert lines[2].startswith("  Fix: ")
    assert "Traceback" not in error
    return error


# ---- train


def test_train_prints_what_it_does_and_the_accuracy_last(root: Path, tmp_path: Path) -> None:
    done = program("train", *QUICK, "--epochs", 2, "--data-root", root, "--threads", 1, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0].startswith("strided with 57,926 parameters, on mnist: 270 pictures to train, 30 to validate,")
    assert (
        lines[2]
        == "AdamW, one-cycle learning rate up to 0.006; pictures shifted by up to 2 pixels, labels smoothed by 0.02."
    )
    assert [line.split()[0] for line in lines[3:6]] == ["epoch", "1", "2"]
    assert lines[7] == f"the run folder is {Path('runs', 'mnist-strided-001')}"
    accuracy = json.loads((tmp_path / "runs/mnist-strided-001/settings.json").read_text())["test_accuracy"]
    assert lines[-1] == f"test accuracy {accuracy:.2%} ({round(accuracy * TEST)} of {TEST})"


def test_same_seed_same_weights_in_two_processes(root: Path, tmp_path: Path) -> None:
    blobs = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        done = program("train", *QUICK, "--data-root", root, "--seed", seed, "--out", name, "--quiet", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert [line.split(" is ")[0][:13] for line in done.stdout.splitlines()] == [
            "the run folder"[:13],
            "test accuracy",
        ]
        blobs.append((tmp_path / name / "model.safetensors").read_bytes())
    assert blobs[0] == blobs[1]
    assert blobs[0] != blobs[2]


def test_runs_are_numbered_not_overwritten(root: Path, tmp_path: Path, trained: Path) -> None:
    before = (trained / "model.safetensors").read_bytes()
    assert main(["train", *QUICK, "--data-root", str(root), "--seed", "9", "--out", str(trained), "--quiet"]) == 0
    assert (trained / "model.safetensors").read_bytes() == before
    assert (trained.parent / "run-001" / "model.safetensors").read_bytes() != before


def test_data_from_the_environment(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINICNN_DATA", str(root))
    assert main(["train", *QUICK, "--out", "run", "--quiet"]) == 0


def test_without_matplotlib(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def missing(*_: Any) -> None:
        raise minicnn.viz.MissingMatplotlibError

    monkeypatch.setattr("minicnn.viz.plots.new_figure", missing)
    assert main(["train", *QUICK, "--data-root", str(root), "--out", "run"]) == 0
    assert "pip install 'minicnn[viz]'" in capsys.readouterr().out
    assert not Path("run", "curves.png").exists()


def test_ctrl_c_saves(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    real = run_module.save_weights
    saves = []

    def interrupting(*args: Any) -> None:
        real(*args)
        saves.append(args)
        if len(saves) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(run_module, "save_weights", interrupting)
    assert main(["train", *QUICK, "--epochs", "5", "--data-root", str(root), "--out", "run"]) == 130
    assert "interrupted after 2 whole epochs of 5" in capsys.readouterr().err
    assert len(History.from_csv(Path("run", "history.csv").read_text())) == 2
    record = json.loads(Path("run", "settings.json").read_text())
    assert record["interrupted"]
    assert not record["finished"]
    assert main(["evaluate", "run"]) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT to one process")
def test_real_ctrl_c(tmp_path: Path, root: Path) -> None:
    command = [sys.executable, "-m", "minicnn", "train", *QUICK, "--epochs", "10000", "--data-root", str(root)]
    with subprocess.Popen(
        [*command, "--out", "run"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    ) as process:
        stdout = process.stdout
        assert stdout is not None
        for line in stdout:
            if line.split()[0] == "2":
                break
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=60)
    assert process.returncode == 130, out + error
    assert "interrupted after" in error
    assert "Traceback" not in error
    assert read_weights(tmp_path / "run" / "model.safetensors")


# ---- evaluate


def test_evaluate(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(trained)]) == 0
    lines = capsys.readouterr().out.splitlines()
    accuracy = json.loads((trained / "settings.json").read_text())["test_accuracy"]
    assert lines[-1].startswith(f"test accuracy {accuracy:.2%}")
    assert "predicted" in lines[2]
    rows = [line.split() for line in lines[4:14]]
    assert [row[0] for row in rows] == [str(digit) for digit in range(10)]
    counts = sum(int(cell) for row in rows for cell in row[3:13] if cell != ".")
    assert counts == TEST


@pytest.mark.parametrize("how", ["missing", "empty", "file"])
def test_evaluate_what_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str) -> None:
    place = tmp_path / "place"
    if how == "empty":
        place.mkdir()
    elif how == "file":
        place.write_text("")
    for command in (["evaluate", place], ["predict", place, write_digit(tmp_path)]):
        assert "no run folder" in failure(capsys, 1, *command)


def test_evaluate_damaged_weights(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "copy"
    place.mkdir()
    for name in ("settings.json", "model.safetensors"):
        (place / name).write_bytes((trained / name).read_bytes())
    (place / "model.safetensors").write_bytes((trained / "model.safetensors").read_bytes()[:-100])
    assert "truncated" in failure(capsys, 1, "evaluate", place)
    (place / "model.safetensors").unlink()
    assert "not there" in failure(capsys, 1, "evaluate", place)


def test_evaluate_without_its_data(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert str(tmp_path / "none") in failure(capsys, 1, "evaluate", trained, "--data-root", tmp_path / "none")


# ---- predict (pictures are in test_picture.py)


def write_digit(folder: Path) -> Path:
    from PIL import Image

    digit = minicnn.data.Digits(train=False).data.numpy()[0]
    Image.fromarray(digit).save(folder / "digit.png")
    return folder / "digit.png"


def test_predict(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(trained), str(write_digit(tmp_path))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("digit.png: 28x28 pixels")
    shares = [float(line.split("%")[0].split()[-1]) for line in lines[2:12]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100, abs=1)
    assert lines[2].count("#") == round(30 * shares[0] / 100)


# ---- doctor, help and version


def test_doctor(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--data-root", str(root)]) == 0
    out = capsys.readouterr().out
    for text in (
        minicnn.__version__,
        np.__version__,
        "threads",
        "GPU",
        "matplotlib",
        "Pillow",
        "digits: in the package",
    ):
        assert text in out
    assert f"mnist: {root / 'mnist'}" in out
    assert "fashion-mnist: not found; looked in" in out


def test_doctor_works_where_things_are_wrong(tmp_path: Path) -> None:
    done = program("doctor", cwd=tmp_path, env={"MINICNN_BACKEND": "abacus", "MINICNN_DATA": "none"})
    assert done.returncode == 0, done.stderr
    assert "there is no backend 'abacus'" in done.stdout
    assert str(Path("none", "mnist")) in done.stdout


def test_version_and_help(tmp_path: Path) -> None:
    assert program("--version", cwd=tmp_path).stdout == f"minicnn {minicnn.__version__}\n"
    for words in ([], ["train"], ["evaluate"], ["predict"], ["doctor"]):
        done = program(*words, "--help", cwd=tmp_path)
        assert done.returncode == 0
        assert done.stdout.startswith("usage: minicnn")


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from minicnn.cli.parser import parse\n"
        "try: parse(['train', '--help'])\n"
        "except SystemExit: print([m for m in sys.modules if m in "
        "('minicnn.nn', 'minicnn.data', 'minicnn.train', 'tqdm', 'matplotlib', 'PIL', 'safetensors')])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_parser_names_what_there_is() -> None:
    assert list(parser.DATASETS) == list(DATASETS) == list(EPOCHS)
    assert list(parser.MODELS) == names()
    options, defaults = parser.parse(["train"]), Settings()
    for name in ("model", "data", "batch_size", "lr", "seed", "shift", "threads"):
        assert getattr(options, name) == getattr(defaults, name)
    assert "12 for digits, 5 for mnist, 10 for fashion-mnist" in (ROOT / "minicnn/cli/parser.py").read_text()
    assert list(EPOCHS.values()) == [12, 5, 10]


def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m minicnn doctor | head -n 1"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""


# ---- wrong use


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "COMMAND"),
        (["trian"], "trian"),
        (["train", "--colour"], "--colour"),
        (["train", "--epoch", "3"], "--epoch"),
        (["train", "--epochs", "0"], "at least 1, got '0'"),
        (["train", "--epochs", "-3"], "--epochs"),
        (["train", "--epochs", "many"], "'many'"),
        (["train", "--epochs"], "--epochs"),
        (["train", "--lr", "-0.1"], "--lr"),
        (["train", "--lr", "0"], "above 0"),
        (["train", "--lr", "nan"], "above 0"),
        (["train", "--batch-size", "0"], "--batch-size"),
        (["train", "--seed", "1.5"], "--seed"),
        (["train", "--model", "alexnet"], "lenet5"),
        (["train", "--data", "imagenet"], "fashion-mnist"),
        (["train", "--backend", "abacus"], "numpy"),
        (["evaluate"], "RUN"),
        (["predict", "run"], "IMAGE"),
        (["evaluate", "a", "b"], "b"),
    ],
    ids=str,
)
def test_usage_errors(capsys: pytest.CaptureFixture[str], words: list[str], text: str) -> None:
    error = failure(capsys, 2, *words)
    assert text in error
    assert "--help" in error


def test_missing_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("mnist", "fashion-mnist"):
        error = failure(capsys, 1, "train", "--data", name, "--data-root", tmp_path / "none")
        assert str(tmp_path / "none" / name) in error
        assert "--download" in error
        assert "http" in error
    assert not Path("runs").exists()


def test_damaged_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_tiny_mnist(tmp_path / "data")
    path = root / "mnist" / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:1000])
    assert path.name in failure(capsys, 1, "train", *QUICK, "--data-root", root)


def test_output_that_cannot_be_written_is_found_before_training(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    for out in ("file", "file/run"):
        assert "cannot be made" in failure(capsys, 1, "train", *QUICK, "--data-root", root, "--out", out)

    def full(folder: Path, size: int) -> None:
        assert size > 2 * 57_926 * 4
        raise CheckpointError("write: room cannot be written.\n  No space left on device\n  Fix: make room.")

    monkeypatch.setattr(run_module, "check_room", full)
    assert "No space left" in failure(capsys, 1, "train", *QUICK, "--data-root", root, "--out", "run")


def test_no_gpu(capsys: pytest.CaptureFixture[str]) -> None:
    from minicnn.backend.cupy import why_not

    if why_not() is None:
        pytest.skip("there is a GPU here")
    assert "a GPU was asked for, and " in failure(capsys, 1, "train", "--backend", "cupy")


# ---- the real thing


@pytest.mark.slow
def test_train_reaches_its_accuracy_in_time(tmp_path: Path) -> None:
    done = program("train", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs" / "digits-lenet5-001"
    assert json.loads((folder / "settings.json").read_text())["test_accuracy"] >= 0.985
    assert sum(History.from_csv((folder / "history.csv").read_text()).column("seconds")) <= 60


@pytest.mark.slow
def test_train_on_mnist(tmp_path: Path) -> None:
    root = DATA
    if root is None or "mnist" not in minicnn.data.find_datasets(root):
        pytest.skip("MINICNN_DATA names no folder with MNIST")
    done = program("train", "--data", "mnist", "--epochs", 5, "--data-root", root, "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "run" / "settings.json").read_text())["test_accuracy"] >= 0.990


DATA = os.environ.get("MINICNN_DATA")  # read before a fixture takes it away
