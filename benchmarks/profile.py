"""Where the time of a training step goes: milliseconds of each op, forward and backward, of a network on minicnn.

    python -m benchmarks.profile NETWORK [--threads 2] [--steps 10] [--shapes]

An op's backward is all that its node does, tensor ops within included. What is left is the optimizer and the tape.
"""

from __future__ import annotations

import argparse
import functools
import sys
import time
from collections import defaultdict
from typing import Any

from benchmarks.machine import clean_environment
from benchmarks.networks import NETWORKS


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("network", choices=list(NETWORKS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--shapes", action="store_true", help="a line for each shape of the first input")
    options = parser.parse_args()
    clean_environment(options.threads)

    import minicnn
    import minicnn.nn
    import minicnn.optim
    from benchmarks.worker import training
    from minicnn.autograd import fused, primitive
    from minicnn.autograd.op import ops
    from minicnn.optim import SGD

    minicnn.set_num_threads(options.threads)
    minicnn.manual_seed(0)
    network = NETWORKS[options.network]
    step = training(minicnn, network, options.batch or network.batch)
    for _ in range(3):
        step()
    spent: dict[str, list[float]] = defaultdict(lambda: [0.0, 0])

    def timed(name: Any, function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            result = function(*args, **kwargs)
            entry = spent[name(args)]
            entry[0] += time.perf_counter() - start
            entry[1] += 1
            return result

        return wrapper

    def shape_of(values: Any) -> str:
        if not options.shapes:
            return ""
        return " ".join(str(x.shape).replace(" ", "") for x in values if hasattr(x, "shape"))

    everything: list[Any] = list(ops.values())
    for op in everything:
        label = f"{op.name:16} forward "
        op.forward = staticmethod(timed(lambda a, label=label: label + shape_of(a[1:]), op.forward))

    def backward_of(args: Any) -> str:
        inputs = (getattr(args[0], "inputs", None) or ()) if options.shapes else ()
        shapes = shape_of([x._array for x in inputs if hasattr(x, "_array")])
        return f"{args[0].op.name:16} backward {shapes}"

    nodes: list[Any] = [fused.FusedNode, primitive.PrimitiveNode]
    for kind in nodes:
        kind.vjp = timed(backward_of, kind.vjp)
    optimizer: Any = SGD
    optimizer.step = timed(lambda args: "optimizer", optimizer.step)
    start = time.perf_counter()
    for _ in range(options.steps):
        step()
    total = (time.perf_counter() - start) / options.steps * 1e3
    print(f"{'ms':>9} {'calls':>6}  {options.network}: {total:.2f} ms a step")
    for name, (seconds, calls) in sorted(spent.items(), key=lambda item: -item[1][0]):
        ms = seconds / options.steps * 1e3
        if ms > 0.005 * total:
            print(f"{ms:9.3f} {calls / options.steps:6.0f}  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
