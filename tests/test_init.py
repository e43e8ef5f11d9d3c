"""Initial values: distributions, structured matrices, gains, and the errors of bad arguments."""

import math

import numpy as np
import pytest

import minicnn
from minicnn import errors, nn
from minicnn.nn import init

N = 40_000


def draw(function, *args, shape=(N,), **kwargs):
    generator = minicnn.Generator().manual_seed(5)
    tensor = minicnn.zeros(*shape)
    assert function(tensor, *args, generator=generator, **kwargs) is tensor
    return tensor.numpy().astype(np.float64)


def test_plain_distributions():
    u = draw(init.uniform_, -2.0, 6.0)
    assert -2 <= u.min() < -1.99
    assert 5.99 < u.max() <= 6
    assert u.mean() == pytest.approx(2, abs=0.05)
    z = draw(init.normal_, 3.0, 0.5)
    assert z.mean() == pytest.approx(3, abs=0.02)
    assert z.std() == pytest.approx(0.5, rel=0.02)
    assert ((z - 3) ** 4).mean() / 0.5**4 == pytest.approx(3, rel=0.1)


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [(0, 1, -2, 2), (1, 0.5, 0, 1.2), (0, 1, 3, 4), (0, 1, 6, 60), (0, 1, -9, -8), (5, 2, 5, 6)],
)
def test_truncated_normal(mean, std, a, b):
    """Against the density itself, summed on a fine grid; far tails too."""
    values = draw(init.trunc_normal_, mean, std, a, b)
    assert values.min() >= a
    assert values.max() <= b
    grid = np.linspace(a, b, 2_000_001)
    exponent = -(((grid - mean) / std) ** 2) / 2
    density = np.exp(exponent - exponent.max())
    density /= density.sum()
    expected = (grid * density).sum()
    spread = math.sqrt(((grid - expected) ** 2 * density).sum())
    assert values.mean() == pytest.approx(expected, abs=5 * spread / math.sqrt(N))
    assert values.std() == pytest.approx(spread, rel=0.05)


def test_fans():
    assert init._calculate_fan_in_and_fan_out(minicnn.zeros(3, 5)) == (5, 3)
    assert init._calculate_fan_in_and_fan_out(minicnn.zeros(8, 3, 5, 2)) == (30, 80)


@pytest.mark.parametrize(
    ("function", "kwargs", "std"),
    [
        (init.xavier_uniform_, {}, math.sqrt(2 / 300)),
        (init.xavier_normal_, {"gain": 2.0}, 2 * math.sqrt(2 / 300)),
        (init.kaiming_uniform_, {}, math.sqrt(2 / 100)),
        (init.kaiming_uniform_, {"a": math.sqrt(5)}, math.sqrt(1 / 300)),
        (init.kaiming_normal_, {"nonlinearity": "relu"}, math.sqrt(2 / 100)),
        (init.kaiming_normal_, {"mode": "fan_out", "nonlinearity": "linear"}, math.sqrt(1 / 200)),
        (init.kaiming_normal_, {"nonlinearity": "tanh"}, 5 / 3 / 10),
    ],
)
def test_by_fans(function, kwargs, std):
    values = draw(function, shape=(200, 100), **kwargs)
    assert values.std() == pytest.approx(std, rel=0.02)
    assert values.mean() == pytest.approx(0, abs=0.05 * std)
    if "uniform" in function.__name__:
        assert np.abs(values).max() == pytest.approx(math.sqrt(3) * std, rel=0.01)
        assert np.abs(values).max() <= math.sqrt(3) * std * (1 + 1e-6)
    else:
        assert np.abs(values).max() > 3 * std


@pytest.mark.parametrize(
    ("layer", "fan"), [(nn.Linear(100, 200), 100), (nn.Conv2d(8, 64, 5), 200), (nn.Conv2d(8, 64, 5, groups=4), 50)]
)
def test_default_of_layers(layer, fan):
    bound = 1 / math.sqrt(fan)
    for p in (layer.weight, layer.bias):
        values = p.detach().numpy()
        assert np.abs(values).max() <= bound * (1 + 1e-6)
        assert np.abs(values).max() > 0.9 * bound
        assert values.std() == pytest.approx(bound / math.sqrt(3), rel=0.2)


def test_seeds():
    minicnn.manual_seed(3)
    a = nn.Linear(4, 4).weight
    b = nn.Linear(4, 4).weight
    minicnn.manual_seed(3)
    assert (nn.Linear(4, 4).weight == a).all()
    assert not (a == b).all()
    assert (draw(init.normal_) == draw(init.normal_)).all()


@pytest.mark.parametrize("shape", [(3, 3), (2, 7), (7, 2), (4, 2, 3)])
def test_orthogonal(shape):
    q = draw(init.orthogonal_, 2.0, shape=shape).reshape(shape[0], -1)
    product = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
    assert np.allclose(product, 4 * np.eye(len(product)), atol=1e-5)


