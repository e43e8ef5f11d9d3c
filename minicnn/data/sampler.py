"""Samplers: which samples of a data set an epoch has, in which order, and in which batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np

from minicnn.backend import to_numpy
from minicnn.errors import ArgumentTypeError, ParameterError, message
from minicnn.random import Generator, default_generator
from minicnn.tensor import Tensor

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]

Index = TypeVar("Index", covariant=True)


class Sampler(Generic[Index]):
    """The base of samplers: a subclass gives ``__iter__()``, the indices of an epoch, and mostly ``__len__()``.

    >>> class Even(Sampler):
    ...     def __iter__(self):
    ...         return iter([0, 2, 4])
    >>> list(Even())
    [0, 2, 4]
    """

    def __init__(self, data_source: Sized | None = None) -> None:
        pass

    def __iter__(self) -> Iterator[Index]:
        fix = "define __iter__(self) in the class."
        problem = "a Sampler gives its indices in __iter__, which this class does not define."
        raise NotImplementedError(message(type(self).__name__, problem, f"class {type(self).__qualname__}", fix))


class SequentialSampler(Sampler[int]):
    """The indices 0, 1, 2, ... of a data set.

    Args:
        data_source: has a length.

    >>> list(SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """The indices of a data set in random order.

    Args:
        data_source: has a length.
        replacement: draw each index from all of them, so that some come up again (False).
        num_samples: how many are drawn; None: as many as there are. Without replacement, more than that are
            several permutations, one after another.
        generator: where they are drawn; None: the default generator, which ``manual_seed`` seeds.

    Raises:
        ParameterError: ``num_samples`` is below 1, or there is nothing to draw from.
        ArgumentTypeError: ``replacement`` is not True or False.

    >>> sorted(RandomSampler("abcd")), len(list(RandomSampler("abcd", replacement=True, num_samples=9)))
    ([0, 1, 2, 3], 9)
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        _check_bool("RandomSampler", "replacement", replacement, ArgumentTypeError)
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        check_count("RandomSampler", "num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        """How many indices are drawn; the length of the data set, which may change, where none was given."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        draw, count, left = _numpy(self.generator), len(self.data_source), self.num_samples
        if self.replacement:
            yield from draw.integers(count, size=left).tolist()
            return
        while left > 0:
            yield from draw.permutation(count)[:left].tolist()
            left -= count

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """Given indices in random order, each once.

    Args:
        indices: the indices.
        generator: where the order is drawn; None: the default generator.

    >>> sorted(SubsetRandomSampler([7, 3, 5]))
    [3, 5, 7]
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for place in _numpy(self.generator).permutation(len(self.indices)).tolist():
            yield int(self.indices[place])

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Indices from 0 to N − 1, drawn with given weights: to see rare classes as often as common ones.

    Args:
        weights: N numbers from 0; they need not sum to 1.
        num_samples: how many are drawn.
        replacement: an index may come up again (True).
        generator: where they are drawn; None: the default generator.

    Raises:
        ParameterError: ``num_samples`` is below 1, or more than there are weights above 0 without
            replacement; the weights are not N numbers from 0 with a positive sum; or ``replacement`` is not
            True or False.

    >>> list(WeightedRandomSampler([0, 1, 0], num_samples=4))
    [1, 1, 1, 1]
    """

    def __init__(
        self,
        weights: Sequence[float] | Tensor,
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        where = "WeightedRandomSampler"
        check_count(where, "num_samples", num_samples)
        _check_bool(where, "replacement", replacement, ParameterError)
        values = to_numpy(weights._array) if isinstance(weights, Tensor) else np.asarray(weights)
        values = values.astype(np.float64)
        if values.ndim != 1 or not (values >= 0).all() or not 0 < values.sum() < float("inf"):
            got, fix = f"got weights of shape {values.shape}, sum {values.sum()}", "pass one weight for each sample."
            raise ParameterError(message(where, "weights expects N numbers from 0, not all 0.", got, fix))
        possible = int((values > 0).sum())
        if not replacement and num_samples > possible:
            got, fix = f"got num_samples={num_samples}", "pass replacement=True."
            problem = f"only {possible} samples can be drawn without replacement."
            raise ParameterError(message(where, problem, got, fix))
        self.weights = values
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        chances = self.weights / self.weights.sum()
        drawn = _numpy(self.generator).choice(len(chances), self.num_samples, self.replacement, chances)
        return iter(drawn.tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """The indices of another sampler, as lists of batch_size.

    Args:
        sampler: an iterable of indices.
        batch_size: indices a list.
        drop_last: leave out a last list that is shorter.

    Raises:
        ParameterError: ``batch_size`` is not a whole number from 1, or ``drop_last`` not True or False.

    >>> list(BatchSampler(SequentialSampler("abcde"), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        check_count("BatchSampler", "batch_size", batch_size)
        _check_bool("BatchSampler", "drop_last", drop_last, ParameterError)
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        left = iter(self.sampler)
        while batch := list(islice(left, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        samples: int = len(self.sampler)  # type: ignore[arg-type]
        return samples // self.batch_size if self.drop_last else -(-samples // self.batch_size)


def _numpy(generator: Generator | None) -> np.random.Generator:
    return (generator or default_generator).numpy


def check_count(where: str, name: str, value: Any) -> None:
    """Refuse what is no whole number from 1, by a ParameterError."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or value.__index__() < 1:
        fix = f"pass {name}=1 or more."
        raise ParameterError(message(where, f"{name} expects a whole number from 1.", f"got {name}={value!r}", fix))


def _check_bool(where: str, name: str, value: Any, kind: type[Exception]) -> None:
    """Refuse what is neither True nor False, by the error that PyTorch has there."""
    if not isinstance(value, bool):
        got, fix = f"got {name}={value!r}", f"pass {name}=True or {name}=False."
        raise kind(message(where, f"{name} expects True or False.", got, fix))
