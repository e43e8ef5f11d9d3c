"""Make the subset of MNIST that travels in the package, byte for byte, from the official files.

Every picture of an official file has the key SHA-256("minicnn digits, SPLIT, INDEX"). Of each class, those
with the smallest keys are taken, and all that are taken are written in the order of their keys. So the choice
is random, the classes are mixed, nothing about the pictures bears on it, and no library's random numbers are
needed.

Run as ``python -m minicnn.data.embedded.make_subset --from DIR [--to DIR]``.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np

from minicnn.data.files import MNIST_FILES, load
from minicnn.data.idx import write_idx
from minicnn.errors import DataError, message

PER_CLASS = {"train": 1000, "t10k": 200}


def choose(labels: np.ndarray[tuple[int], np.dtype[np.uint8]], split: str, per_class: int) -> list[int]:
    """Return the indices of ``per_class`` pictures of each class, in the order of their keys.

    >>> choose(np.array([0, 1, 1, 0, 1], dtype=np.uint8), "train", 1)
    [1, 3]
    """
    keys = [hashlib.sha256(f"minicnn digits, {split}, {index}".encode()).digest() for index in range(len(labels))]
    left = dict.fromkeys(np.unique(labels).tolist(), per_class)
    chosen = []
    for index in sorted(range(len(labels)), key=keys.__getitem__):
        label = int(labels[index])
        if left[label]:
            left[label] -= 1
            chosen.append(index)
    return chosen


def make(source: Path, target: Path) -> None:
    """Write the four files of the subset into ``target``, from the official ones found under ``source``.

    Raises:
        DataError: the official files are not there, are damaged, or hold too few pictures of a class.
    """
    for split, per_class in PER_CLASS.items():
        images, labels = load(MNIST_FILES, split, [source])
        chosen = choose(labels, split, per_class)
        if len(chosen) != 10 * per_class:
            raise DataError(
                message(
                    "make_subset",
                    f"{split} expects {per_class} pictures of each of 10 classes.",
                    f"found {np.bincount(labels, minlength=10).tolist()} a class",
                    "pass --from the folder of the official, full MNIST.",
                )
            )
        write_idx(target / f"{split}-images-idx3-ubyte.gz", images[chosen])
        write_idx(target / f"{split}-labels-idx1-ubyte.gz", labels[chosen])


def main() -> None:
    """Read the command line and make the subset."""
    parser = argparse.ArgumentParser(description="Make the embedded subset of MNIST from the official files.")
    parser.add_argument("--from", dest="source", type=Path, required=True, help="folder that holds MNIST")
    parser.add_argument("--to", dest="target", type=Path, default=Path(__file__).parent, help="default: the package")
    arguments = parser.parse_args()
    make(arguments.source, arguments.target)


if __name__ == "__main__":
    main()
