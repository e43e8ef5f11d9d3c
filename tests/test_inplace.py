"""Writes in place: the values, and the gradients of what is written to."""

from __future__ import annotations

import numpy as np
import pytest
from inplace_helpers import close, f64, leaf, refused

import minicnn
from minicnn import autograd
from minicnn.errors import DTypeError, MinicnnError, ShapeError

# ---- the values


def test_views_share_memory():
    x = minicnn.zeros(2, 3)
    views = [x[0], x[:, 1:], x.T, x.reshape(-1), x.reshape(3, 2), x[None], x.unsqueeze(0), x.transpose(0, 1),
             x.flatten(), x.detach(), x.data, x.view(6), x.permute(1, 0), x.squeeze(), x.narrow(1, 0, 2), x[...],
             x.expand(4, 2, 3)]  # fmt: skip
    x[0, 1] = 5
    x += 1
    for v in views:
        assert np.shares_memory(v.numpy(), x.numpy())
        assert v.numpy().max() == 6
    for copy in (x.clone(), x[[0, 1]], x[x > 0], x.double(), x * 1, x.flip(0), minicnn.tensor(x)):
        before = copy.numpy().copy()
        with minicnn.no_grad():
            x += 1
        np.testing.assert_array_equal(copy.numpy(), before)


def test_in_place_methods_return_the_tensor_and_write_its_memory():
    for method, args, expected in [
        ("add_", (1,), [2, -1, 4]),
        ("sub_", (1,), [0, -3, 2]),
        ("mul_", (2,), [2, -4, 6]),
        ("div_", (2,), [0.5, -1, 1.5]),
        ("pow_", (2,), [1, 4, 9]),
        ("clamp_", (0, 2), [1, 0, 2]),
        ("relu_", (), [1, 0, 3]),
        ("exp_", (), np.exp([1, -2, 3])),
        ("fill_", (7,), [7, 7, 7]),
        ("zero_", (), [0, 0, 0]),
        ("copy_", (minicnn.tensor([4, 5, 6]),), [4, 5, 6]),
        ("copy_", (minicnn.tensor([4.0]),), [4, 4, 4]),
    ]:
        x = minicnn.tensor([1.0, -2.0, 3.0], dtype=f64)
        array = x.numpy()
        assert getattr(x, method)(*args) is x
        close(x, expected)
        np.testing.assert_allclose(array, expected)


def test_alpha():
    x = minicnn.ones(2)
    close(x.add_(minicnn.ones(2), alpha=3).sub_(minicnn.ones(2), alpha=2), [2, 2])


def test_operators_in_place_keep_the_object():
    x = minicnn.tensor([4.0, 9.0])
    y = x
    x += 1
    x -= 2
    x *= 3
    x /= 6
    x **= 2
    assert x is y
    close(y, [2.25, 16])


def test_in_place_keeps_the_dtype():
    x = minicnn.ones(2, dtype=minicnn.float32)
    x += minicnn.ones(2, dtype=f64)
    assert x.dtype == minicnn.float32
    n = minicnn.tensor([1, 2])
    n += True
    assert n.tolist() == [2, 3]
    refused(DTypeError, lambda: n.add_(0.5), "int64", "float")
    refused(DTypeError, lambda: n.div_(2), "int64", "float")


def test_setitem_casts_to_the_tensor():
    n = minicnn.tensor([1, 2, 3])
    n[0] = 2.9
    n[1] = minicnn.tensor(7.9)
    assert n.tolist() == [2, 7, 3]
    x = minicnn.zeros(2)
    x[0] = minicnn.tensor(3)
    x[1] = True
    assert x.tolist() == [3, 1]


def test_in_place_cannot_grow_the_tensor():
    x = minicnn.ones(3)
    refused(ShapeError, lambda: x.add_(minicnn.ones(2, 3)), "(2, 3)", "(3,)")
    refused(ShapeError, lambda: x.add_(minicnn.ones(2)))
    refused(ShapeError, lambda: x.copy_(minicnn.ones(2)))
    with pytest.raises(ShapeError):
        x[:2] = minicnn.ones(3)
    close(x, [1, 1, 1])


def test_writes_to_an_expanded_tensor_are_refused():
    refused(MinicnnError, lambda: minicnn.ones(1, 3).expand(2, 3).add_(1))


