"""Numbers that a small dtype does not hold: operands are not squeezed into it, and what is stored in it is checked."""

import itertools
import math

import numpy as np
import pytest

import minicnn
from minicnn import nn
from minicnn.errors import ArgumentTypeError, GraphError, IndexRangeError, ParameterError, ShapeError
from minicnn.nn import functional as F


def t(values, dtype):
    return minicnn.tensor(values, dtype=dtype)


def three_lines(kind, call, *words):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).count("\n") == 2, caught.value
    for word in words:
        assert word in str(caught.value)


QUOTIENTS = {
    "number": (lambda: t([100], "int8") / 200, 0.5),
    "large number": (lambda: t([3], "int32") / 2**33, 3 / 2**33),
    "negative": (lambda: t([100], "uint8") / -2, -50.0),
    "other way round": (lambda: -2 / t([100], "uint8"), -0.02),
    "no dims": (lambda: t([100], "int8") / minicnn.tensor(1000), 0.1),
    "bool": (lambda: t([True], "bool") / 300, 1 / 300),
    "method": (lambda: t([100], "int8").true_divide(200), 0.5),
    "atan2": (lambda: minicnn.atan2(t(-(2**31), "int32"), t([-7], "int8")), -math.pi / 2),
    "hypot": (lambda: minicnn.hypot(t([3], "int8"), 300), 300.015),
}


@pytest.mark.parametrize("name", QUOTIENTS)
def test_each_operand_is_cast_to_floats(name):
    call, expected = QUOTIENTS[name]
    out = call()
    assert out.dtype == minicnn.float32
    assert out.tolist() == pytest.approx([expected], rel=1e-6)


MIXED = {
    "xlogy": (lambda: minicnn.xlogy(t([0.1], "float64"), t([3], "int16")), 0.1 * math.log(3)),
    "xlogy, turned": (lambda: minicnn.xlogy(t([3], "int16"), t([0.1], "float64")), 3 * math.log(0.1)),
    "logaddexp2": (lambda: minicnn.logaddexp2(t([0.5], "float32"), t([0.3], "float64")), math.log2(2**0.5 + 2**0.3)),
    "copysign": (lambda: minicnn.copysign(t([1], "int16"), t([-2.0], "float64")), -1.0),
    "copysign, no dims": (lambda: minicnn.copysign(t([1], "int16"), t(-2.0, "float64")), -1.0),
}


@pytest.mark.parametrize("name", MIXED)
def test_the_wider_dtype_is_computed_in(name):
    call, expected = MIXED[name]
    out = call()
    assert out.dtype == minicnn.float64
    assert out.tolist() == pytest.approx([expected], rel=1e-15)


def test_isclose_of_integers_that_wrap():
    def close(a, b, dtype, **tolerance):
        return minicnn.isclose(t([a], dtype), t([b], dtype), **tolerance).item()

    assert not close(-1, 127, "int8", rtol=0, atol=0)
    assert not close(0, 255, "uint8", rtol=0, atol=1)
    assert close(0, 255, "uint8", rtol=0, atol=255)
    assert not close(-(2**63), 2**63 - 1, "int64", rtol=0, atol=1.0)
    assert not close(2**62 + 1, 2**62, "int64", rtol=0, atol=0)
    assert not close(127, -128, "int8", rtol=1.0, atol=126)  # |−128| is no int8
    assert close(127, -128, "int8", rtol=1.0, atol=127)
    assert close(100, 101, "int8", rtol=0.5)


def setitem(index, value):
    t([1, 2], "int8")[index] = value


STORED = {
    "full": lambda: minicnn.full((1,), 300, dtype=minicnn.int8),
    "full of NaN": lambda: minicnn.full((1,), math.nan, dtype=minicnn.int8),
    "full, default": lambda: minicnn.full((1,), 2**70),
    "full of floats": lambda: minicnn.full((1,), 1e60),
    "full_like": lambda: minicnn.full_like(t([1], "int8"), -129),
    "new_full": lambda: t([1], "int8").new_full((2,), 300),
    "setitem": lambda: setitem(0, 300),
    "setitem, mask": lambda: setitem(t([True, False], "bool"), -129),
    "setitem, NaN": lambda: setitem(slice(None), math.nan),
    "fill_": lambda: t([1], "int8").fill_(300),
    "where": lambda: minicnn.where(t([False], "bool"), t([2], "int8"), 300),
    "where, turned": lambda: minicnn.where(t([False], "bool"), 300, t([2], "int8")),
    "where of floats": lambda: minicnn.where(t([False], "bool"), t([2.0], "float32"), 1e60),
    "clamp": lambda: t([100], "int8").clamp(max=300),
    "masked_fill": lambda: t([1], "int8").masked_fill(t([True], "bool"), 300),
    "index_put": lambda: minicnn.index_put(t([1], "int8"), 0, 300),
    "tensor": lambda: t(300, "int8"),
    "tensor of a list": lambda: t([1, 300], "int8"),
    "tensor of many digits": lambda: minicnn.tensor([1, 2**70]),
}


