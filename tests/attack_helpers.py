"""Calls with a mistake in them: each argument of a sample replaced by what it should not be."""

from __future__ import annotations

import inspect

import numpy as np

import minicnn
from minicnn.autograd.sample import Constant
from minicnn.testing.suite import samples_of

HUGE = 2**62
NO_PARAMETER = inspect.Parameter("x", inspect.Parameter.POSITIONAL_ONLY)


class Made:
    """A tensor to be made for the call."""

    def __init__(self, values, backend="numpy"):
        self.values, self.backend = np.asarray(values), backend

    def make(self):
        with minicnn.use(self.backend):
            return minicnn.tensor(self.values)

    def __repr__(self):
        return f"{self.backend} {self.values.dtype}{list(self.values.shape)}"


class Raw:
    """A NumPy array that stays one."""

    def __init__(self, values):
        self.values = values

    def make(self):
        return self.values

    def __repr__(self):
        return "an array"


def bind(value):
    """Return an argument as the call takes it."""
    if isinstance(value, (Made, Raw)):
        return value.make()
    if isinstance(value, Constant):
        return minicnn.tensor(value.values)
    if isinstance(value, np.ndarray):
        made = minicnn.tensor(value)
        return made.requires_grad_() if made.is_floating_point() else made
    if isinstance(value, (list, tuple)):
        return type(value)(bind(v) for v in value)
    return value


def wrong_tensors(a, optional):
    """Yield what is no tensor, and tensors of another dtype, rank, size or place."""
    if not optional:
        yield None
    yield from (a.tolist(), "x", {"a": 1}, Raw(a))
    with np.errstate(invalid="ignore"):  # infinities as integers
        cast = [a.astype(dtype) for dtype in ("int64", "bool", "float32") if a.dtype != dtype]
    yield from map(Made, cast)
    yield Made(a[None])
    yield Made(a, "strict")
    if a.ndim:
        yield Made(a[0] if len(a) else np.zeros(a.shape[1:], a.dtype))
    for axis in {0, a.ndim - 1} if a.ndim else ():
        wider = [(0, int(i == axis)) for i in range(a.ndim)]
        yield Made(np.pad(a, wider, mode="edge" if a.size else "constant"))
        yield Made(np.take(a, [], axis))


def wrong_numbers(value, optional):
    """Yield what is no number, and numbers out of range."""
    if not optional:
        yield None
    yield from ("x", {"a": 1}, [value] * 7, Made([1.5, 2.5]), -7, 0, HUGE)
    yield value + 0.5 if isinstance(value, int) else float("nan")


def wrong_values(value, parameter):
    """Yield values that should not stand for this one."""
    optional = parameter.default is None
    if isinstance(value, (np.ndarray, Constant)):
        yield from wrong_tensors(np.asarray(value.values if isinstance(value, Constant) else value), optional)
    elif isinstance(value, bool):
        yield "x"
    elif isinstance(value, (int, float)):
        yield from wrong_numbers(value, optional)
    elif isinstance(value, str):
        yield from (f"{value}x", 3, None, Made([1.0]))
    elif isinstance(value, (list, tuple)):
        yield from ("x", {"a": 1}, 3, type(value)(), type(value)((*value, *value[:1])))
        for i, part in enumerate(value[:2]):
            for wrong in wrong_values(part, NO_PARAMETER):
                yield type(value)((*value[:i], wrong, *value[i + 1 :]))
    else:
        yield from ("x", {"a": 1})


def attacks(public):
    """Yield calls of a function with one argument wrong: the first sample's, and those that others set first."""
    signature = inspect.signature(public.function)
    seen = set()
    for number, sample in enumerate(samples_of(public, 0)):
        given = signature.bind(*sample.args, **sample.kwargs).arguments
        for name, value in given.items():
            if number and name in seen:
                continue
            seen.add(name)
            parameter = signature.parameters[name]
            for wrong in wrong_values(value, parameter):
                if parameter.kind is parameter.VAR_POSITIONAL and not isinstance(wrong, tuple):
                    wrong = (wrong,)
                call = inspect.BoundArguments(signature, {**given, name: wrong})
                yield name, wrong, call
