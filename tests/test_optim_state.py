"""States of other shapes, of other optimizers, in other forms; and parameters that cannot be stepped."""

import copy

import numpy as np
import pytest

import minicnn
from minicnn import errors, nn, optim

ALL = [
    optim.SGD,
    optim.Adadelta,
    optim.Adagrad,
    optim.Adam,
    optim.AdamW,
    optim.Adamax,
    optim.NAdam,
    optim.RAdam,
    optim.RMSprop,
    optim.Rprop,
]


def stepped(make, shape=(2,), **settings):
    """Return an optimizer after a step on a parameter of ones."""
    p = nn.Parameter(minicnn.ones(*shape))
    if make is optim.SGD:
        settings = {"momentum": 0.9, **settings}
    optimizer = make([p], lr=0.1, **settings)
    p.grad = minicnn.ones(*shape)
    optimizer.step()
    return optimizer


def values(state):
    return {k: {n: np.array(v) for n, v in entry.items()} for k, entry in state["state"].items()}


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("shape", [(3,), (1,), (2, 2), ()])
def test_state_of_another_shape_is_refused_and_nothing_changed(make, shape):
    optimizer = stepped(make, shape)
    before = copy.deepcopy(optimizer.state_dict())
    saved = stepped(make, (2,))
    saved.param_groups[0]["lr"] = 0.7
    with pytest.raises(ValueError, match=r"of shape \(2,\)") as caught:
        optimizer.load_state_dict(saved.state_dict())
    assert isinstance(caught.value, errors.MinicnnError)
    assert str(caught.value).count("\n") == 2
    after = optimizer.state_dict()
    assert after["param_groups"] == before["param_groups"]
    for name, value in values(before)[0].items():
        np.testing.assert_array_equal(values(after)[0][name], value)
    optimizer.step()


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("other", ALL)
def test_the_state_of_another_optimizer_is_refused(make, other):
    saved, optimizer = stepped(other).state_dict(), stepped(make)
    if {make, other} <= {optim.Adam, optim.AdamW, optim.RAdam} or make is other:  # these keep the same
        optimizer.load_state_dict(saved)
        optimizer.step()
        return
    with pytest.raises(ValueError, match="another optimizer") as caught:
        optimizer.load_state_dict(saved)
    assert str(caught.value).count("\n") == 2
    optimizer.step()


def test_adamw_stays_decoupled_when_it_loads_what_adam_saved():
    adamw = stepped(optim.AdamW, weight_decay=0.5)
    adamw.load_state_dict(stepped(optim.Adam, weight_decay=0.5).state_dict())
    assert adamw.param_groups[0]["decoupled_weight_decay"] is True


@pytest.mark.parametrize(
    ("state", "error", "words"),
    [
        ({}, KeyError, "'param_groups'"),
        ({"param_groups": []}, KeyError, "'state'"),
        ({"state": {}}, KeyError, "'param_groups'"),
        (3, TypeError, "a dict"),
        (None, TypeError, "a dict"),
        ({"state": {}, "param_groups": [{"lr": 1.0}]}, KeyError, "'params'"),
        ({"state": {}, "param_groups": []}, ValueError, "parameters"),
        ({"state": [], "param_groups": [{"params": [0]}]}, TypeError, "a dict"),
        ({"state": {}, "param_groups": [3]}, TypeError, "a dict"),
        ({"state": {}, "param_groups": 3}, TypeError, "a list"),
        ({"state": {0: {"step": 1}}, "param_groups": [{"params": [0]}]}, ValueError, "exp_avg"),
        ({"state": {0: 3}, "param_groups": [{"params": [0]}]}, TypeError, "a dict"),
        (
            {"state": {0: {"step": 1, "exp_avg": 2.0, "exp_avg_sq": 1}}, "param_groups": [{"params": [0]}]},
            ValueError,
            "got float",
        ),
        (
            {"state": {0: {"step": "x", "exp_avg": 2.0, "exp_avg_sq": 1}}, "param_groups": [{"params": [0]}]},
            ValueError,
            "a number, got str",
        ),
    ],
)
def test_state_dicts_of_another_form(state, error, words):
    optimizer = stepped(optim.Adam)
    with pytest.raises(error, match=words) as caught:
        optimizer.load_state_dict(state)
    assert isinstance(caught.value, errors.MinicnnError)
    assert str(caught.value).count("\n") == 2
    optimizer.step()


def test_what_a_state_may_leave_out():
    optimizer = stepped(optim.Adam)
    optimizer.load_state_dict({"state": {}, "param_groups": [{"params": [0]}]})
    assert not optimizer.state
    optimizer.step()
    # A group may say more than the optimizer knows, as schedules make it, and as PyTorch does.
    state = optimizer.state_dict()
    state["param_groups"][0].update(initial_lr=0.5, foreach=None, capturable=False)
    optimizer.load_state_dict(state)
    optimizer.step()
    rms = stepped(optim.RMSprop)
    rms.param_groups[0].update(momentum=0.9, centered=True)  # switched on between steps
    rms.step()
    assert set(rms.state_dict()["state"][0]) == {"step", "square_avg", "momentum_buffer", "grad_avg"}
    own = optim.Optimizer([nn.Parameter(minicnn.ones(2))], {"lr": 1.0})
    own.load_state_dict({"state": {0: {"momentum_buffer": minicnn.ones(7)}}, "param_groups": [{"params": [0], "k": 1}]})


@pytest.mark.parametrize("make", ALL)
def test_an_expanded_parameter_is_refused_at_the_step(make):
    p = minicnn.ones(1).expand(3).requires_grad_()
    optimizer = make([p], lr=0.1)
    optimizer.step()  # nothing to do
    p.grad = minicnn.ones(3)
    with pytest.raises(RuntimeError, match=r"memory|expanded") as caught:
        optimizer.step()
    assert isinstance(caught.value, errors.MinicnnError)
    assert str(caught.value).count("\n") == 2
    assert p.tolist() == [1.0, 1.0, 1.0]
