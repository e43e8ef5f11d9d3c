"""DataLoader: a dataset in batches, shuffled by seed and epoch, fetched ahead in threads where asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import count, islice
from typing import Any

from minicnn.autograd import no_grad
from minicnn.backend import device_in_use
from minicnn.data.collate import default_collate, default_convert
from minicnn.data.dataset import gives_batches
from minicnn.data.iterable import IterableDataset
from minicnn.data.pinned import Route, one_ahead, pinned
from minicnn.data.sampler import BatchSampler, RandomSampler, SequentialSampler, check_count
from minicnn.data.stream import batch_stream, make
from minicnn.errors import ArgumentTypeError, DataError, ParameterError, message
from minicnn.random import Generator, default_generator

__all__ = ["DataLoader"]

ORDER, BATCH = 0, 1  # the two uses of an epoch's random numbers
_END = object()  # in place of a batch: an IterableDataset has come to its end


class DataLoader:
    """Batches of a dataset, an epoch for every ``for`` loop over the loader.

    Every epoch starts from one number: with ``seed`` it is made of the seed and the epoch's number, otherwise
    it is drawn from ``generator``. That number determines the order of the samples, and the random choices of
    minicnn's transforms batch by batch, so the batches are the same for every ``num_workers``.

    Shapes: N = batch_size; samples (C, H, W) give batches (N, C, H, W); without drop_last the last may be
    shorter.

    Args:
        dataset: has ``__getitem__`` and ``__len__``; where it has ``__getitems__`` (see `Dataset`), a batch
            is fetched by one call. Or an `IterableDataset`, which is read in its own order.
        batch_size: samples a batch; None gives the samples one by one, as they are (`default_convert`).
        shuffle: draw a new order every epoch.
        sampler: an iterable of indices, used in place of the order 0, 1, 2, ...
        batch_sampler: an iterable of lists of indices, one a batch; excludes the four arguments that it
            replaces.
        num_workers: threads that fetch samples ahead; 0 fetches in the loop itself. Threads gain where
            samples are decoded or transformed one by one in code that lets go of the interpreter lock, as
            NumPy and Pillow do. What threads fetch requires no grad.
        collate_fn: makes a batch of a list of samples; with one of your own, samples are fetched one by one.
        pin_memory: give batches in page-locked memory, where a GPU is in use: from the second on, each is copied to
            the GPU on a stream of its own while the one before is computed with, and ``x.to("cuda",
            non_blocking=True)`` returns that copy. On the CPU alone, nothing changes.
        drop_last: leave out a last batch that is shorter.
        timeout: seconds to wait for a batch from the workers; 0: for ever.
        worker_init_fn: called in every worker thread with the worker's number before its first batch.
        multiprocessing_context: accepted for PyTorch's sake, without effect: workers are threads.
        generator: where each epoch's number is drawn; None: the default generator, which ``manual_seed``
            seeds.
        prefetch_factor: batches fetched ahead for each worker (2).
        persistent_workers: accepted for PyTorch's sake, without effect: threads cost little to start.
        pin_memory_device: accepted for PyTorch's sake, without effect.
        in_order: accepted for PyTorch's sake; batches always come in order.
        seed: an int; then epoch e has the same batches whatever else draws random numbers. minicnn's own
            argument.

    Attributes:
        epoch: the number that the next epoch will have, from 0; set it to resume a run.
        sampler, batch_sampler: as given, or those that describe the order.

    Raises:
        ParameterError: a number out of range, arguments that exclude each other, or shuffle of an empty
            dataset.
        DataError: (in the loop) a batch took longer than ``timeout``.
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
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[list[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], object] | None = None,
        multiprocessing_context: object = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
        seed: int | None = None,
    ) -> None:
        iterable = isinstance(dataset, IterableDataset)
        if not iterable:
            _check_dataset(dataset, needs_length=sampler is None and batch_sampler is None)
        if batch_size is not None:
            check_count("DataLoader", "batch_size", batch_size)
        _check_whole("num_workers", num_workers, 0, "pass num_workers=0 to fetch in the loop itself.")
        if prefetch_factor is not None:
            _check_whole("prefetch_factor", prefetch_factor, 1, "leave prefetch_factor out, for 2.")
        if seed is not None:
            _check_whole("seed", seed, None, "pass a whole number, such as seed=0.")
        _check_instance("generator", generator, Generator, "pass minicnn.Generator().manual_seed(0), or seed=0.")
        _check_callable("collate_fn", collate_fn)
        _check_callable("worker_init_fn", worker_init_fn)
        if not timeout >= 0:
            fix = "pass seconds, or 0 to wait for ever."
            raise ParameterError(message("DataLoader", "timeout expects 0 or more.", f"got timeout={timeout!r}", fix))
        _exclude("sampler", sampler is not None, shuffle=bool(shuffle))
        _exclude(
            "an IterableDataset",
            iterable,
            shuffle=bool(shuffle),
            sampler=sampler is not None,
            batch_sampler=batch_sampler is not None,
        )
        _exclude("batch_size=None", batch_size is None, drop_last=drop_last)
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
        self._sampler, self._batch_sampler = sampler, batch_sampler  # None: the order is this class's own
        self.num_workers = num_workers
        joins = batch_size is not None or batches_given
        self.collate_fn = collate_fn or (default_collate if joins else default_convert)
        self.pin_memory = pin_memory
        self.drop_last = drop_last
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.generator = generator
        self.prefetch_factor = prefetch_factor or 2
        self.persistent_workers = persistent_workers
        self.pin_memory_device = pin_memory_device
        self.in_order = in_order
        self.seed = seed
        self.epoch = 0
        self._route = Route()

    @property
    def sampler(self) -> Any:
        """The sampler given, or one like the order that this loader has; None for an IterableDataset."""
        if self._sampler is not None or isinstance(self.dataset, IterableDataset):
            return self._sampler
        return (
            RandomSampler(self.dataset, generator=self.generator) if self.shuffle else SequentialSampler(self.dataset)
        )

    @property
    def batch_sampler(self) -> Any:
        """The batch sampler given, or one like the batches that this loader has; None where it makes no batches."""
        if self._batch_sampler is not None or self.batch_size is None or self.sampler is None:
            return self._batch_sampler
        return BatchSampler(self.sampler, self.batch_size, self.drop_last)

    def __len__(self) -> int:
        """Return the number of batches an epoch."""
        if self._batch_sampler is not None:
            return _length(self._batch_sampler, "batch_sampler")
        if self._sampler is not None:
            samples = _length(self._sampler, "sampler")
        else:
            samples = _length(self.dataset, "dataset")
        if self.batch_size is None:
            return samples
        return samples // self.batch_size if self.drop_last else -(-samples // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        # The number is drawn here, not at the first batch, so that two open loops do not change places.
        if self.seed is None:
            key = (int((self.generator or default_generator).numpy.integers(2**63)), 0)
        else:
            key = (self.seed % 2**64, self.epoch)
        self.epoch += 1
        backend = device_in_use() if self.pin_memory else None
        jobs = self._jobs(key)
        if backend is not None:
            jobs = (partial(pinned, job, backend, self._route) for job in self._jobs(key))
        batches = self._fetch_ahead(jobs) if self.num_workers else self._fetch_now(jobs)
        return batches if backend is None else one_ahead(batches)

    def _indices(self, key: tuple[int, int]) -> Iterator[list[int]]:
        """Give the indices of every batch of the epoch; without batches, of every sample as a list of one."""
        if self._batch_sampler is not None:
            yield from map(list, self._batch_sampler)
            return
        order: Iterable[int]
        if self._sampler is not None:
            order = self._sampler
        elif self.shuffle:
            order = make(*key, ORDER).permutation(len(self.dataset)).tolist()
        else:
            order = range(len(self.dataset))
        yield from BatchSampler(order, self.batch_size or 1, self.drop_last)

    def _jobs(self, key: tuple[int, int]) -> Iterator[Callable[[], Any]]:
        """Give the work of the epoch: functions that return a batch each, or _END."""
        if isinstance(self.dataset, IterableDataset):
            samples = iter(self.dataset)
            yield from (partial(self._read, samples, key, number) for number in count())
        else:
            yield from (partial(self._fetch, indices, key, n) for n, indices in enumerate(self._indices(key)))

    def _read(self, samples: Iterator[Any], key: tuple[int, int], number: int) -> Any:
        """Return the next batch of an IterableDataset, or _END."""
        with batch_stream(*key, BATCH, number):
            batch = list(islice(samples, self.batch_size or 1))
            if not batch or (self.drop_last and len(batch) < (self.batch_size or 1)):
                return _END
            return self.collate_fn(batch[0] if self.batch_size is None else batch)

    def _fetch(self, indices: list[int], key: tuple[int, int], number: int) -> Any:
        """Return one batch."""
        with batch_stream(*key, BATCH, number):
            if self._batch_sampler is None and self.batch_size is None:
                return self.collate_fn(self.dataset[indices[0]])
            if self.collate_fn is default_collate and gives_batches(self.dataset):
                batch = self.dataset.__getitems__(indices)
                if not isinstance(batch, list):
                    return list(batch) if type(batch) is tuple else batch  # a list, as default_collate gives
                return self.collate_fn(batch)
            return self.collate_fn([self.dataset[index] for index in indices])

    def _fetch_now(self, jobs: Iterator[Callable[[], Any]]) -> Iterator[Any]:
        for job in jobs:
            batch = job()
            if batch is _END:
                return
            yield batch

    def _fetch_ahead(self, jobs: Iterator[Callable[[], Any]]) -> Iterator[Any]:
        import threading
        from concurrent.futures import Future, ThreadPoolExecutor

        worker, workers = threading.local(), count()

        def work(job: Callable[[], Any]) -> Any:
            if self.worker_init_fn is not None and not hasattr(worker, "number"):
                worker.number = next(workers)
                self.worker_init_fn(worker.number)
            with no_grad():  # the tape is not made for views taken in several threads at once
                return job()

        def first() -> Any:
            batch = waiting.popleft()
            try:
                return batch.result(self.timeout or None)
            except TimeoutError:
                if batch.done():  # the sample itself raised it
                    raise
                got = f"got timeout={self.timeout}, and no batch within it"
                fix = "pass a longer timeout, or look for the sample that hangs with num_workers=0."
                raise DataError(message("DataLoader", "a worker took too long.", got, fix)) from None

        one = isinstance(self.dataset, IterableDataset)  # which one thread reads, so that its order stays
        pool = ThreadPoolExecutor(1 if one else self.num_workers, thread_name_prefix="minicnn-loader")
        waiting: deque[Future[Any]] = deque()
        wait = True
        try:
            for job in jobs:
                waiting.append(pool.submit(work, job))
                if len(waiting) > self.num_workers * self.prefetch_factor:
                    batch = first()
                    if batch is _END:
                        return
                    yield batch
            while waiting:
                yield first()
        except DataError:
            wait = not self.timeout  # a thread that hangs is left to itself
            raise
        finally:  # also when the loop over the loader is left early, or a sample raises
            pool.shutdown(wait=wait, cancel_futures=True)


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
