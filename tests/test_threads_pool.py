"""What the pool of threads does with blocks: errors reach the caller, its settings hold, and nothing is kept."""

import threading
import time
import weakref

import numpy as np
import pytest
from test_threads import TIMEOUT, blas_threads, two_threads  # noqa: F401

import minicnn
from minicnn import backend
from minicnn.backend import threads
from minicnn.backend.numpy import elementwise, rows


@pytest.mark.usefixtures("two_threads")
def test_an_error_in_a_kernel_reaches_the_caller(monkeypatch):
    x, weight = minicnn.ones(4, 16, 16, 16), minicnn.ones(16, 16, 3, 3)
    right = minicnn.conv2d(x, weight, stride=2).numpy()

    def planted(*_):
        raise RuntimeError("planted")

    with monkeypatch.context() as broken:
        broken.setattr(rows, "scratch", planted)
        with pytest.raises(RuntimeError, match="planted"):
            minicnn.conv2d(x, weight, stride=2)
    assert blas_threads() == 2
    np.testing.assert_array_equal(minicnn.conv2d(x, weight, stride=2).numpy(), right)


@pytest.mark.usefixtures("two_threads")
def test_an_error_in_another_thread_reaches_the_caller():
    caller, both = threading.get_ident(), threading.Barrier(2)

    def block(_):
        both.wait(20)
        if threading.get_ident() != caller:
            raise RuntimeError("planted")

    with pytest.raises(RuntimeError, match="planted"):
        threads.run(block, range(2))
    assert blas_threads() == 2


def one_works_on_when_another_raises():
    """Run three blocks side by side, one of which raises while another works on; whether it was done with that."""
    caller, all_three, roles, done = threading.get_ident(), threading.Barrier(3), iter(["raises", "works"]), []

    def block(_):
        all_three.wait(20)
        if threading.get_ident() != caller:
            if next(roles) == "raises":
                raise RuntimeError("planted")
            time.sleep(0.2)
            done.append(True)

    with pytest.raises(RuntimeError, match="planted"):
        threads.run(block, range(3))
    return bool(done)


@pytest.mark.usefixtures("two_threads")
def test_no_block_runs_any_more_when_an_error_arrives():
    minicnn.set_num_threads(3)
    assert all(one_works_on_when_another_raises() for _ in range(5))  # either helper is waited for first


@pytest.mark.usefixtures("two_threads")
def test_the_callers_errstate_holds_in_other_threads():
    x = np.ones(elementwise.LARGE + elementwise.BLOCK, np.float32)
    x[-1] = 1e38  # the last block alone overflows
    caller, over = threading.current_thread(), threading.Event()
    calls = []

    def times_ten(part):
        calls.append(threading.current_thread())
        if calls[-1] is caller and len(calls) > 1:
            over.wait(20)  # leave the last block to the other thread
        try:
            return part * np.float32(10)
        except FloatingPointError:
            over.set()
            raise

    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        backend.get("numpy").elementwise(times_ten, x)
    assert over.is_set()


@pytest.mark.usefixtures("two_threads")
def test_what_comes_first_is_there_for_all_and_idle_threads_hold_nothing():
    made, seen = [], []

    class Work:
        def __call__(self, rest):
            for block in rest:
                while not made:
                    time.sleep(0.001)
                seen.append((block, made[0]))

    work = Work()
    held = weakref.ref(work)
    for _ in range(50):
        made.clear()
        threads.share_out(work, range(4), threads.First(lambda: made.append(1)))
    assert sorted(seen) == sorted([(block, 1) for block in range(4)] * 50)
    del work
    deadline = time.monotonic() + TIMEOUT
    while held() is not None and time.monotonic() < deadline:
        time.sleep(0.001)  # until the last helper waits again
    assert held() is None


@pytest.mark.usefixtures("two_threads")
def test_a_kernel_does_without_threads_that_the_system_does_not_give(monkeypatch):
    minicnn.set_num_threads(3)  # a new pool
    with monkeypatch.context() as broken:

        def refused(_):
            raise RuntimeError("can't start new thread")

        broken.setattr(threading.Thread, "start", refused)
        done = []
        threads.run(done.append, range(4))
        assert done == list(range(4))
    callers = set()

    def block(_):
        callers.add(threading.get_ident())
        time.sleep(0.05)

    threads.run(block, range(6))
    assert len(callers) > 1  # the next one starts them


@pytest.mark.usefixtures("two_threads")
def test_an_error_in_what_comes_first_reaches_the_caller_and_nobody_waits_for_it():
    def planted():
        raise KeyError("planted")

    for _ in range(20):
        first = threads.First(planted)
        with pytest.raises(KeyError, match="planted"):
            threads.run(lambda _, first=first: first.value(), range(4), first)
        with pytest.raises(RuntimeError, match="not made"):
            first.value()
    interrupted = threads.First(lambda: 1)
    interrupted.make = lambda: (_ for _ in ()).throw(KeyboardInterrupt)  # before it is begun
    with pytest.raises(KeyboardInterrupt):
        threads.run(lambda _: interrupted.value(), range(4), interrupted)
    done = []
    threads.run(done.append, range(4))
    assert sorted(done) == list(range(4))
