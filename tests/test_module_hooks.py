"""Hooks of modules, and of the graph's nodes; `tests/test_peers_hooks.py` compares them with PyTorch's."""

from __future__ import annotations

import copy
import gc
import weakref

import numpy as np
import pytest
from tape_helpers import MulSub, close, f64, leaf, raises_in_three_lines

import minicnn
from minicnn import nn
from minicnn.errors import GraphError


def layer(seed=0):
    minicnn.manual_seed(seed)
    return nn.Linear(3, 2).double()


def test_full_backward_hook_sees_the_gradients_of_input_and_output():
    rng = np.random.default_rng(0)
    net, seen = layer(), []
    x = minicnn.tensor(rng.normal(size=(4, 3)), requires_grad=True)
    g = minicnn.tensor(rng.normal(size=(4, 2)))
    handle = net.register_full_backward_hook(lambda module, gi, go: seen.append((module, gi, go)))
    net(x).backward(g)
    ((module, (grad_input,), (grad_output,)),) = seen
    assert module is net
    close(grad_output, g.numpy())
    close(grad_input, g.numpy() @ net.weight.detach().numpy())
    close(x.grad, grad_input.numpy())
    handle.remove()
    net(x).backward(g)
    assert len(seen) == 1


def test_hooks_change_gradients():
    net = layer()
    net.register_full_backward_pre_hook(lambda module, go: (go[0] * 2,))
    net.register_full_backward_hook(lambda module, gi, go: gi[0] * 10)
    x = minicnn.ones(1, 3, dtype=f64, requires_grad=True)
    net(x).sum().backward()
    close(x.grad, [20 * net.weight.detach().numpy().sum(0)])
    close(net.bias.grad, [2, 2])


def test_a_hook_is_called_where_no_input_requires_grad():
    net, seen = layer(), []
    net.register_full_backward_hook(lambda module, gi, go: seen.append((gi, go[0].tolist())))
    net(minicnn.ones(1, 3, dtype=f64)).sum().backward()
    assert seen == [((None,), [[1.0, 1.0]])]


def test_what_a_hook_keeps_does_not_change_later():
    net, kept = nn.Identity(), []
    net.register_full_backward_hook(lambda module, gi, go: kept.append((gi[0], go[0])))
    x = leaf(1.0)
    for _ in range(3):
        (net(x) * 2).sum().backward()
    assert [(a.item(), b.item()) for a, b in kept] == [(2.0, 2.0)] * 3
    close(x.grad, [6])


def test_nothing_is_done_without_recording():
    net = layer()
    net.register_full_backward_hook(lambda *_: pytest.fail("called"))
    x = minicnn.ones(1, 3, dtype=f64, requires_grad=True)
    with minicnn.no_grad():
        assert not net(x).requires_grad


def test_a_module_that_writes_to_its_input_keeps_the_history_right():
    net = nn.ReLU(inplace=True)
    net.register_full_backward_hook(lambda module, gi, go: None)
    x = leaf(-1.0, 2.0)
    y = x * 3
    z = net(y)
    assert y.tolist() == [0.0, 6.0]
    (y * z).sum().backward()
    close(x.grad, [0, 36])
    with raises_in_three_lines(GraphError, "leaf"):
        net(x)


def test_hooks_in_a_network_run_from_the_last_layer_to_the_first():
    net, seen = nn.Sequential(*(nn.Linear(2, 2) for _ in range(3))), []
    for i, module in enumerate(net):
        module.register_full_backward_hook(lambda m, gi, go, i=i: seen.append(i))
    net(minicnn.ones(1, 2)).sum().backward()
    assert seen == [2, 1, 0]


def test_named_tuples_keep_their_type():
    from collections import namedtuple

    Pair = namedtuple("Pair", "first second")

    class Net(nn.Module):
        def forward(self, x):
            return Pair(x * 2, x * 3)

    net, seen = Net(), []
    net.register_full_backward_hook(lambda m, gi, go: seen.append([g if g is None else g.item() for g in go]))
    x = leaf(1.0)
    out = net(x)
    assert isinstance(out, Pair)
    out.second.sum().backward()
    assert seen == [[None, 1.0]]
    close(x.grad, [3])


def test_old_and_full_hooks_do_not_go_together():
    net = layer()
    net.register_full_backward_hook(lambda *_: None)
    with raises_in_three_lines(GraphError, "register_full_backward_hook alone"):
        net.register_backward_hook(lambda *_: None)


