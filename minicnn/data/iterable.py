"""Datasets that are read one sample after another, and have no index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

from minicnn.errors import ArgumentTypeError, message

__all__ = ["ChainDataset", "IterableDataset", "get_worker_info"]

Sample = TypeVar("Sample", covariant=True)


class IterableDataset(Generic[Sample]):
    """The base of datasets that are read in order: a subclass gives ``__iter__()``.

    A loader reads it once an epoch, with ``num_workers`` in one thread ahead of the loop; there is nothing to
    shuffle. The samples are the same for every number of workers.

    >>> class Countdown(IterableDataset):
    ...     def __iter__(self):
    ...         return iter([3, 2, 1])
    >>> from minicnn.data import DataLoader
    >>> [batch.tolist() for batch in DataLoader(Countdown(), batch_size=2)]
    [[3, 2], [1]]
    """

    def __iter__(self) -> Iterator[Sample]:
        fix = "define __iter__(self) in the class."
        problem = "an IterableDataset gives its samples in __iter__, which this class does not define."
        raise NotImplementedError(message(type(self).__name__, problem, f"class {type(self).__qualname__}", fix))

    def __add__(self, other: IterableDataset[Sample]) -> ChainDataset[Sample]:
        return ChainDataset([self, other])


class ChainDataset(IterableDataset[Sample]):
    """Iterable datasets, one after another; ``a + b`` makes one too.

    Args:
        datasets: the datasets.

    Raises:
        ArgumentTypeError: (when read) one of them is no IterableDataset.

    >>> class Letters(IterableDataset):
    ...     def __iter__(self):
    ...         return iter("ab")
    >>> list(ChainDataset([Letters(), Letters()]))
    ['a', 'b', 'a', 'b']
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator[Sample]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                got, fix = f"got {type(dataset).__name__}", "join datasets with an index by ConcatDataset."
                raise ArgumentTypeError(message("ChainDataset", "expects IterableDatasets.", got, fix))
            yield from dataset

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self.datasets)


def get_worker_info() -> None:
    """Return None, as PyTorch does outside of a worker process: minicnn's workers are threads.

    Threads share one dataset, which is read once, so there is nothing to divide among them.

    >>> get_worker_info() is None
    True
    """
    return None
