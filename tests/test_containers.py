"""Containers: Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict."""

import copy
import pickle
from collections import OrderedDict

import pytest

import minicnn
from minicnn import nn


def test_sequential():
    a, b, c = nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)
    net = nn.Sequential(a, b).append(c)
    assert len(net) == 3
    assert list(net) == [a, b, c]
    assert net[-1] is c
    assert list(net[1:].state_dict()) == ["2.weight", "2.bias"]  # a slice keeps the names
    net.insert(1, nn.Tanh())
    assert [type(m).__name__ for m in net] == ["Linear", "Tanh", "ReLU", "Linear"]
    assert list(net._modules) == ["0", "1", "2", "3"]
    del net[1]
    assert net.pop() is c
    net[1] = nn.Sigmoid()
    assert isinstance(net[1], nn.Sigmoid)
    assert list((net + nn.Sequential(c))._modules) == ["0", "1", "2"]
    del net[:]
    assert len(net) == 0
    named = nn.Sequential(OrderedDict(first=a, second=c))
    assert named.first is a
    assert next(iter(named.state_dict())) == "first.weight"
    with pytest.raises(IndexError, match="out of range"):
        named[2]
    with pytest.raises(TypeError, match="int"):
        named["first"]
    with pytest.raises(TypeError, match="sequence"):
        named.extend(3)
    with pytest.raises(TypeError, match="Module"):
        named.insert(0, 3)


def test_module_list_and_dict():
    layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
    layers += [nn.ReLU()]
    assert [len(layers), len(layers[1:])] == [4, 3]
    assert list(layers[1:]._modules) == ["0", "1", "2"]
    assert len(list(layers.parameters())) == 6
    table = nn.ModuleDict({"a": nn.ReLU()})
    table.update([("b", nn.Linear(1, 1))])
    assert list(table) == ["a", "b"] == list(table.keys())
    assert [k for k, _ in table.items()] == ["a", "b"]
    assert "a" in table
    assert len(table.values()) == 2
    assert isinstance(table.pop("a"), nn.ReLU)
    with pytest.raises(KeyError, match="no module 'a'"):
        table["a"]
    del table["b"]
    table.clear()
    assert len(table) == 0


def test_parameter_containers():
    class Holder(nn.Module):
        def __init__(self):
            super().__init__()
            self.list = nn.ParameterList([minicnn.zeros(1), nn.Parameter(minicnn.ones(2))])
            self.dict = nn.ParameterDict({"a": minicnn.zeros(1)})

    holder = Holder()
    assert list(holder.state_dict()) == ["list.0", "list.1", "dict.a"]
    holder.list += [minicnn.zeros(3)]
    holder.list[0] = minicnn.ones(4)
    assert [p.numel() for p in holder.list] == [4, 2, 3]
    assert holder.list[-1] is holder.list[2]
    assert len(holder.list[1:]) == 2
    holder.dict["b"] = minicnn.zeros(2, 2)
    assert [k for k, _ in holder.dict.items()] == ["a", "b"]
    assert "b" in holder.dict
    assert repr(holder.dict).split("\n")[2] == "  (b): Parameter containing: [float32 of size 2x2]"
    assert holder.dict.pop("a").requires_grad
    del holder.dict["b"]
    assert (len(holder.dict.keys()), len(holder.dict.values())) == (0, 0)
    with pytest.raises(KeyError, match="no parameter"):
        holder.dict["a"]
    with pytest.raises(IndexError):
        holder.list[3]


def test_a_sequence_is_repeated_with_shared_weights():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    twice = net * 2
    assert (len(twice), len(net)) == (4, 2)
    assert twice[0] is twice[2] is net[0]
    assert len(3 * net) == 6
    net *= 2
    assert len(net) == 4
    for wrong, error in ((0, ValueError), (1.5, TypeError)):
        with pytest.raises(error, match="int"):
            net * wrong


def test_a_dict_of_parameters_has_the_methods_of_a_dict():
    d = nn.ParameterDict({"a": minicnn.zeros(2), "b": minicnn.ones(3)})
    assert d.get("c") is None
    assert d.get("a") is d["a"]
    assert list(reversed(d)) == ["b", "a"]
    assert d.setdefault("c", minicnn.zeros(4)) is d["c"]
    assert isinstance(d["c"], nn.Parameter)
    assert d.setdefault("a", minicnn.zeros(9)).shape == (2,)
    twin = d.copy()
    assert twin["b"] is d["b"]
    assert twin.popitem()[0] == "c"
    assert list(twin | nn.ParameterDict({"z": minicnn.zeros(1)})) == ["a", "b", "z"]
    twin |= d
    assert list(twin) == ["a", "b", "c"]
    assert list(d.fromkeys(["x", "y"], minicnn.zeros(1))) == ["x", "y"]
    with pytest.raises(KeyError):
        nn.ParameterDict().popitem()


def test_parameter_containers_keep_what_is_no_tensor_as_it_is():
    d = nn.ParameterDict({"c": 3, "w": minicnn.ones(2), "n": None})
    assert list(d) == ["c", "w", "n"]
    assert (d["c"], d.c, d["n"], d.get("c"), len(d)) == (3, 3, None, 3, 3)
    assert list(d.items()) == [("c", 3), ("w", d["w"]), ("n", None)]
    assert next(iter(d.values())) == 3
    assert list(d.parameters()) == [d["w"]]
    assert list(d.state_dict()) == ["w"]
    assert repr(d).split("\n")[1:4] == [
        "  (c): Object of type: int",
        "  (w): Parameter containing: [float32 of size 2]",
        "  (n): Object of type: NoneType",
    ]
    for twin in (copy.deepcopy(d), pickle.loads(pickle.dumps(d)), d.copy(), d | nn.ParameterDict()):
        assert (twin["c"], twin["n"], twin["w"].tolist()) == (3, None, [1.0, 1.0])
    d["c"] = minicnn.ones(1)
    assert isinstance(d["c"], nn.Parameter)
    assert isinstance(d.c, nn.Parameter)
    d["n"] = "name"
    assert d.pop("n") == "name"
    assert not hasattr(d, "n")
    assert d.setdefault("q") is None
    assert "q" in d
    d["w"] = None
    assert d["w"] is None
    d["s"] = 1
    d.clear()
    assert (len(d), hasattr(d, "s")) == (0, False)
    with pytest.raises(TypeError, match="'w' holds a parameter, got int"):
        nn.ParameterDict({"w": minicnn.ones(1)})["w"] = 5
    with pytest.raises(TypeError, match="ModuleDict"):
        nn.ParameterDict({"m": nn.ReLU()})
    with pytest.raises(KeyError, match="keys"):
        nn.ParameterDict({"keys": 3})

    p = nn.ParameterList([None, 3, minicnn.ones(2)])
    assert (len(p), p[0], p[1]) == (3, None, 3)
    assert [type(x).__name__ for x in p] == ["NoneType", "int", "Parameter"]
    assert list(p.state_dict()) == ["2"]
    assert list(p[:2]) == [None, 3]
    p[0] = minicnn.ones(1)
    assert [q.numel() for q in p.parameters()] == [1, 2]
    p.append("x").extend([4])
    assert list(p)[3:] == ["x", 4]
    net = nn.Module()
    net.list = p
    net.double()
    assert p[2].dtype == minicnn.float64
    assert p[1] == 3
