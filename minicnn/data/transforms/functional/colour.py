"""Light and colour: brightness, contrast, saturation, hue, gamma, grey, inverted.

PIL images go through Pillow, which computes in bytes; arrays and Tensors are bytes from 0 to 255 or floats from 0 to 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.data.transforms.functional.picture import Picture, channels_first, is_pil, pil
from minicnn.errors import ArgumentTypeError, ParameterError, message

__all__ = [
    "adjust_brightness",
    "adjust_contrast",
    "adjust_gamma",
    "adjust_hue",
    "adjust_saturation",
    "invert",
    "rgb_to_grayscale",
    "to_grayscale",
]

Array = np.ndarray[Any, Any]
LUMA = (0.2989, 0.587, 0.114)  # of red, green and blue


def adjust_brightness(img: Picture, brightness_factor: float) -> Picture:
    """Mix a picture with black: y = f · x, clipped.

    Args:
        img: a PIL image, an array or a Tensor.
        brightness_factor: f from 0; 1 leaves the picture as it is.

    Raises:
        ParameterError: it is negative.

    >>> adjust_brightness(np.array([[10, 200]], dtype=np.uint8), 2)
    array([[ 20, 255]], dtype=uint8)
    """
    _factor("adjust_brightness", "brightness_factor", brightness_factor)
    if is_pil(img):
        return _enhanced("Brightness", img, brightness_factor)
    values, back = channels_first("adjust_brightness", img)
    return back(_mixed(values, np.zeros(1), brightness_factor))


def adjust_contrast(img: Picture, contrast_factor: float) -> Picture:
    """Mix a picture with the mean m of its grey: y = f · x + (1 − f) · m, clipped.

    Args:
        img: a PIL image, an array or a Tensor, with 1 or 3 channels.
        contrast_factor: f from 0; 1 leaves the picture as it is.

    Raises:
        ParameterError: it is negative.

    >>> adjust_contrast(np.array([[0, 100]], dtype=np.uint8), 0)
    array([[50, 50]], dtype=uint8)
    """
    _factor("adjust_contrast", "contrast_factor", contrast_factor)
    if is_pil(img):
        return _enhanced("Contrast", img, contrast_factor)
    values, back = channels_first("adjust_contrast", img)
    grey = _grey(values) if values.shape[-3] == 3 else values
    mean = grey.mean(axis=(-3, -2, -1), keepdims=True, dtype=np.float32)
    return back(_mixed(values, mean, contrast_factor))


def adjust_saturation(img: Picture, saturation_factor: float) -> Picture:
    """Mix a picture with its grey: y = f · x + (1 − f) · grey(x), clipped.

    Args:
        img: a PIL image, an array or a Tensor; one without colour stays.
        saturation_factor: f from 0; 1 leaves the picture as it is.

    Raises:
        ParameterError: it is negative.

    >>> adjust_saturation(np.array([[[200, 0, 0]]], dtype=np.uint8), 0)
    array([[[59, 59, 59]]], dtype=uint8)
    """
    _factor("adjust_saturation", "saturation_factor", saturation_factor)
    if is_pil(img):
        return _enhanced("Color", img, saturation_factor)
    values, back = channels_first("adjust_saturation", img)
    if values.shape[-3] == 1:
        return img
    return back(_mixed(values, _grey(values), saturation_factor))


def adjust_hue(img: Picture, hue_factor: float) -> Picture:
    """Turn the colours around the circle of hues.

    Args:
        img: a PIL image, an array or a Tensor; one without colour stays.
        hue_factor: part of the circle, from −0.5 to 0.5; 0 leaves the picture as it is.

    Raises:
        ParameterError: it lies outside.

    >>> adjust_hue(np.array([[[255, 0, 0]]], dtype=np.uint8), 1 / 3).tolist()  # from red to green
    [[[0, 255, 0]]]
    """
    if not -0.5 <= hue_factor <= 0.5:
        fix = "pass a part of the circle, such as 0.1."
        problem = "hue_factor expects a value from -0.5 to 0.5."
        raise ParameterError(message("adjust_hue", problem, f"got {hue_factor!r}", fix))
    if is_pil(img):
        if img.mode in ("L", "1", "I", "F"):
            return img
        hue, saturation, value = img.convert("HSV").split()
        turned = np.asarray(hue) + np.uint8(int(hue_factor * 255) % 256)  # bytes go around, as hues do
        image = pil("adjust_hue")
        return image.merge("HSV", (image.fromarray(turned), saturation, value)).convert(img.mode)
    values, back = channels_first("adjust_hue", img)
    if values.shape[-3] == 1:
        return img
    scaled = values / np.float32(255) if values.dtype == np.uint8 else values
    result = _turned(scaled, hue_factor)
    return back((result * (256 - 1e-3)).astype(np.uint8) if values.dtype == np.uint8 else result.astype(values.dtype))


def _turned(values: Array, part: float) -> Array:
    """Return colours (..., 3, H, W) from 0 to 1 with hues turned by a part of the circle."""
    red, green, blue = (values[..., i, :, :] for i in range(3))
    largest, smallest = values.max(-3), values.min(-3)
    spread = largest - smallest
    safe = np.where(spread == 0, 1, spread)
    # Hue in sixths of the circle: 0 red, 2 green, 4 blue, and between them by the two others.
    hue = np.select(
        [largest == red, largest == green], [(green - blue) / safe, 2 + (blue - red) / safe], 4 + (red - green) / safe
    )
    hue = (hue + 6 * part) % 6
    # A channel is full within one sixth of its own place, and falls off over the next one.
    channels = [largest - spread * np.clip(np.minimum(k, 4 - k), 0, 1) for k in ((n + hue) % 6 for n in (5, 3, 1))]
    return np.stack(channels, -3)


def adjust_gamma(img: Picture, gamma: float, gain: float = 1) -> Picture:
    """Bend the brightness: y = gain · x^γ, for x from 0 to 1, clipped.

    Args:
        img: a PIL image, an array or a Tensor.
        gamma: γ from 0; above 1 makes dark parts darker.
        gain: a factor.

    Raises:
        ParameterError: gamma is negative.

    >>> adjust_gamma(np.array([[0, 128, 255]], dtype=np.uint8), 2)
    array([[  0,  64, 255]], dtype=uint8)
    """
    _factor("adjust_gamma", "gamma", gamma)
    if is_pil(img):
        colours = img if img.mode == "L" else img.convert("RGB")
        table = [int((255 + 1 - 1e-3) * gain * (byte / 255) ** gamma) for byte in range(256)]
        table = [min(max(byte, 0), 255) for byte in table] * len(colours.getbands())
        return colours.point(table).convert(img.mode)
    values, back = channels_first("adjust_gamma", img)
    scaled = values / np.float32(255) if values.dtype == np.uint8 else values
    bent = np.clip(gain * scaled**gamma, 0, 1)
    return back((bent * (256 - 1e-3)).astype(np.uint8) if values.dtype == np.uint8 else bent.astype(values.dtype))


def rgb_to_grayscale(img: Picture, num_output_channels: int = 1) -> Picture:
    """Make a picture grey: y = 0.2989 · red + 0.587 · green + 0.114 · blue.

    Args:
        img: a PIL image, an array or a Tensor; one without colour keeps its values.
        num_output_channels: 1 or 3; 3 gives three alike.

    Raises:
        ParameterError: it is neither 1 nor 3.

    >>> rgb_to_grayscale(np.array([[[100, 100, 0]]], dtype=np.uint8))
    array([[88]], dtype=uint8)
    """
    if num_output_channels not in (1, 3):
        problem = "num_output_channels expects 1 or 3."
        raise ParameterError(message("rgb_to_grayscale", problem, f"got {num_output_channels!r}", "pass 1 or 3."))
    if is_pil(img):
        grey = img.convert("L")
        return grey if num_output_channels == 1 else pil("rgb_to_grayscale").merge("RGB", (grey,) * 3)
    values, back = channels_first("rgb_to_grayscale", img)
    grey = _grey(values) if values.shape[-3] == 3 else values
    if isinstance(img, np.ndarray) and num_output_channels == 1:
        return np.ascontiguousarray(grey[0])  # (H, W), as a grey array is
    return back(np.concatenate([grey] * num_output_channels, axis=-3))


to_grayscale = rgb_to_grayscale


def invert(img: Picture) -> Picture:
    """Make light what is dark: y = 255 − x of bytes, 1 − x of floats.

    >>> invert(np.array([[0, 200]], dtype=np.uint8))
    array([[255,  55]], dtype=uint8)
    """
    if is_pil(img):
        from PIL import ImageOps

        return ImageOps.invert(img)
    values, back = channels_first("invert", img)
    return back(values.dtype.type(_largest(values)) - values)


def _grey(values: Array) -> Array:
    """Return (..., 1, H, W) of (..., 3, H, W)."""
    weights = np.array(LUMA, np.float32).reshape(3, 1, 1)
    grey: Array = (values * weights).sum(-3, keepdims=True).astype(values.dtype)
    return grey


def _mixed(values: Array, other: Array, part: float) -> Array:
    mixture = np.float32(part) * values + np.float32(1 - part) * other.astype(np.float32)
    return np.clip(mixture, 0, _largest(values)).astype(values.dtype)


def _largest(values: Array) -> int:
    return 255 if values.dtype == np.uint8 else 1


def _enhanced(kind: str, img: Picture, factor: float) -> Picture:
    from PIL import ImageEnhance

    return getattr(ImageEnhance, kind)(img).enhance(factor)


def _factor(where: str, name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        fix = "pass a number, such as 1.5."
        raise ArgumentTypeError(message(where, f"{name} expects a number.", f"got {value!r}", fix))
    if not value >= 0:
        raise ParameterError(message(where, f"{name} expects 0 or more.", f"got {value!r}", "pass 1 for no change."))
