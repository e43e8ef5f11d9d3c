"""Train the same networks on minicnn and on its peers, in turn; print medians and ratios.

    python -m benchmarks.train_step [NAME ...] [--threads 2] [--rounds 15] [--infer SIZE] [--quick] [--keep]

PyTorch takes part in all, JAX and MyGrad in the networks that benchmarks/peers reads. How they take turns and what a
ratio is: benchmarks/race.py.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.machine import clean_environment, describe, keep, named
from benchmarks.networks import NETWORKS
from benchmarks.race import add_options, compare, disturbance, figures, interpreters, means, parse, positive

PEERS = ["torch", "jax", "mygrad"]
FEW = {"lenet5", "conv9"}  # the networks, in training, of the peers but PyTorch


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train_step", description=__doc__)
    add_options(parser, f"of {', '.join(NETWORKS)}", "few rounds of the small networks", PEERS, 15)
    parser.add_argument("--infer", type=positive, metavar="SIZE", help="forward alone, at this batch size")
    options = parse(parser, NETWORKS, ["base", "lenet5", "autoencoder"])
    clean_environment(options.threads)
    pythons = interpreters(parser, options, PEERS)
    kind = "infer" if options.infer else "train"
    machine = describe()
    print(f"{machine['processor']}, {machine['cores']} cores, NumPy {machine['numpy']}, BLAS {machine['blas']}")
    print(f"{'network':18} {'batch':>5}  milliseconds (ratio), MiB at the most")
    rows = []
    for name in options.names:
        size = options.infer or NETWORKS[name].batch
        all_take_part = kind == "train" and name in FEW
        some = pythons if all_take_part else {k: v for k, v in pythons.items() if k in ("minicnn", "torch")}
        row = compare(some, name, kind, size, options.threads, options.rounds)
        if kind == "train":
            row["goal"] = NETWORKS[name].goal
        rows.append(row)
        memory = ", ".join(f"{mib:.0f}" for mib in row["peak_mib"].values())
        print(f"{name:18} {size:5}  {figures(row['parts']['step'])}; {memory} MiB{disturbance(row)}", flush=True)
    means(rows)
    if options.keep:
        infer = f" --infer {options.infer}" if options.infer else ""
        name = named(f"infer_{options.infer}" if options.infer else "train_step", options.threads)
        print(keep(name, f"train_step{infer} --threads {options.threads}", {"rows": rows})[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
