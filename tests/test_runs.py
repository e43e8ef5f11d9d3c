"""Whole runs: settings, seeds, and the folder that keeps them."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from tiny_mnist import TEST, TRAIN, write_tiny_mnist

import minicnn
from minicnn.errors import CheckpointError, MinicnnError, ParameterError
from minicnn.train import History, Run, Settings, evaluate, evaluate_run, open_run
from minicnn.train.run import new_folder, surroundings
from minicnn.train.settings import load_settings


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_mnist(tmp_path_factory.mktemp("tiny"))


def settings(tiny: Path, **others: Any) -> Settings:
    return Settings(**{"data": "mnist", "data_root": str(tiny), "epochs": 1, "batch_size": 50, **others})


def test_same_seed_same_weights(tiny: Path, tmp_path: Path) -> None:
    blobs = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        job = Run(settings(tiny, seed=seed), tmp_path / name)
        job.train(quiet=True)
        blobs.append((tmp_path / name / "model.safetensors").read_bytes())
    assert blobs[0] == blobs[1]
    assert blobs[0] != blobs[2]


def test_a_run_on_a_device_gives_the_same_weights(tiny: Path, tmp_path: Path, cpu_kernels: str) -> None:
    """The strict backend refuses what a GPU's would, and computes the same numbers by the same kernels."""
    losses = []
    for backend in ("numpy", "strict"):
        wanted = settings(tiny, backend=backend)
        with surroundings(wanted):
            job = Run(wanted, tmp_path / backend)
            job.train(quiet=True)
            measured = job.test()
            assert evaluate_run(tmp_path / backend)[0].loss == measured.loss
        losses.append(measured.loss)
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    if cpu_kernels == "plain":
        weights = [(tmp_path / backend / "model.safetensors").read_bytes() for backend in ("numpy", "strict")]
        assert weights[0] == weights[1]


