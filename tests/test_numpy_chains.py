"""The CPU's chains of elementwise functions against the plain ones of `minicnn.backend.base`, and their digits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minicnn.backend import gauss, get
from minicnn.backend.base import Backend
from minicnn.backend.numpy import chains, elementwise

NUMPY = get("numpy")
ODD = [0.0, -0.0, 1e-42, 20.0, -100.0, 1e30, -3e38, np.inf, -np.inf, np.nan]
SINGLE = ("sigmoid", "relu", "erf")
GRADIENTS = ("sigmoid_grad", "tanh_grad", "relu_grad")


@pytest.fixture
def tiny_blocks(monkeypatch):
    for module, name, value in ((elementwise, "LARGE", 1), (elementwise, "BLOCK", 7), (chains, "SMALL", 0)):
        monkeypatch.setattr(module, name, value)


def laid_out(draw, x):
    """The same values in another memory order, perhaps with gaps."""
    order = draw(st.permutations(range(x.ndim)))
    y = np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))
    return np.repeat(y, 2, axis=-1)[..., ::2] if draw(st.booleans()) else y


@pytest.mark.usefixtures("tiny_blocks")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_chains(dtype, data):
    shape = data.draw(st.lists(st.integers(1, 7), min_size=1, max_size=4))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**31)))
    x, y, grad = (laid_out(data.draw, rng.normal(size=shape).astype(dtype)) for _ in range(3))
    y = np.tanh(y)
    for name, arrays in [*((name, (x,)) for name in SINGLE), *((name, (y, grad)) for name in GRADIENTS)]:
        before = [a.copy() for a in arrays]
        found, expected = getattr(NUMPY, name)(*arrays), getattr(Backend, name)(NUMPY, *arrays)
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape), name
        np.testing.assert_allclose(found, expected, rtol=1e-6 if dtype == "float32" else 4e-15, err_msg=name)
        np.testing.assert_array_equal(arrays, before)


@pytest.mark.usefixtures("tiny_blocks")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.filterwarnings("error")
def test_odd_values(dtype):
    x = np.array(ODD).astype(dtype)
    for name in SINGLE:
        found, expected = getattr(NUMPY, name)(x), getattr(Backend, name)(NUMPY, x)
        np.testing.assert_allclose(found, expected, rtol=4e-7, atol=1e-44, err_msg=name)
        np.testing.assert_array_equal(np.signbit(found[:-1]), np.signbit(expected[:-1]))  # NaN's says nothing
    grad = np.array(ODD[::-1]).astype(dtype)
    np.testing.assert_array_equal(NUMPY.relu_grad(x, grad), Backend.relu_grad(NUMPY, x, grad))


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 3, 0, 1), (2, 1, 3, 0)])
def test_scratch_lies_in_memory_as_the_array_does(order):
    x = np.empty((3, 4, 5, 6), np.float32).transpose(np.argsort(order))  # in another order, steps are long and slow
    scratch = chains._beside(x, "test", np.float32)
    assert (scratch.shape, scratch.strides) == (x.shape, x.strides)


@pytest.mark.usefixtures("tiny_blocks")
@pytest.mark.parametrize("tanh", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_gelu(dtype, tanh, data):
    shape = data.draw(st.lists(st.integers(1, 7), min_size=1, max_size=4))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**31)))
    x, grad = (laid_out(data.draw, rng.normal(size=shape).astype(dtype) * 3) for _ in range(2))
    expected = Backend.gelu(NUMPY, x, tanh)
    found = NUMPY.gelu(x, tanh)
    below = laid_out(data.draw, expected[1])
    pairs = zip(found, expected, strict=True)
    pairs = [*pairs, (NUMPY.gelu_grad(grad, x, below, tanh), Backend.gelu_grad(NUMPY, grad, x, below, tanh))]
    for a, b in pairs:
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(a, b, rtol=0, atol=(1e-6 if dtype == "float32" else 4e-15) * np.abs(b).max())


@pytest.mark.usefixtures("tiny_blocks")
@pytest.mark.parametrize("tanh", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.filterwarnings("error")
def test_gelu_far_out(dtype, tanh):
    x = np.array([-1e30, -1e4, -50.0, -30.0, 0.0, 30.0, 1e4, 1e30, np.nan]).astype(dtype)
    y, below = NUMPY.gelu(x, tanh)
    np.testing.assert_array_equal(y, np.where(x < 0, 0, x))
    np.testing.assert_array_equal(below[x != 0], np.where(np.isnan(x), x, x > 0)[x != 0])
    slope = NUMPY.gelu_grad(np.ones_like(x), x, below, tanh)
    np.testing.assert_allclose(slope[x != 0], below[x != 0], rtol=0, atol=1e-100)


def test_digits_of_gelu():
    x = np.linspace(-12, 12, 100_001).astype(np.float32)
    below = np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in x])
    wide = x.astype(np.float64)
    y, found = NUMPY.gelu(x, False)
    assert np.max(np.abs(found - below)) <= 1.5e-7
    assert np.all(np.abs(y - x * below) <= 1.5e-7 * np.maximum(np.abs(x), 1))
    slope = below + wide * np.exp(-(wide**2) / 2) / math.sqrt(2 * math.pi)
    assert np.max(np.abs(NUMPY.gelu_grad(np.ones_like(x), x, found, False) - slope)) <= 3e-7


def test_no_dims_and_no_elements():
    for x in (np.array(0.5, np.float32), np.zeros((0, 3), np.float32)):
        for name in SINGLE:
            assert getattr(NUMPY, name)(x).shape == x.shape


def test_digits_of_erf():
    x = np.linspace(-6, 6, 100_001).astype(np.float32)
    expected = np.array([math.erf(v) for v in x])
    for found in (NUMPY.erf(x), Backend.erf(NUMPY, x)):
        assert np.max(np.abs(found - expected)) <= 2.5e-7
        assert np.all(np.abs(found - expected) <= 4e-7 * np.abs(expected))
        assert np.all(found[np.abs(x) > gauss.WHOLE] == np.sign(x[np.abs(x) > gauss.WHOLE]))
    np.testing.assert_allclose(NUMPY.erf(x.astype(np.float64)), np.array([math.erf(v) for v in x]), rtol=4e-16)


def test_digits_of_the_tails_of_the_sigmoid():
    x = np.linspace(-87, 87, 100_001).astype(np.float32)
    expected = 1 / (1 + np.exp(-x.astype(np.float64)))
    assert np.all(np.abs(NUMPY.sigmoid(x) - expected) <= 4e-7 * expected)
