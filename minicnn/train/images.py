"""Pictures in memory as training wants them: a batch at once, normalized, and shifted at random if asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.data.dataset import Dataset
from minicnn.data.stream import rng
from minicnn.errors import ParameterError, ShapeError, message
from minicnn.tensor import Tensor
from minicnn.tensor.creation import as_tensor

__all__ = ["Images", "shift"]


def shift(images: np.ndarray[Any, Any], pixels: int, draw: np.random.Generator) -> np.ndarray[Any, Any]:
    """Move every picture by its own random number of pixels, down or up and right or left; 0 comes in.

    Shapes: images (N, H, W) gives the same.

    Args:
        images: the batch.
        pixels: each of the two distances is drawn from −pixels to pixels, all as likely.
        draw: where they are drawn.

    >>> moved = shift(np.eye(3)[None], 1, np.random.default_rng(0))
    >>> moved.shape
    (1, 3, 3)
    """
    if not pixels:
        return images
    n, h, w = images.shape
    padded = np.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels)))
    # Every window of size H×W is a possible result; each picture takes one of its own.
    windows = np.lib.stride_tricks.sliding_window_view(padded, (h, w), axis=(1, 2))  # (N, 2·pixels+1, ..., H, W)
    down, right = draw.integers(2 * pixels + 1, size=(2, n))
    return windows[np.arange(n), down, right]  # (N, H, W)


class Images(Dataset[tuple[Tensor, Tensor]]):
    """Grey pictures with labels, given by whole batches: x = (shifted / 255 − mean) / std.

    Under a `minicnn.data.DataLoader` the shifts depend on its seed, the epoch and the batch alone.

    Shapes: images (N, H, W) of uint8, labels (N,) of int64; a batch of B is x (B, 1, H, W) of float32 and
    labels (B,).

    Args:
        images: the pictures.
        labels: their classes.
        mean: of the pixels, scaled to 0 to 1.
        std: of the pixels, scaled to 0 to 1.
        pixels: how far `shift` may move a picture; 0 (the default) leaves it.

    Raises:
        ShapeError: pictures and labels do not fit together.
        ParameterError: ``pixels`` is negative.

    >>> images = Images(np.zeros((5, 28, 28), dtype=np.uint8), np.arange(5), mean=0.5, std=0.5)
    >>> x, labels = images.__getitems__([0, 3])
    >>> x.shape, labels
    ((2, 1, 28, 28), tensor([0, 3]))
    """

    def __init__(
        self, images: np.ndarray[Any, Any], labels: np.ndarray[Any, Any], mean: float, std: float, pixels: int = 0
    ) -> None:
        if images.ndim != 3 or labels.shape != images.shape[:1]:
            got, fix = f"images {images.shape}, labels {labels.shape}", "pass (N, H, W) and (N,)."
            raise ShapeError(message("Images", "expects a label for every grey picture.", got, fix))
        if pixels < 0:
            fix = "pass 0 for none."
            raise ParameterError(message("Images", "pixels expects 0 or more.", f"got {pixels}", fix))
        self.images = images
        self.labels = labels
        self.mean = mean
        self.std = std
        self.pixels = pixels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        x, labels = self.__getitems__([index])
        return x[0], labels[0]

    def __getitems__(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return a batch (x, labels)."""
        rows = np.asarray(indices)
        moved = shift(self.images[rows], self.pixels, rng()) if self.pixels else self.images[rows]
        x = (moved[:, None].astype(np.float32) / np.float32(255) - np.float32(self.mean)) / np.float32(self.std)
        return as_tensor(x), as_tensor(self.labels[rows])  # (B, 1, H, W), (B,)
