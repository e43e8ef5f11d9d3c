"""The judgement of one function: its analytic gradient against differences, after all that must hold before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minicnn.tensor import Tensor
from minicnn.testing.differences import Difference, Line, relative_tolerance
from minicnn.testing.failures import GradcheckError, NotDifferentiableError, host
from minicnn.testing.subject import Subject, Variable, flat, like

STEP = 6e-6  # near ε^(1/3) of float64, where the two errors of a difference balance


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


class Verdict(NamedTuple):
    """The largest relative error found, and whether the point is at a kink."""

    error: float
    kink: bool


def judge(subject: Subject, settings: Settings) -> Verdict:
    """Check all variables of a function.

    Raises:
        GradcheckError: a gradient is wrong, or something else that must hold does not.
        NotDifferentiableError: there is no derivative at the point.
    """
    subject.check()
    before = [host(v.tensor).copy() for v in subject.variables]
    outputs = subject.outputs()
    _unchanged(subject, before, "the function")
    start = flat(outputs)
    _well_formed(subject, outputs, start)
    _repeatable(subject, start, settings.nondet_tol)
    error, kink = 0.0, False
    for trial in range(settings.directions):
        rng = np.random.default_rng([settings.seed, 1, trial])
        cotangents = [like(y, rng.normal(size=y.shape)) for y in outputs]
        gradients = subject.gradients(outputs if trial == 0 else subject.outputs(), cotangents)
        _unchanged(subject, before, "its backward")
        for variable, gradient in zip(subject.variables, gradients, strict=True):
            _is_gradient(subject, variable, gradient)
        if trial == 0:
            _same_backward(subject, cotangents, gradients, settings)
        weights = flat(cotangents)
        for variable, gradient in zip(subject.variables, gradients, strict=True):
            direction = rng.normal(size=variable.tensor.shape)
            line = Line(subject, variable, direction, weights, start)
            found = _along(line, gradient, settings)
            error, kink = max(error, found.error), kink or found.kink
    return Verdict(error, kink)


# ---- what must hold before a gradient can be judged


def _well_formed(subject: Subject, outputs: Sequence[Tensor], start: Any) -> None:
    for i, y in enumerate(outputs):
        if y.dtype != np.float64 and y.requires_grad:
            raise subject.failure(
                f"output {i} is {y.dtype}, of float64 inputs.",
                "its differences are too coarse to tell a wrong gradient",
                "keep to float64 within the function",
            )
    if not np.all(np.isfinite(start)):
        bad = int(np.flatnonzero(~np.isfinite(start))[0])
        raise subject.failure(
            f"the output is not finite: element {bad}, all outputs counted, is {start[bad]}.",
            "there is no difference between infinities",
            "check it where all outputs are finite",
        )


def _repeatable(subject: Subject, start: Any, tolerance: float) -> None:
    again = subject.values()
    if again.shape != start.shape or not np.all(np.abs(again - start) <= tolerance):
        off = f"by up to {np.max(np.abs(again - start)):.3g}" if again.shape == start.shape else "in shape"
        raise subject.failure(
            "the function is not deterministic: called twice with the same inputs, it gives two results.",
            f"they differ {off}",
            "turn randomness such as dropout off (model.eval()), or seed it within the function",
        )


def _unchanged(subject: Subject, before: Sequence[Any], who: str) -> None:
    for (label, x), values in zip(subject.variables, before, strict=True):
        if not np.array_equal(host(x), values, equal_nan=True):
            raise subject.failure(
                f"{who} changed {label}.",
                f"{int(np.sum(host(x) != values))} of {values.size} elements are not what they were",
                "work on a copy: x.clone()",
            )


def _same_backward(subject: Subject, cotangents: list[Tensor], gradients: list[Any], settings: Settings) -> None:
    """Backward gives the same again; and without the gradient of an output what it gives for one of zeros."""
    again = subject.gradients(subject.outputs(), cotangents)
    if _apart(gradients, again) > settings.nondet_tol:
        raise subject.failure(
            "backward is not deterministic: run twice, it gives two gradients.",
            f"they differ by up to {_apart(gradients, again):.3g}",
            "keep randomness out of backward, and do not write to what forward saved",
        )
    if not settings.check_undefined_grad or len(cotangents) < 2:
        return
    for i in range(len(cotangents)):
        zeros = [u if k == i else u * 0.0 for k, u in enumerate(cotangents)]
        nothing = [u if k == i else None for k, u in enumerate(cotangents)]
        expected = subject.gradients(subject.outputs(), zeros)
        try:
            found = subject.gradients(subject.outputs(), nothing)
        except GradcheckError:
            raise
        except Exception as error:
            raise subject.failure(
                f"backward fails where output {i} alone has a gradient.",
                f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
                "take None, the gradient of the others, for zeros",
            ) from error
        scale = max((float(np.max(np.abs(host(g)), initial=0.0)) for g in expected if g is not None), default=0.0)
        if not _apart(expected, found) <= settings.nondet_tol + 1e-9 * scale:
            raise subject.failure(
                f"backward takes a missing gradient for something else than zeros: output {i} alone has one.",
                f"the gradients differ by up to {_apart(expected, found):.3g}",
                "take None for zeros",
            )


def _apart(these: Sequence[Any], those: Sequence[Any]) -> float:
    """Return the largest difference of two lists of gradients; None stands for zeros."""
    worst = 0.0
    for a, b in zip(these, those, strict=True):
        a, b = (0.0 if g is None else host(g) for g in (a, b))
        if isinstance(a, float) or isinstance(b, float) or a.shape == b.shape:
            difference = np.abs(a - b)
            difference = difference[~(np.isnan(a) & np.isnan(b))] if np.ndim(difference) else difference
            worst = max(worst, float(np.max(difference, initial=0.0)))
    return worst


def _is_gradient(subject: Subject, variable: Variable, gradient: Any) -> None:
    if gradient is None:
        return
    x = variable.tensor
    if tuple(gradient.shape) != tuple(x.shape) or gradient.dtype != x.dtype:
        raise subject.failure(
            f"the gradient of {variable.label} has shape {tuple(gradient.shape)} and dtype {gradient.dtype}.",
            f"{variable.label} has shape {tuple(x.shape)} and dtype {x.dtype}",
            "a gradient has the shape and dtype of its input",
        )
    values = host(gradient)
    if not np.all(np.isfinite(values)):
        place = tuple(int(k) for k in np.argwhere(~np.isfinite(values))[0])
        raise subject.failure(
            f"the gradient of {variable.label} is {values[place]} at element {place}.",
            f"{variable.label} is {host(x)[place]:.8g} there",
            "mend backward, or check the function where its slope is finite",
        )


# ---- the gradient itself


def _along(line: Line, gradient: Any, settings: Settings) -> Verdict:
    """Compare the gradient with differences along one direction."""
    values = np.zeros(line.point.shape) if gradient is None else host(gradient)
    first = _inside(line, line.difference(settings.eps))
    analytic, tolerance, scale = _expected(line, first, values, settings)
    error = abs(first.slope - analytic)
    if error <= tolerance and not line.doubtful(first):
        return Verdict(error / scale if error else 0.0, False)
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


def _inside(line: Line, difference: Difference) -> Difference:
    if not difference.finite:
        raise line.subject.failure(
            f"the function is not finite a step away along {line.variable.label}.",
            f"it is finite at the inputs, and not {difference.step:.2g} from them: they are at the edge of its domain",
            "check it farther inside, or pass a smaller eps",
        )
    return difference


def _expected(line: Line, step: Difference, values: Any, settings: Settings) -> tuple[float, float, float]:
    """Return the slope that the gradient says, the tolerance, and the scale that errors are relative to."""
    terms = np.where(step.along == 0.0, 0.0, step.along * values)
    # Errors are relative to the terms that were added up, not to a sum that may cancel.
    scale = float(np.sqrt(np.sum(terms**2))) + abs(step.slope)
    rounding = 10 * line.rounding(step.step)
    atol = rounding if settings.atol is None else settings.atol
    rtol = relative_tolerance(step.step) if settings.rtol is None else settings.rtol
    return float(np.sum(terms)), atol + rtol * scale, scale + 1e3 * rounding + 1e-300


# ---- what is said of a failure


def _coordinate(line: Line, place: tuple[int, ...]) -> Line:
    direction = np.zeros(line.point.shape)
    direction[place] = 1.0
    return Line(line.subject, line.variable, direction, line.weights, line.start)


def _places(line: Line, badness: Any, most: int = 512) -> list[tuple[int, ...]]:
    """Return the elements of the variable to look at one by one: all, or the worst block of them, found by halving."""
    shape = line.point.shape
    found = np.arange(line.point.size)
    while found.size > most:
        blocks = []
        for block in np.array_split(found, 16):
            mask = np.zeros(line.point.size)
            mask[block] = 1.0
            direction = line.direction * mask.reshape(shape)
            blocks.append((badness(Line(line.subject, line.variable, direction, line.weights, line.start)), block))
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
