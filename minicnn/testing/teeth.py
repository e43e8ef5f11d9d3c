"""Faults planted in gradients on purpose: a suite that passes them proves nothing.

Each fault changes the gradient for one input of one op:

- to zero; in sign; by 1%; by leaving out what one output contributes;
- *swapped axes*: the values are read along two axes in each other's order, d → (dᵀ) in d's shape: the plain transpose
  of a square, a wrong order of elements otherwise. An elementwise op's gradient is swapped before it is summed over
  what was broadcast, so that a sum over the wrong axis is among them;
- *missing sum*: the gradient for an input that several slices of the output share (a bias, a broadcast operand, a
  weight) is taken from the first slice alone, rather than summed.

Where the right gradient is zero everywhere (rounding), one that leaks 1% is planted instead.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minicnn.autograd.fused import Fused
from minicnn.autograd.graph import TapeTensor, wrap
from minicnn.autograd.op import Op, Public
from minicnn.autograd.primitive import Primitive
from minicnn.backend import backend_of
from minicnn.testing.call import Call, samples_of, value_and_grads
from minicnn.testing.failures import GradcheckError
from minicnn.testing.suite import CHECKS

# What becomes of a gradient d (a tensor or an array).
FAULTS: dict[str, Callable[[Any], Any]] = {
    "zeroed": lambda d: d * 0.0,
    "sign flipped": lambda d: -d,
    "scaled by 1%": lambda d: d * 1.01,
}
DROPPED = "one term dropped"
SWAPPED = "swapped axes"
UNSUMMED = "missing sum"
LEAK = "leaking 1%"
KINDS = (*FAULTS, DROPPED, SWAPPED, UNSUMMED, LEAK)


def inputs_of(op: type[Op]) -> list[int]:
    """Return the inputs of an op for which it has gradients."""
    if issubclass(op, Primitive):
        return [i for i, gradient in enumerate(op.gradients) if gradient is not None]
    return list(range(op.arity)) if issubclass(op, Fused) else []


class Planted:
    """A fault in place.

    Attributes:
        bites: whether it has changed a gradient so far: an axis of one element cannot be swapped.
    """

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.bites = False

    def spoil(self, right: Callable[[Any], Any], g: Any, shape: tuple[int, ...]) -> Any:
        """Return the faulty gradient.

        Args:
            right: the right gradient, of the output's gradient; before it is summed over what was broadcast.
            g: the output's gradient.
            shape: the input's shape, which the gradient has once it is summed.
        """
        whole = right(g)
        wrong = self._wrong(right, g, whole, shape)
        if not self.bites:
            before, after = (_values(_summed(d, shape)) for d in (whole, wrong))
            self.bites = not np.allclose(before, after, rtol=1e-3, atol=1e-6 * np.max(np.abs(before), initial=0.0))
        return wrong

    def _wrong(self, right: Callable[[Any], Any], g: Any, whole: Any, shape: tuple[int, ...]) -> Any:
        if self.fault == DROPPED:
            return _without_one(right, g, whole)
        if self.fault == SWAPPED:
            return _swapped(whole, shape)
        if self.fault == UNSUMMED:
            return _unsummed(lambda h: _summed(right(h), shape), g, whole)
        if self.fault == LEAK:
            return whole * 0.0 + 0.01
        return FAULTS[self.fault](whole)


@contextmanager
def planted(op: type[Op], index: int, fault: str) -> Iterator[Planted]:
    """Within this block, the op's gradient for one input has a fault."""
    plant = Planted(fault)
    if issubclass(op, Primitive):
        gradient = op.gradients[index]
        if gradient is None:
            raise GradcheckError(f"{op.name}: input {index} has no gradient to plant a fault in.")
        function, fast, arguments = gradient.function, gradient.fast, gradient.arguments

        def with_shape(inputs: Sequence[Any], params: Any, shapes: Any, i: int) -> list[Any]:
            return [*arguments(inputs, params, shapes, i), inputs[i]._array.shape]

        def faulty(g: Any, *rest: Any) -> Any:
            if fast is not None:
                return function(g, *rest[:-1])
            return plant.spoil(lambda h: function(h, *rest[:-1]), g, rest[-1])

        def faulty_fast(be: Any, g: Any, *rest: Any) -> Any:
            return plant.spoil(lambda h: fast(be, h, *rest[:-1]), g, rest[-1])

        gradient.function, gradient.arguments = faulty, with_shape  # type: ignore[assignment, method-assign]
        gradient.fast = fast and faulty_fast
        try:
            yield plant
        finally:
            gradient.function, gradient.fast = function, fast
            del gradient.arguments  # the class's own again
        return
    kernel = op.__dict__["backward"]

    def backward(be: Any, grads: Sequence[Any], saved: Any, needs: Any, *arrays: Any, **params: Any) -> list[Any]:
        def right(h: Any) -> Any:
            return kernel.__func__(be, (h, *grads[1:]), saved, needs, *arrays, **params)[index]

        found = list(kernel.__func__(be, grads, saved, needs, *arrays, **params))
        if found[index] is not None:
            found[index] = plant.spoil(right, grads[0], arrays[index].shape)
        return found

    type.__setattr__(op, "backward", staticmethod(backward))
    try:
        yield plant
    finally:
        type.__setattr__(op, "backward", kernel)


