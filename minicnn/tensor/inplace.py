"""Methods that change a tensor in place; the history of such writes is kept by `minicnn.ops.inplace`."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from minicnn import ops
from minicnn.autograd.graph import TapeTensor, wrap
from minicnn.autograd.mode import mode
from minicnn.backend import backend_of
from minicnn.errors import ParameterError, message
from minicnn.ops import inplace
from minicnn.ops.checks import need_positive
from minicnn.random import Generator, default_generator


class InPlace(TapeTensor):
    """Assignment, ``+=`` and the methods that end in an underscore."""

    def _update(self, name: str, function: Callable[[Any], Any]) -> Self:
        return inplace.update(self, name, function)

    def __setitem__(self, index: Any, value: Any) -> None:
        value = (
            value
            if isinstance(value, (TapeTensor, int, builtins.float))
            else wrap(backend_of(self._array).asarray(np.asarray(value)))
        )
        if mode.recording and (getattr(value, "_requires_grad", False) or inplace.has_history(self)):
            self._update("setitem", lambda x: ops.index_put(x, index, value))
        else:
            ops.assign(self, index, value)

    def __iadd__(self, other: Any) -> Self:
        return self._update("add_", lambda x: x + other)

    def __isub__(self, other: Any) -> Self:
        return self._update("sub_", lambda x: x - other)

    def __imul__(self, other: Any) -> Self:
        return self._update("mul_", lambda x: x * other)

    def __itruediv__(self, other: Any) -> Self:
        return self._update("div_", lambda x: x / other)

    def __ipow__(self, other: Any) -> Self:
        return self._update("pow_", lambda x: x**other)

    mul_, pow_ = __imul__, __ipow__
    multiply_ = mul_

    def div_(self, other: Any, *, rounding_mode: str | None = None) -> Self:
        """x /= other, in place, rounded as `div` has it."""
        return self._update("div_", lambda x: ops.div(x, other, rounding_mode=rounding_mode))

    divide_ = true_divide_ = div_

    def add_(self, other: Any, *, alpha: Any = 1) -> Self:
        """x += alpha · other, in place."""
        return self._update("add_", lambda x: ops.add(x, other, alpha=alpha))

    def sub_(self, other: Any, *, alpha: Any = 1) -> Self:
        """x −= alpha · other, in place."""
        return self._update("sub_", lambda x: ops.sub(x, other, alpha=alpha))

    subtract_ = sub_

    def clamp_(self, min: Any = None, max: Any = None) -> Self:
        """Held between min and max, in place."""
        return self._update("clamp_", lambda x: x.clamp(min, max))

    def relu_(self) -> Self:
        """Rectified, in place."""
        return self._update("relu_", lambda x: x.relu())

    def exp_(self) -> Self:
        """The exponential, in place."""
        return self._update("exp_", lambda x: x.exp())

    def copy_(self, source: Any) -> Self:
        """The values of another tensor, broadcast and cast to this one's dtype, in place."""
        source = source if isinstance(source, TapeTensor) else wrap(np.asarray(source))
        return self._update("copy_", lambda x: source.to(x).expand(x.shape))

    def fill_(self, value: Any) -> Self:
        """One value everywhere, in place."""
        return self._update("fill_", lambda x: ops.index_put(x, Ellipsis, value))

    def zero_(self) -> Self:
        """0 everywhere, in place."""
        return self.fill_(0)

    def _draw(self, name: str, values: Any) -> Self:
        be = backend_of(self._array)
        return self._update(name, lambda x: wrap(be.asarray(values.astype(x.dtype))))

    def uniform_(self, a: Any = 0.0, b: Any = 1.0, *, generator: Generator | None = None) -> Self:
        """Uniform numbers in [a, b), in place; drawn on the CPU."""
        return self._draw("uniform_", (generator or default_generator).numpy.uniform(a, b, self.shape))

    def normal_(self, mean: Any = 0.0, std: Any = 1.0, *, generator: Generator | None = None) -> Self:
        """Normal numbers, in place; drawn on the CPU."""
        return self._draw("normal_", (generator or default_generator).numpy.normal(mean, std, self.shape))

    def bernoulli_(self, p: Any = 0.5, *, generator: Generator | None = None) -> Self:
        """1 with probability p, else 0, in place; drawn on the CPU."""
        if isinstance(p, TapeTensor):
            p = backend_of(p._array).to_numpy(p._array)
        return self._draw("bernoulli_", (generator or default_generator).numpy.random(self.shape) < p)

    def random_(self, low: Any = 0, high: Any = None, *, generator: Generator | None = None) -> Self:
        """Whole numbers from low (0) up to, not including, high, in place; drawn on the CPU.

        ``random_(high)`` is from 0; without either, up to what the dtype holds exactly.

        Raises:
            ParameterError: high is not above low.
        """
        if high is None:
            kind = self._array.dtype
            top = 2 ** (np.finfo(kind).nmant + 1) if kind.kind == "f" else 1 if kind.kind == "b" else np.iinfo(kind).max
            low, high = (0, low) if low else (0, int(top) + (kind.kind != "i" or kind.itemsize < 8))
        if high <= low:
            raise ParameterError(
                message("random_", "high must be above low.", f"low {low}, high {high}", "exchange them.")
            )
        return self._draw("random_", (generator or default_generator).numpy.integers(low, high, self.shape))

    def exponential_(self, lambd: Any = 1.0, *, generator: Generator | None = None) -> Self:
        """Numbers of an exponential distribution, with density λ·exp(−λx), in place; drawn on the CPU."""
        need_positive("exponential_", "lambd", lambd)
        return self._draw("exponential_", (generator or default_generator).numpy.exponential(1 / lambd, self.shape))

    def geometric_(self, p: Any, *, generator: Generator | None = None) -> Self:
        """How many trials of probability p it takes to succeed, from 1 on, in place; drawn on the CPU."""
        if not 0 < p < 1:
            raise ParameterError(
                message("geometric_", f"p expects a number between 0 and 1, got {p}.", "a probability", "p=0.5.")
            )
        return self._draw("geometric_", (generator or default_generator).numpy.geometric(p, self.shape))

    def log_normal_(self, mean: Any = 1.0, std: Any = 2.0, *, generator: Generator | None = None) -> Self:
        """Numbers whose logarithms are normal, in place; drawn on the CPU."""
        need_positive("log_normal_", "std", std)
        return self._draw("log_normal_", (generator or default_generator).numpy.lognormal(mean, std, self.shape))

    def cauchy_(self, median: Any = 0.0, sigma: Any = 1.0, *, generator: Generator | None = None) -> Self:
        """Numbers of a Cauchy distribution, in place; drawn on the CPU."""
        need_positive("cauchy_", "sigma", sigma)
        draw = (generator or default_generator).numpy.standard_cauchy(self.shape)
        return self._draw("cauchy_", median + sigma * draw)
