"""The tensor itself: how it is made, shown, indexed, converted, copied, and shared with NumPy."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minicnn
from minicnn.errors import MinicnnError

PRINTED = """
>>> tensor(1)
tensor(1)
>>> tensor(1.5)
tensor(1.5000)
>>> tensor(-0.0)
tensor(-0.)
>>> tensor(True)
tensor(True)
>>> tensor([])
tensor([])
>>> tensor([], dtype=int64)
tensor([], dtype=int64)
>>> zeros(0, 3)
tensor([], size=(0, 3))
>>> zeros(2, 0)
tensor([], size=(2, 0))
>>> zeros(0, 3, dtype=int64)
tensor([], size=(0, 3), dtype=int64)
>>> tensor([1, 2, 3])
tensor([1, 2, 3])
>>> tensor([1, -20, 300])
tensor([  1, -20, 300])
>>> tensor([1.0, 2.0])
tensor([1., 2.])
>>> tensor([1.0, -2.5])
tensor([ 1.0000, -2.5000])
>>> tensor([True, False])
tensor([ True, False])
>>> tensor([[1.0, 2.0], [3.0, 4.0]])
tensor([[1., 2.],
        [3., 4.]])
>>> tensor([0.1, 1000.0])
tensor([1.0000e-01, 1.0000e+03])
>>> tensor([0.1, 100000.0])
tensor([1.0000e-01, 1.0000e+05])
>>> tensor([0.00001, 1.0])
tensor([1.0000e-05, 1.0000e+00])
>>> tensor([0.0001, 0.0002])
tensor([1.0000e-04, 2.0000e-04])
>>> tensor([1e-5, 2e-5])
tensor([1.0000e-05, 2.0000e-05])
>>> tensor([1e10, 1.0])
tensor([1.0000e+10, 1.0000e+00])
>>> tensor([123456789.0])
tensor([1.2346e+08])
>>> tensor([1e8])
tensor([100000000.])
>>> tensor([float("nan"), 1.0])
tensor([nan, 1.])
>>> tensor([float("inf"), 1.5])
tensor([   inf, 1.5000])
>>> tensor([float("-inf"), float("nan")])
tensor([-inf, nan])
>>> tensor([float("nan")])
tensor([nan])
>>> tensor([float("inf"), 2.0])
tensor([inf, 2.])
>>> tensor([1.0, 2.0], dtype=float64)
tensor([1., 2.], dtype=float64)
>>> tensor([1, 2], dtype=int32)
tensor([1, 2], dtype=int32)
>>> tensor([1, 2], dtype=uint8)
tensor([1, 2], dtype=uint8)
>>> tensor([1.0, 2.0], requires_grad=True)
tensor([1., 2.], requires_grad=True)
>>> tensor(1.5, requires_grad=True)
tensor(1.5000, requires_grad=True)
>>> tensor([1.0, 2.0], requires_grad=True) * 2
tensor([2., 4.], grad_fn=<MulBackward0>)
>>> tensor([1.0, 2.0], requires_grad=True).sum()
tensor(3., grad_fn=<SumBackward0>)
>>> tensor([1.0, 2.0], dtype=float64, requires_grad=True) + 1
tensor([2., 3.], dtype=float64, grad_fn=<AddBackward0>)
>>> zeros(2, 3)
tensor([[0., 0., 0.],
        [0., 0., 0.]])
>>> zeros(2, 2, 2)
tensor([[[0., 0.],
         [0., 0.]],

        [[0., 0.],
         [0., 0.]]])
>>> ones(1, 1, 2, 2)
tensor([[[[1., 1.],
          [1., 1.]]]])
>>> arange(1001)
tensor([   0,    1,    2,  ...,  998,  999, 1000])
>>> arange(1000).reshape(10, 100)[:2, :30]
tensor([[  0,   1,   2,   3,   4,   5,   6,   7,   8,   9,  10,  11,  12,  13,
          14,  15,  16,  17,  18,  19,  20,  21,  22,  23,  24,  25,  26,  27,
          28,  29],
        [100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113,
         114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127,
         128, 129]])
>>> arange(1010.0)
tensor([0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 1.0070e+03, 1.0080e+03,
        1.0090e+03])
>>> arange(2000).reshape(50, 40)
tensor([[   0,    1,    2,  ...,   37,   38,   39],
        [  40,   41,   42,  ...,   77,   78,   79],
        [  80,   81,   82,  ...,  117,  118,  119],
        ...,
        [1880, 1881, 1882,  ..., 1917, 1918, 1919],
        [1920, 1921, 1922,  ..., 1957, 1958, 1959],
        [1960, 1961, 1962,  ..., 1997, 1998, 1999]])