@pytest.mark.parametrize("name", STORED)
def test_what_does_not_fit_is_not_stored(name):
    three_lines(ParameterError, STORED[name], "fit")


def test_the_element_that_does_not_fit_is_named():
    three_lines(ParameterError, lambda: t([[1, 2], [3, 300]], "int8"), "[1][1]", "300", "int8")
    for large in (2**63, -(2**63) - 1, 10**30):
        three_lines(ParameterError, lambda v=large: minicnn.tensor([[1], [v]]), "[1][0]", "int64")
    three_lines(ParameterError, lambda: t([1.0, 300.5], "int8"), "[1]", "300.5", "int8")
    assert minicnn.tensor([2**63 - 1, -(2**63)]).dtype == minicnn.int64
    assert minicnn.tensor([2**63, 0.5, -math.inf, math.nan]).dtype == minicnn.float32


def test_what_fits_is_stored():
    x = t([1, 2], "uint8")
    x[0] = -1  # as in PyTorch, and in C
    assert x.tolist() == [255, 2]
    assert minicnn.full((1,), -1, dtype=minicnn.uint8).tolist() == [255]
    assert t([[-1, 3], [-255, 255]], "uint8").tolist() == [[255, 3], [1, 255]]
    three_lines(ParameterError, lambda: t([0, -256], "uint8"), "[1]", "-256", "uint8")
    assert minicnn.full((2,), 2.7, dtype=minicnn.int8).tolist() == [2, 2]
    assert minicnn.full((1,), math.inf).tolist() == [math.inf]
    assert minicnn.full((1,), True).dtype == minicnn.bool
    assert minicnn.full((1,), 5, dtype=minicnn.bool).tolist() == [True]
    condition = t([True, False], "bool")
    assert minicnn.where(condition, t([2, 2], "int8"), -128).tolist() == [2, -128]
    assert minicnn.where(condition, t([2.0, 2.0], "float32"), -math.inf).tolist() == [2.0, -math.inf]
    assert minicnn.where(condition, t([2, 2], "int8"), 2.5).tolist() == [2.0, 2.5]


SIZES = {
    "linspace": lambda: minicnn.linspace(0, 1, -1),
    "logspace": lambda: minicnn.logspace(0, 1, -1),
    "eye, n": lambda: minicnn.eye(-1),
    "eye, m": lambda: minicnn.eye(2, -1),
    "randperm": lambda: minicnn.randperm(-1),
    "arange of NaN": lambda: minicnn.arange(math.nan),
    "arange to infinity": lambda: minicnn.arange(0, math.inf),
    "arange in NaNs": lambda: minicnn.arange(0, 3, math.nan),
    "zeros": lambda: minicnn.zeros(2**62, 2**10),
    "rand": lambda: minicnn.rand(2**62, 2**10),
    "eye, all": lambda: minicnn.eye(2**40),
}


@pytest.mark.parametrize("name", SIZES)
def test_sizes_that_no_tensor_has(name):
    three_lines(ParameterError, SIZES[name], name.split(",")[0].split()[0])


def test_narrow_from_the_end_and_out_of_range():
    x = minicnn.arange(5)
    assert x.narrow(0, -3, 3).tolist() == [2, 3, 4]
    assert x.narrow(0, minicnn.tensor(-3), 2).tolist() == [2, 3]
    assert x.narrow(0, 5, 0).tolist() == []
    assert minicnn.arange(6).reshape(2, 3).narrow(-1, -1, 1).tolist() == [[2], [5]]
    for start, length in ((4, 3), (-3, 4), (1, -1)):
        three_lines(ParameterError, lambda s=start, n=length: x.narrow(0, s, n), "narrow", "length", f"{length}")
    for start in (-6, 6):
        three_lines(IndexRangeError, lambda s=start: x.narrow(0, s, 0), "narrow", "start", f"{start}")
    three_lines(ShapeError, lambda: minicnn.tensor(1).narrow(0, 0, 1), "narrow")


