"""The layers and `nn.functional`, each against what NumPy computes from the textbook's formula."""

import itertools

import numpy as np
import pytest

import minicnn
from minicnn import nn, optim
from minicnn.autograd.op import functions
from minicnn.nn import functional as F


def rand(*shape):
    return minicnn.randn(*shape, generator=minicnn.Generator().manual_seed(1), dtype=minicnn.float64)


def near(a, b, tolerance=1e-9):
    return np.allclose(a.detach().numpy(), b, rtol=0, atol=tolerance)


# ---- linear maps and shapes


def test_linear():
    layer = nn.Linear(3, 2, dtype=minicnn.float64)
    w, b = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    for shape in ((4, 3), (3,), (2, 4, 3), (0, 3)):
        x = rand(*shape)
        assert near(layer(x), x.numpy() @ w.T + b)
    plain = nn.Linear(3, 2, False, "cpu", minicnn.float64)  # device and dtype by position
    assert list(plain.state_dict()) == ["weight"]
    assert near(plain(rand(4, 3)), rand(4, 3).numpy() @ plain.weight.detach().numpy().T)
    assert nn.Linear(0, 2)(minicnn.zeros(3, 0)).tolist() == [[0.0, 0.0]] * 3


def tensors_of(sample, shift, moves):
    """Return the sample's arguments as tensors, each array moved by a part of its direction, and those tensors."""
    moved, made = iter(moves), []

    def convert(value):
        if not isinstance(value, np.ndarray):
            return value
        grad = value.dtype.kind == "f"
        made.append(minicnn.tensor(value + shift * next(moved, 0) if grad else value, requires_grad=grad))
        return made[-1]

    return [convert(a) for a in sample.args], {k: convert(v) for k, v in sample.kwargs.items()}, made


@pytest.mark.parametrize("name", ["linear", "mse_loss"])
def test_gradients_of_new_functions(name):
    """Each sample's gradient against central differences along a random direction, and each bad call's error."""
    public = functions[name]
    for sample in public.samples(np.random.default_rng(0)):
        rng = np.random.default_rng(1)
        moves = [rng.normal(size=a.shape) for a in (*sample.args, *sample.kwargs.values()) if isinstance(a, np.ndarray)]
        losses = []
        for shift in (0.0, 1e-5, -1e-5):
            args, kwargs, made = tensors_of(sample, shift, moves)
            out = public.function(*args, **kwargs)
            losses.append((out * minicnn.tensor(np.random.default_rng(2).normal(size=out.shape))).sum())
            if not shift:
                losses[0].backward()
                analytic = sum((t.grad.numpy() * m).sum() for t, m in zip(made, moves, strict=True))
        assert analytic == pytest.approx((losses[1] - losses[2]).item() / 2e-5, rel=1e-7, abs=1e-9), sample
    for bad in public.errors():
        args, kwargs, _ = tensors_of(bad, 0.0, [])
        with pytest.raises(bad.error) as info:
            public.function(*args, **kwargs)
        assert all(word in str(info.value) for word in bad.words), info.value
        assert str(info.value).count("\n") == 2


def test_flatten_and_unflatten():
    x = rand(2, 3, 4, 5)
    assert nn.Flatten()(x).shape == (2, 60)
    assert nn.Flatten(0, 1)(x).shape == (6, 4, 5)
    assert (nn.Unflatten(1, (3, 4, 5))(nn.Flatten()(x)) == x).all()
    assert nn.Unflatten(-1, (5, -1))(x).shape == (2, 3, 4, 5, 1)
    assert nn.Unflatten(1, [0, 2])(minicnn.zeros(3, 0)).shape == (3, 0, 2)
    with pytest.raises(RuntimeError, match=r"\[2, 3\] don't multiply up to the size of dim 1 \(4\)"):
        nn.Unflatten(1, (2, 3))(minicnn.zeros(2, 4))
    with pytest.raises(RuntimeError, match="don't multiply"):
        nn.Unflatten(1, (3, -1))(minicnn.zeros(2, 4))
    with pytest.raises(IndexError, match="dim 2"):
        nn.Unflatten(2, (2, 2))(minicnn.zeros(2, 4))
    with pytest.raises(TypeError, match="tuple of ints"):
        nn.Unflatten(1, 4)
    with pytest.raises(ValueError, match="-1 once"):
        nn.Unflatten(1, (-1, -1))
    assert nn.Identity(3, unused=True)(x) is x


# ---- convolution


