"""float32 where a careless formula overflows, cancels or divides by zero; oracles in NumPy's float64.

The rule for all functions is a check of the suite (`minicnn.testing.precision`, run by `test_every_op`).
"""

from __future__ import annotations

import numpy as np
import pytest

import minicnn
import minicnn.nn.functional as F
from minicnn.testing import precision
from minicnn.testing.failures import GradcheckError
from minicnn.testing.suite import every_function, samples_of

ROUNDING = 2.0**-24
INF = float("inf")


def single(values):
    return np.asarray(values, dtype=np.float32)


def test_the_rule_catches_a_float32_of_too_few_digits(monkeypatch):
    """A result off by 200 roundings of its largest value, in one element, is caught."""
    public = {public.name: public for public in every_function()}["matmul"]
    sample = next(iter(samples_of(public, 0)))
    right = precision.value_and_grads

    def coarse(call, seed, *rounded):
        values, gradients = right(call, seed, *rounded)
        if values[0].dtype == np.float32:
            flat = values[0].reshape(-1)
            flat[0] += 200 * ROUNDING * np.abs(flat).max()
        return values, gradients

    precision.check_single(public, sample, 0)
    monkeypatch.setattr(precision, "value_and_grads", coarse)
    with pytest.raises(GradcheckError, match="matmul: float32: output 0 is off by"):
        precision.check_single(public, sample, 0)


# ---- logits of ±1e4


@pytest.fixture
def logits():
    return single(np.random.default_rng(0).normal(size=(6, 5)) * 1e4)


