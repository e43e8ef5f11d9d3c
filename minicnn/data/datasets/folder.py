"""Folders of pictures: one folder a class."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from minicnn.data.dataset import Dataset, position
from minicnn.data.datasets.images import Transform, described
from minicnn.data.transforms.functional.picture import pil
from minicnn.errors import DataError, ParameterError, message

__all__ = ["IMG_EXTENSIONS", "DatasetFolder", "EmptyFolderError", "ImageFolder", "default_loader"]

IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


class EmptyFolderError(DataError, FileNotFoundError):
    """A folder that is missing, or has no classes or no files in one (torchvision: FileNotFoundError)."""


def default_loader(path: str | os.PathLike[str]) -> Any:
    """Return a picture file as a PIL image of RGB.

    Args:
        path: the file.

    Raises:
        DataError: it is no picture, is truncated, or Pillow is not installed.
    """
    image = pil("ImageFolder")
    try:
        with open(path, "rb") as file, image.open(file) as picture:
            return picture.convert("RGB")
    except (OSError, SyntaxError, ValueError, image.DecompressionBombError) as error:  # what Pillow's readers raise
        got = f"{path}: {' '.join(str(error).split()) or type(error).__name__}"
        fix = "delete the file or copy it again; is_valid_file= can leave it out."
        raise DataError(message("ImageFolder", "a picture cannot be read.", got, fix)) from error


class DatasetFolder(Dataset[tuple[Any, Any]]):
    """Files in a folder for each class: root/CLASS/.../FILE; classes are numbered in the order of their names.

    A sample is (loader(path) through ``transform``, label through ``target_transform``).

    Args:
        root: the folder that holds the classes' folders.
        loader: makes a sample of a path.
        extensions: the endings of the files to take, such as (".npy",); excludes is_valid_file.
        transform: applied to each sample.
        target_transform: applied to each label.
        is_valid_file: tells of a path whether to take it; excludes extensions.
        allow_empty: a class may have no files (False).

    Attributes:
        classes: the names of the classes.
        class_to_idx: their labels, by name.
        samples: (path, label) of each sample.
        targets: the labels.

    Raises:
        EmptyFolderError: ``root`` is missing or has no folders, or a class has no file.
        ParameterError: not exactly one of extensions and is_valid_file is given.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("cats/1.txt", "dogs/1.txt", "dogs/2.txt"):
    ...     (folder / name).parent.mkdir(exist_ok=True)
    ...     _ = (folder / name).write_text(name)
    >>> data = DatasetFolder(folder, loader=lambda path: Path(path).read_text(), extensions=(".txt",))
    >>> data.classes, data[2], data.targets
    (['cats', 'dogs'], ('dogs/2.txt', 1), [0, 1, 1])
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        loader: Callable[[str], Any],
        extensions: Sequence[str] | str | None = None,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        where = type(self).__name__
        if (extensions is None) == (is_valid_file is None):
            got = f"got extensions={extensions!r}, is_valid_file={is_valid_file!r}"
            fix = 'pass extensions=(".png",), for example, or a function is_valid_file.'
            raise ParameterError(message(where, "expects either extensions or is_valid_file.", got, fix))
        self.root = os.path.expanduser(root)
        self.loader = loader
        self.extensions = extensions
        self.transform = transform
        self.target_transform = target_transform
        self.classes, self.class_to_idx = self.find_classes(self.root)
        endings = (extensions,) if isinstance(extensions, str) else tuple(extensions or ())
        takes = is_valid_file or (lambda path: path.lower().endswith(endings))
        self.samples = [
            (path, self.class_to_idx[name])
            for name in sorted(self.class_to_idx)
            for path in _files(Path(self.root, name))
            if takes(path)
        ]
        self.targets = [label for _, label in self.samples]
        empty = sorted(set(self.class_to_idx.values()) - set(self.targets))
        if empty and not allow_empty:
            names = [name for name, label in self.class_to_idx.items() if label in empty]
            wanted = f"files ending in {', '.join(endings)}" if endings else "files that is_valid_file takes"
            got = f"{self.root}: no {wanted} in {', '.join(names)}"
            fix = "put files there, delete the folders, or pass allow_empty=True."
            raise EmptyFolderError(message(where, "every class expects at least one file.", got, fix))

    def find_classes(self, directory: str | os.PathLike[str]) -> tuple[list[str], dict[str, int]]:
        """Return the names of the classes, sorted, and their labels by name; a subclass may choose others.

        Args:
            directory: the root.

        Raises:
            EmptyFolderError: it is missing or has no folders.
        """
        where, fix = type(self).__name__, "pass the folder that holds one folder for each class: root/CLASS/FILE."
        try:
            names = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
        except OSError as error:
            got = f"{os.fspath(directory)}: {error.strerror or type(error).__name__}"
            raise EmptyFolderError(message(where, "root expects a folder that can be read.", got, fix)) from None
        if not names:
            got = f"{os.fspath(directory)} has no folders in it"
            raise EmptyFolderError(message(where, "root expects a folder for each class.", got, fix))
        return names, {name: label for label, name in enumerate(names)}

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, label = self.samples[position(type(self).__name__, index, len(self.samples))]
        sample: Any = self.loader(path)
        if self.transform is not None:
            sample = self.transform(sample)
        return sample, label if self.target_transform is None else self.target_transform(label)

    def __repr__(self) -> str:
        return described(self, [f"Root location: {self.root}"])


def _files(folder: Path) -> list[str]:
    """Return the paths of all files below a folder, folder by folder, in the order of their names."""
    return [
        os.path.join(place, name)
        for place, _, names in sorted(os.walk(folder, followlinks=True))
        for name in sorted(names)
    ]


class ImageFolder(DatasetFolder):
    """Pictures in a folder for each class: root/dog/xxx.png, root/cat/yyy.jpg.

    A sample is (picture, label): a PIL image of RGB through ``transform``, and an int through
    ``target_transform``.

    Args:
        root: the folder that holds the classes' folders.
        transform: applied to each picture; None gives PIL images.
        target_transform: applied to each label.
        loader: makes a picture of a path (`default_loader`: Pillow, as RGB).
        is_valid_file: tells of a path whether to take it; None takes those with a picture's ending.
        allow_empty: a class may have no pictures (False).

    Attributes:
        classes, class_to_idx, samples, targets: as `DatasetFolder` has them.
        imgs: samples, under another name.

    Raises:
        EmptyFolderError: ``root`` is missing or has no folders, or a class has no picture.
        DataError: (on access) a picture cannot be read.

    >>> import tempfile
    >>> ImageFolder(tempfile.mkdtemp())
    Traceback (most recent call last):
        ...
    minicnn.data.datasets.folder.EmptyFolderError: ImageFolder: root expects a folder for each class...
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        loader: Callable[[str], Any] = default_loader,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        extensions = IMG_EXTENSIONS if is_valid_file is None else None
        super().__init__(root, loader, extensions, transform, target_transform, is_valid_file, allow_empty)
        self.imgs = self.samples
