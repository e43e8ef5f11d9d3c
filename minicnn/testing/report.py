"""The suite as a table: a row a function, and a row a function of the faults that were caught."""

from __future__ import annotations

import difflib
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tqdm import tqdm

from minicnn.autograd.op import Public
from minicnn.errors import MinicnnError, ParameterError, message
from minicnn.testing.suite import CHECKS, every_function, run
from minicnn.testing.teeth import caught_by, faults_of

ORDERS = {1: ["first order"], 2: ["first order", "second order"]}


def chosen(where: str, names: Sequence[str]) -> list[Public]:
    """Return the functions of these names; all of them for none.

    Raises:
        ParameterError: a name is not registered.
    """
    known = {public.name: public for public in every_function()}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 3)
            raise ParameterError(
                message(
                    where,
                    f"there is no function {name!r}.",
                    f"{len(known)} are registered" + (f"; near it: {', '.join(near)}" if near else ""),
                    f"name one of them, such as {near[0] if near else 'conv2d'}, or none to check all.",
                )
            )
    return [known[name] for name in names] or list(known.values())


def check_all(functions: Sequence[Public], seed: int, order: int | None = None) -> int:
    """Print a row a function: cases, error samples, and the worst relative error of each check.

    Args:
        functions: what to check.
        seed: draws other samples and directions.
        order: check the gradients alone, up to this order; all checks for None.
    Returns:
        0 where all pass, else 1; what failed is printed on stderr, and how to repeat it.
    """
    checks = CHECKS if order is None else {name: CHECKS[name] for name in ORDERS[order]}
    width = max(len(public.name) for public in functions)
    print(f"{'function':{width}} {'cases':>6} {'errors':>6} " + " ".join(f"{name:>12}" for name in checks))
    cases = 0

    def row(public: Public) -> str:
        nonlocal cases
        found = run(public, seed, checks)
        cases += found.cases
        worst = " ".join(f"{value:12.1e}" for value in found.worst.values())
        return f"{found.name:{width}} {found.cases:6} {found.errors:6} {worst}"

    failed, seconds = _rows(functions, row, width)
    passed = f"{len(functions) - failed} of {len(functions)} functions passed"
    print(f"{passed}, {cases:,} cases, {seconds:.0f} s, seed {seed}")
    return 1 if failed else 0


def bite_all(functions: Iterable[Public], seed: int) -> int:
    """Plant faults in the gradients of each op and print which of them the checks caught.

    Returns:
        0 where every fault was caught, else 1.
    """
    public_ops = [public for public in functions if public.op is not None]
    width = max((len(public.name) for public in public_ops), default=8)
    print(f"{'function':{width}} {'faults':>6} {'caught':>6}")
    planted = caught = 0

    def row(public: Public) -> str:
        nonlocal planted, caught
        plan = list(faults_of(public, seed))
        found = [(index, fault) for index, fault in plan if "first order" in caught_by(public, index, fault, seed)]
        planted, caught = planted + len(plan), caught + len(found)
        missed = ", ".join(f"{fault} for input {index}" for index, fault in plan if (index, fault) not in found)
        return f"{public.name:{width}} {len(plan):6} {len(found):6}" + (f"  NOT CAUGHT: {missed}" if missed else "")

    _, seconds = _rows(public_ops, row, width)
    print(f"{caught} of {planted} planted faults caught in {len(public_ops)} ops, {seconds:.0f} s, seed {seed}")
    return 0 if caught == planted else 1


def _rows(functions: Sequence[Public], row: Callable[[Public], str], width: int) -> tuple[int, float]:
    """Print a row a function under a progress bar; return how many failed, and the seconds it took."""
    start, failed = time.perf_counter(), []
    with tqdm(functions, disable=not sys.stderr.isatty(), leave=False, unit="function") as bar:
        for public in bar:
            try:
                text = row(public)
            except MinicnnError as error:
                failed.append(str(error))
                text = f"{public.name:{width}} FAILED"
            bar.write(text, file=sys.stdout)
    for error_text in failed:
        print(f"\n{error_text}", file=sys.stderr)
    return len(failed), time.perf_counter() - start


def from_options(options: Any) -> int:
    """Run what a command line asked for: ``names``, ``seed``, ``order`` and ``teeth``; return the exit code."""
    functions = chosen(options.prog, options.names)
    return bite_all(functions, options.seed) if options.teeth else check_all(functions, options.seed, options.order)
