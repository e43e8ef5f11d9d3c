"""Any picture file as a picture of MNIST's kind: 28×28, grey, bright on black."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minicnn.errors import DataError, message

SIDE = 28  # pixels
OPAQUE = 128  # of 255: from here on a pixel counts as drawn
FLAT = 16  # of 255: a picture with less contrast shows nothing
INK = 0.4  # of the contrast: from here on a pixel counts as ink
FIX = "pass a picture file, such as a PNG."


class Layout(NamedTuple):
    """Where a data set's pictures have what they show.

    Attributes:
        side: of the ink, the longer one, in pixels.
        by_mass: the centre of mass is in the middle; else that of the box around the ink.
    """

    side: int
    by_mass: bool


DIGIT = Layout(20, by_mass=True)  # LeCun et al. 1998, section III.A
GARMENT = Layout(28, by_mass=False)  # Xiao, Rasul, Vollgraf 2017, section 2


class Picture(NamedTuple):
    """A picture, and what was done to it.

    Attributes:
        pixels: (28, 28) of uint8, bright on black.
        note: what the file held and what was changed, in a line.
    """

    pixels: np.ndarray[Any, Any]
    note: str


def read_picture(path: str | os.PathLike[str], layout: Layout = DIGIT) -> Picture:
    """Read a picture file, and make it like those that networks are trained on.

    It is made grey; inverted if its background is brighter than what is on it; cropped to the ink, which is
    scaled and moved to where the data set has it, and stretched to full contrast. A bright picture of 28×28 that
    is laid out so already stays as it is.

    Args:
        path: a file that Pillow can read: PNG, JPEG, BMP, ...
        layout: of the data set's pictures; MNIST's by default.

    Raises:
        DataError: the file is missing, no picture, too large, or of one brightness; or Pillow is not installed.
    """
    image = _open(path)
    steps = [f"{image.width}x{image.height} pixels"]
    values = _grey(image)  # (H, W) of float32, 0 to 255
    low, high = float(values.min()), float(values.max())
    if high - low < FLAT:
        raise _flat(path, image, low, high)
    background = float(np.median(np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])))
    if background > (low + high) / 2:
        values, background, high = 255 - values, 255 - background, 255 - low
        steps.append("light background, so it was inverted")
    ink = values > background + INK * (high - background)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    if not _fits(values, ink, box, layout):
        h, w = values[box].shape
        bright = ((values[box] - background) * (255 / (high - background))).clip(0, 255)
        values = _laid_out(bright, layout)
        middle = "by its centre of mass in" if layout.by_mass else "in"
        steps.append(f"what is on it, {w}x{h}, was scaled to {layout.side} and centred {middle} {SIDE}x{SIDE}")
    return Picture(values.round().clip(0, 255).astype(np.uint8), "; ".join(steps))


def _open(path: str | os.PathLike[str]) -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        problem = "reading pictures needs Pillow, which is not installed."
        fix = "pip install 'minicnn[images]'."
        raise DataError(message("minicnn predict", problem, str(error), fix)) from None
    if Path(path).is_dir():
        raise DataError(message("minicnn predict", "this is a folder, no picture.", f"got {path}", FIX))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
    except FileNotFoundError:
        fix = "check the path."
        problem = "the picture is not there."
        raise DataError(message("minicnn predict", problem, f"looked for {path}", fix)) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        problem = "the picture has too many pixels."
        fix = f"scale it down; {SIDE}x{SIDE} pixels are enough."
        raise DataError(message("minicnn predict", problem, f"{path}: {_line(error)}", fix)) from None
    # SyntaxError is what Pillow raises for some broken PNG files.
    except (OSError, SyntaxError, ValueError) as error:
        problem = "the file is no picture that can be read."
        raise DataError(message("minicnn predict", problem, f"{path}: {_line(error)}", FIX)) from None
    return image


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _flat(path: str | os.PathLike[str], image: Any, low: float, high: float) -> DataError:
    """Return the error for a picture without contrast, which may have colours of the same grey."""
    colours = np.asarray(image.convert("RGB"), dtype=np.int16)
    coloured = int(np.ptp(colours, axis=(0, 1)).max()) >= FLAT
    problem = "the picture is of one brightness, in several colours." if coloured else "the picture is blank."
    fix = "pass one with dark on light, or light on dark; colours are not seen."
    got = f"{path}: grey values from {low:.0f} to {high:.0f} of 255"
    return DataError(message("minicnn predict", problem, got, fix))


def _grey(image: Any) -> np.ndarray[Any, Any]:
    """Return a picture's grey values, 0 to 255; what is transparent becomes background."""
    if image.mode.startswith("I") or image.mode == "F":  # 16 bits and more, which Pillow would cut off at 255
        values = np.asarray(image, dtype=np.float32)
        top = values.max()
        return values * (255 / 65535) if 255 < top <= 65535 else values * (255 / top) if top > 255 else values
    if "A" not in image.getbands() and "transparency" not in image.info:
        return np.asarray(image.convert("L"), dtype=np.float32)
    grey, alpha = np.moveaxis(np.asarray(image.convert("RGBA").convert("LA"), dtype=np.float32), -1, 0)  # (H, W) each
    drawn = grey[alpha >= OPAQUE]
    behind = 0 if drawn.size and drawn.mean() > 127 else 255  # bright strokes want a dark background
    mixed: np.ndarray[Any, Any] = behind + (grey - behind) * alpha / 255
    return mixed


def _centre_of_mass(values: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Return (row, column), counted from 0; MNIST's pictures have it at (14, 14), give or take half a pixel."""
    h, w = values.shape
    weights = values / values.sum()
    return float(weights.sum(axis=1) @ np.arange(h)), float(weights.sum(axis=0) @ np.arange(w))


def _fits(values: np.ndarray[Any, Any], ink: np.ndarray[Any, Any], box: tuple[slice, slice], layout: Layout) -> bool:
    """Tell whether a picture is laid out as the data set's are, as far as a shift or a blur of a pixel or two."""
    if values.shape != (SIDE, SIDE):
        return False
    if not layout.by_mass:
        return True  # it fills the picture, and where it is dark no ink is seen
    if abs(max(ink[box].shape) - layout.side) > 2:
        return False
    centre = _centre_of_mass(values * ink)
    return max(abs(centre[0] - SIDE / 2), abs(centre[1] - SIDE / 2)) <= 1.5


def _laid_out(values: np.ndarray[Any, Any], layout: Layout) -> np.ndarray[Any, Any]:
    """Return ink on black as a picture (28, 28), to full white: thin strokes fade when they are made smaller."""
    from PIL import Image

    scale = layout.side / max(values.shape)
    h, w = (max(1, round(side * scale)) for side in values.shape)
    small = np.asarray(Image.fromarray(values).resize((w, h), Image.Resampling.BILINEAR))
    small = small * (255 / max(float(small.max()), 1.0))
    row, column = _centre_of_mass(small) if layout.by_mass else (h / 2, w / 2)
    top = min(max(round(SIDE / 2 - row), 0), SIDE - h)
    left = min(max(round(SIDE / 2 - column), 0), SIDE - w)
    return np.pad(small, ((top, SIDE - h - top), (left, SIDE - w - left)))
