"""Pictures side by side, in one Tensor or one file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from minicnn.data.transforms.functional.picture import pil
from minicnn.errors import ArgumentTypeError, DataError, ParameterError, ShapeError, message
from minicnn.files import replace_file
from minicnn.tensor import Tensor
from minicnn.tensor.creation import as_tensor

__all__ = ["make_grid", "save_image"]


def make_grid(
    tensor: Tensor | Sequence[Tensor],
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """Put pictures side by side, row by row; grey ones become colour.

    Shapes: (N, C, H, W), or a list of (C, H, W), gives (C', H', W') with C' = 3 for C = 1; one picture
    (C, H, W) or (H, W) gives (C', H, W).

    Args:
        tensor: a batch of pictures, a list of pictures of one size, or one picture.
        nrow: pictures in each row (8).
        padding: pixels between and around them (2).
        normalize: shift and scale the values to 0 to 1 (False).
        value_range: (least, largest) for that, values outside are clipped; None takes those of the batch.
        scale_each: take those of each picture.
        pad_value: what is between and around them (0).

    Raises:
        ArgumentTypeError: no Tensor or list of Tensors, or value_range is no pair.
        ShapeError: pictures of different shapes, none at all, or no picture's number of dimensions.
        ParameterError: ``nrow`` is below 1 or ``padding`` negative.

    >>> from minicnn.tensor.creation import zeros
    >>> make_grid(zeros(10, 1, 28, 28), nrow=5).shape  # 2 rows: 2 · (28 + 2) + 2
    (3, 62, 152)
    """
    pictures = _batch(tensor)
    if isinstance(nrow, bool) or nrow < 1 or padding < 0:
        got, fix = f"got nrow={nrow!r}, padding={padding!r}", "pass nrow=8, padding=2, for example."
        raise ParameterError(message("make_grid", "expects nrow from 1 and padding from 0.", got, fix))
    if value_range is not None and (not isinstance(value_range, tuple) or len(value_range) != 2):
        got, fix = f"got {value_range!r}", "pass value_range=(-1, 1), for example."
        raise ArgumentTypeError(message("make_grid", "value_range expects (least, largest).", got, fix))
    place, values = pictures.device, pictures.detach().cpu().numpy()
    if values.shape[1] == 1:
        values = np.repeat(values, 3, axis=1)  # (N, 3, H, W)
    if normalize:
        values = _normalized(values, value_range, scale_each)
    n, channels, height, width = values.shape
    if n == 1:
        return as_tensor(values[0].copy(), device=place)
    columns = min(nrow, n)
    rows = -(-n // columns)
    height, width = height + padding, width + padding
    grid = np.full((channels, rows * height + padding, columns * width + padding), pad_value, values.dtype)
    for i, picture in enumerate(values):
        top, left = i // columns * height + padding, i % columns * width + padding
        grid[:, top : top + height - padding, left : left + width - padding] = picture
    return as_tensor(grid, device=place)


def _batch(tensor: Any) -> Tensor:
    pictures = list(tensor) if isinstance(tensor, list | tuple) else None
    if not (isinstance(tensor, Tensor) or (pictures and all(isinstance(one, Tensor) for one in pictures))):
        got, fix = f"got {type(tensor).__name__}", "pass a Tensor (N, C, H, W)."
        raise ArgumentTypeError(message("make_grid", "expects a Tensor or a list of Tensors.", got, fix))
    shapes = {tuple(one.shape) for one in pictures} if pictures else {tuple(tensor.shape)}
    rank = len(next(iter(shapes))) + (pictures is not None)
    if len(shapes) > 1 or rank not in (2, 3, 4) or 0 in next(iter(shapes)):
        got, fix = f"got {', '.join(map(str, sorted(shapes)))}", "pass a batch (N, C, H, W) with N from 1."
        raise ShapeError(message("make_grid", "expects pictures of one shape (C, H, W), at least one.", got, fix))
    if pictures:
        tensor = as_tensor(np.stack([one.detach().cpu().numpy() for one in pictures]))
    return tensor.reshape((1,) * (4 - rank) + tuple(tensor.shape))


def _normalized(
    values: np.ndarray[Any, Any], value_range: tuple[float, float] | None, scale_each: bool
) -> np.ndarray[Any, Any]:
    values = values if values.dtype.kind == "f" else values.astype(np.float32)
    axes = (1, 2, 3) if scale_each else (0, 1, 2, 3)
    least, largest = value_range or (values.min(axes, keepdims=True), values.max(axes, keepdims=True))
    scaled = (np.clip(values, least, largest) - least) / np.maximum(np.subtract(largest, least), 1e-5)
    return scaled.astype(values.dtype)


def save_image(
    tensor: Tensor | Sequence[Tensor],
    fp: str | os.PathLike[str] | BinaryIO,
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
    format: str | None = None,
) -> None:
    """Write pictures with values from 0 to 1 to a picture file, side by side; whole or not at all.

    Args:
        tensor: a batch of pictures, a list of pictures of one size, or one picture.
        fp: the file, or one that is open for writing bytes.
        nrow: pictures in each row (8).
        padding: pixels between and around them (2).
        normalize: shift and scale the values to 0 to 1 (False).
        value_range: (least, largest) for that; None takes those of the batch.
        scale_each: take those of each picture.
        pad_value: what is between and around them (0).
        format: Pillow's name of the file format, such as "PNG"; None takes it from the file's name.

    Raises:
        ParameterError: the name's ending is unknown; or as `make_grid`.
        ShapeError: the format has no pictures of so many channels (2: grey and alpha, 4: colour and alpha); or as
            `make_grid`.
        DataError: the file cannot be written (one that was there is as it was), or Pillow is not installed.

    >>> import tempfile
    >>> from minicnn.tensor.creation import rand
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_image(rand(16, 1, 28, 28), folder + "/digits.png", nrow=4)
    ...     with pil("doctest").open(folder + "/digits.png") as picture:
    ...         picture.size
    (122, 122)
    """
    grid = make_grid(tensor, nrow, padding, normalize, value_range, scale_each, pad_value)
    image = pil("save_image")
    values = np.clip(grid.cpu().numpy().astype(np.float64) * 255 + 0.5, 0, 255).astype(np.uint8)
    channels = values.shape[0]
    if channels > 4:
        got, fix = f"got {channels} channels", "pass one with 1, 3 or 4 channels, such as x[:, :3]."
        raise ShapeError(message("save_image", "a picture has at most 4 channels, red to alpha.", got, fix))
    path = Path(fp) if isinstance(fp, str | os.PathLike) else None
    kind = format or (image.registered_extensions().get(path.suffix.lower()) if path else "PNG")
    buffer = BytesIO()
    try:
        image.fromarray(np.ascontiguousarray(values.transpose(1, 2, 0))).save(buffer, kind or "no ending")
    except KeyError:
        got = f"got {os.fspath(path)!r}, format={format!r}" if path else f"got format={format!r}"
        fix = 'name the file ....png, or pass format="PNG".'
        raise ParameterError(message("save_image", "Pillow knows no such picture format.", got, fix)) from None
    except OSError as error:  # a format without alpha
        got, fix = f"{channels} channels: {error}", "write a .png, or pass 1 or 3 channels."
        raise ShapeError(message("save_image", f"{kind} has no such pictures.", got, fix)) from None
    try:
        if path:
            replace_file(path, buffer.getvalue())
        else:
            fp.write(buffer.getvalue())  # type: ignore[union-attr]
    except OSError as error:
        got = f"{path or fp}: {error.strerror or type(error).__name__}"
        fix = "name a folder that is there and may be written to."
        raise DataError(message("save_image", "the file cannot be written.", got, fix)) from error