>>> arange(12).reshape(3, 4).T
tensor([[ 0,  4,  8],
        [ 1,  5,  9],
        [ 2,  6, 10],
        [ 3,  7, 11]])
>>> tensor([0.5, 0.25]).bool()
tensor([True, True])
>>> tensor([1.23456789, 0.000123])
tensor([1.2346e+00, 1.2300e-04])
>>> tensor([12345.678, 1.0])
tensor([1.2346e+04, 1.0000e+00])
>>> tensor([99999.5])
tensor([99999.5000])
>>> tensor([0.0, 0.0])
tensor([0., 0.])
>>> tensor([0.0, 1e-9])
tensor([0.0000e+00, 1.0000e-09])
>>> tensor([-1.5, 2.0])
tensor([-1.5000,  2.0000])
>>> tensor([-1, 2])
tensor([-1,  2])
>>> arange(30.0)
tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.,
        14., 15., 16., 17., 18., 19., 20., 21., 22., 23., 24., 25., 26., 27.,
        28., 29.])
>>> linspace(0, 1, 20)
tensor([0.0000, 0.0526, 0.1053, 0.1579, 0.2105, 0.2632, 0.3158, 0.3684, 0.4211,
        0.4737, 0.5263, 0.5789, 0.6316, 0.6842, 0.7368, 0.7895, 0.8421, 0.8947,
        0.9474, 1.0000])
>>> tensor([[1.0, float("nan")], [1000.5, -3.0]])
tensor([[ 1.0000e+00,         nan],
        [ 1.0005e+03, -3.0000e+00]])
>>> full((2, 2), 7)
tensor([[7, 7],
        [7, 7]])
>>> full((3,), True)
tensor([True, True, True])
>>> tensor([[[1, 2], [3, 4]], [[5, 6], [7, 8]]])
tensor([[[1, 2],
         [3, 4]],

        [[5, 6],
         [7, 8]]])
>>> tensor([2147483648])
tensor([2147483648])
>>> tensor(1e-7)
tensor(1.0000e-07)
>>> tensor(123456.0)
tensor(123456.)
>>> tensor(1234567.5)
tensor(1234567.5000)
>>> tensor(0.1, dtype=float64)
tensor(0.1000, dtype=float64)
>>> arange(5)[1:1]
tensor([], dtype=int64)
>>> zeros(3, 0, 2)
tensor([], size=(3, 0, 2))
>>> tensor([1.0, 2.0], requires_grad=True).exp()
tensor([2.7183, 7.3891], grad_fn=<ExpBackward0>)
>>> tensor([[1.0, 2.0]], requires_grad=True).softmax(1)
tensor([[0.2689, 0.7311]], grad_fn=<SoftmaxBackward0>)
>>> ones(2, 20)
tensor([[1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1.,
         1., 1.],
        [1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1.,
         1., 1.]])
>>> arange(60)
tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,
        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35,
        36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53,
        54, 55, 56, 57, 58, 59])
>>> randint(1, (40, 40)).float()
tensor([[0., 0., 0.,  ..., 0., 0., 0.],
        [0., 0., 0.,  ..., 0., 0., 0.],
        [0., 0., 0.,  ..., 0., 0., 0.],
        ...,
        [0., 0., 0.,  ..., 0., 0., 0.],
        [0., 0., 0.,  ..., 0., 0., 0.],
        [0., 0., 0.,  ..., 0., 0., 0.]])
>>> tensor([float('nan'), 0.5])
tensor([   nan, 0.5000])
>>> tensor([[float('inf'), 1e-6]])
tensor([[       inf, 1.0000e-06]])
>>> zeros(2, 1, 1, 3)
tensor([[[[0., 0., 0.]]],


        [[[0., 0., 0.]]]])
>>> tensor(float('inf'))
tensor(inf)
>>> tensor(float('nan'), dtype=float64)
tensor(nan, dtype=float64)
>>> arange(1100).reshape(2, 550)
tensor([[   0,    1,    2,  ...,  547,  548,  549],
        [ 550,  551,  552,  ..., 1097, 1098, 1099]])