def _values(d: Any) -> Any:
    array = d._array if isinstance(d, TapeTensor) else d
    return array if isinstance(array, np.generic) else backend_of(array).to_numpy(array)


def _summed(d: Any, shape: tuple[int, ...]) -> Any:
    return d if tuple(d.shape) == tuple(shape) or not isinstance(d, TapeTensor) else d.sum_to_size(shape)  # type: ignore[attr-defined]


def _swapped(d: Any, shape: tuple[int, ...]) -> Any:
    """Return the gradient with two axes read in each other's order: the last two for which that shows in its sum."""
    axes = [k for k, size in enumerate(d.shape) if size > 1]
    right = _values(_summed(d, shape))
    for i, j in itertools.combinations(reversed(axes), 2):
        if isinstance(d, TapeTensor):
            wrong = d.transpose(i, j).reshape(d.shape)  # type: ignore[attr-defined]
        else:
            wrong = d.swapaxes(i, j).reshape(d.shape)
        if not np.allclose(_values(_summed(wrong, shape)), right):
            return wrong
    return d


def _unsummed(right: Callable[[Any], Any], g: Any, whole: Any) -> Any:
    """Return the gradient of the first slice of the output alone, along the first axis it sums over; or as it is."""
    for axis in range(len(g.shape)):
        slices = [right(_slice(g, axis, k)) for k in range(min(2, g.shape[axis]))]
        # Two slices that both reach an element of the gradient are added up in it.
        if len(slices) == 2 and np.any((_values(slices[0]) != 0) & (_values(slices[1]) != 0)):
            return slices[0]
    return whole


def _slice(g: Any, axis: int, k: int) -> Any:
    """Return g with zeros in all slices along an axis but the k-th."""
    array = g._array if isinstance(g, TapeTensor) else g
    masked = array * 0.0
    place = (slice(None),) * axis + (k,)
    masked[place] = array[place]
    return wrap(masked) if isinstance(g, TapeTensor) else masked


def _without_one(right: Callable[[Any], Any], g: Any, whole: Any) -> Any:
    """Return the gradient without the term of one output: the first one that contributes anything."""
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
    """Yield (input, fault) for each fault of a function's op that changes the gradient of one of its samples."""
    op = public.op
    if op is None or (issubclass(op, Primitive) and not op.differentiable):
        return
    for index in inputs_of(op):
        if not _bites(public, index, LEAK, seed):  # constants such as masks and labels: no sample asks for a gradient
            continue
        if not _bites(public, index, "sign flipped", seed):
            yield index, LEAK
            continue
        yield from ((index, fault) for fault in (*FAULTS, DROPPED))
        yield from ((index, fault) for fault in (SWAPPED, UNSUMMED) if _bites(public, index, fault, seed))


def _bites(public: Public, index: int, fault: str, seed: int) -> bool:
    """Whether a fault changes the gradient of any sample at all."""
    with planted(public.op, index, fault) as plant:  # type: ignore[arg-type]  # those without op have no faults
        for sample in samples_of(public, seed):
            value_and_grads(Call(public, sample), seed)
            if plant.bites:
                return True
    return False


def caught_by(public: Public, index: int, fault: str, seed: int = 0) -> list[str]:
    """Return the names of the checks that catch a fault."""
    names = [name for name in CHECKS if name in ("first order", "definition")]
    return [name for name in names if _caught(public, index, fault, seed, name)]


def _caught(public: Public, index: int, fault: str, seed: int, name: str) -> bool:
    if public.op is None:
        return False
    with planted(public.op, index, fault):
        for sample in samples_of(public, seed):
            try:
                CHECKS[name](public, sample, seed)
            except GradcheckError:
                return True
    return False
