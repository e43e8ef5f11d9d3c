"""The data sets: MNIST and Fashion-MNIST in their official files, and Digits, which is in the package."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minicnn.data.dataset import Dataset, position
from minicnn.data.files import (
    DIGITS_FILES,
    EMBEDDED,
    FASHION_FILES,
    MNIST_FILES,
    Source,
    fetch,
    find_datasets,
    load,
    locate,
    roots,
)
from minicnn.data.transforms.basic import on_batch, takes_arrays
from minicnn.data.transforms.functional import pil, unit
from minicnn.errors import ArgumentTypeError, message
from minicnn.tensor import Tensor
from minicnn.tensor.creation import as_tensor, from_numpy

__all__ = ["MNIST", "Digits", "FashionMNIST", "find_datasets"]

Transform = Callable[[Any], Any]


def __dir__() -> list[str]:
    return list(__all__)


class LabelledImages(Dataset[tuple[Any, Any]]):
    """Grey pictures with class labels, in memory: what the data sets of this file have in common.

    A sample is (picture, label): a PIL image through ``transform``, and an int through ``target_transform``.

    Shapes: data (N, 28, 28) of uint8, targets (N,) of int64.

    Args:
        images: (N, 28, 28) of uint8.
        labels: (N,) of integers.
        transform: applied to a picture; None gives it as a PIL image.
        target_transform: applied to a label.

    Attributes:
        data, targets, transform, target_transform: as given; all four may be replaced.
        classes: the names of the classes.
        mean, std: of the pixels of the training pictures, scaled to 0 to 1.

    >>> from minicnn.data.transforms import ToTensor
    >>> images, labels = np.zeros((3, 28, 28), dtype=np.uint8), np.array([0, 1, 2])
    >>> LabelledImages(images, labels, transform=ToTensor())[2][1]
    2
    """

    classes: list[str]
    mean: float
    std: float

    def __init__(
        self,
        images: np.ndarray[Any, Any],
        labels: np.ndarray[Any, Any],
        transform: Transform | None = None,
        target_transform: Transform | None = None,
    ) -> None:
        self.data = from_numpy(images)
        self.targets = from_numpy(labels.astype(np.int64))
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
        pixels: np.ndarray[Any, Any] = _host(self.data, index)
        label: Any = int(_host(self.targets, index))
        if self.target_transform is not None:
            label = self.target_transform(label)
        if self.transform is None:
            return pil(type(self).__name__).fromarray(pixels), label
        image = pixels if takes_arrays(self.transform) else _as_pil_where_installed(pixels)
        return self.transform(image), label

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

        Shapes: x (N, 1, 28, 28) of float32, labels (N,) of int64.

        >>> x, y = Digits(train=False).tensors()
        >>> x.shape, y.shape
        ((2000, 1, 28, 28), (2000,))
        """
        values = unit(_host(self.data, (slice(None), None)))  # (N, 1, 28, 28)
        values -= np.float32(self.mean)
        values /= np.float32(self.std)
        return as_tensor(values), as_tensor(_host(self.targets).astype(np.int64))

    def __repr__(self) -> str:
        lines = [f"Dataset {type(self).__name__}", f"    Number of datapoints: {len(self)}"]
        if self.transform is not None:
            lines.append(f"    Transform: {self.transform}")
        return "\n".join(lines)


def _host(values: Any, index: Any = ...) -> np.ndarray[Any, Any]:
    """Return rows of a Tensor, or of what the user has put in its place, as an array."""
    if isinstance(values, Tensor):
        if values.is_cuda:
            values, index = values[index].cpu(), ...  # no more than these rows leaves the GPU
        values = values.numpy()
    rows: np.ndarray[Any, Any] = np.asarray(values)[index]
    return rows


def _as_pil_where_installed(pixels: np.ndarray[Any, Any]) -> Any:
    try:
        from PIL import Image
    except ImportError:
        return pixels  # the transforms of minicnn take arrays as well
    return Image.fromarray(pixels)


