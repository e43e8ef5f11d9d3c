"""The tape: what backward and grad compute, what they keep, what they free, and what they refuse."""

from __future__ import annotations

import contextlib
import gc
import threading
import weakref

import numpy as np
import pytest

import minicnn
from minicnn import autograd
from minicnn.autograd import Function, Fused, Primitive
from minicnn.errors import ArgumentTypeError, DTypeError, GraphError, MinicnnError, ShapeError

f64 = minicnn.float64


def leaf(*values: float) -> minicnn.Tensor:
    return minicnn.tensor(list(values), dtype=f64, requires_grad=True)


def close(actual: minicnn.Tensor, expected: object, tol: float = 1e-12) -> None:
    assert actual is not None
    np.testing.assert_allclose(actual.detach().numpy(), np.asarray(expected), rtol=tol, atol=tol)


def raises_in_three_lines(error: type[Exception], *words: str):
    """Expect an error whose message has the op and problem, what was got, and the fix."""

    @contextlib.contextmanager
    def expect():
        with pytest.raises(error) as caught:
            yield caught
        lines = str(caught.value).split("\n")
        assert len(lines) == 3, lines
        assert ": " in lines[0]
        assert lines[1].startswith("  ")
        assert lines[1].strip()
        assert lines[2].startswith("  Fix: ")
        assert isinstance(caught.value, MinicnnError)
        for word in words:
            assert word in str(caught.value)

    return expect()


# ---- backward


def test_backward_of_a_scalar():
    x = leaf(1, 2, 3)
    (x * x).sum().backward()
    close(x.grad, [2, 4, 6])
    assert not x.grad.requires_grad
    assert x.grad.is_leaf
    assert x.grad.dtype == x.dtype


def test_backward_takes_the_gradient_of_the_output():
    x = leaf(1, 2)
    (x * 3).backward(minicnn.tensor([10.0, 100.0], dtype=f64))
    close(x.grad, [30, 300])


def test_backward_of_one_element_with_dims_needs_no_gradient():
    x = leaf(2)
    (x.reshape(1, 1) * 4).backward()
    close(x.grad, [4])


def test_gradients_add_up_over_calls():
    x = leaf(1, 2)
    for _ in range(3):
        (x * 2).sum().backward()
    close(x.grad, [6, 6])
    x.grad = None
    (x * 2).sum().backward()
    close(x.grad, [2, 2])


def test_accumulation_goes_into_the_same_memory():
    x = leaf(1, 2)
    (x * 2).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    assert x.grad is first
    close(first, [5, 5])


def test_each_leaf_gets_a_grad_of_its_own():
    x, y = leaf(1, 2), leaf(3, 4)
    g = minicnn.ones(2, dtype=f64)
    (x + y).backward(g)
    with minicnn.no_grad():
        x.grad.mul_(10)
    close(y.grad, [1, 1])
    close(g, [1, 1])


def test_a_grad_made_with_create_graph_is_the_leafs_own():
    x = leaf(1, 2)
    g = minicnn.ones(2, dtype=f64)
    (x + 1).backward(g, create_graph=True)
    with minicnn.no_grad():
        x.grad.mul_(10)
    close(g, [1, 1])


@pytest.mark.parametrize("create_first", [True, False])
@pytest.mark.parametrize("create_second", [True, False])
def test_grads_of_a_broadcast_can_be_added_to_and_written_to(create_first, create_second):
    x = leaf(1, 2)
    x.sum().backward(create_graph=create_first)
    x.sum().backward(create_graph=create_second)
    close(x.grad, [2, 2])
    with minicnn.no_grad():
        x.grad.zero_()
    close(x.grad, [0, 0])


def test_a_tensor_used_several_times():
    x = leaf(3)
    y = x * x + x * 2 + x
    (y * x).sum().backward()  # x³ + 3x²
    close(x.grad, [3 * 9 + 6 * 3])


def test_a_diamond_of_intermediates():
    x = leaf(2)
    a = x * 3
    b, c = a * a, a * 5
    (b * c).sum().backward()  # 5·27·x³
    close(x.grad, [5 * 27 * 3 * 4])


def test_both_operands_the_same_tensor():
    x = leaf(2, 5)
    (x / x + x @ x * x).sum().backward()
    close(x.grad, [2 * 2 * 7 + 29, 2 * 5 * 7 + 29])


