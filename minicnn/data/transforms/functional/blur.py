"""Gaussian blur."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.data.transforms.functional.picture import Picture, channels_first, pair
from minicnn.errors import ParameterError, message

__all__ = ["gaussian_blur"]


def gaussian_blur(
    img: Picture, kernel_size: int | Sequence[int], sigma: float | Sequence[float] | None = None
) -> Picture:
    """Blur a picture by a Gaussian: weights ∝ exp(−d² / 2σ²) along each axis, the border mirrored.

    Args:
        img: a PIL image, an array or a Tensor.
        kernel_size: (x, y) in pixels, odd, or one number for both.
        sigma: (x, y) in pixels, above 0, or one number for both; None: 0.15 · kernel_size + 0.35.

    Raises:
        ParameterError: a size is even, a sigma is not above 0, or the picture is too small to mirror.

    >>> spot = np.zeros((3, 3), dtype=np.uint8)
    >>> spot[1, 1] = 100
    >>> gaussian_blur(spot, 3, 1.0)[0].tolist()  # mirrored without the edge: row −1 is row 1
    [30, 25, 30]
    """
    sizes = pair("gaussian_blur", kernel_size)
    widths = [0.15 * size + 0.35 for size in sizes] if sigma is None else _two(sigma)
    values, back = channels_first("gaussian_blur", img)
    fits = all(size // 2 < side for size, side in zip(sizes, values.shape[:-3:-1], strict=True))
    if any(size % 2 == 0 for size in sizes) or len(widths) != 2 or not min(widths) > 0 or not fits:
        got = f"got kernel_size={kernel_size!r}, sigma={sigma!r}, picture {tuple(values.shape[-2:])}"
        problem = "expects odd kernel sizes less than twice the picture, and sigma above 0."
        raise ParameterError(message("gaussian_blur", problem, got, "pass kernel_size=3, sigma=1.0, for example."))
    result = values.astype(np.float64 if values.dtype == np.float64 else np.float32)
    for axis, size, width in ((-1, sizes[0], widths[0]), (-2, sizes[1], widths[1])):
        result = _along(result, axis, size, width)
    return back(np.rint(result).astype(values.dtype) if values.dtype.kind in "ui" else result.astype(values.dtype))


def _two(sigma: float | Sequence[float]) -> list[float]:
    numbers = [float(sigma)] if isinstance(sigma, int | float) else [float(number) for number in sigma]
    return numbers * 2 if len(numbers) == 1 else numbers


def _along(values: np.ndarray[Any, Any], axis: int, size: int, sigma: float) -> np.ndarray[Any, Any]:
    reach = size // 2
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights = (weights / weights.sum()).astype(values.dtype)
    borders = [(0, 0)] * values.ndim
    borders[axis] = (reach, reach)
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(values, borders, mode="reflect"), size, axis
    )  # (..., size)
    return windows @ weights
