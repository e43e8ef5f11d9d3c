"""Tensors of two devices in one call: refused in three lines that say what to move."""

import pytest

import minicnn
from minicnn.errors import BackendError
from minicnn.nn import functional as F

with minicnn.use("numpy"):
    HOST, LABELS = minicnn.ones(2, 3), minicnn.tensor([0, 1])


def _set(x):
    x[0] = HOST[0]


CALLS = {
    "cross_entropy": lambda x: F.cross_entropy(x, LABELS),
    "cross_entropy of probabilities": lambda x: F.cross_entropy(x, HOST),
    "nll_loss": lambda x: F.nll_loss(x, LABELS),
    "gather": lambda x: x.gather(1, LABELS.unsqueeze(1)),
    "embedding": lambda x: F.embedding(LABELS.to(x.device), HOST),
    "setitem": _set,
    "index_put": lambda x: minicnn.index_put(x, 0, HOST[0]),
    "backward": lambda x: x.requires_grad_().backward(HOST),
}


@pytest.mark.parametrize("name", CALLS)
def test_two_devices_are_refused(device, name):
    x = minicnn.ones(2, 3)
    for _ in range(2):  # also once the shapes are known to fit
        with pytest.raises(BackendError, match="device") as raised:
            CALLS[name](x)
        lines = str(raised.value).splitlines()
        assert len(lines) == 3
        assert "cpu" in lines[0] + lines[1]
        assert ".to(" in lines[2]
        assert x.grad is None
        if name == "cross_entropy":
            F.cross_entropy(x, LABELS.to(x.device))


def test_values_of_the_host_are_written(device):
    x = minicnn.zeros(2, 3)
    x[0] = [1.0, 2.0, 3.0]
    assert x.tolist() == [[1.0, 2.0, 3.0], [0.0] * 3]
