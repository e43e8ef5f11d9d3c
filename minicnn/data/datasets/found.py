"""The data sets that are on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from minicnn.data import files
from minicnn.data.datasets import cifar, reviews

__all__ = ["find_datasets"]


def find_datasets(root: str | os.PathLike[str] | None = None) -> dict[str, Path]:
    """Return the data sets that are on this machine, by name, each with the folder of its training files.

    Args:
        root: a folder to search besides MINICNN_DATA; by default MINICNN_DATA, or else ``./data``.

    >>> sorted(set(find_datasets()) & {"digits"})  # it is in the package; the others may be there
    ['digits']
    """
    places = files.roots(root)
    folders = {}
    for source, where in (
        (files.DIGITS_FILES, [files.EMBEDDED]),
        (files.MNIST_FILES, places),
        (files.FASHION_FILES, places),
    ):
        found = [files.locate(source, split, where) for split in files.SPLITS]
        if found[0] and found[1]:
            folders[source.name] = found[0][0].parent
    for name, folder in (
        ("cifar-10", cifar.locate(cifar.CIFAR10_FILES, places)),
        ("cifar-100", cifar.locate(cifar.CIFAR100_FILES, places)),
        ("mr", reviews.locate(places)),
    ):
        if folder is not None:
            folders[name] = folder
    return folders
