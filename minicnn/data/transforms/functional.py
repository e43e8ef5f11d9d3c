"""Transforms as functions of a picture: PIL image, array (H, W) or (H, W, C), or Tensor (..., H, W)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minicnn.errors import ArgumentTypeError, DataError, DTypeError, ParameterError, ShapeError, message
from minicnn.tensor import Tensor
from minicnn.tensor.creation import as_tensor

__all__ = ["center_crop", "crop", "hflip", "normalize", "pad", "resize", "to_tensor"]

Picture = Any  # a PIL image, a numpy.ndarray or a Tensor
PADDING_MODES = ("constant", "edge", "reflect", "symmetric")


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


def to_tensor(pic: Picture) -> Tensor:
    """Make a picture a Tensor of float32 from 0 to 1, channels first.

    Bytes: y = x / 255. Other dtypes keep their values and their dtype, as in torchvision.

    Shapes: PIL images and arrays (H, W) give (1, H, W), arrays (H, W, C) give (C, H, W); a Tensor has its
    channels first already: (H, W) gives (1, H, W), (C, H, W) stays.

    Args:
        pic: a PIL image, an array or a Tensor.

    Raises:
        ArgumentTypeError: ``pic`` is none of these, or has not 2 or 3 dimensions.

    >>> to_tensor(np.array([[0, 51], [102, 255]], dtype=np.uint8))
    tensor([[[0.0000, 0.2000],
             [0.4000, 1.0000]]])
    """
    values = plane("to_tensor", pic)[0]
    if values.ndim > 3:
        got = f"got {type(pic).__name__} of shape {values.shape}"
        fix = "pass one picture; a batch of bytes is scaled by x.float() / 255."
        raise ArgumentTypeError(message("to_tensor", "expects 2 or 3 dimensions.", got, fix))
    if values.ndim == 2:
        values = values[None]  # (1, H, W)
    elif not isinstance(pic, Tensor):
        values = values.transpose(2, 0, 1)  # (C, H, W)
    if is_pil(pic) and values.dtype == bool:  # one-bit images: torchvision gives 0.0 and 1.0
        values = values.astype(np.float32)
    values = unit(values) if values.dtype == np.uint8 else values.copy()
    return as_tensor(values, device=pic.device if isinstance(pic, Tensor) else None)


def unit(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return bytes as float32 from 0 to 1.

    >>> unit(np.array([0, 255], dtype=np.uint8))
    array([0., 1.], dtype=float32)
    """
    scaled = values.astype(np.float32, order="C")
    scaled /= np.float32(255)
    return scaled


