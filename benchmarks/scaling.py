"""What an image costs in a training step of `conv9`, by the size of the batch, on minicnn and on PyTorch.

    python -m benchmarks.scaling [BATCH ...] [--threads 2] [--rounds 7] [--quick] [--keep]

--keep writes figures and a picture to benchmarks/results. How the libraries take turns and what a ratio is:
benchmarks/race.py.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from benchmarks.machine import clean_environment, keep, named
from benchmarks.race import add_options, compare, disturbance, figures, interpreters, parse

PEERS = ["torch"]
BATCHES = [str(2**k) for k in range(10)]
LABELS = {"minicnn": "minicnn", "torch": "PyTorch"}


def draw(rows: list[dict[str, Any]], threads: int, path: Path) -> None:
    """Draw milliseconds an image against the batch, the batch on a logarithmic axis."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 4), layout="constrained")
    rows = sorted(rows, key=lambda row: row["batch"])
    for library, marker in zip(LABELS, "os", strict=True):
        measured = [row for row in rows if library in row["parts"]["step"]["ms"]]
        each = [row["parts"]["step"]["ms"][library] / row["batch"] for row in measured]
        axes.plot([row["batch"] for row in measured], each, marker=marker, label=LABELS[library])
    axes.set_xscale("log", base=2)
    axes.set_xticks([row["batch"] for row in rows])
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("images in a batch")
    axes.set_ylabel("milliseconds an image")
    axes.set_title(f"A training step of conv9, {threads} thread{'s' if threads > 1 else ''}")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=150)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    add_options(parser, f"a batch of {', '.join(BATCHES)}", "few rounds of batches up to 16", PEERS, 7)
    options = parse(parser, BATCHES, BATCHES[:5])
    clean_environment(options.threads)
    pythons = interpreters(parser, options, PEERS)
    rows = []
    print(f"{'batch':>5}  milliseconds an image (ratio)")
    for batch in options.names:
        row = compare(pythons, "conv9", "train", int(batch), options.threads, options.rounds)
        rows.append(row | {"name": batch})
        print(f"{batch:>5}  {figures(row['parts']['step'], images=int(batch))}{disturbance(row)}", flush=True)
    if options.keep:
        path, whole = keep(named("scaling", options.threads), f"scaling --threads {options.threads}", {"rows": rows})
        draw(whole["rows"], options.threads, path.with_suffix(".png"))
        print(path, path.with_suffix(".png"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