def test_exponential_fan_out_is_walked_once():
    x = leaf(1)
    y = x
    for _ in range(200):
        y = y + y
    y.sum().backward()
    close(x.grad, [2.0**200])


@pytest.mark.parametrize(
    ("a", "b"),
    [((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 3)), ((4, 1, 3), (2, 1)), ((), (2, 2)), ((1, 1), ()), ((2, 3), (1,))],
)
def test_broadcast_gradients_are_summed_back(a, b):
    rng = np.random.default_rng(0)
    x, y = (minicnn.tensor(rng.normal(size=s), requires_grad=True) for s in (a, b))
    full = np.broadcast_shapes(a, b)
    g = rng.normal(size=full)
    (x * y).backward(minicnn.tensor(g))

    def reduced(values, shape):
        extra = values.ndim - len(shape)
        values = values.sum(tuple(range(extra)))
        keep = tuple(i for i, s in enumerate(shape) if s == 1)
        return values.sum(keep, keepdims=True) if keep else values

    assert x.grad.shape == a
    assert y.grad.shape == b
    close(x.grad, reduced(g * y.detach().numpy(), a))
    close(y.grad, reduced(g * x.detach().numpy(), b))


def test_only_what_requires_grad_gets_one():
    x, c = leaf(1, 2), minicnn.ones(2, dtype=f64)
    y = x * c
    y.sum().backward()
    assert c.grad is None
    assert y.grad is None
    assert y.requires_grad
    assert not (c * 2).requires_grad


def test_detach_cuts():
    x = leaf(2)
    (x * x.detach()).sum().backward()
    close(x.grad, [2])
    assert not x.detach().requires_grad
    assert x.detach().is_leaf


def test_detach_in_place():
    x = leaf(2)
    y = x * 3
    y.detach_()
    assert not y.requires_grad
    assert y.grad_fn is None


def test_backward_of_a_leaf():
    x = leaf(3)
    x.backward()
    close(x.grad, [1])


def test_autograd_backward_of_several_tensors():
    x = leaf(1, 2)
    autograd.backward([(x * 2).sum(), x * x], [None, minicnn.tensor([1.0, 10.0], dtype=f64)])
    close(x.grad, [2 + 2, 2 + 40])


def test_backward_from_a_tensor_and_one_it_came_from():
    x = leaf(3)
    y = x * x
    z = y * y
    autograd.backward([z, y])
    close(x.grad, [4 * 27 + 6])


def test_backward_for_some_inputs_only():
    x, y = leaf(1), leaf(2)
    m = x * 5
    (m * y).sum().backward(inputs=[x])
    close(x.grad, [10])
    assert y.grad is None
    x.grad = None
    m = x * 5
    (m * y).sum().backward(inputs=m)
    close(m.grad, [2])
    assert x.grad is None


def test_a_branch_that_is_not_reached_costs_nothing():
    x = leaf(1)
    y = x * 2
    _ = x.log() * y
    y.sum().backward()
    close(x.grad, [2])


# ---- a second backward


def test_a_second_backward_says_that_the_graph_was_freed():
    x = leaf(1, 2)
    y = (x * x).sum()
    y.backward()
    with raises_in_three_lines(GraphError, "mul", "retain_graph"):
        y.backward()


@pytest.mark.parametrize("function", [minicnn.exp, lambda x: minicnn.softmax(x, 0), lambda x: x.max(), minicnn.log])
def test_a_second_backward_fails_for_saved_outputs_too(function):
    x = leaf(1, 2)
    y = function(x)
    y.sum().backward()
    with raises_in_three_lines(GraphError, "retain_graph"):
        y.sum().backward()


def test_a_second_backward_through_ops_that_save_nothing_is_fine():
    x = leaf(1, 2)
    y = (x + 1).sum()
    y.backward()
    y.backward()
    close(x.grad, [2, 2])


def test_retain_graph():
    x = leaf(1, 2)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)
    y.backward()
    close(x.grad, [6, 12])
    with pytest.raises(GraphError):
        y.backward()


def test_two_losses_over_a_shared_part_need_retain_graph():
    x = leaf(1, 2)
    h = x * x
    a, b = h.sum(), (h * 3).sum()
    a.backward()
    with pytest.raises(GraphError):
        b.backward()