>>> tensor([10.0, 100.0, 0.5])
tensor([ 10.0000, 100.0000,   0.5000])
>>> tensor([1e-3, 1.0])
tensor([0.0010, 1.0000])
>>> tensor([9999.0, 10000.5])
tensor([ 9999.0000, 10000.5000])
>>> tensor([0.99999, 2.0])
tensor([1.0000, 2.0000])
"""
CASES = [entry.partition("\n")[::2] for entry in PRINTED.strip().removeprefix(">>> ").split("\n>>> ")]


def refused(error: type[Exception], function, *words: str) -> None:
    """The call must raise that error, in three lines."""
    with pytest.raises(error) as caught:
        function()
    assert isinstance(caught.value, MinicnnError)
    lines = str(caught.value).split("\n")
    assert len(lines) == 3
    assert lines[2].startswith("  Fix: ")
    for word in words:
        assert word in str(caught.value)


def same(tensor: minicnn.Tensor, array: object) -> None:
    np.testing.assert_array_equal(tensor.detach().numpy(), np.asarray(array), strict=True)


# ---- printing


@pytest.mark.parametrize(("call", "printed"), CASES, ids=[call for call, _ in CASES])
def test_printing(call, printed):
    names = {name: getattr(minicnn, name) for name in dir(minicnn) if not name.startswith("_")}
    assert repr(eval(call, {**names, "float": float})) == printed


@pytest.mark.peers
def test_the_table_of_printing_is_torchs():
    torch = pytest.importorskip("torch")
    names = {name: getattr(torch, name) for name in dir(torch) if not name.startswith("__")}
    for call, printed in CASES:
        assert repr(eval(call, {**names, "float": float})).replace("torch.", "") == printed


def test_str_and_format():
    x = minicnn.tensor([1.0, 2.0])
    assert str(x) == repr(x) == f"{x}" == "tensor([1., 2.])"
    assert f"{minicnn.tensor(3.14159):.2f}" == "3.14"
    assert f"{minicnn.tensor(7):>4d}" == "   7"
    assert f"{minicnn.tensor(3.5)}" == "3.5"
    assert f"{minicnn.tensor([3.5])}" == "tensor([3.5000])"


# ---- making tensors


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1, "int64"),
        (1.0, "float32"),
        (True, "bool"),
        ([1, 2], "int64"),
        ([1, 2.0], "float32"),
        ([True, 2], "int64"),
        ([True, False], "bool"),
        ([], "float32"),
        ([[]], "float32"),
        ((1, (2,))[1], "int64"),
        (range(3), "int64"),
        (np.float64(1), "float64"),
        (np.float32(1), "float32"),
        (np.int32(1), "int32"),
        (np.array([1.0]), "float64"),
        (np.array([1], dtype=np.int8), "int8"),
        (np.array([True]), "bool"),
        ([np.float32(1), 2.0], "float32"),
    ],
)
def test_dtypes_of_values(data, dtype):
    x = minicnn.tensor(data)
    assert str(x.dtype) == dtype
    assert x.shape == np.shape(data)
    assert x.is_leaf
    assert not x.requires_grad


def test_tensor_of_tensors_and_mixed_lists():
    a = minicnn.tensor([1.0, 2.0])
    same(minicnn.tensor([a[0], a[1], 3.0]), np.array([1, 2, 3], dtype=np.float32))
    same(minicnn.tensor([[1, a[1].item()], [3, 4]]), np.array([[1, 2], [3, 4]], dtype=np.float32))
    b = minicnn.tensor(a)
    b[0] = 9
    assert a[0].item() == 1
    assert str(minicnn.tensor(minicnn.tensor([1], dtype=minicnn.int16)).dtype) == "int16"


def test_tensor_copies_and_as_tensor_and_from_numpy_share():
    array = np.zeros(2)
    copied, shared, also = minicnn.tensor(array), minicnn.from_numpy(array), minicnn.as_tensor(array)
    array[0] = 5
    assert copied[0].item() == 0
    assert shared[0].item() == also[0].item() == 5
    shared[1] = 7
    assert array[1] == 7
    assert minicnn.as_tensor(shared) is shared
    assert minicnn.as_tensor([1, 2]).tolist() == [1, 2]
    assert minicnn.as_tensor(array, dtype=minicnn.float32).dtype == minicnn.float32


def test_values_that_are_no_numbers():
    for bad in ("a", None, ["a"], {1: 2}, object(), [None]):
        refused(MinicnnError, lambda bad=bad: minicnn.tensor(bad))
    refused(MinicnnError, lambda: minicnn.tensor([[1], [2, 3]]))
    refused(TypeError, lambda: minicnn.from_numpy([1]))


def test_creation_functions():
    same(minicnn.zeros(2, 3), np.zeros((2, 3), np.float32))
    same(minicnn.zeros((2, 3), dtype=minicnn.int64), np.zeros((2, 3), np.int64))
    same(minicnn.zeros([2]), np.zeros(2, np.float32))
    same(minicnn.ones(()), np.ones((), np.float32))
    same(minicnn.full((2,), 7), np.array([7, 7]))
    same(minicnn.full((2,), 7.0), np.array([7, 7], np.float32))
    same(minicnn.full((2,), True), np.array([True, True]))
    same(minicnn.eye(2, 3), np.eye(2, 3, dtype=np.float32))
    same(minicnn.arange(4), np.arange(4))
    same(minicnn.arange(4.0), np.arange(4, dtype=np.float32))
    same(minicnn.arange(1, 8, 3), np.arange(1, 8, 3))
    same(minicnn.arange(5, 0, -2), np.array([5, 3, 1]))
    same(minicnn.arange(0), np.arange(0))
    assert minicnn.arange(0, 1, 0.1).shape == (10,)
    same(minicnn.linspace(0, 1, 5), np.linspace(0, 1, 5).astype(np.float32))
    same(minicnn.linspace(3, 4, 1), np.array([3], np.float32))
    assert minicnn.empty(2, 3).shape == (2, 3)
    like = minicnn.ones(2, dtype=minicnn.float64)
    same(minicnn.zeros_like(like), np.zeros(2))
    same(minicnn.ones_like(like, dtype=minicnn.int32), np.ones(2, np.int32))
    same(minicnn.full_like(like, 3), np.full(2, 3.0))
    assert minicnn.zeros(2, requires_grad=True).requires_grad
    assert minicnn.ones_like(like, requires_grad=True).requires_grad
    assert not minicnn.zeros_like(like.requires_grad_()).requires_grad
    same(minicnn.Tensor([1, 2]), np.array([1, 2], np.float32))
    assert minicnn.Tensor(2, 3).shape == (2, 3)


def test_creation_errors():
    refused(MinicnnError, lambda: minicnn.zeros(-1))
    refused(MinicnnError, lambda: minicnn.arange(0, 5, -1))
    refused(MinicnnError, lambda: minicnn.arange(0, 5, 0))
    refused(MinicnnError, lambda: minicnn.randint(5, 5, (2,)))


def test_random_numbers_repeat_by_seed():
    for make in (
        lambda g: minicnn.rand(50, generator=g),
        lambda g: minicnn.randn(50, generator=g),
        lambda g: minicnn.randint(0, 9, (50,), generator=g),
        lambda g: minicnn.randperm(50, generator=g),
        lambda g: minicnn.zeros(50).uniform_(-1, 1, generator=g),
        lambda g: minicnn.zeros(50).normal_(generator=g),
        lambda g: minicnn.zeros(50).bernoulli_(0.3, generator=g),
    ):
        a, b, c = (make(minicnn.Generator().manual_seed(seed)) for seed in (1, 1, 2))
        same(a, b.numpy())
        assert (a != c).any()
        minicnn.manual_seed(3)
        first = make(None)
        minicnn.manual_seed(3)
        same(first, make(None).numpy())


def test_generator_states():
    g = minicnn.Generator().manual_seed(5)
    assert g.initial_seed() == 5
    state = g.get_state()
    a = minicnn.rand(3, generator=g)
    g.set_state(state)
    same(a, minicnn.rand(3, generator=g).numpy())
    with pytest.raises(TypeError):
        g.manual_seed("a")


def test_distributions():
    minicnn.manual_seed(0)
    u, n = minicnn.rand(20000), minicnn.randn(20000)
    assert 0 <= u.min().item() < 0.01
    assert 0.99 < u.max().item() < 1
    assert n.mean().item() == pytest.approx(0, abs=0.03)
    assert n.std().item() == pytest.approx(1, abs=0.03)
    assert sorted(minicnn.randperm(6).tolist()) == list(range(6))
    i = minicnn.randint(2, 5, (1000,))
    assert (i.min().item(), i.max().item(), i.dtype) == (2, 4, minicnn.int64)
    assert u.dtype == n.dtype == minicnn.float32


# ---- what it is


def test_attributes():
    x = minicnn.zeros(2, 3, 4)
    assert x.shape == x.size() == (2, 3, 4)
    assert x.size(-1) == 4
    assert x.dim() == x.ndim == 3
    assert x.numel() == x.nelement() == 24
    assert x.is_floating_point()
    assert not x.long().is_floating_point()
    assert x.is_contiguous()
    assert not x.transpose(0, 2).is_contiguous()
    assert x.transpose(0, 2).contiguous().is_contiguous()
    assert not x.is_cuda
    assert str(x.device) == "cpu"
    with pytest.raises(IndexError):
        x.size(3)


def test_transposes():
    x = minicnn.arange(6).reshape(2, 3)
    same(x.T, x.numpy().T)
    same(x.t(), x.numpy().T)
    same(x.mT, x.numpy().T)
    y = minicnn.arange(24).reshape(2, 3, 4)
    same(y.mT, y.numpy().swapaxes(1, 2))
    same(y.transpose(0, -1), y.numpy().swapaxes(0, 2))
    same(y.permute(2, 0, 1), y.numpy().transpose(2, 0, 1))
    same(minicnn.arange(3).t(), np.arange(3))
    for view in (x.T, x.t(), x.mT):
        assert np.shares_memory(view.numpy(), x.numpy())


# ---- to and from other forms


def test_item():
    assert type(minicnn.tensor(1).item()) is int
    assert type(minicnn.tensor(1.5).item()) is float
    assert type(minicnn.tensor(True).item()) is bool
    assert minicnn.tensor([[2.5]]).item() == 2.5
    assert minicnn.tensor([1.5], requires_grad=True).item() == 1.5
    refused(RuntimeError, lambda: minicnn.ones(2).item(), "2 elements")
    refused(RuntimeError, lambda: minicnn.ones(0).item(), "0 elements")


def test_numbers():
    x = minicnn.tensor(2.7)
    assert int(x) == 2
    assert float(x) == pytest.approx(2.7)
    assert bool(x)
    assert not bool(minicnn.tensor([0]))
    assert [10, 20, 30][minicnn.tensor(1)] == 20
    assert list(range(minicnn.tensor([3]))) == [0, 1, 2]
    with pytest.raises(TypeError):
        _ = [1, 2][minicnn.tensor(1.0)]
    for bad in (minicnn.ones(2), minicnn.ones(0)):
        with pytest.raises(RuntimeError):
            bool(bad)
        with pytest.raises(RuntimeError):
            float(bad)


def test_tolist():
    assert minicnn.tensor([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert minicnn.tensor(1.5).tolist() == 1.5
    assert minicnn.tensor([True]).tolist() == [True]
    assert minicnn.zeros(0, 2).tolist() == []
    assert minicnn.tensor([1.0], requires_grad=True).tolist() == [1.0]


def test_numpy_shares_and_refuses():
    x = minicnn.zeros(2)
    x.numpy()[0] = 3
    assert x.tolist() == [3, 0]
    leaf = minicnn.zeros(2, requires_grad=True)
    refused(RuntimeError, leaf.numpy, "detach()")
    refused(RuntimeError, lambda: (leaf * 2).numpy(), "detach()")
    refused(RuntimeError, lambda: np.asarray(leaf), "detach()")
    leaf.detach().numpy()[0] = 4
    assert leaf.tolist() == [4, 0]
    with minicnn.no_grad():
        assert (leaf * 2).numpy()[0] == 8


def test_array_protocol():
    x = minicnn.tensor([1.0, 2.0])
    assert np.asarray(x).dtype == np.float32
    assert np.shares_memory(np.asarray(x), x.numpy())
    assert not np.shares_memory(np.array(x), x.numpy())
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    np.testing.assert_array_equal(np.stack([x, x]), [[1, 2], [1, 2]])
    assert np.mean(np.asarray(x)) == 1.5


def test_arrays_and_tensors_together_give_tensors():
    x = minicnn.ones(2, dtype=minicnn.float64, requires_grad=True)
    y = np.array([2.0, 3.0]) * x + np.ones(2)
    assert isinstance(y, minicnn.Tensor)
    y.sum().backward()
    same(x.grad, np.array([2.0, 3.0]))


def test_to():
    x = minicnn.tensor([1.5, -2.5])
    assert x.to(minicnn.float32) is x
    assert x.to("cpu") is x
    assert x.to(minicnn.device("cpu")) is x
    assert x.cpu() is x
    assert x.float() is x
    assert x.to(minicnn.float32, copy=True) is not x
    same(x.to(minicnn.int64), np.array([1, -2]))
    same(x.to("cpu", minicnn.float64), np.array([1.5, -2.5]))
    same(x.to(dtype=minicnn.float64), np.array([1.5, -2.5]))
    same(x.to(minicnn.zeros(1, dtype=minicnn.int32)), np.array([1, -2], np.int32))
    same(x.long(), np.array([1, -2]))
    same(x.int(), np.array([1, -2], np.int32))
    same(x.double(), np.array([1.5, -2.5]))
    same(minicnn.tensor([0.0, 0.5, -1.0]).bool(), np.array([False, True, True]))
    same(x.type(minicnn.int64), np.array([1, -2]))
    same(x.type_as(minicnn.tensor([1])), np.array([1, -2]))
    assert x.to(minicnn.float64).dtype == minicnn.float64


def test_asking_for_a_gpu_that_is_not_there():
    with pytest.raises(RuntimeError) as caught:
        minicnn.ones(1).to("cuda")
    if "CuPy" in str(caught.value) or "cupy" in str(caught.value):
        assert len(str(caught.value).split("\n")) == 3
    with pytest.raises(RuntimeError):
        minicnn.ones(1).to("cuda:99")


def test_unknown_devices_are_refused():
    refused(RuntimeError, lambda: minicnn.zeros(1, device="tpu"), "tpu")
    refused(RuntimeError, lambda: minicnn.device("cpu:x"))
    refused(RuntimeError, lambda: minicnn.use("jax"), "jax")


# ---- Python's protocols


def test_len_and_iteration():
    x = minicnn.arange(6).reshape(3, 2)
    assert len(x) == 3
    assert [row.tolist() for row in x] == [[0, 1], [2, 3], [4, 5]]
    _, _, last = x
    assert last.tolist() == [4, 5]
    assert [int(v) for v in minicnn.arange(3)] == [0, 1, 2]
    refused(TypeError, lambda: len(minicnn.tensor(1)))
    with pytest.raises(TypeError):
        iter(minicnn.tensor(1))
    assert list(minicnn.zeros(0, 2)) == []


def test_rows_of_an_iteration_are_views():
    x = minicnn.zeros(2, 2)
    for row in x:
        row.add_(1)
    assert x.tolist() == [[1, 1], [1, 1]]
    v = minicnn.zeros(3)
    for element in v:
        element.add_(1)
    assert v.tolist() == [1, 1, 1]


def test_an_element_is_a_view():
    x = minicnn.zeros(2, 2)
    for index in ((0, 1), (minicnn.tensor(0), 1), (Ellipsis, 1, 1)):
        x[index].add_(1)
    assert x.tolist() == [[0, 2], [0, 1]]


def test_contains():
    x = minicnn.tensor([1, 2, 3])
    assert 2 in x
    assert 5 not in x
    assert minicnn.tensor(3) in x


def test_equality_and_hash():
    x, y = minicnn.tensor([1, 2]), minicnn.tensor([1, 3])
    assert (x == y).tolist() == [True, False]
    assert (x != y).tolist() == [False, True]
    assert hash(x) != hash(y)
    assert len({x, y, x}) == 2
    assert {x: 1}[x] == 1


def test_bool_of_comparisons():
    assert minicnn.tensor(3) > 2
    assert not minicnn.tensor([1.0]) > 2
    with pytest.raises(RuntimeError):
        assert minicnn.ones(2) > 0


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(protocol):
    for x in (
        minicnn.tensor([[1.0, 2.0]], requires_grad=True),
        minicnn.tensor(3),
        minicnn.zeros(0, 2),
        minicnn.arange(6).reshape(2, 3).T,
    ):
        y = pickle.loads(pickle.dumps(x, protocol))
        same(y, x.detach().numpy())
        assert y.requires_grad == x.requires_grad
        assert type(y) is type(x)
        with minicnn.no_grad():
            y.add_(1)
        assert y.is_leaf


def test_deepcopy():
    x = minicnn.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    x.register_hook(lambda g: g * 100)
    y = copy.deepcopy(x)
    same(y, [np.float32(1), np.float32(2)])
    assert y.requires_grad
    same(y.grad, x.grad.numpy())
    with minicnn.no_grad():
        y.zero_()
        y.grad.zero_()
    assert x.tolist() == [1, 2]
    assert x.grad.tolist() == [2, 4]
    twice = copy.deepcopy([x, x])
    assert twice[0] is twice[1]
    assert copy.deepcopy({"a": x})["a"] is not x
    refused(RuntimeError, lambda: copy.deepcopy(x * 2))
    view = minicnn.arange(4)[1:3]
    same(copy.deepcopy(view), np.array([1, 2]))


def test_shallow_copy_is_a_tensor_with_the_values():
    x = minicnn.tensor([1.0, 2.0])
    same(copy.copy(x), x.numpy())


def test_attributes_of_ones_own():
    x = minicnn.zeros(1)
    x.label = "mine"
    assert x.label == "mine"


# ---- indexing


def shapes():
    return st.lists(st.integers(0, 4), min_size=1, max_size=4).map(tuple)


@st.composite
def basic_indices(draw):
    shape = draw(shapes())
    parts = []
    for size in shape[: draw(st.integers(0, len(shape)))]:
        kinds = ["slice", "slice", "new"] + (["int", "int"] if size else [])
        kind = draw(st.sampled_from(kinds))
        if kind == "new":
            parts.append(None)
        if kind == "int":
            parts.append(draw(st.integers(-size, size - 1)))
        else:
            low, high = (draw(st.one_of(st.none(), st.integers(-6, 6))) for _ in range(2))
            parts.append(slice(low, high, draw(st.sampled_from([None, 1, 2, 3]))))
    if draw(st.booleans()):
        place = draw(st.integers(0, len(parts)))
        if place == len(parts):
            parts.append(Ellipsis)
        else:  # dims after the ellipsis count from the end
            parts = [Ellipsis]
    return shape, tuple(parts)


@st.composite
def mixed_indices(draw):
    """One block of integer arrays, or one mask, among slices: where NumPy and PyTorch agree."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    first = draw(st.integers(0, len(shape) - 1))
    count = draw(st.integers(1, len(shape) - first))
    parts: list[object] = []
    for size in shape[:first]:
        parts.append(slice(draw(st.integers(0, size)), None))
    if draw(st.booleans()):
        mask = draw(st.lists(st.booleans(), min_size=1, max_size=64))
        wanted = shape[first : first + count]
        total = int(np.prod(wanted))
        parts.append(np.resize(np.array(mask), total).reshape(wanted))
    else:
        common = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=2)))
        for size in shape[first : first + count]:
            own = tuple(1 if draw(st.integers(0, 3)) == 0 else s for s in common)
            values = draw(st.lists(st.integers(-size, size - 1), min_size=1, max_size=9))
            parts.append(np.resize(np.array(values), own))
    for size in shape[first + count :]:
        if draw(st.booleans()):
            parts.append(slice(None, draw(st.integers(0, size))))
        else:
            break
    return shape, tuple(parts)


