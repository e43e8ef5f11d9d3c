"""Transforms that turn, move, scale and slant pictures at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicnn.data.stream import rng
from minicnn.data.transforms.functional.picture import Picture, size_of
from minicnn.data.transforms.functional.resize import InterpolationMode, Way, way_of
from minicnn.data.transforms.functional.warp import Fill, affine, rotate
from minicnn.errors import ParameterError, message

__all__ = ["RandomAffine", "RandomRotation"]


class RandomRotation:
    """Turn a picture by a random angle, every angle being as likely.

    Args:
        degrees: (least, largest) in degrees, counter-clockwise; one number a stands for (−a, a).
        interpolation: NEAREST, BILINEAR or BICUBIC (NEAREST).
        expand: enlarge the result so that all of the turned picture fits in.
        center: (x, y) in pixels from the upper left corner; None: the middle.
        fill: what comes in from outside; one number for each channel, or one for all (0).

    Raises:
        ParameterError: ``degrees`` is negative, or not one or two numbers.

    >>> import numpy as np
    >>> RandomRotation((90, 90))(np.array([[1, 2], [3, 4]], dtype=np.uint8)).tolist()
    [[2, 4], [1, 3]]
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        interpolation: Way = InterpolationMode.NEAREST,
        expand: bool = False,
        center: Sequence[float] | None = None,
        fill: Fill = 0,
    ) -> None:
        self.degrees = _range("RandomRotation", "degrees", degrees)
        self.interpolation = way_of("RandomRotation", interpolation)
        self.expand = expand
        self.center = center
        self.fill = fill

    @staticmethod
    def get_params(degrees: Sequence[float]) -> float:
        """Draw an angle from (least, largest)."""
        return float(rng().uniform(degrees[0], degrees[1]))

    def __call__(self, img: Picture) -> Picture:
        return rotate(img, self.get_params(self.degrees), self.interpolation, self.expand, self.center, self.fill)

    def __repr__(self) -> str:
        parts = [f"degrees={self.degrees}", f"interpolation={self.interpolation.value}", f"expand={self.expand}"]
        parts += [f"{name}={getattr(self, name)}" for name in ("center", "fill") if getattr(self, name) is not None]
        return f"RandomRotation({', '.join(parts)})"


class RandomAffine:
    """Turn, move, scale and slant a picture at random; its size stays.

    Args:
        degrees: (least, largest) angle in degrees, clockwise; one number a stands for (−a, a).
        translate: largest shifts (x, y), as parts of width and height; None for none.
        scale: (least, largest) factor; None for none.
        shear: (least, largest) angle in degrees along x, and two more for y; one number a stands for
            (−a, a); None for none.
        interpolation: NEAREST, BILINEAR or BICUBIC (NEAREST).
        fill: what comes in from outside; one number for each channel, or one for all (0).
        center: (x, y) in pixels from the upper left corner; None: the middle.

    Raises:
        ParameterError: an argument is out of its range or has a wrong length.

    >>> import numpy as np
    >>> RandomAffine(0, translate=(0.1, 0.1))(np.zeros((28, 28), dtype=np.uint8)).shape
    (28, 28)
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: float | Sequence[float] | None = None,
        interpolation: Way = InterpolationMode.NEAREST,
        fill: Fill = 0,
        center: Sequence[float] | None = None,
    ) -> None:
        self.degrees = _range("RandomAffine", "degrees", degrees)
        if translate is not None and (len(translate) != 2 or not 0 <= min(translate) <= max(translate) <= 1):
            raise _wrong("translate", "two parts from 0 to 1", translate)
        if scale is not None and (len(scale) != 2 or not min(scale) > 0):
            raise _wrong("scale", "two numbers above 0", scale)
        self.translate = translate
        self.scale = scale
        self.shear = None if shear is None else _range("RandomAffine", "shear", shear, (2, 4))
        self.interpolation = way_of("RandomAffine", interpolation)
        self.fill = fill
        self.center = center

    @staticmethod
    def get_params(
        degrees: Sequence[float],
        translate: Sequence[float] | None,
        scale_ranges: Sequence[float] | None,
        shears: Sequence[float] | None,
        img_size: Sequence[int],
    ) -> tuple[float, tuple[int, int], float, tuple[float, float]]:
        """Draw what `functional.affine` takes, for a picture of (width, height): angle, shift, scale, shear."""
        draw = rng()
        angle = float(draw.uniform(degrees[0], degrees[1]))
        shift = (0, 0)
        if translate is not None:
            reach = [part * size for part, size in zip(translate, img_size, strict=True)]
            shift = (round(draw.uniform(-reach[0], reach[0])), round(draw.uniform(-reach[1], reach[1])))
        scale = 1.0 if scale_ranges is None else float(draw.uniform(scale_ranges[0], scale_ranges[1]))
        slant = (0.0, 0.0)
        if shears is not None:
            along_y = float(draw.uniform(shears[2], shears[3])) if len(shears) == 4 else 0.0
            slant = (float(draw.uniform(shears[0], shears[1])), along_y)
        return angle, shift, scale, slant

    def __call__(self, img: Picture) -> Picture:
        high, wide = size_of("RandomAffine", img)
        drawn = self.get_params(self.degrees, self.translate, self.scale, self.shear, (wide, high))
        return affine(img, *drawn, self.interpolation, self.fill, self.center)

    def __repr__(self) -> str:
        parts = [f"degrees={self.degrees}"]
        parts += [
            f"{name}={getattr(self, name)}"
            for name in ("translate", "scale", "shear")
            if getattr(self, name) is not None
        ]
        parts += [f"interpolation={self.interpolation.value}"] * (self.interpolation is not InterpolationMode.NEAREST)
        parts += [f"fill={self.fill}"] * (self.fill != 0) + [f"center={self.center}"] * (self.center is not None)
        return f"RandomAffine({', '.join(parts)})"


def _range(where: str, name: str, value: Any, lengths: tuple[int, ...] = (2,)) -> list[float]:
    """Return [least, largest] of angles; of one number a: [−a, a]."""
    if isinstance(value, int | float):
        if value < 0:
            fix = f"pass {name}=15, or {name}=(-15, 15)."
            raise ParameterError(message(where, f"one number as {name} expects 0 or more.", f"got {value!r}", fix))
        return [-float(value), float(value)]
    if not isinstance(value, Sequence) or len(value) not in lengths:
        problem = f"{name} expects one number or {' or '.join(map(str, lengths))}."
        raise ParameterError(message(where, problem, f"got {value!r}", f"pass {name}=15, or {name}=(-15, 15)."))
    return [float(number) for number in value]


def _wrong(name: str, wanted: str, value: object) -> ParameterError:
    fix = f"pass {name}=(0.1, 0.1), for example." if name == "translate" else f"pass {name}=(0.9, 1.1), for example."
    return ParameterError(message("RandomAffine", f"{name} expects {wanted}.", f"got {value!r}", fix))
