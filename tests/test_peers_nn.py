"""Layers, initial values, optimizers and schedules against PyTorch's, from the same weights."""

import inspect
import math

import numpy as np
import pytest

import minicnn
from minicnn import nn, optim
from minicnn.nn import init

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")]


def share(net, other):
    """Load PyTorch's weights into a module; its keys, order, shapes and dtypes must be PyTorch's."""
    theirs = other.state_dict()
    ours = net.state_dict()
    assert list(ours) == list(theirs)
    for key, value in theirs.items():
        assert tuple(value.shape) == ours[key].shape
        assert str(value.dtype) == f"torch.{ours[key].dtype}"
    net.load_state_dict({key: value.numpy() for key, value in theirs.items()})


def close(ours, theirs, tolerance):
    return np.allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=tolerance, atol=tolerance)


LAYERS = [
    ("Linear", (5, 3), {}, (4, 5)),
    ("Linear", (5, 3), {"bias": False}, (2, 4, 5)),
    ("Linear", (5, 3), {}, (5,)),
    ("Identity", (), {}, (2, 3)),
    ("Flatten", (), {}, (2, 3, 4)),
    ("Flatten", (0, 1), {}, (2, 3, 4)),
    ("Unflatten", (1, (2, 3)), {}, (2, 6)),
    ("Conv2d", (3, 4, 3), {}, (2, 3, 6, 7)),
    ("Conv2d", (4, 6, (3, 2)), {"stride": 2, "padding": (1, 2), "groups": 2}, (2, 4, 8, 7)),
    ("Conv2d", (3, 4, 3), {"padding": "same", "dilation": 2, "bias": False}, (3, 6, 7)),
    ("Conv2d", (3, 4, (2, 4)), {"padding": "same"}, (2, 3, 6, 7)),
    ("Conv2d", (3, 4, 3), {"padding": "valid"}, (2, 3, 6, 7)),
    *(
        ("Conv2d", (3, 4, (2, 5)), {"padding": padding, "padding_mode": mode}, (2, 3, 6, 7))
        for mode in ("reflect", "replicate", "circular")
        for padding in ((1, 2), "same")
    ),
    ("BatchNorm1d", (3,), {}, (5, 3)),
    ("BatchNorm1d", (3,), {"momentum": None}, (5, 3, 2)),
    ("BatchNorm2d", (3,), {"eps": 1e-3, "momentum": 0.3}, (5, 3, 2, 4)),
    ("BatchNorm2d", (3,), {"affine": False}, (5, 3, 2, 4)),
    ("BatchNorm2d", (3,), {"bias": False}, (5, 3, 2, 4)),
    ("BatchNorm2d", (3,), {"track_running_stats": False}, (5, 3, 2, 4)),
    ("LayerNorm", (4,), {}, (2, 3, 4)),
    ("LayerNorm", ([3, 4],), {"eps": 0.1}, (2, 3, 4)),
    ("LayerNorm", (4,), {"bias": False}, (2, 3, 4)),
    ("LayerNorm", (4,), {"elementwise_affine": False}, (2, 3, 4)),
    ("MaxPool2d", (2,), {}, (2, 3, 6, 7)),
    ("MaxPool2d", (3, 2, 1, 2), {"ceil_mode": True}, (2, 3, 8, 7)),
    ("MaxPool2d", ((3, 2),), {"stride": (1, 2)}, (3, 8, 7)),
    ("AvgPool2d", (2,), {}, (2, 3, 6, 7)),
    ("AvgPool2d", (3, 2, 1, True, False), {}, (2, 3, 6, 7)),
    ("AvgPool2d", (3,), {"divisor_override": 2}, (3, 6, 7)),
    ("Dropout", (0.0,), {}, (2, 3)),
    ("ReLU", (), {}, (2, 3)),
    ("Sigmoid", (), {}, (2, 3)),
    ("Tanh", (), {}, (2, 3)),
    ("Softmax", (1,), {}, (2, 3, 4)),
    ("LogSoftmax", (-1,), {}, (2, 3, 4)),
]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-9)])
@pytest.mark.parametrize(("name", "args", "kwargs", "shape"), LAYERS)
def test_layer(name, args, kwargs, shape, dtype, tolerance):
    ours, theirs = getattr(nn, name)(*args, **kwargs), getattr(torch.nn, name)(*args, **kwargs)
    assert repr(ours) == repr(theirs)
    ours.to(getattr(minicnn, dtype))
    theirs.to(getattr(torch, dtype))
    share(ours, theirs)
    rng = np.random.default_rng(0)
    for mode in (True, True, False):  # twice in training, for the running statistics
        values = rng.normal(size=shape).astype(dtype)
        x = minicnn.tensor(values, requires_grad=True)
        their_x = torch.tensor(values, requires_grad=True)
        y, their_y = ours.train(mode)(x), theirs.train(mode)(their_x)
        assert y.dtype == dtype
        assert close(y, their_y, tolerance)
        weights = rng.normal(size=y.shape).astype(dtype)
        (y * minicnn.tensor(weights)).sum().backward()
        (their_y * torch.tensor(weights)).sum().backward()
        assert close(x.grad, their_x.grad, tolerance)
        for (key, p), their_p in zip(ours.named_parameters(), theirs.parameters(), strict=True):
            assert close(p.grad, their_p.grad, 10 * tolerance), key  # added up over the rounds
    for key, value in ours.state_dict().items():
        assert close(value, theirs.state_dict()[key], tolerance), key


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy(reduction, label_smoothing, weighted):
    rng = np.random.default_rng(0)
    for shape, target in (((5, 4), rng.integers(0, 4, 5)), ((2, 4, 3, 3), rng.integers(0, 4, (2, 3, 3))), ((4,), 2)):
        values, target = rng.normal(size=shape), np.asarray(target)
        weight = rng.uniform(0.5, 2.0, 4) if weighted else None
        results = []
        for lib in (minicnn, torch):
            x = lib.tensor(values, requires_grad=True)
            w = None if weight is None else lib.tensor(weight)
            loss_of = lib.nn.CrossEntropyLoss(w, reduction=reduction, label_smoothing=label_smoothing, ignore_index=1)
            loss = loss_of(x, lib.tensor(target))
            loss.sum().backward()
            results += [loss, x.grad]
        assert close(results[0], results[2], 1e-9)
        assert close(results[1], results[3], 1e-9)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [False, True])
