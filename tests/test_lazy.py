"""Lazy layers before, at and after their first call."""

import copy

import numpy as np
import pytest

import minicnn
from minicnn import nn, optim

LAZY = [
    ("LazyLinear", (3,), {}, (2, 5), (2, 6)),
    ("LazyConv1d", (4, 3), {"groups": 2}, (2, 4, 5), (2, 6, 5)),
    ("LazyConv2d", (4, 3), {"bias": False, "padding": 1}, (2, 3, 5, 5), (2, 4, 5, 5)),
    ("LazyConv3d", (4, 2), {}, (2, 3, 3, 3, 3), (2, 4, 3, 3, 3)),
    ("LazyConvTranspose1d", (4, 3, 2), {}, (2, 3, 5), (2, 4, 5)),
    ("LazyConvTranspose2d", (4, 3), {"groups": 2, "output_padding": 1, "stride": 2}, (2, 6, 5, 5), (2, 4, 5, 5)),
    ("LazyConvTranspose3d", (4, 2), {}, (2, 3, 3, 3, 3), (2, 4, 3, 3, 3)),
    ("LazyBatchNorm1d", (), {}, (4, 3), (4, 2)),
    ("LazyBatchNorm2d", (), {"affine": False}, (2, 3, 2, 2), (2, 4, 2, 2)),
    ("LazyBatchNorm3d", (), {"bias": False}, (2, 3, 2, 2, 2), (2, 4, 2, 2, 2)),
    ("LazyInstanceNorm1d", (), {}, (2, 3, 4), (2, 4, 4)),
    ("LazyInstanceNorm2d", (), {"track_running_stats": False}, (2, 3, 4, 4), (2, 4, 4, 4)),
    ("LazyInstanceNorm3d", (), {}, (2, 3, 2, 2, 2), (2, 4, 2, 2, 2)),
]


def make(lib, name, args, kwargs):
    return getattr(lib.nn, name)(*args, **kwargs)


@pytest.mark.parametrize(("name", "args", "kwargs", "shape", "other"), LAZY)
def test_a_lazy_layer_becomes_the_plain_one(name, args, kwargs, shape, other):
    layer = make(minicnn, name, args, kwargs)
    held = list(layer.parameters())
    assert all(repr(p) == "<UninitializedParameter>" for p in held)
    assert layer.has_uninitialized_params()
    optimizer = optim.SGD([*held, minicnn.ones(1, requires_grad=True)], lr=0.1)
    y = layer(minicnn.randn(*shape))
    assert type(layer).__name__ == name.removeprefix("Lazy")
    after = list(layer.parameters())
    assert all(type(p) is nn.Parameter for p in after)
    assert all(a is b for a, b in zip(held, after, strict=True))
    for key, value in layer.state_dict().items():
        drawn = {"running_var": 1.0, "running_mean": None, "num_batches_tracked": None}.get(key)
        if key == "weight" or (key == "bias" and "Norm" not in name):
            assert abs(value).max().item() > 0.001, key  # drawn, or 1
        elif drawn is not None and layer.training:
            assert value.min().item() > 0.5, key  # 1, and a tenth of the way to the batch's
    if held:
        (y * minicnn.randn(*y.shape)).sum().backward()
    before = [p.detach().clone() for p in held]
    optimizer.step()
    assert not held or any((p.detach() != b).any() for p, b in zip(held, before, strict=True))
    with pytest.raises(RuntimeError):
        layer(minicnn.randn(*other))


