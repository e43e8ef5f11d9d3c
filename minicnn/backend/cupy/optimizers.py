"""Optimizers' steps on the GPU, each in one pass: the kernels of optimizers.cu."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.backend.base import Array
from minicnn.backend.cupy.launch import Launching


class Optimizers(Launching):
    """Adam and SGD with all their options."""

    def adam(
        self,
        p: Array,
        grad: Array,
        m: Array,
        v: Array,
        largest: Array | None,
        *,
        maximize: bool,
        decay: float,
        eps: float,
        beta1: Any,
        gain1: Any,
        beta2: Any,
        gain2: Any,
        shrink: Any,
        rate: Any,
        root: Any,
        scratch: Callable[[Array], Array] | None = None,
    ) -> None:
        if not self._updates(p, grad, m, v, largest):
            super().adam(
                p, grad, m, v, largest, maximize=maximize, decay=decay, eps=eps, beta1=beta1, gain1=gain1,
                beta2=beta2, gain2=gain2, shrink=shrink, rate=rate, root=root, scratch=scratch,
            )  # fmt: skip
            return
        kind, grad = p.dtype.type, self.ready(grad)
        width = self.width(p.size, p, grad, m, v, largest)
        known = map(kind, (-1 if maximize else 1, decay, eps))
        numbers = beta1, gain1, beta2, gain2, 1.0 if shrink is None else shrink, rate, root
        args = p, grad, m, v, largest, *known, *(self._number(n, p.dtype) for n in numbers)
        self.launch_flat("optimizers", f"adam<{{T}}, {width}>", p.dtype, p.size // width, *args)

    def sgd(
        self,
        p: Array,
        grad: Array,
        momentum: Array | None,
        *,
        maximize: bool,
        decay: float,
        mu: Any,
        gain: float,
        first: bool,
        nesterov: bool,
        rate: Any,
        scratch: Callable[[Array], Array] | None = None,
    ) -> None:
        if not self._updates(p, grad, momentum):
            super().sgd(
                p, grad, momentum, maximize=maximize, decay=decay, mu=mu, gain=gain, first=first, nesterov=nesterov,
                rate=rate, scratch=scratch,
            )  # fmt: skip
            return
        kind, grad = p.dtype.type, self.ready(grad)
        width = self.width(p.size, p, grad, momentum)
        known = map(kind, (-1 if maximize else 1, decay, gain))
        flags = np.bool_(first), np.bool_(nesterov)
        args = p, grad, momentum, *known, *flags, self._number(mu, p.dtype), self._number(rate, p.dtype)
        self.launch_flat("optimizers", f"sgd<{{T}}, {width}>", p.dtype, p.size // width, *args)

    def _updates(self, p: Array, grad: Array, *state: Array | None) -> bool:
        """Whether the kernels take these arrays; what is written must lie contiguous as it is."""
        written = [a for a in (p, *state) if a is not None]
        return self.suits(*written, grad) and all(a.flags.c_contiguous and a.shape == grad.shape for a in written)

    def _number(self, value: Any, dtype: Any) -> Any:
        """Return optimizers.cu's Number: a value, or where on the device it stands."""
        if isinstance(value, self.array_type):
            return number(0.0, self.address(value), dtype.char)
        return number(value, 0, dtype.char)


@functools.lru_cache(1024)
def number(value: float, place: int, char: str) -> Any:
    """Return a Number as an argument of a kernel; kept, since all parameters of a group share theirs."""
    return np.array([(value, place)], np.dtype([("value", char), ("place", "u8")], align=True))
