"""MNIST and Fashion-MNIST in their official files, and Digits, which is in the package."""

from __future__ import annotations

import os

from minicnn.data.datasets.images import LabelledImages, Transform
from minicnn.data.files import (
    DIGITS_FILES,
    EMBEDDED,
    FASHION_FILES,
    MNIST_FILES,
    Source,
    fetch,
    load,
    locate,
    roots,
)
from minicnn.errors import ArgumentTypeError, message

__all__ = ["MNIST", "Digits", "FashionMNIST"]


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
