"""The judgement of one function: its analytic gradient against differences, after all that must hold before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.tensor import Tensor
from minicnn.testing.differences import Line
from minicnn.testing.failures import GradcheckError, host
from minicnn.testing.slopes import Settings, Verdict, compare
from minicnn.testing.small import look_at_small
from minicnn.testing.subject import Subject, Variable, flat, like


def judge(subject: Subject, settings: Settings) -> Verdict:
    """Check all variables of a function.

    Raises:
        GradcheckError: a gradient is wrong, or something else that must hold does not.
        NotDifferentiableError: there is no derivative at the point.
    """
    subject.check()
    before = [host(v.tensor).copy() for v in subject.variables]
    outputs = subject.outputs()
    if not outputs:
        raise subject.no_floats()
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
            line = Line(subject, variable, direction, weights, start, settings.eps)
            found = compare(line, gradient, settings)
            if trial == 0:
                look_at_small(line, gradient, settings)
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
