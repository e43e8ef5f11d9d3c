"""A sample as a call: its arrays made tensors, its outputs and gradients computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minicnn.autograd import grad as autograd_grad
from minicnn.autograd.op import Public
from minicnn.autograd.sample import Constant, Sample
from minicnn.backend import backend_of
from minicnn.tensor import Tensor
from minicnn.tensor.creation import tensor
from minicnn.testing.failures import host

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


def value_and_grads(call: Call, seed: int, rounded: Callable[[Any], Any] | None = None) -> tuple[list[Any], list[Any]]:
    """Return a call's outputs, and the gradients of its tensors for random cotangents; None where there is none.

    The cotangents are numbers of float32, the same for every dtype; ``rounded`` is applied to them.
    """
    outputs = call.run()
    rng = np.random.default_rng([seed, 3])
    cotangents = [rng.normal(size=y.shape).astype(np.float32).astype(np.float64) for y in outputs]
    if rounded is not None:
        cotangents = [rounded(u) for u in cotangents]
    pairs = [
        (y, tensor(u.astype(str(y.dtype))).to(y.device))
        for y, u in zip(outputs, cotangents, strict=True)
        if y.requires_grad
    ]
    wanted = [x for x in call.tensors if x.requires_grad]
    found: Any = [None] * len(wanted)
    if pairs and wanted:
        found = autograd_grad([y for y, _ in pairs], wanted, [u for _, u in pairs], allow_unused=True)
    return [host(y) for y in outputs], [None if g is None else host(g) for g in found]


def samples_of(public: Public, seed: int) -> Iterator[Sample]:
    """Return the samples that a seed draws."""
    return public.samples(np.random.default_rng(seed))


def number_of(public: Public, sample: Sample, seed: int) -> int | None:
    """Return the number of a sample among those that a seed draws, from 1; None for one of another origin."""
    values = (*sample.args, *sample.kwargs.values())
    for number, other in enumerate(samples_of(public, seed), 1):
        if repr(other) == repr(sample) and _equal(values, (*other.args, *other.kwargs.values())):
            return number
    return None


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, Constant):
        return _equal(a.values, b.values)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(_equal(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, np.ndarray):
        return bool(a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))
    return repr(a) == repr(b)


def repeat(public: Public, sample: Sample, seed: int, order: int | None = None) -> str:
    """Return the command that makes the checks of one sample again."""
    number = number_of(public, sample, seed)
    words = ["minicnn gradcheck", public.name, f"--seed {seed}"]
    words += [f"--case {number}"] if number else []
    words += [f"--order {order}"] if order else []
    return " ".join(words)
