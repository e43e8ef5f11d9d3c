"""Against PyTorch: new tensors' values, shapes and dtypes, questions about dtypes, and special functions' edges."""

from __future__ import annotations

import numpy as np
import pytest

import minicnn

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::UserWarning")]

CALLS = [
    lambda L: L.arange(5), lambda L: L.arange(end=5), lambda L: L.arange(1, 2, 0.1), lambda L: L.arange(0.5, 3),
    lambda L: L.arange(start=1, end=4), lambda L: L.arange(5.0), lambda L: L.arange(5, 0, -2), lambda L: L.arange(0),
    lambda L: L.arange(0, 1, 0.3, dtype=L.float64), lambda L: L.linspace(0, 1, 5), lambda L: L.linspace(3, 10, 1),
    lambda L: L.linspace(0, 10, 5, dtype=L.int64), lambda L: L.linspace(0, 1, 0), lambda L: L.logspace(0, 2, 3, base=2),
    lambda L: L.eye(2, 3), lambda L: L.eye(3, dtype=L.int64), lambda L: L.full((2,), True), lambda L: L.full((), 3),
    lambda L: L.full(size=(2,), fill_value=2.5), lambda L: L.zeros(size=(2, 3)), lambda L: L.zeros([2, 3]),
    lambda L: L.tril_indices(3, 3), lambda L: L.triu_indices(3, 4, 1), lambda L: L.scalar_tensor(3),
    lambda L: L.scalar_tensor(2.5, dtype=L.float64), lambda L: L.asarray([1, 2]), lambda L: L.asarray(np.ones(2)),
    lambda L: L.asarray(np.ones(2), dtype=L.float32), lambda L: L.tensor([1, 2.0]), lambda L: L.tensor([]),
    lambda L: L.tensor([True, 2]), lambda L: L.as_tensor(np.arange(3)),
    lambda L: L.randperm(4, dtype=L.int32).sort()[0],
    lambda L: L.randint(low=1, high=2, size=(2,)), lambda L: L.randint(3, (2,), dtype=L.float32) * 0,
    lambda L: L.randint(1, 2, (2,), dtype=L.float32, requires_grad=True), lambda L: L.rand(size=(2,)) * 0,
    lambda L: L.normal(L.zeros(3), 0.0), lambda L: L.normal(2.0, L.zeros(3)), lambda L: L.normal(1.0, 0.0, (2,)),
    lambda L: L.normal(mean=1.0, std=0.0, size=(2,)), lambda L: L.zeros(2, 3).new_full((2,), 3),
    lambda L: L.ones(2, dtype=L.int64).new_ones((2, 2)), lambda L: L.ones(3).bernoulli(),
    lambda L: L.ones(3).bernoulli(0),
    lambda L: L.tensor([0.0, 1, 0]).multinomial(1), lambda L: L.from_dlpack(np.arange(3)),
    lambda L: L.ones(2).new_tensor([1, 2]),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_new_tensors(number):
    mine, theirs = (CALLS[number](lib).detach().numpy() for lib in (minicnn, torch))
    assert mine.shape == theirs.shape
    assert mine.dtype == theirs.dtype
    np.testing.assert_allclose(mine, theirs, rtol=1e-6)


def test_dtypes_cast_as_there():
    names = ["bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64"]
    for a in names:
        for b in names:
            expected = torch.can_cast(getattr(torch, a), getattr(torch, b))
            assert minicnn.can_cast(getattr(minicnn, a), getattr(minicnn, b)) == expected, (a, b)


def test_facts_of_dtypes_and_shapes():
    for name in ("float32", "float64"):
        mine, theirs = minicnn.finfo(getattr(minicnn, name)), torch.finfo(getattr(torch, name))
        assert (mine.eps, mine.max, mine.tiny) == (theirs.eps, theirs.max, theirs.tiny)
    assert minicnn.iinfo(minicnn.int32).max == torch.iinfo(torch.int32).max
    assert tuple(minicnn.broadcast_shapes((2, 1), (3,), 1)) == tuple(torch.broadcast_shapes((2, 1), (3,), 1))
    assert minicnn.is_same_size(minicnn.zeros(2), minicnn.ones(2))
    assert not minicnn.is_same_size(minicnn.zeros(2), minicnn.ones(2, 1))


def test_asarray_shares_and_copies_as_asked():
    for lib in (minicnn, torch):
        array = np.zeros(2)
        lib.asarray(array).fill_(1)
        assert array.tolist() == [1, 1]
        lib.asarray(array, copy=True).fill_(2)
        assert array.tolist() == [1, 1]
        with pytest.raises(ValueError, match=r"copy|alias"):
            lib.asarray([1, 2], copy=False)


def test_dlpack_shares_memory():
    x = minicnn.zeros(2, 3)
    torch.from_dlpack(x)[0, 0] = 5
    assert x[0, 0].item() == 5
    t = torch.zeros(2)
    minicnn.from_dlpack(t).fill_(3)
    assert t.tolist() == [3, 3]
    with pytest.raises(minicnn.errors.GraphError):
        x.requires_grad_().__dlpack__()


def test_drawn_in_place():
    minicnn.manual_seed(0)
    x = minicnn.zeros(20000, dtype=minicnn.float64)
    assert abs(x.exponential_(2.0).mean().item() - 0.5) < 0.02
    assert abs(x.log_normal_(0.0, 0.5).log().std().item() - 0.5) < 0.02
    assert abs(x.geometric_(0.25).mean().item() - 4) < 0.1
    assert abs(x.cauchy_(1.0, 2.0).median().item() - 1) < 0.1
    assert set(x.random_(2, 5).tolist()) == {2, 3, 4}
    assert set(x.random_(3).tolist()) == {0, 1, 2}
    assert minicnn.zeros(100, dtype=minicnn.uint8).random_().max() > 128
    assert set(minicnn.zeros(100, dtype=minicnn.bool).random_().tolist()) == {True, False}
    for call in (lambda: x.exponential_(0), lambda: x.geometric_(1), lambda: x.random_(3, 3), lambda: x.cauchy_(0, 0)):
        with pytest.raises(minicnn.errors.ParameterError):
            call()


EDGES = np.array([0.0, -0.0, 0.5, 1.0, -1.0, 1 - 1e-5, -1 + 1e-3, 2.0, 6.0, 26.0, -6.0, np.inf, -np.inf, np.nan])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "name",
    ["erfc", "erfinv", "sinc", "asinh", "acosh", "atanh", "signbit", "isposinf", "isneginf", "deg2rad"],
)
def test_edges_of_one(name):
    x = EDGES[np.isfinite(EDGES) | np.isnan(EDGES)] if name == "sinc" else EDGES
    mine, theirs = (getattr(lib, name)(lib.tensor(x)).numpy() for lib in (minicnn, torch))
    np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-15)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", ["logaddexp", "logaddexp2", "xlogy", "fmax", "fmin", "copysign", "heaviside"])
def test_edges_of_two(name):
    a, b = (m.ravel().copy() for m in np.meshgrid(EDGES, EDGES))
    mine, theirs = (getattr(lib, name)(lib.tensor(a), lib.tensor(b)).numpy() for lib in (minicnn, torch))
    np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-13)


def test_gradients_do_not_pass_through_the_unchosen():
    for name in ("logaddexp", "fmax", "fmin"):
        found = []
        for lib in (minicnn, torch):
            x = lib.tensor([-1e4, 1.0, 2.0], dtype=lib.float64).requires_grad_()
            y = lib.tensor([1e4, 1.0, -3.0], dtype=lib.float64).requires_grad_()
            getattr(lib, name)(x, y).sum().backward()
            found.append((x.grad.numpy(), y.grad.numpy()))
        np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-12)
        np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-12)
