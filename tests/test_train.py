"""The training loop, its history, the pictures it is fed, and the networks."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minicnn
from minicnn import models, nn, optim
from minicnn.data import DataLoader, Digits, TensorDataset
from minicnn.errors import CheckpointError, DataError, KeyNameError, ParameterError, ShapeError
from minicnn.train import Epoch, History, Images, evaluate, fit, shift


def problem(rows: int = 40, batch: int = 16) -> tuple[nn.Module, DataLoader, Any]:
    minicnn.manual_seed(0)
    x = minicnn.randn(rows, 3)
    loader = DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), batch_size=batch)
    model = nn.Linear(3, 2)
    return model, loader, optim.SGD(model.parameters(), lr=0.5)


# ---- fit


def test_fit_learns_and_returns_a_row_an_epoch() -> None:
    model, loader, optimizer = problem()
    history = fit(model, loader, loader, optimizer, epochs=8, quiet=True)
    assert [row.epoch for row in history.rows] == list(range(1, 9))
    assert history.rows[-1].train_loss < history.rows[0].train_loss
    assert history.rows[-1].val_accuracy > 0.9
    assert all(row.lr == 0.5 and row.seconds > 0 for row in history.rows)


def test_fit_means_are_over_samples_not_batches() -> None:
    model, loader, _ = problem(rows=40, batch=16)  # batches of 16, 16 and 8
    frozen = optim.SGD(model.parameters(), lr=0.0)
    (row,) = fit(model, loader, loader, frozen, quiet=True).rows
    x, labels = loader.dataset.tensors
    with minicnn.no_grad():
        logits = model(x)
    assert row.train_loss == pytest.approx(nn.functional.cross_entropy(logits, labels).item(), rel=1e-5)
    assert row.train_accuracy == (logits.argmax(1) == labels).float().mean().item()
    assert (row.val_loss, row.val_accuracy) == pytest.approx((row.train_loss, row.train_accuracy))


def test_every_epoch_has_means_of_its_own() -> None:
    model, loader, _ = problem(rows=40, batch=16)
    frozen = optim.SGD(model.parameters(), lr=0.0)
    rows = fit(model, loader, loader, frozen, epochs=3, quiet=True).rows
    assert len({(row.train_loss, row.train_accuracy) for row in rows}) == 1


@pytest.mark.parametrize(("step_each", "steps"), [("epoch", 2), ("batch", 6)])
def test_scheduler_steps(step_each: str, steps: int) -> None:
    model, loader, optimizer = problem()
    schedule = optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    history = fit(model, loader, loader, optimizer, schedule, epochs=2, step_each=step_each, quiet=True)
    assert optimizer.param_groups[0]["lr"] == 0.5 * 0.5**steps
    assert history.column("lr") == ([0.5, 0.25] if step_each == "epoch" else [0.5**3, 0.5**6])


def test_modes_are_set_and_kept() -> None:
    seen: list[bool] = []

    class Watch(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, x: Any) -> Any:
            seen.append(self.training)
            return self.linear(x)

    _, loader, _ = problem()
    model = Watch()
    fit(model, loader, loader, optim.SGD(model.parameters(), lr=0.1), quiet=True)
    assert seen == [True] * 3 + [False] * 3
    assert model.training
    model.eval()
    evaluate(model, loader)
    assert not model.training


def test_table_is_printed_and_no_bar_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    model, loader, optimizer = problem()
    fit(model, loader, loader, optimizer, epochs=2)
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].split("  ")[0] == "epoch"
    assert len(lines) == 3
    assert len({len(line) for line in lines}) == 1
    assert lines[2].split()[0] == "2"
    assert err == ""


def test_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    model, loader, optimizer = problem()
    for quiet in (False, True):
        screen = Terminal()
        monkeypatch.setattr("sys.stderr", screen)
        fit(model, loader, loader, optimizer, quiet=quiet)
        assert ("epoch 1/1" in screen.getvalue()) is not quiet


def test_quiet_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    model, loader, optimizer = problem()
    fit(model, loader, loader, optimizer, quiet=True)
    assert capsys.readouterr() == ("", "")


def test_history_goes_on_and_survives_ctrl_c() -> None:
    model, loader, optimizer = problem()
    history = fit(model, loader, loader, optimizer, epochs=2, quiet=True)

    def interrupt(history: History) -> None:
        if len(history) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(model, loader, loader, optimizer, epochs=9, quiet=True, history=history, on_epoch=interrupt)
    assert history.column("epoch") == [1, 2, 3, 4]


@pytest.mark.parametrize("epochs", [0, -1, 1.5, True, None])
def test_fit_refuses_epochs(epochs: Any) -> None:
    model, loader, optimizer = problem()
    with pytest.raises(ParameterError, match="epochs"):
        fit(model, loader, loader, optimizer, epochs=epochs)


def test_fit_refuses_step_each() -> None:
    model, loader, optimizer = problem()
    with pytest.raises(ParameterError, match="step_each"):
        fit(model, loader, loader, optimizer, step_each="step")


def test_fit_without_batches() -> None:
    model, loader, optimizer = problem()
    with pytest.raises(DataError, match="train_loader gives no batch"):
        fit(model, [], loader, optimizer, quiet=True)
    with pytest.raises(DataError, match="loader gives no batch"):
        fit(model, loader, [], optimizer, quiet=True)


def test_validation_may_have_a_loss_of_its_own() -> None:
    model, loader, _ = problem()
    smoothed = nn.CrossEntropyLoss(label_smoothing=0.5)
    frozen = optim.SGD(model.parameters(), lr=0.0)
    (row,) = fit(model, loader, loader, frozen, None, smoothed, val_loss_fn=nn.CrossEntropyLoss(), quiet=True).rows
    assert row.val_loss == pytest.approx(evaluate(model, loader).loss)
    assert row.train_loss == pytest.approx(evaluate(model, loader, smoothed).loss)
    assert row.train_loss != pytest.approx(row.val_loss, rel=1e-3)


def test_fit_says_when_the_validation_loss_is_no_number() -> None:
    model, loader, optimizer = problem()
    wrong = [(x * math.nan, labels) for x, labels in loader]
    with pytest.raises(ParameterError, match="validation loss"):
        fit(model, loader, wrong, optimizer, quiet=True)


def test_fit_says_when_the_loss_is_no_number() -> None:
    model, loader, optimizer = problem()
    with minicnn.no_grad():
        model.weight.fill_(math.nan)
    with pytest.raises(ParameterError, match="diverged") as error:
        fit(model, loader, loader, optimizer, quiet=True)
    assert "lr=0.5" in str(error.value)


# ---- evaluate


def test_evaluate_by_hand() -> None:
    logits = minicnn.tensor([[5.0, 0, 0], [0, 5, 0], [0, 5, 0], [0, 0, 5], [5, 0, 0]])
    labels = minicnn.tensor([0, 1, 2, 2, 2])
    result = evaluate(nn.Flatten(), DataLoader(TensorDataset(logits, labels), batch_size=2))
    assert result.accuracy == 0.6
    assert result.confusion.tolist() == [[1, 0, 0], [0, 1, 0], [1, 1, 1]]
    assert result.confusion.dtype.kind == "i"
    assert result.loss == pytest.approx(nn.functional.cross_entropy(logits, labels).item())


def test_evaluate_records_no_graph() -> None:
    class Watch(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, x: Any) -> Any:
            out = self.linear(x)
            assert not out.requires_grad
            return out

    evaluate(Watch(), problem()[1])


# ---- history


def test_history_csv() -> None:
    history = History([Epoch(1, 0.1, 1 / 3, 0.2, 0.9, 1e-5, 2.0), Epoch(2, 0.05, 0.5, 0.1, 0.95, 1e-6, 2.5)])
    text = history.to_csv()
    assert text.splitlines()[0] == "epoch,train_loss,train_accuracy,val_loss,val_accuracy,lr,seconds"
    assert History.from_csv(text).rows == history.rows


@pytest.mark.parametrize("text", ["", "a,b\n", "epoch,train_loss\n1,2\n", History().to_csv() + "1,x,0,0,0,0,0\n", "\0"])
def test_history_from_other_text(text: str) -> None:
    with pytest.raises(CheckpointError, match="no history"):
        History.from_csv(text)


# ---- pictures


def test_shift_moves_and_fills() -> None:
    image = np.arange(1, 10, dtype=np.uint8).reshape(1, 3, 3)
    moved = shift(np.repeat(image, 2000, axis=0), 1, np.random.default_rng(0))
    padded = np.pad(image[0], 1)
    expected = {padded[i : i + 3, j : j + 3].tobytes() for i in range(3) for j in range(3)}
    assert {picture.tobytes() for picture in moved} == expected
    assert np.array_equal(shift(image, 0, np.random.default_rng(0)), image)


def test_images_as_the_data_set_normalizes_them() -> None:
    digits = Digits(train=False)
    images = Images(digits.data.numpy(), digits.targets.numpy(), digits.mean, digits.std)
    x, labels = images.__getitems__(range(20))
    wanted, labels_wanted = digits.tensors()
    assert np.array_equal(x.numpy(), wanted.numpy()[:20])
    assert labels.tolist() == labels_wanted.tolist()[:20]
    one, label = images[3]
    assert one.shape == (1, 28, 28)
    assert label.item() == labels_wanted.tolist()[3]


def test_shifts_depend_on_the_loader_alone() -> None:
    digits = Digits(train=False)
    images = Images(digits.data.numpy()[:64], digits.targets.numpy()[:64], 0.5, 0.5, pixels=2)

    def epochs(seed: int, workers: int) -> list[Any]:
        loader = DataLoader(images, 16, shuffle=True, seed=seed, num_workers=workers)
        return [x.numpy().copy() for _ in range(2) for x, _ in loader]

    first = epochs(1, 0)
    assert all(np.array_equal(a, b) for a, b in zip(first, epochs(1, 2), strict=True))
    assert not np.array_equal(first[0], epochs(2, 0)[0])
    assert not np.array_equal(first[0], first[4])


def test_images_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match="label"):
        Images(np.zeros((3, 28, 28), dtype=np.uint8), np.zeros(2, dtype=np.int64), 0, 1)
    with pytest.raises(ParameterError, match="pixels"):
        Images(np.zeros((3, 28, 28), dtype=np.uint8), np.zeros(3, dtype=np.int64), 0, 1, pixels=-1)


# ---- networks


@pytest.mark.parametrize(
    ("make", "count"),
    [
        (models.LeNet5, 61_706),
        (lambda **options: models.LeNet5(variant="tanh", **options), 61_706),
        (models.StridedNet, 57_926),
    ],
)
def test_networks(make: Callable[..., nn.Module], count: int) -> None:
    assert sum(p.numel() for p in make().parameters()) == count
    model = make(num_classes=7, in_channels=3)
    out = model(minicnn.randn(2, 3, 28, 28))
    assert out.shape == (2, 7)
    out.sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_register_of_networks() -> None:
    assert all(issubclass(models.get(name), nn.Module) for name in models.names())
    with pytest.raises(KeyNameError, match="known: lenet5, strided"):
        models.get("alexnet")
    with pytest.raises(ParameterError, match="variant"):
        models.LeNet5(variant="sigmoid")
