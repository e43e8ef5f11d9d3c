"""JAX on the CPU: one jitted step, parameters and momentum given away to it."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import Any

from benchmarks.networks import NETWORKS
from benchmarks.peers.layers import Conv, Flatten, Linear, Pool, initial, read
from benchmarks.worker import arrays_of


def load(threads: int) -> str:
    """Import JAX, held to so many threads; return its version."""
    if hasattr(os, "sched_setaffinity"):  # it asks for the processors that it may use, and for nothing else
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    os.environ["JAX_PLATFORMS"] = "cpu"
    return str(importlib.import_module("jax").__version__)


def training(name: str, size: int) -> Callable[[], float]:
    """Return one step of training, which returns the loss: SGD with momentum, as `benchmarks.worker.training`."""
    jax, lax, jnp = (importlib.import_module(f"jax{part}") for part in ("", ".lax", ".numpy"))
    layers = read(name)
    images, targets = arrays_of(NETWORKS[name], size)
    x, target = jnp.asarray(images), jnp.asarray(targets)

    def forward(parameters: Any, y: Any) -> Any:
        left = iter(parameters)
        for layer in layers:
            if isinstance(layer, Conv):
                weight, bias = next(left)
                around = [(layer.padding, layer.padding)] * 2
                y = lax.conv_general_dilated(y, weight, (1, 1), around) + bias.reshape(-1, 1, 1)
            elif isinstance(layer, Linear):
                weight, bias = next(left)
                y = y @ weight.T + bias
            elif isinstance(layer, Pool):
                window = (1, 1, layer.size, layer.size)
                y = lax.reduce_window(y, -jnp.inf, lax.max, window, window, "VALID")
            elif isinstance(layer, Flatten):
                y = y.reshape(y.shape[0], -1)
            else:
                y = jax.nn.relu(y)
        return y

    def loss_of(parameters: Any) -> Any:
        logs = jax.nn.log_softmax(forward(parameters, x))
        return -jnp.take_along_axis(logs, target[:, None], axis=1).mean()

    def update(parameters: Any, velocity: Any) -> Any:
        loss, grads = jax.value_and_grad(loss_of)(parameters)
        velocity = jax.tree.map(lambda v, g: 0.9 * v + g, velocity, grads)
        return jax.tree.map(lambda p, v: p - 1e-3 * v, parameters, velocity), velocity, loss

    jitted = jax.jit(update, donate_argnums=(0, 1))
    parameters = jax.tree.map(jnp.asarray, initial(layers))
    velocity = jax.tree.map(jnp.zeros_like, parameters)

    def step() -> float:
        nonlocal parameters, velocity
        parameters, velocity, loss = jitted(parameters, velocity)
        jax.block_until_ready(parameters)
        return float(loss)

    return step
