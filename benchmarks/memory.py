"""Resident memory: over a thousand training steps, where it must stay flat, and at its highest in a step, by network.

    python -m benchmarks.memory [NAME ...] [--threads 2] [--quick] [--keep]

The highest is what the process holds above what it held before the network was built. The exit status is 1 if minicnn
grows by more than the bound.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from benchmarks.machine import clean_environment, keep, named
from benchmarks.networks import NETWORKS
from benchmarks.race import Worker, add_options, interpreters, parse

PEERS = ["torch"]
SMALL = "lenet5"  # the network of the thousand steps
EVERY = 50  # steps from one reading to the next
WARM = 2  # readings before memory should be flat
BOUND_MIB = 4.0  # from then on


def curve(python: str, library: str, steps: int, threads: int) -> list[float]:
    """Train so many steps; return resident MiB after each EVERY of them."""
    worker = Worker(python, library, SMALL, "train", NETWORKS[SMALL].batch, threads)
    found = []
    for _ in range(steps // EVERY):
        worker.rounds(EVERY)
        found.append(worker.resident_kib / 1024)
    worker.end()
    return found


def growth(readings: list[float]) -> float:
    """Return by how much memory grew after the first WARM readings."""
    return max(readings[WARM:]) - readings[WARM - 1]


def peak(python: str, library: str, name: str, threads: int) -> float:
    """Return the most MiB that three training steps took."""
    worker = Worker(python, library, name, "train", NETWORKS[name].batch, threads)
    worker.rounds(3)
    worker.end()
    return worker.peak_kib / 1024


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    add_options(parser, f"of {', '.join(NETWORKS)}", "few steps, and the small networks", PEERS)
    options = parse(parser, NETWORKS, ["base", "lenet5", "autoencoder"])
    clean_environment(options.threads)
    pythons = interpreters(parser, options, PEERS)
    steps = 300 if options.quick else 1000
    curves = {library: curve(python, library, steps, options.threads) for library, python in pythons.items()}
    for library, readings in curves.items():
        print(f"{library}: {steps} steps of {SMALL}, resident MiB each {EVERY} steps:")
        print("  " + " ".join(f"{mib:.1f}" for mib in readings))
        print(f"  grows by {growth(readings):.1f} MiB after step {WARM * EVERY}")
    flat = growth(curves["minicnn"]) <= BOUND_MIB
    print(f"minicnn is {'flat' if flat else 'NOT flat'} within {BOUND_MIB:g} MiB")
    rows: list[dict[str, Any]] = []
    print(f"{'network':18} {'batch':>5}  MiB at the most, of a training step")
    for name in options.names:
        peaks = {library: peak(python, library, name, options.threads) for library, python in pythons.items()}
        rows.append({"name": name, "batch": NETWORKS[name].batch, "threads": options.threads, "peak_mib": peaks})
        figures = ", ".join(f"{library} {mib:.0f}" for library, mib in peaks.items())
        print(f"{name:18} {NETWORKS[name].batch:5}  {figures}", flush=True)
    if options.keep:
        long = {"network": SMALL, "steps": steps, "every": EVERY, "bound_mib": BOUND_MIB, "resident_mib": curves}
        growths = {library: growth(readings) for library, readings in curves.items()}
        results = {"long": long | {"growth_mib": growths}, "rows": rows}
        print(keep(named("memory", options.threads), f"memory --threads {options.threads}", results)[0])
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
