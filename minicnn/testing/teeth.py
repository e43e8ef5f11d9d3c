"""Faults planted in gradients on purpose: a suite that passes them proves nothing.

Each fault changes the gradient for one input of one op: to zero, in sign, by 1%, or by leaving out what one output
contributes. Where the right gradient is zero everywhere (rounding), one that leaks 1% is planted instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minicnn.autograd.fused import Fused
from minicnn.autograd.graph import TapeTensor
from minicnn.autograd.op import Op, Public
from minicnn.autograd.primitive import Primitive
from minicnn.testing.gradcheck import GradcheckError
from minicnn.testing.suite import CHECKS, samples_of

# What becomes of a gradient d, and of the output's gradient g before it (a tensor or an array).
FAULTS: dict[str, Callable[[Any], Any]] = {
    "zeroed": lambda d: d * 0.0,
    "sign flipped": lambda d: -d,
    "scaled by 1%": lambda d: d * 1.01,
}
DROPPED = "one term dropped"
LEAK = "leaking 1%"


def inputs_of(op: type[Op]) -> list[int]:
    """Return the inputs of an op for which it has gradients."""
    if issubclass(op, Primitive):
        return [i for i, gradient in enumerate(op.gradients) if gradient is not None]
    return list(range(op.arity)) if issubclass(op, Fused) else []


@contextmanager
def planted(op: type[Op], index: int, fault: str) -> Iterator[None]:
    """Within this block, the op's gradient for one input has a fault."""
    if issubclass(op, Primitive):
        gradient = op.gradients[index]
        if gradient is None:
            raise GradcheckError(f"{op.name}: input {index} has no gradient to plant a fault in.")
        right = gradient.function
        gradient.function = lambda g, *rest: _faulty(fault, lambda h: right(h, *rest), g)
        try:
            yield
        finally:
            gradient.function = right
        return
    kernel = op.__dict__["backward"]

    def backward(be: Any, grads: Sequence[Any], saved: Any, needs: Any, *arrays: Any, **params: Any) -> list[Any]:
        def right(h: Any) -> Any:
            return kernel.__func__(be, (h, *grads[1:]), saved, needs, *arrays, **params)[index]

        found = list(kernel.__func__(be, grads, saved, needs, *arrays, **params))
        if found[index] is not None:
            found[index] = _faulty(fault, right, grads[0])
        return found

    type.__setattr__(op, "backward", staticmethod(backward))
    try:
        yield
    finally:
        type.__setattr__(op, "backward", kernel)


def _faulty(fault: str, right: Callable[[Any], Any], g: Any) -> Any:
    if fault == DROPPED:
        return _without_one(right, g)
    if fault == LEAK:
        return right(g) * 0.0 + 0.01
    return FAULTS[fault](right(g))


def _without_one(right: Callable[[Any], Any], g: Any) -> Any:
    """Return the gradient without the term of one output: the first one that contributes anything."""
    whole = right(g)
    shape = tuple(g.shape)
    for place in np.ndindex(shape):
        if isinstance(g, TapeTensor):
            less = g.index_put(place, 0.0)  # type: ignore[attr-defined]
        else:
            less = g.copy()
            less[place] = 0
        partial = right(less)
        if bool((partial != whole).any()):
            return partial
    return whole


def faults_of(public: Public, seed: int = 0) -> Iterator[tuple[int, str]]:
    """Yield (input, fault) for each fault that can be planted in a function's op."""
    op = public.op
    if op is None or (issubclass(op, Primitive) and not op.differentiable):
        return
    for index in inputs_of(op):
        flat = not _caught(public, index, "sign flipped", seed, all_checks=True)
        if not flat:
            yield from ((index, fault) for fault in (*FAULTS, DROPPED))
        elif _ever_needed(public, index, seed):
            yield index, LEAK


def _ever_needed(public: Public, index: int, seed: int) -> bool:
    """Whether any sample asks for this input's gradient: constants such as masks and labels never do."""
    return _caught(public, index, LEAK, seed, all_checks=True)


def caught_by(public: Public, index: int, fault: str, seed: int = 0) -> list[str]:
    """Return the names of the checks that catch a fault."""
    names = [name for name in CHECKS if name in ("first order", "definition")]
    return [name for name in names if _caught(public, index, fault, seed, [name])]


def _caught(
    public: Public, index: int, fault: str, seed: int, names: Sequence[str] = (), all_checks: bool = False
) -> bool:
    if public.op is None:
        return False
    with planted(public.op, index, fault):
        for sample in samples_of(public, seed):
            for name in CHECKS if all_checks else names:
                try:
                    CHECKS[name](public, sample, seed)
                except GradcheckError:
                    return True
    return False
