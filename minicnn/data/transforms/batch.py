"""The standard recipes on whole batches, and on arrays in place of PIL images."""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.data.transforms.basic import Compose, Normalize, ToTensor
from minicnn.data.transforms.functional.convert import per_channel, unit
from minicnn.data.transforms.geometry import CenterCrop, Pad, RandomCrop, RandomHorizontalFlip, RandomVerticalFlip

__all__ = ["on_batch", "takes_arrays"]

# Resize and its kin go through Pillow in any case, and colours are computed otherwise in PIL images.
GEOMETRY = {CenterCrop, Pad, RandomCrop, RandomHorizontalFlip, RandomVerticalFlip}


def takes_arrays(transform: object) -> bool:
    """Tell whether a recipe, given an array in place of a PIL image, gives the same result.

    It does where classes of minicnn, and not subclasses, lead up to ToTensor. Arrays need no Pillow.

    >>> [takes_arrays(Compose([first, ToTensor()])) for first in (RandomHorizontalFlip(), abs)]
    [True, False]
    """
    for step in _steps(transform):
        if type(step) is ToTensor:
            return True
        if type(step) not in GEOMETRY:
            break
    return False


def _steps(transform: object) -> list[Any]:
    return list(transform.transforms) if type(transform) is Compose else [transform]


def on_batch(transform: object, images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """Apply the standard recipe, ToTensor and then any number of Normalize, to a batch, or return None.

    None means that the transform is another one; even a subclass is, since it may treat a sample otherwise.

    Shapes: images (N, H, W) of uint8 give (N, 1, H, W) of float32, images (N, H, W, 3) give (N, 3, H, W).

    Args:
        transform: a dataset's transform.
        images: the batch.

    >>> from minicnn.data.transforms import Lambda
    >>> images = np.zeros((2, 1, 1), dtype=np.uint8)
    >>> on_batch(Compose([ToTensor(), Normalize((0.5,), (0.5,))]), images).tolist()
    [[[[-1.0]]], [[[-1.0]]]]
    >>> on_batch(Lambda(abs), images) is None
    True
    """
    steps = _steps(transform)
    if not steps or type(steps[0]) is not ToTensor or images.dtype != np.uint8:
        return None
    if any(type(step) is not Normalize for step in steps[1:]):
        return None
    if images.ndim not in (3, 4):
        return None
    batch = unit(images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2))  # (N, C, H, W)
    for step in steps[1:]:
        shift, scale = per_channel(batch.shape, batch.dtype, step.mean, step.std)
        batch -= shift
        batch /= scale
    return batch
