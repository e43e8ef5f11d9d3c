"""A gradient against the slopes of its function along a line, and what is said where they differ."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np

from minicnn.testing.differences import SHRINK, Difference, Line, norm, relative_tolerance
from minicnn.testing.failures import GradcheckError, NotDifferentiableError, host

STEP = 6e-6  # near ε^(1/3) of float64, where the two errors of a difference balance
FARTHER = 4  # steps of 8 times the one before, up to 0.025 of the inputs


class Settings(NamedTuple):
    """How to check; see `minicnn.gradcheck`."""

    eps: float = STEP
    atol: float | None = None
    rtol: float | None = None
    seed: int = 0
    directions: int = 2
    nondet_tol: float = 0.0
    check_undefined_grad: bool = True
    kinks: bool = False  # whether a gradient between the slopes on both sides of a kink will do
    sure: bool = True  # whether to fail where differences do not tell


class Verdict(NamedTuple):
    """The largest relative error found, and whether the point is at a kink."""

    error: float
    kink: bool


def compare(line: Line, gradient: Any, settings: Settings) -> Verdict:
    """Compare the gradient with differences along a line.

    Raises:
        GradcheckError: they differ, or, where ``settings.sure``, the differences do not tell.
    """
    values = np.zeros(line.point.shape) if gradient is None else host(gradient)
    first = line.first
    if not first.finite:
        return _undecided(
            settings,
            line.subject.failure(
                f"the function is not finite a step away along {line.variable.label}.",
                f"it is finite at the inputs, and not {first.step:.2g} from them: they are at the edge of its domain",
                "check it farther inside, or pass a smaller eps",
            ),
        )
    analytic, tolerance, scale = _expected(line, first, values, settings)
    error = abs(first.slope - analytic)
    if not line.doubtful(first):
        if settings.atol is None and _hidden(line, first, values):
            return _farther(line, gradient, values, settings)
        if error <= tolerance:
            return Verdict(error / scale if error else 0.0, False)
    if not settings.sure:
        if error > tolerance and _plain(line, error):
            raise _wrong(line, gradient, values, first, analytic, settings)
        return Verdict(0.0, False)
    steps = line.closer(first)
    kinks, jumps = line.broken(steps)
    if np.any(jumps) or (np.any(kinks) and not settings.kinks):
        raise _not_differentiable(line, settings, bool(np.any(jumps)))
    if np.any(kinks):
        # Each output element may have any slope between those on the two sides of its kink.
        tolerance += 0.5 * float(np.sum(np.abs(line.weights * steps[-1].bend)[kinks]))
    settled = line.settle(steps)
    if settled is None:
        raise line.subject.failure(
            f"the differences do not settle along {line.variable.label}: shorter steps give other slopes.",
            f"{', '.join(f'{d.slope:.6g} at step {d.step:.2g}' for d in steps)}; seed {settings.seed}",
            "the function is rough or noisy, or has a kink, within the step: pass another eps, or other inputs",
        )
    chosen, spread = settled
    analytic, _, scale = _expected(line, chosen, values, settings)
    error = abs(chosen.slope - analytic)
    if not error <= tolerance + 2 * spread:
        raise _wrong(line, gradient, values, chosen, analytic, settings)
    return Verdict(0.0 if np.any(kinks) or not error else error / scale, bool(np.any(kinks)))


def _plain(line: Line, error: float) -> bool:
    """Whether a shorter step and a longer one show no kink, and the same slope: rounding would differ in them."""
    closer = line.difference(line.step / SHRINK)
    steps = [closer, *_differences(line, line.step * SHRINK**2)]
    kinks = (closer.bend > line.first.bend / 2) & (closer.bend > line.noise(closer))
    same = [abs(d.slope - line.first.slope) <= 0.1 * error for d in steps]
    return not np.any(kinks) and same == [True, True]


def _differences(line: Line, *steps: float) -> list[Difference]:
    """Return the differences at longer and longer steps, as far as the function is defined there."""
    found = []
    for step in steps:
        try:
            found.append(line.difference(step))
        except Exception:  # the function's own, which is no fault so far away
            break
    return [d for d in found if d.finite]


def _undecided(settings: Settings, failure: GradcheckError) -> Verdict:
    if settings.sure:
        raise failure
    return Verdict(0.0, False)


def _expected(line: Line, step: Difference, values: Any, settings: Settings) -> tuple[float, float, float]:
    """Return the slope that the gradient says, the tolerance, and the scale that errors are relative to."""
    terms = _terms(step, values)
    # Errors are relative to the terms that were added up, not to a sum that may cancel.
    scale = norm(terms) + abs(step.slope)
    rounding = 10 * line.rounding(step.step)
    atol = rounding if settings.atol is None else settings.atol
    rtol = relative_tolerance(step.step) if settings.rtol is None else settings.rtol
    return float(np.sum(terms)), atol + rtol * scale, scale + 1e3 * rounding + 1e-300


def _terms(step: Difference, values: Any) -> Any:
    return np.where(step.along == 0.0, 0.0, step.along * values)


# ---- slopes that rounding hides


def _hidden(line: Line, first: Difference, values: Any) -> bool:
    """Whether rounding of the values could hide an error of 1% of the slope."""
    return 10 * line.rounding(first.step) > 1e-3 * (norm(_terms(first, values)) + abs(first.slope))


def _farther(line: Line, gradient: Any, values: Any, settings: Settings) -> Verdict:
    """Compare at longer steps, each in proportion to its input, where the values' rounding is smaller beside them."""
    reach = np.maximum(1.0, np.abs(np.where(np.isfinite(line.point), line.point, 0.0)))
    far = line.along(line.direction * reach)
    steps = _differences(far, *(far.step * SHRINK**k for k in range(FARTHER + 1))) or [line.first]
    doubt, chosen = 10 * line.rounding(line.step), steps[0]
    for near, d in itertools.pairwise(steps):
        bent = norm(far.weights * d.bend)  # much where a step has a jump in it
        other = 10 * far.rounding(d.step) + 2 * abs(d.slope - near.slope) + 0.1 * bent
        if other < doubt:
            doubt, chosen = other, d
    rtol = relative_tolerance(settings.eps) if settings.rtol is None else settings.rtol
    terms = _terms(chosen, values)
    analytic, scale = float(np.sum(terms)), norm(terms) + abs(chosen.slope)
    error = abs(chosen.slope - analytic)
    if not error <= doubt + rtol * scale:
        raise _wrong(far, gradient, values, chosen, analytic, settings)
    # Where the values do not even seem to change, the gradient is a zero that rounding has left.
    if doubt > 0.1 * scale and abs(chosen.slope) > 2 * far.rounding(chosen.step):
        return _undecided(
            settings,
            line.subject.failure(
                f"the values are too large beside their changes along {line.variable.label} to tell the gradient.",
                f"differences give {chosen.slope:.6g} ± {doubt:.2g} at best, backward {analytic:.6g}; "
                f"seed {settings.seed}",
                "subtract a constant within the function, or check it at other inputs",
            ),
        )
    return Verdict(error / scale if error > doubt else 0.0, False)


