"""Two tasks side by side, each with one thread."""

import threading
import time

import numpy as np
import pytest

import minicnn
from minicnn.backend.threads import available, get_num_threads, run, share_out, side_by_side


@pytest.fixture(params=[1, 2, 4])
def count(request):
    before = get_num_threads()
    minicnn.set_num_threads(request.param)
    yield request.param
    minicnn.set_num_threads(before)


@pytest.fixture
def two():
    before = get_num_threads()
    minicnn.set_num_threads(2)
    yield
    minicnn.set_num_threads(before)


def test_each_returns_what_it_computes(count):
    assert side_by_side(lambda: 1, lambda: "two") == (1, "two")


@pytest.mark.usefixtures("two")
def test_they_run_at_the_same_time_in_two_threads():
    meeting = threading.Barrier(2, timeout=20)

    def task():
        meeting.wait()  # breaks, after 20 seconds, if the other never comes
        return threading.get_ident()

    first, second = side_by_side(task, task)
    assert first == threading.get_ident() != second


def test_neither_shares_its_work(count):
    def task():
        threads = set()
        run(lambda _: threads.add(threading.get_ident()), range(50))
        return available(), threads

    found = side_by_side(task, task)
    if count > 1:
        assert all(number == 1 and len(threads) == 1 for number, threads in found)
    assert available() == count


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("which", [0, 1])
def test_an_error_waits_for_the_other_and_is_raised(which):
    done = []

    def fails():
        raise ZeroDivisionError

    def works():
        time.sleep(0.05)
        done.append(True)

    with pytest.raises(ZeroDivisionError):
        side_by_side(*((fails, works) if which == 0 else (works, fails)))
    started = len(done)
    time.sleep(0.1)
    assert len(done) == started  # nothing runs any more
    assert available() == 2
    assert side_by_side(lambda: 1, lambda: 2) == (1, 2)


@pytest.mark.usefixtures("two")
def test_the_caller_does_both_when_the_pool_is_busy():
    release = threading.Event()
    caller = threading.get_ident()

    def hold(rest):
        for _ in rest:
            release.wait(20)

    holders = [threading.Thread(target=share_out, args=(hold, range(4))) for _ in range(2)]
    for holder in holders:
        holder.start()
    time.sleep(0.1)  # both threads of the pool now wait
    try:
        assert side_by_side(threading.get_ident, threading.get_ident) == (caller, caller)
    finally:
        release.set()
        for holder in holders:
            holder.join()


@pytest.mark.usefixtures("two")
def test_the_callers_errstate_holds_in_both():
    def task():
        return np.geterr()["divide"]

    with np.errstate(divide="raise"):
        assert side_by_side(task, task) == ("raise", "raise")


@pytest.mark.usefixtures("two")
def test_gradients_of_a_convolution_are_the_same_from_run_to_run():
    rng = np.random.default_rng(0)
    x = minicnn.tensor(rng.normal(size=(64, 6, 14, 14)).astype("f"), requires_grad=True)
    weight = minicnn.tensor(rng.normal(size=(16, 6, 5, 5)).astype("f"), requires_grad=True)
    found = set()
    for _ in range(10):
        x.grad = weight.grad = None
        minicnn.conv2d(x, weight).square().sum().backward()
        found.add(x.grad.numpy().tobytes() + weight.grad.numpy().tobytes())
    assert len(found) == 1
