"""A user's own op by subclassing Function."""

from __future__ import annotations

import numpy as np
import pytest
from tape_helpers import (
    MulSub,
    SavesInput,
    SavesOutput,
    close,
    f64,
    leaf,
    raises_in_three_lines,
)

import minicnn
from minicnn import autograd
from minicnn.autograd import Function
from minicnn.errors import ArgumentTypeError, GraphError, ShapeError

# ---- user ops: Function


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


# ---- setup_context and writes in place


class Scale(Function):
    @staticmethod
    def forward(x, y, factor):
        return x * y * factor

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, y, ctx.factor = inputs
        ctx.save_for_backward(x, y)

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * y * ctx.factor, g * x * ctx.factor, None


def test_forward_and_setup_context_apart():
    x, y = leaf(2), leaf(3)
    (g,) = autograd.grad(Scale.apply(x, y, 10) ** 2, x, create_graph=True)  # 200xy²
    close(g, [3600])
    g.sum().backward()
    close(x.grad, [1800])
    close(y.grad, [2400])
    assert Scale.apply(x, y, 1).grad_fn.name() == "ScaleBackward"


class Double(Function):
    @staticmethod
    def forward(ctx, x, give=True):
        ctx.mark_dirty(x)
        x.mul_(2)
        return x if give else x + 1

    @staticmethod
    def backward(ctx, g):
        return g * 2, None


def test_a_function_that_writes_in_place_gives_its_input_the_new_history():
    x = leaf(1, 2)
    a = x * 3
    assert Double.apply(a) is a
    (a * a).sum().backward()  # 36x²
    close(x.grad, [72, 144])


def test_a_function_that_writes_to_a_view_changes_the_history_of_the_whole():
    x = leaf(1, 2)
    a = x * 3
    Double.apply(a[:1])
    assert a.tolist() == [6, 6]
    (a * a).sum().backward()
    close(x.grad, [72, 36])


def test_what_needs_the_value_before_the_write_says_so():
    a = leaf(1, 2) * 3
    y = a.sin().sum()
    Double.apply(a)
    with raises_in_three_lines(GraphError, "in place"):
        y.backward()


def test_a_function_may_write_neither_to_a_leaf_nor_without_returning_it():
    with raises_in_three_lines(GraphError, "Double", "leaf"):
        Double.apply(leaf(1))
    with raises_in_three_lines(GraphError, "Double", "dirty"):
        Double.apply(leaf(1) * 1, False)
    constant = minicnn.ones(1)
    assert Double.apply(constant) is constant
    assert not constant.requires_grad
