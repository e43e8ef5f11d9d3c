"""Where the files of the data sets are: searched for on disk, fetched once, and checked."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.data.idx import read_idx
from minicnn.errors import DataError, message
from minicnn.files import replace_file

__all__ = [
    "DIGITS_FILES",
    "FASHION_FILES",
    "MNIST_FILES",
    "Source",
    "download_one",
    "fetch",
    "load",
    "locate",
    "roots",
]

SPLITS = ("train", "t10k")
SIDE = 28  # pixels


@dataclass(frozen=True)
class Source:
    """What is known of one data set in MNIST's four files.

    Args:
        name: its key in `find_datasets`.
        title: its class, for messages.
        folders: the places below a root to look in; a download goes to the first.
        mirrors: addresses that the names of the files are joined to, in the order tried.
        digests: SHA-256 of each file as it is when unpacked.
    """

    name: str
    title: str
    folders: tuple[str, ...]
    mirrors: tuple[str, ...] = ()
    digests: tuple[tuple[str, str], ...] = ()


MNIST_FILES = Source(
    "mnist",
    "MNIST",
    ("mnist", "MNIST/raw", "."),
    ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"),
    (
        ("train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        ("train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        ("t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        ("t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    ),
)
FASHION_FILES = Source(
    "fashion-mnist",
    "FashionMNIST",
    ("fashion-mnist", "FashionMNIST/raw", "."),
    ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    (
        ("train-images-idx3-ubyte", "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
        ("train-labels-idx1-ubyte", "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
        ("t10k-images-idx3-ubyte", "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
        ("t10k-labels-idx1-ubyte", "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
    ),
)
DIGITS_FILES = Source("digits", "Digits", (".",))
EMBEDDED = Path(__file__).parent / "embedded"


def roots(root: str | os.PathLike[str] | None = None) -> list[Path]:
    """Return the folders to search: ``root``, then the variable MINICNN_DATA; without both, ``./data``.

    >>> roots("~/sets")[0] == Path.home() / "sets"
    True
    """
    named = [folder for folder in (root, os.environ.get("MINICNN_DATA")) if folder]
    return [Path(folder).expanduser() for folder in named or ["data"]]


def locate(source: Source, split: str, roots: Iterable[Path]) -> tuple[Path, Path] | None:
    """Return the files (images, labels) of a split, from the first folder that has both; None where none has.

    Args:
        source: which data set.
        split: ``"train"`` or ``"t10k"``.
        roots: folders, each searched in every one of the source's layouts; names with ``.gz`` and without
            count.
    """
    for root in roots:
        for layout in source.folders:
            found = [_present(root / layout / name) for name in _names(split)]
            if found[0] and found[1] and not (layout == "." and _belongs_to_another(source, found[1])):
                return found[0], found[1]
    return None


def _names(split: str) -> tuple[str, str]:
    return f"{split}-images-idx3-ubyte", f"{split}-labels-idx1-ubyte"


def _present(path: Path) -> Path | None:
    for candidate in (path.with_name(path.name + ".gz"), path):
        if candidate.is_file():
            return candidate
    return None


def _belongs_to_another(source: Source, labels: Path) -> bool:
    """Tell MNIST from Fashion-MNIST where no folder's name does: their files have the same names."""
    others = {digest for other in (MNIST_FILES, FASHION_FILES) if other != source for _, digest in other.digests}
    try:
        return _digest(_unpack(labels.read_bytes())) in others
    except DataError:
        return False  # damaged: the reader will say so, with the path


