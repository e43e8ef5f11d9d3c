"""What the tests of tensors share."""

from __future__ import annotations

import numpy as np
import pytest

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
