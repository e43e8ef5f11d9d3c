"""The CPU's layer norm against the plain one of `minicnn.backend.base`, and its digits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minicnn.backend import get
from minicnn.backend.base import Backend
from minicnn.backend.numpy import layer_norm

NUMPY = get("numpy")


@pytest.fixture
def tiny_blocks(monkeypatch):
    for name, value in (("SMALL", 1), ("BLOCK", 12), ("LONG", 6)):
        monkeypatch.setattr(layer_norm, name, value)


def in_any_order(draw, x):
    return np.asfortranarray(x) if draw(st.booleans()) else x


@pytest.mark.usefixtures("tiny_blocks")
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_layer_norm_and_its_gradient(data):
    draw, dims = data.draw, data.draw(st.integers(1, 2))
    shape = tuple(
        draw(st.lists(st.integers(0, 5), max_size=2)) + draw(st.lists(st.integers(1, 5), min_size=dims, max_size=dims))
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    x, grad = (in_any_order(draw, rng.normal(size=shape) + at) for at in (draw(st.sampled_from([0.0, 30.0])), 0.0))
    weight, bias = (rng.normal(size=shape[-dims:]) if draw(st.booleans()) else None for _ in range(2))
    expected = Backend.layer_norm(NUMPY, x, weight, bias, dims, 1e-3)
    found = NUMPY.layer_norm(x, weight, bias, dims, 1e-3)
    normal, scale = expected[1:]
    needs = tuple(draw(st.booleans()) for _ in range(3))
    arguments = weight, np.ascontiguousarray(normal), scale, dims, needs
    found = [*found, *NUMPY.layer_norm_grad(grad, *arguments)]
    expected = [*expected, *Backend.layer_norm_grad(NUMPY, grad, *arguments)]
    for a, b in zip(found, expected, strict=True):
        assert (a is None) is (b is None)
        if a is not None:
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-10 * max(1.0, np.abs(b).max(initial=0)))


@pytest.mark.parametrize("mean", [0.0, 0.5, 2.0])  # in standard deviations
@pytest.mark.parametrize("shape", [(4096, 256), (64, 5000), (30_000, 10), (512, 1000)])
def test_digits(shape, mean):
    rng = np.random.default_rng(0)
    x, grad = ((rng.normal(size=shape) + at).astype(np.float32) for at in (mean, 0.0))
    weight, bias = (rng.normal(size=shape[1]).astype(np.float32) for _ in range(2))
    wide = [a.astype(np.float64) for a in (x, weight, bias)]
    expected = Backend.layer_norm(NUMPY, *wide, 1, 1e-5)
    found = NUMPY.layer_norm(x, weight, bias, 1, 1e-5)
    needs = (True, True, True)
    gradients = NUMPY.layer_norm_grad(grad, weight, *found[1:], 1, needs)
    right = Backend.layer_norm_grad(NUMPY, grad.astype(np.float64), wide[1], *expected[1:], 1, needs)
    names = ("y", "x̂", "scale", "dx", "d_weight", "d_bias")
    for name, a, b in zip(names, (*found, *gradients), (*expected, *right), strict=True):
        assert a.dtype == np.float32
        off = np.max(np.abs(a - b)) / np.max(np.abs(b))
        assert off <= 2e-6, f"{name}: {off:.1e}"


def test_very_long_rows_keep_their_digits():
    x = np.random.default_rng(0).normal(size=(1, 2**20)).astype(np.float32)
    scale = NUMPY.layer_norm(x, None, None, 1, 1e-5)[2]
    assert abs(float(scale[0, 0]) * np.sqrt(x.astype(np.float64).var() + 1e-5) - 1) < 5e-7