def load(source: Source, split: str, roots: list[Path]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Read the pictures and labels of a split, and check that they fit together.

    Shapes: images (N, 28, 28) uint8, labels (N,) uint8.

    Args:
        source: which data set.
        split: ``"train"`` or ``"t10k"``.
        roots: folders to search, as `locate` does.

    Raises:
        DataError: the files are missing, damaged, or not a fitting pair of pictures and labels from 0 to 9.
    """
    pair = locate(source, split, roots)
    if pair is None:
        raise DataError(
            message(
                source.title,
                f"the files {' and '.join(_names(split))} (or .gz) are not there.",
                f"looked in {', '.join(str(root / layout) for root in roots for layout in source.folders)}",
                _remedy(source, "pass download=True, or "),
            )
        )
    images, labels = read_idx(pair[0]), read_idx(pair[1])
    got = f"{pair[0].name} {images.shape} {images.dtype}, {pair[1].name} {labels.shape} {labels.dtype}"
    if images.shape[1:] != (SIDE, SIDE) or labels.ndim != 1 or {images.dtype, labels.dtype} != {np.dtype("u1")}:
        raise _unfit(source, pair, "expects pictures (N, 28, 28) and labels (N,), both uint8.", got)
    if len(images) != len(labels):
        raise _unfit(source, pair, "expects as many labels as pictures.", got)
    if labels.size and labels.max() > 9:
        raise _unfit(source, pair, "expects labels from 0 to 9.", f"{pair[1].name} holds {labels.max()}")
    return images, labels


def _unfit(source: Source, pair: tuple[Path, Path], problem: str, got: str) -> DataError:
    fix = f"delete both files in {pair[0].parent}, then {_remedy(source, 'pass download=True, or ')}"
    return DataError(message(source.title, problem, got, fix))


def _remedy(source: Source, first: str) -> str:
    if not source.mirrors:
        return "install minicnn again: files of the package are missing."
    return (
        f"{first}fetch the four files from {source.mirrors[0]} where there is a network, put them into "
        f"DIR/{source.folders[0]} and pass root=DIR or set MINICNN_DATA=DIR; Digits() needs no files."
    )


def fetch(source: Source, root: Path) -> None:
    """Download those of a data set's four files that are not there, each checked and put in place whole.

    Args:
        source: which data set.
        root: the folder under which the source's first layout is made.

    Raises:
        DataError: no mirror gave a file with the right content, or the folder cannot be written.
    """
    folder = root / source.folders[0]
    for name, digest in source.digests:
        if _present(folder / name) is None:
            blob = _download(source, name, digest)
            try:
                folder.mkdir(parents=True, exist_ok=True)
                replace_file(folder / f"{name}.gz", blob)
            except OSError as error:
                fix = "pass root= a folder that this user may write to."
                raise DataError(message(source.title, f"{folder} cannot be written.", _line(error), fix)) from error


def _download(source: Source, name: str, digest: str) -> bytes:
    addresses = [f"{mirror}{name}.gz" for mirror in source.mirrors]
    fix = _remedy(source, "try again later, or ")
    return download_one(source.title, addresses, lambda blob: _digest(_unpack(blob)) == digest, fix)


def download_one(title: str, addresses: Sequence[str], published: Callable[[bytes], bool], fix: str) -> bytes:
    """Return the content of the first address that gives the published file.

    Args:
        title: of the data set, for messages.
        addresses: tried in this order; the last part of one is the file's name.
        published: tells by a digest whether the content is the published one.
        fix: what to do where none gives it.

    Raises:
        DataError: none gives it; the message says of each why.
    """
    import http.client
    import urllib.request

    tried = []
    for address in addresses:
        print(f"{title}: fetching {address}", file=sys.stderr)
        try:
            with urllib.request.urlopen(address, timeout=30) as response:
                blob: bytes = response.read()
            if published(blob):
                return blob
            tried.append(f"{address}: its digest differs from the published one")
        except (OSError, http.client.HTTPException, DataError) as error:
            tried.append(f"{address}: {_line(error)}")
    name = addresses[-1].rpartition("/")[2]
    raise DataError(message(title, f"{name} cannot be downloaded.", f"tried {'; '.join(tried)}", fix))


def _unpack(blob: bytes) -> bytes:
    import gzip
    import zlib

    try:
        return gzip.decompress(blob) if blob[:2] == b"\x1f\x8b" else blob
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"broken gzip: {error}") from error


def _digest(blob: bytes) -> str:
    import hashlib

    return hashlib.sha256(blob).hexdigest()


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