def direct(x, w, b, stride, dilation, groups):
    """Convolution by the definition's seven loops, on an input that is padded already."""
    n, _, h, width = x.shape
    o, c, kh, kw = w.shape
    oh = (h - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    ow = (width - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    y = np.zeros((n, o, oh, ow))
    for a, f, i, j in itertools.product(range(n), range(o), range(oh), range(ow)):
        first = f // (o // groups) * c
        for ch, p, q in itertools.product(range(c), range(kh), range(kw)):
            row, column = i * stride[0] + p * dilation[0], j * stride[1] + q * dilation[1]
            y[a, f, i, j] += w[f, ch, p, q] * x[a, first + ch, row, column]
        y[a, f, i, j] += b[f]
    return y


NUMPY_MODE = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@pytest.mark.parametrize("mode", list(NUMPY_MODE))
@pytest.mark.parametrize(
    ("kwargs", "pads"),
    [
        ({}, ((0, 0), (0, 0))),
        ({"padding": 1, "stride": 2}, ((1, 1), (1, 1))),
        ({"padding": (0, 2), "dilation": (2, 1)}, ((0, 0), (2, 2))),
        ({"padding": "same", "dilation": (1, 3)}, ((1, 1), (1, 2))),
        ({"padding": "valid", "groups": 2}, ((0, 0), (0, 0))),
    ],
)
def test_conv2d(mode, kwargs, pads):
    layer = nn.Conv2d(2, 4, (3, 2), padding_mode=mode, dtype=minicnn.float64, **kwargs)
    x = rand(2, 2, 6, 7)
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), *pads), mode=NUMPY_MODE[mode])
    w, b = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    expected = direct(padded, w, b, layer.stride, layer.dilation, layer.groups)
    assert near(layer(x), expected)
    assert near(layer(x[0]), expected[0])  # without a batch dim


def test_conv2d_parameters():
    layer = nn.Conv2d(4, 6, 3, 2, 1, 2, 2, False, "reflect", "cpu", minicnn.float64)
    assert layer.weight.shape == (6, 2, 3, 3)
    assert layer.weight.dtype == np.float64
    assert layer.bias is None
    assert layer.extra_repr() == (
        "4, 6, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), dilation=(2, 2), groups=2, bias=False, "
        "padding_mode=reflect"
    )
    for kwargs, words in (
        ({"groups": 3}, "groups must divide"),
        ({"padding": "same", "stride": 2}, "'same' with stride 1"),
        ({"padding_mode": "mirror"}, "'mirror'"),
        ({"stride": 0}, "at least 1"),
        ({"padding": -1}, "at least 0"),
    ):
        with pytest.raises(ValueError, match=words):
            nn.Conv2d(4, 6, 3, **kwargs)
    with pytest.raises(TypeError, match="kernel_size expects an int"):
        nn.Conv2d(4, 6, 3.0)


# ---- normalization


@pytest.mark.parametrize("momentum", [0.1, 0.5, None])
def test_batch_norm_keeps_running_statistics(momentum):
    layer = nn.BatchNorm1d(3, momentum=momentum, dtype=minicnn.float64)
    mean, var = np.zeros(3), np.ones(3)
    batches = [rand(5, 3).numpy() * (i + 1) + i for i in range(3)]
    for i, x in enumerate(batches):
        y = layer(minicnn.tensor(x))
        assert near(y, (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5))
        m = momentum or 1 / (i + 1)
        mean, var = (1 - m) * mean + m * x.mean(0), (1 - m) * var + m * x.var(0, ddof=1)
        assert near(layer.running_mean, mean)
        assert near(layer.running_var, var)
        assert layer.num_batches_tracked.item() == i + 1
    x = batches[0]
    assert near(layer.eval()(minicnn.tensor(x)), (x - mean) / np.sqrt(var + 1e-5))
    assert layer.num_batches_tracked.item() == 3
    layer.reset_running_stats()
    assert layer.running_var.tolist() == [1.0] * 3
    assert layer.num_batches_tracked.item() == 0


def test_batch_norm_variants():
    x = rand(4, 2, 3, 3)
    values = x.numpy()
    centred = values - values.mean((0, 2, 3), keepdims=True)
    expected = centred / np.sqrt(values.var((0, 2, 3), keepdims=True) + 1e-3)
    untracked = nn.BatchNorm2d(2, eps=1e-3, affine=False, track_running_stats=False).eval()
    assert list(untracked.state_dict()) == []
    assert near(untracked(x), expected)  # the batch's own statistics, in evaluation too
    frozen = nn.BatchNorm2d(2, dtype=minicnn.float64)
    frozen.track_running_stats = False
    frozen(x)
    assert frozen.running_mean.tolist() == [0.0, 0.0]
    assert list(nn.BatchNorm2d(2, bias=False).state_dict()) == [
        "weight", "running_mean", "running_var", "num_batches_tracked",
    ]  # fmt: skip
    layer = nn.BatchNorm1d(2, dtype=minicnn.float64)
    assert layer(rand(3, 2, 5)).shape == (3, 2, 5)
    before = layer.num_batches_tracked.item()
    with pytest.raises(ValueError, match="more than 1 value"):
        layer(rand(1, 2))
    with pytest.raises(ValueError, match="expected 2D or 3D input"):
        layer(rand(3, 2, 5, 5))
    with pytest.raises(ValueError, match="expected 4D input"):
        nn.BatchNorm2d(2)(rand(3, 2))
    with pytest.raises(RuntimeError, match="num_features=3"):
        layer(rand(4, 3))
    assert layer.num_batches_tracked.item() == before  # a failed call counts nothing


