"""Any picture file as a picture of MNIST's kind: 28×28, grey, bright on black."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np

from minicnn.errors import DataError, message

SIDE = 28  # pixels
OPAQUE = 128  # of 255: from here on a pixel counts as drawn
FLAT = 16  # of 255: a picture with less contrast shows nothing


class Picture(NamedTuple):
    """A picture, and what was done to it.

    Attributes:
        pixels: (28, 28) of uint8, bright on black.
        note: one sentence of what the file held and what was changed.
    """

    pixels: np.ndarray[Any, Any]
    note: str


def read_picture(path: str | os.PathLike[str]) -> Picture:
    """Read a picture file, and make it like those that networks are trained on.

    It is made grey; inverted if its border is brighter than half; made square by adding background; scaled to
    28×28; and stretched to full contrast. A grey 28×28 picture on black stays as it is.

    Args:
        path: a file that Pillow can read: PNG, JPEG, BMP, ...

    Raises:
        DataError: the file is missing, no picture, or blank; or Pillow is not installed.
    """
    image = _open(path)
    steps = [f"{image.width}x{image.height} pixels"]
    values = _grey(image)  # (H, W) of float32, 0 to 255
    if values.max() - values.min() < FLAT:
        fix = "pass a picture with something on it."
        got = f"{path}: grey values from {values.min():.0f} to {values.max():.0f} of 255"
        raise DataError(message("minicnn predict", "the picture is blank.", got, fix))
    edge = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
    if np.median(edge) > 127:
        values = 255 - values
        edge = 255 - edge
        steps.append("light background, so it was inverted")
    if values.shape != (SIDE, SIDE):
        values = _scaled(_square(values, float(np.median(edge))))
        steps.append(f"scaled to {SIDE}x{SIDE}")
    return Picture(values.round().clip(0, 255).astype(np.uint8), "; ".join(steps))


def _open(path: str | os.PathLike[str]) -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        problem = "reading pictures needs Pillow, which is not installed."
        fix = "pip install 'minicnn[images]'."
        raise DataError(message("minicnn predict", problem, str(error), fix)) from None
    try:
        with Image.open(path) as image:
            image.load()
    except FileNotFoundError:
        fix = "check the path."
        problem = "the picture is not there."
        raise DataError(message("minicnn predict", problem, f"looked for {path}", fix)) from None
    # SyntaxError is what Pillow raises for some broken PNG files.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        fix = "pass a picture file, PNG for one."
        got = f"{path}: {' '.join(str(error).split())}"
        raise DataError(message("minicnn predict", "the file is no picture that can be read.", got, fix)) from None
    return image


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


def _square(values: np.ndarray[Any, Any], background: float) -> np.ndarray[Any, Any]:
    """Return the picture in the middle of a square of its background."""
    h, w = values.shape
    side = max(h, w)
    top, left = (side - h) // 2, (side - w) // 2
    return np.pad(values, ((top, side - h - top), (left, side - w - left)), constant_values=background)


def _scaled(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the picture at 28×28, from black to full white: thin strokes fade when they are made smaller."""
    from PIL import Image

    small = np.asarray(Image.fromarray(values).resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    low, high = float(small.min()), float(small.max())
    stretched: np.ndarray[Any, Any] = (small - low) * (255 / max(high - low, 1.0))
    return stretched
