"""Optimizers' steps on the GPU, each in one pass: the kernels of optimizers.cu."""

from __future__ import annotations

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
        betas: tuple[float, float],
        eps: float,
        shrink: Any,
        rate: Any,
        root: Any,
        scratch: Callable[[Array], Array] | None = None,
    ) -> None:
        if not self._updates(p, grad, m, v, largest):
            super().adam(
                p, grad, m, v, largest, maximize=maximize, decay=decay, betas=betas, eps=eps, shrink=shrink,
                rate=rate, root=root, scratch=scratch,
            )  # fmt: skip
            return
        kind, grad = p.dtype.type, self.ready(grad)
        width = self.width(p.size, p, grad, m, v, largest)
        numbers = -1 if maximize else 1, decay, betas[0], 1 - betas[0], betas[1], 1 - betas[1], eps
        lives = (n for value in (1 if shrink is None else shrink, rate, root) for n in self._number(value, kind))
        args = p, grad, m, v, largest, *map(kind, numbers), *lives
        self.launch_flat("optimizers", f"adam<{{T}}, {width}>", p.dtype, p.size // width, *args)

    def sgd(
        self,
        p: Array,
        grad: Array,
        momentum: Array | None,
        *,
        maximize: bool,
        decay: float,
        mu: float,
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
        numbers = -1 if maximize else 1, decay, mu, gain
        flags = np.bool_(first), np.bool_(nesterov)
        args = p, grad, momentum, *map(kind, numbers), *flags, *self._number(rate, kind)
        self.launch_flat("optimizers", f"sgd<{{T}}, {width}>", p.dtype, p.size // width, *args)

    def _updates(self, p: Array, grad: Array, *state: Array | None) -> bool:
        """Whether the kernels take these arrays; what is written must lie contiguous as it is."""
        written = [a for a in (p, *state) if a is not None]
        return self.suits(*written, grad) and all(a.flags.c_contiguous and a.shape == grad.shape for a in written)

    def _number(self, value: Any, kind: Any) -> tuple[Any, Array | None]:
        """Return a number as a kernel takes it: its value, or where on the device it stands."""
        return (kind(0), value) if isinstance(value, self.array_type) else (kind(value), None)
