"""Whether a data set's files are there, and what to type where they are not."""

from __future__ import annotations

from minicnn.data import MNIST, FashionMNIST, find_datasets
from minicnn.data.files import roots
from minicnn.errors import DataError, message

ON_DISK: dict[str, type[MNIST]] = {"mnist": MNIST, "fashion-mnist": FashionMNIST}


def places(name: str, data_root: str | None) -> str:
    """Return where the files of a data set are looked for, as text."""
    return ", ".join(str(root / folder) for root in roots(data_root) for folder in ON_DISK[name].source.folders)


def require(command: str, name: str, data_root: str | None, download: bool = False) -> None:
    """See to it that a data set is there.

    Args:
        command: for the message.
        name: of the data set.
        data_root: the folder that the user named.
        download: fetch its files where they are not there.

    Raises:
        DataError: it is not there, or cannot be fetched.

    >>> require("minicnn train", "digits", None)
    """
    if name not in ON_DISK or name in find_datasets(data_root):
        return
    if download:
        for train in (True, False):
            ON_DISK[name](data_root, train=train, download=True)
        return
    source = ON_DISK[name].source
    raise DataError(
        message(
            command,
            f"the files of the data set {name} are not there.",
            f"looked in {places(name, data_root)}",
            f"minicnn train --data {name} --download fetches them; or put the four .gz files of {source.mirrors[0]} "
            f"into DIR/{source.folders[0]} and pass --data-root DIR. --data digits needs no files.",
        )
    )
