"""Faults planted in the CUDA sources must be caught by the same comparisons that the tests of the kernels make."""

from __future__ import annotations

import numpy as np
import pytest
import tally
from cuda_shim import COMPILER, WHY_NOT, ShimBackend, ShimError

from minicnn.backend import get
from minicnn.backend.base import Backend
from minicnn.backend.cupy import channels
from minicnn.backend.cupy.launch import KERNELS

pytestmark = pytest.mark.skipif(COMPILER is None, reason=WHY_NOT)
PLAIN = get("numpy")
MOVES = (2, 1), ((1, 2), (1, 1)), (2, 3), 2  # strides, paddings and dilations that differ, and groups


class Broken(ShimBackend):
    """The backend with one fault in a source."""

    def __init__(self, right, wrong):
        super().__init__()
        self.right, self.wrong, self.planted = right, wrong, 0

    def source(self, file):
        text = super().source(file)
        self.planted += text.count(self.right)
        return text.replace(self.right, self.wrong)


def same(be, found, expected):
    for a, b in zip(found, expected, strict=True):
        a = be.to_numpy(a)
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12 * max(np.abs(b).max(), 1))


def draw(*shape):
    return np.random.default_rng(len(shape)).normal(size=shape)


def convolution(be):
    x, weight, bias = draw(3, 4, 9, 7), draw(6, 2, 3, 2), draw(6)
    y = Backend.conv(PLAIN, x, weight, bias, *MOVES)
    grad = draw(*y.shape)
    x_, weight_, bias_, grad_ = map(be.asarray, (x, weight, bias, grad))
    dx = Backend.conv_input_grad(PLAIN, grad, weight, (9, 7), *MOVES)
    dw = Backend.conv_weight_grad(PLAIN, grad, x, weight.shape, *MOVES)
    found = [be.conv(x_, weight_, bias_, *MOVES), be.conv_input_grad(grad_, weight_, (9, 7), *MOVES)]
    same(be, [*found, be.conv_weight_grad(grad_, x_, weight.shape, *MOVES)], [y, dx, dw])


def depthwise(be):
    x, weight, bias = draw(6, 2, 20, 17), draw(6, 1, 3, 2), draw(6)
    y = Backend.conv(PLAIN, x, weight, bias, *MOVES)
    grad = draw(*y.shape)
    x_, weight_, bias_, grad_ = map(be.asarray, (x, weight, bias, grad))
    dx = Backend.conv_input_grad(PLAIN, grad, weight, (20, 17), *MOVES)
    dw = Backend.conv_weight_grad(PLAIN, grad, x, weight.shape, *MOVES)
    found = [be.conv(x_, weight_, bias_, *MOVES), be.conv_input_grad(grad_, weight_, (20, 17), *MOVES)]
    same(be, [*found, be.conv_weight_grad(grad_, x_, weight.shape, *MOVES)], [y, dx, dw])


def pooling(be):
    x = np.random.default_rng(0).integers(0, 3, (2, 3, 8, 7)).astype(float)
    x[0, 0, 2:4] = np.nan
    x[1] = -np.inf
    kernel, stride, padding, dilation, out = (3, 2), (2, 2), ((1, 1), (1, 0)), (1, 2), (4, 3)
    expected = Backend.max_pool(PLAIN, x, kernel, stride, padding, dilation, out)
    found = be.max_pool(be.asarray(x), kernel, stride, padding, dilation, out)
    same(be, [be.xp.nan_to_num(found[0]), found[1]], [np.nan_to_num(expected[0]), expected[1]])
    grad, moves = draw(2, 3, 4, 3), ((8, 7), kernel, stride, padding, dilation)
    dx = Backend.max_pool_grad(PLAIN, grad, expected[1], *moves)
    same(be, [be.max_pool_grad(be.asarray(grad), found[1], *moves)], [dx])
    x, moves = draw(2, 3, 8, 7), (kernel, stride, padding)
    y = Backend.sum_pool(PLAIN, x, *moves, (4, 4))
    same(be, [be.sum_pool(be.asarray(x), *moves, (4, 4))], [y])
    dx = Backend.sum_pool_grad(PLAIN, y, (8, 7), *moves)
    same(be, [be.sum_pool_grad(be.asarray(y), (8, 7), *moves)], [dx])


