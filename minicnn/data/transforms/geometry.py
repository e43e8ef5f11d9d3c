"""Transforms that move whole pixels: cutting, padding and mirroring, some of them at random.

Random choices are drawn from `minicnn.data.stream.rng`: under a DataLoader they depend on its seed, the epoch
and the batch, so they are the same for every number of workers.
"""

from __future__ import annotations

from collections.abc import Sequence

from minicnn.data.stream import rng
from minicnn.data.transforms.functional.frame import (
    Fill,
    center_crop,
    crop,
    five_crop,
    hflip,
    pad,
    sides,
    ten_crop,
    vflip,
)
from minicnn.data.transforms.functional.picture import Picture, pair, size_of
from minicnn.errors import ParameterError, message

__all__ = [
    "CenterCrop",
    "FiveCrop",
    "Pad",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomVerticalFlip",
    "TenCrop",
    "probability",
]


class CenterCrop:
    """Cut out the middle; a picture that is smaller gets a border of 0.

    Args:
        size: (height, width) in pixels, or one number for both.

    >>> import numpy as np
    >>> CenterCrop(2)(np.zeros((6, 6, 3))).shape
    (2, 2, 3)
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = pair("CenterCrop", size)

    def __call__(self, img: Picture) -> Picture:
        return center_crop(img, self.size)

    def __repr__(self) -> str:
        return f"CenterCrop(size={self.size})"


class Pad:
    """Put a border around a picture.

    Args:
        padding: pixels: one number for all sides, (left and right, top and bottom), or (left, top, right,
            bottom).
        fill: the value of a constant border; one for each channel, or one for all.
        padding_mode: ``"constant"``, ``"edge"``, ``"reflect"`` (without the edge) or ``"symmetric"`` (with
            it).

    Raises:
        ParameterError: ``padding`` has not 1, 2 or 4 numbers, one is negative, or the mode is unknown.

    >>> import numpy as np
    >>> Pad(2)(np.zeros((28, 28))).shape
    (32, 32)
    """

    def __init__(self, padding: int | Sequence[int], fill: Fill = 0, padding_mode: str = "constant") -> None:
        sides("Pad", padding, padding_mode)
        self.padding = padding
        self.fill = fill
        self.padding_mode = padding_mode

    def __call__(self, img: Picture) -> Picture:
        return pad(img, self.padding, self.fill, self.padding_mode)

    def __repr__(self) -> str:
        return f"Pad(padding={self.padding}, fill={self.fill}, padding_mode={self.padding_mode})"


class RandomCrop:
    """Cut out a rectangle at a random place, every place being as likely.

    Args:
        size: (height, width) in pixels, or one number for both.
        padding: a border put around the picture first, as `Pad` takes it; None for none.
        pad_if_needed: also pad both sides of a picture that is smaller than ``size``, until it is not.
        fill: the value of a constant border; one for each channel, or one for all.
        padding_mode: as `Pad` takes it.

    Raises:
        ParameterError: the picture, with its padding, is smaller than ``size``.

    >>> import numpy as np
    >>> RandomCrop(32, padding=4)(np.zeros((32, 32, 3))).shape
    (32, 32, 3)
    """

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        pad_if_needed: bool = False,
        fill: Fill = 0,
        padding_mode: str = "constant",
    ) -> None:
        self.size = pair("RandomCrop", size)
        self.padding = padding
        self.pad_if_needed = pad_if_needed
        self.fill = fill
        self.padding_mode = padding_mode

    @staticmethod
    def get_params(img: Picture, output_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Draw a place and return what `functional.crop` takes: (top, left, height, width)."""
        (high, wide), (height, width) = size_of("RandomCrop", img), output_size
        if high < height or wide < width:
            got = f"picture ({high}, {wide}), size ({height}, {width})"
            fix = "pass a smaller size, padding=, or pad_if_needed=True."
            raise ParameterError(message("RandomCrop", "the picture is smaller than size.", got, fix))
        draw = rng()
        top, left = int(draw.integers(high - height + 1)), int(draw.integers(wide - width + 1))
        return top, left, height, width

    def __call__(self, img: Picture) -> Picture:
        if self.padding is not None:
            img = pad(img, self.padding, self.fill, self.padding_mode)
        if self.pad_if_needed:
            high, wide = size_of("RandomCrop", img)
            missing = max(self.size[1] - wide, 0), max(self.size[0] - high, 0)
            if any(missing):
                img = pad(img, missing, self.fill, self.padding_mode)
        return crop(img, *self.get_params(img, self.size))

    def __repr__(self) -> str:
        return f"RandomCrop(size={self.size}, padding={self.padding})"


class RandomHorizontalFlip:
    """Mirror a picture, left to right, with probability p.

    Args:
        p: from 0 to 1.

    Raises:
        ParameterError: p lies outside.

    >>> import numpy as np
    >>> RandomHorizontalFlip(p=1)(np.array([[1, 2, 3]]))
    array([[3, 2, 1]])
    """

    def __init__(self, p: float = 0.5) -> None:
        self.p = probability("RandomHorizontalFlip", p)

    def __call__(self, img: Picture) -> Picture:
        return hflip(img) if rng().random() < self.p else img

    def __repr__(self) -> str:
        return f"RandomHorizontalFlip(p={self.p})"


class RandomVerticalFlip:
    """Mirror a picture, top to bottom, with probability p.

    Args:
        p: from 0 to 1.

    Raises:
        ParameterError: p lies outside.

    >>> import numpy as np
    >>> RandomVerticalFlip(p=1)(np.array([[1], [2]])).tolist()
    [[2], [1]]
    """

    def __init__(self, p: float = 0.5) -> None:
        self.p = probability("RandomVerticalFlip", p)

    def __call__(self, img: Picture) -> Picture:
        return vflip(img) if rng().random() < self.p else img

    def __repr__(self) -> str:
        return f"RandomVerticalFlip(p={self.p})"


def probability(where: str, p: float) -> float:
    """Return p, checked.

    Raises:
        ParameterError: it is not from 0 to 1.

    >>> probability("RandomGrayscale", 0.1)
    0.1
    """
    if not 0 <= p <= 1:
        fix = "pass a probability, such as p=0.5."
        raise ParameterError(message(where, "p expects a value from 0 to 1.", f"got {p!r}", fix))
    return p


class FiveCrop:
    """Cut out the four corners and the middle; the result is a tuple of five pictures.

    Args:
        size: (height, width) in pixels, or one number for both.

    >>> import numpy as np
    >>> len(FiveCrop(2)(np.zeros((6, 6, 3))))
    5
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = pair("FiveCrop", size)

    def __call__(self, img: Picture) -> tuple[Picture, ...]:
        return five_crop(img, self.size)

    def __repr__(self) -> str:
        return f"FiveCrop(size={self.size})"


class TenCrop:
    """Cut out the four corners and the middle, of the picture and of the mirrored picture; a tuple of ten.

    Args:
        size: (height, width) in pixels, or one number for both.
        vertical_flip: mirror top to bottom, in place of left to right.

    >>> import numpy as np
    >>> len(TenCrop(2)(np.zeros((6, 6, 3))))
    10
    """

    def __init__(self, size: int | Sequence[int], vertical_flip: bool = False) -> None:
        self.size = pair("TenCrop", size)
        self.vertical_flip = vertical_flip

    def __call__(self, img: Picture) -> tuple[Picture, ...]:
        return ten_crop(img, self.size, self.vertical_flip)

    def __repr__(self) -> str:
        return f"TenCrop(size={self.size}, vertical_flip={self.vertical_flip})"
