"""Data sets: pictures in their official files, in folders, made up, and in the package (Digits); sentences."""

from minicnn.data.datasets.cifar import CIFAR10, CIFAR100
from minicnn.data.datasets.fake import FakeData
from minicnn.data.datasets.folder import DatasetFolder, ImageFolder
from minicnn.data.datasets.found import find_datasets
from minicnn.data.datasets.images import LabelledImages
from minicnn.data.datasets.mnist import MNIST, Digits, FashionMNIST
from minicnn.data.datasets.reviews import MovieReviews

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


def __dir__() -> list[str]:
    return list(__all__)
