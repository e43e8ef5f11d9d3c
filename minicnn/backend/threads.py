"""Threads: how many, and the sharing out of a kernel's blocks of work among them.

NumPy lets go of the interpreter's lock inside its loops and matrix products, so plain threads are enough. While a
kernel runs its blocks side by side, the BLAS library is held to one thread, so that no two layers of threads fight
for the cores; at other times it has as many as are set.
"""

from __future__ import annotations

import contextvars
import functools
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from minicnn.errors import ParameterError, message

S = TypeVar("S")
T = TypeVar("T")


@functools.cache
def _controller() -> Any:
    """Return the one controller of the BLAS libraries that are loaded; making it takes milliseconds."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


class _Setting:
    """The number of threads, the pool of all but one of them (the caller works, too), and the kernels that now run."""

    def __init__(self) -> None:
        self.chosen = 0  # 0 until it is set: as many as BLAS has
        self.jobs: SimpleQueue[_Job | None] | None = None  # which the pool's threads wait for
        self.running = 0
        self.lock = threading.Lock()

    @property
    def count(self) -> int:
        if not self.chosen:
            self.chosen = max((library.num_threads for library in _controller().lib_controllers), default=1)
        return self.chosen


_setting = _Setting()


def _after_fork() -> None:
    """A forked child has none of its parent's threads: begin anew, with a lock that nobody holds."""
    _setting.jobs, _setting.running, _setting.lock = None, 0, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class _Alone:
    """While anyone is within, BLAS has one thread.

    OpenBLAS's own threads wait for their next product in a loop, for 20 ms or so, and take a core from whatever else
    there is to do: a training step lost a quarter of its time to a last layer of ten classes.
    """

    def __enter__(self) -> None:
        with _setting.lock:
            if _setting.running == 0:
                _ = _setting.count  # asked of BLAS, the first time, before BLAS has but one
                _blas_threads(1)
            _setting.running += 1

    def __exit__(self, *_: object) -> None:
        with _setting.lock:
            _setting.running -= 1
            if _setting.running == 0:
                _blas_threads(_setting.count)


alone = _Alone()


class _Job:
    """A helper's part in a kernel: to take blocks, unless all are taken before it wakes.

    The standard library's executor does the same, in 10 µs more, where two blocks side by side took 87.
    """

    def __init__(self, take: Callable[[Iterator[Any]], None], rest: Iterator[Any]) -> None:
        self.take, self.rest = take, rest
        self.context = contextvars.copy_context()  # NumPy's errstate: the caller's holds in the helpers
        self.tickets = [None]  # one: pop() of a list is atomic
        self.done = threading.Lock()
        self.done.acquire()
        self.error: BaseException | None = None

    def claimed(self) -> bool:
        try:
            self.tickets.pop()
        except IndexError:
            return False
        return True

    def run(self) -> None:
        if self.claimed():
            try:
                self.context.run(self.take, self.rest)
            except BaseException as error:
                self.error = error
            finally:
                self.done.release()

    def end(self) -> BaseException | None:
        """Withdraw the job if it never began, or wait for it; return its error."""
        if self.claimed():
            del self.take, self.rest  # a helper may be long in finding that there is nothing to do
        else:
            self.done.acquire()
        return self.error


class First(Generic[T]):
    """A value that the caller makes while helpers wake, and for which they wait."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make, self._made, self.over = make, False, threading.Event()

    def make(self) -> None:
        try:
            self._value = self._make()
            self._made = True
        finally:
            self.over.set()

    def value(self) -> T:
        if not self._made:
            self.over.wait()
            if not self._made:
                raise RuntimeError("what comes first was not made: the caller says why.")
        return self._value


def _help(jobs: SimpleQueue[_Job | None]) -> None:
    """Do jobs until there is None."""
    job = jobs.get()
    while job is not None:
        job.run()
        job = None  # or it would hold its arrays until the next one
        job = jobs.get()


def _pool() -> SimpleQueue[_Job | None] | None:
    """Start a pool, and return what its threads wait for; None if the system gives no thread."""
    jobs: SimpleQueue[_Job | None] = SimpleQueue()
    for k in range(1, _setting.count):
        try:
            threading.Thread(target=_help, args=(jobs,), name=f"minicnn_{k}", daemon=True).start()
        except RuntimeError:
            return jobs if k > 1 else None
    return jobs


def _start(jobs: list[_Job]) -> None:
    """Let the pool do jobs, too; where there is none, the caller does all."""
    with _setting.lock:  # or set_num_threads might end the pool before all are there
        if _setting.jobs is None:
            _setting.jobs = _pool()
        if _setting.jobs is not None:
            for job in jobs:
                _setting.jobs.put(job)


@functools.cache
def _setters() -> list[Callable[[int], Any]]:
    # Since 3.8, threadpoolctl's method heeds only the first Python thread that calls it; here a lock orders all.
    libraries = _controller().lib_controllers
    return [getattr(library, "_real_set_num_threads", library.set_num_threads) for library in libraries]


def _blas_threads(n: int) -> None:
    for set_number in _setters():
        set_number(n)


def run(work: Callable[[S], None], blocks: Iterable[S], first: First[Any] | None = None) -> None:
    """Call ``work`` once for each block, in as many threads as are set; return when all are done."""

    def take(rest: Iterator[S]) -> None:
        for block in rest:
            work(block)

    share_out(take, blocks, first)


def share_out(take: Callable[[Iterator[S]], None], blocks: Iterable[S], first: First[Any] | None = None) -> None:
    """Call ``take`` in as many threads as are set, each with the same iterator of blocks; return when all are done.

    So a thread can make ready, once, what it needs for all the blocks that it takes. The calling thread takes blocks
    like the others: there is progress, and no deadlock, when all threads of the pool are busy for someone else. It
    makes what comes ``first`` before, while the others wake. An error in any block is raised here.
    """
    todo = list(blocks)
    rest = iter(todo)  # next() of a list's iterator is atomic
    jobs = [_Job(take, rest) for _ in range(min(_setting.count, len(todo)) - 1)]
    with alone:
        try:
            if jobs:
                _start(jobs)
            if first is not None:
                first.make()
            take(rest)
        finally:
            if first is not None:
                first.over.set()  # made or not, if the caller is interrupted: nobody waits any more
            # One that never began has nothing left to do; all others are waited for, before any error is raised.
            errors = [job.end() for job in jobs]
        for error in errors:
            if error is not None:
                raise error


def set_num_threads(n: int) -> None:
    """Let kernels and matrix products use n threads, from here on and in this whole process.

    Small networks are as quick with one, and much quicker beside other busy programs: threads wait for each other.

    Raises:
        ParameterError: n is no whole number of at least 1.

    >>> before = get_num_threads()
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(before)
    """
    if isinstance(n, bool) or not hasattr(n, "__index__") or n < 1:
        raise ParameterError(
            message(
                "set_num_threads",
                f"expects a whole number of at least 1, got {n!r}.",
                f"now there are {get_num_threads()}",
                "set_num_threads(1), for example.",
            )
        )
    with _setting.lock:
        if _setting.jobs is not None and n != _setting.count:
            for _ in range(_setting.count):
                _setting.jobs.put(None)  # after the jobs that are there
            _setting.jobs = None
        _setting.chosen = int(n)
        if _setting.running == 0:
            _blas_threads(_setting.count)


def get_num_threads() -> int:
    """Return how many threads kernels and matrix products use.

    >>> get_num_threads() >= 1
    True
    """
    return _setting.count
