"""The op suite: every registered function, on each of its samples, through every check.

For a sample: the kernel against the definition, forward and backward; the gradient against finite differences, to
first and second order; the same results from strided and reordered inputs; inputs left as they were; float32 near
float64; the strict device namespace equal to NumPy. For an error sample: the type, the words, and the three lines.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minicnn.autograd import by_definition
from minicnn.autograd.fused import Fused
from minicnn.autograd.op import Public, functions
from minicnn.autograd.sample import ErrorSample, Sample
from minicnn.backend import use
from minicnn.testing.call import Call, Layout, repeat, samples_of, value_and_grads
from minicnn.testing.failures import GradcheckError, host
from minicnn.testing.orders import check_first_order, check_second_order, check_strict_first, check_strict_second
from minicnn.testing.precision import check_single

__all__ = ["CHECKS", "Call", "Row", "check_errors", "compare", "every_function", "host", "run", "samples_of"]
__all__ += ["is_fused", "same", "value_and_grads"]

EXACT = 1e-9  # relative, between two ways to the same float64 value


class Mismatch(NamedTuple):
    """The largest difference of two results, relative to the largest value."""

    error: float
    where: str


def compare(got: tuple[list[Any], list[Any]], expected: tuple[list[Any], list[Any]]) -> Mismatch:
    """Return how far outputs and gradients are from those expected; infinite where shape or presence differ."""
    worst = Mismatch(0.0, "")
    for kind, these, those in (("output", got[0], expected[0]), ("gradient", got[1], expected[1])):
        if len(these) != len(those):
            return Mismatch(np.inf, f"number of {kind}s")
        for i, (a, b) in enumerate(zip(these, those, strict=True)):
            error = _distance(a, b)
            if error > worst.error:
                worst = Mismatch(error, f"{kind} {i}")
    return worst


def _distance(a: Any, b: Any) -> float:
    if a is None or b is None:
        other = b if a is None else a
        return 0.0 if other is None or not np.any(other) else np.inf  # no gradient stands for zeros
    if a.shape != b.shape:
        return np.inf
    if a.dtype.kind != "f":
        return 0.0 if np.array_equal(a, b) else np.inf
    finite = np.isfinite(b)
    if not np.array_equal(np.isfinite(a), finite) or not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return np.inf
    if not finite.any():
        return 0.0
    return float(np.max(np.abs(a[finite] - b[finite])) / max(np.max(np.abs(b[finite])), 1e-3))


def same(public: Public, sample: Sample, what: str, found: Mismatch, tolerance: float, seed: int) -> float:
    """Return the error, or raise GradcheckError where it passes the tolerance."""
    if not found.error <= tolerance:
        raise GradcheckError(
            f"{public.name}: {what}: {found.where} differs by {found.error:.3g} of the largest value.\n"
            f"  sample {public.name}{sample}, seed {seed}; allowed {tolerance:g}\n"
            f"  Fix: to repeat: {repeat(public, sample, seed)}"
        )
    return found.error


# ---- the checks; each takes a function, one of its samples and the seed, and returns its worst relative error


def check_definition(public: Public, sample: Sample, seed: int) -> float:
    """The fast kernels give what the definition gives, forward and backward."""
    fast = value_and_grads(Call(public, sample), seed)
    with by_definition():
        plain = value_and_grads(Call(public, sample), seed)
    return same(public, sample, "kernel against definition", compare(fast, plain), EXACT, seed)


def check_layouts(public: Public, sample: Sample, seed: int) -> float:
    """Strided, reversed and reordered inputs give what contiguous ones give, and inputs are left as they were."""
    expected = value_and_grads(Call(public, sample), seed)
    worst = 0.0
    for name, layout in LAYOUTS.items():
        call = Call(public, sample, layout=layout)
        before = [host(x).copy() for x in call.tensors]
        found = value_and_grads(call, seed)
        worst = max(worst, same(public, sample, f"{name} inputs", compare(found, expected), EXACT, seed))
        for i, (x, old) in enumerate(zip(call.tensors, before, strict=True)):
            if not np.array_equal(host(x), old, equal_nan=True):
                raise GradcheckError(
                    f"{public.name}: input {i} was changed.\n  sample {public.name}{sample}, seed {seed}\n"
                    "  Fix: an op must not write to its inputs."
                )
    return worst


def _strided(a: Any) -> Any:
    wide = np.zeros((*a.shape[:-1], a.shape[-1] * 2), a.dtype) if a.ndim else np.zeros((), a.dtype)
    view = wide[..., ::2] if a.ndim else wide
    view[...] = a
    return view


LAYOUTS: dict[str, Layout] = {
    "strided": _strided,
    "column-major": lambda a: np.array(a, order="F"),
    "reversed": lambda a: np.ascontiguousarray(a[..., ::-1])[..., ::-1] if a.ndim else a,
    "channels-last": lambda a: np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1) if a.ndim > 2 else a,
}


def check_strict(public: Public, sample: Sample, seed: int) -> float:
    """The strict device namespace gives what NumPy gives, forward, backward and by definition."""
    expected = value_and_grads(Call(public, sample), seed)
    with use("strict"):
        found = value_and_grads(Call(public, sample), seed)
        with by_definition():
            plain = value_and_grads(Call(public, sample), seed)
    same(public, sample, "strict namespace, by definition", compare(plain, expected), EXACT, seed)
    return same(public, sample, "strict namespace", compare(found, expected), EXACT, seed)


CHECKS: dict[str, Callable[[Public, Sample, int], float | None]] = {
    "first order": check_first_order,
    "second order": check_second_order,
    "strict first": check_strict_first,
    "strict second": check_strict_second,
    "definition": check_definition,
    "layouts": check_layouts,
    "float32, of 1": check_single,  # 1 is what the rule allows
    "strict": check_strict,
}


def check_errors(public: Public) -> int:
    """Every error sample raises its error, with its words, in three lines; return how many there are."""
    count = 0
    for sample in public.errors():
        count += 1
        problem = _error_problem(public, sample)
        if problem:
            raise GradcheckError(
                f"{public.name}: an error sample {problem}\n  sample {public.name}{sample}\n"
                f"  Fix: raise {sample.error.__name__} with {', '.join(sample.words)} in its message."
            )
    return count


def _error_problem(public: Public, sample: ErrorSample) -> str | None:
    try:
        Call(public, sample).run()
    except sample.error as error:
        text = str(error)
        missing = [word for word in sample.words if word not in text]
        if missing:
            return f"does not name {', '.join(missing)}: {text}"
        return None if len(text.splitlines()) == 3 and "\n  Fix: " in text else f"has not the three lines: {text}"
    return "raises nothing."


class Row(NamedTuple):
    """One function's line in the table: its samples, those at kinks, error samples, the worst error of each check."""

    name: str
    cases: int
    kinks: int
    errors: int
    worst: dict[str, float]


def run(public: Public, seed: int = 0, checks: dict[str, Any] | None = None, case: int | None = None) -> Row:
    """Run a function through all checks, on all of its samples, or on the one of that number (from 1).

    Raises:
        GradcheckError: the first check that fails, with how to repeat it.
    """
    checks = CHECKS if checks is None else checks
    worst = dict.fromkeys(checks, 0.0)
    cases = kinks = 0
    samples = list(samples_of(public, seed))
    for sample in samples if case is None else samples[case - 1 : case]:
        cases += 1
        found = {name: check(public, sample, seed) for name, check in checks.items()}
        kinks += None in found.values()
        worst = {name: max(worst[name], error or 0.0) for name, error in found.items()}
    return Row(public.name, cases, kinks, check_errors(public), worst)


def every_function() -> list[Public]:
    """Return all public functions, those of `minicnn.nn.functional` too, by name."""
    importlib.import_module("minicnn.nn.functional")  # registers its compositions
    return [functions[name] for name in sorted(functions)]


def is_fused(public: Public) -> bool:
    """Whether the function applies a fused op, with a definition of its own."""
    return public.op is not None and issubclass(public.op, Fused)
