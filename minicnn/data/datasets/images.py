"""What the data sets of pictures in memory have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minicnn.data.dataset import Dataset, position
from minicnn.data.transforms.batch import on_batch, takes_arrays
from minicnn.data.transforms.functional.convert import unit
from minicnn.data.transforms.functional.picture import pil
from minicnn.tensor import Tensor
from minicnn.tensor.creation import as_tensor, from_numpy

__all__ = ["LabelledImages", "Transform", "described", "transformed"]

Transform = Callable[[Any], Any]


class LabelledImages(Dataset[tuple[Any, Any]]):
    """Pictures with class labels, in memory.

    A sample is (picture, label): a PIL image through ``transform``, and an int through ``target_transform``.

    Shapes: data (N, H, W), or (N, H, W, 3) in colour, of uint8; targets (N,).

    Args:
        images: (N, H, W) or (N, H, W, 3) of uint8.
        labels: (N,) of integers.
        transform: applied to a picture; None gives it as a PIL image.
        target_transform: applied to a label.

    Attributes:
        data, targets, transform, target_transform: as given, data and targets as Tensors; all four may be
            replaced.
        classes: the names of the classes.
        mean, std: of the pixels of the training pictures, scaled to 0 to 1; in colour, of each channel.

    >>> from minicnn.data.transforms import ToTensor
    >>> images, labels = np.zeros((3, 28, 28), dtype=np.uint8), np.array([0, 1, 2])
    >>> LabelledImages(images, labels, transform=ToTensor())[2][1]
    2
    """

    classes: list[str]
    mean: Any
    std: Any
    root: Any = None
    train: bool | None = None

    def __init__(
        self,
        images: np.ndarray[Any, Any],
        labels: np.ndarray[Any, Any],
        transform: Transform | None = None,
        target_transform: Transform | None = None,
    ) -> None:
        self.data: Any = from_numpy(images)
        self.targets: Any = from_numpy(labels.astype(np.int64))
        self.transform = transform
        self.target_transform = target_transform

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The label of each class, by name."""
        return {name: label for label, name in enumerate(self.classes)}

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        index = position(type(self).__name__, index, len(self))
        label: Any = int(_host(self.targets, index))
        if self.target_transform is not None:
            label = self.target_transform(label)
        return transformed(type(self).__name__, _host(self.data, index), self.transform), label

    def __getitems__(self, indices: Sequence[int]) -> Any:
        """Return a batch (pictures, labels) where the transform can take one, else the list of samples."""
        rows = np.asarray(indices, dtype=np.int64)
        if self.target_transform is None:
            batch = on_batch(self.transform, _host(self.data, rows))
            if batch is not None:
                return as_tensor(batch), as_tensor(_host(self.targets, rows))
        return [self[index] for index in indices]

    def tensors(self) -> tuple[Tensor, Tensor]:
        """Return all pictures, normalized, and all labels: what training from memory needs.

        x = (data / 255 − mean) / std, by the ``mean`` and ``std`` of the class; no transform is applied.

        Shapes: x (N, 1, H, W), or (N, 3, H, W) in colour, of float32; labels (N,) of int64.

        >>> from minicnn.data import Digits
        >>> x, y = Digits(train=False).tensors()
        >>> x.shape, y.shape
        ((2000, 1, 28, 28), (2000,))
        """
        images = _host(self.data)
        values = unit(images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2))  # (N, C, H, W)
        values -= np.array(self.mean, np.float32).reshape(-1, 1, 1)
        values /= np.array(self.std, np.float32).reshape(-1, 1, 1)
        return as_tensor(values), as_tensor(_host(self.targets).astype(np.int64))

    def __repr__(self) -> str:
        facts = [f"Root location: {self.root}"] if self.root is not None else []
        facts += [f"Split: {'Train' if self.train else 'Test'}"] if self.train is not None else []
        return described(self, facts)


def _host(values: Any, index: Any = ...) -> np.ndarray[Any, Any]:
    """Return rows of a Tensor, or of what the user has put in its place, as an array."""
    if isinstance(values, Tensor):
        if values.is_cuda:
            values, index = values[index].cpu(), ...  # no more than these rows leaves the GPU
        values = values.numpy()
    if isinstance(values, list) and index is not ...:  # without making an array of all of it
        return np.asarray([values[i] for i in index] if isinstance(index, np.ndarray) else values[index])
    rows: np.ndarray[Any, Any] = np.asarray(values)[index]
    return rows


def transformed(where: str, pixels: np.ndarray[Any, Any], transform: Transform | None) -> Any:
    """Return a picture (H, W) or (H, W, 3) through a transform, or as a PIL image without one.

    The transform gets a PIL image, or the array itself where that is known to give the same.

    Raises:
        DataError: there is no transform, and Pillow, which makes PIL images, is not installed.

    >>> transformed("doctest", np.zeros((4, 5), dtype=np.uint8), np.shape)
    (4, 5)
    """
    if transform is None:
        return pil(where).fromarray(pixels)
    return transform(pixels if takes_arrays(transform) else _as_pil_where_installed(pixels))


def _as_pil_where_installed(pixels: np.ndarray[Any, Any]) -> Any:
    try:
        from PIL import Image
    except ImportError:
        return pixels  # the transforms of minicnn take arrays as well
    return Image.fromarray(pixels)


def described(dataset: Any, facts: Sequence[str]) -> str:
    """Return what a data set prints: its class, its length, some facts, and its transforms.

    >>> from minicnn.data import Digits
    >>> print(described(Digits(train=False, transform=len), ["Split: Test"]))  # doctest: +ELLIPSIS
    Dataset Digits
        Number of datapoints: 2000
        Split: Test
        StandardTransform
    Transform: <built-in function len>
    """
    lines = [f"Dataset {type(dataset).__name__}", f"    Number of datapoints: {len(dataset)}"]
    lines += [f"    {fact}" for fact in facts]
    transforms = {"Transform: ": dataset.transform, "Target transform: ": dataset.target_transform}
    if any(transform is not None for transform in transforms.values()):
        lines.append("    StandardTransform")
    for head, transform in transforms.items():
        if transform is not None:
            lines.append(head + repr(transform).replace("\n", "\n" + " " * len(head)))
    return "\n".join(lines)
