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
from minicnn.ops import inplace
from minicnn.random import Generator, default_generator


class InPlace(TapeTensor):
    """Assignment, ``+=`` and the methods that end in an underscore."""

    def _update(self, name: str, function: Callable[[Any], Any]) -> Self:
        return inplace.update(self, name, function)

    def __setitem__(self, index: Any, value: Any) -> None:
        value = value if isinstance(value, (TapeTensor, int, builtins.float)) else wrap(np.asarray(value))
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

    mul_, div_, pow_ = __imul__, __itruediv__, __ipow__

    def add_(self, other: Any, *, alpha: Any = 1) -> Self:
        """x += alpha · other, in place."""
        return self._update("add_", lambda x: ops.add(x, other, alpha=alpha))

    def sub_(self, other: Any, *, alpha: Any = 1) -> Self:
        """x −= alpha · other, in place."""
        return self._update("sub_", lambda x: ops.sub(x, other, alpha=alpha))

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
        return self._draw("bernoulli_", (generator or default_generator).numpy.random(self.shape) < p)
