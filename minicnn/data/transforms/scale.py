"""Transforms to another size: Resize and RandomResizedCrop."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

from minicnn.data.stream import rng
from minicnn.data.transforms.functional.picture import Picture, pair, size_of
from minicnn.data.transforms.functional.resize import InterpolationMode, Way, resize, resized_crop, way_of
from minicnn.errors import ParameterError, message

__all__ = ["RandomResizedCrop", "Resize", "interval"]

TRIES = 10  # to draw a rectangle that fits, before the largest one in the middle is taken


class Resize:
    """Scale a picture; Pillow does it.

    Args:
        size: (height, width) in pixels; one number is the shorter side's, and keeps the proportions.
        interpolation: an InterpolationMode (BILINEAR).
        max_size: the longer side is at most this; only where ``size`` is one number.
        antialias: when scaling down, take all pixels into account (True); False counts for Tensors alone.

    Raises:
        ParameterError: ``size`` is not one or two numbers from 1.

    >>> import numpy as np
    >>> Resize((32, 32))(np.zeros((28, 28), dtype=np.uint8)).shape
    (32, 32)
    """

    def __init__(
        self,
        size: int | Sequence[int],
        interpolation: Way = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        pair("Resize", size)
        self.size = size
        self.interpolation = way_of("Resize", interpolation)
        self.max_size = max_size
        self.antialias = antialias

    def __call__(self, img: Picture) -> Picture:
        return resize(img, self.size, self.interpolation, self.max_size, self.antialias)

    def __repr__(self) -> str:
        detail = f"(size={self.size}, interpolation={self.interpolation.value}, max_size={self.max_size}, "
        return f"Resize{detail}antialias={self.antialias})"


class RandomResizedCrop:
    """Cut out a rectangle of random area and proportions, and scale it.

    Szegedy et al.: Going Deeper with Convolutions (arXiv 1409.4842), section 6, train in this way.

    Args:
        size: (height, width) of the result in pixels, or one number for both.
        scale: least and largest area, as parts of the picture's ((0.08, 1.0)).
        ratio: least and largest width / height; its logarithm is drawn evenly ((3/4, 4/3)).
        interpolation: an InterpolationMode (BILINEAR).
        antialias: as `Resize` takes it.

    Raises:
        ParameterError: ``scale`` or ``ratio`` is no pair of numbers, the larger last.

    >>> import numpy as np
    >>> RandomResizedCrop(24)(np.zeros((32, 32, 3), dtype=np.uint8)).shape
    (24, 24, 3)
    """

    def __init__(
        self,
        size: int | Sequence[int],
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3.0 / 4.0, 4.0 / 3.0),
        interpolation: Way = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        self.size = pair("RandomResizedCrop", size)
        self.scale = interval("RandomResizedCrop", "scale", scale)
        self.ratio = interval("RandomResizedCrop", "ratio", ratio)
        self.interpolation = way_of("RandomResizedCrop", interpolation)
        self.antialias = antialias

    @staticmethod
    def get_params(img: Picture, scale: Sequence[float], ratio: Sequence[float]) -> tuple[int, int, int, int]:
        """Draw a rectangle and return what `functional.resized_crop` takes: (top, left, height, width)."""
        high, wide = size_of("RandomResizedCrop", img)
        draw = rng()
        for _ in range(TRIES):
            area = high * wide * draw.uniform(scale[0], scale[1])
            proportions = math.exp(draw.uniform(math.log(ratio[0]), math.log(ratio[1])))
            width, height = round(math.sqrt(area * proportions)), round(math.sqrt(area / proportions))
            if 0 < width <= wide and 0 < height <= high:
                return int(draw.integers(high - height + 1)), int(draw.integers(wide - width + 1)), height, width
        width, height = wide, high
        if wide / high < ratio[0]:
            height = round(wide / ratio[0])
        elif wide / high > ratio[1]:
            width = round(high * ratio[1])
        return (high - height) // 2, (wide - width) // 2, height, width

    def __call__(self, img: Picture) -> Picture:
        place = self.get_params(img, self.scale, self.ratio)
        return resized_crop(img, *place, self.size, self.interpolation, self.antialias)

    def __repr__(self) -> str:
        scale, ratio = (tuple(round(number, 4) for number in pair) for pair in (self.scale, self.ratio))
        detail = f"(size={self.size}, scale={scale}, ratio={ratio}, interpolation={self.interpolation.value}, "
        return f"RandomResizedCrop{detail}antialias={self.antialias})"


def interval(where: str, name: str, values: Sequence[float]) -> Sequence[float]:
    """Return (least, largest), checked to be two numbers above 0; warn where they are the other way around.

    Raises:
        ParameterError: they are not.

    >>> interval("RandomErasing", "scale", (0.02, 0.33))
    (0.02, 0.33)
    """
    if isinstance(values, str) or not isinstance(values, Sequence) or len(values) != 2 or not min(values) > 0:
        fix = f"pass {name}=(least, largest)."
        raise ParameterError(message(where, f"{name} expects two numbers above 0.", f"got {values!r}", fix))
    if values[0] > values[1]:
        warnings.warn(f"{where}: {name} expects (least, largest), got {values!r}.", stacklevel=4)
    return values
