"""Map-style datasets, which have a sample for every index, and ways to cut and join them."""

from __future__ import annotations

import math
import operator
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from minicnn.errors import ArgumentTypeError, IndexRangeError, ParameterError, ShapeError, message
from minicnn.random import Generator, default_generator
from minicnn.tensor.creation import as_tensor

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

__all__ = ["ConcatDataset", "Dataset", "StackDataset", "Subset", "TensorDataset", "random_split"]

Sample = TypeVar("Sample", covariant=True)


class Dataset(Generic[Sample]):
    """The base of map-style datasets: a subclass gives ``__getitem__(index)`` and ``__len__()``.

    A subclass may also give ``__getitems__(indices)``, which the loader then asks for a whole batch at once.
    If it returns a list, that is the list of samples, to be collated, as in PyTorch; anything else is the
    batch itself.

    >>> class Squares(Dataset):
    ...     def __getitem__(self, index):
    ...         return index**2
    ...     def __len__(self):
    ...         return 4
    >>> Squares()[3], len(Squares() + Squares())
    (9, 8)
    """

    def __getitem__(self, index: int) -> Sample:
        raise NotImplementedError(
            message(
                type(self).__name__,
                "a Dataset gives its samples in __getitem__, which this class does not define.",
                f"class {type(self).__qualname__}",
                "define __getitem__(self, index) in the class.",
            )
        )

    def __add__(self, other: Dataset[Sample]) -> ConcatDataset[Sample]:
        return ConcatDataset([self, other])


def gives_batches(dataset: object) -> bool:
    """Tell whether ``__getitems__`` may be called in place of ``__getitem__``.

    It may not where a subclass has redefined ``__getitem__`` alone: its samples are others than the inherited
    batch's.

    >>> class Doubled(TensorDataset):
    ...     def __getitem__(self, index):
    ...         return self.tensors[0][index] * 2
    >>> gives_batches(TensorDataset(as_tensor([1.0]))), gives_batches(Doubled(as_tensor([1.0])))
    (True, False)
    """
    for kind in type(dataset).__mro__:
        if "__getitems__" in vars(kind):
            return True
        if "__getitem__" in vars(kind):
            return False
    return False


def position(where: str, index: Any, length: int) -> int:
    """Return ``index`` as an int from 0 to ``length`` - 1; a negative one counts from the end.

    Raises:
        IndexRangeError: it is out of range.
        ArgumentTypeError: it is not an integer, nor an array or Tensor of one.

    >>> position("TensorDataset", -1, 3)
    2
    """
    try:
        number = operator.index(index)
    except TypeError:
        fix = "index with one integer, or take several with Subset(dataset, indices)."
        got = f"got {index!r} of type {type(index).__name__}"
        raise ArgumentTypeError(message(where, "a dataset is indexed by an integer.", got, fix)) from None
    if not -length <= number < length:
        raise IndexRangeError(
            message(
                where,
                f"index {number} is out of range.",
                f"the dataset has {length} samples",
                f"use an index from {-length} to {length - 1}." if length else "check why the dataset is empty.",
            )
        )
    return number % length


class TensorDataset(Dataset[tuple[Any, ...]]):
    """Samples that are rows of tensors: sample i is (tensors[0][i], tensors[1][i], ...).

    Shapes: every tensor (N, ...); a sample has their shapes without N.

    Args:
        *tensors: at least one Tensor (or array, of which one is made), all with the same N.

    Raises:
        ArgumentTypeError: no tensor is given.
        ShapeError: a tensor has no dimension, or their N differ.

    >>> data = TensorDataset(as_tensor([[1.0, 2.0], [3.0, 4.0]]), as_tensor([0, 1]))
    >>> data[1]
    (tensor([3., 4.]), tensor(1))
    """

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors:
            fix = "pass tensors, as in TensorDataset(images, labels)."
            raise ArgumentTypeError(message("TensorDataset", "expects at least one tensor.", "got none", fix))
        self.tensors = tuple(as_tensor(tensor) for tensor in tensors)
        shapes = [tuple(tensor.shape) for tensor in self.tensors]
        if not all(shapes) or len({shape[0] for shape in shapes}) > 1:
            raise ShapeError(
                message(
                    "TensorDataset",
                    "expects tensors with the same number of rows.",
                    f"got shapes {', '.join(map(str, shapes))}",
                    "cut or reshape them to the same size along dimension 0.",
                )
            )

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __getitems__(self, indices: Sequence[int]) -> tuple[Tensor, ...]:
        rows = list(indices)
        return tuple(tensor[rows] for tensor in self.tensors)

    def __len__(self) -> int:
        return int(self.tensors[0].shape[0])


