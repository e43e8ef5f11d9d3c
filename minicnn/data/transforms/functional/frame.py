"""What moves or covers whole pixels: cutting, borders, mirroring, erasing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.data.transforms.functional.picture import Picture, pair, plane, size_of
from minicnn.errors import ArgumentTypeError, ParameterError, message
from minicnn.tensor import Tensor
from minicnn.tensor.creation import as_tensor

__all__ = ["center_crop", "crop", "erase", "five_crop", "hflip", "pad", "ten_crop", "vflip"]

Fill = float | Sequence[float]
PADDING_MODES = ("constant", "edge", "reflect", "symmetric")


def crop(img: Picture, top: int, left: int, height: int, width: int) -> Picture:
    """Cut out a rectangle; what lies outside the picture is 0.

    Shapes: PIL images and arrays (H, W, ...) give (height, width, ...), Tensors (..., height, width).

    Args:
        img: a PIL image, an array or a Tensor.
        top: the first row, in pixels; may be negative.
        left: the first column.
        height: rows.
        width: columns.

    Raises:
        ArgumentTypeError: ``img`` is of another type.

    >>> crop(np.arange(9).reshape(3, 3), top=1, left=1, height=2, width=3)
    array([[4, 5, 0],
           [7, 8, 0]])
    """
    values, rows, back = plane("crop", img)
    high, wide = values.shape[rows], values.shape[rows + 1]
    before, after = (max(-top, 0), max(-left, 0)), (max(top + height - high, 0), max(left + width - wide, 0))
    if any(before + after):
        values = _pad(values, rows, (before[0], after[0], before[1], after[1]), 0, "constant")
    top, left = top + before[0], left + before[1]
    return back(values[_window(rows, top, left, height, width)])


def _window(rows: int, top: int, left: int, height: int, width: int) -> tuple[slice, ...]:
    return (slice(None),) * rows + (slice(top, top + height), slice(left, left + width))


def center_crop(img: Picture, output_size: int | Sequence[int]) -> Picture:
    """Cut out the middle; a picture that is smaller gets a border of 0.

    Args:
        img: a PIL image, an array or a Tensor.
        output_size: (height, width) in pixels, or one number for both.

    >>> center_crop(np.arange(9).reshape(3, 3), 1)
    array([[4]])
    """
    height, width = pair("center_crop", output_size)
    high, wide = size_of("center_crop", img)
    return crop(img, _middle(high, height), _middle(wide, width), height, width)


def _middle(size: int, wanted: int) -> int:
    """Return where the middle begins; a half is rounded as torchvision does, to even or up for a border."""
    return round((size - wanted) / 2) if size >= wanted else -((wanted - size) // 2)


def pad(img: Picture, padding: int | Sequence[int], fill: Fill = 0, padding_mode: str = "constant") -> Picture:
    """Put a border around a picture.

    Args:
        img: a PIL image, an array or a Tensor.
        padding: pixels: one number for all sides, (left and right, top and bottom), or (left, top, right,
            bottom).
        fill: the value of a constant border; one for each channel, or one for all.
        padding_mode: ``"constant"``, ``"edge"``, ``"reflect"`` (without the edge) or ``"symmetric"`` (with
            it).

    Raises:
        ParameterError: ``padding`` has not 1, 2 or 4 numbers, one is negative, or the mode is unknown.

    >>> pad(np.ones((1, 1)), (1, 0)).tolist()
    [[0.0, 1.0, 0.0]]
    """
    left, top, right, bottom = sides("pad", padding, padding_mode)
    values, rows, back = plane("pad", img)
    return back(_pad(values, rows, (top, bottom, left, right), fill, padding_mode))


def sides(where: str, padding: int | Sequence[int], padding_mode: str) -> list[int]:
    """Return [left, top, right, bottom] of a padding.

    Raises:
        ParameterError: it has not 1, 2 or 4 numbers, one is negative, or the mode is unknown.

    >>> sides("pad", (1, 2), "edge")
    [1, 2, 1, 2]
    """
    numbers = [padding] if isinstance(padding, int) else list(padding)
    if len(numbers) not in (1, 2, 4) or any(number < 0 for number in numbers) or padding_mode not in PADDING_MODES:
        problem = f"padding expects 1, 2 or 4 numbers from 0, and padding_mode one of {', '.join(PADDING_MODES)}."
        got, fix = f"got padding={padding!r}, padding_mode={padding_mode!r}", "pass padding=4, for example."
        raise ParameterError(message(where, problem, got, fix))
    return numbers * (4 // len(numbers))


def _pad(
    values: np.ndarray[Any, Any], rows: int, sides: tuple[int, int, int, int], fill: Fill, mode: Any
) -> np.ndarray[Any, Any]:
    widths = [(0, 0)] * values.ndim
    widths[rows], widths[rows + 1] = sides[:2], sides[2:]
    if mode != "constant":
        return np.pad(values, widths, mode=mode)
    if not isinstance(fill, Sequence):
        return np.pad(values, widths, constant_values=fill)
    channels = values.shape[2 if rows == 0 else rows - 1] if values.ndim > 2 else 1
    if len(fill) not in (1, channels):
        got, fix = f"got fill={fill!r} and {channels} channels", "pass one number for each channel, or one."
        raise ParameterError(message("pad", "fill expects a number for each channel.", got, fix))
    colour = np.array(fill, dtype=values.dtype).reshape((-1, 1, 1) if rows else (1, 1, -1)[-values.ndim :])
    inside = np.pad(np.ones(values.shape, dtype=bool), widths)
    return np.where(inside, np.pad(values, widths), colour)


def hflip(img: Picture) -> Picture:
    """Mirror a picture, left to right.

    >>> hflip(np.array([[1, 2, 3]]))
    array([[3, 2, 1]])
    """
    values, rows, back = plane("hflip", img)
    return back(np.flip(values, rows + 1))


def vflip(img: Picture) -> Picture:
    """Mirror a picture, top to bottom.

    >>> vflip(np.array([[1], [2], [3]])).tolist()
    [[3], [2], [1]]
    """
    values, rows, back = plane("vflip", img)
    return back(np.flip(values, rows))


def five_crop(img: Picture, size: int | Sequence[int]) -> tuple[Picture, ...]:
    """Cut out the four corners and the middle: top left, top right, bottom left, bottom right, middle.

    Args:
        img: a PIL image, an array or a Tensor.
        size: (height, width) in pixels, or one number for both.

    Raises:
        ParameterError: the picture is smaller than ``size``.

    >>> [int(part[0, 0]) for part in five_crop(np.arange(9).reshape(3, 3), 1)]
    [0, 2, 6, 8, 4]
    """
    height, width = pair("five_crop", size)
    high, wide = size_of("five_crop", img)
    if height > high or width > wide:
        got, fix = f"picture ({high}, {wide}), size ({height}, {width})", "pass a smaller size."
        raise ParameterError(message("five_crop", "the picture is smaller than size.", got, fix))
    corners = [(top, left) for top in (0, high - height) for left in (0, wide - width)]
    return (*(crop(img, *corner, height, width) for corner in corners), center_crop(img, (height, width)))


def ten_crop(img: Picture, size: int | Sequence[int], vertical_flip: bool = False) -> tuple[Picture, ...]:
    """Cut out as `five_crop`, of the picture and of the mirrored picture.

    Args:
        img: a PIL image, an array or a Tensor.
        size: (height, width) in pixels, or one number for both.
        vertical_flip: mirror top to bottom, in place of left to right.

    >>> [int(part[0, 0]) for part in ten_crop(np.arange(9).reshape(3, 3), 1)]
    [0, 2, 6, 8, 4, 2, 0, 8, 6, 4]
    """
    return five_crop(img, size) + five_crop(vflip(img) if vertical_flip else hflip(img), size)


def check_tensor(where: str, img: object) -> None:
    """Refuse what is no Tensor.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not isinstance(img, Tensor):
        got, fix = f"got {type(img).__name__}", "put ToTensor() first."
        raise ArgumentTypeError(message(where, "expects a Tensor.", got, fix))


def erase(img: Tensor, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Tensor:
    """Cover a rectangle of a Tensor.

    Shapes: (..., C, H, W) gives the same.

    Args:
        img: a Tensor.
        i: the first row.
        j: the first column.
        h: rows.
        w: columns.
        v: what to put there: a number, or a Tensor that broadcasts to (..., C, h, w).
        inplace: write into ``img``.

    Raises:
        ArgumentTypeError: ``img`` is not a Tensor.

    >>> erase(as_tensor([[[1, 2], [3, 4]]]), 0, 1, 2, 1, v=0)
    tensor([[[1, 0],
             [3, 0]]])
    """
    check_tensor("erase", img)
    result = img if inplace else img.clone()
    result[..., i : i + h, j : j + w] = as_tensor(v, dtype=img.dtype, device=img.device)
    return result
