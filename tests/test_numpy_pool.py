"""The gradient of max pooling where windows overlap, on the CPU, against the plain one of `minicnn.backend.base`."""

from __future__ import annotations

import numpy as np
import pytest

from minicnn.backend import get
from minicnn.backend.base import Backend, output_size
from minicnn.backend.numpy import pool

NUMPY = get("numpy")
# sizes, kernel, stride, padding, dilation
WINDOWS = {
    "AlexNet's": ((13, 11), (3, 3), (2, 2), ((0, 0), (0, 0)), (1, 1)),
    "ResNet's": ((12, 9), (3, 3), (2, 2), ((1, 1), (1, 1)), (1, 1)),
    "each pixel's": ((6, 7), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1)),
    "of one dim": ((40,), (7,), (3,), ((3, 2),), (1,)),
    "of three dims": ((5, 6, 4), (2, 3, 2), (1, 2, 1), ((1, 0), (1, 1), (0, 0)), (1, 1, 1)),
    "with gaps": ((9, 12), (3, 2), (1, 1), ((1, 1), (0, 0)), (2, 3)),
    "of more than 256": ((20, 20), (17, 17), (1, 2), ((2, 1), (0, 3)), (1, 1)),
    "some of which see padding alone": ((5, 7), (2, 3), (1, 1), ((1, 1), (1, 1)), (6, 1)),
}


@pytest.mark.parametrize("scattered", [1, 200, 10**6])
@pytest.mark.parametrize("order", ["maps first", "pixels first", "images last", "turned"])
@pytest.mark.parametrize("name", WINDOWS)
def test_gradient(name, order, scattered, monkeypatch):
    monkeypatch.setattr(pool, "SCATTERED", scattered)
    sizes, *moves = WINDOWS[name]
    d = len(sizes)
    spatial = tuple(range(2, d + 2))
    dims = {
        "maps first": (0, 1, *spatial),
        "pixels first": (*spatial, 0, 1),
        "images last": (1, *spatial, 0),
        "turned": (*spatial[::-1], 1, 0),
    }[order]

    def laid_out(a):
        return np.ascontiguousarray(a.transpose(dims)).transpose(np.argsort(dims))

    rng = np.random.default_rng(0)
    out = tuple(output_size(*a) for a in zip(sizes, *moves, strict=True))
    x = rng.integers(-9, 9, (3, 2, *sizes)).astype(np.float64)
    x[rng.random(x.shape) < 0.1] = -np.inf
    _, index = Backend.max_pool(NUMPY, x, *moves, out)
    grad = rng.normal(size=index.shape)
    expected = Backend.max_pool_grad(NUMPY, grad, index, sizes, *moves)
    for laid in (grad, laid_out(grad)):
        found = NUMPY.max_pool_grad(laid, laid_out(index), sizes, *moves)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_no_images():
    moves = (3, 3), (2, 2), ((1, 1), (1, 1)), (1, 1)
    grad, index = np.zeros((0, 4, 3, 3)), np.zeros((0, 4, 3, 3), np.uint8)
    assert NUMPY.max_pool_grad(grad, index, (6, 6), *moves).shape == (0, 4, 6, 6)
