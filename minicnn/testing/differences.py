"""Finite differences along a line: the slope of a function, how sure it is, and whether there is one at all.

Along a direction v the function is looked at from x − h·v, x and x + h·v, at steps h, h/8, h/64 ... What becomes
of the *bend*, the slope above x less the slope below, b = |f(x + hv) − 2f(x) + f(x − hv)| / h, tells what the point is:

    smooth       b = h·|f″|: an eighth at each step, however large the second derivative
    a kink       b stays: the slopes on both sides of relu at 0 differ by 1 at any step
    a jump       b grows eightfold, or (sign at 0) the slopes on both sides do
    a kink within the step, not at x: b falls to nothing once the step is short enough

The shorter steps are taken only where the first leaves a doubt, so a smooth function costs two calls a direction.
"""

from __future__ import annotations

import functools
import itertools
from typing import Any, NamedTuple

import numpy as np

from minicnn.testing.failures import host
from minicnn.testing.subject import Subject, Variable

EPSILON = 2.0**-52  # of float64
SHRINK = 8.0
DEEPEST = 7  # steps, down to h/8⁶; rounding leaves nothing to see at shorter ones
SETTLED = 3e-3  # how far two differences may be apart, relative, for either to be trusted


class Difference(NamedTuple):
    """What one step shows.

    Attributes:
        step: h.
        along: the direction, as far as rounding let x move along it.
        slope: (⟨u, f(x + hv)⟩ − ⟨u, f(x − hv)⟩) / 2h.
        bend: for each output element, |slope above x − slope below x|.
        steep: for each output element, the larger of both slopes' sizes.
        each: for each output element, its own slope, without u.
        finite: whether f is, at both ends.
    """

    step: float
    along: Any
    slope: float
    bend: Any
    steep: Any
    each: Any
    finite: bool