def test_nothing_is_left_where_there_is_no_room(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise CheckpointError

    monkeypatch.setattr("minicnn.train.run.check_room", full)
    with pytest.raises(CheckpointError):
        Run(settings(tiny), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_run_folder(tiny: Path, tmp_path: Path) -> None:
    job = Run(settings(tiny, epochs=2), tmp_path / "run")
    assert job.sizes == (270, 30, TEST)
    assert json.loads((tmp_path / "run" / "settings.json").read_text())["finished"] is False
    job.train(quiet=True)
    measured = job.test()
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "curves.png",
        "history.csv",
        "model.safetensors",
        "settings.json",
    ]
    record = json.loads((tmp_path / "run" / "settings.json").read_text())
    assert record["finished"] is True
    assert record["test_accuracy"] == measured.accuracy
    assert record["epochs_done"] == 2
    assert record["settings"]["seed"] == 0
    assert record["versions"]["minicnn"] == minicnn.__version__
    assert len(History.from_csv((tmp_path / "run" / "history.csv").read_text())) == 2
    assert (tmp_path / "run" / "curves.png").read_bytes()[:4] == b"\x89PNG"
    again, names = evaluate_run(tmp_path / "run")
    assert again.accuracy == measured.accuracy
    assert again.loss == measured.loss
    assert len(names) == 10


def test_the_validation_loss_is_not_smoothed(tiny: Path, tmp_path: Path) -> None:
    job = Run(settings(tiny, label_smoothing=0.5), tmp_path / "run")
    (row,) = job.train(quiet=True).rows
    assert row.val_loss == evaluate(job.model, job.val_loader).loss


def test_a_deleted_folder_is_made_again(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = Run(settings(tiny, epochs=2), tmp_path / "run")
    shutil.rmtree(job.folder)
    job.train(quiet=True)
    job.test()
    assert len(list(job.folder.iterdir())) == 4


def test_weights_that_cannot_be_saved(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    job = Run(settings(tiny, epochs=2), tmp_path / "run")

    def full(*_: object) -> None:
        raise CheckpointError("write: no.\n  No space left\n  Fix: make room.")

    monkeypatch.setattr("minicnn.train.run.save_weights", full)
    with pytest.raises(CheckpointError, match="weights could not be saved") as error:
        job.train(quiet=True)
    assert "No space left" in str(error.value).splitlines()[1]
    assert "weights of epoch 1 could not be saved; training goes on" in capsys.readouterr().err
    assert len(job.history) == 2


def test_a_folder_that_was_there_is_not_deleted(tiny: Path, tmp_path: Path) -> None:
    for name in ("old", "new"):
        if name == "old":
            (tmp_path / name).mkdir()
        job = Run(settings(tiny), tmp_path / name)
        job.discard()
        assert (tmp_path / name).exists() is (name == "old")
    assert not list((tmp_path / "old").iterdir())
    job = Run(settings(tiny), tmp_path / "kept")
    job.train(quiet=True)
    job.discard()
    assert (tmp_path / "kept" / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("wrong", "note"),
    [
        ({}, "on pictures shifted by up to 2 pixels, with smoothed labels in the loss; validation: after it, without"),
        ({"shift": 0, "label_smoothing": 0.0}, "training: averages over the epoch; validation: after it"),
    ],
    ids=["as usual", "plain"],
)
def test_curves_say_what_is_compared(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any], note: str
) -> None:
    seen: list[Any] = []
    real = minicnn.viz.curves
    monkeypatch.setattr("minicnn.viz.curves", lambda *words: seen.append(words) or real(*words))
    job = Run(settings(tiny, **wrong), tmp_path / "run")
    job.train(quiet=True)
    job.draw()
    assert seen[0][1] == "lenet5 on mnist"
    assert note in seen[0][2]


def test_validation_pictures_are_not_trained_on(tiny: Path, tmp_path: Path) -> None:
    job = Run(settings(tiny), tmp_path / "run")
    train, val = ({image.tobytes() for image in loader.dataset.images} for loader in (job.train_loader, job.val_loader))
    assert not train & val
    assert len(train) + len(val) == TRAIN


def test_batch_larger_than_the_data(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="batch"):
        Run(settings(tiny, batch_size=271), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"data": "cifar"},
        {"model": "alexnet"},
        {"epochs": 0},
        {"batch_size": 0},
        {"lr": 0.0},
        {"lr": -1.0},
        {"lr": math.inf},
        {"lr": math.nan},
        {"seed": -1},
        {"seed": 1.5},
        {"shift": -1},
        {"shift": 9},
        {"label_smoothing": 1.5},
        {"val_fraction": 0.0},
        {"weight_decay": -0.1},
        {"threads": -1},
    ],
    ids=str,
)
def test_settings_out_of_range(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(ParameterError, match=name) as error:
        Settings(**wrong)
    assert len(str(error.value).splitlines()) == 3


def test_folders_are_numbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert [new_folder(None, "digits-lenet5") for _ in range(3)] == [
        Path("runs", f"digits-lenet5-00{number}") for number in (1, 2, 3)
    ]
    assert new_folder("mine", "x") == Path("mine")
    assert new_folder("mine", "x") == Path("mine")  # still empty
    Path("mine", "settings.json").write_text("{}")
    assert new_folder("mine", "x") == Path("mine-001")
    assert new_folder("mine", "x") == Path("mine-002")
    assert new_folder("runs", "x") == Path("runs", "x-001")


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(CheckpointError, match="cannot be made") as error:
            new_folder(out, "x")
        assert len(str(error.value).splitlines()) == 3


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"settings": 3}', '{"settings": {"colour": 1}}', "\udcff"])
def test_damaged_settings(tmp_path: Path, text: str) -> None:
    (tmp_path / "settings.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(CheckpointError, match="damaged"):
        load_settings(tmp_path)


def test_settings_of_an_unknown_model(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"settings": {"model": "alexnet"}}')
    with pytest.raises(MinicnnError, match="model"):
        load_settings(tmp_path)


def test_open_run_without_weights(tiny: Path, tmp_path: Path) -> None:
    Run(settings(tiny), tmp_path / "run")
    with pytest.raises(CheckpointError, match="not there"):
        open_run(tmp_path / "run")
