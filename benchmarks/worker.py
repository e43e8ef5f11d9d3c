"""One library in a process of its own: does a job when told to, and answers with the seconds each part of it took.

`python -m benchmarks.worker minicnn lenet5 train 64 2` (library, name, kind, batch, threads) prints the library's
version, then reads a number of rounds a line from stdin and answers each line with JSON; an empty line ends it. The
libraries take turns, so none disturbs another (`benchmarks.race`).
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.machine import memory_kib
from benchmarks.networks import NETWORKS, Network

Job = Callable[[], dict[str, float]]  # does all once, and returns the seconds that each part took


def arrays_of(network: Network, size: int) -> tuple[Any, Any]:
    """Return inputs and targets (None where they are the inputs), the same for every library."""
    rng = np.random.default_rng(0)
    inputs: Any = rng.random((size, *network.shape), dtype=np.float32)
    if network.words:
        inputs = rng.integers(0, network.words, (size, *network.shape))
    return inputs, rng.integers(0, network.classes, size) if network.classes else None


def batch_of(network: Network, size: int, lib: Any) -> tuple[Any, Any]:
    """Return inputs and targets as the library's tensors."""
    inputs, targets = arrays_of(network, size)
    x = lib.tensor(inputs)
    return x, x if targets is None else lib.tensor(targets)


def training(lib: Any, network: Network, size: int) -> Callable[[], float]:
    """Return one step of training, which returns the loss: zero the gradients, forward, backward, SGD with momentum."""
    model = network.build(lib)
    x, target = batch_of(network, size, lib)
    loss_fn = lib.nn.CrossEntropyLoss() if network.classes else lib.nn.MSELoss()
    optimizer = lib.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)

    def step() -> float:
        optimizer.zero_grad()
        loss = loss_fn(model(x), target)
        loss.backward()
        optimizer.step()
        return float(loss.item())

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


def whole(step: Callable[[], Any]) -> Job:
    """Return a job of one part, "step"."""

    def job() -> dict[str, float]:
        start = time.perf_counter()
        step()
        return {"step": time.perf_counter() - start}

    return job


def job_of(lib: Any, name: str, kind: str, size: int) -> Job:
    """Return the job: of a network ("train", "infer") or of an op alone ("op", whose sizes are its own)."""
    if kind == "op":
        from benchmarks.op_cases import job

        return job(lib, name)
    return whole({"train": training, "infer": inference}[kind](lib, NETWORKS[name], size))


def library_job(library: str, name: str, kind: str, size: int, threads: int) -> tuple[Callable[[], Job], str]:
    """Load the library; return what builds the job, and the library's version."""
    if library in ("jax", "mygrad"):
        peer = importlib.import_module(f"benchmarks.peers.{library}")
        version: str = peer.load(threads)
        return lambda: whole(peer.training(name, size)), version
    lib = importlib.import_module(library)
    importlib.import_module(f"{library}.nn")
    importlib.import_module(f"{library}.optim")
    lib.set_num_threads(threads)
    lib.manual_seed(0)
    return lambda: job_of(lib, name, kind, size), str(lib.__version__)


def main() -> int:
    """Run the loop that this module's docstring describes."""
    library, name, kind, size, threads = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints is no answer
    build, version = library_job(library, name, kind, int(size), int(threads))
    before, _ = memory_kib()
    job = build()
    print(json.dumps({"version": version}), file=answers)
    for line in sys.stdin:
        if not line.strip():
            break
        seconds = [job() for _ in range(int(line))]
        now, peak = memory_kib()
        answer = {"seconds": seconds, "resident_kib": now, "peak_kib": peak - before}
        print(json.dumps(answer), file=answers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
