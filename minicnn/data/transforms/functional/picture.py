"""What all transforms ask of a picture: its type, its array and its size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minicnn.errors import ArgumentTypeError, DataError, DTypeError, ParameterError, message
from minicnn.tensor import Tensor
from minicnn.tensor.creation import as_tensor

__all__ = [
    "Picture",
    "by_plane",
    "channels_first",
    "get_dimensions",
    "get_image_size",
    "is_pil",
    "pair",
    "pil",
    "plane",
    "size_of",
]

Picture = Any  # a PIL image, a numpy.ndarray or a Tensor


def is_pil(picture: object) -> bool:
    """Tell whether a picture is PIL's, without importing PIL."""
    return any(kind.__module__.startswith("PIL.") for kind in type(picture).__mro__)


def pil(where: str) -> Any:
    """Return the module PIL.Image.

    Raises:
        DataError: Pillow, an extra of minicnn, is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        fix = "pip install minicnn[images], or give the dataset a transform such as transforms.ToTensor()."
        raise DataError(message(where, "PIL images need Pillow, which is not installed.", str(error), fix)) from error
    return Image


def plane(where: str, picture: Picture) -> tuple[np.ndarray[Any, Any], int, Callable[[np.ndarray[Any, Any]], Picture]]:
    """Return a picture's array, the axis of its rows (columns are the next), and the way back to its type.

    Raises:
        ArgumentTypeError: it is none of the three types, or has too few dimensions.
    """
    if isinstance(picture, Tensor) and picture.ndim >= 2:
        place, values = picture.device, picture.detach().cpu().numpy()
        return values, picture.ndim - 2, lambda result: as_tensor(result.copy(), device=place)
    if isinstance(picture, np.ndarray) and picture.ndim in (2, 3):
        return picture, 0, np.ascontiguousarray
    if is_pil(picture):
        image = pil(where)
        return np.asarray(picture), 0, lambda values: image.fromarray(np.ascontiguousarray(values))
    shape = getattr(picture, "shape", None)
    got = f"got {type(picture).__name__}" + (f" of shape {tuple(shape)}" if shape is not None else "")
    problem = "expects a PIL image, an array (H, W) or (H, W, C), or a Tensor (..., H, W)."
    raise ArgumentTypeError(message(where, problem, got, "pass one picture, of one of these types."))


def channels_first(
    where: str, picture: Picture
) -> tuple[np.ndarray[Any, Any], Callable[[np.ndarray[Any, Any]], Picture]]:
    """Return a picture's array as (..., C, H, W), and the way back to its type.

    Raises:
        ArgumentTypeError: it is no picture.

    >>> channels_first("doctest", np.zeros((4, 5, 3)))[0].shape, channels_first("doctest", np.zeros((4, 5)))[0].shape
    ((3, 4, 5), (1, 4, 5))
    """
    values, rows, back = plane(where, picture)
    if values.ndim == 2:
        return values[None], lambda result: back(result[0] if len(result) == 1 else np.moveaxis(result, 0, -1))
    if rows == 0:
        return np.moveaxis(values, -1, 0), lambda result: back(np.moveaxis(result, 0, -1))
    return values, back


def by_plane(where: str, picture: Picture, function: Callable[[Any, int | None], Any]) -> Picture:
    """Return what a function of PIL images makes of a picture; of an array or Tensor, plane by plane.

    Args:
        where: for messages.
        picture: a PIL image, an array or a Tensor.
        function: takes an image, and the number of its channel; None for a PIL image with all channels.

    Raises:
        DataError: Pillow is not installed.
        DTypeError: an array or a Tensor of other numbers than uint8 or floats.
    """
    image = pil(where)
    if is_pil(picture):
        return function(picture, None)
    values, back = channels_first(where, picture)
    if values.dtype != np.uint8 and values.dtype.kind != "f":
        fix = "convert first, as in x.float()."
        raise DTypeError(message(where, "expects uint8 or floats.", f"got {values.dtype}", fix))
    flat = values.reshape(-1, *values.shape[-2:])
    if values.dtype != np.uint8:
        flat = flat.astype(np.float32)  # Pillow has no other floats
    channels = values.shape[-3]
    done = [np.asarray(function(image.fromarray(one), i % channels)) for i, one in enumerate(flat)]
    result = np.stack(done) if done else flat
    return back(result.reshape(*values.shape[:-2], *result.shape[-2:]).astype(values.dtype))


def size_of(where: str, img: Picture) -> tuple[int, int]:
    """Return a picture's (height, width)."""
    if is_pil(img):
        return int(img.size[1]), int(img.size[0])
    values, rows, _ = plane(where, img)
    return values.shape[rows], values.shape[rows + 1]


def pair(where: str, size: int | Sequence[int]) -> tuple[int, int]:
    """Return (height, width) of one number or two.

    Raises:
        ParameterError: there are not one or two, or one is below 1.

    >>> pair("crop", 3), pair("crop", [2, 4])
    ((3, 3), (2, 4))
    """
    numbers = [size] if isinstance(size, int) else list(size)
    if len(numbers) not in (1, 2) or any(number < 1 for number in numbers):
        fix = "pass (height, width) in pixels, or one number for both."
        raise ParameterError(message(where, "size expects one or two numbers from 1.", f"got {size!r}", fix))
    return numbers[0], numbers[-1]


def get_dimensions(img: Picture) -> list[int]:
    """Return a picture's [channels, height, width].

    >>> get_dimensions(np.zeros((4, 5, 3)))
    [3, 4, 5]
    """
    if is_pil(img):
        return [len(img.getbands()), int(img.size[1]), int(img.size[0])]
    return [int(size) for size in channels_first("get_dimensions", img)[0].shape[-3:]]


def get_image_size(img: Picture) -> list[int]:
    """Return a picture's [width, height].

    >>> get_image_size(np.zeros((4, 5, 3)))
    [5, 4]
    """
    high, wide = size_of("get_image_size", img)
    return [wide, high]
