"""Data sets: pictures in their official files, in folders, made up, and in the package (Digits); sentences."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from minicnn.data.datasets.cifar import CIFAR10, CIFAR100
from minicnn.data.datasets.fake import FakeData
from minicnn.data.datasets.folder import DatasetFolder, ImageFolder
from minicnn.data.datasets.found import find_datasets
from minicnn.data.datasets.images import LabelledImages
from minicnn.data.datasets.mnist import MNIST, Digits, FashionMNIST
from minicnn.data.datasets.reviews import MovieReviews
from minicnn.errors import missing_names as _missing_names

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "MNIST",
    "DatasetFolder",
    "Digits",
    "FakeData",
    "FashionMNIST",
    "ImageFolder",
    "LabelledImages",
    "MovieReviews",
    "find_datasets",
]

if not _TYPE_CHECKING:  # a type checker is to find the names that are not there
    __getattr__ = _missing_names(__name__)


def __dir__() -> list[str]:
    return list(__all__)
