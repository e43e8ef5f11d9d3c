"""One library in a process of its own: trains or infers when told to, and answers with the seconds each step took.

`python -m benchmarks.worker minicnn lenet5 train 64 2` reads a number of steps a line from stdin and answers each line
with a JSON list of seconds; an empty line ends it. The libraries take turns, so none disturbs another.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.networks import NETWORKS, Network


def batch_of(network: Network, size: int, lib: Any) -> tuple[Any, Any]:
    """Return inputs and targets, the same for every library."""
    rng = np.random.default_rng(0)
    if network.words:
        inputs = rng.integers(0, network.words, (size, *network.shape))
    else:
        inputs = rng.random((size, *network.shape), dtype=np.float32)
    x = lib.tensor(inputs)
    return x, lib.tensor(rng.integers(0, network.classes, size)) if network.classes else x


def training(lib: Any, network: Network, size: int) -> Callable[[], Any]:
    """Return one step of training: zero the gradients, forward, backward, SGD with momentum."""
    model = network.build(lib)
    x, target = batch_of(network, size, lib)
    loss_fn = lib.nn.CrossEntropyLoss() if network.classes else lib.nn.MSELoss()
    optimizer = lib.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_fn(model(x), target)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def inference(lib: Any, network: Network, size: int) -> Callable[[], Any]:
    """Return one forward pass, without gradients."""
    model = network.build(lib)
    model.eval()
    x, _ = batch_of(network, size, lib)

    def step() -> Any:
        with lib.no_grad():
            return model(x)

    return step


def main() -> int:
    """Run the loop that this module's docstring describes."""
    library, name, kind, size, threads = sys.argv[1:]
    lib = importlib.import_module(library)
    importlib.import_module(f"{library}.nn")
    importlib.import_module(f"{library}.optim")
    lib.set_num_threads(int(threads))
    lib.manual_seed(0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    step = {"train": training, "infer": inference}[kind](lib, NETWORKS[name], int(size))
    for line in sys.stdin:
        if not line.strip():
            break
        seconds = []
        for _ in range(int(line)):
            start = time.perf_counter()
            step()
            seconds.append(time.perf_counter() - start)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(json.dumps({"seconds": seconds, "peak_kib": peak}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
