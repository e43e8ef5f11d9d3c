"""Lengths of vectors: every norm, vectors of zeros, numbers whose squares overflow; values and gradients."""

import math

import numpy as np
import pytest

import minicnn
import minicnn.nn.functional as F

NORMS = [0, 0.5, 1, 2, 3, math.inf, -math.inf]
ROWS = np.array([[3.0, -4.0, 0.5], [0.0, 0.0, 0.0], [0.0, 2.0, -1.0], [-1.0, 1.0, 1.0]])


def gradient(function, *arrays, lib=minicnn, **options):
    tensors = [lib.tensor(a, requires_grad=True) for a in arrays]
    y = function(*tensors, **options)
    if y.requires_grad:
        (y * lib.tensor(np.linspace(1.0, 2.0, y.numel()).reshape(y.shape))).sum().backward()
    return [y.detach().numpy(), *(np.zeros(t.shape) if t.grad is None else t.grad.numpy() for t in tensors)]


@pytest.mark.peers
@pytest.mark.parametrize("scale", [1.0, 1e20, 1e-20])
@pytest.mark.parametrize("p", NORMS)
def test_lengths_are_pytorchs(p, scale):
    torch = pytest.importorskip("torch")
    x, other = ROWS * scale, ROWS[::-1].copy() * scale
    for name, arrays, options in (
        ("normalize", (x,), {"eps": 0.1 * scale}),
        ("pairwise_distance", (x, other), {"eps": 0.0}),
        ("pairwise_distance", (x, x.copy()), {"keepdim": True}),
    ):
        found = gradient(getattr(F, name), *arrays, p=p, **options)
        expected = gradient(getattr(torch.nn.functional, name), *arrays, lib=torch, p=p, **options)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, err_msg=f"{name} {options}")


@pytest.mark.peers
@pytest.mark.parametrize("p", [0, 0.5, 1, 2, 3])
def test_pdist_is_pytorchs(p):
    torch = pytest.importorskip("torch")
    for a, b in zip(gradient(F.pdist, ROWS, p=p), gradient(torch.pdist, ROWS, lib=torch, p=p), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_float32_neither_overflows_nor_vanishes():
    x = minicnn.tensor([[3e25, 4e25]])
    np.testing.assert_allclose(F.normalize(x).numpy(), [[0.6, 0.8]], rtol=1e-6)
    np.testing.assert_allclose(F.cosine_similarity(x, x * 0.5).numpy(), [1.0], rtol=1e-6)
    np.testing.assert_allclose(F.pairwise_distance(x, -x).numpy(), [1e26], rtol=1e-6)
    np.testing.assert_allclose(F.normalize(x * 1e-25 * 1e-25, eps=0.0).numpy(), [[0.6, 0.8]], rtol=1e-5)


def test_a_number_is_a_vector_of_one():
    two, three = minicnn.tensor(2.0), minicnn.tensor(-3.0)
    assert F.normalize(two, dim=0).item() == 1.0
    assert F.cosine_similarity(two, three, dim=0).item() == -1.0
    with pytest.raises(IndexError):
        F.normalize(two)  # dim 1


@pytest.mark.parametrize("p", NORMS)
def test_long_rows_of_a_table_are_shortened(p):
    weight = minicnn.tensor(ROWS.astype(np.float32))
    F.embedding(minicnn.tensor([0, 3]), weight, max_norm=0.4, norm_type=p)
    lengths = minicnn.linalg.vector_norm(weight, p, dim=1)
    if p != 0:  # how many elements are not 0 is not changed
        assert bool((lengths[[0, 3]] <= 0.4 + 1e-6).all())
    np.testing.assert_array_equal(weight.numpy()[1:3], ROWS[1:3])
