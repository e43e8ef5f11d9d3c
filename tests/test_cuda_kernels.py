"""CUDA's kernels, compiled as C++, against the plain ones of `minicnn.backend.base`, on drawn shapes and memory orders.

Each launch is checked besides for writes outside its arrays, for inputs it changes, for barriers that threads miss, and
for results that depend on the order of threads (`cuda_shim`).
"""

from __future__ import annotations

import numpy as np
import pytest
from cuda_shim import COMPILER, WHY_NOT, ShimBackend
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minicnn.backend import get
from minicnn.backend.base import Backend, output_size
from minicnn.backend.cupy import channels, convolution, launch
from minicnn.errors import BackendError

pytestmark = pytest.mark.skipif(COMPILER is None, reason=WHY_NOT)
CUDA = ShimBackend()
PLAIN = get("numpy")
small = st.integers(1, 3)
dtypes = st.sampled_from(["float32", "float64"])
NEAR = {"float32": 2e-5, "float64": 1e-12}  # of the largest value


def laid_out(draw, x):
    """Return the values as an array of the device, in some memory order; x itself may become one row many times."""
    order = draw(st.permutations(range(x.ndim)))
    y = np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))
    kind = draw(st.sampled_from(["as it is", "strided", "expanded", "shifted"]))
    if kind == "strided":
        wide = np.zeros((*y.shape[:-1], y.shape[-1] * 2), y.dtype)
        wide[..., ::2] = y
        y = wide[..., ::2]
    elif kind == "shifted":  # contiguous, and not at a multiple of 16 bytes
        longer = np.zeros(x.size + 1, x.dtype)
        longer[1:] = x.reshape(-1)
        y = longer[1:].reshape(x.shape)
    elif kind == "expanded" and x.size:
        y = np.broadcast_to(x[:1], x.shape)
        x[...] = y
    return type(CUDA.xp.zeros(1))(y)


def near(found, expected, tolerance=None, least=1e-30):
    """Require values to be within the tolerance of the largest one, or of ``least``: what they were taken from."""
    found, expected = (CUDA.to_numpy(a) if isinstance(a, CUDA.array_type) else np.asarray(a) for a in (found, expected))
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    if tolerance is None:
        tolerance = NEAR[str(expected.dtype)]
    scale = max(float(np.max(np.abs(expected), initial=0, where=np.isfinite(expected))), float(least))
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)


