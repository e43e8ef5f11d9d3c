"""Module: registers, modes, state, hooks, text."""

import copy
import pickle

import numpy as np
import pytest

import minicnn
from minicnn import errors, nn


class Net(nn.Module):
    """A small network with all that a module can hold: parameters, buffers of both kinds, submodules."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.norm = nn.BatchNorm2d(2)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(8, 3))
        self.scale = nn.Parameter(minicnn.ones(3))
        self.register_buffer("seen", minicnn.zeros(1))
        self.register_buffer("scratch", minicnn.zeros(1), persistent=False)

    def forward(self, x):
        return self.head(self.norm(self.conv(x)).relu()) * self.scale


KEYS = [
    "scale",
    "seen",
    *(f"conv.{n}" for n in ("weight", "bias")),
    *(f"norm.{n}" for n in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")),
    *(f"head.1.{n}" for n in ("weight", "bias")),
]


def three_lines(info):
    lines = str(info.value).split("\n")
    return len(lines) == 3 and lines[2].startswith("  Fix: ")


# ---- registers


def test_names_and_order():
    net = Net()
    assert list(net.state_dict()) == KEYS
    assert [n for n, _ in net.named_modules()] == ["", "conv", "norm", "head", "head.0", "head.1"]
    assert [n for n, _ in net.named_children()] == ["conv", "norm", "head"]
    assert [n for n, _ in net.named_parameters(prefix="net")][:2] == ["net.scale", "net.conv.weight"]
    assert [n for n, _ in net.named_parameters(recurse=False)] == ["scale"]
    assert "scratch" in dict(net.named_buffers())
    assert len(list(net.parameters())) == 7
    assert {"conv", "scale", "seen"} <= set(dir(net))


def test_shared_modules_and_parameters_count_once():
    layer = nn.Linear(2, 2)
    net = nn.Sequential(layer, layer)
    assert len(list(net.parameters())) == 2
    assert len(list(net.children())) == 1
    assert len(list(net.modules())) == 2
    assert len(list(net.named_parameters(remove_duplicate=False))) == 4
    assert list(net.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    tied[1].weight = tied[0].weight
    assert len(list(tied.parameters())) == 3
    twin = copy.deepcopy(tied)
    assert twin[0].weight is twin[1].weight
    assert twin[0].weight is not tied[0].weight


def test_setting_and_deleting():
    net = Net()
    net.scale = None
    assert net.scale is None
    assert "scale" not in net.state_dict()
    net.scale = nn.Parameter(minicnn.zeros(3))
    assert "scale" in dict(net.named_parameters())
    net.seen = minicnn.ones(1)
    assert net.state_dict()["seen"].tolist() == [1.0]
    net.extra = nn.ReLU()
    net.extra = nn.Parameter(minicnn.zeros(1))  # takes the module's place
    assert "extra" not in dict(net.named_children())
    del net.conv, net.scale, net.seen
    assert not hasattr(net, "conv")
    net.number = 3
    del net.number
    with pytest.raises(AttributeError):
        del net.number


@pytest.mark.parametrize(
    ("action", "error", "words"),
    [
        (lambda n: setattr(n, "scale", minicnn.zeros(3)), TypeError, "expects a Parameter or None, got Tensor"),
        (lambda n: setattr(n, "conv", 3), TypeError, "expects a Module or None, got int"),
        (lambda n: setattr(n, "seen", 3), TypeError, "expects a Tensor or None, got int"),
        (lambda n: n.register_parameter("a.b", None), KeyError, 'must not contain a "."'),
        (lambda n: n.register_parameter("", None), KeyError, "must not be empty"),
        (lambda n: n.register_parameter("forward", None), KeyError, "already exists"),
        (lambda n: n.register_parameter(3, None), TypeError, "name expects a string"),
        (lambda n: n.register_parameter("w", minicnn.zeros(1)), TypeError, "expects a Parameter"),
        (lambda n: n.register_buffer("conv", minicnn.zeros(1)), KeyError, "already exists"),
        (lambda n: n.register_buffer("b", 3), TypeError, "expects a Tensor"),
        (lambda n: n.add_module("b", 3), TypeError, "expects a Module"),
        (lambda n: n.add_module("b", nn.ReLU), TypeError, "make an instance: ReLU"),
        (lambda n: n.get_submodule("head.7"), AttributeError, "no module '7'"),
        (lambda n: n.get_parameter("conv.wight"), AttributeError, "weight, bias"),
        (lambda n: n.get_buffer("norm.mean"), AttributeError, "running_mean"),
        (lambda n: n.train("yes"), ValueError, "True or False"),
        (lambda n: n.to(minicnn.int64), TypeError, "float32 or float64"),
        (lambda n: n.to("tpu"), RuntimeError, "'tpu'"),
        (lambda n: n.convv, AttributeError, "'Net' object has no attribute 'convv'"),
        (lambda n: nn.Sequential([nn.ReLU()]), TypeError, "unpack it"),
        (lambda n: nn.Parameter([1.0]), TypeError, "expects a Tensor"),
        (lambda n: nn.Parameter(minicnn.tensor([1])), RuntimeError, "only floats have gradients"),
        (lambda n: nn.Module()(1), NotImplementedError, 'missing the required "forward"'),
    ],
)
def test_errors(action, error, words):
    with pytest.raises(error) as info:
        action(Net())
    assert words in str(info.value)
    assert three_lines(info)


def test_forgotten_super_init():
    class Forgets(nn.Module):
        def __init__(self):
            self.fc = nn.Linear(2, 2)

    class ForgetsQuietly(nn.Module):
        def __init__(self):
            self.width = 3

        def forward(self, x):
            return x

    with pytest.raises(AttributeError, match=r"cannot assign module 'fc' before Module.__init__\(\) call"):
        Forgets()
    with pytest.raises(AttributeError, match=r"super\(\).__init__\(\) the first line"):
        ForgetsQuietly()(1)


def test_paths():
    net = Net()
    assert net.get_submodule("head.1") is net.head[1]
    assert net.get_submodule("") is net
    assert net.get_parameter("head.1.weight") is net.head[1].weight
    assert net.get_buffer("norm.running_mean") is net.norm.running_mean


# ---- modes, dtypes, gradients


def test_train_and_eval_reach_all():
    net = Net()
    assert net.training
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    net.train()
    assert all(m.training for m in net.modules())


def test_conversion_is_in_place():
    net = Net()
    before = dict(net.named_parameters())
    net(minicnn.randn(2, 1, 4, 4)).sum().backward()
    net.double()
    assert all(p is before[n] and p.dtype == np.float64 for n, p in net.named_parameters())
    assert all(p.grad.dtype == np.float64 for p in net.parameters())
    assert net.norm.running_mean.dtype == np.float64
    assert net.norm.num_batches_tracked.dtype == np.int64
    assert net.to(minicnn.zeros(1)).scale.dtype == np.float32
    assert net.to("cpu", dtype=minicnn.float64).float().cpu().scale.dtype == np.float32


def test_an_older_graph_keeps_the_values_from_before_a_conversion():
    layer = nn.Linear(2, 2)
    before = layer.weight.detach().numpy().copy()
    x = minicnn.randn(3, 2, requires_grad=True)
    y = layer(x).sum()
    layer.double()
    nn.init.zeros_(layer.weight)
    y.backward()
    assert np.allclose(x.grad.numpy(), before.sum(0))


def test_freezing_and_zero_grad():
    net = Net().requires_grad_(False)
    assert not net(minicnn.randn(2, 1, 4, 4)).requires_grad
    net.requires_grad_()
    net(minicnn.randn(2, 1, 4, 4)).sum().backward()
    kept = net.scale.grad
    net.zero_grad(set_to_none=False)
    assert net.scale.grad is kept
    assert kept.tolist() == [0.0, 0.0, 0.0]
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_apply_visits_children_first():
    seen = []
    nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.ReLU())).apply(lambda m: seen.append(type(m).__name__))
    assert seen == ["Linear", "ReLU", "Sequential", "Sequential"]


# ---- state


def test_state_makes_the_round_trip():
    a, b = Net(), Net()
    x = minicnn.randn(4, 1, 4, 4)
    a(x)
    assert str(b.load_state_dict(a.state_dict())) == "<All keys matched successfully>"
    assert b.norm.num_batches_tracked.item() == 1
    assert (a.eval()(x) - b.eval()(x)).abs().max().item() == 0
    assert b.scale is not a.scale
    assert all(not v.requires_grad for v in a.state_dict().values())
    assert a.state_dict(keep_vars=True)["scale"] is a.scale
    assert next(iter(a.state_dict(prefix="net."))) == "net.scale"
    a.state_dict()["scale"].fill_(7.0)  # shares memory, as in PyTorch
    assert a.scale.tolist() == [7.0] * 3


def test_loading_takes_arrays_and_casts():
    layer = nn.Linear(2, 1)
    layer.load_state_dict({"weight": np.array([[1.0, 2.0]]), "bias": minicnn.tensor([3.0], dtype=minicnn.float64)})
    assert layer.weight.dtype == np.float32
    assert layer(minicnn.ones(1, 2)).item() == 6.0


def test_a_failed_load_changes_nothing():
    net = Net()
    state = {k: v.clone() for k, v in net.state_dict().items()}
    given = {**{k: v + 1 for k, v in state.items()}, "head.1.weight": minicnn.zeros(3, 9), "stranger": 1}
    del given["conv.bias"]
    with pytest.raises(errors.CheckpointError) as info:
        net.load_state_dict(given)
    assert three_lines(info)
    for words in ("1 missing", "conv.bias", "stranger", "size mismatch for head.1.weight", "(3, 9)", "(3, 8)"):
        assert words in str(info.value)
    with pytest.raises(RuntimeError, match="size mismatch"):
        net.load_state_dict(given, strict=False)
    assert all((net.state_dict()[k] == v).all() for k, v in state.items())
    for only in ({"stranger": 1, **state}, {k: v for k, v in state.items() if k != "seen"}):
        with pytest.raises(RuntimeError, match=r"1 (missing|unexpected)"):
            net.load_state_dict(only)
    with pytest.raises(TypeError, match="dict"):
        net.load_state_dict(3)


def test_loading_what_fits():
    net = Net()
    keys = net.load_state_dict({"scale": minicnn.zeros(3), "other": minicnn.zeros(1)}, strict=False)
    assert keys.unexpected_keys == ["other"]
    assert keys.missing_keys == KEYS[1:]
    assert net.scale.tolist() == [0.0] * 3
    value = minicnn.ones(3, dtype=minicnn.float64)
    net.load_state_dict({"scale": value, "seen": minicnn.ones(1)}, strict=False, assign=True)
    assert isinstance(net.scale, nn.Parameter)
    assert net.scale.dtype == np.float64
    assert net.scale.detach()._array is value._array


def test_pickle_and_deepcopy():
    net = Net()
    x = minicnn.randn(2, 1, 4, 4)
    net(x).sum().backward()
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert isinstance(twin.scale, nn.Parameter)
        assert twin.scale.requires_grad
        assert (twin.eval()(x) == net.eval()(x)).all()
        with minicnn.no_grad():
            twin.scale.zero_()
        assert net.scale.tolist() == [1.0] * 3
    assert copy.deepcopy(net).scale.grad is None  # as in PyTorch


# ---- hooks


def test_hooks_change_inputs_and_outputs_in_order():
    layer, calls = nn.Identity(), []
    first = layer.register_forward_pre_hook(lambda m, args: calls.append("pre") or (args[0] + 1,))
    layer.register_forward_pre_hook(lambda m, args: calls.append("earlier"), prepend=True)
    layer.register_forward_hook(lambda m, args, out: calls.append("post") or out * 10)
    assert layer(minicnn.tensor([1.0])).item() == 20.0
    assert calls == ["earlier", "pre", "post"]
    first.remove()
    first.remove()
    assert layer(minicnn.tensor([1.0])).item() == 10.0


def test_hooks_with_keywords():
    class Scaled(nn.Module):
        def forward(self, x, by=1.0):
            return x * by

    layer = Scaled()
    layer.register_forward_pre_hook(lambda m, args, kw: (args, {"by": kw["by"] + 1}), with_kwargs=True)
    layer.register_forward_hook(lambda m, args, kw, out: out + kw["by"], with_kwargs=True)
    assert layer(minicnn.tensor([2.0]), by=2.0).item() == 9.0
    layer.register_forward_pre_hook(lambda m, args, kw: 3, with_kwargs=True)
    with pytest.raises(TypeError, match="pair"):
        layer(minicnn.tensor([2.0]), by=2.0)


# ---- text


def test_repr():
    assert repr(Net()) == (
        "Net(\n"
        "  (conv): Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1))\n"
        "  (norm): BatchNorm2d(2, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)\n"
        "  (head): Sequential(\n"
        "    (0): Flatten(start_dim=1, end_dim=-1)\n"
        "    (1): Linear(in_features=8, out_features=3, bias=True)\n"
        "  )\n"
        ")"
    )
    assert repr(nn.Sequential()) == "Sequential()"
    assert repr(nn.Parameter(minicnn.ones(1))) == "Parameter containing:\ntensor([1.], requires_grad=True)"
    assert repr(nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Tanh()])) == (
        "ModuleList(\n  (0-1): 2 x ReLU()\n  (2): Tanh()\n)"
    )
