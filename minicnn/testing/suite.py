"""The op suite: every registered function, on each of its samples, through every check.

For a sample: the kernel against the definition, forward and backward; the gradient against finite differences, to
first and second order; the same results from strided and reordered inputs; inputs left as they were; float32 near
float64; the strict device namespace equal to NumPy. For an error sample: the type, the words, and the three lines.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from minicnn.autograd import by_definition
from minicnn.autograd import grad as autograd_grad
from minicnn.autograd.fused import Fused
from minicnn.autograd.op import Public, functions
from minicnn.autograd.sample import Constant, ErrorSample, Sample
from minicnn.backend import backend_of, use
from minicnn.tensor import Tensor
from minicnn.tensor.creation import tensor
from minicnn.testing.gradcheck import GradcheckError, gradient_of, worst_error

EXACT = 1e-9  # relative, between two ways to the same float64 value
SINGLE = 2e-5  # of the largest value, between float32 and float64

Layout = Callable[[Any], Any]


class Call:
    """A sample bound to its function: a function of its tensors alone.

    Attributes:
        tensors: the tensors in the sample's arguments, in order; floats require grad.
        function: takes as many tensors and makes the call with them in their places.
    """

    def __init__(self, public: Public, sample: Sample, dtype: str = "float64", layout: Layout | None = None) -> None:
        self.public = public
        self.sample = sample
        self.tensors: list[Tensor] = []
        self._dtype = dtype
        self._layout = layout
        self._args = self._bind(sample.args)
        self._kwargs = {key: self._bind(value) for key, value in sample.kwargs.items()}

    def function(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Make the call with these tensors in place of the sample's; return the tensors of its result."""
        fresh = dict(zip(map(id, self.tensors), tensors, strict=True))
        result = self.public.function(
            *(_replace(a, fresh) for a in self._args), **{k: _replace(v, fresh) for k, v in self._kwargs.items()}
        )
        results = result if isinstance(result, tuple) else (result,)
        return tuple(y for y in results if isinstance(y, Tensor))

    def run(self) -> tuple[Tensor, ...]:
        """Make the call with the sample's own tensors."""
        return self.function(*self.tensors)

    def _bind(self, value: Any) -> Any:
        """Return the value with its arrays as tensors."""
        if isinstance(value, Constant):
            made = self._bind(value.values)
            return made.requires_grad_(False)
        if isinstance(value, np.ndarray):
            made = tensor(value.astype(self._dtype) if value.dtype.kind == "f" else value)
            if self._layout is not None:
                be = backend_of(made._array)
                made._array = be.asarray(self._layout(be.to_numpy(made._array)))
            if made.is_floating_point():
                made.requires_grad_()
            self.tensors.append(made)
            return made
        if isinstance(value, (list, tuple)):
            return type(value)(self._bind(v) for v in value)
        return value


def _replace(value: Any, fresh: dict[int, Tensor]) -> Any:
    if isinstance(value, Tensor):
        return fresh[id(value)]
    if isinstance(value, (list, tuple)):
        return type(value)(_replace(v, fresh) for v in value)
    return value


def host(x: Tensor) -> Any:
    """Return a tensor's values on the host."""
    return backend_of(x._array).to_numpy(x._array)


def value_and_grads(call: Call, seed: int) -> tuple[list[Any], list[Any]]:
    """Return a call's outputs, and the gradients of its tensors for random cotangents; None where there is none."""
    outputs = call.run()
    rng = np.random.default_rng([seed, 3])
    cotangents = [rng.normal(size=y.shape) for y in outputs]
    pairs = [(y, tensor(u.astype(str(y.dtype)))) for y, u in zip(outputs, cotangents, strict=True) if y.requires_grad]
    wanted = [x for x in call.tensors if x.requires_grad]
    found: Any = [None] * len(wanted)
    if pairs and wanted:
        found = autograd_grad([y for y, _ in pairs], wanted, [u for _, u in pairs], allow_unused=True)
    return [host(y) for y in outputs], [None if g is None else host(g) for g in found]


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
    return float(np.max(np.abs(a - b)[finite]) / max(np.max(np.abs(b[finite])), 1e-3))


def same(public: Public, sample: Sample, what: str, found: Mismatch, tolerance: float, seed: int) -> float:
    """Return the error, or raise GradcheckError where it passes the tolerance."""
    if not found.error <= tolerance:
        raise GradcheckError(
            f"{public.name}: {what}: {found.where} differs by {found.error:.3g} of the largest value.\n"
            f"  sample {public.name}{sample}, seed {seed}; allowed {tolerance:g}\n"
            f"  Fix: to repeat: minicnn gradcheck {public.name} --seed {seed}"
        )
    return found.error