def moved(draw, d, kernel=None):
    """Draw sizes, kernel, stride, padding and dilation in d dims."""
    sizes = tuple(draw(st.integers(1, 4) | st.integers(5, 17 if d == 1 else 9)) for _ in range(d))
    kernel = kernel or draw(st.just(sizes) | st.just((1,) * d) | st.tuples(*[small] * d))
    stride, dilation = tuple(draw(small) for _ in range(d)), tuple(draw(small) for _ in range(d))
    stride = draw(st.just(stride) | st.just((1,) * d))
    padding = tuple((draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(d))
    padding = draw(st.just(padding) | st.just(((0, 0),) * d))
    return sizes, kernel, stride, padding, dilation


@pytest.fixture(params=[None, 1], ids=["joined", "an image at a time"])
def blocks(request, monkeypatch):
    """Take the maps as they come; or join none, and take the columns of one image at a time."""
    if request.param:
        monkeypatch.setattr(convolution, "JOINED", 0)
        monkeypatch.setattr(convolution, "COLUMNS", 1)
        monkeypatch.setattr(convolution, "LONG_COLUMNS", 1)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("d", [1, 2, 3])
@settings(max_examples=60)
@given(st.data())
def test_convolution_and_its_gradients(d, data):
    draw = data.draw
    sizes, kernel, stride, padding, dilation = moved(draw, d)
    out = tuple(map(output_size, sizes, kernel, stride, padding, dilation))
    assume(min(out) > 0)
    n, groups = draw(st.integers(0, 4)), draw(st.integers(1, 3))
    c, o = groups * draw(st.integers(1, 4) | st.just(1)), groups * draw(st.integers(1, 4))
    rng, dtype = np.random.default_rng(draw(st.integers(0, 2**31))), draw(dtypes)
    x, weight, grad = (
        rng.normal(size=shape).astype(dtype) for shape in ((n, c, *sizes), (o, c // groups, *kernel), (n, o, *out))
    )
    bias = rng.normal(size=o).astype(dtype) if draw(st.booleans()) else None
    moves = stride, padding, dilation, groups
    x_, weight_, grad_ = (laid_out(draw, a) for a in (x, weight, grad))
    bias_ = None if bias is None else CUDA.asarray(bias)
    near(CUDA.conv(x_, weight_, bias_, *moves), Backend.conv(PLAIN, x, weight, bias, *moves))
    near(
        CUDA.conv_input_grad(grad_, weight_, sizes, *moves),
        Backend.conv_input_grad(PLAIN, grad, weight, sizes, *moves),
    )
    fewer = tuple(max(1, p - draw(st.integers(0, 1))) for p in out)  # as in a transposed convolution's output_padding
    grad__ = grad[(..., *map(slice, fewer))]
    near(
        CUDA.conv_input_grad(type(grad_)(grad__), weight_, sizes, *moves),
        Backend.conv_input_grad(PLAIN, grad__, weight, sizes, *moves),
    )
    near(
        CUDA.conv_weight_grad(grad_, x_, weight.shape, *moves),
        Backend.conv_weight_grad(PLAIN, grad, x, weight.shape, *moves),
    )


@pytest.mark.parametrize("d", [1, 2, 3])
@settings(max_examples=60)
@given(st.data())
def test_max_pool(d, data):
    draw = data.draw
    kernel = draw(st.tuples(*[small] * d) | st.just((17,) * d if d < 3 else (7, 7, 7)))  # past 256: a wider index
    sizes, kernel, stride, padding, dilation = moved(draw, d, kernel)
    sizes = tuple(max(s, k) for s, k in zip(sizes, kernel, strict=True))
    padding = tuple((min(low, k // 2), high) for (low, high), k in zip(padding, kernel, strict=True))
    out = tuple(map(output_size, sizes, kernel, stride, padding, dilation))
    assume(min(out) > 0)
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    x = rng.integers(-3, 4, (draw(st.integers(0, 2)), draw(small), *sizes)).astype(draw(dtypes))  # many ties
    for odd in draw(st.lists(st.sampled_from([np.nan, np.inf, -np.inf]), max_size=3)):
        x[rng.random(x.shape) < 0.2] = odd
    x_ = laid_out(draw, x)
    y, index = Backend.max_pool(PLAIN, x, kernel, stride, padding, dilation, out)
    y_, index_ = CUDA.max_pool(x_, kernel, stride, padding, dilation, out)
    np.testing.assert_array_equal(CUDA.to_numpy(y_), y)
    np.testing.assert_array_equal(CUDA.to_numpy(index_), index)
    assert str(index_.dtype) == str(index.dtype)
    grad = rng.normal(size=y.shape).astype(x.dtype)
    grad_ = laid_out(draw, grad)
    moves = sizes, kernel, stride, padding, dilation
    near(CUDA.max_pool_grad(grad_, index_, *moves), Backend.max_pool_grad(PLAIN, grad, index, *moves))


@pytest.mark.parametrize("d", [1, 2, 3])
@settings(max_examples=60)
@given(st.data())
def test_sum_pool(d, data):
    draw = data.draw
    sizes, kernel, stride, padding, _ = moved(draw, d)
    out = tuple(map(output_size, sizes, kernel, stride, padding, (1,) * d))
    assume(min(out) > 0)
    rng, shape = np.random.default_rng(draw(st.integers(0, 2**31))), (draw(st.integers(0, 3)), draw(small))
    x, grad = (rng.normal(size=(*shape, *rest)).astype(draw(dtypes)) for rest in (sizes, out))
    x_, grad_ = (laid_out(draw, a) for a in (x, grad))
    near(CUDA.sum_pool(x_, kernel, stride, padding, out), Backend.sum_pool(PLAIN, x, kernel, stride, padding, out))
    moves = sizes, kernel, stride, padding
    near(CUDA.sum_pool_grad(grad_, *moves), Backend.sum_pool_grad(PLAIN, grad, *moves))


@pytest.fixture(params=[None, 1, 3], ids=["as it comes", "many parts", "three parts"])
def parts(request, monkeypatch):
    """Share channels out as for a large array, though they are small."""
    if request.param:
        monkeypatch.setattr(channels, "EACH", 1)
        monkeypatch.setattr(channels, "BLOCKS", 10**6)
        whole = channels.split

        def split(n, c, places, v):
            made = whole(n, c, places, v)
            part = -(-made.packs_in_all // (3 if request.param == 3 else min(made.packs_in_all, 9)))
            return made._replace(part=part, parts=-(-made.packs_in_all // part))

        monkeypatch.setattr(channels, "split", split)


@pytest.mark.usefixtures("parts")
@settings(max_examples=80)
@given(st.data())
def test_batch_norm(data):
    draw = data.draw
    spatial = draw(st.lists(st.integers(1, 12), max_size=3) | st.sampled_from([[40, 40], [4, 8], [2, 2, 2]]))
    shape = draw(st.integers(0, 6)), draw(st.integers(1, 5)), *spatial
    rng, dtype = np.random.default_rng(draw(st.integers(0, 2**31))), draw(dtypes)
    far = draw(st.sampled_from([0.0, 100.0]))
    x, grad = ((rng.normal(size=shape) + m).astype(dtype) for m in (far, 0.0))
    x_, grad_ = (laid_out(draw, a) for a in (x, grad))
    weight, bias = (rng.normal(size=shape[1]).astype(dtype) if draw(st.booleans()) else None for _ in range(2))
    mean, var = Backend.channel_statistics(PLAIN, x.astype("float64"))
    loose = NEAR[dtype] * (100 if far else 1)  # what rounding x itself costs
    for found, expected in zip(CUDA.channel_statistics(x_), (mean, var), strict=True):
        near(found, expected.astype(dtype), loose, 1e-6 * abs(x).max(initial=0) ** 2)
    sums = Backend.channel_sums(PLAIN, x.astype("float64"))
    near(CUDA.channel_sums(x_), sums.astype(dtype), least=abs(x).sum() / shape[1])
    given_ = [mean.astype(dtype), (1 / np.sqrt(var + 1e-5)).astype(dtype), weight, bias]
    given__ = [None if a is None else CUDA.asarray(a) for a in given_]
    gain = float(np.max(given_[1] * (1 if weight is None else abs(weight)), initial=0))
    y = Backend.normalize_channels(PLAIN, x, *given_)
    near(CUDA.normalize_channels(x_, *given__), y, loose, abs(x).max(initial=0) * gain)
    mean, scale, weight, _ = given_
    mean_, scale_, weight_, _ = given__
    for needed in (True, False):
        found = CUDA.batch_norm_grad(grad_, x_, weight_, mean_, scale_, needed)
        wide = [None if a is None else a.astype("float64") for a in (grad, x, weight, mean, scale)]
        expected = Backend.batch_norm_grad(PLAIN, *wide, needed)
        assert (found[0] is None) is (not needed)
        terms = abs(grad).max(initial=0) * abs(gain), abs(grad).sum() * (1 + abs(mean).max()), abs(grad).sum()
        for a, b, least in list(zip(found, expected, terms, strict=True))[not needed :]:
            near(a, b.astype(dtype), loose, least)


def test_many_values_a_channel_keep_their_digits():
    """A long sum in float32: one after another, 200,000 values would be off by a thousandth."""
    x = (np.random.default_rng(0).random((2, 1, 320, 320)) + 7).astype("float32")
    mean, var = (CUDA.to_numpy(a)[0] for a in CUDA.channel_statistics(CUDA.asarray(x)))
    assert abs(mean - x.mean(dtype="float64")) < 2e-6
    assert abs(var - x.var(dtype="float64")) < 1e-6
    total = CUDA.to_numpy(CUDA.channel_sums(CUDA.asarray(x)))[0]
    assert abs(total / x.sum(dtype="float64") - 1) < 2e-7


# ---- the launcher


@settings(max_examples=500)
@given(n=st.integers(0, 2**31 - 1), by=st.integers(1, 2**31 - 1) | st.integers(1, 50))
def test_division_as_a_product(n, by):
    _, multiplier, shift = launch.divisor(by)
    assert multiplier < 2**32
    high = n * multiplier >> 32
    assert high + n < 2**32
    assert (high + n) >> shift == n // by


@pytest.mark.parametrize("by", [1, 2, 3, 5, 7, 64, 641, 2**16 + 1, 2**30, 2**30 + 1, 2**31 - 1])
def test_division_as_a_product_at_multiples(by):
    _, multiplier, shift = launch.divisor(by)
    for m in {1, 2, 3, (2**31 - 1) // by}:
        for n in (m * by - 1, m * by, m * by + 1):
            if 0 <= n < 2**31:
                assert ((n * multiplier >> 32) + n) >> shift == n // by


def test_a_host_array_is_refused_with_the_fix():
    x = CUDA.asarray(np.ones((2, 2), "float32"))
    with pytest.raises(BackendError) as error:
        CUDA.launch_flat("windows", "im2col<{T}>", x.dtype, 4, x, np.ones(4, "float32"))
    assert "one of the host" in str(error.value)
    assert "asarray" in str(error.value).splitlines()[2]


def test_memory_that_is_not_contiguous_is_refused_with_the_fix():
    x = CUDA.asarray(np.ones((2, 3), "float32"))
    with pytest.raises(BackendError) as error:
        CUDA.launch_flat("windows", "im2col<{T}>", x.dtype, 4, x.T)
    assert "(3, 2)" in str(error.value).splitlines()[1]
    assert "ascontiguousarray" in str(error.value).splitlines()[2]


@pytest.mark.parametrize("dtype", ["int64", "float16"])
def test_other_dtypes_go_by_the_plain_kernels(dtype):
    x = np.arange(32).reshape(1, 2, 4, 4).astype(dtype)
    moves = (2, 2), (2, 2), ((0, 0), (0, 0))
    found = CUDA.sum_pool(CUDA.asarray(x), *moves, (2, 2))
    np.testing.assert_array_equal(CUDA.to_numpy(found), Backend.sum_pool(PLAIN, x, *moves, (2, 2)))


def test_arrays_past_31_bits_go_by_the_plain_kernels(monkeypatch):
    """With a limit that a small array passes: no kernel is launched, and the values are the same."""
    x = np.random.default_rng(0).normal(size=(2, 3, 6, 6))
    weight = np.random.default_rng(1).normal(size=(4, 3, 3, 3))
    moves = (1, 1), ((1, 1), (1, 1)), (1, 1), 1
    for module in (launch, convolution):
        monkeypatch.setattr(module, "LIMIT", 100)
    monkeypatch.setattr(ShimBackend, "launch", None)
    near(CUDA.conv(CUDA.asarray(x), CUDA.asarray(weight), None, *moves), Backend.conv(PLAIN, x, weight, None, *moves))


def test_tf32_is_asked_for_by_pytorchs_switches(monkeypatch):
    """Convolutions go by `cudnn.allow_tf32`, products by `cuda.matmul.allow_tf32`; the defaults are PyTorch's."""
    import contextlib

    from minicnn.backends import cuda, cudnn

    asked = []

    def products(self, allow_tf32):
        asked.append(allow_tf32)
        return contextlib.nullcontext()

    monkeypatch.setattr(ShimBackend, "products", products)
    x = CUDA.asarray(np.ones((1, 1, 3, 3), "float32"))
    moves = (1, 1), ((1, 1), (1, 1)), (1, 1), 1

    def all_products():
        asked.clear()
        y = CUDA.conv(x, x, None, *moves)
        CUDA.conv_input_grad(y, x, (3, 3), *moves)
        CUDA.conv_weight_grad(y, x, x.shape, *moves)
        CUDA.matmul(x, x)
        return asked

    assert all_products() == [True, True, True, False]
    monkeypatch.setattr(cudnn, "allow_tf32", False)
    monkeypatch.setattr(cuda.matmul, "allow_tf32", True)
    assert all_products() == [False, False, False, True]
