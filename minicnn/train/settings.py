"""The settings of a training run: one record, checked once, stored beside the weights."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minicnn import models
from minicnn.data import MNIST, Digits, FashionMNIST
from minicnn.data.datasets import LabelledImages
from minicnn.errors import CheckpointError, ParameterError, message

__all__ = ["DATASETS", "EPOCHS", "Settings", "load_settings", "open_dataset"]

DATASETS: dict[str, type[LabelledImages]] = {"digits": Digits, "mnist": MNIST, "fashion-mnist": FashionMNIST}
MAX_SHIFT = 8  # pixels; moved farther, digits leave their 28×28
EPOCHS = {"digits": 12, "mnist": 5, "fashion-mnist": 10}


@dataclasses.dataclass
class Settings:
    """What determines a run; the same settings give the same weights, bit for bit, on the same machine.

    Args:
        data: ``"digits"`` (in the package), ``"mnist"`` or ``"fashion-mnist"``.
        data_root: the folder of the data set's files; None looks where `minicnn.data.MNIST` does.
        model: a name of `minicnn.models.names`.
        epochs: passes over the training pictures; None stands for 12, 5 and 10, by data set.
        batch_size: pictures a step.
        lr: the highest learning rate of the one-cycle schedule.
        weight_decay: AdamW's.
        label_smoothing: the part of each label that is spread over all classes, from 0 to 1.
        shift: training pictures are moved by up to so many pixels in both directions, at most 8.
        val_fraction: the part of the training pictures that is held out for validation.
        seed: of the weights, the split, the order of pictures, and the shifts.
        backend: ``"numpy"``, a GPU's, or ``"auto"``.
        graph: on a GPU, capture a training step and replay it.
        threads: for NumPy's matrix products; 0 leaves it to NumPy. One is as fast for matrices this small, far
            faster on a busy machine, where threads wait for each other, and gives the same last digits on
            machines with any number of cores.

    Raises:
        ParameterError: a value is out of range; the message names it.

    >>> Settings(data="mnist").epochs
    5
    """

    data: str = "digits"
    data_root: str | None = None
    model: str = "lenet5"
    epochs: int = None  # type: ignore[assignment]  # an int from __post_init__ on
    batch_size: int = 64
    lr: float = 6e-3
    weight_decay: float = 0.01
    label_smoothing: float = 0.02
    shift: int = 2
    val_fraction: float = 0.1
    seed: int = 0
    backend: str = "numpy"
    graph: bool = False
    threads: int = 1

    def __post_init__(self) -> None:
        self._check("data", self.data in DATASETS, f"one of {', '.join(DATASETS)}")
        self._check("model", self.model in models.names(), f"one of {', '.join(models.names())}")
        if self.epochs is None:
            self.epochs = EPOCHS[self.data]
        for name in ("epochs", "batch_size"):
            self._check_number(name, int, lambda value: value >= 1, "a whole number of at least 1")
        for name in ("seed", "threads"):
            self._check_number(name, int, lambda value: value >= 0, "a whole number of at least 0")
        self._check_number("shift", int, lambda value: 0 <= value <= MAX_SHIFT, f"a whole number from 0 to {MAX_SHIFT}")
        self._check_number("lr", (int, float), lambda value: 0 < value < float("inf"), "a number above 0")
        self._check_number("weight_decay", (int, float), lambda value: 0 <= value < float("inf"), "0 or more")
        self._check_number("label_smoothing", (int, float), lambda value: 0 <= value <= 1, "a number from 0 to 1")
        self._check_number("val_fraction", (int, float), lambda value: 0 < value < 1, "a number between 0 and 1")

    def _check_number(self, name: str, kinds: Any, good: Callable[[Any], bool], wanted: str) -> None:
        value = getattr(self, name)
        self._check(name, isinstance(value, kinds) and not isinstance(value, bool) and good(value), wanted)

    def _check(self, name: str, good: bool, wanted: str) -> None:
        if not good:
            got = f"got {name}={getattr(self, name)!r}"
            fix = f"pass {name} as {wanted}."
            raise ParameterError(message("Settings", f"{name} expects {wanted}.", got, fix))


def load_settings(folder: Path) -> tuple[Settings, dict[str, Any]]:
    """Return the settings of a run folder, and what else its ``settings.json`` holds.

    Args:
        folder: a run folder.

    Raises:
        CheckpointError: there is no such folder, or its ``settings.json`` is missing or damaged.
    """
    path = folder / "settings.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        settings = Settings(**record.pop("settings"))
    except OSError as error:
        problem = f"{folder} is no run folder: it has no settings.json that can be read."
        got = f"{path}: {error.strerror or type(error).__name__}"
        fix = "name a folder that `minicnn train` has made, such as runs/digits-lenet5-001."
        raise CheckpointError(message("run folder", problem, got, fix)) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        got = f"{path}: {' '.join(str(error).split())}"
        fix = "train again; settings.json is written by `minicnn train` and not meant to be edited."
        raise CheckpointError(message("run folder", "settings.json is damaged.", got, fix)) from None
    return settings, record


def open_dataset(settings: Settings, train: bool, data_root: str | None = None) -> LabelledImages:
    """Return the data set that the settings name.

    Args:
        settings: name the data set, and its folder.
        train: the training pictures, or the test pictures.
        data_root: another folder than that of the settings.

    Raises:
        DataError: its files are missing or damaged.

    >>> len(open_dataset(Settings(), train=False))
    2000
    """
    if settings.data == "digits":
        return Digits(train=train)
    dataset: LabelledImages = (MNIST if settings.data == "mnist" else FashionMNIST)(
        data_root or settings.data_root, train=train
    )
    return dataset