def batch_norm(be):
    for shape in ((2, 3, 20, 30), (3, 2, 5)):  # in parts, by packs of two; and in one part, value by value
        x, grad, weight, bias = draw(*shape) + 3, draw(*shape) * 2, draw(shape[1]), draw(shape[1]) + 1
        mean, variance = Backend.channel_statistics(PLAIN, x)
        scale = 1 / np.sqrt(variance)
        x_, grad_, weight_, bias_, mean_, scale_ = map(be.asarray, (x, grad, weight, bias, mean, scale))
        same(be, be.channel_statistics(x_), (mean, variance))
        y = Backend.normalize_channels(PLAIN, x, mean, scale, weight, bias)
        same(be, [be.normalize_channels(x_, mean_, scale_, weight_, bias_)], [y])
        expected = Backend.batch_norm_grad(PLAIN, grad, x, weight, mean, scale, True)
        same(be, be.batch_norm_grad(grad_, x_, weight_, mean_, scale_, True), expected)
        same(be, [be.channel_sums(x_)], [Backend.channel_sums(PLAIN, x)])


def rows(be):
    x, grad = draw(70, 37), draw(70, 37) * 2
    for name in ("softmax", "log_softmax"):
        y = getattr(Backend, name)(PLAIN, x, 1)
        dx = getattr(Backend, f"{name}_grad")(PLAIN, grad, y, 1)
        same(be, [getattr(be, name)(be.asarray(x), 1)], [y])
        same(be, [getattr(be, f"{name}_grad")(be.asarray(grad), be.asarray(y), 1)], [dx])
    target, alive = np.arange(70) % 37, (np.arange(70) % 5 > 0).astype(float)
    for weight in (None, abs(draw(37))):
        expected = Backend.cross_entropy(PLAIN, x, target, alive, weight, 0.1)
        given = [a if a is None else be.asarray(a) for a in (target, alive, weight)]
        same(be, be.cross_entropy(be.asarray(x), *given, 0.1), expected)
        g, saved = draw(70), expected[1:]
        dx = Backend.cross_entropy_grad(PLAIN, g, target, alive, weight, *saved, 0.1)
        same(be, [be.cross_entropy_grad(be.asarray(g), *given, *map(be.asarray, saved), 0.1)], [dx])
    bias = draw(37) + 1
    expected = Backend.layer_norm(PLAIN, x, weight, bias, 1, 0.1)
    same(be, be.layer_norm(*map(be.asarray, (x, weight, bias)), 1, 0.1), expected)
    needs = (True, True, True)
    grads = Backend.layer_norm_grad(PLAIN, grad, weight, *expected[1:], 1, needs)
    same(be, be.layer_norm_grad(*map(be.asarray, (grad, weight, *expected[1:])), 1, needs), grads)


def chains(be):
    y, grad = draw(30, 7), draw(30, 7) * 2
    for name in ("sigmoid_grad", "tanh_grad", "relu_grad"):
        same(be, [getattr(be, name)(be.asarray(y), be.asarray(grad))], [getattr(Backend, name)(PLAIN, y, grad)])
    same(be, [be.sigmoid(be.asarray(y * 400))], [Backend.sigmoid(PLAIN, y * 400)])
    mask = y > 0
    same(be, [be.dropout(be.asarray(y), be.asarray(mask), 1.5)], [Backend.dropout(PLAIN, y, mask, 1.5)])


def optimizers(be):
    options = {"maximize": True, "decay": 0.1}
    p, grad, m, v, largest = draw(7), draw(7) * 2, draw(7) * 3, abs(draw(7)), np.linspace(0, 30, 7)
    arrays, ours = [p, grad, m, v, largest], [be.asarray(a.copy()) for a in (p, grad, m, v, largest)]
    numbers = {
        "beta1": 0.7,
        "gain1": 0.3,
        "beta2": 0.8,
        "gain2": 0.2,
        "eps": 0.1,
        "shrink": 0.9,
        "rate": 0.3,
        "root": 1.5,
    }
    Backend.adam(PLAIN, *arrays, **options, **numbers)
    be.adam(*ours, **options, **numbers)
    same(be, ours, arrays)
    for first in (False, True):
        arrays, ours = [p, grad, m], [be.asarray(a.copy()) for a in (p, grad, m)]
        numbers = {"mu": 0.9, "gain": 0.5, "first": first, "nesterov": True, "rate": 0.3}
        Backend.sgd(PLAIN, *arrays, **options, **numbers)
        be.sgd(*ours, **options, **numbers)
        same(be, ours, arrays)
    there = be.asarray(np.array(0.3))  # a number that stands on the device
    numbers = {"mu": 0.0, "gain": 1.0, "first": False, "nesterov": False}
    be.sgd(ours[0], ours[1], None, **options, **numbers, rate=there)
    Backend.sgd(PLAIN, p, grad, None, **options, **numbers, rate=0.3)
    same(be, ours, arrays)


