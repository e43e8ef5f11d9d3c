"""Arrays joined while a step is captured: CuPy sends the addresses of more than 8 from the host, once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minicnn.backend.base import Array, Backend
from minicnn.backend.capture import capturing, refuse_crossing

FEW = 8  # arrays that CuPy copies one by one
JOINING = ("concatenate", "stack")


class Joining(Backend):
    """Part of the backends whose steps can be captured."""

    def concatenate(self, arrays: Sequence[Array], axis: int) -> Array:
        if capturing() is None or len(arrays) <= FEW:
            return super().concatenate(arrays, axis)
        first = arrays[0]
        shape = list(first.shape)
        shape[axis] = sum(a.shape[axis] for a in arrays)
        out, start = self.xp.empty(tuple(shape), dtype=first.dtype), 0
        before = (slice(None),) * (axis % first.ndim)
        for a in arrays:
            end = start + a.shape[axis]
            out[(*before, slice(start, end))] = a
            start = end
        return out


def refuse_many(arrays: Any) -> None:
    """Raise the error for more arrays than a captured step can join in one call."""
    if len(arrays) > FEW:
        refuse_crossing(f"the addresses of more than {FEW} arrays from the host")


def refusing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return CuPy's function, which joins arrays, with that refusal."""

    def joins(arrays: Any, *args: Any, **options: Any) -> Any:
        refuse_many(arrays)
        return function(arrays, *args, **options)

    return joins
