"""Other sizes of a picture, by Pillow; InterpolationMode."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.data.transforms.functional.frame import crop
from minicnn.data.transforms.functional.picture import Picture, by_plane, pair, pil, size_of
from minicnn.errors import ArgumentTypeError, ParameterError, message
from minicnn.tensor import Tensor
from minicnn.tensor.creation import as_tensor

__all__ = ["InterpolationMode", "resize", "resized_crop"]


class InterpolationMode(enum.Enum):
    """Ways to compute a pixel between pixels.

    >>> InterpolationMode.BILINEAR.value
    'bilinear'
    """

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


Way = InterpolationMode | int
PILLOW = {0: "NEAREST", 1: "LANCZOS", 2: "BILINEAR", 3: "BICUBIC", 4: "BOX", 5: "HAMMING"}


def way_of(where: str, interpolation: Way) -> InterpolationMode:
    """Return the mode that a mode, or one of Pillow's numbers, names.

    Raises:
        ArgumentTypeError: it is neither of them.

    >>> way_of("resize", 2)
    <InterpolationMode.BILINEAR: 'bilinear'>
    """
    if isinstance(interpolation, InterpolationMode):
        return interpolation
    if isinstance(interpolation, int) and interpolation in PILLOW:
        return InterpolationMode[PILLOW[interpolation]]
    fix = "pass InterpolationMode.BILINEAR, for example."
    problem = "interpolation expects an InterpolationMode."
    raise ArgumentTypeError(message(where, problem, f"got {interpolation!r}", fix))


def pillows(way: InterpolationMode) -> Any:
    """Return Pillow's name of a mode."""
    return pil("transforms").Resampling["NEAREST" if way is InterpolationMode.NEAREST_EXACT else way.name]


def resize(
    img: Picture,
    size: int | Sequence[int],
    interpolation: Way = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Picture:
    """Scale a picture.

    Args:
        img: a PIL image, an array or a Tensor.
        size: (height, width) in pixels; one number is the shorter side's, and keeps the proportions.
        interpolation: an InterpolationMode.
        max_size: the longer side is at most this; only where ``size`` is one number.
        antialias: bilinear and bicubic: when scaling down, take all pixels into account. False counts for
            Tensors alone, as in torchvision.

    Raises:
        DataError: Pillow is not installed.
        DTypeError: an array or a Tensor of other numbers than uint8 or floats.
        ParameterError: ``size`` is not one or two numbers from 1, or does not go with ``max_size``.

    >>> resize(np.zeros((4, 6), dtype=np.uint8), 2).shape
    (2, 3)
    """
    way = way_of("resize", interpolation)
    height, width = _new_size(size_of("resize", img), size, max_size)
    if isinstance(img, Tensor) and way in (InterpolationMode.NEAREST, InterpolationMode.NEAREST_EXACT):
        shift = 0.5 if way is InterpolationMode.NEAREST_EXACT else 0.0
        rows, columns = (
            _nearest(int(old), new, shift) for old, new in zip(img.shape[-2:], (height, width), strict=True)
        )
        return img[..., rows, :][..., columns]
    if isinstance(img, Tensor) and not antialias and way in (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC):
        return _plainly(img, (height, width), way.value)
    return by_plane("resize", img, lambda image, _: image.resize((width, height), pillows(way)))


def _new_size(old: tuple[int, int], size: int | Sequence[int], max_size: int | None) -> tuple[int, int]:
    pair("resize", size)
    numbers = [size] if isinstance(size, int) else list(size)
    if len(numbers) == 2 or (max_size is not None and max_size <= numbers[0]):
        if max_size is not None:
            got, fix = f"got size={size!r}, max_size={max_size!r}", "pass one number as size, and a larger max_size."
            raise ParameterError(message("resize", "max_size expects more than size, one number.", got, fix))
        return numbers[0], numbers[1]
    high, wide = old
    short, long = numbers[0], int(numbers[0] * max(old) / min(old))
    if max_size is not None and long > max_size:
        short, long = int(max_size * short / long), max_size
    return (short, long) if high <= wide else (long, short)


def _nearest(old: int, new: int, shift: float) -> list[int]:
    places = (np.arange(new, dtype=np.float32) + np.float32(shift)) * np.float32(old / new)
    chosen: list[int] = np.minimum(places.astype(np.int64), old - 1).tolist()
    return chosen


def _plainly(img: Tensor, size: tuple[int, int], mode: str) -> Tensor:
    """Interpolate between the nearest pixels alone."""
    from minicnn.nn.functional import interpolate

    batch = img.reshape(1, -1, *img.shape[-2:]).to(img.dtype if np.dtype(img.dtype).kind == "f" else np.float32)
    result = interpolate(batch, size=size, mode=mode, align_corners=False).reshape(*img.shape[:-2], *size)
    if np.dtype(img.dtype).kind == "f":
        return result
    return as_tensor(np.rint(result.cpu().numpy()).clip(0, 255).astype(img.dtype), device=img.device)


def resized_crop(
    img: Picture,
    top: int,
    left: int,
    height: int,
    width: int,
    size: int | Sequence[int],
    interpolation: Way = InterpolationMode.BILINEAR,
    antialias: bool | None = True,
) -> Picture:
    """Cut out a rectangle and scale it: `crop`, then `resize`.

    Args:
        img: a PIL image, an array or a Tensor.
        top: the first row.
        left: the first column.
        height: rows.
        width: columns.
        size: (height, width) of the result, as `resize` takes it.
        interpolation: an InterpolationMode.
        antialias: as `resize` takes it.

    >>> resized_crop(np.zeros((8, 8), dtype=np.uint8), 2, 2, 4, 4, (2, 2)).shape
    (2, 2)
    """
    return resize(crop(img, top, left, height, width), size, interpolation, None, antialias)
