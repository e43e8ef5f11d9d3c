"""Activations: writing over the input, and the edges."""

import numpy as np
import pytest

import minicnn
from minicnn import nn
from minicnn.nn import functional as F

IN_PLACE = ["leaky_relu", "elu", "selu", "celu", "hardtanh", "relu6", "hardsigmoid", "hardswish", "silu", "mish"]


@pytest.mark.parametrize("name", IN_PLACE)
def test_inplace_writes_over_the_input_and_keeps_the_gradient(name):
    function = getattr(F, name)
    results = []
    for inplace in (False, True):
        x = minicnn.tensor(np.linspace(-4, 7, 10), requires_grad=True)
        y = x * 1.0
        z = function(y, inplace=inplace)
        assert (z is y) == inplace
        (z * z).sum().backward()
        results.append((z.detach().numpy(), x.grad.numpy()))
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


def test_threshold_inplace():
    x = minicnn.tensor([0.5, 2.0])
    F.threshold(x, 1.0, 20.0, inplace=True)
    assert x.tolist() == [20.0, 2.0]


def test_smooth_functions_at_zero_have_their_gradient():
    for name, slope in (("softplus", 0.5), ("logsigmoid", 0.5), ("silu", 0.5), ("gelu", 0.5), ("softsign", 1.0)):
        x = minicnn.tensor([0.0], requires_grad=True)
        getattr(F, name)(x).sum().backward()
        assert x.grad.item() == pytest.approx(slope), name


def test_large_numbers_do_not_overflow():
    x = minicnn.tensor([-1e4, 1e4], dtype=minicnn.float64, requires_grad=True)
    for name in ("softplus", "logsigmoid", "silu", "gelu", "mish", "elu", "selu", "celu"):
        x.grad = None
        y = getattr(F, name)(x)
        y.sum().backward()
        assert np.isfinite(y.detach().numpy()).all(), name
        assert np.isfinite(x.grad.numpy()).all(), name


def test_normalize_of_zeros_has_no_nan():
    x = minicnn.zeros(2, 3, requires_grad=True)
    F.normalize(x).sum().backward()
    assert np.isfinite(x.grad.numpy()).all()


def test_gelu_is_made_of_the_normal_distribution():
    import math

    x = np.linspace(-10, 10, 4001)
    expected = np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in x])
    found = F.gelu(minicnn.tensor(x)).numpy()
    assert np.abs(found - x * expected).max() < 1e-14
    assert np.isnan(F.gelu(minicnn.tensor([float("nan")])).numpy()).all()


def test_old_names_of_hardtanh():
    with pytest.warns(FutureWarning, match="min_val"):
        layer = nn.Hardtanh(min_value=-2.0)
    assert layer.min_val == -2.0
