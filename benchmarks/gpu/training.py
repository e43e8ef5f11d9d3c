"""Training steps of the networks: launched kernel by kernel, and replayed as CUDA graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.gpu.sides import Side
from benchmarks.gpu.timing import Entry, measure
from benchmarks.networks import NETWORKS, Network
from benchmarks.worker import batch_of


def step_of(side: Side, network: Network, size: int) -> Callable[[], Any]:
    """Return a training step, which leaves the loss on the device: forward, backward, SGD with momentum."""
    lib = side.lib
    model = network.build(lib)
    x, target = batch_of(network, size, lib)
    loss_fn = lib.nn.CrossEntropyLoss() if network.classes else lib.nn.MSELoss()
    optimizer = lib.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_fn(model(x), target)
        loss.backward()
        optimizer.step()
        return loss

    return step


def row(sides: list[Side], name: str, size: int, rounds: int, milliseconds: float) -> dict[str, Any]:
    """Return the figures of a network at a batch size."""
    entries, memory = {}, {}
    for side in sides:
        with side.here():
            side.begin_peak()
            step = step_of(side, NETWORKS[name], size)
            for _ in range(3):
                step()
            entries[side.name] = Entry(side, step)
            memory[side.name] = side.peak_mib()
            entries[f"{side.name} graph"] = Entry(side, side.graph(step_of(side, NETWORKS[name], size)))
    found = measure(entries, rounds, milliseconds)
    peer = found.get("torch", {}).get("ms")
    ratios = {key: peer / value["ms"] for key, value in found.items() if peer is not None and key != "torch"}
    return {"name": name, "batch": size, "times": found, "torch_eager_over": ratios, "peak_mib": memory}


def shown(row: dict[str, Any]) -> str:
    """Return a row as text."""
    times = ", ".join(f"{key} {value['ms']:.3f} ms" for key, value in row["times"].items())
    ratios = ", ".join(f"{key} {value:.2f}" for key, value in row["torch_eager_over"].items())
    return f"{row['name']:18} {row['batch']:5}  {times}" + (
        f"; PyTorch eager takes as many times: {ratios}" if ratios else ""
    )
