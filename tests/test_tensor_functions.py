"""Functions of tensors whose results are no tensors, or random, or written in place; and both worlds' keywords."""

import numpy as np
import pytest

import minicnn
from minicnn.errors import DTypeError, GraphError, ParameterError, ShapeError


def test_equal_and_allclose_give_python_bools():
    a = minicnn.tensor([1.0, 2.0])
    assert minicnn.equal(a, a.clone()) is True
    assert a.equal(minicnn.tensor([1.0, 3.0])) is False
    assert a.equal(minicnn.tensor([[1.0, 2.0]])) is False
    assert minicnn.allclose(a, a + 1e-6) is True
    assert a.allclose(a + 1.0) is False
    assert a.allclose(a + 0.5, atol=1.0)
    nan = minicnn.tensor([float("nan")])
    assert not nan.allclose(nan)
    assert nan.allclose(nan, equal_nan=True)
    with pytest.raises(DTypeError):
        minicnn.allclose(a, a.double())


def test_out_is_written_to_and_returned():
    a, b = minicnn.tensor([[1.0, 2.0], [3.0, 4.0]]), minicnn.tensor([[2.0, 2.0], [2.0, 2.0]])
    for function in (minicnn.add, minicnn.sub, minicnn.mul, minicnn.div, minicnn.matmul):
        out = minicnn.zeros(2, 2)
        view = out[0]
        assert function(a, b, out=out) is out
        assert out.equal(function(a, b))
        assert view.equal(out[0])
        empty = minicnn.empty(0)
        assert function(a, b, out=empty) is empty
        assert empty.equal(function(a, b))
        with pytest.raises(ShapeError):
            function(a, b, out=minicnn.zeros(3))
        with pytest.raises(GraphError):
            function(a.clone().requires_grad_(), b, out=out)
        with minicnn.no_grad():
            function(a.clone().requires_grad_(), b, out=out)
    assert minicnn.div(a, b, rounding_mode="floor", out=minicnn.zeros(2, 2)).tolist() == [[0.0, 1.0], [1.0, 2.0]]


def test_keywords_of_numpy():
    x = minicnn.tensor([[1.0, 5.0], [3.0, 2.0]])
    assert x.sum(axis=0).tolist() == [4.0, 7.0]
    assert x.mean(axis=1, keepdims=True).shape == (2, 1)
    assert x.max(axis=1).values.tolist() == [5.0, 3.0]
    assert x.argmin(axis=0).tolist() == [0, 1]
    assert minicnn.stack([x, x], axis=-1).shape == (2, 2, 2)
    assert x.reshape(shape=(4,)).shape == (4,)
    assert x.permute(dims=(1, 0)).equal(x.t())
    assert minicnn.flip(x, dims=[0]).tolist() == [[3.0, 2.0], [1.0, 5.0]]
    assert x.softmax(axis=1).allclose(x.softmax(1))


@pytest.mark.parametrize("name", ["scatter_", "scatter_add_"])
def test_scatter_in_place(name):
    x = minicnn.zeros(2, 3)
    index = minicnn.tensor([[2], [0]])
    assert getattr(x, name)(1, index, minicnn.ones(2, 1)) is x
    assert x.tolist() == [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]


def test_in_place_methods_record():
    x = minicnn.tensor([1.0, 4.0], requires_grad=True)
    y = (x * 1).sqrt_().masked_fill_(minicnn.tensor([True, False]), 0.0)
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 0.25]
    assert minicnn.zeros(3).scatter_(0, minicnn.tensor([1]), 1).tolist() == [0.0, 1.0, 0.0]


def test_new_tensors_follow_dtype():
    x = minicnn.zeros(2, dtype=minicnn.float64)
    assert x.new_ones(2, 3).dtype == minicnn.float64
    assert x.new_zeros((3,)).shape == (3,)
    assert x.new_full((2,), 7).tolist() == [7.0, 7.0]
    assert x.new_tensor([1, 2]).dtype == minicnn.float64


