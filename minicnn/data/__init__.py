"""Datasets, transforms and the loader, with the names of torch.utils.data and torchvision."""

from minicnn.data import datasets, transforms
from minicnn.data.collate import default_collate
from minicnn.data.dataset import ConcatDataset, Dataset, Subset, TensorDataset, random_split
from minicnn.data.datasets import MNIST, Digits, FashionMNIST, find_datasets
from minicnn.data.idx import read_idx, write_idx
from minicnn.data.loader import DataLoader

__all__ = [
    "MNIST",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "Digits",
    "FashionMNIST",
    "Subset",
    "TensorDataset",
    "datasets",
    "default_collate",
    "find_datasets",
    "random_split",
    "read_idx",
    "transforms",
    "write_idx",
]
