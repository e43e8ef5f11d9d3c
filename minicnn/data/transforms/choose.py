"""Transforms of transforms: one of them, all in random order, or all or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minicnn.data.stream import rng
from minicnn.data.transforms.geometry import probability
from minicnn.errors import ArgumentTypeError, ParameterError, message

__all__ = ["RandomApply", "RandomChoice", "RandomOrder"]

Transforms = Sequence[Callable[[Any], Any]]


class RandomApply:
    """Apply some transforms, one after another, with probability p; else none of them.

    Args:
        transforms: functions of one argument, in order.
        p: from 0 to 1 (0.5).

    Raises:
        ParameterError: p lies outside.

    >>> RandomApply([abs, str], p=1)(-3)
    '3'
    """

    def __init__(self, transforms: Transforms, p: float = 0.5) -> None:
        self.transforms = _checked("RandomApply", transforms)
        self.p = probability("RandomApply", p)

    def __call__(self, img: Any) -> Any:
        if rng().random() < self.p:
            for transform in self.transforms:
                img = transform(img)
        return img

    def __repr__(self) -> str:
        return "\n    ".join(["RandomApply(", f"p={self.p}", *map(str, self.transforms)]) + "\n)"


class RandomChoice:
    """Apply one of some transforms.

    Args:
        transforms: functions of one argument.
        p: how likely each is, in any scale; None: all alike.

    Raises:
        ParameterError: p has another length, or no positive sum.

    >>> RandomChoice([abs, str], p=[1, 0])(-3)
    3
    """

    def __init__(self, transforms: Transforms, p: Sequence[float] | None = None) -> None:
        self.transforms = _checked("RandomChoice", transforms)
        if p is not None and (len(p) != len(transforms) or min(p) < 0 or not sum(p) > 0):
            got, fix = f"got p={p!r} for {len(transforms)} transforms", "pass one weight from 0 for each transform."
            raise ParameterError(message("RandomChoice", "p expects a weight for each transform.", got, fix))
        self.p = p

    def __call__(self, img: Any) -> Any:
        chances = None if self.p is None else [weight / sum(self.p) for weight in self.p]
        return self.transforms[int(rng().choice(len(self.transforms), p=chances))](img)

    def __repr__(self) -> str:
        return "\n    ".join(["RandomChoice(", *map(str, self.transforms)]) + f"\n)(p={self.p})"


class RandomOrder:
    """Apply some transforms, all of them, in random order.

    Args:
        transforms: functions of one argument.

    >>> RandomOrder([abs])(-3)
    3
    """

    def __init__(self, transforms: Transforms) -> None:
        self.transforms = _checked("RandomOrder", transforms)

    def __call__(self, img: Any) -> Any:
        for i in rng().permutation(len(self.transforms)).tolist():
            img = self.transforms[i](img)
        return img

    def __repr__(self) -> str:
        return "\n    ".join(["RandomOrder(", *map(str, self.transforms)]) + "\n)"


def _checked(where: str, transforms: Any) -> Transforms:
    if not hasattr(transforms, "__getitem__") or not all(callable(transform) for transform in transforms):
        got, fix = f"got {transforms!r}", "pass a list of transforms."
        raise ArgumentTypeError(message(where, "expects a list of transforms.", got, fix))
    return transforms
