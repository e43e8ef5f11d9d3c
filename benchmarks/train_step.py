"""Train the same networks on minicnn and on its peers, in turn; print medians and ratios.

    python -m benchmarks.train_step [NAME ...] [--threads 2] [--rounds 15] [--infer SIZE] [--quick] [--keep]

Each library runs in a process of its own. A round gives each a few steps, one library after the other; a ratio is of
the same round, and the median of all rounds is what counts: other programs on the machine slow both alike.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
from typing import Any

from benchmarks.machine import clean_environment, describe, keep
from benchmarks.networks import NETWORKS

PEERS = ["torch"]


class Worker:
    """A process that runs one library (`benchmarks.worker`)."""

    def __init__(self, library: str, name: str, kind: str, size: int, threads: int) -> None:
        command = [sys.executable, "-m", "benchmarks.worker", library, name, kind, str(size), str(threads)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.peak_kib = 0

    def steps(self, count: int) -> float:
        """Run so many steps; return the median of their seconds."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"benchmarks.train_step: a worker ended early: {' '.join(map(str, self.process.args))}")
        found = json.loads(answer)
        self.peak_kib = found["peak_kib"]
        return statistics.median(found["seconds"])

    def end(self) -> None:
        """Let the process end."""
        self.process.communicate("\n")


def compare(name: str, kind: str, size: int, threads: int, rounds: int, peers: list[str]) -> dict[str, Any]:
    """Return the medians of each library in seconds, ratios to minicnn, and peak memory."""
    workers = {library: Worker(library, name, kind, size, threads) for library in ["minicnn", *peers]}
    first = {library: worker.steps(2) for library, worker in workers.items()}  # warms up
    count = max(1, min(50, int(0.15 / max(min(first.values()), 1e-4))))
    times: dict[str, list[float]] = {library: [] for library in workers}
    for _ in range(rounds):
        for library, worker in workers.items():
            times[library].append(worker.steps(count))
    for worker in workers.values():
        worker.end()
    mine = times["minicnn"]
    return {
        "network": name,
        "kind": kind,
        "batch": size,
        "threads": threads,
        "ms": {library: statistics.median(found) * 1e3 for library, found in times.items()},
        "ratio": {p: statistics.median(t / m for t, m in zip(times[p], mine, strict=True)) for p in peers},
        "peak_mib": {library: worker.peak_kib / 1024 for library, worker in workers.items()},
    }


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train_step", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NETWORKS)}; all by default")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--infer", type=int, metavar="SIZE", help="forward alone, at this batch size")
    parser.add_argument("--quick", action="store_true", help="few rounds of the small networks")
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/train_step.json")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in NETWORKS]
    if unknown:
        parser.error(f"there is no network {unknown[0]!r}; there are {', '.join(NETWORKS)}")
    clean_environment(options.threads)
    names = options.names or (["base", "lenet5", "autoencoder"] if options.quick else list(NETWORKS))
    peers = [peer for peer in PEERS if importlib.util.find_spec(peer)]
    machine = describe()
    print(f"{machine['processor']}, {machine['cores']} cores, NumPy {machine['numpy']}, BLAS {machine['blas']}")
    print(f"{'network':18} {'batch':>5} {'minicnn':>9} " + " ".join(f"{p + ' ms':>9} {'ratio':>6}" for p in peers))
    rows = []
    for name in names:
        size = options.infer or NETWORKS[name].batch
        kind = "infer" if options.infer else "train"
        row = compare(name, kind, size, options.threads, 3 if options.quick else options.rounds, peers)
        rows.append(row)
        figures = " ".join(f"{row['ms'][p]:9.2f} {row['ratio'][p]:6.2f}" for p in peers)
        memory = " ".join(f"{library} {mib:.0f} MiB" for library, mib in row["peak_mib"].items())
        print(f"{name:18} {size:5} {row['ms']['minicnn']:9.2f} {figures}  {memory}", flush=True)
    for peer in peers:
        mean = statistics.geometric_mean(row["ratio"][peer] for row in rows)
        print(f"geometric mean of the ratios to {peer}: {mean:.2f}")
    if options.keep:
        print(keep("train_step" if not options.infer else f"infer_{options.infer}", {"rows": rows}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
