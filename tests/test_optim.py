"""Optimizers: against the formulas in plain NumPy, in place, through groups, state and errors."""

import copy
import itertools
import math
import pickle

import numpy as np
import pytest

import minicnn
from minicnn import errors, nn, optim
from minicnn.optim import lr_scheduler
from minicnn.optim.optimizer import required


def parameter(values=(1.0, -2.0, 3.0)):
    return nn.Parameter(minicnn.tensor(list(values), dtype=minicnn.float64))


def run(make, steps=6, start=(1.0, -2.0, 3.0)):
    """Step an optimizer on a fixed row of gradients; return the values after each step."""
    p = parameter(start)
    optimizer = make([p])
    rng, path = np.random.default_rng(0), []
    for _ in range(steps):
        p.grad = minicnn.tensor(rng.normal(size=3))
        before = p.grad.numpy().copy()
        optimizer.step()
        assert (p.grad.numpy() == before).all()  # the gradient is the user's
        path.append(p.detach().numpy().copy())
    return path


def sgd(lr, momentum=0, dampening=0, weight_decay=0, nesterov=False, maximize=False, steps=6):
    p, b, path, rng = np.array([1.0, -2.0, 3.0]), None, [], np.random.default_rng(0)
    for _ in range(steps):
        g = rng.normal(size=3) * (-1 if maximize else 1) + weight_decay * p
        b = g if b is None else momentum * b + (1 - dampening) * g
        p = p - lr * (g + momentum * b if nesterov else b if momentum else g)
        path.append(p)
    return path


SGD_OPTIONS = [
    {},
    {"momentum": 0.9},
    {"momentum": 0.9, "dampening": 0.3},
    {"momentum": 0.9, "nesterov": True},
    {"weight_decay": 0.1},
    {"maximize": True},
    {"momentum": 0.8, "weight_decay": 0.1, "maximize": True, "dampening": 0.5},
    {"momentum": 0.8, "weight_decay": 0.1, "nesterov": True, "maximize": True},
]


@pytest.mark.parametrize("options", SGD_OPTIONS)
def test_sgd(options):
    found = run(lambda p: optim.SGD(p, lr=0.1, **options))
    assert np.allclose(found, sgd(0.1, **options), rtol=0, atol=1e-12)


def adam(lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, maximize=False, decoupled=False, steps=6):
    p, m, v, top, path, rng = np.array([1.0, -2.0, 3.0]), 0, 0, 0, [], np.random.default_rng(0)
    for t in range(1, steps + 1):
        g = rng.normal(size=3) * (-1 if maximize else 1) + (0 if decoupled else weight_decay * p)
        p = p * (1 - lr * weight_decay) if decoupled else p
        m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g**2
        top = np.maximum(top, v)
        root = np.sqrt((top if amsgrad else v) / (1 - betas[1] ** t))
        p = p - lr * m / (1 - betas[0] ** t) / (root + eps)
        path.append(p)
    return path


ADAM_OPTIONS = [
    {},
    {"betas": (0.5, 0.6), "eps": 0.1},
    {"weight_decay": 0.1},
    {"amsgrad": True, "betas": (0.9, 0.3)},
    {"maximize": True, "weight_decay": 0.2},
]


@pytest.mark.parametrize("options", ADAM_OPTIONS)
def test_adam(options):
    found = run(lambda p: optim.Adam(p, lr=0.1, **options))
    assert np.allclose(found, adam(0.1, **options), rtol=0, atol=1e-12)
    decayed = {"weight_decay": 0.01, **options}
    found = run(lambda p: optim.AdamW(p, lr=0.1, **options))
    assert np.allclose(found, adam(0.1, decoupled=True, **decayed), rtol=0, atol=1e-12)
    found = run(lambda p: optim.Adam(p, lr=0.1, decoupled_weight_decay=True, **decayed))
    assert np.allclose(found, adam(0.1, decoupled=True, **decayed), rtol=0, atol=1e-12)


OPTIMIZERS = [
    lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=True),
    lambda p: optim.Adam(p, lr=0.1, amsgrad=True),
    lambda p: optim.AdamW(p, lr=0.1),
    lambda p: optim.Adamax(p, lr=0.1),
    lambda p: optim.NAdam(p, lr=0.1),
    lambda p: optim.RMSprop(p, lr=0.1, momentum=0.5, centered=True),
    lambda p: optim.RAdam(p, lr=0.1),
    lambda p: optim.Rprop(p, lr=0.1),
    lambda p: optim.Adadelta(p, lr=9.0, eps=1e-3),
    lambda p: optim.Adagrad(p, lr=0.3),
]


