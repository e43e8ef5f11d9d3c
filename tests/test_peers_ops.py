"""Against PyTorch: every op's own samples, and the edges of floating point."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from peers_helpers import (
    F,
    close,
    compare,
    convert,
    distinct,
    find,
    run_one,
)

import minicnn
from minicnn.autograd.op import functions

torch = pytest.importorskip("torch")

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::UserWarning")]


# ---- the samples that ship with the ops


LOSES_DIGITS = ("batch_norm", "layer_norm", "instance_norm", "group_norm", "var", "std")
OVERFLOWS = {("soft_margin_loss", "float32")}  # PyTorch's ln(1 + eˣ) is infinite from x = 89 on; here it is x
COMPARED = [name for name in functions if find(name) is not None]


def test_most_functions_have_a_peer():
    assert len(COMPARED) > 60
    assert {"conv2d", "max_pool2d", "batch_norm", "cross_entropy", "matmul", "softmax"} <= set(COMPARED)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", COMPARED)
def test_samples(name, dtype):
    public = functions[name]
    samples = list(public.samples(np.random.default_rng(zlib.crc32(name.encode()))))
    assert samples
    compared = 0
    for sample in samples:
        tolerance = 2e-3 if dtype == "float32" and name in LOSES_DIGITS else None
        if name == "hardsigmoid" and dtype == "float64":
            tolerance = 1e-7  # PyTorch's gradient multiplies by 1/6 in float32
        try:
            compare(public.function, find(name), sample.args, sample.kwargs, dtype, tolerance)
        except AssertionError as error:
            if (name, dtype) in OVERFLOWS and "inf location mismatch" in str(error):
                continue
            raise AssertionError(f"{name}{sample}: {error}") from None
        except (TypeError, RuntimeError, IndexError) as error:
            if torch_refuses(name, sample, dtype):
                continue  # minicnn takes more forms of arguments
            raise AssertionError(f"{name}{sample}: {error}") from error
        compared += 1
    assert compared


def torch_refuses(name, sample, dtype):
    try:
        run_one(find(name), torch, sample.args, sample.kwargs, dtype)
    except (TypeError, RuntimeError, IndexError):
        return True
    return False


# ---- at the edges of floating point


EDGES = np.array([0.0, -0.0, 1.0, -1.0, 1e4, -1e4, np.inf, -np.inf, np.nan])
FINITE = np.array([0.0, -0.0, 1.0, -1.0, 1e4, -1e4])


@pytest.mark.parametrize(
    "name",
    ["relu", "abs", "sign", "exp", "log", "sqrt", "tanh", "sigmoid", "isnan", "isinf", "isfinite", "floor", "neg",
     "log1p", "expm1", "round", "trunc", "rsqrt", "logical_not"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_edges_of_unary_ops(name):
    x = EDGES[2:] if name in ("sqrt", "log", "rsqrt") else EDGES
    compare(functions[name].function, find(name), (x,), {})


@pytest.mark.parametrize("name", ["sqrt", "log", "rsqrt"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_values_at_zero(name):
    compare(functions[name].function, find(name), (np.array([0.0, 4.0]),), {})


@pytest.mark.parametrize("name", ["maximum", "minimum", "add", "mul", "div", "pow", "eq", "lt", "ge"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_edges_of_binary_ops(name):
    a, b = (m.ravel().copy() for m in np.meshgrid(EDGES, EDGES))
    y = functions[name].function(minicnn.tensor(a), minicnn.tensor(b)).numpy()
    np.testing.assert_array_equal(y, getattr(torch, name)(torch.tensor(a), torch.tensor(b)).numpy())


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_gradients_of_extremes_with_ties(name):
    a, b = (m.ravel().copy() for m in np.meshgrid(FINITE, FINITE))
    compare(functions[name].function, getattr(torch, name), (a, b), {})


@pytest.mark.parametrize("name", ["maximum", "minimum"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_gradients_of_extremes_at_the_edges(name):
    a, b = (m.ravel().copy() for m in np.meshgrid(EDGES, EDGES))
    compare(functions[name].function, getattr(torch, name), (a, b), {})


@pytest.mark.parametrize("name", ["max", "min", "amax", "logsumexp", "softmax", "log_softmax", "argmax", "argmin"])
@pytest.mark.parametrize(
    "row",
    [[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [1e4, 1e4, 1.0], [np.nan, 1.0, 2.0], [1.0, np.nan, 2.0],
     [np.inf, 1.0, 2.0], [-np.inf, 1.0, 2.0], [-np.inf, -np.inf, -np.inf], [np.inf, np.inf, 1.0]],
    ids=str,
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_edges_of_reductions(name, row):
    x = np.array([row, [0.5, 0.25, 0.125]])
    if (
        name == "amax" and np.isnan(row).any()
    ):  # PyTorch's gradient is NaN all over; minicnn's goes to the NaN, as max's
        assert np.isnan(minicnn.amax(minicnn.tensor(x), 1).numpy()[0])
    else:
        compare(functions[name].function, find(name), (x, 1), {})
    if name in ("max", "min"):
        compare(functions[name].function, find(name), (x,), {})


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_infinite_gradients_stop_where_an_op_is_flat():
    """relu, maximum, clamp and where pass nothing where they are flat: not 0 · ∞."""
    for function in (
        lambda lib, x: lib.relu(x),
        lambda lib, x: lib.maximum(x, lib.zeros(3, dtype=lib.float64)),
        lambda lib, x: lib.clamp(x, 0.0, 10.0),
        lambda lib, x: lib.where(x > 0, x, lib.zeros(3, dtype=lib.float64)),
        lambda lib, x: x.masked_fill(x < 0, 0.0),
    ):
        found = []
        for lib in (minicnn, torch):
            x = lib.tensor([-1.0, 2.0, -3.0], dtype=lib.float64).requires_grad_()
            function(lib, x).backward(lib.tensor([float("inf"), 1.0, float("nan")], dtype=lib.float64))
            found.append(x.grad.numpy())
        np.testing.assert_array_equal(*found)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", ["std", "var"])
def test_spread_of_constant_rows(name):
    compare(functions[name].function, find(name), (np.ones((2, 3)), 1), {})


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_powers_at_zero_and_below():
    x = np.array([0.0, 0.0, -2.0, 2.0])
    for exponent in (0, 1, 2, 3, -1, 0.5, 2.0, -2.0, 0.0):
        compare(minicnn.pow, torch.pow, (x, exponent), {})
    compare(minicnn.pow, torch.pow, (x, np.array([0.0, 2.0, 3.0, 0.0])), {})
    for base in (0.0, 1.0, 2.5):
        compare(minicnn.pow, torch.pow, (base, np.array([0.5, 1.0, 2.0])), {})


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_max_pool_of_nan_and_infinity():
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    x[0, 0, 0, 0], x[0, 0, 3, 3], x[0, 0, 0, 3] = np.nan, np.inf, -np.inf
    compare(minicnn.max_pool2d, F.max_pool2d, (x, 2), {})
    compare(minicnn.max_pool2d, F.max_pool2d, (np.full((1, 1, 4, 4), -np.inf), 2), {})


def test_second_order():
    """Gradients of gradients of the fused ops."""
    rng = np.random.default_rng(0)
    cases = [
        ("conv2d", (rng.normal(size=(2, 2, 5, 5)), rng.normal(size=(3, 2, 3, 3)), rng.normal(size=3)), {"padding": 1}),
        ("max_pool2d", (distinct(1, 2, 2, 4, 4), 2), {}),
        ("avg_pool2d", (rng.normal(size=(2, 2, 4, 4)), 2), {}),
        ("softmax", (rng.normal(size=(3, 4)), 1), {}),
        ("log_softmax", (rng.normal(size=(3, 4)), 1), {}),
        ("layer_norm", (rng.normal(size=(3, 4)), (4,), rng.normal(size=4), rng.normal(size=4)), {}),
        ("batch_norm", (rng.normal(size=(4, 3)), None, None, rng.normal(size=3), rng.normal(size=3), True), {}),
        ("cross_entropy", (rng.normal(size=(3, 4)), np.array([0, 3, 1])), {"label_smoothing": 0.1}),
    ]
    for name, args, kwargs in cases:
        found = []
        for lib, grad in ((minicnn, minicnn.autograd.grad), (torch, torch.autograd.grad)):
            leaves = []
            inputs = [a if isinstance(a, tuple) else convert(a, lib, "float64", leaves) for a in args]
            y = (functions[name].function if lib is minicnn else find(name))(*inputs, **kwargs)
            first = grad((y * y).sum(), leaves, create_graph=True)
            total = sum((g * g).sum() for g in first)
            found.append([g.detach().numpy() for g in grad(total, leaves)])
        for mine, theirs in zip(*found, strict=True):
            close(mine, theirs, 1e-7, name)
