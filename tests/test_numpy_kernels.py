"""The tuned CPU kernels against the plain ones of `minicnn.backend.base`, on drawn shapes and memory orders."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import minicnn
from minicnn.backend import explain_conv, get
from minicnn.backend.base import Backend, output_size
from minicnn.backend.numpy import elementwise, norm, product, winograd, winograd_wide
from minicnn.backend.numpy.plan import choose
from minicnn.errors import ShapeError

NUMPY = get("numpy")
small = st.integers(1, 3)
wide_or_not = st.one_of(st.integers(1, 40), st.sampled_from([48, 64, 96, 128]))


def laid_out(draw, x):
    """The same values in another memory order."""
    order = draw(st.permutations(range(x.ndim)))
    y = np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))
    if draw(st.booleans()):
        wide = np.zeros((*y.shape[:-1], y.shape[-1] * 2), y.dtype)
        wide[..., ::2] = y
        y = wide[..., ::2]
    return y


def near(found, expected, tolerance):
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    scale = max(float(np.max(np.abs(expected), initial=0)), 1e-30)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)


def case(draw, d):
    """Draw a convolution: x, weight, bias, moves."""
    n, c, o = draw(st.integers(0, 5)), draw(st.sampled_from([1, 2, 5, 12, 16, 20])), draw(st.sampled_from([1, 3, 16]))
    sizes = tuple(draw(st.integers(2, 4) | st.integers(5, 11)) for _ in range(d))
    kernel = draw(st.just(sizes) | st.tuples(*[small] * d))
    stride, dilation = tuple(draw(small) for _ in range(d)), tuple(draw(st.integers(1, 2)) for _ in range(d))
    padding = tuple((draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(d))
    padding = draw(st.just(padding) | st.just(((0, 0),) * d))
    groups = draw(st.sampled_from([1, 1, 1, c, 2 if c in (16, 20) else 1]))
    o = o * groups if groups > 1 else o
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    x = laid_out(draw, rng.normal(size=(n, c, *sizes)))
    weight = laid_out(draw, rng.normal(size=(o, c // groups, *kernel)))
    bias = rng.normal(size=o) if draw(st.booleans()) else None
    return x, weight, bias, (stride, padding, dilation, groups)


@pytest.mark.parametrize("d", [1, 2])
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_convolution_and_its_gradients(d, data):
    x, weight, bias, moves = case(data.draw, d)
    stride, padding, dilation, _ = moves
    assume(min(output_size(*a) for a in zip(x.shape[2:], weight.shape[2:], stride, padding, dilation, strict=True)) > 0)
    expected = Backend.conv(NUMPY, x, weight, bias, *moves)
    near(NUMPY.conv(x, weight, bias, *moves), expected, 1e-13)
    columns = NUMPY.conv_columns(x, weight.shape, *moves)
    near(NUMPY.conv(x, weight, bias, *moves, columns), expected, 1e-13)
    grad = laid_out(data.draw, np.random.default_rng(1).normal(size=expected.shape))
    sizes = x.shape[2:]
    near(
        NUMPY.conv_input_grad(grad, weight, sizes, *moves),
        Backend.conv_input_grad(NUMPY, grad, weight, sizes, *moves),
        1e-13,
    )
    near(
        NUMPY.conv_weight_grad(grad, x, weight.shape, *moves),
        Backend.conv_weight_grad(NUMPY, grad, x, weight.shape, *moves),
        1e-13,
    )
    near(
        NUMPY.conv_weight_grad(grad, x, weight.shape, *moves, columns),
        Backend.conv_weight_grad(NUMPY, grad, x, weight.shape, *moves),
        1e-13,
    )


@pytest.mark.parametrize("kernel_of", [winograd, winograd_wide])
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_winograd(kernel_of, data):
    draw = data.draw
    n, c, o = draw(st.integers(1, 40)), draw(wide_or_not), draw(wide_or_not)
    along_one = st.tuples(st.just(1), st.integers(2, 7))
    kernel = draw(
        st.sampled_from([(3, 3), (3, 3), (5, 5), (2, 2), (4, 4), (5, 2), (3, 4)])
        | along_one
        | along_one.map(lambda k: k[::-1])
    )
    sizes = tuple(draw(st.integers(1 if k == 1 else 7, 19)) for k in kernel)
    padding = tuple((draw(st.integers(0, k - 1)), draw(st.integers(0, k - 1))) for k in kernel)
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    x = laid_out(draw, rng.normal(size=(n, c, *sizes)).astype(np.float32))
    weight = rng.normal(size=(o, c, *kernel)).astype(np.float32)
    bias = rng.normal(size=o).astype(np.float32) if draw(st.booleans()) else None
    out = tuple(output_size(s, k, 1, p, 1) for s, k, p in zip(sizes, kernel, padding, strict=True))
    grad = laid_out(draw, rng.normal(size=(n, o, *out)).astype(np.float32))
    moves = ((1, 1), padding, (1, 1), 1)
    wide = [a if a is None else a.astype(np.float64) for a in (x, weight, bias, grad)]
    for found, expected in [
        (kernel_of.conv(x, weight, bias, padding), Backend.conv(NUMPY, *wide[:3], *moves)),
        (
            kernel_of.input_grad(grad, weight, sizes, padding),
            Backend.conv_input_grad(NUMPY, wide[3], wide[1], sizes, *moves),
        ),
        (
            kernel_of.weight_grad(grad, x, weight.shape, padding),
            Backend.conv_weight_grad(NUMPY, wide[3], wide[0], weight.shape, *moves),
        ),
    ]:
        near(found, expected.astype(np.float32), 2e-5)


def test_float64_never_goes_by_winograd():
    shapes = (64, 64, 32, 32), (64, 64, 3, 3)
    moves = (1, 1), ((1, 1), (1, 1)), (1, 1), 1
    assert choose(*shapes, "f", *moves)[0] == "winograd"
    assert choose(*shapes, "d", *moves)[0] != "winograd"


@pytest.fixture(params=[1, 10**9])
def rows_or_planes(monkeypatch, request):
    limits = {"LEAST": 1, "SMALL": 1, "LARGE": 1, "BLOCK": 64, "ROW": 32, "WIDE": 40, "FEW": 2, "PLANE": request.param}
    for name, value in limits.items():
        monkeypatch.setattr(norm, name, value)
    for cached in (norm._pixels, norm._arranged):  # they have read these
        cached.cache_clear()
    yield
    for cached in (norm._pixels, norm._arranged):
        cached.cache_clear()


@pytest.mark.usefixtures("rows_or_planes")
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_batch_norm(data):
    draw = data.draw
    shape = (draw(st.integers(1, 5)), draw(st.integers(1, 5)), *draw(st.lists(st.integers(1, 40), max_size=2)))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    x, grad = (laid_out(draw, rng.normal(size=shape) + m) for m in (draw(st.sampled_from([0.0, 1e3])), 0.0))
    weight, bias = (rng.normal(size=shape[1]) if draw(st.booleans()) else None for _ in range(2))
    mean, var = Backend.channel_statistics(NUMPY, x)
    for a, b in zip(NUMPY.channel_statistics(x), (mean, var), strict=True):
        near(a, b, 1e-9)
    scale = 1 / np.sqrt(var + 1e-5)
    settings = (mean, scale, weight, bias)
    near(NUMPY.normalize_channels(x, *settings), Backend.normalize_channels(NUMPY, x, *settings), 1e-9)
    near(NUMPY.channel_sums(x), Backend.channel_sums(NUMPY, x), 1e-9)
    found = NUMPY.batch_norm_grad(grad, x, weight, mean, scale, True)
    for a, b in zip(found, Backend.batch_norm_grad(NUMPY, grad, x, weight, mean, scale, True), strict=True):
        near(a, b, 1e-9)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_choosing_by_bits(data):
    draw = data.draw
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    shape = tuple(draw(st.lists(st.integers(0, 4), min_size=1, max_size=4)))
    x = laid_out(draw, rng.choice([0.0, -0.0, 1.5, -2.0, np.inf, -np.inf, np.nan], shape))
    x = x.astype(draw(st.sampled_from(["float32", "float64"])))
    condition = laid_out(draw, rng.random(shape) < 0.5)
    for arguments in ((x, 0.0), (0.0, x), (x, 1.0), (x, -0.0)):
        found, expected = NUMPY.where(condition, *arguments), np.where(condition, *arguments)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_relu_in_blocks(monkeypatch, data):
    monkeypatch.setattr(elementwise, "LARGE", 8)
    monkeypatch.setattr(elementwise, "BLOCK", 8)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**31)))
    shape = tuple(data.draw(st.lists(st.integers(0, 6), min_size=1, max_size=4)))
    x, grad = (
        laid_out(data.draw, rng.choice([0.0, -0.0, 1.5, -2.0, np.inf, -np.inf, np.nan], shape)).astype(dtype)
        for dtype in [data.draw(st.sampled_from("fd"))] * 2
    )
    y = NUMPY.relu(x)
    np.testing.assert_array_equal(y, Backend.relu(NUMPY, x))
    np.testing.assert_array_equal(NUMPY.relu_grad(y, grad), np.where(y <= 0, 0.0, grad))
    assert y.dtype == x.dtype


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_flattened_map_and_the_linear_layers_after_it(data):
    shape = tuple(data.draw(st.integers(0, 6)) for _ in range(4))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**31)))
    x = laid_out(data.draw, rng.normal(size=shape))
    flat = NUMPY.reshape(x, (shape[0], shape[1] * shape[2] * shape[3]))
    np.testing.assert_array_equal(flat, x.reshape(flat.shape))
    matrix = laid_out(data.draw, rng.normal(size=(flat.shape[1], data.draw(st.integers(1, 5)))))
    near(NUMPY.map_rows(flat, matrix), flat @ matrix, 1e-13)
    near(NUMPY.reshape(flat, shape), x, 0)


def test_flattening_is_a_view_where_it_can_be():
    base = minicnn.zeros(2, 3, 3, 7)
    flat = base.permute(3, 0, 1, 2)[:3].flatten(1)  # images last, and channels and pixels in one run
    flat += 1
    assert float(base.sum()) == 54
    assert base.permute(3, 0, 1, 2)[:3].view(3, -1).shape == (3, 18)
    assert minicnn.arange(5.0).reshape(5, 1, 1, 1).expand(5, 2, 2, 2).view(5, 8).shape == (5, 8)


def test_linear_layers_keep_the_features_first():
    x = np.zeros((4, 4, 6, 8)).transpose(3, 1, 0, 2)  # as a narrow convolution leaves it: images last
    flat = NUMPY.reshape(x, (8, 96))
    assert flat.T.flags.c_contiguous
    assert NUMPY.map_rows(flat, np.zeros((96, 5))).T.flags.c_contiguous
    assert np.shares_memory(NUMPY.reshape(flat, (8, 4, 4, 6)), flat)


@pytest.mark.parametrize("d", [1, 2, 3])
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_max_pool(d, data):
    draw = data.draw
    kernel, stride = (tuple(draw(small) for _ in range(d)) for _ in range(2))
    dilation = tuple(draw(st.integers(1, 2)) for _ in range(d))
    padding = tuple((draw(st.integers(0, k // 2)), draw(st.integers(0, k // 2))) for k in kernel)
    sizes = tuple(draw(st.integers(5, 9)) for _ in range(d))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    x = rng.integers(-3, 4, (draw(st.integers(1, 3)), draw(st.integers(1, 5)), *sizes)).astype(
        draw(st.sampled_from("fd"))
    )
    for odd in draw(st.lists(st.sampled_from([np.nan, np.inf, -np.inf]), max_size=3)):
        x[rng.random(x.shape) < 0.1] = odd
    out = tuple(output_size(*a) for a in zip(sizes, kernel, stride, padding, dilation, strict=True))
    assume(min(out) > 0)
    x = laid_out(draw, x)
    y, index = Backend.max_pool(NUMPY, x, kernel, stride, padding, dilation, out)
    found = NUMPY.max_pool(x, kernel, stride, padding, dilation, out)
    np.testing.assert_array_equal(found[0], y)
    np.testing.assert_array_equal(found[1], index)
    np.testing.assert_array_equal(NUMPY.max_pool_values(x, kernel, stride, padding, dilation, out), y)
    grad = laid_out(draw, rng.normal(size=y.shape).astype(x.dtype))
    expected = Backend.max_pool_grad(NUMPY, grad, index, sizes, kernel, stride, padding, dilation)
    near(NUMPY.max_pool_grad(grad, index, sizes, kernel, stride, padding, dilation), expected, 1e-6)


@pytest.fixture
def tiny_blocks(monkeypatch):
    monkeypatch.setattr(elementwise, "LARGE", 1)
    monkeypatch.setattr(elementwise, "BLOCK", 7)


@pytest.mark.usefixtures("tiny_blocks")
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_elementwise_in_blocks(data):
    draw = data.draw
    shape = draw(st.lists(st.integers(1, 7), min_size=1, max_size=4))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    x, y = (laid_out(draw, rng.normal(size=shape)) for _ in range(2))
    for function, arrays in [
        (np.add, (x, y)),
        (np.multiply, (2.0, y)),
        (np.less, (x, 0)),
        (lambda a, b: a - b * b, (x, y)),
        (np.add, (x, y[..., :1])),
    ]:
        found, expected = NUMPY.elementwise(function, *arrays), function(*arrays)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype


@pytest.fixture
def everything_large(monkeypatch):
    monkeypatch.setattr(product, "SINGLE", 0)
    monkeypatch.setattr(product, "LARGE", 0)


@pytest.mark.usefixtures("everything_large")
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_matrix_products_over_threads(data):
    draw = data.draw
    m, k, n = (draw(st.integers(0, 9)) for _ in range(3))
    batches = draw(st.sampled_from([((), ()), ((), ()), ((2,), (2,)), ((2, 1), (3,)), ((), (2,))]))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    a, b = rng.normal(size=(*batches[0], m, k)), rng.normal(size=(*batches[1], k, n))
    a, b = (laid_out(draw, x) if x.size else x for x in (a, b))
    near(NUMPY.matmul(a, b), np.einsum("...ij,...jk->...ik", a, b), 1e-13)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_adding_in_places(data):
    draw = data.draw
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    target = rng.normal(size=(draw(st.integers(1, 6)), *draw(st.lists(st.integers(1, 3), max_size=2))))
    index = rng.integers(-len(target), len(target), draw(st.lists(st.integers(0, 4), min_size=1, max_size=2)))
    where = draw(st.sampled_from([index, (index,), (index, ...)]))
    values = rng.normal(size=(*index.shape, *target.shape[1:]))
    expected = target.copy()
    for place in np.ndindex(index.shape):
        expected[index[place]] += values[place]
    NUMPY.add_at(target, where, values)
    near(target, expected, 1e-13)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_in_place_work_in_blocks(data):
    draw = data.draw
    shape = draw(st.lists(st.integers(1, 7), min_size=1, max_size=4))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    x, y = (laid_out(draw, rng.normal(size=shape)) for _ in range(2))
    expected = x * 2 + y

    def double_and_add(x, y):
        np.multiply(x, 2, out=x)
        np.add(x, y, out=x)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(elementwise, "LARGE", 1)
        patch.setattr(elementwise, "BLOCK", 7)
        NUMPY.in_place(double_and_add, x, y)
    np.testing.assert_array_equal(x, expected)


def test_explain_conv_of_one_dim_tells_what_is_done(monkeypatch):
    done = []
    monkeypatch.setattr(winograd, "conv", lambda *arguments: done.append(1) or np.zeros((50, 100, 1, 52), "f"))
    NUMPY.conv(np.zeros((50, 128, 56), "f"), np.zeros((100, 128, 5), "f"), None, (1,), ((0, 0),), (1,), 1)
    assert explain_conv((50, 128, 56), (100, 128, 5)).algorithm == "winograd"
    assert done


@pytest.mark.parametrize(
    ("x", "weight", "groups"),
    [((2, 3, 8, 8), (4, 5, 3, 3), 1), ((2, 4, 8), (4, 4, 3, 3), 1), ((2, 4, 8, 8), (3, 2, 3, 3), 2)],
)
def test_explain_conv_refuses_shapes_that_no_convolution_has(x, weight, groups):
    with pytest.raises(ShapeError, match="explain_conv"):
        explain_conv(x, weight, groups=groups)