# ---- higher orders


def test_create_graph_to_third_order():
    x = leaf(2)
    y = x**4
    (d1,) = autograd.grad(y, x, create_graph=True)
    (d2,) = autograd.grad(d1, x, create_graph=True)
    (d3,) = autograd.grad(d2, x)
    close(d1, [32])
    close(d2, [48])
    close(d3, [48])
    assert d1.requires_grad
    assert not d3.requires_grad


def test_third_order_through_saved_outputs():
    x = leaf(0.3)
    y = x.exp() * x.tanh()
    ds = []
    for _ in range(3):
        (y,) = autograd.grad(y, x, create_graph=True)
        ds.append(y.item())
    e, t = np.exp(0.3), np.tanh(0.3)
    s = 1 - t * t
    s1, s2 = -2 * t * s, -2 * s * s + 4 * t * t * s  # derivatives of s
    assert ds == pytest.approx([e * (t + s), e * (t + 2 * s + s1), e * (t + 3 * s + 3 * s1 + s2)], rel=1e-12)


def test_backward_with_create_graph_adds_to_grad():
    x = leaf(3)
    (x**3).sum().backward(create_graph=True)
    g = x.grad
    x.grad = None
    g.sum().backward()
    close(g, [27])
    close(x.grad, [18])


def test_gradient_penalty():
    x, w = leaf(1, 2), leaf(3, 4)
    (g,) = autograd.grad((w * x * x).sum(), x, create_graph=True)
    (g * g).sum().backward()  # Σ 4w²x²
    close(w.grad, [8 * 3 * 1, 8 * 4 * 4])
    close(x.grad, [8 * 9 * 1, 8 * 16 * 2])


def test_second_order_for_a_leaf_with_a_view():
    x = leaf(2, 3)
    _ = x[0]  # x now has a family, so ops keep a stand-in of it
    (g,) = autograd.grad((x * x * x).sum(), x, create_graph=True)
    (gg,) = autograd.grad(g.sum(), x)
    close(gg, [12, 18])


@pytest.mark.parametrize(
    "function",
    [
        lambda x: minicnn.softmax(x, 1),
        lambda x: minicnn.log_softmax(x, 1),
        lambda x: minicnn.layer_norm(x, (3,)),
        lambda x: minicnn.batch_norm(x, None, None, training=True),
        lambda x: minicnn.cross_entropy(x, minicnn.tensor([0, 2]), reduction="none"),
        lambda x: minicnn.max_pool2d(x.reshape(1, 1, 2, 3), (1, 2)) ** 2,
        lambda x: minicnn.conv2d(x.reshape(1, 1, 2, 3), x[:, :2].reshape(1, 1, 2, 2)) ** 2,
    ],
)
def test_second_and_third_order_of_fused_ops_by_finite_differences(function):
    rng = np.random.default_rng(1)
    values, v = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    c = rng.normal(size=function(minicnn.tensor(values)).shape)

    def along(t: float, order: int) -> float:
        """The derivative of order ``order`` in direction v, at values + t·v."""
        x = minicnn.tensor(values + t * v, requires_grad=True)
        y = (function(x) * minicnn.tensor(c)).sum()
        for _ in range(order):
            (g,) = autograd.grad(y, x, create_graph=True)
            y = (g * minicnn.tensor(v)).sum()
        return y.item()

    h = 1e-5
    for order in (1, 2, 3):
        finite = (along(h, order - 1) - along(-h, order - 1)) / (2 * h)
        assert along(0.0, order) == pytest.approx(finite, rel=1e-5, abs=1e-7)


# ---- autograd.grad


def test_grad_leaves_grad_alone():
    x, y = leaf(1), leaf(2)
    assert len(autograd.grad((x * y).sum(), [x, y])) == 2
    assert x.grad is None
    assert y.grad is None


def test_grad_for_non_leaves():
    x = leaf(2)
    a = x * 3
    b = a * a
    da, db, dx = autograd.grad((b * a).sum(), [a, b, x])
    close(db, [6])
    close(da, [3 * 36])
    close(dx, [9 * 36])


def test_grad_of_a_tensor_for_itself():
    x = leaf(2)
    y = x * 3
    close(autograd.grad(y, y)[0], [1])
    close(autograd.grad(x, x)[0], [1])


