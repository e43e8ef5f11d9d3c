"""The suite as a table: a row a function, and a row a function of the faults that were caught."""

from __future__ import annotations

import difflib
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tqdm import tqdm

from minicnn.autograd.op import Public
from minicnn.backend import current
from minicnn.cli import UsageError
from minicnn.errors import MinicnnError, ParameterError, message
from minicnn.testing.suite import CHECKS, every_function, run, samples_of
from minicnn.testing.teeth import KINDS, caught_by, faults_of

ORDERS = {1: ["first order", "strict first"], 2: ["first order", "second order", "strict first", "strict second"]}


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


def check_all(functions: Sequence[Public], seed: int, order: int | None = None, case: int | None = None) -> int:
    """Print a row a function: cases, how many at kinks, error samples, and the worst relative error of each check.

    Args:
        functions: what to check.
        seed: draws other samples and directions.
        order: check the gradients alone, up to this order; all checks for None.
        case: check the sample of this number alone.
    Returns:
        0 where all pass, else 1; what failed is printed on stderr, and how to repeat it.
    """
    checks = CHECKS if order is None else {name: CHECKS[name] for name in ORDERS[order]}
    width = max(len(public.name) for public in functions)
    titles = " ".join(f"{name:>13}" for name in checks)
    print(f"{'function':{width}} {'cases':>6} {'kinks':>6} {'errors':>6} {titles}")
    cases = 0

    def row(public: Public) -> str:
        nonlocal cases
        found = run(public, seed, checks, case)
        cases += found.cases
        worst = " ".join(f"{value:13.1e}" for value in found.worst.values())
        return f"{found.name:{width}} {found.cases:6} {found.kinks:6} {found.errors:6} {worst}"

    failed, seconds = _rows(functions, row, width)
    passed = f"{len(functions) - failed} of {len(functions)} functions passed"
    orders = "order 1" if order == 1 else "orders 1 and 2"
    counted = f"{cases:,} case" + "s" * (cases != 1)
    print(f"{passed}, {counted}, {orders} on {current().name} and strict, {seconds:.0f} s, seed {seed}")
    return 1 if failed else 0


def bite_all(functions: Iterable[Public], seed: int) -> int:
    """Plant faults in the gradients of each op and print which of them the checks caught.

    Returns:
        0 where every fault was caught, else 1.
    """
    public_ops = [public for public in functions if public.op is not None]
    width = max((len(public.name) for public in public_ops), default=8)
    print(f"{'function':{width}} {'faults':>6} {'caught':>6}")
    planted, caught = Counter[str](), Counter[str]()

    def row(public: Public) -> str:
        plan = list(faults_of(public, seed))
        found = [(index, fault) for index, fault in plan if "first order" in caught_by(public, index, fault, seed)]
        planted.update(fault for _, fault in plan)
        caught.update(fault for _, fault in found)
        missed = ", ".join(f"{fault} for input {index}" for index, fault in plan if (index, fault) not in found)
        return f"{public.name:{width}} {len(plan):6} {len(found):6}" + (f"  NOT CAUGHT: {missed}" if missed else "")

    failed, seconds = _rows(public_ops, row, width)
    for kind in KINDS:
        print(f"{kind}: {caught[kind]} of {planted[kind]} caught")
    total = f"{caught.total()} of {planted.total()} planted faults caught in {len(public_ops)} ops"
    print(f"{total}, {seconds:.0f} s, seed {seed}")
    return 0 if caught == planted and not failed else 1


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
    """Run what a command line asked for: ``names``, ``seed``, ``order``, ``case`` and ``teeth``; return the exit code.

    Raises:
        UsageError: options that do not go together.
        ParameterError: there is no function of a name, or no sample of a number.
    """
    functions = chosen(options.prog, options.names)
    if options.case is not None:
        _check_case(options, functions)
    if options.teeth:
        return bite_all(functions, options.seed)
    return check_all(functions, options.seed, options.order, options.case)


def _check_case(options: Any, functions: Sequence[Public]) -> None:
    if len(options.names) != 1 or options.teeth:
        raise UsageError(
            message(
                options.prog,
                "--case is a sample of one function.",
                f"functions named: {', '.join(options.names) or 'none'}{'; with --teeth' if options.teeth else ''}",
                f"name one: {options.prog} conv2d --case {options.case}.",
            )
        )
    count = len(list(samples_of(functions[0], options.seed)))
    if options.case > count:
        raise ParameterError(
            message(
                options.prog,
                f"{functions[0].name} has no case {options.case}.",
                f"with seed {options.seed} it has {count}",
                f"pass --case 1 to --case {count}, or none for all.",
            )
        )