def test_mse_loss(reduction, weighted):
    rng = np.random.default_rng(0)
    values, target, weight = (rng.uniform(0.5, 2.0, (3, 4)) for _ in range(3))
    results = []
    for lib in (minicnn, torch):
        x, t = lib.tensor(values, requires_grad=True), lib.tensor(target, requires_grad=True)
        w = lib.tensor(weight) if weighted else None
        loss = lib.nn.functional.mse_loss(x, t, reduction=reduction, weight=w)
        loss.sum().backward()
        results.append([loss, x.grad, t.grad])
    assert all(close(a, b, 1e-9) for a, b in zip(*results, strict=True))
    layer = nn.MSELoss(reduction=reduction)(minicnn.tensor(values), minicnn.tensor(target))
    assert close(layer, torch.nn.MSELoss(reduction=reduction)(torch.tensor(values), torch.tensor(target)), 1e-9)


def test_arguments_and_their_defaults():
    """All that both libraries have takes PyTorch's arguments, in its order, with its defaults."""
    own = {"LocallyConnected2d", "Maxout", "SwiGLU"}  # PyTorch has none
    names = [n for n in nn.__all__ if inspect.isclass(getattr(nn, n)) and n not in own]
    pairs = [(getattr(nn, n), getattr(torch.nn, n)) for n in names]
    pairs += [(getattr(init, n), getattr(torch.nn.init, n)) for n in dir(init) if n.endswith("_") and n[0] != "_"]
    for names, ours, theirs in (
        (optim.__all__, optim, torch.optim),
        (optim.lr_scheduler.__all__, optim.lr_scheduler, torch.optim.lr_scheduler),
    ):
        pairs += [(getattr(ours, n), getattr(theirs, n)) for n in names if inspect.isclass(getattr(ours, n))]
    functional = ("mse_loss", "relu", "softmax", "log_softmax", "layer_norm", "batch_norm", "cross_entropy", "dropout")
    pairs += [(getattr(nn.functional, n), getattr(torch.nn.functional, n)) for n in functional]
    for ours, theirs in pairs:
        expected = {k: (p.default, p.kind) for k, p in inspect.signature(theirs).parameters.items()}
        found = {k: (p.default, p.kind) for k, p in inspect.signature(ours).parameters.items()}
        if ours is nn.functional.dropout:
            del found["generator"]  # minicnn's own
        if getattr(theirs, "__init__", None) is torch.nn.Module.__init__:
            continue  # PyTorch's take anything, and refuse it when called
        assert list(found) == list(expected), ours.__name__
        assert found == expected, ours.__name__


