"""Transforms of light and colour, some of them at random; and blur."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicnn.data.stream import rng
from minicnn.data.transforms.functional import blur, colour
from minicnn.data.transforms.functional.picture import Picture, get_dimensions, pair
from minicnn.data.transforms.geometry import probability
from minicnn.data.transforms.scale import interval
from minicnn.errors import ParameterError, message

__all__ = ["ColorJitter", "GaussianBlur", "Grayscale", "RandomGrayscale"]

Range = tuple[float, float] | None


class ColorJitter:
    """Change brightness, contrast, saturation and hue at random, in random order.

    Args:
        brightness: b stands for factors from max(0, 1 − b) to 1 + b; two numbers are the least and the
            largest (0: no change).
        contrast: likewise.
        saturation: likewise.
        hue: h from 0 to 0.5 stands for shifts from −h to h; or two numbers from −0.5 to 0.5 (0: no change).

    Raises:
        ParameterError: a number is negative or out of its range.

    >>> ColorJitter(brightness=0.2, hue=0.1)
    ColorJitter(brightness=(0.8, 1.2), contrast=None, saturation=None, hue=(-0.1, 0.1))
    """

    def __init__(
        self,
        brightness: float | Sequence[float] = 0,
        contrast: float | Sequence[float] = 0,
        saturation: float | Sequence[float] = 0,
        hue: float | Sequence[float] = 0,
    ) -> None:
        self.brightness = _range("brightness", brightness)
        self.contrast = _range("contrast", contrast)
        self.saturation = _range("saturation", saturation)
        self.hue = _range("hue", hue, center=0.0, bounds=(-0.5, 0.5))

    @staticmethod
    def get_params(brightness: Range, contrast: Range, saturation: Range, hue: Range) -> tuple[Any, ...]:
        """Draw the order (numbers 0 to 3), and the four factors; None where one is not changed."""
        draw = rng()
        order = draw.permutation(4).tolist()
        ranges = (brightness, contrast, saturation, hue)
        return order, *(None if pair is None else float(draw.uniform(*pair)) for pair in ranges)

    def __call__(self, img: Picture) -> Picture:
        order, *factors = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        steps = (colour.adjust_brightness, colour.adjust_contrast, colour.adjust_saturation, colour.adjust_hue)
        for i in order:
            if factors[i] is not None:
                img = steps[i](img, factors[i])
        return img

    def __repr__(self) -> str:
        names = ("brightness", "contrast", "saturation", "hue")
        return f"ColorJitter({', '.join(f'{name}={getattr(self, name)}' for name in names)})"


def _range(name: str, value: Any, center: float = 1.0, bounds: tuple[float, float] = (0.0, float("inf"))) -> Range:
    """Return (least, largest) of a factor; None where it is always the one without effect."""
    if isinstance(value, int | float):
        ends = (center - value, center + value) if name == "hue" else (max(center - value, 0.0), center + value)
        good = value >= 0
    else:
        ends = (float(value[0]), float(value[1])) if len(value) == 2 else (0.0, 0.0)
        good = len(value) == 2
    if not good or not bounds[0] <= ends[0] <= ends[1] <= bounds[1]:
        problem = f"{name} expects a number from 0, or (least, largest) from {bounds[0]:g} to {bounds[1]:g}."
        fix = f"pass {name}=0.1, for example."
        raise ParameterError(message("ColorJitter", problem, f"got {value!r}", fix))
    return None if ends == (center, center) else (float(ends[0]), float(ends[1]))


class Grayscale:
    """Make a picture grey.

    Args:
        num_output_channels: 1, or 3 for three alike.

    >>> import numpy as np
    >>> Grayscale(3)(np.zeros((4, 4, 3), dtype=np.uint8)).shape
    (4, 4, 3)
    """

    def __init__(self, num_output_channels: int = 1) -> None:
        self.num_output_channels = num_output_channels

    def __call__(self, img: Picture) -> Picture:
        return colour.rgb_to_grayscale(img, self.num_output_channels)

    def __repr__(self) -> str:
        return f"Grayscale(num_output_channels={self.num_output_channels})"


class RandomGrayscale:
    """Make a picture grey with probability p; it keeps its number of channels.

    Args:
        p: from 0 to 1 (0.1).

    Raises:
        ParameterError: p lies outside.

    >>> import numpy as np
    >>> RandomGrayscale(p=1)(np.array([[[100, 100, 0]]], dtype=np.uint8))
    array([[[88, 88, 88]]], dtype=uint8)
    """

    def __init__(self, p: float = 0.1) -> None:
        self.p = probability("RandomGrayscale", p)

    def __call__(self, img: Picture) -> Picture:
        channels = get_dimensions(img)[0]
        return colour.rgb_to_grayscale(img, channels) if rng().random() < self.p else img

    def __repr__(self) -> str:
        return f"RandomGrayscale(p={self.p})"


class GaussianBlur:
    """Blur a picture by a Gaussian of random width.

    Args:
        kernel_size: (x, y) in pixels, odd, or one number for both.
        sigma: (least, largest) width in pixels, or one number ((0.1, 2.0)).

    Raises:
        ParameterError: a size is even, or sigma is not above 0.

    >>> import numpy as np
    >>> GaussianBlur(3)(np.full((4, 4), 7, dtype=np.uint8))[0].tolist()
    [7, 7, 7, 7]
    """

    def __init__(self, kernel_size: int | Sequence[int], sigma: float | Sequence[float] = (0.1, 2.0)) -> None:
        self.kernel_size = pair("GaussianBlur", kernel_size)
        if any(size % 2 == 0 for size in self.kernel_size):
            fix = "pass kernel_size=3, for example."
            raise ParameterError(
                message("GaussianBlur", "kernel_size expects odd numbers.", f"got {kernel_size!r}", fix)
            )
        both = (sigma, sigma) if isinstance(sigma, int | float) else sigma
        self.sigma = interval("GaussianBlur", "sigma", both)

    @staticmethod
    def get_params(sigma_min: float, sigma_max: float) -> float:
        """Draw a width."""
        return float(rng().uniform(sigma_min, sigma_max))

    def __call__(self, img: Picture) -> Picture:
        sigma = self.get_params(self.sigma[0], self.sigma[1])
        return blur.gaussian_blur(img, self.kernel_size, sigma)

    def __repr__(self) -> str:
        return f"GaussianBlur(kernel_size={self.kernel_size}, sigma={self.sigma})"