def _check(shape, index):
    array = np.arange(float(np.prod(shape))).reshape(shape)
    expected = array[index]
    x = minicnn.tensor(array, requires_grad=True)
    as_tensors = tuple(minicnn.tensor(p) if isinstance(p, np.ndarray) else p for p in index)
    as_lists = tuple(p.tolist() if isinstance(p, np.ndarray) and p.size else p for p in index)
    for form in (index, as_tensors, as_lists):
        y = x[form]
        same(y, expected)
    if len(index) == 1:
        same(x[index[0]], expected)
    weights = np.random.default_rng(0).normal(size=expected.shape)
    y.backward(minicnn.tensor(weights))
    gradient = np.zeros(shape)
    np.add.at(gradient, index, weights)
    np.testing.assert_allclose(x.grad.numpy(), gradient)
    z = minicnn.tensor(array)
    z[as_tensors] = -1.0
    array[index] = -1.0
    same(z, array)


@settings(max_examples=300)
@given(basic_indices())
def test_basic_indexing_is_numpys_and_gives_views(drawn):
    shape, index = drawn
    _check(shape, index)
    x = minicnn.zeros(shape)
    y = x[index]
    if y.numel():
        assert np.shares_memory(y.numpy(), x.numpy())
    else:
        assert y.shape == np.zeros(shape)[index].shape


