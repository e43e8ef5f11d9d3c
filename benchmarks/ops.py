"""Each op alone, on minicnn and on PyTorch, forward and backward, in turn; print medians and ratios.

    python -m benchmarks.ops [NAME ...] [--threads 2] [--rounds 15] [--quick] [--keep]
    python -m benchmarks.ops --kernels [NAME ...] ...

With --kernels: every kernel that minicnn has for a convolution's shape, beside the one it takes
(benchmarks/kernels.py). How the libraries take turns and what a ratio is: benchmarks/race.py.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.machine import clean_environment, describe, keep, named
from benchmarks.op_cases import CONVS, NAMES
from benchmarks.race import add_options, compare, disturbance, figures, interpreters, means, parse

PEERS = ["torch"]
QUICK = ["conv 3x3 16-16 32x32", "conv 5x5 6-16 14x14", "max_pool2d", "relu", "cross_entropy", "SGD"]


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ops", description=__doc__)
    add_options(parser, "an op, such as 'relu' or 'conv 5x5 6-16 14x14'", "few rounds of a few ops", PEERS, 15)
    parser.add_argument("--kernels", action="store_true", help="minicnn's own kernels for convolutions, side by side")
    options = parse(parser, NAMES, QUICK)
    if options.kernels:
        options.names = [name for name in options.names if name in CONVS]
        if not options.names:
            parser.error(f"--kernels is for convolutions: {', '.join(CONVS)}")
    clean_environment(options.threads)
    machine = describe()
    print(f"{machine['processor']}, {machine['cores']} cores, NumPy {machine['numpy']}, BLAS {machine['blas']}")
    if options.kernels:
        from benchmarks.kernels import measure

        rows = measure(options.names, options.threads, options.rounds)
        if options.keep:
            command = f"ops --kernels --threads {options.threads}"
            print(keep(named("kernels", options.threads), command, {"rows": rows})[0])
        return 0
    pythons = interpreters(parser, options, PEERS)
    rows = []
    print(f"{'milliseconds (ratio)':32} {'forward, or an optimizer’s step':36} backward")
    for name in options.names:
        row = compare(pythons, name, "op", 0, options.threads, options.rounds)
        rows.append(row)
        columns = [f"{figures(part, digits=3):36}" for part in row["parts"].values()]
        print(f"{name:32} {' '.join(columns).rstrip()}{disturbance(row)}", flush=True)
    means(rows)
    if options.keep:
        print(keep(named("ops", options.threads), f"ops --threads {options.threads}", {"rows": rows})[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
