"""RandomErasing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.data.stream import rng
from minicnn.data.transforms.functional.frame import check_tensor, erase
from minicnn.data.transforms.geometry import probability
from minicnn.data.transforms.scale import TRIES, interval
from minicnn.errors import ParameterError, message
from minicnn.tensor import Tensor
from minicnn.tensor.creation import as_tensor

__all__ = ["RandomErasing"]


class RandomErasing:
    """Cover a random rectangle of a Tensor, with probability p.

    Zhong, Zheng, Kang, Li, Yang: Random Erasing Data Augmentation (arXiv 1708.04896), algorithm 1.

    Shapes: (..., C, H, W) gives the same.

    Args:
        p: from 0 to 1 (0.5).
        scale: least and largest area, as parts of the picture's ((0.02, 0.33)).
        ratio: least and largest height / width; its logarithm is drawn evenly ((0.3, 3.3)).
        value: what to put there: a number, one for each channel, or ``"random"`` for normal numbers (0).
        inplace: write into the Tensor.

    Raises:
        ParameterError: an argument is out of its range, or value has a wrong length.

    >>> from minicnn.tensor.creation import ones
    >>> bool((RandomErasing(p=1)(ones(3, 32, 32)) == 0).any())
    True
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: float | str | Sequence[float] = 0,
        inplace: bool = False,
    ) -> None:
        self.p = probability("RandomErasing", p)
        self.scale = interval("RandomErasing", "scale", scale)
        self.ratio = interval("RandomErasing", "ratio", ratio)
        if max(scale) > 1:
            fix = "pass parts of the picture's area."
            raise ParameterError(message("RandomErasing", "scale expects at most 1.", f"got {scale!r}", fix))
        if isinstance(value, str) and value != "random":
            fix = 'pass value="random", or numbers.'
            raise ParameterError(message("RandomErasing", 'a word as value expects "random".', f"got {value!r}", fix))
        self.value = value
        self.inplace = inplace

    @staticmethod
    def get_params(
        img: Tensor, scale: Sequence[float], ratio: Sequence[float], value: Sequence[float] | None = None
    ) -> tuple[int, int, int, int, Any]:
        """Draw what `functional.erase` takes: (i, j, h, w, v); the whole picture, unchanged, where none fits."""
        channels, high, wide = (int(size) for size in img.shape[-3:])
        draw = rng()
        for _ in range(TRIES):
            area = high * wide * draw.uniform(scale[0], scale[1])
            proportions = math.exp(draw.uniform(math.log(ratio[0]), math.log(ratio[1])))
            h, w = round(math.sqrt(area * proportions)), round(math.sqrt(area / proportions))
            if h < high and w < wide:
                if value is None:
                    v = draw.standard_normal((channels, h, w)).astype(np.float32)
                else:
                    v = np.array(value, dtype=np.float32).reshape(-1, 1, 1)
                return int(draw.integers(high - h + 1)), int(draw.integers(wide - w + 1)), h, w, as_tensor(v)
        return 0, 0, high, wide, img

    def __call__(self, img: Tensor) -> Tensor:
        check_tensor("RandomErasing", img)
        if not rng().random() < self.p:
            return img
        values = [self.value] if isinstance(self.value, int | float) else self.value
        channels = int(img.shape[-3])
        if not isinstance(values, str) and len(values) not in (1, channels):
            got, fix = f"got {self.value!r} and {channels} channels", "pass one number for each channel, or one."
            raise ParameterError(message("RandomErasing", "value expects a number for each channel.", got, fix))
        place = self.get_params(img, self.scale, self.ratio, None if isinstance(values, str) else values)
        return erase(img, *place, self.inplace)

    def __repr__(self) -> str:
        names = ("p", "scale", "ratio", "value", "inplace")
        return f"RandomErasing({', '.join(f'{name}={getattr(self, name)}' for name in names)})"
