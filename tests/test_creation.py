"""Making tensors, and what they say of themselves."""

from __future__ import annotations

import numpy as np
import pytest
from tensor_helpers import refused, same

import minicnn
from minicnn.errors import MinicnnError

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