@pytest.mark.parametrize("make", OPTIMIZERS)
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_shapes_and_dtype(make, shape):
    p = nn.Parameter(minicnn.ones(shape))
    array = p._array
    optimizer = make([p])
    for _ in range(2):
        p.grad = minicnn.ones(shape)
        optimizer.step()
    assert p._array is array  # in place
    assert array.dtype == np.float32
    assert all(t.dtype == np.float32 for t in optimizer.state[p].values() if isinstance(t, minicnn.Tensor))
    assert p.shape == shape
    assert (array < 1).all()


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_a_stale_backward_is_an_error(make):
    w = parameter()
    y = (w * w).sum()
    w.grad = minicnn.ones(3, dtype=minicnn.float64)
    make([w]).step()
    with pytest.raises(errors.GraphError, match="changed in place"):
        y.backward()


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_parameters_of_many_sizes(make):
    """Each steps as it would alone, though all compute in the same scratch memory."""
    sizes = [(2,), (5, 3), (), (4,)]
    alone, together = ([nn.Parameter(minicnn.ones(s)) for s in sizes] for _ in range(2))
    optimizers = [make([p]) for p in alone] + [make(together)]
    for step in range(3):
        for p in (*alone, *together):
            p.grad = minicnn.arange(p.numel(), dtype=minicnn.float32).reshape(p.shape) - step
        for optimizer in optimizers:
            optimizer.step()
    assert all(p.tolist() == q.tolist() for p, q in zip(alone, together, strict=True))


def test_parameters_without_gradient_stay():
    a, b = parameter(), parameter()
    a.grad = minicnn.ones(3, dtype=minicnn.float64)
    optimizer = optim.Adam([a, b], weight_decay=1.0)
    optimizer.step()
    assert b.tolist() == [1.0, -2.0, 3.0]
    assert list(optimizer.state) == [a]


