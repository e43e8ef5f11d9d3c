"""The loader: the same batches for the same seed, whatever the number of workers; and collation."""

from __future__ import annotations

import collections
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np
import pytest

from minicnn import Tensor, as_tensor, from_numpy
from minicnn.data import DataLoader, Dataset, Digits, Subset, TensorDataset, default_collate
from minicnn.data.transforms import Compose, RandomCrop, RandomHorizontalFlip, ToTensor
from minicnn.errors import ArgumentTypeError, ParameterError, ShapeError
from minicnn.random import Generator, default_generator, manual_seed


@contextmanager
def three_lines(kind: type[Exception], *words: str) -> Iterator[None]:
    """Expect an error of three lines, the last with the fix, that has all the words in it."""
    with pytest.raises(kind) as caught:
        yield
    text = str(caught.value)
    assert text.count("\n") == 2, text
    assert text.splitlines()[2].startswith("  Fix: "), text
    for word in words:
        assert word in text, f"{word!r} is not in:\n{text}"


class Counted(Dataset):
    """Samples (i, i²), with a record of the threads and of what was fetched."""

    def __init__(self, length: int, delay: float = 0, fails_at: int | None = None) -> None:
        self.length, self.delay, self.fails_at = length, delay, fails_at
        self.fetched: list[int] = []
        self.threads: set[str] = set()

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[int, int]:
        self.threads.add(threading.current_thread().name)
        self.fetched.append(index)
        if index == self.fails_at:
            raise ZeroDivisionError(f"sample {index}")
        time.sleep(self.delay * (index % 3))  # later samples may be ready sooner
        return index, index**2


def listed(loader: Any) -> list[list[int]]:
    """Return the first field of every batch of an epoch."""
    return [batch[0].tolist() for batch in loader]


def rows(count: int) -> TensorDataset:
    return TensorDataset(from_numpy(np.arange(count)), from_numpy(np.arange(count) ** 2))


def loader_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("minicnn-loader")]


# ---- the loader's batches


def test_loader_lengths() -> None:
    for data in (rows(10), Counted(10)):
        loader = DataLoader(data, batch_size=4)
        assert len(loader) == 3
        assert listed(loader) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
        loader = DataLoader(data, batch_size=4, drop_last=True)
        assert len(loader) == 2
        assert listed(loader) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert listed(DataLoader(rows(8), batch_size=4)) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert listed(DataLoader(rows(3), 5, drop_last=True)) == []


def test_loader_gives_lists_of_tensors() -> None:
    for data in (rows(4), Counted(4)):
        batch = next(iter(DataLoader(data, batch_size=3)))
        assert type(batch) is list
        assert all(isinstance(field, Tensor) and field.dtype == np.int64 for field in batch)
        assert batch[1].tolist() == [0, 1, 4]


def test_batches_do_not_share_memory_with_the_dataset() -> None:
    data = rows(4)
    for x, _ in DataLoader(data, batch_size=2):
        x.numpy()[...] = -1
    assert data.tensors[0].tolist() == [0, 1, 2, 3]