def test_grad_outputs():
    x = leaf(1, 2)
    (g,) = autograd.grad([x * 2, x * x], x, [minicnn.tensor([1.0, 10.0], dtype=f64), minicnn.ones(2, dtype=f64)])
    close(g, [2 + 2, 20 + 4])


def test_grad_for_the_same_input_twice():
    x = leaf(1, 2)
    a, b = autograd.grad((x * 2).sum(), [x, x])
    close(a, [2, 2])
    close(b, [2, 2])


def test_grad_allow_unused():
    x, y = leaf(1), leaf(2)
    z = (x * 2).sum()
    with raises_in_three_lines(GraphError, "input 1", "allow_unused"):
        autograd.grad(z, [x, y], retain_graph=True)
    g, none = autograd.grad(z, [x, y], allow_unused=True)
    close(g, [2])
    assert none is None


def test_grad_refuses_inputs_without_requires_grad():
    x = leaf(1)
    with raises_in_three_lines(GraphError, "input 0", "requires_grad_"):
        autograd.grad((x * 2).sum(), minicnn.ones(1))


class Tripwire(Function):
    """The identity; its backward must not be reached."""

    @staticmethod
    def forward(ctx, x):
        return x * 1

    @staticmethod
    def backward(ctx, g):
        raise AssertionError("computed a gradient that nobody asked for")


def test_grad_computes_no_more_than_needed():
    x, y = leaf(1), leaf(2)
    a = Tripwire.apply(y) * x
    b = Tripwire.apply(x) * 2
    c = b * 3
    close(autograd.grad((a * 2).sum(), x)[0], [4])
    close(autograd.grad(c, b)[0], [3])


def test_an_op_computes_only_the_gradients_wanted():
    asked = []

    class Spy(Function):
        @staticmethod
        def forward(ctx, x, y, z):
            return x * y * z

        @staticmethod
        def backward(ctx, g):
            asked.append(ctx.needs_input_grad)
            return g, None, g

    x, y = leaf(1), minicnn.ones(1, dtype=f64)
    Spy.apply(x, y, leaf(2)).sum().backward()
    assert asked == [(True, False, True)]


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


# ---- long chains


def _in_small_stack(function):
    """Run in a thread with a small stack, so that recursion over the graph would fail."""
    failures = []

    def run():
        try:
            function()
        except BaseException as error:
            failures.append(error)

    before = threading.stack_size(512 * 1024)
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    if failures:
        raise failures[0]


STEPS = {
    "add": lambda y: y + 1e-9,
    "exp": lambda y: (y * 0.1).exp(),
    "view": lambda y: y.reshape(1, 1).reshape(1),
    "softmax": lambda y: minicnn.softmax(y, 0),
    "function": lambda y: Twice.apply(y),
}


