"""RMSprop, Adadelta and Adagrad against PyTorch's: twenty steps."""

import pytest
from test_peers_nn import test_optimizer_follows_pytorchs as check_optimizer

pytest.importorskip("torch")
pytestmark = pytest.mark.peers

OPTIMIZERS = [
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.05, "alpha": 0.8, "weight_decay": 0.1, "maximize": True}),
    ("RMSprop", {"lr": 0.05, "momentum": 0.7}),
    ("RMSprop", {"lr": 0.05, "momentum": 0.7, "centered": True}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.7, "eps": 1e-3, "weight_decay": 0.1, "maximize": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.3}),
    ("Adagrad", {"lr": 0.1, "maximize": True}),
]


@pytest.mark.parametrize(("name", "kwargs"), OPTIMIZERS)
def test_another_optimizer(name, kwargs):
    check_optimizer(name, kwargs)
