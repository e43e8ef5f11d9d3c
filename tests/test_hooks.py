"""Hooks, kept gradients, and recording switched on and off."""

from __future__ import annotations

import threading

import pytest
from tape_helpers import (
    Tripwire,
    close,
    leaf,
    raises_in_three_lines,
)

import minicnn
from minicnn import autograd
from minicnn.errors import GraphError

# ---- retain_grad and hooks


def test_retain_grad():
    x = leaf(1, 2)
    y = x * 3
    y.retain_grad()
    (y * y).sum().backward()
    close(y.grad, [6, 12])
    close(x.grad, [18, 36])


def test_retain_grad_adds_up_and_is_a_copy():
    x = leaf(1)
    y = x + 0
    y.retain_grad()
    y.backward(retain_graph=True)
    y.backward()
    close(y.grad, [2])
    with minicnn.no_grad():
        y.grad.mul_(100)
    close(x.grad, [2])


def test_retain_grad_follows_a_change_in_place():
    x = leaf(1)
    y = x * 2
    y.retain_grad()
    y.mul_(3)
    y.sum().backward()
    close(y.grad, [1])
    close(x.grad, [6])


def test_retain_grad_of_a_leaf_does_nothing_and_of_a_constant_is_refused():
    x = leaf(1)
    x.retain_grad()
    x.sum().backward()
    close(x.grad, [1])
    with raises_in_three_lines(GraphError, "retain_grad"):
        minicnn.ones(1).retain_grad()


@pytest.mark.parametrize("on_leaf", [True, False])
def test_hooks_run_in_order_replace_and_are_removed(on_leaf):
    x = leaf(1)
    y = x * 1
    target = x if on_leaf else y
    seen = []

    def first(g):
        seen.append(("first", g.item()))
        return g * 10

    def second(g):
        seen.append(("second", g.item()))

    handle = target.register_hook(first)
    target.register_hook(second)
    (y * 2).sum().backward(retain_graph=True)
    assert seen == [("first", 2.0), ("second", 20.0)]
    close(x.grad, [20])
    handle.remove()
    handle.remove()
    x.grad = None
    (y * 2).sum().backward()
    assert seen[2:] == [("second", 2.0)]
    close(x.grad, [2])


def test_hook_handle_as_a_context():
    x = leaf(1)
    with x.register_hook(lambda g: g * 5):
        (x * 2).sum().backward()
    (x * 2).sum().backward()
    close(x.grad, [12])


def test_hooks_see_the_whole_gradient_once():
    x = leaf(1)
    seen = []
    x.register_hook(lambda g: seen.append(g.item()))
    (x * 2 + x * 3).sum().backward()
    assert seen == [5.0]


def test_hooks_run_for_grad_too():
    x = leaf(1)
    x.register_hook(lambda g: g * 2)
    y = x * 3
    y.register_hook(lambda g: g * 7)
    gx, gy = autograd.grad(y.sum(), [x, y])
    close(gy, [7])
    close(gx, [42])


def test_what_a_hook_keeps_does_not_change_later():
    x = leaf(1)
    kept = []
    x.register_hook(kept.append)
    (x * 2).sum().backward()
    (x * 2).sum().backward()
    close(kept[0], [2])
    close(x.grad, [4])


def test_hooks_are_recorded_with_create_graph():
    x = leaf(3)
    y = x * x
    y.register_hook(lambda g: g * x.detach())
    (g,) = autograd.grad((y * y).sum(), x, create_graph=True)
    close(g, [4 * 27 * 3])
    assert g.requires_grad


@pytest.mark.parametrize("bad", [1.0, "g", minicnn.ones(3, 2)])
def test_a_bad_hook_result_is_refused(bad):
    x = leaf(1)
    x.register_hook(lambda g: bad)
    with raises_in_three_lines(GraphError, "hook"):
        (x * 2).sum().backward()


def test_hooks_need_requires_grad():
    with raises_in_three_lines(GraphError, "register_hook"):
        minicnn.ones(1).register_hook(print)


# ---- recording on and off


def test_no_grad_and_enable_grad_as_contexts():
    x = leaf(1)
    with minicnn.no_grad():
        assert not minicnn.is_grad_enabled()
        y = x * 2
        assert not y.requires_grad
        assert y.is_leaf
        with minicnn.enable_grad():
            assert (x * 2).requires_grad
        assert not minicnn.is_grad_enabled()
    assert minicnn.is_grad_enabled()