@pytest.mark.parametrize(("name", "args", "kwargs", "shape", "other"), LAZY)
def test_a_state_dict_gives_a_lazy_layer_its_sizes(name, args, kwargs, shape, other):
    plain, layer = make(minicnn, name, args, kwargs), make(minicnn, name, args, kwargs)
    keys = list(layer.state_dict())
    plain(minicnn.randn(*shape))
    assert keys == list(plain.state_dict())
    if not layer.has_uninitialized_params():
        return
    assert str(layer.load_state_dict(make(minicnn, name, args, kwargs).state_dict())) == (
        "<All keys matched successfully>"
    )
    with pytest.raises(RuntimeError, match="no shape yet"):
        plain.load_state_dict(layer.state_dict())
    layer.load_state_dict(plain.state_dict())
    assert type(layer).__name__ == name  # until it is called
    x = minicnn.randn(*shape)
    np.testing.assert_array_equal(layer.eval()(x).detach().numpy(), plain.eval()(x).detach().numpy())
    assert repr(layer) == repr(plain)
    again = make(minicnn, name, args, kwargs)
    again.load_state_dict(plain.state_dict())
    with pytest.raises(RuntimeError):
        again(minicnn.randn(*other))


def test_values_are_not_there_before_the_first_call():
    weight = nn.LazyLinear(3, dtype=minicnn.float64).weight
    for use in (lambda: weight + 1, lambda: weight.numel(), lambda: nn.init.zeros_(weight), lambda: weight.numpy()):
        with pytest.raises(ValueError, match=r"no .* yet"):
            use()
    with pytest.raises(RuntimeError, match="no shape yet"):
        _ = weight.shape
    assert (weight.dtype, weight.grad, weight.is_leaf, weight.requires_grad) == (np.float64, None, True, True)


def test_what_can_be_done_before_the_first_call():
    net = nn.Sequential(nn.LazyLinear(3), nn.LazyBatchNorm1d())
    net.double().zero_grad()
    twin = copy.deepcopy(net)
    net[0].reset_parameters()
    net[1].reset_running_stats()
    assert repr(net[0]) == "LazyLinear(in_features=0, out_features=3, bias=True)"
    y = net(minicnn.randn(4, 2, dtype=minicnn.float64))
    assert y.dtype == net[0].weight.dtype == net[1].running_mean.dtype == np.float64
    assert twin[0].has_uninitialized_params()
    assert twin(minicnn.randn(4, 5, dtype=minicnn.float64)).shape == (4, 3)


def test_loading_that_fails_leaves_a_lazy_network_lazy():
    net = nn.Sequential(nn.LazyLinear(3), nn.Linear(3, 2))
    with pytest.raises(RuntimeError, match="size"):
        net.load_state_dict(nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 5)).state_dict())
    assert net[0].has_uninitialized_params()


def test_wrong_inputs():
    with pytest.raises(RuntimeError, match="4 dims"):
        nn.LazyConv2d(4, 3)(minicnn.zeros(3, 5))
    with pytest.raises(ValueError, match="groups"):
        nn.LazyConv2d(4, 3, groups=2)(minicnn.zeros(1, 3, 5, 5))
    with pytest.raises(ValueError, match="expected 4D"):
        nn.LazyBatchNorm2d()(minicnn.zeros(2, 3))
    assert nn.LazyInstanceNorm2d()(minicnn.randn(3, 5, 5)).shape == (3, 5, 5)  # one sample
    assert nn.LazyConvTranspose2d(4, 3, 2)(minicnn.zeros(1, 2, 3, 3), (8, 8)).shape == (1, 4, 8, 8)


@pytest.mark.peers
@pytest.mark.parametrize(("name", "args", "kwargs", "shape", "other"), LAZY)
def test_against_pytorch(name, args, kwargs, shape, other):
    torch = pytest.importorskip("torch")
    layers = [make(lib, name, args, kwargs) for lib in (minicnn, torch)]
    assert repr(layers[0]) == repr(layers[1])
    assert list(layers[0].state_dict()) == list(layers[1].state_dict())
    values = np.random.default_rng(0).normal(size=shape).astype("float32")
    for layer, lib in zip(layers, (minicnn, torch), strict=True):
        layer(lib.tensor(values))
    assert repr(layers[0]) == repr(layers[1])
    shapes = [{key: tuple(value.shape) for key, value in layer.state_dict().items()} for layer in layers]
    assert shapes[0] == shapes[1]