def test_an_index_of_uint8_is_refused():
    x, mask = minicnn.arange(4), t([0, 1, 1, 0], "uint8")
    for index in (mask, mask.numpy(), (mask,), t(1, "uint8"), (None, mask)):
        three_lines(ArgumentTypeError, lambda i=index: x[i], "uint8", ".bool()", ".long()")
    with pytest.raises(ArgumentTypeError, match=r"\.bool\(\)"):
        x[mask] = 0
    assert x[mask.bool()].tolist() == [1, 2]
    assert x[mask.long()].tolist() == [0, 1, 1, 0]
    assert x[np.uint8(3)].item() == 3
    assert x[t([3], "int32")].tolist() == [3]


def strided(x, shape, steps):
    array = x.numpy()
    return minicnn.from_numpy(np.lib.stride_tricks.as_strided(array, shape, [s * array.itemsize for s in steps]))


OVERLAPS = {
    "windows": lambda x: x.unfold(0, 2, 1),
    "windows, turned": lambda x: x.unfold(0, 3, 2).t(),
    "strides": lambda x: strided(x, (2, 2), (1, 1)),
}
APART = {
    "windows apart": lambda x: x.unfold(0, 2, 2),
    "windows of one": lambda x: x.unfold(0, 1, 1),
    "turned": lambda x: x.reshape(2, 4).t(),
    "in steps": lambda x: x[::2],
    "interleaved": lambda x: strided(x, (2, 3), (3, 2)),
    "strides": lambda x: strided(x, (2, 3), (1, 2)),
}


@pytest.mark.parametrize("name", OVERLAPS)
def test_overlapping_windows_are_not_written_to(name):
    x = minicnn.arange(6.0)
    for write in (lambda v: v.mul_(2), lambda v: v.zero_(), lambda v: v.__setitem__(0, 1.0)):
        three_lines(GraphError, lambda w=write: w(OVERLAPS[name](x * 1)), "clone()", "strides")


@pytest.mark.parametrize("name", APART)
def test_views_without_overlap_are_written_to(name):
    x = minicnn.arange(8.0)
    view = APART[name](x)
    before = view.tolist()
    view.mul_(2)
    assert view.tolist() == (np.array(before) * 2).tolist()


WRITES = {  # the tensor's shape, the index, the shape of the values
    "number": ((1,), 0, (1,)),
    "row": ((3,), slice(None), (1, 3)),
    "many": ((1, 3), slice(None), (1, 1, 1, 1, 3)),
    "repeated": ((2, 3), slice(None), (1, 1, 1)),
    "repeated along": ((2, 3), slice(None), (1, 2, 1)),
    "part": ((2, 3), 0, (1, 1, 3)),
    "places": ((2, 3), [0], (1, 1, 3)),
    "mask": ((2, 3), np.array([[True, False, True], [False, True, False]]), (1, 3)),
}


@pytest.mark.parametrize("name", WRITES)
def test_values_with_dims_of_1_in_front_get_their_gradient(name):
    shape, index, size = WRITES[name]
    weights = np.arange(1.0, 1.0 + math.prod(shape)).reshape(shape)
    y = minicnn.zeros(*shape, dtype=minicnn.float64, requires_grad=True).clone()
    v = minicnn.ones(*size, dtype=minicnn.float64, requires_grad=True)
    y[index] = v
    (y * minicnn.from_numpy(weights)).sum().backward()
    assert v.grad.shape == size
    for i in range(math.prod(size)):  # where each value went
        placed, one = np.zeros(shape), np.zeros(math.prod(size))
        one[i] = 1.0
        one = one.reshape(size)
        placed[index] = one.reshape(size[max(one.ndim - placed[index].ndim, 0) :])
        assert v.grad.reshape(-1)[i].item() == (placed * weights).sum()


def test_a_tensor_written_into_itself():
    x = minicnn.ones(1, requires_grad=True)
    b = x.clone()
    b[0] = b
    (b * 3).sum().backward()
    assert x.grad.tolist() == [3.0]