# ---- a network


def lenet(lib):
    layers = lib.nn
    return layers.Sequential(
        layers.Conv2d(1, 6, 5, padding=2),
        layers.Sigmoid(),
        layers.AvgPool2d(2, stride=2),
        layers.Conv2d(6, 16, 5),
        layers.Sigmoid(),
        layers.AvgPool2d(2, stride=2),
        layers.Flatten(),
        layers.Linear(400, 120),
        layers.Tanh(),
        layers.Linear(120, 84),
        layers.ReLU(),
        layers.Linear(84, 10),
    )


def test_lenet_gives_the_same_logits_and_gradients_and_trains_alike():
    torch.manual_seed(0)
    nets = {minicnn: lenet(minicnn), torch: lenet(torch)}
    share(nets[minicnn], nets[torch])
    rng = np.random.default_rng(0)
    batches = [(rng.normal(size=(8, 1, 28, 28)).astype("float32"), rng.integers(0, 10, 8)) for _ in range(4)]
    logits, grads, losses = {}, {}, {}
    for lib, net in nets.items():
        optimizer, losses[lib] = lib.optim.Adam(net.parameters(), lr=1e-3), []
        for step in range(50):
            x, t = batches[step % 4]
            y = net(lib.tensor(x))
            loss = lib.nn.functional.cross_entropy(y, lib.tensor(t))
            optimizer.zero_grad()
            loss.backward()
            if step == 0:
                logits[lib] = y
                grads[lib] = {k: p.grad.clone() for k, p in net.named_parameters()}
            optimizer.step()
            losses[lib].append(loss.item())
    assert close(logits[minicnn], logits[torch], 1e-5)
    for key, grad in grads[minicnn].items():
        assert close(grad, grads[torch][key], 1e-5), key
    assert np.abs(np.subtract(losses[minicnn], losses[torch])).max() < 1e-3
    assert losses[minicnn][-1] < losses[minicnn][0] - 0.02


# ---- initial values

DISTRIBUTIONS = [
    ("uniform_", (-1.0, 3.0), {}),
    ("normal_", (1.0, 2.0), {}),
    ("trunc_normal_", (0.5, 1.0, -1.0, 1.0), {}),
    ("xavier_uniform_", (), {"gain": 1.5}),
    ("xavier_normal_", (), {}),
    ("kaiming_uniform_", (), {"a": math.sqrt(5)}),
    ("kaiming_uniform_", (), {"nonlinearity": "relu", "mode": "fan_out"}),
    ("kaiming_normal_", (), {"a": 0.2}),
    ("kaiming_normal_", (), {"nonlinearity": "selu"}),
    ("orthogonal_", (), {"gain": 2.0}),
    ("sparse_", (0.3,), {"std": 0.5}),
]


def same_distribution(ours, theirs):
    """Whether two large samples agree in mean, spread and quantiles."""
    a, b = ours.detach().numpy().ravel(), theirs.detach().numpy().ravel()
    spread = b.std()
    places = np.linspace(0.02, 0.98, 25)
    return (
        abs(a.mean() - b.mean()) < 0.03 * spread
        and abs(a.std() - spread) < 0.02 * spread
        and np.abs(np.quantile(a, places) - np.quantile(b, places)).max() < 0.04 * spread
    )