@settings(max_examples=300)
@given(mixed_indices())
def test_mixed_indexing_is_numpys_and_gives_copies(drawn):
    shape, index = drawn
    _check(shape, index)
    x = minicnn.zeros(shape)
    assert not np.shares_memory(x[index].numpy(), x.numpy())


def test_ints_between_arrays_are_taken_first():
    """PyTorch takes ints out before it looks at arrays; NumPy counts them as arrays."""
    x = minicnn.arange(60).reshape(3, 4, 5)
    assert x[0, :, [1, 2]].shape == (4, 2)
    same(x[0, :, [1, 2]], x.numpy()[0][:, [1, 2]])
    same(x[[0, 1], 2, :], x.numpy()[[0, 1], 2])
    same(x[[0, 1], :, 2], x.numpy()[:, :, 2][[0, 1]])
    assert x[[0, 1], :, [2, 3]].shape == (2, 4)
    assert x[:, [0, 1], 0].shape == (3, 2)


def test_special_indices():
    x = minicnn.arange(6).reshape(2, 3)
    same(x[...], x.numpy())
    same(x[None], x.numpy()[None])
    same(x[()], x.numpy())
    assert x[True].shape == (1, 2, 3)
    assert x[False].shape == (0, 2, 3)
    assert x[None, True].shape == (1, 1, 2, 3)
    same(x[[]], x.numpy()[np.zeros(0, int)])
    same(x[[True, False]], x.numpy()[[True, False]])
    same(x[minicnn.tensor(1)], x.numpy()[1])
    same(x[np.int64(1)], x.numpy()[1])
    same(x[range(2)], x.numpy())
    same(x[minicnn.tensor([1], dtype=minicnn.uint8).long()], x.numpy()[[1]])
    same(x[x > 2], np.array([3, 4, 5]))
    same(x[:, minicnn.tensor([True, False, True])], x.numpy()[:, [True, False, True]])
    same(x[[[0], [1]], [0, 2]], x.numpy()[[[0], [1]], [0, 2]])
    assert minicnn.tensor(5)[None].tolist() == [5]
    assert minicnn.tensor(5)[...].item() == 5
    assert minicnn.tensor(5)[minicnn.tensor(True)].tolist() == [5]