def test_layer_norm():
    x = rand(2, 3, 4)
    values = x.numpy()
    expected = (values - values.mean((1, 2), keepdims=True)) / np.sqrt(values.var((1, 2), keepdims=True) + 1e-5)
    assert near(nn.LayerNorm((3, 4), dtype=minicnn.float64)(x), expected)
    assert abs(nn.LayerNorm(2, eps=3.0)(minicnn.tensor([1.0, 3.0])).detach().numpy()).tolist() == [0.5, 0.5]
    assert nn.LayerNorm(4).weight.shape == (4,)
    assert list(nn.LayerNorm(4, bias=False).state_dict()) == ["weight"]
    assert list(nn.LayerNorm(4, elementwise_affine=False).state_dict()) == []
    assert repr(nn.LayerNorm([3, 4])) == "LayerNorm((3, 4), eps=1e-05, elementwise_affine=True, bias=True)"


# ---- pooling, dropout, activations


def test_pooling():
    x = rand(2, 3, 6, 6)
    blocks = x.numpy().reshape(2, 3, 3, 2, 3, 2)
    assert near(nn.MaxPool2d(2)(x), blocks.max((3, 5)))
    assert near(nn.AvgPool2d(2)(x), blocks.mean((3, 5)))
    assert nn.MaxPool2d(3, 2, 1, 1, False, True)(x).shape == (2, 3, 4, 4)
    assert nn.AvgPool2d(3, 2, 1, True, False)(x).shape == (2, 3, 4, 4)
    assert repr(nn.MaxPool2d(3, 2)) == "MaxPool2d(kernel_size=3, stride=2, padding=0, dilation=1, ceil_mode=False)"
    y, places = nn.MaxPool2d(2, return_indices=True)(x)
    assert near(x.flatten(2).gather(2, places.flatten(2)).reshape(y.shape), y.numpy())


def test_dropout():
    minicnn.manual_seed(0)
    layer, x = nn.Dropout(0.25), minicnn.ones(10_000)
    y = layer(x).numpy()
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert (y == 0).mean() == pytest.approx(0.25, abs=0.02)
    assert layer.eval()(x) is x
    assert repr(layer) == "Dropout(p=0.25, inplace=False)"
    with pytest.raises(ValueError, match="0 to 1"):
        nn.Dropout(2)


def test_activations():
    x = rand(2, 3)
    values = x.numpy()
    powers = np.exp(values)
    assert near(nn.ReLU()(x), np.maximum(values, 0))
    assert near(nn.Sigmoid()(x), 1 / (1 + 1 / powers))
    assert near(nn.Tanh()(x), np.tanh(values))
    assert near(nn.Softmax(1)(x), powers / powers.sum(1, keepdims=True))
    assert near(nn.LogSoftmax(0)(x), values - np.log(powers.sum(0)))
    with pytest.warns(DeprecationWarning, match="dim"):
        assert near(nn.Softmax()(x), powers / powers.sum(1, keepdims=True))
    with pytest.warns(DeprecationWarning, match="dim"):
        assert near(F.log_softmax(x[0]), values[0] - np.log(powers[0].sum()))
    assert [repr(nn.Softmax(1)), repr(nn.ReLU(True))] == ["Softmax(dim=1)", "ReLU(inplace=True)"]


def test_relu_in_place_writes_over_its_input():
    x = minicnn.tensor([-1.0, 2.0])
    assert nn.ReLU(inplace=True)(x) is x
    assert x.tolist() == [0.0, 2.0]
    w = minicnn.tensor([-1.0, 2.0], requires_grad=True)
    F.relu(w * 3, inplace=True).sum().backward()
    assert w.grad.tolist() == [0.0, 3.0]


# ---- losses