class Twice(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 1.0

    @staticmethod
    def backward(ctx, g):
        return g


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


# ---- memory: graphs are freed by reference counting alone


class SavesOutput(Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y


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


# ---- user ops: Function


class MulSub(Function):
    """Two outputs, a number among the arguments, one argument without a gradient."""

    @staticmethod
    def forward(ctx, x, y, factor, flag=None):
        ctx.save_for_backward(x, y)
        ctx.factor = factor
        return x * y * factor, x - y

    @staticmethod
    def backward(ctx, g_product, g_difference):
        x, y = ctx.saved_tensors
        return (
            g_product * y * ctx.factor + g_difference,
            g_product * x * ctx.factor - g_difference,
            None,
            None,
        )


def test_function_with_several_outputs_and_plain_arguments():
    x, y = leaf(2), leaf(3)
    product, difference = MulSub.apply(x, y, 10, "flag")
    assert product.requires_grad
    assert difference.requires_grad
    (product + difference * 100).sum().backward()
    close(x.grad, [130])
    close(y.grad, [-80])


def test_function_with_one_output_used_gets_zeros_for_the_other():
    x, y = leaf(2), leaf(3)
    _, difference = MulSub.apply(x, y, 10, None)
    difference.sum().backward()
    close(x.grad, [1])
    close(y.grad, [-1])


def test_function_without_materialized_grads_gets_none():
    seen = []

    class TwoOutputs(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 1, x * 2

        @staticmethod
        def backward(ctx, a, b):
            seen.append((a, b))
            return b * 2

    x = leaf(1)
    TwoOutputs.apply(x)[1].sum().backward()
    assert seen[0][0] is None
    close(x.grad, [2])


def test_function_to_second_order():
    x, y = leaf(2), leaf(3)
    product, _ = MulSub.apply(x, y, 1, None)
    (g,) = autograd.grad((product * product).sum(), x, create_graph=True)  # 2xy²
    close(g, [36])
    gx, gy = autograd.grad(g, [x, y])
    close(gx, [18])
    close(gy, [24])


def test_function_with_saved_output_to_third_order():
    x = leaf(0.5)
    y = SavesOutput.apply(x)
    for _ in range(3):
        (y,) = autograd.grad(y, x, create_graph=True)
        close(y, [np.exp(0.5)])


@pytest.mark.parametrize("function", [SavesOutput.apply, minicnn.exp])
def test_a_saved_output_keeps_its_history_where_the_gradient_has_one_too(function):
    x = leaf(0.5)
    y = function(x) ** 2  # e²ˣ: here the gradient that comes to the op depends on x as well
    for order in range(1, 5):
        (y,) = autograd.grad(y, x, create_graph=True)
        close(y, [2**order * np.exp(1.0)])


class SavesInput(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x * x


@pytest.mark.parametrize("prepare", [lambda x: x, lambda x: x * 1, lambda x: x[:], lambda x: x.reshape(1, 1)])
def test_a_saved_input_keeps_its_history(prepare):
    x = leaf(2)
    y = SavesInput.apply(prepare(x)).reshape(1) ** 2  # x⁶
    for expected in (192, 480, 960, 1440):
        (y,) = autograd.grad(y, x, create_graph=True)
        close(y, [expected])


def test_function_keeps_its_saved_tensors_with_retain_graph():
    x = leaf(0.5)
    y = SavesOutput.apply(x)
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    close(x.grad, [2 * np.exp(0.5)])


def test_function_not_recorded():
    with minicnn.no_grad():
        assert not SavesOutput.apply(leaf(1)).requires_grad
    assert not SavesOutput.apply(minicnn.ones(1)).requires_grad


def test_function_forward_is_not_recorded_inside():
    class Inner(Function):
        @staticmethod
        def forward(ctx, x):
            y = x * x
            assert not y.requires_grad
            return y

        @staticmethod
        def backward(ctx, g):
            return g * 100

    x = leaf(3)
    Inner.apply(x).sum().backward()
    close(x.grad, [100])


def test_function_that_returns_its_input():
    class Same(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return -g

    x = leaf(1)
    y = Same.apply(x)
    assert y is not x
    y.sum().backward()
    close(x.grad, [-1])
    assert x.is_leaf


def test_mark_non_differentiable():
    class WithIndex(Function):
        @staticmethod
        def forward(ctx, x):
            place = x.argmax()
            rank = x * 0
            ctx.mark_non_differentiable(place, rank)
            return x * 2, place, rank

        @staticmethod
        def backward(ctx, g, *_):
            return g * 2

    x = leaf(1, 5)
    y, place, rank = WithIndex.apply(x)
    assert y.requires_grad
    assert not place.requires_grad
    assert not rank.requires_grad
    assert place.item() == 1
    y.sum().backward()
    close(x.grad, [2, 2])


def test_once_differentiable():
    from minicnn.autograd.function import once_differentiable

    class Once(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 2 * x

    x = leaf(3)
    Once.apply(x).sum().backward()
    close(x.grad, [6])
    (g,) = autograd.grad(Once.apply(x).sum(), x, create_graph=True)
    close(g, [6])
    with raises_in_three_lines(GraphError, "once_differentiable"):
        g.sum().backward()


def returning(*grads):
    class Bad(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x * y

        @staticmethod
        def backward(ctx, g):
            return grads if len(grads) != 1 else grads[0]

    return Bad


def test_function_with_the_wrong_number_of_gradients():
    good = minicnn.ones(2, dtype=f64)
    for grads in ((good,), (good, good, good)):
        with raises_in_three_lines(ShapeError, "2 gradients", str(len(grads))):
            returning(*grads).apply(leaf(1, 2), leaf(3, 4)).sum().backward()


def test_function_with_gradients_of_the_wrong_shape_or_type():
    good = minicnn.ones(2, dtype=f64)
    with raises_in_three_lines(ShapeError, "gradient 1", "(2,)", "(3,)"):
        returning(good, minicnn.ones(3, dtype=f64)).apply(leaf(1, 2), leaf(3, 4)).sum().backward()
    with raises_in_three_lines(ArgumentTypeError, "gradient 0", "float"):
        returning(1.0, good).apply(leaf(1, 2), leaf(3, 4)).sum().backward()


def test_function_without_backward_says_so():
    class Forward(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

    with raises_in_three_lines(GraphError, "backward"):
        Forward.apply(leaf(1)).sum().backward()
    with raises_in_three_lines(GraphError, "forward"):
        Function.apply(leaf(1))


def test_function_is_freed_after_backward():
    x = leaf(1)
    y = SavesOutput.apply(x)
    y.sum().backward()
    with raises_in_three_lines(GraphError, "retain_graph"):
        y.sum().backward()


def test_function_hooks_and_error_restore():
    class Fails(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * 1

        @staticmethod
        def backward(ctx, g):
            raise KeyError("inside")

    x = leaf(1)
    y = Fails.apply(x)
    with pytest.raises(KeyError):
        y.sum().backward()
    assert minicnn.is_grad_enabled()


# ---- user ops: Primitive and Fused


class Cube(Primitive, register=False):
    @staticmethod
    def forward(be, x, *, scale):
        return scale * x**3

    @staticmethod
    def grad_x(g, x, scale):
        return g * x * x * (3 * scale)


def test_user_primitive_to_third_order():
    x = leaf(2)
    y = Cube.apply(x, scale=2.0)
    close(y, [16])
    for expected in (24, 24, 12):
        (y,) = autograd.grad(y, x, create_graph=True)
        close(y, [expected])
    assert "cube" not in autograd.op.ops


def test_user_primitive_that_names_no_input_is_refused():
    with pytest.raises(TypeError, match="nothing"):

        class Wrong(Primitive, register=False):
            @staticmethod
            def forward(be, x):
                return x

            @staticmethod
            def grad_x(g, nothing):
                return g


class Logistic(Fused, register=False):
    """1 / (1 + e⁻ˣ) + b, with a backward that says that it ran."""

    ran = []

    @staticmethod
    def definition(x, b):
        return 1 / ((-x).exp() + 1) + b

    @staticmethod
    def forward(be, x, b):
        y = 1 / (1 + be.xp.exp(-x))
        return y + b, y

    @staticmethod
    def backward(be, grads, saved, needs, x, b):
        Logistic.ran.append(needs)
        g = grads[0]
        return [g * saved * (1 - saved) if needs[0] else None, g.copy() if needs[1] else None]


def test_user_fused_op():
    x, b = leaf(0.5), leaf(1)
    s = 1 / (1 + np.exp(-0.5))
    Logistic.ran.clear()
    y = Logistic.apply(x, b)
    close(y, [s + 1])
    y.sum().backward()
    assert Logistic.ran == [(True, True)]
    close(x.grad, [s * (1 - s)])
    close(b.grad, [1])
    Logistic.ran.clear()
    Logistic.apply(x.detach(), b).sum().backward()
    assert Logistic.ran == [(False, True)]


def test_user_fused_op_to_third_order_by_its_definition():
    x, b = leaf(0.5), leaf(1)
    s = 1 / (1 + np.exp(-0.5))
    (g,) = autograd.grad(Logistic.apply(x, b), x, create_graph=True)
    (gg,) = autograd.grad(g, x, create_graph=True)
    (ggg,) = autograd.grad(gg, x)
    close(g, [s * (1 - s)])
    close(gg, [s * (1 - s) * (1 - 2 * s)])
    close(ggg, [s * (1 - s) * (1 - 6 * s + 6 * s * s)])


def test_fused_by_definition():
    x, b = leaf(0.5), leaf(1)
    Logistic.ran.clear()
    with autograd.by_definition():
        Logistic.apply(x, b).sum().backward()
    assert Logistic.ran == []
    s = 1 / (1 + np.exp(-0.5))
    close(x.grad, [s * (1 - s)])


def test_fused_gives_gradients_for_one_tensor_used_twice():
    x = leaf(0.5)
    s = 1 / (1 + np.exp(-0.5))
    (g,) = autograd.grad(Logistic.apply(x, x), x, create_graph=True)
    close(g, [s * (1 - s) + 1])
    (gg,) = autograd.grad(g, x)
    close(gg, [s * (1 - s) * (1 - 2 * s)])


def test_ops_need_their_parts():
    with pytest.raises(TypeError, match="definition"):

        class NoDefinition(Fused, register=False):
            @staticmethod
            def forward(be, x):
                return x, None

    with pytest.raises(TypeError, match="samples"):

        class NoSamples(Primitive):
            @staticmethod
            def forward(be, x):
                return x

            @staticmethod
            def grad_x(g):
                return g


# ---- what has no gradient


@pytest.mark.parametrize("dtype", [minicnn.int64, minicnn.uint8, minicnn.bool])
def test_integer_tensors_cannot_require_grad(dtype):
    with raises_in_three_lines(DTypeError, "floats"):
        minicnn.ones(2, dtype=dtype, requires_grad=True)
    with raises_in_three_lines(DTypeError, "floats"):
        minicnn.ones(2, dtype=dtype).requires_grad_()


def test_integer_results_do_not_require_grad():
    x = leaf(1, 2)
    for y in (x > 1, x.argmax(), x.long(), x.isnan(), x.max(0).indices, x == x):
        assert not y.requires_grad
        assert y.grad_fn is None


def test_casts_pass_gradients_in_the_dtype_of_each():
    x = minicnn.tensor([1.0, 2.0], requires_grad=True)
    y = x.double()
    (y * y).sum().backward()
    assert x.grad.dtype == minicnn.float32
    close(x.grad, [2, 4])


def test_mixed_dtypes_give_each_leaf_a_grad_of_its_own_dtype():
    a = minicnn.ones(2, dtype=minicnn.float32, requires_grad=True)
    b = minicnn.ones(2, dtype=f64, requires_grad=True)
    (a * b).sum().backward()
    assert a.grad.dtype == minicnn.float32
    assert b.grad.dtype == f64


def test_requires_grad_of_a_result_cannot_be_switched_off():
    y = leaf(1) * 2
    with raises_in_three_lines(GraphError, "leaf"):
        y.requires_grad = False


# ---- errors of backward


def test_backward_of_a_tensor_without_history():
    with raises_in_three_lines(GraphError, "requires_grad"):
        minicnn.ones(1).backward()


def test_backward_of_many_elements_needs_a_gradient():
    with raises_in_three_lines(GraphError, "(2,)"):
        (leaf(1, 2) * 2).backward()


def test_backward_with_a_gradient_of_another_shape_or_type():
    y = leaf(1, 2) * 2
    with raises_in_three_lines(ShapeError, "(2,)", "(3,)"):
        y.backward(minicnn.ones(3, dtype=f64))
    with raises_in_three_lines(ArgumentTypeError, "(2,)"):
        y.backward([1.0, 1.0])


def test_a_gradient_of_another_dtype_is_cast():
    x = minicnn.ones(2, requires_grad=True)
    (x * 2).backward(minicnn.ones(2, dtype=f64))
    assert x.grad.dtype == minicnn.float32


def test_a_grad_of_another_shape_is_refused():
    x = leaf(1, 2)

    def assign_and_use():
        x.grad = minicnn.ones(3, dtype=f64)
        (x * 2).sum().backward()

    with pytest.raises(RuntimeError):
        assign_and_use()
    x.grad = minicnn.ones(2, dtype=f64)
    (x * 2).sum().backward()
    close(x.grad, [3, 3])
    x.grad = None


def test_wrong_counts_of_gradients_are_explained():
    y = leaf(1, 2) * 2
    with raises_in_three_lines(MinicnnError):
        autograd.backward([y, y], [minicnn.ones(2, dtype=f64)])


# ---- looking at the graph


def test_grad_fn_and_next_functions():
    x = leaf(1)
    y = x * 2
    z = y.exp()
    assert repr(z.grad_fn) == "<ExpBackward0>"
    assert x.grad_fn is None
    assert x.is_leaf
    assert not y.is_leaf
    assert z.grad_fn.next_functions() == [y.grad_fn]