def test_index_errors():
    x = minicnn.zeros(2, 3)
    refused(IndexError, lambda: x[2], "index 2", "size 2")
    refused(IndexError, lambda: x[-3], "index -3")
    refused(IndexError, lambda: x[0, 3], "dim 1")
    refused(IndexError, lambda: x[[0, 2]], "index 2")
    refused(IndexError, lambda: x[minicnn.tensor([-3])])
    refused(IndexError, lambda: x[..., 3], "dim 1")
    refused(IndexError, lambda: x[None, 0, 3], "dim 1")
    refused(IndexError, lambda: x[0, 0, 0], "too many")
    refused(IndexError, lambda: minicnn.tensor(1)[0])
    refused(IndexError, lambda: x[minicnn.tensor([True, False, True])])
    refused(IndexError, lambda: x[:, minicnn.tensor([True, False])])
    refused(IndexError, lambda: x[minicnn.ones(3, 2) > 0])
    refused(MinicnnError, lambda: x[1.0])
    refused(MinicnnError, lambda: x["a"])
    refused(MinicnnError, lambda: x[minicnn.tensor([0.0])])
    refused(MinicnnError, lambda: x[..., ...])
    refused(MinicnnError, lambda: x[[0, 1], [0, 1, 2]])
    with pytest.raises((IndexError, RuntimeError)):
        x[5] = 1.0
    with pytest.raises(MinicnnError):
        x[0] = minicnn.ones(2)


