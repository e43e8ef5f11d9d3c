"""``python -m minicnn.testing``: run the op suite and print a row a function."""

from __future__ import annotations

import argparse
import sys
import time

from minicnn.errors import MinicnnError, message
from minicnn.testing.suite import CHECKS, every_function, run


def main(argv: list[str] | None = None) -> int:
    """Run the suite; return 0 where all passes, 1 where a check fails, 2 for an unknown name."""
    parser = argparse.ArgumentParser(
        prog="python -m minicnn.testing",
        description="Check every op: gradients against finite differences to second order, kernels against "
        "definitions, memory layouts, float32, and the strict device namespace.",
    )
    parser.add_argument("names", nargs="*", help="functions to check; all by default")
    parser.add_argument("--seed", type=int, default=0, help="draws other samples and directions (default 0)")
    args = parser.parse_args(argv)
    known = {public.name: public for public in every_function()}
    unknown = [name for name in args.names if name not in known]
    if unknown:
        print(
            message(
                "minicnn.testing",
                f"there is no function {unknown[0]!r}.",
                f"{len(known)} are registered, from {min(known)} to {max(known)}",
                "run without names to list them all.",
            ),
            file=sys.stderr,
        )
        return 2
    chosen = [known[name] for name in args.names] or list(known.values())
    width = max(len(public.name) for public in chosen)
    columns = [f"{name:>12}" for name in CHECKS]
    print(f"{'function':{width}} {'cases':>6} {'errors':>6} {' '.join(columns)}")
    start, cases, failed = time.perf_counter(), 0, []
    for public in chosen:
        try:
            row = run(public, args.seed)
        except MinicnnError as error:
            failed.append(str(error))
            print(f"{public.name:{width}} FAILED")
            continue
        cases += row.cases
        worst = " ".join(f"{value:12.1e}" for value in row.worst.values())
        print(f"{row.name:{width}} {row.cases:6} {row.errors:6} {worst}", flush=True)
    seconds = time.perf_counter() - start
    for text in failed:
        print(f"\n{text}", file=sys.stderr)
    passed = f"{len(chosen) - len(failed)} of {len(chosen)} functions passed"
    print(f"{passed}, {cases} cases, {seconds:.0f} s, seed {args.seed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
