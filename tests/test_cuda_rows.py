"""CUDA's kernels of rows, chains, optimizers and random numbers, compiled as C++, against the plain ones."""

from __future__ import annotations

import numpy as np
import pytest
from cuda_shim import COMPILER, WHY_NOT, ShimBackend
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cuda_kernels import dtypes, laid_out, near

from minicnn.backend import get
from minicnn.backend.base import Backend
from minicnn.backend.cupy import rows

pytestmark = pytest.mark.skipif(COMPILER is None, reason=WHY_NOT)
CUDA = ShimBackend()
PLAIN = get("numpy")
lengths = st.integers(1, 40) | st.sampled_from([64, 100, 255, 256, 257, 1000, 1100])


def drawn(draw, shape, dtype, at=0.0):
    return np.asarray(np.random.default_rng(draw(st.integers(0, 2**31))).normal(size=shape) + at, dtype)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@settings(max_examples=60)
@given(st.data())
def test_softmax_and_its_gradient(name, data):
    draw, dtype = data.draw, data.draw(dtypes)
    shape = (*draw(st.lists(st.integers(0, 5), max_size=2)), draw(lengths))
    x, grad = (drawn(draw, shape, dtype, at) for at in (draw(st.sampled_from([0, 1e4])), 0))
    if draw(st.booleans()):
        x[np.random.default_rng(0).random(shape) < 0.3] = draw(st.sampled_from([-np.inf, np.inf, np.nan]))
    dim = draw(st.integers(-len(shape), len(shape) - 1) | st.just(-1))
    x_, grad_ = (laid_out(draw, a) for a in (x, grad))
    if not x.shape[dim]:  # which the op refuses
        return
    with np.errstate(all="ignore"):
        y = getattr(Backend, name)(PLAIN, x, dim)
        near(getattr(CUDA, name)(x_, dim), y)
    y = np.nan_to_num(y)
    grads = f"{name}_grad"
    expected = getattr(Backend, grads)(PLAIN, grad, y, dim)
    least = np.abs(grad).sum() / max(grad.size // grad.shape[dim], 1) if grad.size else 1e-30
    near(getattr(CUDA, grads)(grad_, CUDA.asarray(y), dim), expected, least=least)


@settings(max_examples=100)
@given(st.data())
def test_cross_entropy_and_its_gradient(data):
    draw, dtype = data.draw, data.draw(dtypes)
    n, c = draw(st.integers(0, 40)), draw(lengths)
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    x, target = drawn(draw, (n, c), dtype), rng.integers(0, c, n).astype(draw(st.sampled_from(["int64", "int32"])))
    alive = (rng.random(n) < draw(st.sampled_from([0.0, 0.5, 1.0]))).astype(dtype)
    x_ = laid_out(draw, x)
    if draw(st.booleans()):
        x[alive == 0] = -np.inf
        x_ = CUDA.asarray(x)
    weight = rng.uniform(0.5, 2, c).astype(dtype) if draw(st.booleans()) else None
    smoothing = draw(st.sampled_from([0.0, 0.1, 1.0]))
    given_ = target, alive, weight
    given__ = [None if a is None else CUDA.asarray(a) for a in given_]
    with np.errstate(all="ignore"):
        expected = Backend.cross_entropy(PLAIN, x, *given_, smoothing)
        found = CUDA.cross_entropy(x_, *given__, smoothing)
    for a, b in zip(found, expected, strict=True):
        near(a, b)
    _, log_p, picked = expected
    log_p[alive == 0] = 0
    grad = rng.normal(size=draw(st.sampled_from([(), (n,)]))).astype(dtype)
    near(
        CUDA.cross_entropy_grad(CUDA.asarray(grad), *given__, *map(CUDA.asarray, (log_p, picked)), smoothing),
        Backend.cross_entropy_grad(PLAIN, grad, *given_, log_p, picked, smoothing),
        least=np.abs(grad).max(initial=0),
    )


def test_a_class_that_is_none_reads_nothing():
    """The op refuses such labels; where it cannot look, as in a captured step, the loss is NaN."""
    x, alive = CUDA.asarray(np.zeros((3, 4), "float32")), CUDA.asarray(np.ones(3, "float32"))
    loss, _, _ = CUDA.cross_entropy(x, CUDA.asarray(np.array([1, 4, -1])), alive, None, 0.0)
    np.testing.assert_array_equal(np.isnan(CUDA.to_numpy(loss)), [False, True, True])


@pytest.fixture(params=[None, 10**6], ids=["as it comes", "many parts"])
def parts(request, monkeypatch):
    if request.param:
        monkeypatch.setattr(rows, "BLOCKS", request.param)


@pytest.mark.usefixtures("parts")
@settings(max_examples=60)
@given(st.data())
def test_layer_norm_and_its_gradient(data):
    draw, dtype = data.draw, data.draw(dtypes)
    last = draw(st.tuples(lengths) | st.tuples(st.integers(1, 5), st.integers(1, 5)))
    shape = (*draw(st.lists(st.integers(0, 3), max_size=2) | st.just([200])), *last)
    x, grad = (drawn(draw, shape, dtype, at) for at in (draw(st.sampled_from([0, 100])), 0))
    weight, bias = (drawn(draw, last, dtype) if draw(st.booleans()) else None for _ in range(2))
    weight_, bias_ = (None if a is None else CUDA.asarray(a) for a in (weight, bias))
    x_, grad_ = (laid_out(draw, a) for a in (x, grad))
    settings_ = len(last), 1e-3
    loose = (2e-5 if dtype == "float32" else 1e-12) * 100 if abs(x).max(initial=0) > 50 else None
    y = Backend.layer_norm(PLAIN, *(None if a is None else a.astype("float64") for a in (x, weight, bias)), *settings_)
    for found, expected in zip(CUDA.layer_norm(x_, weight_, bias_, *settings_), y, strict=True):
        near(found, expected.astype(dtype), loose, least=1)
    _, normal, scale = (a.astype(dtype) for a in y)
    needs = draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
    expected = Backend.layer_norm_grad(PLAIN, grad, weight, normal, scale, len(last), needs)
    found = CUDA.layer_norm_grad(grad_, weight_, CUDA.asarray(normal), CUDA.asarray(scale), len(last), needs)
    most = np.abs(grad).max(initial=0) * (1 if weight is None else np.abs(weight).max()) * scale.max(initial=0)
    for a, b, least in zip(found, expected, (most, *2 * [np.abs(grad).sum() / max(np.prod(last), 1)]), strict=True):
        assert (a is None) is (b is None)
        if b is not None:
            near(a, b, least=least)


@pytest.mark.parametrize("name", ["sigmoid_grad", "tanh_grad", "relu_grad"])
@settings(max_examples=60)
@given(st.data())
def test_gradients_of_activations(name, data):
    draw, dtype = data.draw, data.draw(dtypes)
    shape = draw(st.lists(st.integers(0, 9), max_size=3) | st.just([300, 4]))
    y, grad = (drawn(draw, shape, dtype) for _ in range(2))
    if y.ndim and y.size:
        y.reshape(-1)[:: draw(st.integers(1, 9))] = draw(st.sampled_from([0.0, -0.0, np.nan, np.inf]))
    y_, grad_ = ((CUDA.asarray(a) if not a.ndim else laid_out(draw, a)) for a in (y, grad))
    with np.errstate(all="ignore"):
        near(getattr(CUDA, name)(y_, grad_), getattr(Backend, name)(PLAIN, y, grad), 2e-7)


@settings(max_examples=60)
@given(st.data())
def test_sigmoid_and_dropout(data):
    draw, dtype = data.draw, data.draw(dtypes)
    shape = draw(st.lists(st.integers(1, 9), min_size=1, max_size=3) | st.just([300, 4]))
    x = drawn(draw, shape, dtype)
    x *= draw(st.sampled_from([1, 1000]))
    x_, mask = laid_out(draw, x), np.random.default_rng(1).random(shape) < 0.5
    near(CUDA.sigmoid(x_), Backend.sigmoid(PLAIN, x))
    near(CUDA.dropout(x_, CUDA.asarray(mask), 1.25), Backend.dropout(PLAIN, x, mask, 1.25))


def on_the_device(value):
    return CUDA.asarray(value) if isinstance(value, np.ndarray) else value


NUMBERS = {"beta1": 0.9, "gain1": 0.1, "beta2": 0.999, "gain2": 0.001, "rate": 0.01, "root": 1.7, "shrink": 0.9}


@settings(max_examples=80)
@given(st.data())
def test_adam(data):
    draw, dtype = data.draw, data.draw(dtypes)
    shape = draw(st.lists(st.integers(1, 9), max_size=3) | st.just([1100]))
    p, grad, m = (drawn(draw, shape, dtype) for _ in range(3))
    v, largest = (np.asarray(abs(drawn(draw, shape, dtype))) for _ in range(2))
    largest = draw(st.sampled_from([None, largest]))
    live = draw(st.booleans())  # numbers that stand on the device
    numbers = {k: np.array(n, dtype) if live else n for k, n in NUMBERS.items()}
    if draw(st.booleans()):
        numbers["shrink"] = None
    options = {"maximize": draw(st.booleans()), "decay": draw(st.sampled_from([0.0, 0.1]))}
    before = [None if a is None else a.copy() for a in (p, grad, m, v, largest)]
    ours = [None if a is None else CUDA.asarray(a.copy()) for a in before]
    Backend.adam(PLAIN, p, grad, m, v, largest, **options, **numbers, eps=1e-8)
    CUDA.adam(*ours, **options, **{k: on_the_device(n) for k, n in numbers.items()}, eps=1e-8)
    for found, expected in zip(ours, (p, grad, m, v, largest), strict=True):
        if expected is not None:
            near(found, expected)


@settings(max_examples=80)
@given(st.data())
def test_sgd(data):
    draw, dtype = data.draw, data.draw(dtypes)
    shape = draw(st.lists(st.integers(1, 9), max_size=3) | st.just([1100]))
    p, grad, momentum = (drawn(draw, shape, dtype) for _ in range(3))
    momentum = draw(st.sampled_from([None, momentum]))
    live = draw(st.booleans())
    rate, mu = (np.array(n, dtype) if live else n for n in (0.1, 0.9))
    options = {"maximize": draw(st.booleans()), "decay": draw(st.sampled_from([0.0, 0.1]))}
    options |= {
        "gain": draw(st.sampled_from([1.0, 0.5])),
        "first": draw(st.booleans()),
        "nesterov": draw(st.booleans()),
    }
    ours = [None if a is None else CUDA.asarray(a.copy()) for a in (p, grad, momentum)]
    Backend.sgd(PLAIN, p, grad, momentum, **options, mu=mu, rate=rate)
    CUDA.sgd(*ours, **options, mu=on_the_device(mu), rate=on_the_device(rate))
    for found, expected in zip(ours, (p, grad, momentum), strict=True):
        if expected is not None:
            near(found, expected)


def test_parameters_in_another_memory_order_are_written_where_they_lie():
    p = np.asfortranarray(np.random.default_rng(0).normal(size=(3, 4)))
    expected = p - 0.5
    ours = type(CUDA.xp.zeros(1))(p)
    CUDA.sgd(ours, CUDA.asarray(np.ones((3, 4))), None, maximize=False, decay=0.0, mu=0.0, gain=1.0, first=False,
             nesterov=False, rate=0.5)  # fmt: skip
    np.testing.assert_array_equal(p, expected)


@settings(max_examples=40)
@given(key=st.integers(0, 2**64 - 1), drawn=st.integers(0, 2**40), count=st.integers(0, 5000))
def test_random_numbers_are_those_of_numpys_philox(key, drawn, count):
    state = CUDA.asarray(np.array([key, drawn], "uint64"))
    oracle = np.random.Generator(np.random.Philox(key=key, counter=drawn))
    np.testing.assert_array_equal(CUDA.to_numpy(CUDA.uniform(state, count)), oracle.random(count, dtype="float32"))
    assert CUDA.to_numpy(state).tolist() == [key, drawn + -(-count // 8)]
    again = np.random.Generator(np.random.Philox(key=key, counter=drawn + -(-count // 8)))
    np.testing.assert_array_equal(CUDA.to_numpy(CUDA.uniform(state, 9)), again.random(9, dtype="float32"))