@pytest.mark.filterwarnings("ignore:(invalid value|divide by zero)")
@pytest.mark.parametrize("options", [{}, {"weight": [0.5, 2.0]}, {"label_smoothing": 0.1}])
@pytest.mark.parametrize("exact", [False, True])
def test_the_mean_over_ignored_rows_alone_has_gradient_0(options, exact):
    options = {name: minicnn.tensor(v) if name == "weight" else v for name, v in options.items()}
    losses = [lambda x, target: F.cross_entropy(x, target, **options)]
    if "label_smoothing" not in options:
        losses.append(lambda x, target: F.nll_loss(x, target, **options))
    for loss in losses:
        x = minicnn.zeros(2, 2, requires_grad=True)
        if exact:
            with minicnn.autograd.by_definition():
                out = loss(x, minicnn.tensor([-100, -100]))
                out.backward()
        else:
            out = loss(x, minicnn.tensor([-100, -100]))
            out.backward()
        assert math.isnan(out.item())
        assert x.grad.tolist() == [[0.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize("p", [-0.5, -1.0, -2.5])
def test_a_norm_of_negative_order_has_no_slope_at_0(p):
    x = minicnn.tensor([0.0, 1.0, -2.0], requires_grad=True)
    length = minicnn.norm(x, p)
    length.backward()
    assert (length.item(), x.grad.tolist()) == (0.0, [0.0, 0.0, 0.0])
    away = minicnn.tensor([3.0, 1.0, -2.0], requires_grad=True)
    minicnn.norm(away, p).backward()
    total = sum(abs(v) ** p for v in (3.0, 1.0, 2.0))
    expected = [total ** (1 / p - 1) * abs(v) ** (p - 1) * math.copysign(1, v) for v in (3.0, 1.0, -2.0)]
    assert away.grad.tolist() == pytest.approx(expected, rel=1e-5)


def test_circular_padding_crops_first():
    x = minicnn.arange(9.0).reshape(1, 1, 3, 3)
    assert F.pad(x[:, :, 0], (1, -1), "circular").tolist() == [[[1.0, 0.0, 1.0]]]
    assert F.pad(x[:, :, 0], (-1, 1), "circular").tolist() == [[[1.0, 2.0, 1.0]]]
    expected = [[4.0, 3.0, 4.0], [7.0, 6.0, 7.0], [4.0, 3.0, 4.0], [7.0, 6.0, 7.0]]
    assert F.pad(x, (1, -1, -1, 2), "circular").tolist() == [[expected]]
    assert nn.CircularPad1d((1, -1))(x[:, :, 0]).tolist() == [[[1.0, 0.0, 1.0]]]
    three_lines(ShapeError, lambda: F.pad(x[:, :, 0], (3, -1), "circular"), "circular", "of size 2")


DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64")


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value)")
@pytest.mark.parametrize("name", ["true_divide", "atan2", "xlogy", "copysign", "isclose"])
def test_pairs_of_dtypes_as_in_torch(name):
    """The largest and the smallest number of each dtype with those of each other, with dims and without."""
    torch = pytest.importorskip("torch")

    def extremes(dtype):
        if dtype == "bool":
            return [True, False]
        if dtype.startswith("float"):
            return [-2.5, 1e30]
        limits = np.iinfo(dtype)
        return [int(limits.min) or 1, int(limits.max)]

    def made(library, values, dtype):
        return library.tensor(values, dtype=getattr(library, dtype))

    compared = 0
    for a, b in itertools.product(DTYPES, DTYPES):
        if name == "isclose" and a != b:
            continue  # refused
        for one, two in itertools.product(extremes(a), extremes(b)):
            for first, second in (([one], [two]), (one, [two]), ([one], two)):
                ours = getattr(minicnn, name)(made(minicnn, first, a), made(minicnn, second, b))
                theirs = getattr(torch, name)(made(torch, first, a), made(torch, second, b))
                assert str(ours.dtype) == str(theirs.dtype).removeprefix("torch."), (a, b, first, second)
                np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6, err_msg=f"{a} {b} {first} {second}")
                compared += 1
            if name not in ("atan2", "isclose"):
                ours = getattr(minicnn, name)(made(minicnn, [one], a), two)
                theirs = getattr(torch, name)(made(torch, [one], a), two)
                np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6, err_msg=f"{a} {one} and {two!r}")
    assert compared >= 90
