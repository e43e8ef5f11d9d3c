"""CIFAR-10 and CIFAR-100 (Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.data.batches import read_batch, read_binary, read_pickle
from minicnn.data.datasets.images import LabelledImages, Transform
from minicnn.data.files import download_one, roots
from minicnn.errors import DataError, message
from minicnn.files import replace_file

__all__ = ["CIFAR10", "CIFAR10_FILES", "CIFAR100", "CIFAR100_FILES", "Batches", "locate"]

SITE = "https://www.cs.toronto.edu/~kriz/"


@dataclass(frozen=True)
class Batches:
    """What is known of the files of one of the two sets.

    Args:
        title: its class, for messages.
        folder: the folder with pickles that the archive makes.
        train: the names of its training batches.
        test: the names of its test batches.
        meta: the name of the file with the classes' names.
        label_key: of the labels in a batch.
        names_key: of the names in the meta file.
        binary: the folder with the same batches in records; None: that format has other labels.
        archive: its name, at ``mirrors``.
        md5: of the archive.
        mirrors: addresses that its name is joined to.
    """

    title: str
    folder: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    meta: str
    label_key: str
    names_key: str
    binary: str | None
    archive: str
    md5: str
    mirrors: tuple[str, ...] = (SITE,)


CIFAR10_FILES = Batches(
    "CIFAR10",
    "cifar-10-batches-py",
    tuple(f"data_batch_{i}" for i in range(1, 6)),
    ("test_batch",),
    "batches.meta",
    "labels",
    "label_names",
    "cifar-10-batches-bin",
    "cifar-10-python.tar.gz",
    "c58f30108f718f92721af3b95e74349a",
)
CIFAR100_FILES = Batches(
    "CIFAR100",
    "cifar-100-python",
    ("train",),
    ("test",),
    "meta",
    "fine_labels",
    "fine_label_names",
    None,
    "cifar-100-python.tar.gz",
    "eb9058c3a382ffc7106e4002c42a8d85",
)


def locate(source: Batches, roots: Iterable[Path]) -> Path | None:
    """Return the first folder that has all batches, as pickles or as records; None where none has.

    Args:
        source: which set.
        roots: folders; each is looked below and in.
    """
    for root in roots:
        for folder in (root / source.folder, root / (source.binary or source.folder), root):
            if all(_file(folder, name) for name in source.train + source.test):
                return folder
    return None


def _file(folder: Path, name: str) -> Path | None:
    for path in (folder / name, folder / f"{name}.bin"):
        if path.is_file():
            return path
    return None


def load(source: Batches, train: bool, folder: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], list[str]]:
    """Read the pictures, labels and names of the classes of a folder.

    Shapes: pictures (N, 32, 32, 3) of uint8, labels (N,) of int64.

    Args:
        source: which set.
        train: the training batches, or the test batches.
        folder: from `locate`.

    Raises:
        DataError: a file is damaged or does not fit the others.
    """
    found = [_file(folder, name) for name in (source.train if train else source.test)]
    paths = [path for path in found if path is not None]
    parts = [read_binary(path) if path.suffix == ".bin" else read_batch(path, source.label_key) for path in paths]
    names = _names(source, folder)
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    if labels.size and not 0 <= labels.min() <= labels.max() < len(names):
        got = f"{folder}: labels from {labels.min()} to {labels.max()}"
        raise _unfit(source, f"expects labels from 0 to {len(names) - 1}.", got, folder)
    counts = {len(part[1]) for part in parts}
    if len(counts) > 1:  # records have no count of their own: a file cut between two shows only here
        got = f"{folder}: " + ", ".join(f"{path.name} {len(part[1])}" for path, part in zip(paths, parts, strict=True))
        raise _unfit(source, "expects batches of one length; one is truncated.", got, folder)
    return images, labels, names


def _names(source: Batches, folder: Path) -> list[str]:
    if (folder / source.meta).is_file():
        names = read_pickle(folder / source.meta).get(source.names_key)
        if isinstance(names, list) and names:
            return [str(name) for name in names]
        got = f"{folder / source.meta}: {source.names_key} is {type(names).__name__}"
        raise _unfit(source, "expects the names of the classes.", got, folder)
    return list(CIFAR10.classes) if source.title == "CIFAR10" else [str(label) for label in range(100)]


def _unfit(source: Batches, problem: str, got: str, folder: Path) -> DataError:
    fix = f"delete {folder}, then {_remedy(source)}"
    return DataError(message(source.title, problem, got, fix))


def _remedy(source: Batches, first: str = "pass download=True, or ") -> str:
    return (
        f"{first}put {source.archive} from {source.mirrors[0]} into DIR, unpack it there "
        "(tar -xf), and pass root=DIR or set MINICNN_DATA=DIR."
    )


def fetch(source: Batches, root: Path) -> None:
    """Unpack the archive, which is in ``root`` or else downloaded, each file put in place whole.

    Args:
        source: which set.
        root: the folder under which the set's folder is made.

    Raises:
        DataError: the archive cannot be downloaded or is not the published one, or nothing can be written.
    """
    import hashlib
    import tarfile
    from io import BytesIO

    def published(blob: bytes) -> bool:
        return hashlib.md5(blob, usedforsecurity=False).hexdigest() == source.md5

    archive = root / source.archive
    blob = archive.read_bytes() if archive.is_file() else b""
    if not published(blob):
        addresses = [f"{mirror}{source.archive}" for mirror in source.mirrors]
        blob = download_one(source.title, addresses, published, _remedy(source, "try again later, or "))
    try:
        (root / source.folder).mkdir(parents=True, exist_ok=True)
        with tarfile.open(fileobj=BytesIO(blob)) as packed:
            for name in (*source.train, *source.test, source.meta):
                member = packed.extractfile(f"{source.folder}/{name}")
                replace_file(root / source.folder / name, member.read() if member else b"")
    except (OSError, KeyError, tarfile.TarError) as error:
        got, fix = " ".join(str(error).split()), "pass root= a folder that this user may write to."
        raise DataError(message(source.title, f"{root} cannot be written.", got, fix)) from error


class CIFAR10(LabelledImages):
    """60,000 pictures of animals and vehicles, 32×32 in colour, in 10 classes (Krizhevsky, 2009).

    The files are looked for in ``root``, then in the environment variable MINICNN_DATA (without both, in
    ``./data``): below it in ``cifar-10-batches-py`` (pickles) or ``cifar-10-batches-bin`` (records), or in it.

    Shapes: data (N, 32, 32, 3) of uint8, an array as in torchvision; targets: a list of N ints; N is 50,000 or
    10,000.

    Args:
        root: a folder.
        train: the training pictures; False gives the test pictures.
        transform: applied to each picture; None gives PIL images.
        target_transform: applied to each label.
        download: fetch the archive where the files are not found, check its MD5, and unpack it into
            ``root``; an archive that lies there is taken.

    Raises:
        DataError: the files are missing, damaged, or cannot be downloaded; the message says what to do.

    >>> CIFAR10.classes[3]
    'cat'
    """

    source = CIFAR10_FILES
    classes = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    mean, std = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        download: bool = False,
    ) -> None:
        places = roots(root)
        folder = locate(self.source, places)
        if folder is None and download:
            fetch(self.source, places[0])
            folder = locate(self.source, places)
        if folder is None:
            kinds = [name for name in (self.source.folder, self.source.binary) if name]
            raise DataError(
                message(
                    self.source.title,
                    "the batches are not there.",
                    f"looked in {', '.join(str(place / kind) for place in places for kind in kinds)}",
                    _remedy(self.source),
                )
            )
        images, labels, self.classes = load(self.source, train, folder)
        super().__init__(images, labels, transform, target_transform)
        self.data, self.targets = images, labels.tolist()  # an array and a list, as in torchvision
        self.root = places[0]
        self.train = train


class CIFAR100(CIFAR10):
    """60,000 pictures, 32×32 in colour, in 100 classes (Krizhevsky, 2009).

    The files are looked for as CIFAR10's are, in ``cifar-100-python``; arguments and errors are CIFAR10's too.

    >>> CIFAR100.mean
    (0.5071, 0.4865, 0.4409)
    """

    source = CIFAR100_FILES
    classes: list[str] = []  # read from the file ``meta``
    mean, std = (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)
