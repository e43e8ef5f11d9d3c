"""DataLoader: a dataset in batches, shuffled by seed and epoch, fetched ahead in threads where asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from typing import Any

from minicnn.autograd import no_grad
from minicnn.data.collate import default_collate
from minicnn.data.dataset import gives_batches
from minicnn.data.stream import batch_stream, make
from minicnn.errors import ArgumentTypeError, ParameterError, message
from minicnn.random import Generator, default_generator

__all__ = ["DataLoader"]

ORDER, BATCH = 0, 1  # the two uses of an epoch's random numbers


class DataLoader:
    """Batches of a dataset, an epoch for every ``for`` loop over the loader.

    Every epoch starts from one number: with ``seed`` it is made of the seed and the epoch's number, otherwise
    it is drawn from ``generator``. That number determines the order of the samples, and the random choices of
    minicnn's transforms batch by batch, so the batches are the same for every ``num_workers``.

    Shapes: N = batch_size; samples (C, H, W) give batches (N, C, H, W); without drop_last the last may be
    shorter.

    Args:
        dataset: has ``__getitem__`` and ``__len__``; where it has ``__getitems__`` (see `Dataset`), a batch
            is fetched by one call.
        batch_size: samples a batch.
        shuffle: draw a new order every epoch.
        sampler: an iterable of indices, used in place of the order 0, 1, 2, ...
        batch_sampler: an iterable of lists of indices, one a batch; excludes the four arguments that it
            replaces.
        num_workers: threads that fetch samples ahead; 0 fetches in the loop itself. Threads gain where
            samples are decoded or transformed one by one in code that lets go of the interpreter lock, as
            NumPy and Pillow do. What threads fetch requires no grad.
        collate_fn: makes a batch of a list of samples; with one of your own, samples are fetched one by one.
        pin_memory: accepted for PyTorch's sake, without effect.
        drop_last: leave out a last batch that is shorter.
        worker_init_fn: called in every worker thread with the worker's number before its first batch.
        generator: where each epoch's number is drawn; None: the default generator, which ``manual_seed``
            seeds.
        prefetch_factor: batches fetched ahead for each worker (2).
        persistent_workers: accepted for PyTorch's sake, without effect: threads cost little to start.
        seed: an int; then epoch e has the same batches whatever else draws random numbers. minicnn's own
            argument.

    Attributes:
        epoch: the number that the next epoch will have, from 0; set it to resume a run.

    Raises:
        ParameterError: a number out of range, arguments that exclude each other, or shuffle of an empty
            dataset.
        ArgumentTypeError: an argument of the wrong type, such as a dataset without length.

    >>> from minicnn.data import TensorDataset
    >>> import minicnn
    >>> data = TensorDataset(minicnn.arange(5), minicnn.arange(5) * 10)
    >>> for x, y in DataLoader(data, batch_size=2):
    ...     print(x, y)
    tensor([0, 1]) tensor([ 0, 10])
    tensor([2, 3]) tensor([20, 30])
    tensor([4]) tensor([40])
    >>> loader = DataLoader(range(100), batch_size=100, shuffle=True, seed=1)
    >>> first, second = (batch.tolist() for _ in range(2) for batch in loader)
    >>> loader.epoch = 0
    >>> first == second, first == next(iter(loader)).tolist()
    (False, True)
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool | None = False,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[list[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        *,
        worker_init_fn: Callable[[int], object] | None = None,
        generator: Generator | None = None,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        seed: int | None = None,
    ) -> None:
        _check_dataset(dataset, needs_length=sampler is None and batch_sampler is None)
        _check_whole("batch_size", batch_size, 1, "pass batch_size=1 or more.")
        _check_whole("num_workers", num_workers, 0, "pass num_workers=0 to fetch in the loop itself.")
        if prefetch_factor is not None:
            _check_whole("prefetch_factor", prefetch_factor, 1, "leave prefetch_factor out, for 2.")
        if seed is not None:
            _check_whole("seed", seed, None, "pass a whole number, such as seed=0.")
        _check_instance("generator", generator, Generator, "pass minicnn.Generator().manual_seed(0), or seed=0.")
        _check_callable("collate_fn", collate_fn)
        _check_callable("worker_init_fn", worker_init_fn)
        _exclude("sampler", sampler is not None, shuffle=bool(shuffle))
        batches_given = batch_sampler is not None
        _exclude(
            "batch_sampler",
            batches_given,
            batch_size=batch_size != 1,
            shuffle=bool(shuffle),
            sampler=sampler is not None,
            drop_last=drop_last,
        )
        _exclude("seed", seed is not None, generator=generator is not None)
        _exclude("num_workers=0", num_workers == 0, persistent_workers=persistent_workers)
        _exclude("num_workers=0", num_workers == 0, prefetch_factor=prefetch_factor is not None)
        if shuffle and len(dataset) == 0:
            fix = "check how the dataset was made; shuffle=False takes an empty one and gives no batches."
            raise ParameterError(message("DataLoader", "an empty dataset cannot be shuffled.", "got 0 samples", fix))
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = bool(shuffle)
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.collate_fn = default_collate if collate_fn is None else collate_fn
        self.pin_memory = pin_memory
        self.drop_last = drop_last
        self.worker_init_fn = worker_init_fn
        self.generator = generator
        self.prefetch_factor = prefetch_factor or 2
        self.persistent_workers = persistent_workers
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        """Return the number of batches an epoch."""
        if self.batch_sampler is not None:
            return _length(self.batch_sampler, "batch_sampler")
        samples = len(self.dataset) if self.sampler is None else _length(self.sampler, "sampler")
        return samples // self.batch_size if self.drop_last else -(-samples // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        # The number is drawn here, not at the first batch, so that two open loops do not change places.
        if self.seed is None:
            key = (int((self.generator or default_generator).numpy.integers(2**63)), 0)
        else:
            key = (self.seed % 2**64, self.epoch)
        self.epoch += 1
        return self._fetch_ahead(key) if self.num_workers else self._fetch_now(key)

    def _indices(self, key: tuple[int, int]) -> Iterator[list[int]]:
        """Give the indices of every batch of the epoch."""
        if self.batch_sampler is not None:
            yield from map(list, self.batch_sampler)
            return
        order: Iterable[int]
        if self.sampler is not None:
            order = self.sampler
        elif self.shuffle:
            order = make(*key, ORDER).permutation(len(self.dataset)).tolist()
        else:
            order = range(len(self.dataset))
        left = iter(order)
        while batch := list(islice(left, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def _fetch(self, indices: list[int], key: tuple[int, int], number: int) -> Any:
        """Return one batch."""
        with batch_stream(*key, BATCH, number):
            if self.collate_fn is default_collate and gives_batches(self.dataset):
                batch = self.dataset.__getitems__(indices)
                if not isinstance(batch, list):
                    return list(batch) if type(batch) is tuple else batch  # a list, as default_collate gives
                return self.collate_fn(batch)
            return self.collate_fn([self.dataset[index] for index in indices])

    def _fetch_now(self, key: tuple[int, int]) -> Iterator[Any]:
        for number, indices in enumerate(self._indices(key)):
            yield self._fetch(indices, key, number)

    def _fetch_ahead(self, key: tuple[int, int]) -> Iterator[Any]:
        import threading
        from concurrent.futures import Future, ThreadPoolExecutor

        worker, workers = threading.local(), count()

        def job(indices: list[int], number: int) -> Any:
            if self.worker_init_fn is not None and not hasattr(worker, "number"):
                worker.number = next(workers)
                self.worker_init_fn(worker.number)
            with no_grad():  # the tape is not made for views taken in several threads at once
                return self._fetch(indices, key, number)

        pool = ThreadPoolExecutor(self.num_workers, thread_name_prefix="minicnn-loader")
        waiting: deque[Future[Any]] = deque()
        try:
            for number, indices in enumerate(self._indices(key)):
                waiting.append(pool.submit(job, indices, number))
                if len(waiting) > self.num_workers * self.prefetch_factor:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:  # also when the loop over the loader is left early, or a sample raises
            pool.shutdown(wait=True, cancel_futures=True)


def _length(indices: Any, name: str) -> int:
    if not hasattr(indices, "__len__"):
        got = f"got {type(indices).__name__} without __len__"
        fix = f"give the {name} a __len__, or do not ask for len(loader)."
        raise ArgumentTypeError(message("DataLoader", f"the length needs a {name} with a length.", got, fix))
    return len(indices)


def _check_dataset(dataset: object, needs_length: bool) -> None:
    for method in ("__getitem__", "__len__") if needs_length else ("__getitem__",):
        if not hasattr(dataset, method):
            raise ArgumentTypeError(
                message(
                    "DataLoader",
                    f"dataset expects a map-style dataset, with {method}.",
                    f"got {type(dataset).__name__} without it",
                    "define __getitem__ and __len__, or pass a list of samples: DataLoader(list(samples)).",
                )
            )


def _check_whole(name: str, value: object, least: int | None, fix: str) -> None:
    got = f"got {name}={value!r}"
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ArgumentTypeError(message("DataLoader", f"{name} expects an int.", got, fix))
    if least is not None and value.__index__() < least:
        raise ParameterError(message("DataLoader", f"{name} expects at least {least}.", got, fix))


def _check_instance(name: str, value: object, kind: type, fix: str) -> None:
    if value is not None and not isinstance(value, kind):
        got = f"got {name} of type {type(value).__name__}"
        raise ArgumentTypeError(message("DataLoader", f"{name} expects a {kind.__name__}.", got, fix))


def _check_callable(name: str, value: object) -> None:
    if value is not None and not callable(value):
        got = f"got {name} of type {type(value).__name__}"
        raise ArgumentTypeError(message("DataLoader", f"{name} expects a function.", got, "pass a function, or None."))


def _exclude(name: str, given: bool, **others: bool) -> None:
    for other, also_given in others.items():
        if given and also_given:
            got = f"got {name} and {other}"
            fix = f"leave out {other}, or change {name}."
            raise ParameterError(message("DataLoader", f"{name} and {other} exclude each other.", got, fix))
