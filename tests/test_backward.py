"""What backward computes, what it refuses, and what it says."""

from __future__ import annotations

import numpy as np
import pytest
from tape_helpers import (
    close,
    f64,
    leaf,
    raises_in_three_lines,
)

import minicnn
from minicnn import autograd
from minicnn.errors import ArgumentTypeError, DTypeError, GraphError, MinicnnError, ShapeError

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
    assert z.grad_fn.next_functions == ((y.grad_fn, 0),)
