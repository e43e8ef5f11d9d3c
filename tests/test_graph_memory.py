"""Graphs are freed by reference counting alone, and may be very long."""

from __future__ import annotations

import contextlib
import gc
import weakref

import numpy as np
import pytest
from tape_helpers import (
    SavesOutput,
    Twice,
    _in_small_stack,
    close,
    leaf,
)

import minicnn
from minicnn import autograd
from minicnn.errors import GraphError

# ---- memory: graphs are freed by reference counting alone


def _second_order(x):
    (g,) = autograd.grad(x.exp().tanh().sum(), x, create_graph=True)
    return g * x


def _second_order_fused(x):
    (g,) = autograd.grad((minicnn.softmax(x, 0) * x).sum(), x, create_graph=True)
    return g * x


def _second_order_function(x):
    (g,) = autograd.grad(SavesOutput.apply(x).sum(), x, create_graph=True)
    return g * x


def _views_and_writes(x):
    y = x * 1
    a, b = y[:1], y[1:]
    a.mul_(2)
    y += 1
    b.exp_()
    y[0] = a[0] * 3
    return y * a


def _write_its_own_softmax(x):
    y = x * 1
    y += minicnn.softmax(y, 0)
    return y


def _write_its_own_exp(x):
    y = x * 1
    y.mul_(y.exp())
    return y


def _write_its_own_layer_norm(x):
    y = x * 1
    y += minicnn.layer_norm(y, (2,))
    return y


def _write_its_own_square(x):
    y = x * 1
    y += y * y
    return y


def _write_through_a_view_of_itself(x):
    y = x * 1
    y[:1] = (y * y)[1:]
    return y


def _with_hook_and_retain(x):
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 2)
    return y * y


GRAPHS = {
    "primitive": lambda x: (x * x + x / 3).sum(),
    "exp": lambda x: x.exp(),
    "tanh": lambda x: x.tanh().sqrt(),
    "softmax": lambda x: minicnn.softmax(x, 0),
    "log_softmax": lambda x: minicnn.log_softmax(x, 0),
    "amax": lambda x: x.amax(),
    "pow": lambda x: 2**x,
    "several outputs": lambda x: minicnn.batch_norm(x.reshape(2, 1), None, None, training=True),
    "conv": lambda x: minicnn.conv2d(x.reshape(1, 1, 1, 2), x.reshape(1, 1, 1, 2)),
    "function": lambda x: SavesOutput.apply(x),
    "views": lambda x: x[:1] * x[1:],
    "views and writes": _views_and_writes,
    "second order": _second_order,
    "second order fused": _second_order_fused,
    "second order function": _second_order_function,
    "hook and retain_grad": _with_hook_and_retain,
    "plus its own softmax": _write_its_own_softmax,
    "times its own exp": _write_its_own_exp,
    "plus its own layer norm": _write_its_own_layer_norm,
    "plus its own square": _write_its_own_square,
    "its own square through a view": _write_through_a_view_of_itself,
}


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("with_backward", [True, False])
def test_graphs_are_freed_without_the_garbage_collector(name, with_backward):
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        x = leaf(0.25, 0.5)
        start = x * 1  # every graph leads back to this node
        gone_tensor = weakref.ref(start)
        gone_node = weakref.ref(start.grad_fn)
        y = GRAPHS[name](start)
        gone_result = weakref.ref(y)
        if with_backward:
            with contextlib.suppress(GraphError):
                y.sum().backward()
        del start, y
        still_there = [ref() is not None for ref in (gone_result, gone_tensor, gone_node)]
        assert not any(still_there)
    finally:
        if enabled:
            gc.enable()


def test_saved_arrays_are_freed_by_backward_while_the_output_lives():
    x = leaf(1, 2)
    h = x * 2
    gone = weakref.ref(h._array)
    y = (h * h).sum()
    del h
    assert gone() is not None
    y.backward()
    assert gone() is None


def test_a_tensor_is_not_kept_where_its_values_are_not_needed():
    x = leaf(1, 2)
    h = x * 2
    gone = weakref.ref(h._array)
    y = h + 1
    del h
    assert gone() is None
    y.sum().backward()


def test_no_grad_keeps_nothing():
    x = leaf(1, 2)
    with minicnn.no_grad():
        h = x * 2
        gone = weakref.ref(h)
        y = h * h
    del h
    assert gone() is None
    assert y.grad_fn is None


# ---- long chains


STEPS = {
    "add": lambda y: y + 1e-9,
    "exp": lambda y: (y * 0.1).exp(),
    "view": lambda y: y.reshape(1, 1).reshape(1),
    "softmax": lambda y: minicnn.softmax(y, 0),
    "function": lambda y: Twice.apply(y),
}


@pytest.mark.parametrize(
    ("kind", "length"), [("add", 100_000), ("exp", 50_000), ("view", 10_000), ("softmax", 10_000), ("function", 10_000)]
)
@pytest.mark.parametrize("with_backward", [True, False])
def test_long_chains_neither_overflow_nor_leak(kind, length, with_backward):
    def chain():
        x = leaf(1)
        y = x
        for _ in range(length):
            y = STEPS[kind](y)
        gone = weakref.ref(y)
        if with_backward:
            y.sum().backward()
            assert np.isfinite(x.grad.item())
        del y
        assert gone() is None

    _in_small_stack(chain)


def test_a_long_chain_of_changes_in_place():
    def chain():
        x = leaf(1)
        y = x * 1
        for _ in range(20_000):
            y += 1e-9
        y.sum().backward()
        close(x.grad, [1])

    _in_small_stack(chain)
