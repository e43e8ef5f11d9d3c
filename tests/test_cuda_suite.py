"""The op suite by CUDA's kernels, compiled as C++: every function on each of its samples, as on a GPU."""

from __future__ import annotations

import numpy as np
import pytest
import tally
from cuda_shim import COMPILER, WHY_NOT, ShimBackend, shim_as_strict

import minicnn
from minicnn import nn
from minicnn.testing.call import Call, samples_of, value_and_grads
from minicnn.testing.suite import CHECKS, EXACT, compare, every_function, host, same

pytestmark = pytest.mark.skipif(COMPILER is None, reason=WHY_NOT)
CUDA = ShimBackend()
FUNCTIONS = {public.name: public for public in every_function()}
ON_THE_DEVICE = [name for name in CHECKS if not name.startswith("strict")]


@pytest.fixture
def device():
    """What is new lives on the device, and is computed by its kernels."""
    with shim_as_strict(CUDA), minicnn.use("strict"):
        yield


@pytest.mark.parametrize("name", FUNCTIONS)
def test_kernels_give_what_numpy_gives(name):
    public = FUNCTIONS[name]
    for sample in samples_of(public, seed=0):
        expected = value_and_grads(Call(public, sample), 0)
        with shim_as_strict(CUDA), minicnn.use("strict"):
            found = value_and_grads(Call(public, sample), 0)
        single = any(a is not None and a.dtype == np.float32 for part in expected for a in part)
        same(public, sample, "CUDA's kernels", compare(found, expected), 1e-6 if single else EXACT, 0)


@pytest.mark.slow
@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("check", ON_THE_DEVICE)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_check(name, check):
    """Finite differences, definitions, memory orders and float32, all by the kernels."""
    for sample in samples_of(FUNCTIONS[name], seed=0):
        CHECKS[check](FUNCTIONS[name], sample, 0)


def test_a_network_trains_alike():
    """Ten steps in float64 through most kernels, forward to weights, give NumPy's numbers but for the last digits."""
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(10, 6, 1, 12, 12)), rng.integers(0, 3, (10, 6))
    found = {}
    for name in ("numpy", "strict"):
        with shim_as_strict(CUDA), minicnn.use(name):
            minicnn.manual_seed(0)
            model = nn.Sequential(
                nn.Conv2d(1, 4, 3, padding=1, bias=False),  # a bias has no gradient but noise before a norm
                nn.BatchNorm2d(4),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Conv2d(4, 6, 3, padding=1, stride=2, groups=2),
                nn.GroupNorm(2, 6),
                nn.Tanh(),
                nn.AvgPool2d(3, 1, 1),
                nn.Conv2d(6, 6, 1),
                nn.Sigmoid(),
                nn.Flatten(),
                nn.Linear(54, 8),
                nn.LayerNorm(8),
                nn.Linear(8, 3),
            ).double()
            optimizers = [
                minicnn.optim.AdamW(model.parameters(), lr=1e-2, amsgrad=True),
                minicnn.optim.SGD(model.parameters(), lr=1e-2, momentum=0.9, nesterov=True, weight_decay=1e-3),
            ]
            losses = []
            for step, (x, t) in enumerate(zip(images, labels, strict=True)):
                loss = nn.CrossEntropyLoss(label_smoothing=0.1)(model(minicnn.tensor(x)), minicnn.tensor(t))
                model.zero_grad()
                loss.backward()
                optimizers[step % 2].step()
                losses.append(loss.item())
            found[name] = losses, [host(p) for p in model.parameters()]
    assert found["strict"][0] == pytest.approx(found["numpy"][0], rel=1e-12)
    for a, b in zip(found["strict"][1], found["numpy"][1], strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10 * np.abs(b).max())


def test_the_network_went_through_the_kernels():
    """Without a kernel the test above would pass by the plain ones: count what was launched."""
    before = dict(tally.shim)
    test_a_network_trains_alike()
    launched = {name.split("<")[0] for name, count in tally.shim.items() if count > before.get(name, 0)}
    assert launched >= {
        "im2col", "col2im", "add_bias", "max_pool", "max_pool_grad", "sum_pool", "sum_pool_grad", "channel_moments",
        "channel_sums", "normalize_channels", "batch_norm_dx", "couple", "single", "cross_entropy",
        "cross_entropy_grad", "layer_norm", "layer_norm_dx", "column_sums", "adam", "sgd",
    }  # fmt: skip
