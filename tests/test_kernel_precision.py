"""How many digits the tuned CPU kernels keep in float32, on layers such as networks have.

The oracle is the plain kernel in float64, `minicnn.backend.base` on NumPy: none of it is tuned for the CPU. An error
counts on the scale of the result's largest value: a right kernel stays below 1e-6, and one that adds up carelessly,
or in fewer digits, does not stay below 2e-6.
"""

from __future__ import annotations

import numpy as np
import pytest

import minicnn
import minicnn.nn.functional as F
from minicnn.backend import get
from minicnn.backend.base import Backend, output_size
from minicnn.backend.numpy import KERNELS, WINOGRADS

NUMPY = get("numpy")
DIRECT, WINOGRAD = 2e-6, 2e-5  # the largest errors: of a sum of products, of Winograd's algorithm
PRODUCTS = ("conv", "input_grad", "weight_grad")


class Plain(Backend):
    """The plain kernels on NumPy."""

    name = "plain"
    xp = np

    def asarray(self, values, dtype=None):
        return np.asarray(values, dtype=dtype)


PLAIN = Plain()

# name: input, weight, stride, padding, dilation, groups
LAYERS = {
    "VGG's 64 channels": ((16, 64, 16, 16), (64, 64, 3, 3), 1, 1, 1, 1),
    "VGG's 256 channels": ((16, 256, 8, 8), (256, 256, 3, 3), 1, 1, 1, 1),
    "VGG's 128 channels, large images": ((4, 128, 32, 32), (128, 128, 3, 3), 1, 1, 1, 1),
    "5x5": ((16, 32, 16, 16), (64, 32, 5, 5), 1, 2, 1, 1),
    "4x4": ((16, 64, 16, 16), (64, 64, 4, 4), 1, 1, 1, 1),
    "2x2": ((16, 64, 16, 16), (64, 64, 2, 2), 1, 0, 1, 1),
    "5x3": ((16, 64, 16, 16), (64, 64, 5, 3), 1, (2, 1), 1, 1),
    "a bottleneck": ((16, 256, 8, 8), (64, 256, 1, 1), 1, 0, 1, 1),
    "a shortcut of stride 2": ((16, 64, 16, 16), (128, 64, 1, 1), 2, 0, 1, 1),
    "LeNet's 120": ((64, 16, 5, 5), (120, 16, 5, 5), 1, 0, 1, 1),
    "a classifier of 4x4": ((16, 256, 4, 4), (128, 256, 4, 4), 1, 0, 1, 1),
    "MobileNet's depthwise": ((16, 64, 16, 16), (64, 1, 3, 3), 1, 1, 1, 64),
    "MobileNet's depthwise of stride 2": ((16, 128, 16, 16), (128, 1, 3, 3), 2, 1, 1, 128),
    "a first layer": ((16, 3, 32, 32), (64, 3, 3, 3), 1, 1, 1, 1),
    "ResNet's first layer": ((4, 3, 64, 64), (64, 3, 7, 7), 2, 3, 1, 1),
    "LeNet's first layer": ((64, 1, 28, 28), (6, 1, 5, 5), 1, 2, 1, 1),
    "LeNet's second layer": ((64, 6, 14, 14), (16, 6, 5, 5), 1, 0, 1, 1),
    "VGG's 512 channels": ((32, 512, 4, 4), (512, 512, 3, 3), 1, 1, 1, 1),
    "512 channels of 2x2 pixels": ((16, 512, 2, 2), (512, 512, 3, 3), 1, 1, 1, 1),
    "stride 2": ((16, 64, 16, 16), (128, 64, 3, 3), 2, 1, 1, 1),
    "stride 2 of 256 channels": ((16, 256, 8, 8), (512, 256, 3, 3), 2, 1, 1, 1),
    "dilation 2": ((16, 64, 16, 16), (64, 64, 3, 3), 1, 2, 2, 1),
    "7x7": ((16, 32, 16, 16), (32, 32, 7, 7), 1, 3, 1, 1),
    "one image": ((1, 64, 16, 16), (64, 64, 3, 3), 1, 1, 1, 1),
    "one image of 256 channels": ((1, 256, 8, 8), (256, 256, 3, 3), 1, 1, 1, 1),
    "one digit": ((1, 1, 28, 28), (6, 1, 5, 5), 1, 2, 1, 1),
    "a sentence": ((16, 128, 56), (100, 128, 5), 1, 2, 1, 1),
}
# Activations after ReLU have a mean, so that sums grow with their length; gradients seldom have.
VALUES = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "after ReLU": lambda rng, shape: np.maximum(rng.normal(size=shape), 0) + 0.5,
}


