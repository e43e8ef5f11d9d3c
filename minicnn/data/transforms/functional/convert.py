"""Between PIL images, arrays and Tensors, and between bytes and floats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.data.transforms.functional.picture import Picture, is_pil, pil, plane
from minicnn.errors import ArgumentTypeError, ParameterError, ShapeError, message
from minicnn.tensor import Tensor
from minicnn.tensor.creation import as_tensor

__all__ = ["convert_image_dtype", "normalize", "pil_to_tensor", "to_pil_image", "to_tensor"]


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


def pil_to_tensor(pic: Picture) -> Tensor:
    """Make a PIL image a Tensor of the same numbers, channels first.

    Shapes: grey gives (1, H, W), colour (3, H, W).

    Args:
        pic: a PIL image.

    Raises:
        ArgumentTypeError: ``pic`` is of another type.

    >>> from PIL import Image
    >>> pil_to_tensor(Image.new("RGB", (4, 2))).shape
    (3, 2, 4)
    """
    if not is_pil(pic):
        fix = "pass a PIL image; to_tensor takes arrays too."
        raise ArgumentTypeError(message("pil_to_tensor", "expects a PIL image.", f"got {type(pic).__name__}", fix))
    values = np.array(pic)
    return as_tensor(values[None] if values.ndim == 2 else np.ascontiguousarray(values.transpose(2, 0, 1)))


def to_pil_image(pic: Picture, mode: str | None = None) -> Any:
    """Make a Tensor (C, H, W) or an array (H, W, C) a PIL image.

    A Tensor of floats is taken to be from 0 to 1: bytes = ⌊255 · x⌋. Arrays keep their numbers.

    Args:
        pic: a Tensor (H, W) or (C, H, W), or an array (H, W) or (H, W, C), with C from 1 to 4.
        mode: Pillow's name of the kind of image; None takes it from the channels: L, LA, RGB, RGBA, or F, I
            and I;16 for other numbers than bytes.

    Raises:
        ArgumentTypeError: ``pic`` is neither of the two, or of a dtype that Pillow has no mode for.
        ParameterError: the shape fits no picture, or the mode does not fit the channels.
        DataError: Pillow is not installed.

    >>> to_pil_image(as_tensor([[0.0, 1.0]])).getpixel((1, 0))
    255
    """
    if not isinstance(pic, Tensor | np.ndarray):
        fix = "pass one picture of these types."
        problem = "expects a Tensor or an array."
        raise ArgumentTypeError(message("to_pil_image", problem, f"got {type(pic).__name__}", fix))
    if pic.ndim not in (2, 3):
        got, fix = f"got shape {tuple(pic.shape)}", "pass one picture, not a batch."
        raise ParameterError(message("to_pil_image", "expects 2 or 3 dimensions.", got, fix))
    values: Any = pic
    if isinstance(pic, Tensor):
        values = pic.detach().cpu().numpy()
        values = values.transpose(1, 2, 0) if values.ndim == 3 else values  # (H, W, C)
        if values.dtype.kind == "f" and mode != "F":
            values = (values * 255).astype(np.uint8)
    values = values[..., 0] if values.ndim == 3 and values.shape[-1] == 1 else values
    channels = 1 if values.ndim == 2 else values.shape[-1]
    fitting = {1: ("L", "1", "P"), 2: ("LA",), 3: ("RGB", "YCbCr", "HSV"), 4: ("RGBA", "CMYK", "RGBX")}.get(
        channels, ()
    )
    if channels == 1 and values.dtype != np.uint8:
        name = values.dtype.name
        fitting = {"float32": ("F",), "int16": ("I;16",), "uint16": ("I;16",), "int32": ("I",)}.get(name, ())
    elif values.dtype != np.uint8:
        fitting = ()
    if not fitting:
        got, fix = f"got shape {tuple(pic.shape)} of {pic.dtype}", "convert first, as in (255 * x).to(minicnn.uint8)."
        kind = ArgumentTypeError if 1 <= channels <= 4 else ParameterError
        raise kind(message("to_pil_image", "Pillow has no images of this kind.", got, fix))
    if mode is not None and mode not in fitting:
        problem = f"mode expects one of {', '.join(fitting)} here."
        got = f"got mode={mode!r}, shape {tuple(pic.shape)} of {pic.dtype}"
        raise ParameterError(message("to_pil_image", problem, got, "leave mode out."))
    image = pil("to_pil_image").fromarray(np.ascontiguousarray(values))
    return image if mode in (None, image.mode) else _as_mode(image, mode, values)


def _as_mode(image: Any, mode: str, values: np.ndarray[Any, Any]) -> Any:
    """Return the same bytes under another name of their meaning."""
    return pil("to_pil_image").frombytes(mode, image.size, np.ascontiguousarray(values).tobytes())


def convert_image_dtype(image: Tensor, dtype: Any = np.float32) -> Tensor:
    """Convert a Tensor's numbers, and scale them: floats are from 0 to 1, whole numbers from 0 to their largest.

    From floats to a type with largest number m: y = ⌊(m + 1 − 0.001) · x⌋, so that each number gets as wide a part.

    Args:
        image: a Tensor.
        dtype: of the result (float32).

    Raises:
        ArgumentTypeError: ``image`` is not a Tensor.

    >>> convert_image_dtype(as_tensor([0.0, 0.5, 1.0]), np.uint8)
    tensor([  0, 127, 255], dtype=uint8)
    """
    if not isinstance(image, Tensor):
        got, fix = f"got {type(image).__name__}", "make it one: pil_to_tensor(image)."
        raise ArgumentTypeError(message("convert_image_dtype", "expects a Tensor.", got, fix))
    place, source, target = image.device, np.dtype(image.dtype), np.dtype(dtype)
    values = image.detach().cpu().numpy()
    if source == target:
        return image
    largest = {
        kind: 1 if kind.kind == "b" else int(np.iinfo(kind).max) for kind in (source, target) if kind.kind != "f"
    }
    if source.kind == "f" and target.kind == "f":
        result = values
    elif source.kind == "f":
        result = values * (largest[target] + 1 - 1e-3)
    elif target.kind == "f":
        result = values.astype(target) / target.type(largest[source])
    elif largest[source] > largest[target]:
        result = values // ((largest[source] + 1) // (largest[target] + 1))
    else:
        result = values.astype(target) * ((largest[target] + 1) // (largest[source] + 1))
    return as_tensor(result.astype(target), device=place)


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