def normalize(tensor: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> Tensor:
    """Shift and scale each channel: y[c] = (x[c] − mean[c]) / std[c].

    Shapes: (..., C, H, W) gives the same; mean and std have C entries, or one for all channels.

    Args:
        tensor: a Tensor of floats.
        mean: what to subtract, a channel.
        std: what to divide by, a channel; not 0.
        inplace: write the result into ``tensor`` too.

    Raises:
        ArgumentTypeError: ``tensor`` is not a Tensor of floats.
        ParameterError: ``std`` has a 0.
        ShapeError: ``tensor`` has fewer than 3 dimensions, or mean and std do not fit its channels.

    >>> normalize(as_tensor([[[0.5, 1.0]]]), mean=(0.5,), std=(0.25,))
    tensor([[[0., 2.]]])
    """
    if not isinstance(tensor, Tensor) or np.dtype(tensor.dtype).kind != "f":
        got = f"got {type(tensor).__name__} of {getattr(tensor, 'dtype', 'no dtype')}"
        fix = "put ToTensor() before Normalize."
        raise ArgumentTypeError(message("normalize", "expects a Tensor of floats.", got, fix))
    shift, scale = per_channel(tuple(tensor.shape), np.dtype(tensor.dtype), mean, std)
    place = tensor.device
    result = (tensor - as_tensor(shift, device=place)) / as_tensor(scale, device=place)
    if inplace:
        tensor[...] = result
        return tensor
    return result


def per_channel(
    shape: tuple[int, ...], dtype: np.dtype[Any], mean: Sequence[float], std: Sequence[float]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return mean and std as arrays (C, 1, 1), checked against a shape (..., C, H, W).

    Raises:
        ParameterError: ``std`` has a 0.
        ShapeError: they do not fit the channels.
    """
    shift, scale = (np.array(values, dtype=dtype).reshape(-1, 1, 1) for values in (mean, std))  # (C, 1, 1)
    if len(shape) < 3 or any(len(values) not in (1, shape[-3]) for values in (shift, scale)):
        got = f"got shape {shape} = (..., C, H, W), {len(shift)} means, {len(scale)} stds"
        fix = "give mean and std one entry a channel, such as Normalize((0.5,), (0.5,)) for grey pictures."
        raise ShapeError(message("normalize", "expects C, H, W, and mean and std for C channels.", got, fix))
    if not scale.all():
        fix = "use 1 where a channel is constant."
        raise ParameterError(message("normalize", "std must not be 0.", f"got std={std!r}", fix))
    return shift, scale


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


def pad(img: Picture, padding: int | Sequence[int], fill: float = 0, padding_mode: str = "constant") -> Picture:
    """Put a border around a picture.

    Args:
        img: a PIL image, an array or a Tensor.
        padding: pixels: one number for all sides, (left and right, top and bottom), or (left, top, right,
            bottom).
        fill: the value of a constant border.
        padding_mode: ``"constant"``, ``"edge"``, ``"reflect"`` (without the edge) or ``"symmetric"`` (with
            it).

    Raises:
        ParameterError: ``padding`` has not 1, 2 or 4 numbers, one is negative, or the mode is unknown.

    >>> pad(np.ones((1, 1)), (1, 0)).tolist()
    [[0.0, 1.0, 0.0]]
    """
    numbers = [padding] if isinstance(padding, int) else list(padding)
    if len(numbers) not in (1, 2, 4) or any(number < 0 for number in numbers) or padding_mode not in PADDING_MODES:
        problem = f"padding expects 1, 2 or 4 numbers from 0, and padding_mode one of {', '.join(PADDING_MODES)}."
        got, fix = f"got padding={padding!r}, padding_mode={padding_mode!r}", "pass padding=4, for example."
        raise ParameterError(message("pad", problem, got, fix))
    left, top, right, bottom = numbers * (4 // len(numbers))
    values, rows, back = plane("pad", img)
    return back(_pad(values, rows, (top, bottom, left, right), fill, padding_mode))


def _pad(
    values: np.ndarray[Any, Any], rows: int, sides: tuple[int, int, int, int], fill: float, mode: Any
) -> np.ndarray[Any, Any]:
    widths = [(0, 0)] * values.ndim
    widths[rows], widths[rows + 1] = sides[:2], sides[2:]
    if mode == "constant":
        return np.pad(values, widths, constant_values=fill)
    return np.pad(values, widths, mode=mode)


def hflip(img: Picture) -> Picture:
    """Mirror a picture, left to right.

    >>> hflip(np.array([[1, 2, 3]]))
    array([[3, 2, 1]])
    """
    values, rows, back = plane("hflip", img)
    return back(np.flip(values, rows + 1))


def resize(img: Picture, size: int | Sequence[int]) -> Picture:
    """Scale a picture, bilinearly and against aliasing, with Pillow.

    Args:
        img: a PIL image, an array or a Tensor.
        size: (height, width) in pixels; one number is the shorter side's, and keeps the proportions.

    Raises:
        DataError: Pillow is not installed.
        DTypeError: an array or a Tensor of other numbers than uint8 or floats.

    >>> resize(np.zeros((4, 6), dtype=np.uint8), 2).shape
    (2, 3)
    """
    high, wide = size_of("resize", img)
    if isinstance(size, int) or len(size) == 1:
        short = size if isinstance(size, int) else size[0]
        height, width = (short, int(short * wide / high)) if high <= wide else (int(short * high / wide), short)
    else:
        height, width = pair("resize", size)
    image = pil("resize")
    if is_pil(img):
        return img.resize((width, height), image.Resampling.BILINEAR)
    values, rows, back = plane("resize", img)
    if values.dtype != np.uint8 and values.dtype.kind != "f":
        fix = "convert first, as in x.float()."
        raise DTypeError(message("resize", "expects uint8 or floats.", f"got {values.dtype}", fix))
    planes = np.moveaxis(values, (rows, rows + 1), (-2, -1))  # (..., H, W)
    flat = planes.reshape(-1, high, wide)
    if values.dtype != np.uint8:
        flat = flat.astype(np.float32)  # Pillow has no other floats
    scaled = [image.fromarray(one).resize((width, height), image.Resampling.BILINEAR) for one in flat]
    result = np.stack([np.asarray(one) for one in scaled]).reshape(*planes.shape[:-2], height, width)
    return back(np.moveaxis(result, (-2, -1), (rows, rows + 1)).astype(values.dtype))


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