def test_orthogonal_is_uniform():
    """Each entry of a uniform orthogonal matrix has mean 0; without the signs of R its diagonal has not."""
    generator = minicnn.Generator().manual_seed(0)
    corners = [init.orthogonal_(minicnn.zeros(2, 2), generator=generator)[0, 0].item() for _ in range(2000)]
    assert np.mean(corners) == pytest.approx(0, abs=0.08)


def test_structured():
    assert init.eye_(minicnn.zeros(2, 3)).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert init.constant_(minicnn.zeros(2), 4).tolist() == [4, 4]
    assert init.ones_(minicnn.zeros(2)).tolist() == [1, 1]
    assert init.zeros_(minicnn.ones(2)).tolist() == [0, 0]
    sparse = draw(init.sparse_, 0.25, shape=(10, 200))
    assert ((sparse == 0).sum(0) == 3).all()
    assert sparse[sparse != 0].std() == pytest.approx(0.01, rel=0.1)
    assert set(np.nonzero((sparse == 0).sum(1))[0]) == set(range(10))


@pytest.mark.parametrize("groups", [1, 2])
def test_dirac_passes_channels_on(groups):
    layer = nn.Conv2d(4, 4, 3, padding=1, groups=groups, bias=False)
    init.dirac_(layer.weight, groups)
    x = minicnn.randn(2, 4, 5, 5)
    assert (layer(x) == x).all()


def test_fills_off_the_tape_and_is_seen_by_older_graphs():
    layer = nn.Linear(2, 2)
    y = layer(minicnn.ones(1, 2, requires_grad=True)).sum()
    init.zeros_(layer.weight)
    assert layer.weight.is_leaf
    assert layer.weight.requires_grad
    with pytest.raises(errors.GraphError):
        y.backward()
    half = minicnn.zeros(2, 2, dtype=minicnn.float64)
    assert init.normal_(half).dtype == np.float64


def test_gains():
    assert init.calculate_gain("relu") == math.sqrt(2)
    assert init.calculate_gain("leaky_relu", 0.2) == math.sqrt(2 / 1.04)
    assert init.calculate_gain("leaky_relu") == math.sqrt(2 / (1 + 0.01**2))
    assert [init.calculate_gain(n) for n in ("conv2d", "sigmoid", "tanh", "selu")] == [1, 1, 5 / 3, 3 / 4]


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (lambda t: init.uniform_(t, 1.0, 0.0), "a ≤ b"),
        (lambda t: init.normal_(t, 0.0, -1.0), "0 or more"),
        (lambda t: init.trunc_normal_(t, 0.0, 1.0, 2.0, 1.0), "a < b"),
        (lambda t: init.eye_(t[0]), "2 dims"),
        (lambda t: init.dirac_(t), "3 or 4 or 5 dims"),
        (lambda t: init.dirac_(minicnn.zeros(3, 2, 3), 2), "groups must divide"),
        (lambda t: init.orthogonal_(t[0]), "at least 2 dims"),
        (lambda t: init.sparse_(t, 1.5), "0 to 1"),
        (lambda t: init.xavier_normal_(t[0]), "at least 2 dims"),
        (lambda t: init.kaiming_normal_(t, mode="fan"), "'fan_in' or 'fan_out'"),
        (lambda t: init.kaiming_normal_(t, nonlinearity="swish"), "'swish' is unknown"),
        (lambda t: init.calculate_gain("leaky_relu", "a"), "a number"),
    ],
)
def test_errors(action, words):
    t = minicnn.ones(3, 3)
    with pytest.raises(ValueError, match=words) as info:
        action(t)
    assert str(info.value).count("\n") == 2
    assert (t == 1).all()


def test_tensors_without_elements():
    with pytest.warns(UserWarning, match="without elements"):
        init.kaiming_uniform_(minicnn.zeros(0, 3))
    assert init.xavier_uniform_(minicnn.zeros(0, 0)).shape == (0, 0)
    assert init.orthogonal_(minicnn.zeros(0, 3)).shape == (0, 3)
    assert init.trunc_normal_(minicnn.zeros(0)).shape == (0,)


def test_old_names():
    for old, new in (("kaiming_normal", init.kaiming_normal_), ("xavier_uniform", init.xavier_uniform_)):
        with pytest.warns(FutureWarning, match=f"{old}_"):
            values = draw(getattr(init, old), shape=(4, 4))
        assert (values == draw(new, shape=(4, 4))).all()
    with pytest.warns(FutureWarning, match="constant_"):
        assert init.constant(minicnn.zeros(1), 2.0).tolist() == [2.0]