# ---- what is said of a failure


def _coordinate(line: Line, place: tuple[int, ...]) -> Line:
    direction = np.zeros(line.point.shape)
    direction[place] = 1.0
    return line.along(direction)


def _places(line: Line, badness: Any, most: int = 512) -> list[tuple[int, ...]]:
    """Return the elements of the variable to look at one by one: all, or the worst block of them, found by halving."""
    shape = line.point.shape
    found = np.arange(line.point.size)
    while found.size > most:
        blocks = []
        for block in np.array_split(found, 16):
            mask = np.zeros(line.point.size)
            mask[block] = 1.0
            blocks.append((badness(line.along(line.direction * mask.reshape(shape))), block))
        found = max(blocks, key=lambda pair: pair[0])[1]
    return [tuple(int(k) for k in np.unravel_index(i, shape)) for i in found]


def _not_differentiable(line: Line, settings: Settings, jumps: bool) -> GradcheckError:
    def worst(at: Line) -> tuple[float, int]:
        """Return the steepest slope among the output elements with a kink or a jump, and which element that is."""
        steps = at.closer(at.difference(settings.eps))
        kinks, jumped = at.broken(steps)
        steep = np.where(kinks | jumped, steps[-1].steep, -1.0)
        which = int(np.argmax(steep))
        return float(steep[which]), which

    place = max(_places(line, lambda at: worst(at)[0]), key=lambda p: worst(_coordinate(line, p))[0])
    at = _coordinate(line, place)
    which, step = worst(at)[1], settings.eps / 512
    above = line.subject.at(line.variable, line.point + step * at.direction)[which] - line.start[which]
    below = line.start[which] - line.subject.at(line.variable, line.point - step * at.direction)[which]
    what = "jumps" if jumps else "has a kink"
    return line.subject.failure(
        f"not differentiable at this point: the function {what} at element {place} of {line.variable.label}, "
        "so no gradient can be checked here.",
        f"it is {line.point[place]:.8g} there; the slope of output element {which} is {below / step:.6g} below and "
        f"{above / step:.6g} above (step {step:.2g}, float64, seed {settings.seed})",
        f"move the inputs, and ties among them, apart by more than {10 * settings.eps:.0e}",
        NotDifferentiableError,
    )


def _wrong(
    line: Line, gradient: Any, values: Any, chosen: Difference, analytic: float, settings: Settings
) -> GradcheckError:
    def off(at: Line) -> float:
        difference = at.difference(chosen.step)
        return abs(difference.slope - float(np.sum(difference.along * values)))

    place = max(_places(line, off), key=lambda p: off(_coordinate(line, p)))
    element = _coordinate(line, place).difference(chosen.step).slope
    by = "none was given by backward, zero is taken" if gradient is None else f"{analytic:.8g} by backward"
    return line.subject.failure(
        f"the gradient of {line.variable.label} is wrong: {by}, {chosen.slope:.8g} by finite differences.",
        f"furthest off at element {place} of {tuple(line.point.shape)}: backward {values[place]:.8g}, "
        f"differences {element:.8g} (step {chosen.step:g}, {line.point.dtype}, seed {settings.seed})",
        "compare backward with the derivative at that element",
    )
