"""A network of benchmarks/networks.py as a list of layers, for libraries that do not speak PyTorch's names."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from benchmarks.networks import NETWORKS


class Conv(NamedTuple):
    """A convolution of stride 1."""

    before: int
    width: int
    kernel: int
    padding: int = 0


class Linear(NamedTuple):
    """y = x Wᵀ + b."""

    before: int
    width: int


class Pool(NamedTuple):
    """The largest of each window; the windows do not overlap."""

    size: int


class Relu(NamedTuple):
    """max(x, 0)."""


class Flatten(NamedTuple):
    """(N, ...) -> (N, -1)."""


Layer = Conv | Linear | Pool | Relu | Flatten
_LIBRARY = SimpleNamespace(
    nn=SimpleNamespace(
        Conv2d=Conv, Linear=Linear, MaxPool2d=Pool, ReLU=Relu, Flatten=Flatten, Sequential=lambda *layers: list(layers)
    )
)


def read(name: str) -> list[Layer]:
    """Return the layers of the network, in order; only plain sequences of the five above can be read."""
    layers: list[Layer] = NETWORKS[name].build(_LIBRARY)
    return layers


def initial(layers: list[Layer]) -> list[tuple[Any, Any]]:
    """Return weight and bias of each layer that has any, as PyTorch draws them: uniform within ±1/√(inputs)."""
    rng = np.random.default_rng(0)

    def uniform(shape: tuple[int, ...], inputs: int) -> Any:
        return rng.uniform(-1 / math.sqrt(inputs), 1 / math.sqrt(inputs), shape).astype(np.float32)

    parameters = []
    for layer in layers:
        if isinstance(layer, Conv | Linear):
            kernel = (layer.kernel, layer.kernel) if isinstance(layer, Conv) else ()
            inputs = layer.before * math.prod(kernel)
            parameters.append((uniform((layer.width, layer.before, *kernel), inputs), uniform((layer.width,), inputs)))
    return parameters
