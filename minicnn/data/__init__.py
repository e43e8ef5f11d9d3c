"""Datasets, transforms and the loader, with the names of torch.utils.data and torchvision."""

from typing import Any

from minicnn.autograd.refusal import guard_constructor
from minicnn.data import datasets, transforms, utils
from minicnn.data.collate import default_collate, default_convert
from minicnn.data.dataset import ConcatDataset, Dataset, StackDataset, Subset, TensorDataset, random_split
from minicnn.data.datasets import (
    CIFAR10,
    CIFAR100,
    MNIST,
    DatasetFolder,
    Digits,
    FakeData,
    FashionMNIST,
    ImageFolder,
    MovieReviews,
    find_datasets,
)
from minicnn.data.idx import read_idx, write_idx
from minicnn.data.iterable import ChainDataset, IterableDataset, get_worker_info
from minicnn.data.loader import DataLoader
from minicnn.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from minicnn.errors import missing_names as _missing_names

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "MNIST",
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "DatasetFolder",
    "Digits",
    "FakeData",
    "FashionMNIST",
    "ImageFolder",
    "IterableDataset",
    "MovieReviews",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "datasets",
    "default_collate",
    "default_convert",
    "find_datasets",
    "get_worker_info",
    "random_split",
    "read_idx",
    "transforms",
    "utils",
    "write_idx",
]

for _name in __all__:
    guard_constructor(globals()[_name])


def __getattr__(name: str) -> Any:
    """Return ``minicnn.models`` as ``minicnn.data.models``: programs for torchvision find both in one place."""
    if name == "models":  # when first used: that room stands above this one
        import importlib

        return importlib.import_module("minicnn.models")
    _missing_names(__name__)(name)