def test_shuffle_is_a_permutation_that_changes_by_epoch() -> None:
    loader = DataLoader(rows(50), batch_size=8, shuffle=True)
    epochs = [list(chain.from_iterable(listed(loader))) for _ in range(3)]
    assert all(sorted(epoch) == list(range(50)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_seed_determines_every_epoch_alone(workers: int) -> None:
    def epochs(**arguments: Any) -> list[list[list[int]]]:
        loader = DataLoader(Counted(30), batch_size=4, shuffle=True, num_workers=workers, **arguments)
        found = []
        for _ in range(3):
            default_generator.numpy.random(7)  # whatever else draws
            found.append(listed(loader))
        return found

    manual_seed(0)
    first = epochs(seed=3)
    assert first == epochs(seed=3) != epochs(seed=4)
    assert first[0] != first[1] != first[2]
    loader = DataLoader(rows(30), batch_size=4, shuffle=True, seed=3)
    loader.epoch = 2  # as when a run is resumed
    assert listed(loader) == first[2]
    state = default_generator.get_state()
    listed(loader)
    assert default_generator.get_state() == state


def test_generator_and_manual_seed() -> None:
    def epoch(generator: Generator | None = None) -> list[list[int]]:
        return listed(DataLoader(rows(30), batch_size=4, shuffle=True, generator=generator))

    manual_seed(1)
    first, second = epoch(), epoch()
    manual_seed(1)
    assert epoch() == first != second
    assert epoch() == second
    own = Generator().manual_seed(9)
    state = default_generator.get_state()
    first = epoch(own)
    assert default_generator.get_state() == state
    assert epoch(Generator().manual_seed(9)) == first != epoch(own)


def test_two_open_loops_have_an_order_each() -> None:
    loader = DataLoader(rows(20), batch_size=20, shuffle=True, seed=0)
    first, second = iter(loader), iter(loader)
    late, early = next(second)[0].tolist(), next(first)[0].tolist()
    loader.epoch = 0
    assert [listed(loader)[0], listed(loader)[0]] == [early, late]


def test_samplers() -> None:
    loader = DataLoader(rows(9), batch_size=2, sampler=[8, 0, 4])
    assert (listed(loader), len(loader)) == ([[8, 0], [4]], 2)
    loader = DataLoader(rows(9), batch_sampler=[[1], [2, 3]])
    assert (listed(loader), len(loader)) == ([[1], [2, 3]], 2)
    loader = DataLoader(rows(9), batch_size=2, sampler=iter([1, 2, 3]))
    with three_lines(ArgumentTypeError, "__len__"):
        len(loader)
    assert listed(loader) == [[1, 2], [3]]


def test_collate_fn_gets_single_samples() -> None:
    batches = list(DataLoader(rows(3), batch_size=2, collate_fn=lambda samples: samples))
    assert [[int(y) for _, y in batch] for batch in batches] == [[0, 1], [4]]


def test_getitems_giving_a_list_is_collated_as_in_pytorch() -> None:
    class Listing(Counted):
        def __getitems__(self, indices: list[int]) -> list[tuple[int, int]]:
            assert all(type(index) is int for index in indices)
            return [(-index, 0) for index in indices]

    assert listed(DataLoader(Listing(3), batch_size=2)) == [[0, -1], [-2]]
    assert listed(DataLoader(Subset(Listing(3), [2, 1]), batch_size=2)) == [[-2, -1]]


def test_a_subclass_that_changes_the_samples_is_not_bypassed() -> None:
    class Negative(TensorDataset):
        def __getitem__(self, index: int) -> tuple[Any, ...]:
            return tuple(0 - int(field) for field in super().__getitem__(index))

    data = Negative(from_numpy(np.arange(4)))
    assert listed(DataLoader(data, batch_size=4)) == [[0, -1, -2, -3]]
    assert listed(DataLoader(Subset(data, [3, 1]), batch_size=4)) == [[-3, -1]]


def test_plain_sequences_are_datasets() -> None:
    assert [batch.tolist() for batch in DataLoader([1.5, 2.5, 3.5], batch_size=2)] == [[1.5, 2.5], [3.5]]
    assert [batch.tolist() for batch in DataLoader(np.eye(2), batch_size=2)] == [[[1, 0], [0, 1]]]
    assert [batch.tolist() for batch in DataLoader(as_tensor([[1], [2]]), batch_size=2)] == [[[1], [2]]]


def test_empty_dataset() -> None:
    loader = DataLoader(rows(0), batch_size=4)
    assert (len(loader), list(loader)) == (0, [])
    with three_lines(ParameterError, "empty", "shuffle=False"):
        DataLoader(rows(0), shuffle=True)


@pytest.mark.parametrize(
    ("kind", "arguments", "words"),
    [
        (ParameterError, {"batch_size": 0}, ["batch_size", "from 1", "got batch_size=0"]),
        (ParameterError, {"batch_size": 2.5}, ["batch_size", "whole"]),
        (ParameterError, {"batch_size": True}, ["batch_size", "whole"]),
        (ParameterError, {"batch_size": None, "drop_last": True}, ["batch_size=None", "drop_last"]),
        (ParameterError, {"timeout": -1}, ["timeout", "0 or more"]),
        (ParameterError, {"num_workers": -1}, ["num_workers"]),
        (ParameterError, {"num_workers": 1, "prefetch_factor": 0}, ["prefetch_factor"]),
        (ParameterError, {"prefetch_factor": 2}, ["prefetch_factor", "num_workers=0"]),
        (ParameterError, {"persistent_workers": True}, ["persistent_workers", "num_workers=0"]),
        (ParameterError, {"sampler": [0], "shuffle": True}, ["sampler", "shuffle"]),
        (ParameterError, {"batch_sampler": [[0]], "batch_size": 2}, ["batch_sampler", "batch_size"]),
        (ParameterError, {"batch_sampler": [[0]], "drop_last": True}, ["batch_sampler", "drop_last"]),
        (ParameterError, {"seed": 1, "generator": Generator()}, ["seed", "generator"]),
        (ArgumentTypeError, {"seed": 1.5}, ["seed", "int"]),
        (ArgumentTypeError, {"generator": 3}, ["generator", "Generator"]),
        (ArgumentTypeError, {"collate_fn": 3}, ["collate_fn", "function"]),
    ],
)
def test_bad_arguments(kind: type[Exception], arguments: dict[str, Any], words: list[str]) -> None:
    with three_lines(kind, "DataLoader", *words):
        DataLoader(rows(3), **arguments)


def test_what_is_no_dataset() -> None:
    for wrong, missing in ((5, "__getitem__"), (iter([1]), "__getitem__"), (Dataset(), "__len__")):
        with three_lines(ArgumentTypeError, type(wrong).__name__, missing):
            DataLoader(wrong)


# ---- workers


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_workers_keep_the_order(workers: int) -> None:
    data = Counted(23, delay=0.002)
    expected = listed(DataLoader(Counted(23), batch_size=3, shuffle=True, seed=1))
    loader = DataLoader(data, batch_size=3, shuffle=True, seed=1, num_workers=workers, persistent_workers=True)
    assert listed(loader) == expected
    assert 1 <= len(data.threads) <= workers
    assert threading.main_thread().name not in data.threads
    assert not loader_threads()


def test_workers_fetch_only_so_far_ahead() -> None:
    data = Counted(100)
    batches = iter(DataLoader(data, batch_size=1, num_workers=2, prefetch_factor=3))
    next(batches)
    time.sleep(0.05)
    assert len(data.fetched) <= 7
    del batches
    assert not loader_threads()


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_in_a_sample_reaches_the_loop_at_its_place(workers: int) -> None:
    seen = []
    batches = iter(DataLoader(Counted(12, fails_at=5), batch_size=2, num_workers=workers))
    seen.extend(next(batches)[0].tolist() for _ in range(2))
    with pytest.raises(ZeroDivisionError, match="sample 5"):
        next(batches)
    assert seen == [[0, 1], [2, 3]]
    assert list(batches) == []
    assert not loader_threads()


def test_leaving_the_loop_early_leaves_no_thread() -> None:
    before = threading.active_count()
    for _ in range(3):
        for _ in DataLoader(Counted(1000, delay=0.001), batch_size=2, num_workers=3):
            break
        assert threading.active_count() == before


def test_worker_init_fn() -> None:
    numbers: list[int] = []
    listed(DataLoader(Counted(40, delay=0.001), num_workers=3, worker_init_fn=numbers.append))
    assert sorted(numbers) == list(range(len(numbers)))
    assert 1 <= len(numbers) <= 3


@pytest.mark.parametrize("random", [True, False])
def test_random_transforms_do_not_depend_on_workers(random: bool) -> None:
    choices = [RandomCrop(28, padding=3), RandomHorizontalFlip()] if random else []
    part = Digits(train=False, transform=Compose([*choices, ToTensor()]))
    part.data, part.targets = part.data[:40], part.targets[:40]

    def epoch(workers: int, seed: int) -> np.ndarray:
        loader = DataLoader(part, batch_size=7, shuffle=True, num_workers=workers, seed=seed)
        return np.concatenate([x.numpy() for x, _ in loader])

    first = epoch(0, 1)
    for workers in (1, 4):
        np.testing.assert_array_equal(epoch(workers, 1), first)
    assert not np.array_equal(epoch(0, 2), first)


# ---- collation


def test_default_collate() -> None:
    Pair = collections.namedtuple("Pair", "a b")
    batch = default_collate([Pair(1, {"k": 0.5, "s": "x"}), Pair(2, {"k": 1.5, "s": "y"})])
    assert type(batch) is Pair
    assert batch.a.tolist() == [1, 2]
    assert batch.b["k"].dtype == np.float64
    assert batch.b["s"] == ["x", "y"]
    assert default_collate([True, False]).dtype == np.bool_
    assert default_collate([np.float32(1), np.float32(2)]).dtype == np.float32
    assert default_collate([np.zeros((2, 3), np.uint8)] * 4).shape == (4, 2, 3)
    assert default_collate([as_tensor([1.0]), as_tensor([2.0])]).tolist() == [[1.0], [2.0]]
    assert default_collate([[1, b"a"], [2, b"b"]])[1] == [b"a", b"b"]


def test_default_collate_refuses() -> None:
    with three_lines(ShapeError, "sample 0 of the batch has shape (2,), sample 1 has (3,)", "collate_fn"):
        default_collate([np.zeros(2), np.zeros(3)])
    with three_lines(ShapeError, "[1, 2]"):
        default_collate([(1,), (1, 2)])
    with three_lines(ArgumentTypeError, "NoneType", "collate_fn"):
        default_collate([None, None])
    with three_lines(ArgumentTypeError, "at least one"):
        default_collate([])


@pytest.mark.peers
@pytest.mark.parametrize("samples", [[1, 2], [1.0, 2.0], [True, False], [(1, 2.0), (3, 4.0)], [{"a": 1}, {"a": 2}]])
def test_default_collate_is_pytorchs(samples: list[Any]) -> None:
    data = pytest.importorskip("torch.utils.data")

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [plain(item) for item in value]
        return value.tolist(), value.numpy().dtype

    assert plain(default_collate(samples)) == plain(data.default_collate(samples))
