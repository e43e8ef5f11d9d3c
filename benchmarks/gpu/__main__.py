"""Time minicnn and PyTorch on the same GPU, in turns, by device events; medians, with ratios and parts of the ceilings.

    python -m benchmarks.gpu [NAME ...] [--keep] [--rounds 15] [--device cuda] [--smoke]

The networks of benchmarks/networks.py train at their own batch and at 256 and 1024, launched kernel by kernel and
replayed as CUDA graphs; each op runs alone. TF32 is as PyTorch's defaults have it (for convolutions, not for matrix
products) unless --tf32 says otherwise, and stands in the results. --device strict --smoke runs all of it on a machine
without a GPU, on small sizes, to see that it works: its figures mean nothing.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.gpu import ops, training
from benchmarks.gpu.sides import Side, machine
from benchmarks.machine import RESULTS
from benchmarks.networks import NETWORKS
from minicnn.errors import BackendError, CheckpointError
from minicnn.files import write_atomic

BATCHES = (256, 1024)
SMOKE = {
    "networks": ["base", "lenet5"],
    "ops": ["relu", "batch_norm", "cross_entropy", "conv 1x1 128-64 32x32", "matmul"],
}
TF32 = {"default": (True, False), "on": (True, True), "off": (False, False)}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.partition("\n")[0])
    every = [*NETWORKS, *ops.CASES, *ops.OPTIMIZERS]
    parser.add_argument("names", nargs="*", metavar="NAME", help="networks and ops; all by default")
    parser.add_argument("--device", choices=("cuda", "strict"), default="cuda")
    parser.add_argument("--smoke", action="store_true", help="small sizes and few rounds, to see that it works")
    parser.add_argument("--rounds", type=int, help="15 by default; 2 with --smoke")
    parser.add_argument("--tf32", choices=TF32, default="default", help="for convolutions alone, for all, for none")
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/gpu.json")
    parser.add_argument("--out", type=Path, help="write this file")
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in every:
            parser.error(f"there is no {name!r}; there are {', '.join(every)}")
    if options.keep and (options.smoke or options.device != "cuda"):
        parser.error("--keep is for a whole run on a GPU: leave out --smoke and --device")
    if options.rounds is not None and options.rounds < 1:
        parser.error(f"--rounds expects a number above zero, got {options.rounds}")
    try:
        run(options)
    except (BackendError, CheckpointError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def run(options: argparse.Namespace) -> None:
    """Time what was asked for, and write the figures after each row: a run of minutes may end early."""
    paths = [RESULTS / "gpu.json"] * options.keep + [options.out] * (options.out is not None)

    def add(kind: str, row: Any, shown: str) -> None:
        found[kind].append(row)
        print(shown, flush=True)
        for path in paths:
            write_atomic(path, json.dumps(found, indent=1, ensure_ascii=False) + "\n")

    sides = [Side(name, options.device) for name in ("minicnn", "torch") if importlib.util.find_spec(name)]
    for side in sides:
        side.set_tf32(*TF32[options.tf32])
    rounds = options.rounds or (2 if options.smoke else 15)
    milliseconds, n = (0.0, 2) if options.smoke else (20.0, 1024)
    networks = [name for name in NETWORKS if _wanted(options, name, "networks")]
    cases = [name for name in ops.CASES if _wanted(options, name, "ops")]
    optimizers = [name for name in ops.OPTIMIZERS if not options.names or name in options.names]
    found: dict[str, Any] = {
        "command": f"python -m benchmarks.gpu {' '.join(sys.argv[1:])}".rstrip(),
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(sides[0]),
        "versions": {side.name: side.version for side in sides} | {"python": sys.version.split()[0]},
        "tf32": {side.name: side.tf32() for side in sides},
        "rounds": rounds,
        "ceilings": ops.ceilings(sides, n, rounds, milliseconds),
        "training": [],
        "ops": [],
    }
    print(json.dumps({key: found[key] for key in ("machine", "versions", "tf32", "ceilings")}, indent=1), flush=True)
    for name in networks:
        for size in [4] if options.smoke else sorted({NETWORKS[name].batch, *BATCHES}):
            row = training.row(sides, name, size, rounds, milliseconds)
            add("training", row, training.shown(row))
    for name in cases:
        row = ops.row(sides, name, n, rounds, milliseconds, found["ceilings"])
        add("ops", row, ops.shown(row))
    for name in optimizers:
        count = 2**12 if options.smoke else 2**26
        row = ops.optimizer_row(sides, name, count, rounds, milliseconds, found["ceilings"])
        add("ops", row, ops.shown(row))
    for path in paths:
        print(path)


def _wanted(options: argparse.Namespace, name: str, kind: str) -> bool:
    if options.names:
        return name in options.names
    return not options.smoke or name in SMOKE[kind]


if __name__ == "__main__":
    sys.exit(main())
