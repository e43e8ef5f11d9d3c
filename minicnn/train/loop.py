"""The training loop: `fit` and `evaluate`, for classifiers."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minicnn import cuda
from minicnn.autograd import no_grad
from minicnn.backend import backend_of, to_numpy
from minicnn.errors import DataError, ParameterError, message
from minicnn.ops import cross_entropy
from minicnn.train.history import Epoch, History

if TYPE_CHECKING:
    from minicnn import nn
    from minicnn.tensor import Tensor

__all__ = ["Evaluation", "SettingError", "evaluate", "fit"]

LossFunction = Callable[[Any, Any], Any]
WIDTHS = {"epoch": 5, "train loss": 10, "train acc": 9, "val loss": 8, "val acc": 7, "lr": 8, "seconds": 7}


class SettingError(ParameterError):
    """Training cannot be done, or go on, with the value that a setting has.

    Args:
        where: the function that says so.
        setting: its name.
        problem: as in all messages.
        got: likewise.

    Attributes:
        setting, problem, got: as given, for a command that has an option in the setting's place.

    >>> print(SettingError("fit", "lr", "training diverged.", "loss nan"))
    fit: training diverged.
      loss nan
      Fix: pass a smaller lr.
    """

    def __init__(self, where: str, setting: str, problem: str, got: str) -> None:
        super().__init__(message(where, problem, got, f"pass a smaller {setting}."))
        self.setting, self.problem, self.got = setting, problem, got


class Evaluation(NamedTuple):
    """What `evaluate` measures.

    Attributes:
        loss: the mean over the samples.
        accuracy: the fraction of samples whose class has the largest logit.
        confusion: (K, K) of int64; confusion[i, j] samples of class i were taken for class j.
    """

    loss: float
    accuracy: float
    confusion: np.ndarray[Any, Any]


def fit(
    model: nn.Module,
    train_loader: Iterable[Any],
    val_loader: Iterable[Any],
    optimizer: Any,
    scheduler: Any = None,
    loss_fn: LossFunction = cross_entropy,
    epochs: int = 1,
    *,
    step_each: str = "epoch",
    val_loss_fn: LossFunction | None = None,
    quiet: bool = False,
    history: History | None = None,
    on_epoch: Callable[[History], object] | None = None,
    graph: bool = False,
) -> History:
    """Train a classifier, and measure it after every epoch.

    A progress bar runs on stderr where that is a terminal; a table row an epoch is printed on stdout. The
    training loss and accuracy are means over the epoch's batches as they were trained on: with augmentation
    and changing weights, so they may lie behind those of validation.

    Args:
        model: gives logits (N, K) for x.
        train_loader: batches (x, labels), a new pass an epoch.
        val_loader: the same, for validation.
        optimizer: over the model's parameters.
        scheduler: of the learning rate; None keeps it.
        loss_fn: ``loss_fn(logits, labels)`` gives the mean over the batch; cross-entropy by default.
        epochs: passes over the training samples (1).
        step_each: step the scheduler after each ``"epoch"`` (the default), or ``"batch"``, as OneCycleLR wants.
        val_loss_fn: measures validation in place of ``loss_fn``, such as cross-entropy without the smoothing.
        quiet: print nothing.
        history: rows are added to it; pass one to have the rows after Ctrl-C too. A new one by default.
        on_epoch: called with the history after every epoch, to save, or to stop early by raising.
        graph: on a GPU, capture a step and replay it (see `minicnn.cuda.graph`, also for what cannot be captured); on
            the CPU, without effect.

    On a GPU, values are read at the end of an epoch alone: the losses, the hits and the confusion matrix.

    Returns:
        The history.

    Raises:
        ParameterError: ``epochs`` or ``step_each`` is out of range.
        SettingError: a loss is no longer a number: ``lr`` is too large.
        DataError: a loader gives no batch.

    >>> import minicnn
    >>> from minicnn import data, nn, optim
    >>> _ = minicnn.manual_seed(0)
    >>> x = minicnn.randn(64, 2)
    >>> loader = data.DataLoader(data.TensorDataset(x, (x[:, 0] > 0).long()), batch_size=16)
    >>> model = nn.Linear(2, 2)
    >>> history = fit(model, loader, loader, optim.SGD(model.parameters(), lr=1.0), epochs=5, quiet=True)
    >>> history.rows[-1].val_accuracy > 0.9
    True
    """
    if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 1:
        problem = "epochs expects a whole number of at least 1."
        raise ParameterError(message("fit", problem, f"got {epochs!r}", "pass epochs=1 or more."))
    if step_each not in ("epoch", "batch"):
        got, fix = f"got {step_each!r}", 'pass "batch" for OneCycleLR, "epoch" for StepLR and most others.'
        raise ParameterError(message("fit", 'step_each expects "epoch" or "batch".', got, fix))
    history = History() if history is None else history
    if not quiet:
        print("  ".join(f"{name:>{width}}" for name, width in WIDTHS.items()), flush=True)
    batch_scheduler = scheduler if step_each == "batch" else None
    last = len(history) + epochs
    training = _Training(model, optimizer, batch_scheduler, loss_fn, graph)
    for number in range(len(history) + 1, last + 1):
        start = time.perf_counter()
        batches = _progress(train_loader, f"epoch {number}/{last}", quiet)
        train_loss, train_accuracy, lr = training.epoch(batches)
        _check_finite("training", train_loss, number, lr)
        val = evaluate(model, val_loader, val_loss_fn or loss_fn)
        _check_finite("validation", val.loss, number, lr)
        if scheduler is not None and batch_scheduler is None:
            scheduler.step()
        seconds = time.perf_counter() - start
        history.rows.append(Epoch(number, train_loss, train_accuracy, val.loss, val.accuracy, lr, seconds))
        if not quiet:
            print(_row(history.rows[-1]), flush=True)
        if on_epoch is not None:
            on_epoch(history)
    return history


def _check_finite(part: str, loss: float, epoch: int, lr: float) -> None:
    if not math.isfinite(loss):
        got = f"{part} loss {loss} in epoch {epoch}, at lr={lr:.3g}"
        raise SettingError("fit", "lr", "the loss is no longer a number: training diverged.", got)


class _Training:
    """What trains a model: its step, captured if asked for, and the sums that all steps add to."""

    def __init__(self, model: nn.Module, optimizer: Any, scheduler: Any, loss_fn: LossFunction, graph: bool) -> None:
        self.model, self.optimizer, self.scheduler, self.loss_fn = model, optimizer, scheduler, loss_fn
        self.totals = _Totals()
        self.run: Callable[[Tensor, Tensor], None] = cuda.graph(self.step) if graph else self.step

    def step(self, x: Tensor, labels: Tensor) -> None:
        """Change the weights by one batch, and add to the sums."""
        self.optimizer.zero_grad()
        logits = self.model(x)
        loss = self.loss_fn(logits, labels)
        loss.backward()
        self.optimizer.step()
        if self.scheduler is not None:
            self.scheduler.step()
        self.totals.add(loss, logits, labels)

    def epoch(self, batches: Iterable[Any]) -> tuple[float, float, float]:
        """Train on each batch once; return the mean loss, the accuracy, and the learning rate of the last step."""
        self.model.train()
        self.totals.clear()
        lr = 0.0
        for x, labels in _on_device(self.model, batches):
            lr = float(self.optimizer.param_groups[0]["lr"])
            self.run(x, labels)
            self.totals.samples += len(labels)
        return (*self.totals.means("fit", "train_loader"), lr)


def evaluate(model: nn.Module, loader: Iterable[Any], loss_fn: LossFunction = cross_entropy) -> Evaluation:
    """Measure a classifier on every batch of a loader; the model's mode is as before when done.

    Args:
        model: gives logits (N, K) for x.
        loader: batches (x, labels).
        loss_fn: ``loss_fn(logits, labels)`` gives the mean over the batch; cross-entropy by default.

    Returns:
        (loss, accuracy, confusion matrix).

    Raises:
        DataError: the loader gives no batch.

    >>> import minicnn
    >>> from minicnn import nn
    >>> model = nn.Flatten()  # the input is the logits
    >>> batch = minicnn.tensor([[3.0, 0.0], [0.0, 3.0], [0.0, 3.0]]), minicnn.tensor([0, 1, 0])
    >>> evaluate(model, [batch]).confusion
    array([[1, 1],
           [0, 1]])
    """
    was_training = model.training
    model.eval()
    totals = _Totals()
    confusion: Any = None
    try:
        with no_grad():
            for x, labels in _on_device(model, loader):
                logits = model(x)
                totals.add(loss_fn(logits, labels), logits, labels)
                totals.samples += len(labels)
                confusion = _add_confusion(confusion, logits, labels)
    finally:
        model.train(was_training)
    loss, accuracy = totals.means("evaluate", "loader")
    return Evaluation(loss, accuracy, to_numpy(confusion).astype(np.int64))


def _add_confusion(confusion: Any, logits: Tensor, labels: Tensor) -> Any:
    """Count the samples of each class and of what they were taken for, where the logits are: an array (K, K)."""
    be, classes = backend_of(logits._array), logits.shape[1]
    if confusion is None:
        confusion = be.xp.zeros((classes, classes), dtype="uint64")
    be.add_at(confusion, (labels._array, logits.argmax(1)._array), 1)
    return confusion


class _Totals:
    """Sums over batches, kept where the tensors are: reading a number after every batch would stall a GPU.

    They are added to in place, so that a captured step goes on adding; samples are counted by whoever calls it.
    """

    def __init__(self) -> None:
        self.samples = 0
        self.loss: Any = None
        self.hits: Any = None

    def clear(self) -> None:
        self.samples = 0
        if self.loss is not None:
            self.loss.zero_()
            self.hits.zero_()

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        with no_grad():
            loss_sum, hits = loss.detach() * len(labels), (logits.detach().argmax(1) == labels).sum()
            if self.loss is None:
                self.loss, self.hits = loss_sum, hits
            else:
                self.loss.add_(loss_sum)
                self.hits.add_(hits)

    def means(self, where: str, loader: str) -> tuple[float, float]:
        if not self.samples:
            problem, got = f"{loader} gives no batch.", "0 samples"
            fix = "give it samples; with drop_last=True at least batch_size of them."
            raise DataError(message(where, problem, got, fix))
        return float(self.loss) / self.samples, int(self.hits) / self.samples


def _on_device(model: nn.Module, batches: Iterable[Any]) -> Iterator[tuple[Tensor, Tensor]]:
    """Give the batches on the device of the model's parameters."""
    first = next(iter(model.parameters()), None)
    for x, labels in batches:
        yield (x, labels) if first is None else (x.to(device=first.device), labels.to(device=first.device))


def _progress(loader: Iterable[Any], title: str, quiet: bool) -> Iterable[Any]:
    """Return the loader behind a bar, which goes when the epoch is over: the table's row takes its place."""
    if quiet or not sys.stderr.isatty():
        return loader
    from tqdm import tqdm

    bar: Iterable[Any] = tqdm(loader, desc=title, leave=False, unit="batch", dynamic_ncols=True)
    return bar


def _row(row: Epoch) -> str:
    cells = [
        str(row.epoch),
        f"{row.train_loss:.4f}",
        f"{row.train_accuracy:.2%}",
        f"{row.val_loss:.4f}",
        f"{row.val_accuracy:.2%}",
        f"{row.lr:.2e}",
        f"{row.seconds:.1f}",
    ]
    return "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS.values(), strict=True))
