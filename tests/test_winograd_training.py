"""Training by Winograd's algorithm reaches the loss that training by sums of products does, on real images.

``python tests/test_winograd_training.py 64`` does it by hand for the network's full width.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

import minicnn
from minicnn import nn
from minicnn.backend import explain_conv, set_winograd
from minicnn.data import CIFAR10, find_datasets

pytestmark = pytest.mark.slow
STEPS, BATCH, LAST = 200, 32, 20
NOISE = 0.05  # three deviations of the difference of two means, as seen without Winograd; losses end at 1.7


@pytest.fixture(autouse=True)
def images() -> Iterator[None]:
    if "cifar-10" not in find_datasets():
        pytest.skip("needs the full set cifar-10: set MINICNN_DATA to the folder that holds it")
    yield
    set_winograd(True)


@cache
def data() -> tuple[Any, Any]:
    """Return the images of all steps, normalized, and their labels."""
    found = CIFAR10()
    count = STEPS * BATCH
    pixels = (found.data[:count] / 255 - CIFAR10.mean) / CIFAR10.std
    return pixels.transpose(0, 3, 1, 2).astype(np.float32), np.asarray(found.targets[:count])


def vgg(width: int) -> nn.Sequential:
    """Return nine convolutions: three of a width, of twice and of four times that; pooled after each three."""
    layers: list[nn.Module] = []
    before = 3
    for channels in (width, 2 * width, 4 * width):
        for _ in range(3):
            layers += [nn.Conv2d(before, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
            before = channels
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, 10))


def losses(width: int, seed: int, winograd: bool) -> Any:
    """Return the loss of each step of a training from a seed; the images come in the same order for all."""
    set_winograd(winograd)
    minicnn.manual_seed(seed)
    model, (pixels, labels) = vgg(width), data()
    optimizer = minicnn.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    found = []
    for i in range(0, STEPS * BATCH, BATCH):
        x, t = minicnn.tensor(pixels[i : i + BATCH]), minicnn.tensor(labels[i : i + BATCH])
        loss = nn.functional.cross_entropy(model(x), t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return np.array(found)


def check(width: int) -> None:
    """Compare trainings with and without Winograd's algorithm.

    Rounding alone drives two trainings apart: images that differ by 1e-6 were seen to give losses 1e-2 apart in the
    fourth step, and ends 0.02 to 0.04 apart. So two are compared as far as that lets them be: step by step in the first
    two; at last by the mean of three seeds, whose own deviation is 0.02, and so 0.016 that of the difference.
    """
    direct, other = (np.array([losses(width, seed, winograd) for seed in range(3)]) for winograd in (False, True))
    ends = [runs[:, -LAST:].mean(1) for runs in (direct, other)]
    apart = np.abs(other - direct)[:, :2].max()
    print(f"last {LAST} steps: {ends[1]} by Winograd, {ends[0]} without; first 2 steps: {apart:.1e} apart")
    assert 0 < apart < 1e-3  # not 0: they went different ways
    assert ends[1].mean() < other[:, :LAST].mean() - 0.2  # it learns
    assert abs(ends[1].mean() - ends[0].mean()) <= NOISE


def test_the_layers_go_by_winograd() -> None:
    for channels, size in ((16, 32), (32, 16), (64, 8)):
        shapes = (BATCH, channels, size, size), (channels, channels, 3, 3)
        assert explain_conv(*shapes, padding=1).algorithm == "winograd"


def test_training_reaches_the_same_loss() -> None:
    check(16)


if __name__ == "__main__":
    check(int(sys.argv[1]))
