"""Batches by pinned memory: the same values, each on its way before it is asked for."""

import itertools

import numpy as np
import pytest

import minicnn
from minicnn.backend import get
from minicnn.backend.device import BACKENDS
from minicnn.data import DataLoader, TensorDataset
from minicnn.errors import BackendError


def loader(**options):
    with minicnn.use("numpy"):
        x = minicnn.arange(40).reshape(20, 2).float()
        return DataLoader(TensorDataset(x, minicnn.arange(20)), 3, shuffle=True, seed=1, **options)


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_are_those_of_the_plain_loader(device, workers):
    plain = [[part.tolist() for part in batch] for batch in loader()]
    pinned = loader(pin_memory=True, num_workers=workers)
    for _ in range(2):
        pinned.epoch = 0
        found = []
        for x, t in pinned:
            assert x.device.type == t.device.type == "cpu"
            assert x.is_pinned()
            moved = [part.to(device, non_blocking=True) for part in (x, t)]
            assert moved[0].device.type == device
            assert not moved[0].is_pinned()
            found.append([part.tolist() for part in moved])
        assert found == plain


def test_copies_are_under_way_before_they_are_asked_for(device, monkeypatch):
    be, events = get(BACKENDS[device]), []
    plain = type(be).fetch_ahead
    monkeypatch.setattr(type(be), "fetch_ahead", lambda self, a: events.append("copy") or plain(self, a))
    pinned = loader(pin_memory=True)
    for _ in range(2):
        for x, t in pinned:
            events.append("batch")
            x.to(device)
            t.to(device)
            events.append("step")
    first, later = events[: events.index("step") + 1], events[events.index("step") + 1 :]
    assert first == ["batch", "copy", "copy", "step"]  # where the batches go is not known before
    # One batch is not ahead: the second one was fetched with the first. From then on, each copy starts before its
    # batch is given, and none is made twice.
    assert later[:3] == ["copy", "copy", "batch"]
    assert events.count("copy") == 2 * events.count("batch")
    steps = [i for i, event in enumerate(events) if event == "step"]
    for before, after in itertools.pairwise(steps[8:]):
        assert "copy" not in events[events.index("batch", before) : after]


def test_what_is_written_to_a_batch_is_moved_with_it(device, monkeypatch):
    be = get(BACKENDS[device])
    plain = type(be).fetch_ahead

    def soon(self, array):  # a copy that is over before the batch is written to
        get_copy = plain(self, array)
        copy = get_copy()
        be.synchronize()
        return lambda: copy

    monkeypatch.setattr(type(be), "fetch_ahead", soon)
    batches = iter(loader(pin_memory=True))
    next(batches)[0].to(device)
    x, _ = next(batches)
    x, _ = next(batches)
    x += 100
    assert x.to(device).tolist() == x.tolist()
    y = x.to(device)
    assert y.tolist() == x.tolist()
    assert y is not x.to(device)


def test_nested_batches_and_other_values(device):
    from typing import NamedTuple

    class Pair(NamedTuple):
        x: object
        name: str

    rows = [Pair(np.full(2, i, "float32"), f"n{i}") for i in range(4)]
    for batch in DataLoader(rows, 2, pin_memory=True):
        assert batch.x.is_pinned()
        assert len(batch.name) == 2
    (batch,) = DataLoader([{"a": [1, 2.5]}, {"a": [3, 4.5]}], 2, pin_memory=True)
    assert [part.to(device).tolist() for part in batch["a"]] == [[1, 3], [2.5, 4.5]]


def test_pinned_tensors(device):
    x = minicnn.ones(3, device="cpu")
    assert not x.is_pinned()
    y = x.pin_memory()
    assert y.is_pinned()
    assert y.pin_memory() is y
    assert y.tolist() == [1.0] * 3
    assert not y.clone().is_pinned()
    assert (y + 1).to(device).tolist() == [2.0] * 3
    with pytest.raises(BackendError, match="page-locked"):
        x.to(device).pin_memory()


def test_on_the_cpu_nothing_changes(monkeypatch):
    monkeypatch.setattr("minicnn.backend._made", {"numpy": get("numpy")})
    for x, t in loader(pin_memory=True):
        assert not x.is_pinned()
        assert x._ahead is t._ahead is None
        assert x.to("cpu") is x


def test_the_loop_leaves_early(device):
    pinned = loader(pin_memory=True, num_workers=2)
    for x, _ in pinned:
        x.to(device)
        break
    assert len(list(pinned)) == 7