def softmax64(x):
    e = np.exp(x.astype(np.float64) - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def test_softmax_and_its_log(logits):
    x = minicnn.tensor(logits)
    np.testing.assert_allclose(minicnn.softmax(x, 1).numpy(), softmax64(logits), rtol=0, atol=4 * ROUNDING)
    shifted = logits.astype(np.float64) - logits.max(1, keepdims=True)
    expected = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    np.testing.assert_allclose(minicnn.log_softmax(x, 1).numpy(), expected, rtol=4 * ROUNDING)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_and_its_gradient(logits, smoothing):
    labels = np.array([0, 1, 2, 3, 4, 0])
    x = minicnn.tensor(logits, requires_grad=True)
    loss = F.cross_entropy(x, minicnn.tensor(labels), label_smoothing=smoothing)
    loss.backward()
    shifted = logits.astype(np.float64) - logits.max(1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    target = np.eye(5)[labels] * (1 - smoothing) + smoothing / 5
    np.testing.assert_allclose(loss.item(), -(target * logs).sum() / 6, rtol=8 * ROUNDING)
    np.testing.assert_allclose(x.grad.numpy(), (softmax64(logits) - target) / 6, rtol=0, atol=4 * ROUNDING)


def test_binary_cross_entropy_with_logits(logits):
    target = single(logits > 3e3)
    x = minicnn.tensor(logits, requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(x, minicnn.tensor(target), reduction="sum")
    loss.backward()
    wide = logits.astype(np.float64)
    expected = np.sum(np.maximum(wide, 0) - wide * target + np.log1p(np.exp(-np.abs(wide))))
    np.testing.assert_allclose(loss.item(), expected, rtol=8 * ROUNDING)
    with np.errstate(over="ignore"):
        probability = 1 / (1 + np.exp(-wide))
    np.testing.assert_allclose(x.grad.numpy(), probability - target, atol=4 * ROUNDING)


@pytest.mark.parametrize(
    "name", ["sigmoid", "tanh", "softplus", "silu", "gelu", "mish", "logsigmoid", "elu", "softsign"]
)
def test_activations_stay_finite(logits, name):
    x = minicnn.tensor(logits, requires_grad=True)
    y = getattr(F, name)(x)
    y.sum().backward()
    assert np.isfinite(y.detach().numpy()).all()
    assert np.isfinite(x.grad.numpy()).all()


# ---- a mean of 1e4


@pytest.mark.parametrize("dim", [None, 1])
@pytest.mark.parametrize("name", ["var", "std"])
def test_variance_of_values_with_a_large_mean(name, dim):
    values = single(np.random.default_rng(1).normal(size=(8, 500)) + 1e4)
    found = getattr(minicnn, name)(minicnn.tensor(values), dim=dim).numpy()
    expected = getattr(np, name)(values.astype(np.float64), axis=dim, ddof=1)
    # E[x²] − E[x]² would be off by 1e8 · 6e-8, six times the variance itself.
    np.testing.assert_allclose(found, expected, rtol=5e-6)


def test_norms_of_values_with_a_large_mean():
    values = single(np.random.default_rng(2).normal(size=(16, 4, 6, 6)) + 1e4)
    wide = values.astype(np.float64)
    x = minicnn.tensor(values)
    for axes, found in [
        ((0, 2, 3), F.batch_norm(x, None, None, training=True)),
        ((1, 2, 3), F.layer_norm(x, (4, 6, 6))),
        ((2, 3), F.instance_norm(x)),
        ((2, 3), F.group_norm(x, 4)),
    ]:
        expected = (wide - wide.mean(axes, keepdims=True)) / np.sqrt(wide.var(axes, keepdims=True) + 1e-5)
        # x itself is known to 1e4 · 6e-8, and the standard deviation is 1.
        np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=4 * 1e4 * ROUNDING)


def test_batch_norm_keeps_the_variance_of_a_large_mean():
    layer = minicnn.nn.BatchNorm2d(4, momentum=1.0)
    values = single(np.random.default_rng(3).normal(size=(16, 4, 6, 6)) + 1e4)
    layer(minicnn.tensor(values))
    expected = values.astype(np.float64).var((0, 2, 3), ddof=1)
    np.testing.assert_allclose(layer.running_var.numpy(), expected, rtol=5e-6)


# ---- norms of 1e-20 and 1e20, whose squares float32 cannot hold


@pytest.mark.parametrize("magnitude", [1e-20, 1e20])
@pytest.mark.parametrize("p", [1, 2, 3, INF])
def test_norms(magnitude, p):
    values = single(np.random.default_rng(4).normal(size=(3, 7)) * magnitude)
    x = minicnn.tensor(values, requires_grad=True)
    y = minicnn.linalg.vector_norm(x, p, dim=1)
    y.sum().backward()
    wide = values.astype(np.float64) / magnitude
    norm = np.linalg.norm(wide, p, axis=1, keepdims=True)
    np.testing.assert_allclose(y.detach().numpy(), norm[:, 0] * magnitude, rtol=8 * ROUNDING)
    gradient = np.abs(wide) == norm if p == INF else (np.abs(wide) / norm) ** (p - 1)
    np.testing.assert_allclose(x.grad.numpy(), gradient * np.sign(wide), rtol=1e-5, atol=1e-30)
    np.testing.assert_allclose(minicnn.norm(x, p, dim=1).detach().numpy(), norm[:, 0] * magnitude, rtol=8 * ROUNDING)


@pytest.mark.parametrize("magnitude", [1e-20, 1e20])
def test_hypot(magnitude):
    a, b = single([3.0, -5.0]) * single(magnitude), single([4.0, 12.0]) * single(magnitude)
    found = minicnn.hypot(minicnn.tensor(a), minicnn.tensor(b)).numpy()
    np.testing.assert_allclose(found, single([5.0, 13.0]) * single(magnitude), rtol=4 * ROUNDING)


# ---- infinities


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([INF, 1.0], INF),
        ([INF, INF], INF),
        ([INF, -INF], INF),
        ([-INF, 0.0], 0.0),
        ([-INF, -INF], -INF),
        ([1e4, 1e4], 1e4 + np.log(2)),
        ([-1e4, -1e4], -1e4 + np.log(2)),
    ],
)
def test_logsumexp(values, expected):
    x = minicnn.tensor(single(values), requires_grad=True)
    with np.errstate(divide="ignore"):  # ln 0
        found = minicnn.logsumexp(x, 0).item(), minicnn.logcumsumexp(x, 0)[-1].item()
    assert found == pytest.approx((expected, expected), rel=4 * ROUNDING)


def test_logsumexp_has_a_gradient_beside_minus_infinity():
    x = minicnn.tensor(single([-INF, 0.0, 0.0]), requires_grad=True)
    minicnn.logsumexp(x, 0).backward()
    np.testing.assert_allclose(x.grad.numpy(), [0.0, 0.5, 0.5])


# ---- long sums


def test_long_sums_keep_their_digits():
    values = single(np.random.default_rng(5).random((65_536, 3)))
    wide = values.astype(np.float64)
    for found, expected in [
        (minicnn.tensor(values).sum(0), wide.sum(0)),
        (minicnn.tensor(values).mean(0), wide.mean(0)),
        (minicnn.tensor(values).sum(), wide.sum()),
        (minicnn.tensor(values).cumsum(0)[-1], wide.sum(0)),
    ]:
        np.testing.assert_allclose(found.numpy(), expected, rtol=2e-5)
