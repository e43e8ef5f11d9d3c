"""Gradients of any order, and autograd.grad."""

from __future__ import annotations

import numpy as np
import pytest
from tape_helpers import (
    Tripwire,
    close,
    f64,
    leaf,
    raises_in_three_lines,
)

import minicnn
from minicnn import autograd
from minicnn.autograd import Function, Variable
from minicnn.errors import ArgumentTypeError, DTypeError, GraphError, ParameterError

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


def test_grad_materializes_and_refuses_what_it_cannot_do():
    x, y = leaf(1, 2), leaf(3)
    gx, gy = autograd.grad((x * 2).sum(), [x, y], materialize_grads=True)
    close(gx, [2, 2])
    close(gy, [0])
    with raises_in_three_lines(ParameterError, "allow_unused"):
        autograd.grad((x * 2).sum(), [x, y], materialize_grads=True, allow_unused=False)
    with raises_in_three_lines(ParameterError, "is_grads_batched"):
        autograd.grad(x * 2, x, minicnn.ones(3, 2, dtype=f64), is_grads_batched=True)
    with raises_in_three_lines(GraphError, "inputs is empty"):
        autograd.grad((x * 2).sum(), [])


def test_the_old_name_of_grad_tensors():
    x = leaf(1, 2)
    autograd.backward(x * 2, grad_variables=minicnn.tensor([1.0, 10.0], dtype=f64))
    close(x.grad, [2, 20])
    with raises_in_three_lines(GraphError, "grad_variables"):
        autograd.backward(x * 2, x.detach(), grad_variables=x.detach())


def test_variable_is_an_old_name_of_a_tensor():
    x = leaf(1, 2)
    assert Variable(x * 2).is_leaf
    assert not Variable(x).requires_grad
    assert Variable(x, requires_grad=True).requires_grad
    assert isinstance(x, Variable)
    assert not isinstance([1.0], Variable)
    zeros = minicnn.zeros(2)
    Variable(zeros).add_(1)
    assert zeros.tolist() == [1, 1]
    assert Variable().shape == (0,)
    with raises_in_three_lines(ArgumentTypeError, "Variable", "list"):
        Variable([1.0])
    with raises_in_three_lines(DTypeError, "int64"):
        Variable(minicnn.tensor([1]), requires_grad=True)