def test_like_and_drawn():
    x = minicnn.zeros(200, 50, dtype=minicnn.float64)
    minicnn.manual_seed(0)
    assert minicnn.randn_like(x).dtype == minicnn.float64
    assert minicnn.rand_like(x, dtype=minicnn.float32, requires_grad=True).requires_grad
    assert set(minicnn.randint_like(x, 1, 3).unique().tolist()) == {1.0, 2.0}
    assert minicnn.empty_like(x).shape == x.shape
    drawn = minicnn.normal(minicnn.full((10000,), 3.0), 2.0)
    assert abs(drawn.mean().item() - 3.0) < 0.1
    assert abs(drawn.std().item() - 2.0) < 0.1
    assert minicnn.normal(0, 1, size=(2, 3)).shape == (2, 3)
    assert abs(minicnn.bernoulli(x + 0.25).mean().item() - 0.25) < 0.02
    with pytest.raises(ParameterError):
        minicnn.bernoulli(x + 2)
    with pytest.raises(ParameterError):
        minicnn.normal(0.0, -1.0, size=(2,))


def test_sizes_and_gradients_by_keyword():
    for make in (minicnn.zeros, minicnn.ones, minicnn.empty, minicnn.rand, minicnn.randn):
        assert make(size=(2, 3), requires_grad=True).shape == (2, 3)
    for x in (minicnn.arange(2.0, requires_grad=True), minicnn.eye(2, requires_grad=True)):
        assert x.requires_grad
    assert minicnn.linspace(0, 1, 3, requires_grad=True).is_leaf
    assert minicnn.ones_like(minicnn.zeros(2), device="cpu").tolist() == [1.0, 1.0]
    assert minicnn.randint(0, 3, size=(4,)).shape == (4,)


def test_multinomial():
    weights = minicnn.tensor([[0.0, 1.0, 3.0], [1.0, 1.0, 0.0]])
    minicnn.manual_seed(0)
    drawn = minicnn.multinomial(weights, 4000, replacement=True)
    assert drawn.shape == (2, 4000)
    assert drawn.dtype == minicnn.int64
    counts = drawn[0].bincount(minlength=3) / 4000
    np.testing.assert_allclose(counts.numpy(), [0.0, 0.25, 0.75], atol=0.05)
    assert sorted(minicnn.multinomial(weights, 2)[1].tolist()) == [0, 1]
    with pytest.raises(ParameterError):
        minicnn.multinomial(weights, 3)
    with pytest.raises(ShapeError):
        minicnn.multinomial(weights[None], 1)


def test_linalg_norm():
    x = minicnn.tensor([[1.0, -2.0], [3.0, 4.0]])
    for args, kwargs in [((), {}), ((1,), {}), ((float("inf"),), {}), (("fro",), {}), ((2,), {"dim": 0})]:
        expected = np.linalg.norm(x.numpy(), *args, axis=kwargs.get("dim"))
        np.testing.assert_allclose(minicnn.linalg.norm(x, *args, **kwargs).numpy(), expected, rtol=1e-6)
    assert minicnn.linalg.diagonal(x).tolist() == [1.0, 4.0]
    with pytest.raises(ParameterError):
        minicnn.linalg.norm(x, "nuc")


def test_questions():
    x = minicnn.zeros(2, 3)
    assert minicnn.numel(x) == 6
    assert minicnn.is_tensor(x)
    assert not minicnn.is_tensor(x.numpy())
    assert minicnn.is_floating_point(x)
    assert minicnn.tril_indices(3, 2, -1).tolist() == np.stack(np.tril_indices(3, -1, 2)).tolist()
    assert minicnn.triu_indices(2, 3, 1).tolist() == np.stack(np.triu_indices(2, 1, 3)).tolist()


def test_roll_and_repeat_give_copies():
    x = minicnn.tensor([1.0, 2.0])
    for y in (x.roll(0), x.roll(2), x.repeat(1), x.prod(0), minicnn.rot90(x[None], 4)):
        y += 1
    assert x.tolist() == [1.0, 2.0]
