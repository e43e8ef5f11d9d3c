"""The page of PyTorch's names is what the code says, and each absence has a reason."""

from pathlib import Path

import pytest

import minicnn
from minicnn.testing import names

PAGE = Path(minicnn.__file__).parents[1] / "docs" / "names.md"


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == names.page(), "run python -m minicnn.testing.names"


def test_each_absence_has_a_reason_and_each_reason_a_name():
    found = [(room, named) for room, names_of_room in names.states().items() for named in names_of_room]
    assert not [f"{room}.{named.name}" for room, named in found if named.state == "unexplained"]
    assert not names.stale()
    assert all(reason.text and reason.state in ("absent", "differs") for reason in names.reasons())


def test_the_list_is_whole():
    found = names.torch_names()
    assert sum(map(len, found.values())) > 1800
    assert {"conv2d", "relu"} <= set(found["torch.nn.functional"])
    assert {"tensor", "float32", "no_grad", "Tensor"} <= set(found["torch"])
    assert {"view", "backward", "T"} <= set(found["torch.Tensor"])


def test_states_follow_the_code(monkeypatch):
    def state(room, name):
        return next(n for n in names.states()[room] if n.name == name)

    assert state("torch.nn", "Linear").state == "there"
    assert state("torch.Tensor", "view").state == "differs"
    assert "recurrent" in state("torch.nn", "LSTM").reason
    page = names.page()
    monkeypatch.delattr(minicnn.nn, "Linear")
    assert state("torch.nn", "Linear").state == "unexplained"
    assert names.page() != page
    monkeypatch.setattr(minicnn.nn, "LSTM", object, raising=False)
    assert state("torch.nn", "LSTM").state == "there"
    monkeypatch.setattr(minicnn.nn, "GRU", object, raising=False)
    monkeypatch.setattr(minicnn.nn, "GRUCell", object, raising=False)
    assert "absent: torch.nn GRU*" in names.stale()


@pytest.mark.peers
def test_the_list_is_pytorchs():
    torch = pytest.importorskip("torch")
    if not torch.__version__.startswith("2.13"):
        pytest.skip(f"the list is of PyTorch 2.13, this is {torch.__version__}")
    from minicnn.testing.names.collect import collect

    kept = names.torch_names()
    found = collect()
    assert {room: kept[room] for room in found} == found
    assert {room for room in kept if not room.startswith("torchvision")} <= set(found)