def test_no_grad_ends_with_an_exception():
    with pytest.raises(ZeroDivisionError), minicnn.no_grad():
        _ = 1 / 0
    assert minicnn.is_grad_enabled()


def test_decorators_with_and_without_parentheses():
    @minicnn.no_grad()
    def with_parentheses(x, *, factor):
        """Doc."""
        return x * factor

    @minicnn.no_grad
    def without(x):
        return x * 2

    @minicnn.enable_grad()
    def on(x):
        return x * 2

    @minicnn.no_grad()
    def recursive(n):
        return minicnn.is_grad_enabled() if n == 0 else recursive(n - 1)

    x = leaf(1)
    assert not with_parentheses(x, factor=3).requires_grad
    assert with_parentheses.__name__ == "with_parentheses"
    assert with_parentheses.__doc__ == "Doc."
    assert not without(x).requires_grad
    assert recursive(3) is False
    with minicnn.no_grad():
        assert on(x).requires_grad
    assert minicnn.is_grad_enabled()


def test_decorated_function_restores_the_mode_after_an_error():
    @minicnn.no_grad
    def fails():
        raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert minicnn.is_grad_enabled()


def test_set_grad_enabled():
    minicnn.set_grad_enabled(False)
    try:
        assert not minicnn.is_grad_enabled()
    finally:
        minicnn.set_grad_enabled(True)
    with minicnn.set_grad_enabled(False):
        assert not minicnn.is_grad_enabled()
    assert minicnn.is_grad_enabled()


def test_each_thread_has_a_mode_of_its_own():
    seen = {}
    inside, done = threading.Event(), threading.Event()

    def other():
        seen["at start"] = minicnn.is_grad_enabled()
        with minicnn.no_grad():
            inside.set()
            done.wait(10)
        seen["at end"] = minicnn.is_grad_enabled()

    with minicnn.no_grad():
        thread = threading.Thread(target=other)
        thread.start()
        assert inside.wait(10)
    assert minicnn.is_grad_enabled()
    done.set()
    thread.join()
    assert seen == {"at start": True, "at end": True}


def test_threads_run_backward_over_graphs_of_their_own():
    results = [None] * 4

    def work(i):
        x = leaf(i + 1)
        y = x
        for _ in range(300):
            y = y * 1.001 + x
        y.sum().backward()
        results[i] = x.grad.item()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    expected = sum(1.001**k for k in range(301))
    assert results == pytest.approx([expected] * 4)


def test_backward_under_no_grad_and_its_grads_are_not_recorded():
    x = leaf(2)
    y = (x * x).sum()
    with minicnn.no_grad():
        y.backward()
    close(x.grad, [4])
    assert minicnn.is_grad_enabled()


def test_the_mode_is_restored_when_backward_fails():
    x = leaf(1)
    with pytest.raises(AssertionError):
        Tripwire.apply(x).sum().backward()
    assert minicnn.is_grad_enabled()


def test_a_decorated_generator_runs_in_the_mode_and_gets_what_is_sent_and_thrown():
    seen = []

    @minicnn.no_grad()
    def steps():
        try:
            seen.append((yield minicnn.is_grad_enabled()))
            yield 1
        except KeyError:
            seen.append(minicnn.is_grad_enabled())
            yield 2
        finally:
            seen.append(("end", minicnn.is_grad_enabled()))

    running = steps()
    assert next(running) is False
    assert minicnn.is_grad_enabled()
    assert running.send("sent") == 1
    assert running.throw(KeyError()) == 2
    assert minicnn.is_grad_enabled()
    with pytest.raises(StopIteration):
        next(running)
    assert seen == ["sent", False, ("end", False)]
    running = steps()
    next(running)
    running.close()
    assert seen[-1] == ("end", False)


def test_set_grad_enabled_as_a_decorator_sets_the_function_alone():
    @minicnn.set_grad_enabled(False)
    def inside():
        return minicnn.is_grad_enabled()

    assert minicnn.is_grad_enabled()
    assert inside() is False
    assert minicnn.is_grad_enabled()
