"""Against PyTorch: arguments drawn at random."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from peers_helpers import (
    F,
    close,
    compare,
    distinct,
    find,
    normal,
    pair_or_one,
)

import minicnn
from minicnn.autograd.op import functions

torch = pytest.importorskip("torch")

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::UserWarning")]


# ---- drawn arguments


sizes = st.integers(1, 4)
seeds = st.integers(0, 2**31)


@settings(max_examples=50)
@given(st.data(), seeds)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_conv2d(dtype, data, seed):
    draw = data.draw
    groups = draw(st.integers(1, 3))
    n, c, o = draw(st.integers(0, 3)), groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    kernel = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    dilation = pair_or_one(draw, st.integers(1, 2))
    padding = draw(st.one_of(st.sampled_from(["same", "valid"]), st.integers(0, 3), st.tuples(sizes, sizes)))
    stride = 1 if padding == "same" else pair_or_one(draw, st.integers(1, 3))
    h, w = draw(st.integers(5, 8)), draw(st.integers(5, 8))
    x = normal(seed, n, c, h, w) if draw(st.integers(0, 4)) else normal(seed, c, h, w)
    weight = normal(seed + 1, o, c // groups, *kernel)
    bias = normal(seed + 2, o) if draw(st.booleans()) else None
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    compare(minicnn.conv2d, F.conv2d, (x, weight, bias), options, dtype)


def _pool_options(draw, with_dilation):
    kernel = pair_or_one(draw, st.integers(1, 3))
    half = min(kernel if isinstance(kernel, tuple) else (kernel,)) // 2
    options = {
        "kernel_size": kernel,
        "stride": draw(st.one_of(st.none(), st.integers(1, 4), st.tuples(sizes, sizes))),
        "padding": draw(st.integers(0, half)),
        "ceil_mode": draw(st.booleans()),
    }
    if with_dilation:
        options["dilation"] = pair_or_one(draw, st.integers(1, 2))
    return options


@settings(max_examples=100)
@given(st.data(), seeds)
def test_max_pool2d(data, seed):
    options = _pool_options(data.draw, True)
    x = distinct(seed, *data.draw(st.sampled_from([(2, 2), (1, 3), (2,)])), data.draw(st.integers(5, 8)), 6)
    if data.draw(st.integers(0, 3)) == 0:
        x = np.round(x)  # ties: the first maximum gets the gradient
    compare(minicnn.max_pool2d, F.max_pool2d, (x,), options)


@settings(max_examples=100)
@given(st.data(), seeds)
def test_avg_pool2d(data, seed):
    options = _pool_options(data.draw, False)
    options["count_include_pad"] = data.draw(st.booleans())
    options["divisor_override"] = data.draw(st.one_of(st.none(), st.integers(1, 5)))
    x = normal(seed, *data.draw(st.sampled_from([(2, 2), (1, 3), (2,)])), data.draw(st.integers(5, 8)), 6)
    compare(minicnn.avg_pool2d, F.avg_pool2d, (x,), options)


@settings(max_examples=50)
@given(st.data(), seeds)
def test_batch_norm(data, seed):
    draw = data.draw
    shape = (draw(st.integers(2, 4)), draw(sizes), *draw(st.lists(st.integers(1, 3), max_size=2)))
    c = shape[1]
    weight = normal(seed + 1, c) if draw(st.booleans()) else None
    bias = normal(seed + 2, c) if draw(st.booleans()) else None
    training, running = draw(st.booleans()), draw(st.booleans())
    eps, momentum = draw(st.sampled_from([1e-5, 1e-2])), draw(st.sampled_from([0.1, 0.7]))
    running = running or not training
    kept = []

    def call(lib, function):
        def run(x, *affine):
            affine = list(affine)
            mean = lib.tensor(normal(seed + 3, c)) if running else None
            var = lib.tensor(normal(seed + 4, c) ** 2 + 0.5) if running else None
            w = affine.pop(0) if weight is not None else None
            b = affine.pop(0) if bias is not None else None
            y = function(x, mean, var, w, b, training, momentum, eps)
            kept.append([t.numpy().copy() for t in (mean, var) if t is not None])
            return y

        return run

    args = [normal(seed, *shape) * 2 + 1, *(a for a in (weight, bias) if a is not None)]
    compare(call(minicnn, minicnn.batch_norm), call(torch, F.batch_norm), args, {}, tolerance=1e-8)
    for mine, theirs in zip(*kept, strict=True):
        close(mine, theirs, 1e-10, "running statistics")


@settings(max_examples=50)
@given(st.data(), seeds)
def test_layer_norm(data, seed):
    draw = data.draw
    shape = tuple(draw(st.lists(st.integers(2, 4), min_size=1, max_size=4)))
    last = shape[-draw(st.integers(1, len(shape))) :]
    weight = normal(seed + 1, *last) if draw(st.booleans()) else None
    bias = normal(seed + 2, *last) if draw(st.booleans()) else None
    eps = draw(st.sampled_from([1e-5, 1e-1]))
    compare(minicnn.layer_norm, F.layer_norm, (normal(seed, *shape), last, weight, bias, eps), {}, tolerance=1e-7)


@settings(max_examples=150)
@given(st.data(), seeds)
def test_cross_entropy(data, seed):
    draw = data.draw
    n, c = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    rest = tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
    single = draw(st.integers(0, 5)) == 0
    shape = (c,) if single else (n, c, *rest)
    labels_shape = () if single else (n, *rest)
    rng = np.random.default_rng(seed)
    options = {
        "reduction": draw(st.sampled_from(["mean", "sum", "none"])),
        "label_smoothing": draw(st.sampled_from([0.0, 0.1, 0.5, 1.0])),
    }
    x = rng.normal(size=shape) * draw(st.sampled_from([1.0, 30.0]))
    weight = rng.uniform(0.2, 2.0, c) if draw(st.booleans()) else None
    if draw(st.integers(0, 2)):
        target = rng.integers(0, c, labels_shape)
        ignore = draw(st.sampled_from([None, -100, 0, -1]))
        if ignore is not None:
            options["ignore_index"] = ignore
            target = np.where(rng.random(labels_shape) < 0.3, ignore, target)
            assume(options["reduction"] != "mean" or np.any(target != ignore))
        target = np.asarray(target)
    else:
        target = rng.uniform(0.0, 1.0, shape)

    def call(lib, function):
        def run(x, target):
            w = None if weight is None else lib.tensor(weight)
            return function(x, target, w, **options)

        return run

    compare(call(minicnn, minicnn.cross_entropy), call(torch, F.cross_entropy), (x, target), {}, tolerance=1e-9)


def test_cross_entropy_of_rows_that_are_all_ignored():
    x, t = np.ones((2, 3)), np.array([-100, -100])
    with np.errstate(all="ignore"):
        for reduction in ("sum", "none"):
            compare(minicnn.cross_entropy, F.cross_entropy, (x, t), {"reduction": reduction})
    compare(minicnn.cross_entropy, F.cross_entropy, (x.astype(np.float64) * 1e4, np.array([0, 2])), {})


REDUCTIONS = ["sum", "mean", "amax", "amin", "logsumexp", "var", "std", "max", "min", "argmax", "argmin"]


@pytest.mark.parametrize("name", [n for n in REDUCTIONS if n in functions])
@settings(max_examples=50)
@given(st.data(), seeds)
def test_reductions(name, data, seed):
    draw = data.draw
    shape = tuple(draw(st.lists(st.integers(2, 4), min_size=1, max_size=4)))
    x = distinct(seed, *shape)
    one = st.integers(-len(shape), len(shape) - 1)
    several = st.lists(st.integers(0, len(shape) - 1), min_size=1, max_size=len(shape), unique=True).map(tuple)
    args: tuple = (x,)
    if draw(st.integers(0, 4)):
        single = name in ("max", "min", "argmax", "argmin")
        args = (x, draw(one if single else st.one_of(one, several)), draw(st.booleans()))
    options = {}
    if name in ("var", "std"):
        options["correction"] = draw(st.sampled_from([0, 1]))
        if len(args) == 3:
            *args, options["keepdim"] = args
    compare(functions[name].function, find(name), args, options)


@pytest.mark.parametrize("name", ["sum", "amax", "logsumexp", "argmax", "max"])
def test_reductions_with_ties_and_without_dims(name):
    for values in (np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]), np.zeros((2, 2)), np.array(5.0)):
        compare(functions[name].function, find(name), (values,), {})
        if values.ndim:
            compare(functions[name].function, find(name), (values, 1), {})


@settings(max_examples=50)
@given(st.data(), seeds)
def test_matmul(data, seed):
    draw = data.draw
    n, k, m = (draw(st.integers(0, 3)) for _ in range(3))
    batch = draw(st.lists(st.integers(1, 3), max_size=2))
    left = [1 if draw(st.integers(0, 3)) == 0 else b for b in batch][draw(st.integers(0, len(batch))) :]
    right = [1 if draw(st.integers(0, 3)) == 0 else b for b in batch][draw(st.integers(0, len(batch))) :]
    a = normal(seed, k) if draw(st.integers(0, 3)) == 0 else normal(seed, *left, n, k)
    b = normal(seed + 1, k) if draw(st.integers(0, 3)) == 0 else normal(seed + 1, *right, k, m)
    compare(minicnn.matmul, torch.matmul, (a, b), {})
    compare(lambda x, y: x @ y, torch.matmul, (a, b), {})


@settings(max_examples=50)
@given(st.data(), seeds)
def test_pad(data, seed):
    draw = data.draw
    modes = [m for m in ("constant", "reflect", "replicate", "circular") if _has_mode(m)]
    mode = draw(st.sampled_from(modes))
    x = normal(seed, *(draw(st.integers(3, 5)) for _ in range(4)))
    count = draw(st.integers(1, 4)) if mode == "constant" else 2
    low = -1 if mode == "constant" and draw(st.booleans()) else 0
    widths = [draw(st.integers(low, 2)) for _ in range(2 * count)]
    args = (x, widths, mode) + ((draw(st.sampled_from([0.0, 1.5])),) if mode == "constant" else ())
    compare(minicnn.pad, F.pad, args, {})


def _has_mode(mode):
    try:
        minicnn.pad(minicnn.ones(1, 1, 3, 3), [1, 1, 1, 1], mode)
    except (ValueError, TypeError):
        return False
    return True


BINARY = ["add", "sub", "mul", "div", "maximum", "minimum", "pow"]


@pytest.mark.parametrize("name", BINARY)
@settings(max_examples=50)
@given(st.data(), seeds)
def test_binary_broadcasting(name, data, seed):
    draw = data.draw
    full = draw(st.lists(st.integers(0, 3), max_size=3))
    shapes = []
    for _ in range(2):
        shape = [1 if draw(st.integers(0, 2)) == 0 else s for s in full]
        shapes.append(shape[draw(st.integers(0, len(shape))) :])
    a, b = normal(seed, *shapes[0]), normal(seed + 1, *shapes[1])
    if name in ("pow", "div"):
        a, b = np.abs(a) + 0.5, np.abs(b) + 0.5
    compare(functions[name].function, getattr(torch, name), (np.asarray(a), np.asarray(b)), {})


@settings(max_examples=50)
@given(st.data(), seeds)
def test_softmax(data, seed):
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = normal(seed, *shape) * data.draw(st.sampled_from([1.0, 50.0, 1e4]))
    compare(minicnn.softmax, torch.softmax, (x, dim), {})
    compare(minicnn.log_softmax, torch.log_softmax, (x, dim), {})


@settings(max_examples=60)
@given(st.data(), seeds)
def test_clamp(data, seed):
    x = np.round(normal(seed, 3, 4) * 2)  # on the bounds, too
    bounds = st.one_of(st.none(), st.sampled_from([-2.0, 0.0, 1.0]))
    low, high = data.draw(bounds), data.draw(bounds)
    assume(low is not None or high is not None)
    compare(minicnn.clamp, torch.clamp, (x, low, high), {})


@settings(max_examples=60)
@given(st.data(), seeds)
def test_gather(data, seed):
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    wanted = [data.draw(st.integers(1, s)) for s in shape]
    wanted[dim] = data.draw(st.integers(1, 5))
    index = np.random.default_rng(seed).integers(0, shape[dim], wanted)
    compare(minicnn.gather, torch.gather, (normal(seed, *shape), dim, index), {})