@pytest.mark.parametrize("requires_grad", [False, True])
def test_setitem_of_every_kind(requires_grad):
    rng = np.random.default_rng(0)
    for index in [
        1, -1, slice(0, 2), (slice(None), 1), (Ellipsis, 0), (0, 1, 2), None, ([0, 2], [1, 0]), [2, 0],
        (slice(None), [0, 2]), np.array([True, False, True]),
    ]:  # fmt: skip
        start = rng.normal(size=(3, 4, 5))
        expected = start.copy()
        value = rng.normal(size=expected[index].shape)
        expected[index] = value
        x = minicnn.tensor(start, requires_grad=requires_grad)
        v = minicnn.tensor(value, requires_grad=requires_grad)
        y = x * 1
        y[index] = v
        close(y, expected)
        if requires_grad:
            g = rng.normal(size=start.shape)
            y.backward(minicnn.tensor(g))
            close(v.grad, g[index])
            g[index] = 0
            close(x.grad, g)


def test_setitem_broadcasts_and_sums_the_gradient():
    x, v = minicnn.ones(2, 3, dtype=f64, requires_grad=True), leaf(2)
    y = x * 1
    y[:, 1:] = v
    (y * minicnn.arange(6.0, dtype=f64).reshape(2, 3)).sum().backward()
    close(v.grad, [1 + 2 + 4 + 5])
    close(x.grad, [[0, 0, 0], [3, 0, 0]])


def test_setitem_by_mask_and_tensor_index():
    x = minicnn.tensor([1.0, -2.0, 3.0, -4.0])
    x[x < 0] = 0
    close(x, [1, 0, 3, 0])
    x[minicnn.tensor([0, 2])] = minicnn.tensor([10.0, 30.0])
    close(x, [10, 0, 30, 0])
    x[minicnn.tensor(1)] += 5
    close(x, [10, 5, 30, 0])


def test_overlapping_moves():
    x = minicnn.arange(5.0)
    x[1:] = x[:-1]
    close(x, [0, 0, 1, 2, 3])


# ---- gradients of a plain tensor


def test_gradients_of_each_method():
    g = np.array([1.0, 10.0, 100.0])
    for method, args, factor in [
        ("add_", (1.5,), [1, 1, 1]),
        ("sub_", (1.5,), [1, 1, 1]),
        ("mul_", (2.0,), [2, 2, 2]),
        ("div_", (2.0,), [0.5, 0.5, 0.5]),
        ("pow_", (2,), [2, -4, 6]),
        ("clamp_", (-1, 2), [1, 0, 0]),
        ("clamp_", (None, 2), [1, 1, 0]),
        ("relu_", (), [1, 0, 1]),
        ("exp_", (), np.exp([1, -2, 3])),
        ("fill_", (7,), [0, 0, 0]),
        ("zero_", (), [0, 0, 0]),
    ]:
        x = leaf(1, -2, 3)
        y = x * 1
        getattr(y, method)(*args)
        y.backward(minicnn.tensor(g))
        close(x.grad, g * factor)


def test_gradients_go_to_the_other_operand():
    x, w = leaf(1, 2, 3), leaf(2)
    y = x * 1
    y *= w
    y += w
    y.div_(w)
    y.sub_(w, alpha=3)  # x + 1 − 3w
    y.sum().backward()
    close(x.grad, [1, 1, 1])
    close(w.grad, [-9])


def test_copy_gives_its_gradient_to_the_source():
    x, s = leaf(1, 2), minicnn.tensor([3.0], requires_grad=True)  # float32
    y = x * 1
    y.copy_(s)
    (y * minicnn.tensor([1.0, 10.0], dtype=f64)).sum().backward()
    assert x.grad is None or x.grad.tolist() == [0, 0]
    close(s.grad, [11])
    assert s.grad.dtype == minicnn.float32


def test_a_wider_operand_gets_a_grad_of_its_own_dtype():
    x, w = minicnn.ones(3, requires_grad=True), minicnn.ones(3, dtype=f64, requires_grad=True)
    y = x * 1
    y += w
    y.sum().backward()
    assert x.grad.dtype == minicnn.float32
    assert w.grad.dtype == f64


def test_a_constant_comes_to_require_grad_by_a_write():
    w = leaf(2)
    y = minicnn.zeros(3, dtype=f64)
    assert not y.requires_grad
    y[1] = w[0]
    assert y.requires_grad
    assert not y.is_leaf
    (y * y).sum().backward()
    close(w.grad, [4])


def test_many_writes_one_after_another():
    x = leaf(1, 2)
    y = x * 1
    for _ in range(50):
        y *= 1.1
        y += x
    y.sum().backward()
    close(x.grad, [sum(1.1**k for k in range(51))] * 2)


def test_in_place_to_second_order():
    x = leaf(2)
    y = x * 1
    y.pow_(3)
    y[:1] *= x
    (g,) = autograd.grad(y.sum(), x, create_graph=True)
    (gg,) = autograd.grad(g.sum(), x)
    close(g, [4 * 8])
    close(gg, [12 * 4])
