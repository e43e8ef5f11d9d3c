"""Turned, moved, scaled and slanted pictures, by Pillow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.data.transforms.functional.picture import Picture, by_plane, pil, size_of
from minicnn.data.transforms.functional.resize import InterpolationMode, Way, pillows, way_of
from minicnn.errors import ParameterError, message

__all__ = ["affine", "rotate"]

Fill = float | Sequence[float] | None


def rotate(
    img: Picture,
    angle: float,
    interpolation: Way = InterpolationMode.NEAREST,
    expand: bool = False,
    center: Sequence[float] | None = None,
    fill: Fill = None,
) -> Picture:
    """Turn a picture, counter-clockwise.

    Args:
        img: a PIL image, an array or a Tensor.
        angle: in degrees.
        interpolation: NEAREST, BILINEAR or BICUBIC.
        expand: enlarge the result so that all of the turned picture fits in; takes the middle for center.
        center: (x, y) in pixels from the upper left corner; None: the middle.
        fill: what comes in from outside; one number for each channel, or one for all; None: 0.

    Raises:
        ParameterError: ``interpolation`` is another mode, or ``fill`` has a wrong length.
        DataError: Pillow is not installed.

    >>> rotate(np.array([[1, 2], [3, 4]], dtype=np.uint8), 90)
    array([[2, 4],
           [1, 3]], dtype=uint8)
    """
    resample = _way("rotate", interpolation)

    def turn(image: Any, channel: int | None) -> Any:
        colour = _colour("rotate", fill, image, channel)
        return image.rotate(angle, resample, expand, None if center is None else tuple(center), fillcolor=colour)

    return by_plane("rotate", img, turn)


def affine(
    img: Picture,
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: float | Sequence[float],
    interpolation: Way = InterpolationMode.NEAREST,
    fill: Fill = None,
    center: Sequence[float] | None = None,
) -> Picture:
    """Slant a picture, scale it, turn it clockwise around its centre, and move it; its size stays.

    A pixel at p goes to t + c + s · R(angle) · Y(shear_y) · X(shear_x) · (p − c).

    Args:
        img: a PIL image, an array or a Tensor.
        angle: in degrees, clockwise.
        translate: t, in pixels to the right and down.
        scale: s, above 0.
        shear: one angle in degrees, along x; or two: along x and along y.
        interpolation: NEAREST, BILINEAR or BICUBIC.
        fill: what comes in from outside; one number for each channel, or one for all; None: 0.
        center: c = (x, y) in pixels from the upper left corner; None: the middle.

    Raises:
        ParameterError: ``scale`` is not above 0, or a list has a wrong length.
        DataError: Pillow is not installed.

    >>> affine(np.array([[1, 2], [3, 4]], dtype=np.uint8), 0, (1, 0), 1.0, 0)
    array([[0, 1],
           [0, 3]], dtype=uint8)
    """
    wrong = not isinstance(shear, int | float) and len(shear) not in (1, 2)
    if not scale > 0 or len(translate) != 2 or wrong or (center is not None and len(center) != 2):
        got = f"got scale={scale!r}, translate={translate!r}, shear={shear!r}, center={center!r}"
        problem = "expects scale above 0, translate and center (x, y), and shear of one or two angles."
        fix = "pass translate=(0, 0), scale=1.0, shear=0.0 for what shall stay."
        raise ParameterError(message("affine", problem, got, fix))
    slants = [float(shear), 0.0] if isinstance(shear, int | float) else [float(a) for a in shear] * (2 // len(shear))
    resample = _way("affine", interpolation)
    high, wide = size_of("affine", img)
    middle = (wide / 2, high / 2) if center is None else (float(center[0]), float(center[1]))
    matrix = _inverse(angle, (float(translate[0]), float(translate[1])), scale, slants, middle)

    def warp(image: Any, channel: int | None) -> Any:
        colour = _colour("affine", fill, image, channel)
        kind = pil("affine").Transform.AFFINE
        return image.transform((wide, high), kind, matrix, resample, fillcolor=colour)

    return by_plane("affine", img, warp)


def _inverse(
    angle: float, shift: tuple[float, float], scale: float, shear: Sequence[float], center: tuple[float, float]
) -> list[float]:
    """Return the six numbers (a, b, c, d, e, f) by which Pillow finds the source (ax + by + c, dx + ey + f)."""
    turn, slant_x, slant_y = (math.radians(degrees) for degrees in (angle, *shear))
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    along_y = np.array([[1.0, 0.0], [-math.tan(slant_y), 1.0]])
    along_x = np.array([[1.0, -math.tan(slant_x)], [0.0, 1.0]])
    back = np.linalg.inv(scale * rotation @ along_y @ along_x)
    offset = np.array(center) - back @ (np.array(center) + np.array(shift))
    return [*back[0].tolist(), float(offset[0]), *back[1].tolist(), float(offset[1])]


def _way(where: str, interpolation: Way) -> Any:
    way = way_of(where, interpolation)
    allowed = (InterpolationMode.NEAREST, InterpolationMode.BILINEAR, InterpolationMode.BICUBIC)
    if way not in allowed:
        fix = "pass one of these."
        raise ParameterError(message(where, "interpolation expects NEAREST, BILINEAR or BICUBIC.", f"got {way}", fix))
    return pillows(way)


def _colour(where: str, fill: Fill, image: Any, channel: int | None) -> Any:
    """Return ``fill`` as Pillow wants it for an image, or for one plane of a picture."""
    bands = len(image.getbands())
    whole = (lambda number: number) if image.mode == "F" else int
    if not isinstance(fill, Sequence):
        number = whole(fill or 0)
        return number if bands == 1 else (number,) * bands
    if channel is not None and (len(fill) == 1 or channel < len(fill)):
        return whole(fill[channel % len(fill)])
    if channel is None and len(fill) in (1, bands):
        return tuple(int(number) for number in fill) * (bands // len(fill)) if bands > 1 else whole(fill[0])
    got, fix = f"got fill={fill!r}", "pass one number for each channel, or one for all."
    raise ParameterError(message(where, "fill expects a number for each channel.", got, fix))