class MNIST(LabelledImages):
    """70,000 handwritten digits, 28×28, in 10 classes (LeCun, Cortes, Burges).

    The files are looked for in ``root``, then in the environment variable MINICNN_DATA (without both, in
    ``./data``): below it in ``mnist`` or ``MNIST/raw``, or in it, gzipped or not.

    Shapes: data (N, 28, 28) of uint8, targets (N,) of int64; N is 60,000 or 10,000.

    Args:
        root: a folder.
        train: the training pictures; False gives the test pictures.
        transform: applied to each picture; None gives PIL images.
        target_transform: applied to each label.
        download: fetch the files into ``root``/mnist where they are not found, and check them.

    Raises:
        DataError: the files are missing, damaged, or cannot be downloaded; the message says what to do.

    >>> from minicnn.data.transforms import ToTensor
    >>> from minicnn.errors import DataError
    >>> try:
    ...     images = MNIST("data", transform=ToTensor()).data  # (60000, 28, 28)
    ... except DataError:
    ...     images = Digits().data  # (10000, 28, 28): a part of MNIST that needs no files
    >>> images.shape[1:]
    (28, 28)
    """

    source: Source = MNIST_FILES
    classes = [
        "0 - zero",
        "1 - one",
        "2 - two",
        "3 - three",
        "4 - four",
        "5 - five",
        "6 - six",
        "7 - seven",
        "8 - eight",
        "9 - nine",
    ]
    mean, std = 0.1307, 0.3081

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        download: bool = False,
    ) -> None:
        places = roots(root)
        split = "train" if train else "t10k"
        if download and locate(self.source, split, places) is None:
            fetch(self.source, places[0])
        super().__init__(*load(self.source, split, places), transform, target_transform)
        self.root = places[0]
        self.train = train


class FashionMNIST(MNIST):
    """70,000 pictures of clothing, 28×28, in 10 classes (Xiao, Rasul, Vollgraf), in the place of MNIST.

    The files are looked for as MNIST's are, in ``fashion-mnist`` or ``FashionMNIST/raw``; arguments and
    errors are MNIST's too.

    Shapes: data (N, 28, 28) of uint8, targets (N,) of int64; N is 60,000 or 10,000.

    >>> FashionMNIST.classes[9]
    'Ankle boot'
    """

    source = FASHION_FILES
    classes = [
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ]
    mean, std = 0.2860, 0.3530


class Digits(LabelledImages):
    """A random part of MNIST that is in the package: 1,000 training and 200 test pictures of each digit.

    Nothing is downloaded. The training pictures are from MNIST's training file, the test pictures from its
    test file. The arguments are MNIST's, so that code for it runs with Digits in its place.

    Shapes: data (N, 28, 28) of uint8, targets (N,) of int64; N is 10,000 or 2,000.

    Args:
        root: accepted for MNIST's sake, without effect.
        train: the training pictures; False gives the test pictures.
        transform: applied to each picture; None gives PIL images.
        target_transform: applied to each label.
        download: accepted for MNIST's sake, without effect.

    Raises:
        DataError: files of the package are missing or damaged.
        ArgumentTypeError: ``root`` is True or False, which is meant for ``train``.

    >>> from minicnn.data.transforms import ToTensor
    >>> digits = Digits(train=False, transform=ToTensor())
    >>> image, label = digits[0]
    >>> image.shape, label, len(digits)
    ((1, 28, 28), 6, 2000)
    """

    classes = MNIST.classes
    mean, std = MNIST.mean, MNIST.std

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        download: bool = False,
    ) -> None:
        if isinstance(root, bool):
            got, fix = f"got root={root}", f"write Digits(train={root})."
            raise ArgumentTypeError(message("Digits", "the first argument is root, as MNIST's.", got, fix))
        super().__init__(*load(DIGITS_FILES, "train" if train else "t10k", [EMBEDDED]), transform, target_transform)
        self.train = train
