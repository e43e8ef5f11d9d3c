"""Every public op beside PyTorch's of the same name: values and gradients, on its samples and on drawn arguments."""

from __future__ import annotations

import inspect
import zlib

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import minicnn
from minicnn.autograd.op import functions

torch = pytest.importorskip("torch")
F = torch.nn.functional
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::UserWarning")]

TOLERANCE = {"float64": 1e-9, "float32": 2e-4}


def find(name):
    """PyTorch's function of that name; None where it has none."""
    special = {
        "getitem": lambda x, index: x[index],
        "transpose": torch.transpose,
        "expand": lambda x, *shape: x.expand(*shape),
        "reshape": lambda x, *shape: x.reshape(*shape),
        "permute": lambda x, *dims: x.permute(*dims),
        "flip": lambda x, *dims: x.flip(*dims),
        "pad": F.pad,
        "sum": lambda x, dim=None, keepdim=False: torch.sum(x, all_dims(x, dim), keepdim),
        "mean": lambda x, dim=None, keepdim=False: torch.mean(x, all_dims(x, dim), keepdim),
        "amax": lambda x, dim=None, keepdim=False: torch.amax(x, all_dims(x, dim), keepdim),
        "amin": lambda x, dim=None, keepdim=False: torch.amin(x, all_dims(x, dim), keepdim),
        "logsumexp": lambda x, dim=None, keepdim=False: torch.logsumexp(x, all_dims(x, dim), keepdim),
        "var": lambda x, dim=None, keepdim=False, **k: torch.var(x, all_dims(x, dim), keepdim=keepdim, **variance(k)),
        "std": lambda x, dim=None, keepdim=False, **k: torch.std(x, all_dims(x, dim), keepdim=keepdim, **variance(k)),
        "layer_norm": lambda x, shape, *rest: F.layer_norm(x, (shape,) if isinstance(shape, int) else shape, *rest),
        "all": lambda x, dim=None, keepdim=False: torch.all(x) if dim is None else torch.all(x, dim, keepdim),
        "any": lambda x, dim=None, keepdim=False: torch.any(x) if dim is None else torch.any(x, dim, keepdim),
        "index_put": index_put,
        "floor_divide": lambda a, b: torch.div(a, b, rounding_mode="floor"),
        "floor_divide": lambda a, b: torch.floor_divide(*(getattr(v, "data", v) for v in (a, b))),  # no gradient there
        "where": lambda c, a, b: torch.where(c, a, b),
    }
    if name in special:
        return special[name]
    if name in ("dropout", "alias", "transfer", "cast", "unindex"):  # random, or no function of PyTorch's
        return None
    if name in ("relu", "conv2d", "softmax", "log_softmax", "batch_norm", "max_pool2d"):
        return getattr(F, name)
    for room in (torch, F, torch.Tensor):
        function = getattr(room, name, None)
        if callable(function) and not inspect.isclass(function):
            return function
    return None


def all_dims(x, dim):
    return tuple(range(x.ndim)) if dim is None else dim


def variance(options):
    unbiased = options.pop("unbiased", None)
    return options if unbiased is None else {"correction": int(unbiased)}


def index_put(x, index, values):
    y = x.clone()
    y[index] = values
    return y


def convert(value, lib, dtype, leaves):
    """NumPy arrays to tensors of one library; floats get a gradient."""
    if isinstance(value, np.ndarray):
        if value.dtype == np.float64:
            t = lib.tensor(value.astype(dtype), dtype=getattr(lib, dtype)).requires_grad_()
            leaves.append(t)
            return t
        return lib.tensor(value)
    if isinstance(value, np.dtype):
        return getattr(lib, str(value))
    if isinstance(value, (list, tuple)):
        return type(value)(convert(v, lib, dtype, leaves) for v in value)
    return value


def run_one(function, lib, args, kwargs, dtype):
    """Return the outputs as arrays and the gradients of all leaves, for a random cotangent."""
    leaves = []
    args = [convert(a, lib, dtype, leaves) for a in args]
    kwargs = {k: convert(v, lib, dtype, leaves) for k, v in kwargs.items()}
    result = function(*args, **kwargs)
    outputs = list(result) if isinstance(result, (tuple, list)) else [result]
    total = None
    for i, y in enumerate(outputs):
        if y.requires_grad:
            cotangent = np.random.default_rng(i).normal(size=tuple(y.shape)).astype(dtype)
            part = (y * lib.tensor(cotangent)).sum()
            total = part if total is None else total + part
    if total is not None:
        total.backward()
    grads = [None if x.grad is None else x.grad.detach().numpy() for x in leaves]
    return [y.detach().numpy() for y in outputs], grads


def close(mine, theirs, tolerance, what):
    assert mine.shape == theirs.shape, f"{what}: shape {mine.shape}, not {theirs.shape}"
    assert mine.dtype == theirs.dtype, f"{what}: {mine.dtype}, not {theirs.dtype}"
    if mine.dtype.kind != "f":
        np.testing.assert_array_equal(mine, theirs, err_msg=what)
        return
    finite = np.abs(theirs[np.isfinite(theirs)])
    scale = max(1.0, float(finite.max(initial=0.0)))
    np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance * scale, err_msg=what)


def compare(function, theirs, args, kwargs, dtype="float64", tolerance=None):
    """Run both and compare outputs and gradients."""
    tolerance = tolerance or TOLERANCE[dtype]
    y, grads = run_one(function, minicnn, args, kwargs, dtype)
    expected, expected_grads = run_one(theirs, torch, args, kwargs, dtype)
    assert len(y) == len(expected)
    for i, (a, b) in enumerate(zip(y, expected, strict=True)):
        close(a, b, tolerance, f"output {i}")
    for i, (a, b) in enumerate(zip(grads, expected_grads, strict=True)):
        if b is None or a is None:
            assert not np.any(a) if b is None else not np.any(b), f"gradient {i}: {a}, not {b}"
        else:
            close(a, b, tolerance, f"gradient {i}")


# ---- the samples that ship with the ops

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
        tolerance = 2e-3 if dtype == "float32" and name in ("batch_norm", "layer_norm", "var", "std") else None
        try:
            compare(public.function, find(name), sample.args, sample.kwargs, dtype, tolerance)
        except AssertionError as error:
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


# ---- drawn arguments

sizes = st.integers(1, 4)
seeds = st.integers(0, 2**31)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def distinct(seed, *shape):
    """Values with no ties, so that the place of a maximum is certain."""
    return np.random.default_rng(seed).permutation(int(np.prod(shape))).reshape(shape) / 7.0 - 3.0


def pair_or_one(draw, values):
    return draw(st.one_of(values, st.tuples(values, values)))


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