def layer(name, values="normal", seed=0):
    """Return x, weight and the gradient of the output, in float32; and how the kernel moves."""
    shape, weight_shape, stride, padding, dilation, groups = LAYERS[name]
    d = len(shape) - 2
    stride, padding, dilation = (a if isinstance(a, tuple) else (a,) * d for a in (stride, padding, dilation))
    pads = tuple((p, p) for p in padding)
    out = tuple(output_size(*a) for a in zip(shape[2:], weight_shape[2:], stride, pads, dilation, strict=True))
    rng = np.random.default_rng(seed)
    x, grad = VALUES[values](rng, shape), rng.normal(size=(shape[0], weight_shape[0], *out))
    weight = rng.normal(size=weight_shape)
    return *(a.astype(np.float32) for a in (x, weight, grad)), (stride, pads, dilation, groups)


def products(backend, x, weight, grad, moves):
    """Return the three products of a convolutional layer."""
    return {
        "conv": lambda: backend.conv(x, weight, None, *moves),
        "input_grad": lambda: backend.conv_input_grad(grad, weight, x.shape[2:], *moves),
        "weight_grad": lambda: backend.conv_weight_grad(grad, x, weight.shape, *moves),
    }


def error(found, expected):
    """Return the largest difference, as a share of the largest value."""
    assert found.shape == expected.shape
    assert (found.dtype, expected.dtype) == (np.float32, np.float64)
    return float(np.max(np.abs(found - expected)) / np.max(np.abs(expected)))


@pytest.fixture
def calls(monkeypatch):
    """Every call of a kernel, (its name, which of the products), in their order."""
    seen = []

    def watched(kernel, product, function):
        def call(*args):
            seen.append((kernel, product))
            return function(*args)

        return call

    for kernel, module in {**KERNELS, **WINOGRADS}.items():
        for product in PRODUCTS:
            if hasattr(module, product):
                monkeypatch.setattr(module, product, watched(kernel, product, getattr(module, product)))
    return seen


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("name", LAYERS)
def test_convolutions(name, values, calls):
    x, weight, grad, moves = layer(name, values)
    wide = (a.astype(np.float64) for a in (x, weight, grad))
    expected = products(PLAIN, *wide, moves)
    for product, compute in products(NUMPY, x, weight, grad, moves).items():
        calls.clear()
        off = error(compute(), expected[product]())
        kernel = calls[-1][0]
        assert off <= (WINOGRAD if kernel in WINOGRADS else DIRECT), f"{product} by {kernel}: {off:.1e}"


def test_the_layers_reach_every_kernel(calls):
    for name in LAYERS:
        for compute in products(NUMPY, *layer(name)).values():
            compute()
    modules = {**KERNELS, **WINOGRADS}
    assert set(calls) == {(k, p) for k, module in modules.items() for p in PRODUCTS if hasattr(module, p)}


# ---- what stands between convolutions

MAPS = {"wide": (16, 64, 32, 32), "deep": (16, 256, 8, 8), "one image": (1, 64, 56, 56), "a vector": (256, 512)}


def laid_out(x):
    """The same values as convolutions leave them in memory: a pixel's channels side by side."""
    return x if x.ndim == 2 else np.ascontiguousarray(x.transpose(2, 3, 0, 1)).transpose(2, 3, 0, 1)


def batch_norm64(x, weight, bias, grad):
    """Batch norm as the textbook has it, in float64: y, and the gradients for x, weight and bias."""
    x, weight, bias, grad = (a.astype(np.float64) for a in (x, weight, bias, grad))
    axes, column = (0, *range(2, x.ndim)), (1, -1, *[1] * (x.ndim - 2))
    deviation = np.sqrt(x.var(axes, keepdims=True) + 1e-5)
    normal = (x - x.mean(axes, keepdims=True)) / deviation
    inner = grad * weight.reshape(column)
    dx = (inner - inner.mean(axes, keepdims=True) - normal * (inner * normal).mean(axes, keepdims=True)) / deviation
    y = normal * weight.reshape(column) + bias.reshape(column)
    return {"y": y, "dx": dx, "d_weight": (grad * normal).sum(axes), "d_bias": grad.sum(axes)}


