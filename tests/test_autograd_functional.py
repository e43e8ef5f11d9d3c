"""jacobian, hessian and their products, against derivatives worked out by hand."""

import numpy as np
import pytest

import minicnn
from minicnn.autograd.functional import hessian, hvp, jacobian, jvp, vhp, vjp
from minicnn.errors import ArgumentTypeError, GraphError, ParameterError, ShapeError

f64 = minicnn.float64
A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def t(values, **options):
    return minicnn.tensor(values, dtype=f64, **options)


def test_jacobian_of_a_linear_map_is_its_matrix():
    j = jacobian(lambda x: t(A) @ x, t([1.0, -1.0, 2.0]))
    np.testing.assert_array_equal(j.numpy(), A)
    assert not j.requires_grad


def test_jacobian_has_the_shapes_of_outputs_and_inputs():
    def func(x, y):
        return x.sum(0) * y, (x * 2).exp()

    x, y = t(A), t([1.0, 2.0, 3.0])
    ((first_x, first_y), (second_x, second_y)) = jacobian(func, (x, y))
    assert first_x.shape == (3, 2, 3)
    assert first_y.shape == (3, 3)
    assert second_x.shape == (2, 3, 2, 3)
    assert second_y.shape == (2, 3, 3)
    assert not second_y.any()  # does not depend on y
    np.testing.assert_allclose(first_y.numpy(), np.diag(A.sum(0)))
    expected = np.einsum("ij,ia,jb->ijab", 2 * np.exp(2 * A), np.eye(2), np.eye(3))
    np.testing.assert_allclose(second_x.numpy(), expected)


def test_hessian_of_a_quadratic_form():
    b = np.array([[2.0, 1.0], [0.0, 3.0]])
    h = hessian(lambda x: x @ (t(b) @ x), t([0.5, -1.0]))
    np.testing.assert_allclose(h.numpy(), b + b.T)


def test_hessian_of_two_inputs():
    h = hessian(lambda x, y: (x * x * y).sum(), (t([3.0]), t([5.0])))
    assert [[float(part) for part in row] for row in h] == [[10.0, 6.0], [6.0, 0.0]]


def test_products_are_those_with_the_whole_matrices():
    rng = np.random.default_rng(0)
    x, u, v = (t(rng.normal(size=s)) for s in (3, 2, 3))

    def func(x):
        return (t(A) @ x).tanh()

    j = jacobian(func, x)
    y, product = vjp(func, x, u)
    np.testing.assert_allclose(product.numpy(), (u @ j).numpy())
    np.testing.assert_allclose(y.numpy(), np.tanh(A @ x.numpy()))
    np.testing.assert_allclose(jvp(func, x, v)[1].numpy(), (j @ v).numpy())

    def number(x):
        return func(x).pow(2).sum()

    np.testing.assert_allclose(hvp(number, x, v)[1].numpy(), (hessian(number, x) @ v).numpy())


def test_create_graph_goes_on():
    x = t([2.0], requires_grad=True)
    (jacobian(lambda x: x**3, x, create_graph=True) * x).sum().backward()  # 3x³
    assert x.grad.item() == pytest.approx(36.0)


def test_recording_off_outside_does_not_matter_and_inputs_are_left_alone():
    x = t([1.0, 2.0])
    with minicnn.no_grad():
        assert jacobian(lambda x: x * x, x).tolist() == [[2, 0], [0, 4]]
    assert not x.requires_grad
    assert x.grad is None


def test_errors():
    x = t([1.0, 2.0])
    for error, call in (
        (ArgumentTypeError, lambda: jacobian(lambda x: x, [1.0])),
        (ArgumentTypeError, lambda: jacobian(lambda x: 3.0, x)),
        (ShapeError, lambda: hessian(lambda x: x * x, x)),
        (ShapeError, lambda: vjp(lambda x: x * x, x)),
        (ShapeError, lambda: vjp(lambda x: x * x, x, t([1.0]))),
        (GraphError, lambda: jacobian(lambda x: t([1.0]), x, strict=True)),
    ):
        with pytest.raises(error) as caught:
            call()
        assert len(str(caught.value).splitlines()) == 3


def test_vhp_is_the_product_from_the_left():
    h = hessian(lambda x: (x**3).prod(), t([1.0, 2.0]))
    v = t([0.3, -0.7])
    y, product = vhp(lambda x: (x**3).prod(), t([1.0, 2.0]), v)
    np.testing.assert_allclose(product.numpy(), (v @ h).numpy())
    assert y.item() == 8.0
    assert not product.requires_grad


def test_strict_refuses_derivatives_that_are_zero_everywhere():
    x = t([1.0, 2.0])

    def linear(x):
        return (3 * x).sum()

    assert hvp(linear, x, x)[1].tolist() == [0, 0]
    for call in (
        lambda: hvp(linear, x, x, strict=True),
        lambda: vhp(linear, x, x, strict=True),
        lambda: hessian(linear, x, strict=True),
        lambda: jvp(lambda x: 3 * x, x, x, strict=True, create_graph=True),
        lambda: jacobian(lambda x: 3 * x, x, strict=True, create_graph=True),
        lambda: jacobian(lambda x: x, x, strict=True, vectorize=True),
    ):
        with pytest.raises(GraphError, match="strict"):
            call()
    assert jvp(lambda x: 3 * x, x, x, strict=True)[1].tolist() == [3, 6]
    with pytest.raises(ParameterError, match="strategy"):
        jacobian(lambda x: x, x, strategy="sideways")
    with pytest.raises(ShapeError, match="one number"):
        hessian(lambda x: (x.sum(), x.sum()), x)