def test_the_old_hook_sees_the_last_op():
    class Net(nn.Module):
        def forward(self, x):
            return {"out": (x * 2).exp()}

    net, seen = Net(), []
    net.register_backward_hook(lambda m, gi, go: seen.append((gi[0].item(), go[0].item())))
    x = leaf(0.0)
    net(x)["out"].sum().backward()
    assert seen == [(1.0, 1.0)]  # of exp, not of the module


@pytest.mark.parametrize("bad", [1.0, (1.0,), minicnn.ones(5), (minicnn.ones(1), minicnn.ones(1))])
@pytest.mark.parametrize("pre", [True, False])
def test_bad_results_of_hooks_are_refused(bad, pre):
    net = layer()
    if pre:
        net.register_full_backward_pre_hook(lambda module, go: bad)
    else:
        net.register_full_backward_hook(lambda module, gi, go: bad)
    x = minicnn.ones(1, 3, dtype=f64, requires_grad=True)
    with raises_in_three_lines(GraphError, "Linear", "hook"):
        net(x).sum().backward()
    assert x.grad is None


def test_always_called_hooks_see_errors_and_their_own_are_a_warning():
    net, seen = layer(), []
    net.register_forward_hook(lambda m, args, out: seen.append(out), always_call=True)
    net.register_forward_hook(lambda m, args, kwargs, out: 1 / 0, always_call=True, with_kwargs=True)
    net.register_forward_hook(lambda m, args, out: pytest.fail("called"))
    with pytest.warns(UserWarning, match="always_call"), pytest.raises(RuntimeError, match="linear"):
        net(minicnn.ones(1, 7, dtype=f64))
    assert seen == [None]


def test_a_graph_with_hooks_is_freed_without_the_garbage_collector_and_modules_are_copied():
    net = layer()
    net.register_full_backward_hook(lambda *_: None)
    net.register_full_backward_pre_hook(lambda *_: None)
    gc.disable()
    try:
        x = minicnn.ones(1, 3, dtype=f64, requires_grad=True)
        y = net(x)
        gone = weakref.ref(y.grad_fn)
        y.sum().backward()
        del y
        assert gone() is None
    finally:
        gc.enable()
    assert len(copy.deepcopy(net)._backward_hooks) == 1


# ---- nodes and leaves


def test_hooks_of_a_node_with_several_outputs():
    x, seen = leaf(1.0, 2.0), []
    product, difference = MulSub.apply(x, leaf(3.0, 4.0), 1)
    product.grad_fn.register_hook(lambda inner, outer: seen.append((len(inner), [g is None for g in outer])))
    difference.grad_fn.register_prehook(lambda outer: (None, outer[1] * 10))  # it is the same node
    difference.sum().backward()
    assert seen == [(3, [True, False])]
    close(x.grad, [10, 10])


@pytest.mark.parametrize("bad", [1.0, (), (1.0,), (minicnn.ones(7),)])
def test_bad_results_of_node_hooks_are_refused(bad):
    for name in ("register_hook", "register_prehook"):
        x = leaf(1.0)
        y = x.exp()
        getattr(y.grad_fn, name)(lambda *_: bad)
        with raises_in_three_lines(GraphError, "hook"):
            y.sum().backward()


def test_post_accumulate_hooks_run_for_backward_alone_each_time():
    x, seen = leaf(1.0), []
    handle = x.register_post_accumulate_grad_hook(lambda leaf: seen.append(leaf.grad.item()))
    (x * 2).sum().backward()
    minicnn.autograd.backward((x * 2).sum(), inputs=[x])
    minicnn.autograd.grad((x * 2).sum(), x)
    assert seen == [2.0, 4.0]
    handle.remove()
    (x * 2).sum().backward()
    assert len(seen) == 2
    assert copy.deepcopy(x)._post_hooks is None


def test_an_optimizer_step_within_backward():
    net = layer()

    def step(p):
        with minicnn.no_grad():
            p -= 0.1 * p.grad
        p.grad = None

    before = [p.detach().clone() for p in net.parameters()]
    for p in net.parameters():
        p.register_post_accumulate_grad_hook(step)
    net(minicnn.ones(1, 3, dtype=f64)).sum().backward()
    for p, old in zip(net.parameters(), before, strict=True):
        assert p.grad is None
        close(p, old.numpy() - 0.1)


def test_leaves_in_next_functions():
    x = leaf(1.0)
    ((node, index),) = (x * 2).grad_fn.next_functions
    assert (repr(node), index, node.next_functions) == ("<AccumulateGrad>", 0, ())
    assert node.variable is x
    seen = []
    node.register_hook(lambda inner, outer: seen.append((inner, outer[0].item())))
    node.register_prehook(lambda outer: (outer[0] * 5,))
    node.register_prehook(lambda outer: None)
    (x * 2).sum().backward()
    assert seen == [((), 10.0)]