# ---- the checks; each takes a function, one of its samples and the seed, and returns its worst relative error


def check_definition(public: Public, sample: Sample, seed: int) -> float:
    """The fast kernels give what the definition gives, forward and backward."""
    fast = value_and_grads(Call(public, sample), seed)
    with by_definition():
        plain = value_and_grads(Call(public, sample), seed)
    return same(public, sample, "kernel against definition", compare(fast, plain), EXACT, seed)


def check_first_order(public: Public, sample: Sample, seed: int) -> float:
    """The gradient agrees with finite differences."""
    call = Call(public, sample)
    if not _differentiable(call):
        return 0.0
    return worst_error(call.function, call.tensors, seed=seed, name=f"{public.name}{sample}")


def check_second_order(public: Public, sample: Sample, seed: int) -> float:
    """The gradient's own gradient agrees with finite differences."""
    call = Call(public, sample)
    if not _differentiable(call):
        return 0.0
    function, arguments = gradient_of(call.function, call.tensors, seed)
    if not function(*arguments):
        return 0.0
    return worst_error(function, arguments, seed=seed, directions=1, name=f"gradient of {public.name}{sample}")


def _differentiable(call: Call) -> bool:
    """Whether the call has a gradient; an op that is meant to have one and records nothing is an error."""
    floats = [x for x in call.tensors if x.requires_grad]
    if not floats:
        return False
    recorded = any(y.requires_grad for y in call.run())
    op = call.public.op
    if not recorded and getattr(op, "differentiable", True):
        raise GradcheckError(
            f"{call.public.name}: a differentiable op was not recorded.\n"
            f"  sample {call.public.name}{call.sample}\n"
            "  Fix: its inputs require grad, so its output must too."
        )
    return recorded


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


def check_single(public: Public, sample: Sample, seed: int) -> float:
    """float32 gives, nearly, what float64 gives for the same numbers, and stays float32."""
    single = Call(public, sample, "float32")
    found = value_and_grads(single, seed)
    rounded = Sample(*(_rounded(a) for a in sample.args), **{k: _rounded(v) for k, v in sample.kwargs.items()})
    expected = value_and_grads(Call(public, rounded), seed)
    scale = max(
        (float(np.max(np.abs(host(x)))) for x in single.tensors if x.numel() and x.is_floating_point()), default=1
    )
    # An output of 1 computed from inputs of 1e4 has lost four digits that no kernel could keep.
    return same(public, sample, "float32", compare(found, expected), SINGLE * max(1.0, scale), seed)


def _rounded(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value.astype(np.float32).astype(np.float64)
    if isinstance(value, Constant):
        return Constant(_rounded(value.values))
    if isinstance(value, (list, tuple)):
        return type(value)(_rounded(v) for v in value)
    return value


def check_strict(public: Public, sample: Sample, seed: int) -> float:
    """The strict device namespace gives what NumPy gives, forward, backward and by definition."""
    expected = value_and_grads(Call(public, sample), seed)
    with use("strict"):
        found = value_and_grads(Call(public, sample), seed)
        with by_definition():
            plain = value_and_grads(Call(public, sample), seed)
    same(public, sample, "strict namespace, by definition", compare(plain, expected), EXACT, seed)
    return same(public, sample, "strict namespace", compare(found, expected), EXACT, seed)


CHECKS: dict[str, Callable[[Public, Sample, int], float]] = {
    "first order": check_first_order,
    "second order": check_second_order,
    "definition": check_definition,
    "layouts": check_layouts,
    "float32": check_single,
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
    """One function's line in the table: how many samples and errors, and the worst error of each check."""

    name: str
    cases: int
    errors: int
    worst: dict[str, float]


def run(public: Public, seed: int = 0, checks: dict[str, Any] | None = None) -> Row:
    """Run a function through all checks.

    Raises:
        GradcheckError: the first check that fails, with how to repeat it.
    """
    checks = CHECKS if checks is None else checks
    worst = dict.fromkeys(checks, 0.0)
    cases = 0
    for sample in samples_of(public, seed):
        cases += 1
        for name, check in checks.items():
            worst[name] = max(worst[name], check(public, sample, seed))
    return Row(public.name, cases, check_errors(public), worst)


def samples_of(public: Public, seed: int) -> Iterator[Sample]:
    """Return the samples that a seed draws."""
    return public.samples(np.random.default_rng(seed))


def every_function() -> list[Public]:
    """Return all public functions, those of `minicnn.nn.functional` too, by name."""
    importlib.import_module("minicnn.nn.functional")  # registers its compositions
    return [functions[name] for name in sorted(functions)]


def is_fused(public: Public) -> bool:
    """Whether the function applies a fused op, with a definition of its own."""
    return public.op is not None and issubclass(public.op, Fused)