class Subset(Dataset[Sample]):
    """Those samples of a dataset that ``indices`` name: sample i is dataset[indices[i]].

    Args:
        dataset: the whole.
        indices: a sequence of integers.

    >>> part = Subset("abcdef", [4, 0])
    >>> part[0], len(part)
    ('e', 2)
    """

    def __init__(self, dataset: Dataset[Sample] | Sequence[Sample], indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: int) -> Sample:
        return self.dataset[int(self.indices[position("Subset", index, len(self))])]

    def __getitems__(self, indices: Sequence[int]) -> Any:
        chosen = [int(self.indices[index]) for index in indices]
        if gives_batches(self.dataset):
            return self.dataset.__getitems__(chosen)  # type: ignore[union-attr]
        return [self.dataset[index] for index in chosen]

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset[Sample]):
    """Datasets end to end, in the order given; ``a + b`` makes one too.

    Args:
        datasets: at least one dataset.

    Raises:
        ParameterError: there is none.

    >>> ConcatDataset(["ab", "cde"])[3], ConcatDataset(["ab", "cde"]).cumulative_sizes
    ('d', [2, 5])
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            fix = "pass at least one dataset."
            raise ParameterError(message("ConcatDataset", "expects datasets to join.", "got an empty iterable", fix))
        self.cumulative_sizes = list(accumulate(len(dataset) for dataset in self.datasets))

    def __getitem__(self, index: int) -> Sample:
        index = position("ConcatDataset", index, len(self))
        which = bisect_right(self.cumulative_sizes, index)
        before = self.cumulative_sizes[which - 1] if which else 0
        sample: Sample = self.datasets[which][index - before]
        return sample

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


class StackDataset(Dataset[Any]):
    """Datasets side by side: sample i is (datasets[0][i], datasets[1][i], ...), or a dict by their names.

    Args:
        *args: datasets, all of one length.
        **kwargs: datasets by name, in place of ``args``.

    Raises:
        ParameterError: there is none, they are given in both ways, or their lengths differ.

    >>> StackDataset("abc", [1, 2, 3])[1], StackDataset(text="abc", number=[1, 2, 3])[1]
    (('b', 2), {'text': 'b', 'number': 2})
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        lengths = [len(dataset) for dataset in (*args, *kwargs.values())]
        if bool(args) == bool(kwargs) or len(set(lengths)) > 1:
            got = f"got {len(args)} without and {len(kwargs)} with a name, of lengths {lengths}"
            fix = "pass datasets of one length, all with names or all without."
            raise ParameterError(message("StackDataset", "expects datasets of one length.", got, fix))
        self.datasets: Any = args or kwargs

    def __getitem__(self, index: int) -> Any:
        index = position("StackDataset", index, len(self))
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __len__(self) -> int:
        return len(next(iter(self.datasets.values() if isinstance(self.datasets, dict) else self.datasets)))


def random_split(
    dataset: Any,
    lengths: Sequence[int | float],
    generator: Generator | None = None,
) -> list[Subset[Any]]:
    """Cut a dataset at random into parts that do not overlap.

    Lengths that sum to 1 are fractions: part i has floor(fraction_i · N) samples, and the samples that are
    left over go one each to the first parts.

    Args:
        dataset: the whole, of N samples.
        lengths: the parts' lengths, which sum to N; or fractions, which sum to 1.
        generator: where the permutation is drawn; None: the default generator, which ``manual_seed`` seeds.

    Raises:
        ParameterError: a length is negative or not whole, or the lengths sum neither to N nor to 1.

    >>> parts = random_split(range(10), [0.75, 0.25], generator=Generator().manual_seed(0))
    >>> [len(part) for part in parts], sorted(parts[0].indices + parts[1].indices) == list(range(10))
    ([8, 2], True)
    """
    count, total = len(dataset), sum(lengths)
    fractional = math.isclose(total, 1)
    sizes = [math.floor(count * share) if fractional else share for share in lengths]
    if any(share < 0 for share in lengths) or not all(float(size).is_integer() for size in sizes):
        problem = "lengths expects whole numbers, or fractions that sum to 1."
    elif fractional:
        for i in range(count - int(sum(sizes))):
            sizes[i % len(sizes)] += 1
        problem = ""
    else:
        problem = "" if total == count else f"lengths expects a sum of {count}, the length of the dataset, or of 1."
    if problem:
        fix = f"pass lengths such as [{count - count // 5}, {count // 5}], or fractions such as [0.8, 0.2]."
        raise ParameterError(message("random_split", problem, f"got {list(lengths)} with sum {total}", fix))
    for i, size in enumerate(sizes):
        if size == 0 and fractional:
            warnings.warn(f"random_split: part {i} has no samples.", stacklevel=2)
    order = (generator or default_generator).numpy.permutation(count).tolist()
    ends = list(accumulate(int(size) for size in sizes))
    return [Subset(dataset, order[end - int(size) : end]) for end, size in zip(ends, sizes, strict=True)]
