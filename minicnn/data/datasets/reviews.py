"""Sentences of film reviews, positive and negative, as numbers of words."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.data.dataset import Dataset, position
from minicnn.data.files import roots
from minicnn.errors import DataError, ParameterError, message
from minicnn.tensor import Tensor
from minicnn.tensor.creation import as_tensor

__all__ = ["MovieReviews", "Vocabulary", "locate"]

FILES = ("rt-polarity.neg", "rt-polarity.pos")  # in the order of the labels
FOLDERS = ("mr", "rt-polaritydata", ".")
ADDRESS = "http://www.cs.cornell.edu/people/pabo/movie-review-data/rt-polaritydata.tar.gz"


class Vocabulary:
    """The words of some sentences, numbered: 0 is the padding, 1 stands for every word not in it.

    The more frequent a word, the lower its number; equally frequent ones are in alphabetical order.

    Args:
        sentences: lists of words.
        min_count: words that come up less often are left out (1).

    >>> words = Vocabulary([["a", "good", "film"], ["a", "film"]])
    >>> words.words, words.encode(["a", "bad", "film"], length=5)
    (['<pad>', '<unk>', 'a', 'film', 'good'], [2, 1, 3, 0, 0])
    """

    def __init__(self, sentences: Iterable[Sequence[str]], min_count: int = 1) -> None:
        counts = Counter(word for sentence in sentences for word in sentence)
        kept = sorted((word for word in counts if counts[word] >= min_count), key=lambda word: (-counts[word], word))
        self.words = ["<pad>", "<unk>", *kept]
        self.numbers = {word: number for number, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, words: Sequence[str], length: int) -> list[int]:
        """Return the numbers of some words, cut or filled with 0 to ``length``."""
        numbers = [self.numbers.get(word, 1) for word in words[:length]]
        return numbers + [0] * (length - len(numbers))


def locate(roots: Iterable[Path]) -> Path | None:
    """Return the first folder that has both files; None where none has.

    Args:
        roots: folders; each is looked in, and below it in ``mr`` and ``rt-polaritydata``.
    """
    folders = (root / layout for root in roots for layout in FOLDERS)
    return next((folder for folder in folders if all((folder / name).is_file() for name in FILES)), None)


class MovieReviews(Dataset[tuple[Any, Any]]):
    """Sentences of film reviews with their polarity, 0 negative and 1 positive (Pang, Lee, ACL 2005).

    The files, one sentence a line, words apart by spaces, are looked for in ``root``, then in the environment
    variable MINICNN_DATA (without both, in ``./data``), in ``mr``, in ``rt-polaritydata``, or there itself. There
    is no test part: cut one off with `minicnn.data.random_split`.

    Shapes: data (N, L) of int64, L = length; targets (N,) of int64.

    Args:
        root: a folder.
        length: words that every sentence is cut or filled up to; None: as many as the longest has.
        vocabulary: numbers the words; None makes one of these sentences.
        min_count: for that, words that come up less often are unknown ones (1).

    Attributes:
        sentences: the lists of words.
        data, targets: all samples, as Tensors.
        classes: the names of the labels.
        vocabulary: numbers the words; `minicnn.models.TextCNN` takes its length.

    Raises:
        DataError: the files are missing or are no text.
        ParameterError: ``length`` is below 1.

    >>> import tempfile
    >>> for name, line in zip(FILES, ("a bad film", "a good film , a joy"), strict=True):
    ...     folder = Path(tempfile.gettempdir(), "doctest-reviews")
    ...     folder.mkdir(exist_ok=True)
    ...     _ = (folder / name).write_text(line)
    >>> reviews = MovieReviews(folder)
    >>> reviews[0], len(reviews.vocabulary)
    ((tensor([2, 5, 3, 0, 0, 0]), 0), 8)
    """

    classes = ["negative", "positive"]

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        length: int | None = None,
        vocabulary: Vocabulary | None = None,
        min_count: int = 1,
    ) -> None:
        if length is not None and length < 1:
            fix = "pass a number of words, or None for those of the longest sentence."
            raise ParameterError(message("MovieReviews", "length expects 1 or more.", f"got {length!r}", fix))
        places = roots(root)
        folder = locate(places)
        if folder is None:
            got = f"looked in {', '.join(str(place / layout) for place in places for layout in FOLDERS)}"
            fix = f"unpack {ADDRESS} into DIR, and pass root=DIR or set MINICNN_DATA=DIR."
            raise DataError(message("MovieReviews", f"the files {' and '.join(FILES)} are not there.", got, fix))
        texts = [[line.split() for line in _lines(folder / name) if line.strip()] for name in FILES]
        self.root = places[0]
        self.sentences = texts[0] + texts[1]
        self.vocabulary = Vocabulary(self.sentences, min_count) if vocabulary is None else vocabulary
        self.length = max((len(sentence) for sentence in self.sentences), default=1) if length is None else length
        rows = [self.vocabulary.encode(sentence, self.length) for sentence in self.sentences]
        self.data = as_tensor(np.array(rows, dtype=np.int64).reshape(-1, self.length))  # (N, L)
        self.targets = as_tensor(np.repeat(np.arange(2), [len(part) for part in texts]))  # (N,)

    def __len__(self) -> int:
        return len(self.sentences)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        index = position("MovieReviews", index, len(self))
        return self.data[index], int(self.targets[index])

    def __getitems__(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return a batch (words (B, L), labels (B,))."""
        rows = list(indices)
        return self.data[rows], self.targets[rows]

    def __repr__(self) -> str:
        lines = [f"Number of datapoints: {len(self)}", f"Root location: {self.root}"]
        return "\n    ".join(["Dataset MovieReviews", *lines, f"Vocabulary: {len(self.vocabulary)} words"])


def _lines(path: Path) -> list[str]:
    try:
        blob = path.read_bytes()
    except OSError as error:
        got, fix = f"{path}: {error.strerror or type(error).__name__}", "give files that this user may read."
        raise DataError(message("MovieReviews", "a file cannot be read.", got, fix)) from error
    try:
        text = blob.decode("utf-8")
    except UnicodeDecodeError:
        text = blob.decode("latin-1")  # as the authors publish it
    if "\0" in text:
        got, fix = f"{path} holds bytes of 0", f"fetch it again from {ADDRESS}."
        raise DataError(message("MovieReviews", "the file is damaged, or no text.", got, fix))
    return text.split("\n")  # not splitlines(), which takes other signs for ends of lines too
