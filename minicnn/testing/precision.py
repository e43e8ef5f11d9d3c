"""How far float32 may be from float64, and the check of it, at large and small magnitudes too.

The rule. Let y be the float64 result, and δ the largest change of y when the inputs change by one float32 rounding
each (a relative 6e-8). A float32 result may be off by

    |y₃₂ − y| ≤ FACTOR · (δ + 6e-8 · max |y|)

elementwise, and so may a gradient. The second term is what rounding each step costs where the function is well
conditioned; the first is what no kernel can avoid, since x was rounded before the function saw it: 1 of 10⁴ + 1
survives with four digits less. (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 1.6, calls such
a method mixed forward-backward stable.) float16 and bfloat16 are refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.autograd.op import Public
from minicnn.autograd.sample import Constant, Sample
from minicnn.errors import MinicnnError
from minicnn.testing.call import Call, repeat, value_and_grads
from minicnn.testing.failures import GradcheckError

FACTOR = 16.0
ROUNDING = 2.0**-24  # half the distance from 1 to the next float32
SMALLEST = 2.0**-126  # below it float32 has fewer digits
MAGNITUDES = (1.0, 1e4, 1e-4)
TRIALS = 4  # of inputs rounded at random

# What is the small remainder of larger numbers, by its nature: held to FACTOR · 6e-8 of 1 instead.
REMAINDERS = {
    "cross_entropy": "softmax less target, where all logits are nearly equal and all targets too",
    "glu": "the gradient holds 1 − σ(b), which is small where b is large (PyTorch: the same)",
    "group_norm": "in a group of two values the normalized ones are ±1 whatever x: the gradient is what eps leaves",
    "instance_norm": "the same",
    "multilabel_soft_margin_loss": "the target's gradient is ln σ(x) − ln σ(−x), equal for small x (PyTorch: the same)",
    "rms_norm": "one value normalized by itself is ±1 whatever x: the gradient is what eps leaves",
    "tanhshrink": "x − tanh x is x³/3 for small x, the difference of two numbers near x (PyTorch: the same)",
    "triplet_margin_loss": "the gradient is the difference of two directions, equal for near pairs (PyTorch: the same)",
}
# What does not mean the same in float32 and float64, or at other magnitudes.
OTHERWISE = {
    "float_power": "always computed in float64, as its name says",
    "grid_sample": "places in units of the image: 1e4 is far outside it",
    "logit": "x is held within [eps, 1 − eps], and 1 − eps is rounded",
    "rms_norm": "eps is the dtype's own unless given, and counts for small values",
}

Results = tuple[list[Any], list[Any]]


def check_single(public: Public, sample: Sample, seed: int) -> float:
    """float32 stays float32, and is as near float64 as the rule of this module says; at each magnitude."""
    return max(check_magnitude(public, sample, seed, magnitude) for magnitude in MAGNITUDES)


def check_magnitude(public: Public, sample: Sample, seed: int, magnitude: float) -> float:
    """Check a sample with its floats times a magnitude; return the worst error, in units of what is allowed.

    A sample whose inputs leave the function's domain at this magnitude (a probability of 1e4) checks nothing: 0.
    """
    if public.name in OTHERWISE and (magnitude != 1.0 or public.name == "float_power"):
        return 0.0
    scaled = _map(sample, lambda a: (a * magnitude).astype(np.float32).astype(np.float64))
    with np.errstate(all="ignore"):
        try:
            expected = value_and_grads(Call(public, scaled), seed)
        except MinicnnError:
            if magnitude == 1.0:
                raise
            return 0.0
        if magnitude != 1.0 and any(np.isnan(y).any() for y in expected[0] if y.dtype.kind == "f"):
            return 0.0
        single = value_and_grads(Call(public, scaled, "float32"), seed)
        unavoidable = _unavoidable(public, scaled, expected, seed)
    worst = 0.0
    for kind, place in (("output", 0), ("gradient", 1)):
        for i, (got, want, change) in enumerate(zip(single[place], expected[place], unavoidable[place], strict=True)):
            if public.name in REMAINDERS:
                change = max(change, ROUNDING)
            problem, error = _judge(got, want, change, _names_dtype(sample))
            if problem:
                raise GradcheckError(
                    f"{public.name}: float32: {kind} {i} {problem}.\n"
                    f"  sample {public.name}{sample}, floats times {magnitude:g}, seed {seed}\n"
                    f"  Fix: to repeat: {repeat(public, sample, seed)}"
                )
            worst = max(worst, error)
    return worst


def _unavoidable(public: Public, sample: Sample, expected: Results, seed: int) -> Results:
    """Return δ for each output and gradient: its largest change over inputs rounded at random, up and down."""
    rng = np.random.default_rng([seed, 4])

    def rounded(a: Any) -> Any:
        return a * (1.0 + ROUNDING * rng.choice([-1.0, 1.0], a.shape))

    changes: Results = tuple([0.0] * len(part) for part in expected)  # type: ignore[assignment]
    for _ in range(TRIALS):
        try:
            found = value_and_grads(Call(public, _map(sample, rounded)), seed, rounded)
        except MinicnnError:  # the sample stands on the edge of the domain
            continue
        for part, these, those in zip(changes, found, expected, strict=True):
            for i, (a, b) in enumerate(zip(these, those, strict=True)):
                if a is not None and b is not None and a.dtype.kind == "f" and a.shape == b.shape:
                    moved = np.abs(a - b)
                    part[i] = max(part[i], float(np.max(moved[np.isfinite(moved)], initial=0.0)))
    return changes


def _names_dtype(sample: Sample) -> bool:
    return any(isinstance(value, np.dtype) for value in (*sample.args, *sample.kwargs.values()))


def _judge(got: Any, want: Any, change: float, any_dtype: bool) -> tuple[str, float]:
    """Return what is wrong, if anything, and the error in units of what is allowed."""
    if got is None or want is None:
        missing = want if got is None else got
        return ("is missing" if missing is not None and np.any(missing) else "", 0.0)
    if got.dtype.kind != "f":
        return ("" if np.array_equal(got, want) else "differs", 0.0)
    if got.dtype != np.float32 and not any_dtype:
        return f"is {got.dtype}", 0.0
    if got.shape != want.shape:
        return f"has shape {got.shape}, not {want.shape}", 0.0
    representable = np.abs(want) < np.finfo(np.float32).max / 2  # past it float32 gives infinity, or nearly
    finite = np.isfinite(want) & representable
    odd = ~np.isfinite(want)
    if not np.array_equal(got[odd], want[odd].astype(np.float32), equal_nan=True):
        return "is not infinite or NaN where float64 is", 0.0
    largest = float(np.max(np.abs(want[finite]), initial=0.0))
    allowed = FACTOR * (change + ROUNDING * largest + SMALLEST)
    error = float(np.max(np.abs(got[finite] - want[finite]), initial=0.0)) / allowed
    if not error <= 1.0:
        return f"is off by {error:.3g} times what is allowed ({allowed:.3g}; largest value {largest:.3g})", error
    return "", error


def _map(sample: Sample, change: Any) -> Sample:
    """Return the sample with its arrays of floats changed."""

    def mapped(value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            return np.asarray(change(value))
        if isinstance(value, Constant):
            return Constant(mapped(np.asarray(value.values)))
        if isinstance(value, (list, tuple)):
            return type(value)(mapped(v) for v in value)
        return value

    return Sample(*(mapped(a) for a in sample.args), **{k: mapped(v) for k, v in sample.kwargs.items()})
