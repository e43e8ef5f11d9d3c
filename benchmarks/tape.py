"""The tape's own cost: microseconds an op of chains of tiny ops, forward and backward, beside PyTorch's.

``python -m benchmarks.tape``; PyTorch takes part where it is installed. Both run in this one process, in turn, one
chain after the other, one thread each; the figures are medians over rounds.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.machine import clean_environment, keep

LENGTH = 1000  # ops a chain
Step = Callable[[Any, Any], Any]

# Each step takes the running tensor (4 elements) and a constant one of the same shape, whose elements sum to 1.
CHAINS: dict[str, tuple[int, Step]] = {  # how many ops a step has, and the step
    "x + c": (1, lambda x, c: x + c),
    "x * c": (1, lambda x, c: x * c),
    "x * 0.999": (1, lambda x, c: x * 0.999),
    "tanh": (1, lambda x, c: x.tanh()),
    "reshape": (1, lambda x, c: x.reshape(2, 2) if x.ndim == 1 else x.reshape(4)),
    "sum, x * c": (2, lambda x, c: x.sum() * c),
}


def measure(library: Any, ops: int, step: Step) -> tuple[float, float]:
    """Return microseconds an op, forward and backward, of one chain."""
    x = library.tensor([0.1, 0.2, 0.3, 0.4], requires_grad=True)
    c = library.tensor([0.3, 0.2, 0.3, 0.2])
    start = time.perf_counter()
    y = x
    for _ in range(LENGTH // ops):
        y = step(y, c)
    middle = time.perf_counter()
    y.sum().backward()
    end = time.perf_counter()
    return (middle - start) / LENGTH * 1e6, (end - middle) / LENGTH * 1e6


def main() -> None:
    """Print a row a chain."""
    parser = argparse.ArgumentParser(description="Time chains of tiny ops against PyTorch.")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/tape.json")
    args = parser.parse_args()
    clean_environment(threads=1)

    import minicnn

    libraries: dict[str, Any] = {"minicnn": minicnn}
    try:
        import torch

        torch.set_num_threads(1)
        libraries["torch"] = torch
    except ImportError:
        print("PyTorch is not installed: minicnn alone is measured.")
    times: dict[str, dict[str, list[tuple[float, float]]]] = {c: {name: [] for name in libraries} for c in CHAINS}
    gc.disable()
    for _ in range(args.rounds):
        for chain, (ops, step) in CHAINS.items():
            for name, library in libraries.items():
                times[chain][name].append(measure(library, ops, step))
    rows = {
        chain: {
            name: {
                "forward": statistics.median(t[0] for t in found),
                "backward": statistics.median(t[1] for t in found),
            }
            for name, found in by_library.items()
        }
        for chain, by_library in times.items()
    }
    print(f"{'µs an op':14}" + "".join(f"{n + ' forward':>18}{n + ' backward':>18}" for n in libraries))
    for chain, row in rows.items():
        print(f"{chain:14}" + "".join(f"{r['forward']:18.2f}{r['backward']:18.2f}" for r in row.values()))
    if args.keep:
        versions = {name: library.__version__ for name, library in libraries.items()}
        results = {"length": LENGTH, "rounds": args.rounds, "versions": versions, "microseconds": rows}
        print(f"kept in {keep('tape', 'tape', results)[0]}")


if __name__ == "__main__":
    main()
