"""checkpoint: the same gradients with less memory, by computing again."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from tape_helpers import close, f64, leaf, raises_in_three_lines

import minicnn
from minicnn import autograd, nn
from minicnn.errors import GraphError, ParameterError
from minicnn.utils.checkpoint import checkpoint, checkpoint_sequential


def network(seed=0, layers=6):
    minicnn.manual_seed(seed)
    parts = []
    for _ in range(layers):
        parts += [nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.4)]
    return nn.Sequential(*parts)


def gradients(net, run, seed=1):
    """Return the output and all gradients, for a random cotangent."""
    rng = np.random.default_rng(seed)
    x = minicnn.tensor(rng.normal(size=(16, 8)).astype("float32"), requires_grad=True)
    minicnn.manual_seed(seed)
    y = run(net, x)
    y.backward(minicnn.tensor(rng.normal(size=y.shape).astype("float32")))
    after = minicnn.rand(3).tolist()
    return [y.detach().numpy(), x.grad.numpy(), *(p.grad.numpy() for p in net.parameters()), after]


@pytest.mark.parametrize("reentrant", [True, False, None])
@pytest.mark.parametrize("segments", [1, 2, 3, 5, 24])
def test_gradients_and_random_numbers_are_the_same_bit_for_bit(segments, reentrant):
    plain = gradients(network(), lambda net, x: net(x))
    again = gradients(network(), lambda net, x: checkpoint_sequential(net, segments, x, use_reentrant=reentrant))
    assert any((g == 0).any() for g in plain[:1])  # dropout dropped
    for a, b in zip(plain, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_without_the_random_state_other_masks_are_drawn():
    net = nn.Dropout(0.5)
    x = minicnn.ones(200, requires_grad=True)
    y = checkpoint(net, x, use_reentrant=False, preserve_rng_state=False)
    y.sum().backward()
    assert (x.grad != y).any()
    x.grad = None
    y = checkpoint(net, x, use_reentrant=False)
    minicnn.rand(7)
    y.sum().backward()
    assert (x.grad == y).all()


def test_nested():
    def inner(x):
        return (x * x).exp()

    def outer(x):
        return checkpoint(inner, x.sin(), use_reentrant=False) * x

    x, z = leaf(0.3, -0.7), leaf(0.3, -0.7)
    checkpoint(outer, x, use_reentrant=False).sum().backward()
    ((z.sin() * z.sin()).exp() * z).sum().backward()
    assert x.grad.tolist() == z.grad.tolist()


def test_outputs_in_tuples_lists_and_dicts_and_what_is_no_tensor():
    def function(x, *, scale, name):
        return (x * scale, [x.exp(), 7], {name: x.sin(), "constant": minicnn.ones(2, dtype=f64)}, x)

    x = leaf(0.5, 1.0)
    product, (e, seven), found, same = checkpoint(function, x, use_reentrant=False, scale=3.0, name="s")
    assert seven == 7
    assert same is x
    assert not found["constant"].requires_grad
    (product * 2 + e + found["s"]).sum().backward()
    close(x.grad, 6 + np.exp([0.5, 1.0]) + np.cos([0.5, 1.0]))


def test_one_output_of_several_is_used():
    x = leaf(2.0)
    a, _ = checkpoint(lambda x: (x * x, x.exp()), x, use_reentrant=False)
    a.sum().backward()
    close(x.grad, [4])


def test_parameters_found_by_closure_get_gradients_and_no_argument_needs_one():
    layer = nn.Linear(3, 2)
    x = minicnn.ones(4, 3)
    checkpoint(lambda x: layer(x).tanh(), x, use_reentrant=False).sum().backward()
    found = [p.grad for p in layer.parameters()]
    layer.zero_grad()
    layer(x).tanh().sum().backward()
    for p, g in zip(layer.parameters(), found, strict=True):
        assert (p.grad == g).all()


def test_arguments_that_are_computed_and_depend_on_one_another():
    x = leaf(0.5)
    a = x * 2
    b = a.exp()  # b leads to a: neither may be counted twice
    checkpoint(lambda b, a: b * a * x, b, a, use_reentrant=False).sum().backward()
    z = leaf(0.5)
    ((z * 2).exp() * (z * 2) * z).sum().backward()
    close(x.grad, z.grad.numpy())


def test_hooks_of_what_lies_outside_run_once():
    x, seen = leaf(1.0), []
    a = x * 3
    a.register_hook(lambda g: seen.append(("a", g.item())))
    x.register_hook(lambda g: seen.append(("x", g.item())))
    checkpoint(lambda a: a * a + x, a, use_reentrant=False).sum().backward()
    assert seen == [("a", 6.0), ("x", 19.0)]


def test_second_order():
    def function(x, w):
        return (x * w).tanh() * w

    found = []
    for wrapped in (function, lambda x, w: checkpoint(function, x, w, use_reentrant=False)):
        x, w = leaf(0.3, -0.2), leaf(1.5, 0.5)
        (g,) = autograd.grad(wrapped(x, w).sum(), x, create_graph=True)
        (g * g).sum().backward()
        found.append((x.grad.tolist(), w.grad.tolist()))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-14)


def test_autograd_grad_for_some_inputs_and_retain_graph():
    x, w = leaf(2.0), leaf(5.0)
    y = checkpoint(lambda x: x * x * w, x, use_reentrant=False).sum()
    close(autograd.grad(y, w, retain_graph=True)[0], [4])
    close(autograd.grad(y, x)[0], [20])
    with raises_in_three_lines(GraphError, "retain_graph"):
        y.backward()


def test_what_is_computed_in_between_is_not_held():
    held = []

    def function(x):
        for _ in range(5):
            x = (x * 1.5).tanh()
            held.append(weakref.ref(x._array))
        return x

    def alive():
        return sum(ref() is not None for ref in held)

    gc.disable()
    try:
        x = leaf(1.0, 2.0)
        y = function(x)
        assert alive() == 5
        del y
        held.clear()
        y = checkpoint(function, x, use_reentrant=False)
        assert alive() == 1  # the output
        y.sum().backward()
        assert len(held) == 10  # it was computed again
        assert alive() == 1
    finally:
        gc.enable()


def test_memory_held_between_forward_and_backward_is_smaller():
    import tracemalloc

    def held(run):
        net = nn.Sequential(*(nn.Sequential(nn.Linear(64, 64), nn.Tanh()) for _ in range(16)))
        x = minicnn.ones(512, 64, requires_grad=True)
        tracemalloc.start()
        y = run(net, x)
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        y.sum().backward()
        return size

    one = 512 * 64 * 4
    plain = held(lambda net, x: net(x))
    less = held(lambda net, x: checkpoint_sequential(net, 4, x, use_reentrant=False))
    least = held(lambda net, x: checkpoint(net, x, use_reentrant=False))
    assert 16 * one < plain < 17 * one
    assert 7 * one < less < 8 * one  # 3 parts' outputs, and what the last part's 4 layers keep
    assert one < least < 1.5 * one  # the output


def test_a_graph_with_a_checkpoint_is_freed_without_the_garbage_collector():
    gc.disable()
    try:
        x = leaf(1.0)
        y = checkpoint(lambda x: (x * x).exp(), x * 1, use_reentrant=False)
        gone = weakref.ref(y.grad_fn.edges[0])
        y.sum().backward()
        del y
        assert gone() is None
    finally:
        gc.enable()


def test_without_recording_it_is_a_call():
    x = leaf(1.0)
    with minicnn.no_grad():
        assert not checkpoint(minicnn.exp, x, use_reentrant=False).requires_grad
    assert not checkpoint(minicnn.exp, minicnn.ones(1), use_reentrant=False).requires_grad
    assert checkpoint(lambda: 5, use_reentrant=False) == 5


def test_an_error_inside_leaves_all_as_it_was():
    calls = []

    def function(x):
        calls.append(1)
        if len(calls) == 2:
            raise KeyError("again")
        return x.exp()

    x = leaf(1.0)
    y = checkpoint(function, x, use_reentrant=False).sum()
    state = minicnn.default_generator.get_state()
    with pytest.raises(KeyError) as caught:
        y.backward()
    assert "CheckpointBackward0" in caught.value.__notes__[-1]
    assert minicnn.is_grad_enabled()
    assert x.grad is None
    assert minicnn.default_generator.get_state() == state


def test_changes_are_refused():
    x = leaf(1.0)
    with raises_in_three_lines(GraphError, "in place"):
        checkpoint(lambda x: x.mul_(2), x * 1, use_reentrant=False)
    layer = nn.Linear(2, 2)
    y = checkpoint(layer, minicnn.ones(1, 2), use_reentrant=False).sum()
    with minicnn.no_grad():
        layer.weight.mul_(2)
    with raises_in_three_lines(GraphError, "in place"):
        y.backward()
    a = x * 1
    y = checkpoint(minicnn.exp, a, use_reentrant=False).sum()
    a += 1
    with raises_in_three_lines(GraphError, "in place"):
        y.backward()


@pytest.mark.parametrize("later", [lambda x, w: x * w * w.sum(), lambda x, w: (x * 1)[:1], lambda x, w: x.detach()])
def test_a_function_that_computes_something_else_is_found_out(later):
    x, w, calls = leaf(1.0, 2.0), leaf(3.0, 4.0), []

    def function(x):
        calls.append(1)
        return x * 2 if len(calls) == 1 else later(x, w)

    y = checkpoint(function, x, use_reentrant=False).sum()
    with raises_in_three_lines(GraphError, "checkpoint"):
        y.backward()
    assert x.grad is None


def test_contexts_are_entered_once_each():
    seen = []

    class Context:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            seen.append(self.name)

        def __exit__(self, *_):
            seen.append("end")

    x = leaf(1.0)
    y = checkpoint(minicnn.exp, x, use_reentrant=False, context_fn=lambda: (Context("now"), Context("later")))
    assert seen == ["now", "end"]
    y.sum().backward()
    assert seen == ["now", "end", "later", "end"]


def test_bad_arguments():
    x = leaf(1.0)
    for segments in (0, 3, -1, 1.5, "1"):
        with raises_in_three_lines(ParameterError, "segments"):
            checkpoint_sequential([minicnn.exp, minicnn.sin], segments, x, use_reentrant=False)
    with raises_in_three_lines(ParameterError, "determinism_check"):
        checkpoint(minicnn.exp, x, use_reentrant=False, determinism_check="some")
