"""A whole run: data, network, training, and a folder that keeps all of it.

A run folder holds ``model.safetensors`` (weights), ``history.csv`` (a row an epoch), ``settings.json`` (what
was asked for, what came out, and the versions it came from) and, where matplotlib is installed, ``curves.png``.
The first three are brought up to date after every epoch, each whole or not at all.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import minicnn
from minicnn import models, nn, optim
from minicnn.data import DataLoader
from minicnn.data.datasets import LabelledImages
from minicnn.errors import CheckpointError, message
from minicnn.files import check_room, write_atomic
from minicnn.ops import cross_entropy
from minicnn.random import Generator
from minicnn.train.checkpoint import load_weights, save_weights
from minicnn.train.history import History
from minicnn.train.images import Images
from minicnn.train.loop import Evaluation, SettingError, evaluate, fit
from minicnn.train.settings import Settings, load_settings, open_dataset

__all__ = ["Run", "evaluate_run", "new_folder", "open_run", "surroundings"]

WEIGHTS, HISTORY, CURVES, SETTINGS = "model.safetensors", "history.csv", "curves.png", "settings.json"
EVAL_BATCH = 500
ROOM = 300_000  # bytes for history, settings and curves, with a margin


@contextlib.contextmanager
def surroundings(settings: Settings, backend: str | None = None, threads: int | None = None) -> Iterator[None]:
    """Use a run's backend and number of threads within a block.

    Args:
        settings: of the run.
        backend: one to use in place of the run's.
        threads: as many in place of the run's; 0 leaves it to NumPy.

    Raises:
        BackendError: the backend cannot be used here.
    """
    from threadpoolctl import threadpool_limits

    wanted = settings.threads if threads is None else threads
    # NumPy need not warn of overflows as well: `fit` says so when training diverges.
    quiet = np.errstate(over="ignore", invalid="ignore")
    with minicnn.use(backend or settings.backend), threadpool_limits(wanted or None), quiet:
        yield


def new_folder(out: str | Path | None, name: str) -> Path:
    """Make the folder of a new run; no run that is there is touched.

    Args:
        out: None gives ``runs/NAME-001``, or the next number that is free. A folder that is not there yet, or
            is empty, is taken as it is. Beside a run folder, the next number is made; in any other folder
            that holds something, ``NAME-001``.
        name: such as ``digits-lenet5``.

    Raises:
        CheckpointError: it cannot be made.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     first = new_folder(place + "/mine", "digits")
    ...     write_atomic(first / "settings.json", "{}")
    ...     first.name, new_folder(place + "/mine", "digits").name, new_folder(place, "digits").name
    ('mine', 'mine-001', 'digits-001')
    """
    wanted = Path("runs", name) if out is None else Path(out)
    for place in (wanted, *wanted.parents):
        if place.exists() and not place.is_dir():
            got, fix = f"{place} is a file, no folder", "name a folder: --out DIR."
            raise CheckpointError(message("run folder", f"{wanted} cannot be made.", got, fix))
    try:
        if out is not None:
            wanted.mkdir(parents=True, exist_ok=True)
            if not any(wanted.iterdir()):
                return wanted
            if not (wanted / SETTINGS).exists():
                wanted = wanted / name
        wanted.parent.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            folder = wanted.with_name(f"{wanted.name}-{number:03d}")
            try:
                folder.mkdir()  # looks and takes in one step, so that two runs at once get two folders
                return folder
            except FileExistsError:
                number += 1
    except OSError as error:
        got = f"{error.filename or wanted}: {error.strerror or type(error).__name__}"
        fix = "name a folder that you may write to: --out DIR."
        raise CheckpointError(message("run folder", f"{wanted} cannot be made.", got, fix)) from error


class Run:
    """One training run, from settings to a run folder.

    Args:
        settings: what to train, and how.
        out: the run folder, as `new_folder` takes it.

    Attributes:
        settings, folder: the run folder, which is made at once.
        model: the network, with new weights.
        history: a row an epoch, as far as training has come.
        sizes: how many pictures there are to train, to validate and to test.

    Raises:
        DataError: the files of the data set are missing or damaged.
        CheckpointError: the run folder cannot be made, or has no room for the weights.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = Run(Settings(model="strided", epochs=1), folder)
    ...     run.sizes
    (9000, 1000, 2000)
    """

    def __init__(self, settings: Settings, out: str | Path | None = None) -> None:
        self.settings = settings
        dataset, self.test_set = (open_dataset(settings, train) for train in (True, False))
        generator = Generator().manual_seed(settings.seed)
        order = generator.numpy.permutation(len(dataset))
        held_out = max(1, round(len(dataset) * settings.val_fraction))
        train, val = order[held_out:], order[:held_out]
        if len(train) < settings.batch_size:
            got = f"batch_size={settings.batch_size}, {len(train)} training pictures"
            raise SettingError("Run", "batch_size", "a batch has more pictures than there are.", got)
        self.sizes = len(train), len(val), len(self.test_set)
        shifted = _images(dataset, train, settings.shift)
        self.train_loader = DataLoader(
            shifted, settings.batch_size, shuffle=True, drop_last=True, seed=settings.seed, pin_memory=True
        )
        self.val_loader = DataLoader(_images(dataset, val), EVAL_BATCH, pin_memory=True)
        minicnn.manual_seed(settings.seed)
        self.model = models.get(settings.model)(num_classes=len(dataset.classes))
        self.history = History()
        self.results: dict[str, Any] = {"finished": False}
        there = out is not None and Path(out).exists()
        self.folder = new_folder(out, f"{settings.data}-{settings.model}")
        self._made = not (there and self.folder == Path(str(out)))
        # Now, not after a minute of training. Twice the weights: the old file stays until the new one is whole.
        try:
            check_room(self.folder, 2 * sum(value.numel() * value.dtype.itemsize for value in self.weights()) + ROOM)
            self.save_settings()
        except BaseException:  # Ctrl-C too
            self.discard()
            raise

    def discard(self) -> None:
        """Delete the run folder if it holds no weights: it would only be in the way. One that was there stays."""
        if (self.folder / WEIGHTS).exists():
            return
        with contextlib.suppress(OSError):  # it holds something else
            (self.folder / SETTINGS).unlink(missing_ok=True)
            if self._made:
                self.folder.rmdir()

    def weights(self) -> list[Any]:
        """Return all parameters and buffers."""
        return list(self.model.state_dict().values())

    def train(self, quiet: bool = False) -> History:
        """Train for the epochs of the settings; the run folder is brought up to date after each of them.

        Args:
            quiet: print nothing.

        Raises:
            KeyboardInterrupt: Ctrl-C; `save` then keeps what is there.
            SettingError: training diverged, or a batch has more pictures than there are.
            CheckpointError: after the last epoch, the weights could not be saved. After another, training goes on
                and stderr has a line of it.
        """
        s = self.settings
        optimizer = optim.AdamW(self.model.parameters(), lr=s.lr, weight_decay=s.weight_decay)
        steps = s.epochs * len(self.train_loader)
        schedule = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=s.lr, total_steps=steps)
        loss_fn = nn.CrossEntropyLoss(label_smoothing=s.label_smoothing)
        return fit(
            self.model,
            self.train_loader,
            self.val_loader,
            optimizer,
            schedule,
            loss_fn,
            s.epochs,
            step_each="batch",
            val_loss_fn=cross_entropy,  # of the labels as they are: only what is optimized is smoothed
            quiet=quiet,
            history=self.history,
            on_epoch=self._save_epoch,
            graph=s.graph,
        )

    def _save_epoch(self, history: History) -> None:
        try:
            self.save()
        except CheckpointError as error:
            if len(history) >= self.settings.epochs:
                raise
            got = str(error).splitlines()[1].strip()
            print(f"The weights of epoch {len(history)} could not be saved; training goes on. {got}", file=sys.stderr)

    def save(self) -> None:
        """Write weights, history and settings as they are now, in a new folder where the run's has been deleted.

        Raises:
            CheckpointError: a file cannot be written; the old one is as it was.
        """
        try:
            with contextlib.suppress(OSError):  # the next line says it better
                self.folder.mkdir(parents=True, exist_ok=True)
            save_weights(self.model, self.folder / WEIGHTS)
            write_atomic(self.folder / HISTORY, self.history.to_csv())
            self.save_settings()
        except CheckpointError as error:
            got = str(error).splitlines()[1].strip()
            fix = "make room there, or train again into another folder: --out DIR."
            raise CheckpointError(message("run folder", "the weights could not be saved.", got, fix)) from error

    def test(self) -> Evaluation:
        """Measure on the test pictures, save the run with the result, and draw the curves.

        The attribute ``measured`` has the result too, even where saving fails.

        Raises:
            CheckpointError: a file cannot be written.
        """
        self.measured = evaluate(self.model, _test_loader(self.test_set))
        loss, accuracy, _ = self.measured
        self.results = {"finished": True, "test_loss": loss, "test_accuracy": accuracy}
        self.save()
        self.drawn = self.draw()
        return self.measured

    def draw(self) -> bool:
        """Write ``curves.png`` if there is an epoch to show and matplotlib is installed; say whether it was written."""
        from minicnn import viz  # at run time only: viz stands above this room

        if not len(self.history):
            return False
        try:
            figure = viz.curves(self.history, f"{self.settings.model} on {self.settings.data}", self._note())
        except viz.MissingMatplotlibError:
            return False  # an extra: a run is whole without it
        viz.save(figure, self.folder / CURVES)
        return True

    def _note(self) -> str:
        """Return what to know when training and validation are compared."""
        s = self.settings
        extras = [f"on pictures shifted by up to {s.shift} pixels"] * bool(s.shift)
        extras += ["with smoothed labels in the loss"] * bool(s.label_smoothing)
        without = "; validation: after it, without these" if extras else "; validation: after it"
        return ", ".join(["training: averages over the epoch", *extras]) + without

    def save_settings(self) -> None:
        """Write ``settings.json``, results included.

        Raises:
            CheckpointError: it cannot be written.
        """
        record = {
            "settings": dataclasses.asdict(self.settings),
            "pictures": dict(zip(("train", "val", "test"), self.sizes, strict=True)),
            "epochs_done": len(self.history),
            **self.results,
            "saved": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "versions": {
                "minicnn": minicnn.__version__,
                "python": platform.python_version(),
                "numpy": np.__version__,
            },
        }
        write_atomic(self.folder / SETTINGS, json.dumps(record, indent=2) + "\n")


def _images(dataset: LabelledImages, rows: np.ndarray[Any, Any], shift: int = 0) -> Images:
    pixels, labels = dataset.data.cpu().numpy(), dataset.targets.cpu().numpy()
    return Images(pixels[rows], labels[rows], dataset.mean, dataset.std, shift)


def _test_loader(dataset: LabelledImages) -> DataLoader:
    return DataLoader(_images(dataset, np.arange(len(dataset))), EVAL_BATCH, pin_memory=True)


def open_run(folder: str | Path) -> tuple[nn.Module, Settings, dict[str, Any]]:
    """Return the network of a run folder with its weights, its settings, and the rest of settings.json.

    Args:
        folder: a run folder.

    Raises:
        CheckpointError: it is no run folder, or one of its files is missing or damaged.
    """
    folder = Path(folder)
    settings, record = load_settings(folder)
    model = models.get(settings.model)()
    load_weights(model, folder / WEIGHTS)
    model.eval()
    return model, settings, record


def evaluate_run(folder: str | Path, data_root: str | None = None) -> tuple[Evaluation, list[str]]:
    """Measure the network of a run folder on its test pictures; return that, and the names of the classes.

    Args:
        folder: a run folder.
        data_root: the folder of the data set's files, where it is another than in training.

    Raises:
        CheckpointError: as `open_run`.
        DataError: the files of the data set are missing or damaged.
    """
    model, settings, _ = open_run(folder)
    dataset = open_dataset(settings, train=False, data_root=data_root)
    return evaluate(model, _test_loader(dataset)), dataset.classes