@pytest.mark.parametrize("mean", [0.0, 0.5, 2.0, 30.0])  # in standard deviations: the kernels have two ways
@pytest.mark.parametrize("name", MAPS)
def test_batch_norm(name, mean):
    shape, rng = MAPS[name], np.random.default_rng(1)
    x, grad = (laid_out(a.astype(np.float32)) for a in (rng.normal(size=shape) + mean, rng.normal(size=shape)))
    weight, bias = (rng.normal(size=shape[1]).astype(np.float32) for _ in range(2))
    leaves = [minicnn.tensor(a, requires_grad=True) for a in (x, weight, bias)]
    y = F.batch_norm(leaves[0], None, None, *leaves[1:], training=True)
    y.backward(minicnn.tensor(grad))
    found = (y.detach(), *(leaf.grad for leaf in leaves))
    for a, (part, expected) in zip(found, batch_norm64(x, weight, bias, grad).items(), strict=True):
        off = error(a.numpy(), expected)
        assert off <= DIRECT, f"{part}: {off:.1e}"


@pytest.mark.parametrize("mean", [0.0, 30.0, 1e3])
@pytest.mark.parametrize("name", MAPS)
def test_batch_norm_by_running_statistics(name, mean):
    shape, rng = MAPS[name], np.random.default_rng(1)
    x = laid_out((rng.normal(size=shape) + mean).astype(np.float32))
    running = [np.full(shape[1], value, np.float32) for value in (mean, 0.7)]
    mu, var = (a.astype(np.float64).reshape(1, -1, *[1] * (len(shape) - 2)) for a in running)
    expected = (x - mu) / np.sqrt(var + 1e-5)
    for recorded in (False, True):
        y = F.batch_norm(minicnn.tensor(x, requires_grad=recorded), *map(minicnn.tensor, running))
        assert error(y.detach().numpy(), expected) <= DIRECT


@pytest.mark.parametrize("size", [(112, 112), (97, 8), (8, 8), (5, 300)])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 3, 0, 1), (2, 1, 3, 0)])
def test_means_of_whole_maps(size, order):
    x = np.random.default_rng(0).random((4, 6, *size), dtype=np.float32)
    x = np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))
    expected = x.astype(np.float64).mean((2, 3), keepdims=True)
    assert error(F.adaptive_avg_pool2d(minicnn.tensor(x), 1).numpy(), expected) <= DIRECT
    assert error(F.avg_pool2d(minicnn.tensor(x), size).numpy(), expected) <= DIRECT


@pytest.mark.parametrize("mean", [0.0, 0.5])
@pytest.mark.parametrize("name", MAPS)
def test_channel_sums(name, mean):
    x = laid_out((np.random.default_rng(2).normal(size=MAPS[name]) + mean).astype(np.float32))
    expected = x.astype(np.float64).sum((0, *range(2, x.ndim)))
    assert error(NUMPY.channel_sums(x), expected) <= DIRECT


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, 2, 0), (3, 2, 1), (3, 1, 1)])
@pytest.mark.parametrize("name", ["wide", "deep", "one image"])
def test_gradients_of_max_pooling(name, kernel, stride, padding):
    shape, rng = MAPS[name], np.random.default_rng(3)
    moves = ((kernel,) * 2, (stride,) * 2, ((padding,) * 2,) * 2, (1, 1))
    out = tuple(output_size(*a) for a in zip(shape[2:], *moves, strict=True))
    x = laid_out(rng.normal(size=shape).astype(np.float32))
    grad = laid_out(rng.normal(size=(*shape[:2], *out)).astype(np.float32))
    _, index = NUMPY.max_pool(x, *moves, out)
    _, right = PLAIN.max_pool(x.astype(np.float64), *moves, out)
    np.testing.assert_array_equal(index, right)
    expected = PLAIN.max_pool_grad(grad.astype(np.float64), right, shape[2:], *moves)
    assert error(NUMPY.max_pool_grad(grad, index, shape[2:], *moves), expected) <= DIRECT


@pytest.mark.parametrize(("m", "k", "n"), [(64, 784, 300), (128, 4096, 256), (4096, 128, 10), (10, 64, 4096)])
def test_products_of_linear_layers(m, k, n):
    rng = np.random.default_rng(4)
    for shift in (0.0, 0.5):
        a, b = ((rng.normal(size=shape) + shift).astype(np.float32) for shape in ((m, k), (k, n)))
        expected = np.einsum("ij,jk->ik", a.astype(np.float64), b.astype(np.float64), optimize=False)
        assert error(NUMPY.matmul(a, b), expected) <= DIRECT


def test_squares_that_overflow_leave_the_variance():
    x = laid_out((1e20 + 1e15 * np.random.default_rng(0).normal(size=(16, 64, 16, 16))).astype(np.float32))
    _, var = NUMPY.channel_statistics(x)
    np.testing.assert_allclose(var, x.astype(np.float64).var((0, 2, 3)), rtol=1e-3)
