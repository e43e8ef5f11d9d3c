"""Several threads at once: gradients add up, views keep their histories, modes and backends stay apart."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import minicnn
from minicnn.errors import ParameterError


def together(function, count=4):
    """Run a function in several threads at once; raise what one of them raised."""
    errors = []

    def guarded(i):
        try:
            function(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_the_number_of_threads_is_set_and_kept():
    before = minicnn.get_num_threads()
    try:
        for n in (1, 2, 1):
            minicnn.set_num_threads(n)
            assert minicnn.get_num_threads() == n
            assert max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas") == n
            minicnn.ones(8, 8) @ minicnn.ones(8, 8)
        for wrong in (0, -1, 1.5, True, "2"):
            with pytest.raises(ParameterError, match="at least 1"):
                minicnn.set_num_threads(wrong)
    finally:
        minicnn.set_num_threads(before)


def test_gradients_of_several_threads_add_up():
    p = minicnn.zeros(1000, 1000, requires_grad=True)

    def work(_):
        for _ in range(10):
            p.sum().backward()

    together(work)
    assert (p.grad == 40).all()


def test_threads_train_networks_of_their_own_alike():
    losses = [[] for _ in range(4)]
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(8, 1, 8, 8)).astype("float32"), rng.integers(0, 3, 8)

    def work(i):
        w = minicnn.full((3, 64), 0.01, requires_grad=True)
        k = minicnn.full((1, 1, 3, 3), 0.1, requires_grad=True)
        for _ in range(5):
            h = minicnn.conv2d(minicnn.tensor(x), k, padding=1).relu().flatten(1)
            loss = minicnn.cross_entropy(h @ w.t(), minicnn.tensor(t))
            loss.backward()
            with minicnn.no_grad():
                for p in (w, k):
                    p -= 0.1 * p.grad
                    p.grad = None
            losses[i].append(loss.item())

    together(work)
    assert losses[0] == losses[1] == losses[2] == losses[3]
    assert losses[0][-1] < losses[0][0]


def test_views_of_one_tensor_taken_in_several_threads():
    base = minicnn.zeros(4, 100, requires_grad=True) * 1
    views = [[] for _ in range(4)]

    def work(i):
        for j in range(100):
            views[i].append(base[i, j : j + 1])

    together(work)
    base += 1  # every view follows
    for row in views:
        assert all(v.item() == 1.0 and "View" in repr(v.grad_fn) for v in row)