def test_closure_is_recorded_and_its_loss_returned():
    w = parameter()
    optimizer = optim.SGD([w], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with minicnn.no_grad():
        assert optimizer.step(closure).item() == 14.0
    assert np.allclose(w.tolist(), [0.8, -1.6, 2.4])
    assert optimizer.step() is None


def test_zero_grad():
    w = parameter()
    optimizer = optim.SGD([w])
    w.grad = kept = minicnn.ones(3, dtype=minicnn.float64)
    optimizer.zero_grad(set_to_none=False)
    assert w.grad is kept
    assert kept.tolist() == [0.0] * 3
    optimizer.zero_grad()
    assert w.grad is None


# ---- groups


def test_params_in_all_forms():
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    net[0].requires_grad_(False)
    kept = optim.SGD(filter(lambda p: p.requires_grad, net.parameters()), 0.1).param_groups[0]["params"]
    assert len(kept) == 2
    assert kept[0] is net[1].weight
    named = optim.SGD(net.named_parameters(), 0.1).param_groups[0]
    assert named["param_names"][0] == "0.weight"
    groups = [{"params": net[0].parameters()}, {"params": net[1].bias, "lr": 0.5}]
    optimizer = optim.SGD(groups, lr=0.1, momentum=0.9)
    assert [g["lr"] for g in optimizer.param_groups] == [0.1, 0.5]
    assert "lr" not in groups[0]  # the caller's dict stays as it was
    optimizer.add_param_group({"params": [net[1].weight], "momentum": 0.0})
    assert [g["momentum"] for g in optimizer.param_groups] == [0.9, 0.9, 0.0]
    optimizer.param_groups[2]["lr"] = 2.0
    net[1].weight.grad = minicnn.ones(1, 3)
    before = net[1].weight.tolist()
    optimizer.step()
    assert np.allclose(net[1].weight.tolist(), np.array(before) - 2.0)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda p: optim.SGD([]), ValueError, "empty parameter list"),
        (lambda p: optim.SGD(p), TypeError, "params expects tensors"),
        (lambda p: optim.SGD(nn.Linear(1, 1)), TypeError, "got Linear"),
        (lambda p: optim.SGD(nn.Sequential(nn.Linear(1, 1))), TypeError, "model.parameters()"),
        (lambda p: optim.SGD([1.0]), TypeError, "got float"),
        (lambda p: optim.SGD([{"params": {p}}]), TypeError, "got a set"),
        (lambda p: optim.SGD([("a", p), p]), TypeError, "got Parameter"),
        (lambda p: optim.SGD([{"lr": 1.0}]), TypeError, '"params"'),
        (lambda p: optim.SGD([p * 2]), ValueError, "non-leaf"),
        (lambda p: optim.SGD([{"params": p}, {"params": [p]}]), ValueError, "more than one group"),
        (lambda p: optim.SGD([p], lr=-0.1), ValueError, "Invalid lr"),
        (lambda p: optim.SGD([p], lr=math.nan), ValueError, "Invalid lr"),
        (lambda p: optim.SGD([{"params": p, "lr": -1.0}]), ValueError, "Invalid lr"),
        (lambda p: optim.SGD([p], momentum=-1), ValueError, "Invalid momentum"),
        (lambda p: optim.SGD([p], weight_decay=-1), ValueError, "Invalid weight_decay"),
        (lambda p: optim.SGD([p], nesterov=True), ValueError, "Nesterov"),
        (lambda p: optim.SGD([p], differentiable=True), ValueError, "differentiable"),
        (lambda p: optim.Adam([p], eps=-1), ValueError, "Invalid eps"),
        (lambda p: optim.Adam([p], betas=(0.9, 1.0)), ValueError, r"Invalid betas\[1\]"),
        (lambda p: optim.AdamW([p], betas=(-0.1, 0.9)), ValueError, r"Invalid betas\[0\]"),
        (lambda p: optim.Adamax([p], betas=(1.0, 0.9)), ValueError, r"Invalid betas\[0\]"),
        (lambda p: optim.Adamax([p], eps=-1), ValueError, "Invalid eps"),
        (lambda p: optim.NAdam([p], momentum_decay=-1), ValueError, "Invalid momentum_decay"),
        (lambda p: optim.NAdam([p], differentiable=True), ValueError, "differentiable"),
        (lambda p: optim.RAdam([p], weight_decay=-1), ValueError, "Invalid weight_decay"),
        (lambda p: optim.Rprop([p], etas=(0.5, 0.9)), ValueError, "Invalid etas"),
        (lambda p: optim.Rprop([p], lr=-1), ValueError, "Invalid lr"),
        (lambda p: optim.Optimizer([p], {"lr": required}), ValueError, "'lr', which is required"),
        (lambda p: optim.SGD([p]).load_state_dict(optim.SGD([p, parameter()]).state_dict()), ValueError, r"\[1\]"),
    ],
)
def test_errors(make, error, words):
    with pytest.raises(error, match=words) as info:
        make(parameter())
    assert isinstance(info.value, errors.MinicnnError)
    assert str(info.value).count("\n") == 2


def test_a_parameter_named_twice():
    p = parameter()
    with pytest.warns(UserWarning, match="twice"):
        optim.SGD([p, p])
    leaf = (p * 2).requires_grad_()
    leaf.retain_grad()  # with a gradient of its own, a computed tensor may be stepped
    optim.SGD([leaf])


def test_own_optimizers():
    class Sign(optim.Optimizer):
        def __init__(self, params, lr=required):
            super().__init__(params, {"lr": lr})

        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p.data.add_(p.grad.data.sign(), alpha=-group["lr"])

    w = parameter()
    w.grad = minicnn.tensor([2.0, -3.0, 0.0], dtype=minicnn.float64)
    optimizer = Sign([w], lr=0.5)
    schedule = lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.step()
    schedule.step()  # no warning: its own step is counted
    assert w.tolist() == [0.5, -1.5, 3.0]
    bare = optim.Optimizer([w], {})
    with pytest.raises(NotImplementedError, match="neither update nor step"):
        bare.step()