@pytest.mark.peers
@settings(max_examples=150)
@given(mixed_indices(), st.data())
def test_indexing_with_ints_among_arrays_is_torchs(drawn, data):
    torch = pytest.importorskip("torch")
    shape, index = drawn
    parts = list(index)
    for i, part in enumerate(parts):
        if isinstance(part, slice) and data.draw(st.booleans()):
            parts[i] = 0
    values = np.arange(float(np.prod(shape))).reshape(shape)
    theirs = torch.from_numpy(values)[tuple(torch.from_numpy(p) if isinstance(p, np.ndarray) else p for p in parts)]
    mine = minicnn.tensor(values)[tuple(minicnn.tensor(p) if isinstance(p, np.ndarray) else p for p in parts)]
    same(mine, theirs.numpy())


# ---- shapes


def test_reshapes():
    x = minicnn.arange(24)
    assert x.reshape(2, -1).shape == (2, 12)
    assert x.view(2, 3, 4).shape == (2, 3, 4)
    assert x.reshape((4, 6)).flatten().shape == (24,)
    assert x.reshape(1, 24, 1).squeeze().shape == (24,)
    assert x.reshape(1, 24, 1).squeeze(0).shape == (24, 1)
    assert x.reshape(1, 24, 1).squeeze(1).shape == (1, 24, 1)
    assert x.unsqueeze(-1).shape == (24, 1)
    assert x.reshape(2, 12).expand(3, 2, 12).shape == (3, 2, 12)
    assert x.view_as(minicnn.zeros(6, 4)).shape == (6, 4)
    refused(RuntimeError, lambda: x.reshape(5, -1))
    refused(RuntimeError, lambda: x.reshape(-1, -1))
    refused(IndexError, lambda: x.unsqueeze(3))


def test_view_copies_what_it_cannot_share():
    x = minicnn.arange(6).reshape(2, 3)
    assert x.T.view(6).tolist() == x.T.reshape(6).tolist() == [0, 3, 1, 4, 2, 5]
    x.view(6)[0] = 7
    assert x[0, 0] == 7
