"""A data set of a few real pictures in MNIST's files, so that a whole training run takes a moment."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minicnn.data import Digits, write_idx

TRAIN, TEST = 300, 100


def write_tiny_mnist(folder: Path) -> Path:
    """Write a data set of a few pictures in MNIST's layout; return its root."""
    (folder / "mnist").mkdir(parents=True)
    for train, split, count in ((True, "train", TRAIN), (False, "t10k", TEST)):
        digits = Digits(train=train)
        images, labels = digits.data.numpy()[:count], digits.targets.numpy()[:count]
        write_idx(folder / "mnist" / f"{split}-images-idx3-ubyte", images)
        write_idx(folder / "mnist" / f"{split}-labels-idx1-ubyte", labels.astype(np.uint8))
    return folder