@pytest.mark.parametrize(("name", "args", "kwargs"), DISTRIBUTIONS)
def test_distributions(name, args, kwargs):
    minicnn.manual_seed(0)
    torch.manual_seed(0)
    ours, theirs = minicnn.zeros(300, 200), torch.zeros(300, 200)
    getattr(init, name)(ours, *args, **kwargs)
    getattr(torch.nn.init, name)(theirs, *args, **kwargs)
    assert same_distribution(ours, theirs)
    if "uniform" in name or "trunc" in name:
        assert ours.max().item() == pytest.approx(theirs.max().item(), abs=1e-3)
        assert ours.min().item() == pytest.approx(theirs.min().item(), abs=1e-3)
    if name == "sparse_":
        assert ((ours == 0).sum(0).numpy() == (theirs == 0).sum(0).numpy()).all()


@pytest.mark.parametrize(
    ("name", "args"), [("Linear", (200, 300)), ("Conv2d", (16, 128, 5)), ("Conv2d", (16, 128, 5, 1, 0, 1, 4))]
)
def test_initial_weights_of_layers(name, args):
    minicnn.manual_seed(0)
    torch.manual_seed(0)
    ours, theirs = getattr(nn, name)(*args), getattr(torch.nn, name)(*args)
    assert same_distribution(ours.weight, theirs.weight)
    bound = np.abs(theirs.weight.detach().numpy()).max()
    assert np.abs(ours.weight.detach().numpy()).max() == pytest.approx(bound, rel=1e-3)
    for bias in (ours.bias, theirs.bias):
        values = bias.detach().numpy()
        assert 0.95 * bound < np.abs(values).max() <= bound * 1.001
        assert values.std() == pytest.approx(bound / math.sqrt(3), rel=0.15)


def test_fans_gains_and_dirac():
    for shape in ((3, 5), (4, 2, 3), (6, 4, 3, 5)):
        theirs = torch.nn.init._calculate_fan_in_and_fan_out(torch.zeros(shape))
        assert init._calculate_fan_in_and_fan_out(minicnn.zeros(shape)) == theirs
    names = ("linear", "conv2d", "conv_transpose3d", "sigmoid", "tanh", "relu", "selu", "leaky_relu")
    for name in names:
        assert init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    assert init.calculate_gain("leaky_relu", 0.3) == torch.nn.init.calculate_gain("leaky_relu", 0.3)
    for shape, groups in (((4, 2, 3), 1), ((4, 2, 3, 4), 2), ((2, 5, 1, 2, 3), 2)):
        theirs = torch.nn.init.dirac_(torch.zeros(shape), groups)
        assert (init.dirac_(minicnn.zeros(shape), groups).numpy() == theirs.numpy()).all()


# ---- optimizers and schedules

OPTIMIZERS = [
    *(
        ("SGD", kwargs)
        for kwargs in (
            {},
            {"lr": 0.1},
            {"lr": 0.1, "momentum": 0.9},
            {"lr": 0.1, "momentum": 0.9, "dampening": 0.4},
            {"lr": 0.1, "momentum": 0.9, "nesterov": True},
            {"lr": 0.1, "weight_decay": 0.1},
            {"lr": 0.1, "maximize": True},
            {"lr": 0.1, "momentum": 0.7, "nesterov": True, "weight_decay": 0.1, "maximize": True},
            {"lr": 0.1, "momentum": 0.7, "dampening": 0.2, "weight_decay": 0.1, "maximize": True},
        )
    ),
    *(
        (name, kwargs)
        for name in ("Adam", "AdamW")
        for kwargs in (
            {},
            {"lr": 0.05, "betas": (0.7, 0.9), "eps": 1e-3},
            {"lr": 0.05, "weight_decay": 0.2},
            {"lr": 0.05, "amsgrad": True, "betas": (0.9, 0.5)},
            {"lr": 0.05, "maximize": True},
            {"lr": 0.05, "amsgrad": True, "weight_decay": 0.2, "maximize": True, "betas": (0.9, 0.5)},
        )
    ),
    ("Adam", {"lr": 0.05, "weight_decay": 0.2, "decoupled_weight_decay": True}),
]


