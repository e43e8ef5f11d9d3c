"""Dims as users give them, checked and made non-negative."""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.errors import ArgumentTypeError, IndexRangeError, ParameterError, message, shown

Dims = Any  # an int, several, or None for all


def normal_dims(where: str, dim: Dims, ndim: int) -> tuple[int, ...]:
    """Return the dims as non-negative ints; all of them for None or ().

    Raises:
        IndexRangeError: a dim outside [-ndim, ndim).
        ParameterError: a dim given twice.
    """
    return named_dims(where, dim, ndim) or tuple(range(ndim))


def named_dims(where: str, dim: Dims, ndim: int) -> tuple[int, ...]:
    """Return the dims as `normal_dims` does; none of them for ()."""
    if dim is None:
        return tuple(range(ndim))
    dims = (dim,) if hasattr(dim, "__index__") else tuple(dim)
    normal = tuple(normal_dim(where, d, ndim) for d in dims)
    if len(set(normal)) != len(normal):
        raise ParameterError(
            message(where, "each dim may be given once.", f"dim = {dims}, of {ndim} dims", "remove the repeated one.")
        )
    return normal


def normal_dim(where: str, dim: int, ndim: int) -> int:
    """Return one dim as a non-negative int; a tensor without dims takes 0 and −1, as in PyTorch."""
    span = ndim or 1
    if not isinstance(dim, (int, np.integer)):
        raise ArgumentTypeError(
            message(
                where,
                f"dim expects an int, got {type(dim).__name__}.",
                f"dim = {shown(dim)}",
                f"count dims from 0 to {span - 1}, or from the end with -1.",
            )
        )
    if not -span <= dim < span:
        raise IndexRangeError(
            message(
                where,
                f"dim expects an int from {-span} to {span - 1}, got {dim!r}.",
                f"there {'is' if span == 1 else 'are'} {span} to choose from",
                "count dims from 0, or from the end with -1.",
            )
        )
    return int(dim) % span
