"""`set_printoptions` changes how tensors print, as in PyTorch."""

import re

import numpy as np
import pytest

import minicnn
from minicnn.errors import ParameterError

CHOICES = {
    "precision": [0, 1, 2, 4, 6, 8],
    "threshold": [0, 5, 20, 1000, float("inf")],
    "edgeitems": [0, 1, 2, 3, 5],
    "linewidth": [10, 20, 40, 80, 120],
    "profile": ["default", "short", "full"],
    "sci_mode": [True, False, None],
}
X = minicnn.tensor([[0.123456, 20.5, 3.0], [4.0, 5.0, 6.0]])
SHOWN = [
    ({"precision": 2}, X[0], "tensor([ 0.12, 20.50,  3.00])"),
    ({"sci_mode": True, "precision": 1}, X[0], "tensor([1.2e-01, 2.0e+01, 3.0e+00])"),
    ({"sci_mode": False}, X[0] * 1e-6, "tensor([0.0000, 0.0000, 0.0000])"),
    ({"threshold": 5, "edgeitems": 1}, X, "tensor([[0.1235,  ..., 3.0000],\n        [4.0000,  ..., 6.0000]])"),
    ({"profile": "short"}, X[0], "tensor([ 0.12, 20.50,  3.00])"),
    ({"profile": "full"}, minicnn.zeros(1001, dtype=minicnn.int64)[:2], "tensor([0, 0])"),
    ({"linewidth": 20}, minicnn.arange(6), "tensor([0, 1, 2, 3,\n        4, 5])"),
    ({"edgeitems": 2, "threshold": 4}, minicnn.arange(6), "tensor([0, 1,  ..., 4, 5])"),
]


@pytest.fixture(autouse=True)
def _defaults():
    yield
    minicnn.set_printoptions(profile="default")


@pytest.mark.parametrize(("changes", "x", "text"), SHOWN, ids=[str(changes) for changes, _, _ in SHOWN])
def test_options(changes, x, text):
    minicnn.set_printoptions(**changes)
    assert repr(x) == text
    minicnn.set_printoptions(profile="default")
    with minicnn.printoptions(**changes):
        assert repr(x) == text
    assert minicnn.get_printoptions()["precision"] == 4


def test_full_shows_all():
    minicnn.set_printoptions(profile="full")
    assert "..." not in repr(minicnn.arange(2000))


def test_options_stay_until_changed():
    minicnn.set_printoptions(precision=2)
    minicnn.set_printoptions(linewidth=40, sci_mode=True)
    assert minicnn.get_printoptions() == {
        "precision": 2, "threshold": 1000, "edgeitems": 3, "linewidth": 40, "sci_mode": True
    }  # fmt: skip
    minicnn.set_printoptions()
    assert minicnn.get_printoptions()["sci_mode"] is None


@pytest.mark.parametrize("wrong", [{"precision": -1}, {"linewidth": "wide"}, {"profile": "long"}, {"threshold": True}])
def test_wrong_options_change_nothing(wrong):
    before = minicnn.get_printoptions()
    with pytest.raises(ParameterError, match="nothing was changed"):
        minicnn.set_printoptions(**{"edgeitems": 1, **wrong})
    assert minicnn.get_printoptions() == before


def test_a_subclass_prints_its_name():
    class Image(minicnn.Tensor):
        pass

    assert repr(Image([1.0, 2.0])) == "Image([1., 2.])"


def drawn(rng):
    """Return an array of some kind: whole, tiny, huge, mixed, with infinities, empty, large."""
    sizes = rng.choice([0, 1, 2, 3, 4, 5, 7, 8, 13], rng.integers(0, 5), p=[0.04, 0.12, *[0.14] * 4, 0.1, 0.1, 0.08])
    shape = tuple(int(size) for size in sizes)
    kinds = [
        lambda: rng.integers(-1000, 1000, shape),
        lambda: rng.random(shape) < 0.5,
        lambda: rng.normal(size=shape).astype("f4"),
        lambda: (rng.normal(size=shape) * 10.0 ** rng.integers(-8, 9, shape)).astype("f4"),
        lambda: np.round(rng.normal(size=shape) * 10.0 ** rng.integers(0, 6)).astype("f4"),
        lambda: rng.normal(size=shape),
        lambda: rng.integers(0, 255, shape).astype("uint8"),
    ]
    a = np.asarray(kinds[rng.integers(len(kinds))]())
    if a.dtype.kind == "f" and rng.random() < 0.4:
        part = rng.random(shape)
        for limit, value in ((0.4, -0.0), (0.3, -np.inf), (0.2, np.inf), (0.1, np.nan)):
            a = np.where(part < limit, value, a).astype(a.dtype)
    return a


@pytest.mark.peers
@pytest.mark.parametrize("seed", range(4))
def test_pytorch_prints_the_same(seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    try:
        for _ in range(400):
            changes = {}
            if rng.random() < 0.7:
                changes = {k: v[rng.integers(len(v))] for k, v in CHOICES.items() if rng.random() < 0.4}
            a = drawn(rng)
            grad = bool(a.dtype.kind == "f" and rng.random() < 0.3)
            with minicnn.printoptions(**changes):
                torch.set_printoptions(profile="default")
                torch.set_printoptions(**changes)
                ours = repr(minicnn.tensor(a, requires_grad=grad))
                theirs = repr(torch.tensor(a, requires_grad=grad)).replace("torch.", "")
            # A dtype's name is shorter here, so its line may break elsewhere.
            ours, theirs = (re.sub(r",\s+(dtype|requires|size)", r", \1", text) for text in (ours, theirs))
            assert ours == theirs, changes
    finally:
        torch.set_printoptions(profile="default")
