"""The losses as layers against PyTorch's."""

import numpy as np
import pytest

import minicnn
from minicnn import nn

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::UserWarning")]

rng = np.random.default_rng(0)
SIGNS = np.where(np.arange(6) % 2, -1.0, 1.0)
PAIR = (rng.normal(size=(6, 4)), rng.normal(size=(6, 4)))
LOSSES = [
    ("L1Loss", {}, PAIR),
    ("SmoothL1Loss", {"beta": 0.4}, PAIR),
    ("HuberLoss", {"delta": 0.4}, PAIR),
    ("NLLLoss", {"ignore_index": 2}, (PAIR[0], np.array([0, 1, 2, 3, 0, 1]))),
    ("BCELoss", {}, (rng.uniform(size=6), rng.uniform(size=6))),
    ("BCEWithLogitsLoss", {}, (PAIR[0] * 50, rng.uniform(size=(6, 4)))),
    ("KLDivLoss", {"log_target": True}, PAIR),
    ("KLDivLoss", {}, (PAIR[0], np.maximum(PAIR[1], 0))),
    ("SoftMarginLoss", {}, (rng.normal(size=6), SIGNS)),
    ("PoissonNLLLoss", {"full": True}, (rng.normal(size=6), np.arange(6.0))),
    ("HingeEmbeddingLoss", {"margin": 0.5}, (rng.normal(size=6), SIGNS)),
    ("MarginRankingLoss", {"margin": 0.5}, (rng.normal(size=6), rng.normal(size=6), SIGNS)),
    ("CosineEmbeddingLoss", {"margin": 0.1}, (*PAIR, SIGNS)),
    ("TripletMarginLoss", {"margin": 0.5, "swap": True}, (*PAIR, rng.normal(size=(6, 4)))),
]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("name", "kwargs", "values"), LOSSES)
def test_loss_layer(name, kwargs, values, reduction):
    results = []
    for lib in (minicnn, torch):
        x, *rest = (lib.tensor(v) for v in values)
        x.requires_grad_()
        layer = getattr(lib.nn, name)(reduction=reduction, **kwargs)
        y = layer(x, *rest)
        y.sum().backward()
        results.append((repr(layer), y.detach().numpy(), x.grad.numpy()))
    assert results[0][0] == results[1][0]
    for ours, theirs in zip(results[0][1:], results[1][1:], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def test_weights_of_losses_are_buffers():
    for name, keys in (("NLLLoss", ["weight"]), ("BCELoss", ["weight"]), ("BCEWithLogitsLoss", ["weight"])):
        assert list(getattr(nn, name)(weight=minicnn.ones(3)).state_dict()) == keys


@pytest.mark.parametrize("name", ["CosineSimilarity", "PairwiseDistance"])
def test_distances(name):
    ours = getattr(nn, name)()(*map(minicnn.tensor, PAIR)).numpy()
    np.testing.assert_allclose(ours, getattr(torch.nn, name)()(*map(torch.tensor, PAIR)).numpy(), rtol=1e-9)