def random(be):
    oracle = np.random.Generator(np.random.Philox(key=5, counter=2)).random(2100, dtype="float32")
    same(be, [be.uniform(be.asarray(np.array([5, 2], "uint64")), 2100)], [oracle])


PROOFS = [convolution, depthwise, pooling, batch_norm, rows, chains, optimizers, random]

# What is wrong, in which proof it must show, and the text: what stands there, and what is put in its place.
FAULTS = [
    # places and limits
    (convolution, "if (i >= total) return;", ""),
    (convolution, "if (i >= total) return;", "if (i >= total - 1) return;"),
    (convolution, "kh * windows.dilation[1];", "kh;"),
    (convolution, "kw * windows.dilation[2];", "kw;"),
    (convolution, "at.h * windows.stride[1].by - windows.low[1]", "at.h * windows.stride[1].by"),
    (convolution, "h >= 0 && h < height", "h >= 0 && h <= height"),
    (convolution, "w >= 0 && w < width ?", "w > 0 && w < width ?"),
    (convolution, "w >= 0 && w < width ?", "w < width ?"),
    (convolution, "columns + n * image", "columns"),
    (convolution, "* kernel * row + at.inner", "* row + at.inner"),
    (convolution, "c = plane - divide(plane, channels) * channels.by;", "c = divide(plane, channels);"),
    (convolution, "windows.low[dim] - k *", "windows.low[dim] + k *"),
    (convolution, "== start && window <", ">= 0 && window <"),
    (convolution, "window < windows.out[dim].by", "window <= windows.out[dim].by"),
    (convolution, "x[i] = sum;", "x[i] += sum;"),
    (convolution, "inner - row * size[2].by", "inner - row * size[1].by"),
    (convolution, "(__umulhi(n, d.multiplier) + n) >> d.shift", "__umulhi(n, d.multiplier) >> d.shift"),
    # a group a channel
    (depthwise, "divide(at.plane, each) * windows", "at.plane * windows"),
    (depthwise, "weight + o * windows", "weight + divide(o, each) * windows"),
    (depthwise, "sum + bias[o]", "sum"),
    (depthwise, "kw++, factors++", "kw++"),
    (depthwise, "j++, from += windows.places.by", "j++"),
    (depthwise, "weight + c * each *", "weight + c *"),
    (depthwise, "kd = row / windows.kernel[1], kh = row - kd", "kd = row / windows.kernel[1], kh = row + kd * 0 - 1"),
    (depthwise, "+ kw * windows.dilation[2];\n        if", ";\n        if"),
    (depthwise, "plane / each * windows", "plane * windows"),
    (depthwise, "at.plane * outputs + o", "at.plane + o"),
    (depthwise, "blockIdx.y * gridDim.x + blockIdx.x", "blockIdx.x"),
    # ties, NaN, and what lies outside
    (pooling, "value > most ||", "value >= most ||"),
    (pooling, "value > most || value != value", "value > most"),
    (pooling, "value != value) {", "(value != value && most == most)) {"),
    (pooling, "start[dim] < 0 ? (dilation - 1 - start[dim]) / dilation : 0", "0"),
    (pooling, "first < last ? first : last", "first"),
    (pooling, "if (index[place] == k)", "if (index[place] >= k)"),
    (pooling, "int plane = at.plane * windows.places.by, k = 0;", "int plane = 0, k = 0;"),
    (pooling, "kw++, k++", "kw++"),
    (pooling, "h < h0 + windows.kernel[1]", "h <= h0 + windows.kernel[1]"),
    (pooling, "index[i] = static_cast<I>(best);", "index[i + 1] = static_cast<I>(best);"),
    # barriers, teams and parts
    (rows, "    __syncthreads();\n    Value result", "    Value result"),
    (batch_norm, "        __syncthreads();\n        if (lane < half)", "        if (lane < half)"),
    (rows, "    __syncthreads();  // the next call", "    // the next call"),
    (batch_norm, "if (lane < half) held", "if (lane <= half) held"),
    (batch_norm, "half = width / 2", "half = width / 4"),
    (batch_norm, "j += blockDim.x", "j += blockDim.x + 1"),
    (batch_norm, "begin = blockIdx.y * part,", "begin = blockIdx.y * part + 1,"),
    (batch_norm, "count : begin + part;", "count : begin + part + 1;"),
    (batch_norm, "apart * apart * a.count * share", "apart * apart * share"),
    (batch_norm, "square - sum * (sum / seen)", "square"),
    (batch_norm, "T(left < part ? left : part)", "T(part)"),
    (batch_norm, "gridDim.y == 1 ? mine.squares / mine.count", "gridDim.y == 1 ? mine.squares"),
    (batch_norm, "(others.at[v] - centre)", "others.at[v]"),
    (batch_norm, "out[(blockIdx.y * 2 + 1) * channels + c]", "out[(blockIdx.y + 1) * channels + c]"),
    (batch_norm, "s < count; s += blockDim.x", "s < count - 1; s += blockDim.x"),
    (batch_norm, "sums[channels.by + c] / count", "sums[channels.by + c]"),
    (batch_norm, "- level) * gain", ") * gain"),
    # rows
    (rows, "return {row, static_cast<int>(threadIdx.x) & (width - 1), row < rows};",
     "return {row, static_cast<int>(threadIdx.x) & (width - 1), true};"),
    (rows, "j += width", "j += width + 1"),
    (rows, "T(1);\n    total", "T(0);\n    total"),
    (rows, "sum = team_sum(sum, width);", ""),
    (rows, "largest = team_max(largest, width);", ""),
    (rows, "- peak.log_sum", ""),
    (rows, "(smoothing / length);\n", "smoothing;\n"),
    (rows, "j == target[at.row] ? value - hit : value", "value"),
    (rows, "at.row) * step", "at.row) * 0"),
    (rows, "/ length + eps", "+ eps"),
    (rows, "- normal[begin + j] * along", ""),
    (rows, "i += teams", "i += teams + 1"),
    (rows, "    __syncthreads();\n    if (team != 0", "    if (team != 0"),
    (rows, "if (team != 0 || j >= length)", "if (team != 0)"),
    # chains, optimizers, random numbers
    (chains, "exp(-fabs(x))", "exp(-x)"),
    (chains, "x >= 0 ? T(1) : tail", "T(1)"),
    (chains, "y <= 0 ? T(0) : g", "y < 0 ? g : T(0)"),
    (chains, "(y - y * y) * g", "(1 - y * y) * g"),
    (chains, "g - y * y * g", "g - y * g"),
    (chains, "static_cast<long long>(i) * V", "static_cast<long long>(i)"),
    (chains, "* scale;", ";"),
    (optimizers, "sign * grads.at[j] + decay * weights.at[j]", "sign * grads.at[j]"),
    (optimizers, "sign * grads.at[j]", "grads.at[j]"),
    (optimizers, "number.place ? *number.place :", ""),
    (optimizers, "(g * g)", "g"),
    (optimizers, "* root + eps", "+ eps"),
    (optimizers, "shrink * weights.at[j]", "weights.at[j]"),
    (optimizers, "larger(most.at[j], second)", "second"),
    (optimizers, "if (largest) store<T, V>(largest + at, most);", ""),
    (optimizers, "first ? g : mu", "false ? g : mu"),
    (optimizers, "nesterov ? g + mu", "false ? g + mu"),
    (random, "round < 10", "round < 9"),
    (random, "word[2] = high0 ^ word[3] ^ key[1]", "word[2] = high0 ^ word[3]"),
    (random, "state[1] + i + 1", "state[1] + i"),
    (random, "i * 8 + j < total", "true"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def short_parts(monkeypatch):
    """Channels in parts, though the arrays are small."""
    monkeypatch.setattr(channels, "EACH", 1)


@pytest.mark.parametrize("proof", PROOFS)
def test_sound_kernels_pass(proof):
    proof(ShimBackend())


def test_the_proofs_reach_every_kernel():
    before = tally.shim.copy()
    for proof in PROOFS:
        proof(ShimBackend())
    launched = {name.split("<")[0] for name in tally.shim - before}
    assert launched == {name.split("<")[0] for names in KERNELS.values() for name in names}


FIRST = [next(fault for fault in FAULTS if fault[0] is proof) for proof in PROOFS]


@pytest.mark.parametrize(
    ("proof", "right", "wrong"), [pytest.param(*f, marks=[] if f in FIRST else pytest.mark.slow) for f in FAULTS]
)
def test_a_fault_is_caught(proof, right, wrong):
    """One fault a proof in the ordinary run, since each takes a second to compile; all of them with ``-m slow``."""
    be = Broken(right, wrong)
    with pytest.raises((AssertionError, ShimError)):
        proof(be)
    assert be.planted