def test_hooks_around_a_step():
    w, seen = parameter(), []
    optimizer = optim.SGD([w], lr=1.0)

    def before(optimizer, args, kwargs):
        seen.append(("before", w.tolist()[0], args))
        return (lambda: 5.0,), {}

    def after(optimizer, args, kwargs):
        seen.append(("after", w.tolist()[0], len(args)))

    handles = optimizer.register_step_pre_hook(before), optimizer.register_step_post_hook(after)
    w.grad = minicnn.ones(3, dtype=minicnn.float64)
    assert optimizer.step() == 5.0
    assert seen == [("before", 1.0, ()), ("after", 0.0, 1)]
    pickle.dumps(optimizer)  # without its hooks, which may be anything
    for handle in handles:
        handle.remove()
    assert optimizer.step() is None
    assert len(seen) == 2


# ---- state


@pytest.mark.parametrize("make", OPTIMIZERS)
@pytest.mark.parametrize("how", ["state_dict", "pickle", "deepcopy"])
def test_training_goes_on_from_a_saved_state(make, how):
    def steps(optimizer, p, seed):
        rng = np.random.default_rng(seed)
        for _ in range(3):
            p.grad = minicnn.tensor(rng.normal(size=3))
            optimizer.step()

    p = parameter()
    optimizer = make([p])
    steps(optimizer, p, 0)
    optimizer.param_groups[0]["lr"] = 0.05
    q = copy.deepcopy(p)
    twin = make([q])
    if how == "state_dict":
        twin.load_state_dict(optimizer.state_dict())
    elif how == "pickle":
        twin = pickle.loads(pickle.dumps(optimizer))
        q = twin.param_groups[0]["params"][0]
    else:
        twin = copy.deepcopy(optimizer)
        q = twin.param_groups[0]["params"][0]
    assert q is not p
    steps(optimizer, p, 1)
    steps(twin, q, 1)  # a copy of the state: the first one's steps did not change it
    assert p.tolist() == q.tolist()
    assert twin.param_groups[0]["lr"] == 0.05


def test_state_dict_has_pytorchs_form():
    a, b = parameter(), parameter()
    optimizer = optim.Adam([{"params": [a]}, {"params": [b], "lr": 0.5}])
    b.grad = minicnn.ones(3, dtype=minicnn.float64)
    optimizer.step()
    state = optimizer.state_dict()
    assert [g["params"] for g in state["param_groups"]] == [[0], [1]]
    assert list(state["state"]) == [1]
    assert list(state["state"][1]) == ["step", "exp_avg", "exp_avg_sq"]
    assert state["state"][1]["step"] == 1
    state["state"][1]["step"] = minicnn.tensor(7.0)  # as PyTorch keeps it
    optimizer.load_state_dict(state)
    assert type(optimizer.state[b]["step"]) is float
    assert optimizer.state[b]["step"] == 7
    a.grad = b.grad
    optimizer.step()
    optimizer.load_state_dict(state)
    assert list(optimizer.state) == [b]  # what was known of the other one is forgotten
    assert repr(optimizer).startswith("Adam (\nParameter Group 0\n    amsgrad: False\n    betas: (0.9, 0.999)\n")
    single = optim.SGD([nn.Parameter(minicnn.zeros(3))], momentum=0.9)
    single.load_state_dict({"state": {0: {"momentum_buffer": b.grad}}, "param_groups": [{"params": [0], "lr": 1.0}]})
    assert single.state_dict()["state"][0]["momentum_buffer"].dtype == np.float32
    assert single.param_groups[0]["momentum"] == 0.9


# ---- all together


def test_fitting_a_line():
    """All together: a line through points, by each of six optimizers, under a schedule."""
    x = minicnn.linspace(-1, 1, 32).reshape(32, 1)
    y = x * 3 - 1
    for make, schedule in itertools.product(OPTIMIZERS[:6], ("CosineAnnealingLR", "OneCycleLR")):
        minicnn.manual_seed(0)
        net = nn.Linear(1, 1)
        optimizer = make(net.parameters())
        steps = 200
        if schedule == "OneCycleLR":
            rates = lr_scheduler.OneCycleLR(optimizer, 0.2, total_steps=steps)
        else:
            rates = lr_scheduler.CosineAnnealingLR(optimizer, steps)
        optimizer.param_groups[0]["weight_decay"] = 0.0
        for _ in range(steps - 1):
            optimizer.zero_grad()
            nn.functional.mse_loss(net(x), y).backward()
            optimizer.step()
            rates.step()
        assert net.weight.item() == pytest.approx(3, abs=0.02)
        assert net.bias.item() == pytest.approx(-1, abs=0.02)