def test_losses():
    x, t = rand(4, 3), minicnn.tensor([0, 2, 1, 1])
    log_p = x.numpy() - np.log(np.exp(x.numpy()).sum(1, keepdims=True))
    picked = log_p[np.arange(4), t.numpy()]
    assert near(nn.CrossEntropyLoss()(x, t), -picked.mean())
    assert near(nn.CrossEntropyLoss(reduction="none")(x, t), -picked)
    weight = minicnn.tensor([1.0, 2.0, 3.0], dtype=minicnn.float64)
    loss = nn.CrossEntropyLoss(weight, ignore_index=1)
    assert list(loss.state_dict()) == ["weight"]
    assert near(loss(x, t), -(picked[0] + 3 * picked[1]) / 4)
    assert list(nn.CrossEntropyLoss().state_dict()) == []
    smooth = nn.CrossEntropyLoss(label_smoothing=0.3)
    assert near(smooth(x, t), -(0.7 * picked + 0.1 * log_p.sum(1)).mean())
    y = rand(4, 3) * 2
    assert near(nn.MSELoss()(x, y), ((x - y).numpy() ** 2).mean())
    assert near(nn.MSELoss(reduction="sum")(x, y), ((x - y).numpy() ** 2).sum())
    squares = (x - y).numpy() ** 2
    assert near(F.mse_loss(x, y, weight=x**2), (squares * x.numpy() ** 2).sum() / (x.numpy() ** 2).sum())
    assert repr(nn.MSELoss()) == "MSELoss()"
    with pytest.warns(UserWarning, match="broadcast"):
        assert near(F.mse_loss(x, y[:1]), ((x - y[:1]).numpy() ** 2).mean())


@pytest.mark.filterwarnings("ignore:size_average:UserWarning")
def test_old_spelling_of_reductions():
    x, y = rand(4, 3), rand(4, 3) * 2
    assert nn.MSELoss(size_average=False).reduction == "sum"
    assert nn.CrossEntropyLoss(reduce=False).reduction == "none"
    assert near(F.mse_loss(x, y, size_average=False), ((x - y).numpy() ** 2).sum())


# ---- a whole network


def test_a_network_learns():
    """LeNet's parts together fit a batch of noise, so that gradients reach every layer."""
    minicnn.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.1),
        nn.Flatten(),
        nn.LayerNorm(64),
        nn.Linear(64, 3),
    )
    x, t = minicnn.randn(12, 1, 8, 8), minicnn.randint(3, (12,))
    loss_of = nn.CrossEntropyLoss()
    losses = []
    for _ in range(60):
        net.zero_grad()
        loss = loss_of(net(x), t)
        loss.backward()
        losses.append(loss.item())
        with minicnn.no_grad():
            for p in net.parameters():
                assert p.grad is not None
                p -= 0.1 * p.grad
    assert losses[-1] < 0.1 * losses[0]


@pytest.mark.parametrize("backend", ["numpy", "strict"])
def test_layers_and_optimizers_run_on_a_strict_device(backend, same_masks):
    """The strict backend refuses what a GPU would; it must give what the CPU gives."""
    losses = {}
    for name in {"numpy", backend}:
        with minicnn.use(name):
            minicnn.manual_seed(0)
            net = nn.Sequential(
                nn.Conv2d(1, 4, 3, padding=1, padding_mode="reflect"),
                nn.BatchNorm2d(4, momentum=None),
                nn.ReLU(inplace=True),
                nn.MaxPool2d(2),
                nn.Dropout(0.1),
                nn.Flatten(),
                nn.LayerNorm(64),
                nn.Linear(64, 3),
            )
            nn.init.orthogonal_(net[-1].weight)
            optimizers = [
                optim.SGD(net[:4].parameters(), 0.1, momentum=0.9, dampening=0.1, weight_decay=0.01),
                optim.SGD(net[-2:-1].parameters(), 0.1, momentum=0.9, nesterov=True, maximize=True),
                optim.Adam(net[-1].parameters(), 0.1, amsgrad=True, weight_decay=0.1),
            ]
            x, t = minicnn.randn(6, 1, 8, 8), minicnn.randint(3, (6,))
            assert x.device == net[0].weight.device
            losses[name] = []
            for step in range(4):
                net.zero_grad(set_to_none=step == 2)
                loss = nn.CrossEntropyLoss()(net(x), t) + F.mse_loss(net[-1].bias, net[-1].bias * 0)
                loss.backward()
                for optimizer in optimizers:
                    optimizer.step()
                losses[name].append(loss.item())
            net.load_state_dict(net.state_dict())
            optimizers[-1].load_state_dict(optimizers[-1].state_dict())
            losses[name].append(net.double().eval()(x.double()).sum().item())
    assert losses[backend] == pytest.approx(losses["numpy"], rel=1e-5)
