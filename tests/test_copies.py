"""Pickles and copies of tensors and of layers without a shape yet."""

import copy
import pickle

import pytest

import minicnn
from minicnn import nn, optim


def pickled(value):
    return pickle.loads(pickle.dumps(value))


def test_a_pickled_tensor_is_a_leaf_that_requires_grad_as_before():
    x = minicnn.tensor([1.0, 2.0], requires_grad=True)
    for before in (x, x * 2, x.detach(), minicnn.tensor([1, 2]), nn.Parameter(x.detach(), requires_grad=False)):
        after = pickled(before)
        assert after.is_leaf
        assert (type(after), after.requires_grad, after.dtype) == (type(before), before.requires_grad, before.dtype)
        assert after.tolist() == before.tolist()
        assert after.grad is None


def test_what_a_user_sets_on_a_tensor_is_pickled_with_it():
    x = nn.Parameter(minicnn.ones(2))
    x.title = "gain"
    x.grad = minicnn.ones(2)
    twin = pickled(x)
    assert twin.title == "gain"
    assert twin.grad is None  # as in PyTorch
    assert pickled(nn.Buffer(minicnn.ones(2), persistent=False)).persistent is False
    module = nn.Module()
    module.mean = pickled(nn.Buffer(minicnn.ones(2), persistent=False))
    assert not module.state_dict()


@pytest.mark.parametrize("again", [pickled, copy.deepcopy])
def test_lazy_layers_before_their_first_input(again):
    net = nn.Sequential(nn.LazyLinear(2), nn.LazyBatchNorm1d(dtype=minicnn.float64), nn.LazyLinear(1, bias=False))
    net[2].weight.requires_grad_(False)
    twin = again(net)
    assert isinstance(twin[0].weight, nn.UninitializedParameter)
    assert twin[0].weight is not net[0].weight
    assert twin[1].weight.dtype == minicnn.float64
    assert not twin[2].weight.requires_grad
    layer = again(nn.LazyLinear(2))
    optimizer = optim.SGD(layer.parameters(), lr=0.1)
    layer(minicnn.ones(4, 3)).sum().backward()
    optimizer.step()
    assert layer.weight.shape == (2, 3)
    buffer = again(nn.UninitializedBuffer(dtype=minicnn.float64, persistent=False))
    assert (buffer.dtype, buffer.persistent, buffer.requires_grad) == (minicnn.float64, False, False)