@pytest.mark.parametrize(("name", "kwargs"), OPTIMIZERS)
def test_optimizer_follows_pytorchs(name, kwargs):
    """Twenty steps on a bowl with noise, in two groups, the second with a rate of its own."""
    paths, states = [], []
    for lib in (minicnn, torch):
        rng = np.random.default_rng(0)
        params = [lib.nn.Parameter(lib.tensor(rng.normal(size=shape))) for shape in ((3, 2), (4,))]
        groups = [{"params": [params[0]]}, {"params": [params[1]], "lr": 0.03}]
        optimizer = getattr(lib.optim, name)(groups, **kwargs)
        path = []
        for _ in range(20):
            optimizer.zero_grad()
            noise = [lib.tensor(rng.normal(size=tuple(p.shape))) for p in params]
            sum(((p - n) ** 2).sum() for p, n in zip(params, noise, strict=True)).backward()
            optimizer.step()
            path += [p.detach().numpy().copy() for p in params]
        paths.append(path)
        states.append(optimizer.state_dict())
    assert all(np.allclose(a, b, rtol=0, atol=1e-9) for a, b in zip(*paths, strict=True))
    ours, theirs = states
    assert list(ours["state"]) == list(theirs["state"])
    for number, entries in theirs["state"].items():
        assert {k for k, v in entries.items() if v is not None} == set(ours["state"][number])
        for key, value in entries.items():
            if key == "step":
                assert ours["state"][number][key] == value.item()
            elif value is not None:
                assert close(ours["state"][number][key], value, 1e-9)
    for a, b in zip(ours["param_groups"], theirs["param_groups"], strict=True):
        assert a == {k: v for k, v in b.items() if k not in ("foreach", "capturable", "differentiable", "fused")}


def cycle(**kwargs):
    return ("OneCycleLR", (), {"max_lr": 0.7, "total_steps": 51, **kwargs})


SCHEDULES = [
    ("StepLR", (7,), {}),
    ("StepLR", (5, 0.7), {}),
    ("MultiStepLR", ([3, 10, 10, 40],), {"gamma": 0.5}),
    ("ExponentialLR", (0.93,), {}),
    ("LambdaLR", (lambda t: 0.9**t + 0.01 * t,), {}),
    ("LambdaLR", ([lambda t: 1 / (1 + t), lambda t: 2.0],), {}),
    ("CosineAnnealingLR", (50,), {}),
    ("CosineAnnealingLR", (8, 0.01), {}),
    ("CosineAnnealingLR", (1,), {}),
    cycle(),
    cycle(pct_start=0.1, anneal_strategy="linear"),
    cycle(three_phase=True, div_factor=5.0, final_div_factor=100.0),
    cycle(total_steps=None, epochs=10, steps_per_epoch=6, base_momentum=0.5, max_momentum=0.99),
    cycle(max_lr=[0.7, 0.3], base_momentum=[0.8, 0.7], max_momentum=[0.9, 0.99]),
    cycle(cycle_momentum=False, pct_start=0.0),
    cycle(three_phase=True, pct_start=0.6),
]


@pytest.mark.parametrize("optimizer_name", ["SGD", "Adam"])
@pytest.mark.parametrize(("name", "args", "kwargs"), SCHEDULES)
@pytest.mark.parametrize("how", ["fresh", "resumed", "edited", "with another"])
def test_schedule_follows_pytorchs(name, args, kwargs, optimizer_name, how):
    rows = []
    for lib in (minicnn, torch):
        p, q = lib.nn.Parameter(lib.ones(1)), lib.nn.Parameter(lib.ones(1))
        more = {"momentum": 0.9} if optimizer_name == "SGD" else {}
        optimizer = getattr(lib.optim, optimizer_name)([{"params": [p]}, {"params": [q], "lr": 0.2}], lr=0.5, **more)
        schedules = lib.optim.lr_scheduler
        schedule = getattr(schedules, name)(optimizer, *args, **kwargs)
        another = schedules.StepLR(optimizer, 4) if how == "with another" else None
        rates = []
        for step in range(50):
            if how == "resumed" and step == 10:
                schedule = getattr(schedules, name)(optimizer, *args, **kwargs, last_epoch=step - 1)
            if how == "edited" and step == 10:
                optimizer.param_groups[0]["lr"] *= 3
            rates += [g["lr"] for g in optimizer.param_groups] + schedule.get_last_lr()
            rates += [g["momentum"] if optimizer_name == "SGD" else g["betas"][0] for g in optimizer.param_groups]
            optimizer.step()
            schedule.step()
            if another is not None:
                another.step()
        rows.append(rates)
    assert np.abs(np.subtract(*rows)).max() < 1e-12
