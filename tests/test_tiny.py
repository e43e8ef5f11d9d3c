"""The whole idea in a screen: a network in tensor ops, its gradient, the gradient's check, and a loss that falls."""

import numpy as np

import minicnn
from minicnn.testing import gradcheck, gradgradcheck


def network(x, kernel, weight):
    y = minicnn.conv2d(x, kernel, padding=1).relu()  # (N, 4, 8, 8)
    y = minicnn.max_pool2d(y, 2)  # (N, 4, 4, 4)
    return y.flatten(1) @ weight  # (N, 2)


def test_the_whole_idea():
    rng = np.random.default_rng(0)
    images = rng.normal(size=(16, 1, 8, 8))
    labels = (images[:, 0, :4].sum((1, 2)) > images[:, 0, 4:].sum((1, 2))).astype(np.int64)  # brighter half: top?
    x, t = minicnn.tensor(images), minicnn.tensor(labels)
    kernel = minicnn.tensor(rng.normal(size=(4, 1, 3, 3)) * 0.3, requires_grad=True)
    weight = minicnn.tensor(rng.normal(size=(64, 2)) * 0.1, requires_grad=True)

    few = (x[:3], kernel, weight)
    assert gradcheck(network, few)
    assert gradgradcheck(network, few)

    losses = []
    for _ in range(60):
        loss = minicnn.cross_entropy(network(x, kernel, weight), t)
        loss.backward()
        with minicnn.no_grad():
            for p in (kernel, weight):
                p -= 0.5 * p.grad
                p.grad = None
        losses.append(loss.item())
    assert losses[0] > 0.5
    assert losses[-1] < 0.05
    assert (network(x, kernel, weight).argmax(1) == t).all()
