"""MyGrad: NumPy arrays and its own tape; the optimizer is written here, since it has none."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.networks import NETWORKS
from benchmarks.peers.layers import Conv, Flatten, Linear, Pool, initial, read
from benchmarks.worker import arrays_of


def load(threads: int) -> str:
    """Import MyGrad; return its version. Its threads are those of BLAS, which the environment has set."""
    return str(importlib.import_module("mygrad").__version__)


def training(name: str, size: int) -> Callable[[], float]:
    """Return one step of training, which returns the loss: SGD with momentum, as `benchmarks.worker.training`."""
    mg = importlib.import_module("mygrad")
    nnet = importlib.import_module("mygrad.nnet")
    layers = read(name)
    images, target = arrays_of(NETWORKS[name], size)
    x = mg.tensor(images, constant=True)
    parameters = [(mg.tensor(weight), mg.tensor(bias)) for weight, bias in initial(layers)]
    flat = [parameter for pair in parameters for parameter in pair]
    velocity = [np.zeros_like(parameter.data) for parameter in flat]

    def forward(y: Any) -> Any:
        left = iter(parameters)
        for layer in layers:
            if isinstance(layer, Conv):
                weight, bias = next(left)
                y = nnet.conv_nd(y, weight, stride=1, padding=layer.padding) + bias.reshape(1, -1, 1, 1)
            elif isinstance(layer, Linear):
                weight, bias = next(left)
                y = y @ weight.T + bias
            elif isinstance(layer, Pool):
                y = nnet.max_pool(y, (layer.size, layer.size), layer.size)
            elif isinstance(layer, Flatten):
                y = y.reshape(y.shape[0], -1)
            else:
                y = nnet.relu(y)
        return y

    def step() -> float:
        loss = nnet.softmax_crossentropy(forward(x), target)
        loss.backward()
        for parameter, v in zip(flat, velocity, strict=True):
            v *= 0.9
            v += parameter.grad
            parameter.data -= 1e-3 * v
            parameter.null_grad()
        return float(loss)

    return step
