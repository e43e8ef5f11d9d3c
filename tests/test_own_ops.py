"""A user's own op as a Primitive or a Fused."""

from __future__ import annotations

import numpy as np
import pytest
from tape_helpers import (
    close,
    leaf,
)

from minicnn import autograd
from minicnn.autograd import Fused, Primitive

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
