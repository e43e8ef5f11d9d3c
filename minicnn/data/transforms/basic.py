"""Compose, Lambda, and the two transforms that nearly every recipe has: ToTensor and Normalize."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minicnn.data.transforms.functional import Picture, normalize, per_channel, to_tensor, unit
from minicnn.data.transforms.geometry import CenterCrop, Pad, RandomCrop, RandomHorizontalFlip
from minicnn.errors import ArgumentTypeError, message
from minicnn.tensor import Tensor

__all__ = ["Compose", "Lambda", "Normalize", "ToTensor"]

GEOMETRY = {CenterCrop, Pad, RandomCrop, RandomHorizontalFlip}  # Resize goes through Pillow in any case


class Compose:
    """Apply transforms one after another: y = t_n(... t_2(t_1(x))).

    Args:
        transforms: functions of one argument, in order.

    >>> Compose([abs, str])(-3)
    '3'
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        return "\n".join(["Compose(", *(f"    {transform}" for transform in self.transforms), ")"])


class Lambda:
    """Apply a function of one's own.

    Args:
        lambd: a function of one argument.

    Raises:
        ArgumentTypeError: it cannot be called.

    >>> Lambda(lambda x: x + 1)(2)
    3
    """

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        if not callable(lambd):
            got = f"got {type(lambd).__name__}"
            fix = "pass a function of one argument."
            raise ArgumentTypeError(message("Lambda", "expects a function.", got, fix))
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        return self.lambd(img)

    def __repr__(self) -> str:
        return "Lambda()"


class ToTensor:
    """Make a picture of bytes a float32 Tensor from 0 to 1, channels first: y = x / 255.

    Shapes: PIL images and arrays (H, W) give (1, H, W), (H, W, C) give (C, H, W); Tensors (C, H, W) stay.

    >>> ToTensor()(np.full((28, 28), 255, dtype=np.uint8)).shape
    (1, 28, 28)
    """

    def __call__(self, pic: Picture) -> Tensor:
        return to_tensor(pic)

    def __repr__(self) -> str:
        return "ToTensor()"


class Normalize:
    """Shift and scale each channel of a Tensor: y[c] = (x[c] − mean[c]) / std[c].

    Shapes: (..., C, H, W) gives the same.

    Args:
        mean: what to subtract, one entry a channel.
        std: what to divide by, one entry a channel; not 0.
        inplace: write the result into the input too.

    >>> from minicnn.tensor.creation import as_tensor
    >>> Normalize((0.5,), (0.5,))(as_tensor([[[0.0, 1.0]]]))
    tensor([[[-1.,  1.]]])
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def __call__(self, tensor: Tensor) -> Tensor:
        return normalize(tensor, self.mean, self.std, self.inplace)

    def __repr__(self) -> str:
        return f"Normalize(mean={self.mean}, std={self.std})"


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

    Shapes: images (N, H, W) of uint8 give (N, 1, H, W) of float32.

    Args:
        transform: a dataset's transform.
        images: the batch.

    >>> images = np.zeros((2, 1, 1), dtype=np.uint8)
    >>> on_batch(Compose([ToTensor(), Normalize((0.5,), (0.5,))]), images).tolist()
    [[[[-1.0]]], [[[-1.0]]]]
    >>> on_batch(Lambda(abs), images) is None
    True
    """
    steps = _steps(transform)
    if not steps or type(steps[0]) is not ToTensor or images.dtype != np.uint8 or images.ndim != 3:
        return None
    if any(type(step) is not Normalize for step in steps[1:]):
        return None
    batch = unit(images[:, None])  # (N, 1, H, W)
    for step in steps[1:]:
        shift, scale = per_channel(batch.shape, batch.dtype, step.mean, step.std)
        batch -= shift
        batch /= scale
    return batch
