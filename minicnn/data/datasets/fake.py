"""FakeData: pictures of noise, to try a program out without files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.data.dataset import Dataset, position
from minicnn.data.datasets.images import Transform, described, transformed
from minicnn.data.stream import make
from minicnn.errors import ParameterError, message

__all__ = ["FakeData"]


class FakeData(Dataset[tuple[Any, Any]]):
    """Pictures of uniform noise with random labels; sample i is the same each time that it is asked for.

    Args:
        size: how many samples there are (1000).
        image_size: (C, H, W) of a picture, C being 1 or 3 ((3, 224, 224)).
        num_classes: labels are drawn from 0 to num_classes − 1 (10).
        transform: applied to each picture; None gives PIL images.
        target_transform: applied to each label.
        random_offset: another number gives other pictures (0).

    Raises:
        ParameterError: ``image_size`` is not (1 or 3, H, W), or a number is too small.

    >>> from minicnn.data.transforms import ToTensor
    >>> data = FakeData(size=100, image_size=(3, 32, 32), transform=ToTensor())
    >>> data[7][0].shape, len(data), bool((data[7][0] == data[7][0]).all())
    ((3, 32, 32), 100, True)
    """

    def __init__(
        self,
        size: int = 1000,
        image_size: Sequence[int] = (3, 224, 224),
        num_classes: int = 10,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        random_offset: int = 0,
    ) -> None:
        if len(image_size) != 3 or image_size[0] not in (1, 3) or min(image_size) < 1 or size < 0 or num_classes < 1:
            got = f"got size={size!r}, image_size={image_size!r}, num_classes={num_classes!r}"
            problem = "expects size from 0, image_size (1 or 3, H, W) and num_classes from 1."
            fix = "pass image_size=(3, 224, 224), for example."
            raise ParameterError(message("FakeData", problem, got, fix))
        self.size = size
        self.image_size = tuple(image_size)
        self.num_classes = num_classes
        self.transform = transform
        self.target_transform = target_transform
        self.random_offset = random_offset

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        draw = make(position("FakeData", index, self.size), self.random_offset % 2**32)
        channels, height, width = self.image_size
        pixels = draw.integers(256, size=(height, width, channels), dtype=np.uint8)
        label: Any = int(draw.integers(self.num_classes))
        if self.target_transform is not None:
            label = self.target_transform(label)
        return transformed("FakeData", pixels if channels == 3 else pixels[..., 0], self.transform), label

    def __repr__(self) -> str:
        return described(self, [])