class Line:
    """A function along a direction of one of its variables.

    Args:
        subject, variable: the function, and what is moved.
        direction: v, of the variable's shape.
        weights: u, a weight for each output element.
        start: f(x).
        step: h.
    """

    def __init__(
        self, subject: Subject, variable: Variable, direction: Any, weights: Any, start: Any, step: float
    ) -> None:
        self.subject = subject
        self.variable = variable
        self.weights = weights
        self.start = start
        self.step = step
        self.point = host(variable.tensor).copy()
        self.direction = np.where(np.isfinite(self.point), direction, 0.0)  # an infinity cannot be moved

    def along(self, direction: Any) -> Line:
        """Return the line in another direction."""
        return Line(self.subject, self.variable, direction, self.weights, self.start, self.step)

    def weighted(self, weights: Any) -> Line:
        """Return the line under another u."""
        return Line(self.subject, self.variable, self.direction, weights, self.start, self.step)

    @functools.cached_property
    def first(self) -> Difference:
        """The difference at h."""
        return self.difference(self.step)

    def difference(self, step: float) -> Difference:
        """Look at both ends of a step."""
        above, below = self.point + step * self.direction, self.point - step * self.direction
        after, before = self.subject.at(self.variable, above), self.subject.at(self.variable, below)
        if after.shape != self.start.shape or before.shape != self.start.shape:
            raise self.subject.failure(
                f"the shape of the output depends on the values of {self.variable.label}.",
                f"{self.start.size} elements at the point, {after.size} and {before.size} a step away",
                "check the part of the function after the choice",
            )
        rise, fall = after - self.start, self.start - before
        # Difference first, then the sum: what the two ends share cancels before it can swamp the rest.
        slope = float(self.weights @ (after - before)) / (2 * step)
        steep = np.maximum(np.abs(rise), np.abs(fall)) / step
        finite = bool(np.all(np.isfinite(after)) and np.all(np.isfinite(before)))
        along = np.subtract(above, below, out=np.zeros_like(above), where=np.isfinite(above)) / (2 * step)
        return Difference(step, along, slope, np.abs(rise - fall) / step, steep, (after - before) / (2 * step), finite)

    def closer(self, first: Difference) -> list[Difference]:
        """Return the differences at h, h/8, h/64 and h/512, and at shorter steps while these leave the case open."""
        steps = [first, *(self.difference(first.step / SHRINK**k) for k in (1, 2, 3))]
        while len(steps) < DEEPEST and self._open(steps):
            steps.append(self.difference(steps[-1].step / SHRINK))
        return steps

    def _open(self, steps: list[Difference]) -> bool:
        """Whether a shorter step could show that what looks like a kink is a sharp bend, or let the slope settle."""
        kinks, jumps = self.broken(steps)
        last = steps[-1]
        if np.any(kinks | jumps):
            seen = np.where(jumps, np.maximum(last.bend, last.steep), last.bend)[kinks | jumps]
            return bool(np.max(seen) > 100 * self.noise(last))
        return self.settle(steps) is None

    def settle(self, steps: list[Difference]) -> tuple[Difference, float] | None:
        """Return the step to believe, and how far its slope still moves at the next; None where they do not settle."""
        slopes = [abs(d.slope) for d in steps]
        spreads = [abs(a.slope - b.slope) for a, b in itertools.pairwise(steps)]
        best = int(np.argmin(spreads))
        vanishes = all(b <= a / 4 for a, b in itertools.pairwise(slopes[:4]))  # the slope of x³ at 0 is h²
        size = max(slopes[best], norm(self.weights * steps[best].steep))
        if vanishes or spreads[best] <= max(SETTLED * size, 1e4 * self.rounding(steps[0].step)):
            return steps[best], spreads[best]
        return None

    def rounding(self, step: float) -> float:
        """Return what rounding f may come to in a slope: ε · Σ|u·f| / h."""
        return EPSILON * float(np.sum(np.abs(self.weights * self.start))) / step

    def noise(self, difference: Difference) -> Any:
        """Return what rounding alone makes of a bend: of the outputs, and of inputs times the slope."""
        size = np.max(np.abs(self.start), initial=0.0)
        size += np.max(difference.steep, initial=0.0) * np.max(np.abs(self.point), initial=0.0)
        return 64 * EPSILON * size / difference.step

    def doubtful(self, difference: Difference) -> bool:
        """Whether a step shows more of a bend than a smooth function of moderate curvature has."""
        usual = relative_tolerance(difference.step) * difference.steep + self.noise(difference)
        return bool(np.any(difference.bend > usual))

    def broken(self, steps: list[Difference]) -> tuple[Any, Any]:
        """Return two masks of the output elements: which have a kink at the point, and which a jump."""
        bends, steeps = [d.bend for d in steps[-3:]], [d.steep for d in steps[-3:]]
        noise = self.noise(steps[-1])
        kink = (bends[1] >= bends[0] / 2) & (bends[2] >= bends[1] / 2) & (bends[2] > noise)
        # Rounding inside the function grows like a jump, but is small beside the values.
        least = max(noise, 1e-9 * np.max(np.abs(self.start), initial=0.0) / steps[-1].step)
        jump = np.zeros(kink.shape, bool)
        for first, second, third in (bends, steeps):
            jump |= (second >= SHRINK / 2 * first) & (third >= SHRINK / 2 * second) & (third > least)
        # What grows and is no jump is that rounding.
        return kink & (bends[2] < SHRINK / 2 * bends[1]), jump


def norm(values: Any) -> float:
    """The Euclidean norm, of values of any size.

    >>> norm(np.array([4e200, 0.0]))
    4e+200
    """
    most = float(np.max(np.abs(values), initial=0.0))
    return most * float(np.sqrt(np.sum((values / most) ** 2))) if most and np.isfinite(most) else most


def relative_tolerance(step: float) -> float:
    """The relative tolerance for a step: √(h² + ε/h), half the digits that a difference at that step has.

    >>> f"{relative_tolerance(6e-6):.1e}"
    '8.5e-06'
    """
    return float(np.sqrt(step**2 + EPSILON / step))
