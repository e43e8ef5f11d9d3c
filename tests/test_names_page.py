"""The page of PyTorch's names is what the code says, and each absence has a reason."""

import importlib
import subprocess
import sys
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
    assert all(reason.text and reason.state in ("absent", "differs", "refused", "room") for reason in names.reasons())
    assert len({(r.state, r.text) for r in names.reasons()}) == len(names.reasons())


def test_each_name_stands_once_under_one_reason():
    for room, named in names.states().items():
        for name in {n.name for n in named}:
            state = next(n.state for n in named if n.name == name)
            exact = [r.text for r in names.reasons() if r.state == state and name in r.names.get(room, ())]
            assert len(exact) <= 1, f"{room}.{name}: {exact}"


def test_what_is_refused_is_not_counted_as_there():
    found = {n.name: n.state for n in names.states()["torch"]}
    assert {found[name] for name in ("half", "float16", "bfloat16", "autocast", "GradScaler")} == {"refused"}
    assert "torch](#torch) | minicnn | 588 | " in names.page()


@pytest.mark.parametrize(
    ("room", "name", "reason", "fix"),
    [
        ("minicnn.nn", "LSTM", "torch.nn.LSTM is not here: recurrent", "docs/names.md"),
        ("minicnn.linalg", "svd", "no gradient", "docs/names.md"),
        ("minicnn", "vmap", "batch dim", "docs/names.md"),
        ("minicnn", "fft", "Fourier", "docs/names.md"),
        ("minicnn.models", "ResNet18_Weights", "no weights come", "docs/names.md"),
        ("minicnn.optim", "LBFGS", "other kinds of problem", "docs/names.md"),
        ("minicnn.optim", "Adamm", "nor has PyTorch", "write Adam."),
        ("minicnn.optim.lr_scheduler", "StepRL", "nor has PyTorch", "write StepLR."),
        ("minicnn.nn", "conv2d", "nor has PyTorch", "write Conv2d."),
        ("minicnn.nn.functional", "ctc_loss", "sequences", "docs/names.md"),
        ("minicnn.nn.utils", "rnn", "packed sequences", "docs/names.md"),
        ("minicnn.data", "DistributedSampler", "several machines", "docs/names.md"),
        ("minicnn.data.transforms", "v2", "second version", "docs/names.md"),
        ("minicnn.cuda", "ExternalStream", "several machines", "docs/names.md"),
        ("minicnn.cuda", "make_graphed_callables", "captures forward, backward", "docs/names.md"),
        ("minicnn.utils", "tensorboard", "TensorBoard", "docs/names.md"),
        ("minicnn.autograd", "profiler", "profiler", "docs/names.md"),
    ],
)
def test_an_absent_name_is_answered_with_its_reason(room, name, reason, fix):
    module = importlib.import_module(room)
    with pytest.raises(AttributeError) as caught:
        getattr(module, name)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{room}: module {room!r} has no attribute {name!r}."
    assert reason in lines[1]
    assert fix in lines[2]
    assert len(lines) == 3
    assert not hasattr(module, name)
    with pytest.raises(ImportError, match=f"cannot import name {name!r}"):
        exec(f"from {room} import {name}")


def test_python_asks_rooms_for_names_of_its_own():
    with pytest.raises(AttributeError, match=r"^module 'minicnn\.nn' has no attribute '__wrapped__'$"):
        minicnn.nn.__wrapped__  # noqa: B018
    code = "import sys, minicnn; hasattr(minicnn, '__wrapped__'); print('minicnn.testing' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


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
