"""Tensors in the world of Python and NumPy."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from tensor_helpers import refused, same

import minicnn

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
        with pytest.raises(ValueError, match="one-element"):
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


def test_view_shares_and_reshape_copies_what_cannot_be_shared():
    x = minicnn.arange(6).reshape(2, 3)
    assert x.T.reshape(6).tolist() == [0, 3, 1, 4, 2, 5]
    x.view(6)[0] = 7
    assert x[0, 0] == 7
