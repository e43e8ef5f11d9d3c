"""Several threads at once: gradients add up, views keep their histories; kernels share out their work, and never hang.

What might hang runs in a process of its own, which a time limit ends.
"""

import hashlib
import itertools
import multiprocessing
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import minicnn
from minicnn import nn
from minicnn.backend import threads
from minicnn.backend.numpy import product, rows
from minicnn.data import DataLoader
from minicnn.errors import ParameterError

HERE = Path(__file__).parent
TIMEOUT = 60  # seconds, of what takes two


def in_a_process(call):
    """Run a call of this module's in a new process; return what it printed."""
    code = f"import test_threads; print(test_threads.{call})"
    done = subprocess.run([sys.executable, "-c", code], cwd=HERE, capture_output=True, text=True, timeout=TIMEOUT)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def blas_threads():
    return max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")


@pytest.fixture
def two_threads():
    before = minicnn.get_num_threads()
    minicnn.set_num_threads(2)
    yield
    minicnn.set_num_threads(before)


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
            assert blas_threads() == n
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


# ---- how many threads


def count_after_a_product(n):
    minicnn.ones(n, n) @ minicnn.ones(n, n)
    return minicnn.get_num_threads(), blas_threads()


@pytest.mark.parametrize("n", [8, 100, 300])  # left to BLAS, alone with one thread of it, shared out
def test_a_first_product_does_not_change_how_many_threads_there_are(n):
    """The number is BLAS's own until it is set: not the one thread that BLAS is held to meanwhile."""
    expected = in_a_process("blas_threads()")
    assert in_a_process(f"count_after_a_product({n})") == f"({expected}, {expected})"


def threads_of_a_kernel(n):
    """Set the number and run blocks, in another thread than ever before; return how many took them, and BLAS's."""
    minicnn.set_num_threads(3)
    side_by_side, seen = threading.Barrier(n), set()

    def block(i):
        if i < n:
            side_by_side.wait(20)  # each of n threads has one
        seen.add((threading.get_ident(), blas_threads()))

    def kernel(_):
        minicnn.set_num_threads(n)
        threads.run(block, range(10 * n))

    together(kernel, 1)
    return len(seen), {blas for _, blas in seen}, blas_threads()


@pytest.mark.parametrize("n", [1, 2, 4])
def test_a_kernel_takes_the_threads_that_are_set(n):
    assert in_a_process(f"threads_of_a_kernel({n})") == f"({n}, {{1}}, {n})"


@pytest.mark.parametrize(("shape", "kernel"), [((7, 96), (96, 301)), ((301, 96), (96, 7))])
def test_a_product_is_whole_when_another_thread_sets_the_number_meanwhile(monkeypatch, shape, kernel):
    monkeypatch.setattr(product, "SINGLE", 0)
    monkeypatch.setattr(product, "LARGE", 0)
    numbers = iter([4, 4, *[1] * 100])
    monkeypatch.setattr(product, "get_num_threads", lambda: next(numbers))
    np.testing.assert_array_equal(product.matmul(np.ones(shape), np.ones(kernel)), 96.0)


def test_a_weight_gradient_is_whole_when_another_thread_sets_the_number_meanwhile(monkeypatch):
    rng = np.random.default_rng(0)
    grad, x, moves = *rng.normal(size=(2, 2, 16, 9, 9)), rows.Geometry((1, 1), ((1, 1), (1, 1)), (1, 1))
    monkeypatch.setattr(rows, "CACHE", 1)  # a block a place
    expected = rows.weight_grad(grad, x, (16, 16, 3, 3), moves)
    numbers = itertools.cycle((2, 3, 1))
    monkeypatch.setattr(rows, "get_num_threads", lambda: next(numbers))
    np.testing.assert_allclose(rows.weight_grad(grad, x, (16, 16, 3, 3), moves), expected, atol=1e-10)


# ---- training


def train(seed, steps=3):
    """Train a small network whose kernels share out their work; return its losses and weights, as bytes."""
    rng = np.random.default_rng(seed)

    shapes = (16, 3, 3, 3), (32, 16, 3, 3), (32, 32, 3, 3), (10, 512), (32,), (32,)
    drawn = (rng.normal(size=shape).astype("float32") * 0.1 for shape in shapes)
    weights = first, second, third, last, scale, shift = [minicnn.tensor(a, requires_grad=True) for a in drawn]
    optimizer = minicnn.optim.SGD(weights, lr=0.1, momentum=0.9)
    x, t = rng.normal(size=(16, 3, 16, 16)).astype("float32"), rng.integers(0, 10, 16)
    losses = []
    for _ in range(steps):
        h = minicnn.conv2d(minicnn.tensor(x), first, padding=1).relu()
        h = minicnn.conv2d(h, second, padding=1)
        h = nn.functional.batch_norm(h, None, None, scale, shift, training=True).relu()
        h = nn.functional.max_pool2d(h, 2)
        h = minicnn.conv2d(h, third, stride=2, padding=1).flatten(1)
        loss = minicnn.cross_entropy(h @ last.t(), minicnn.tensor(t))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.isfinite(losses).all()
    return np.array(losses).tobytes() + b"".join(w.detach().numpy().tobytes() for w in weights)


def train_side_by_side(n):
    """Whether four networks come out alike, trained one after another and all at once."""
    minicnn.set_num_threads(n)
    expected, found = [train(seed) for seed in range(4)], [b""] * 4

    def one(i):
        found[i] = train(i)

    together(one)
    return found == expected and len(set(expected)) == 4


@pytest.mark.parametrize("n", [1, 2, 4])
def test_networks_trained_side_by_side_come_out_as_one_after_another(n):
    assert in_a_process(f"train_side_by_side({n})") == "True"


def digest(n):
    minicnn.set_num_threads(n)
    return hashlib.sha256(train(0)).hexdigest()


def test_results_are_the_same_from_run_to_run():
    assert in_a_process("digest(2)") == in_a_process("digest(2)")


def train_while_the_number_changes():
    """Train in one thread while another sets the number of threads; whether the losses are nearly the same."""
    expected, found, stop, numbers = train(0), [], threading.Event(), itertools.cycle((1, 2, 3, 4))

    def one(i):
        try:
            if i == 0:
                found.extend(train(0) for _ in range(10))
            while i == 1 and not stop.wait(0.001):
                minicnn.set_num_threads(next(numbers))
        finally:
            stop.set()

    together(one, 2)
    losses = [np.frombuffer(data[:24]) for data in (expected, *found)]
    return float(np.ptp(losses, axis=0).max()) < 1e-4


def test_the_number_may_be_set_while_kernels_run():
    assert in_a_process("train_while_the_number_changes()") == "True"


# ---- processes


def train_in_forked_children():
    """Whether children, forked when the pool is warm, have threads of their own, and train as their parent does."""
    minicnn.set_num_threads(2)
    expected, found, both = train(0), [], threading.Barrier(2)
    for _ in range(2):
        here, there = multiprocessing.Pipe()

        def work(end=there):
            threads.run(lambda _: both.wait(5), range(2))
            end.send_bytes(train(0))

        child = multiprocessing.get_context("fork").Process(target=work)
        child.start()
        there.close()  # so that the end of a child ends the waiting for it
        found.append(here.recv_bytes())
        child.join()
    return found == [expected] * 2 and train(0) == expected  # the parent still has its threads


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_trains_as_its_parent():
    assert in_a_process("train_in_forked_children()") == "True"


# ---- data loaders


class Blurred:
    """A dataset that convolves each image when it is asked for."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.images = minicnn.tensor(rng.normal(size=(12, 1, 16, 32, 32)).astype("float32"))
        self.kernel = minicnn.tensor(rng.normal(size=(16, 16, 3, 3)).astype("float32"))

    def __len__(self):
        return 12

    def __getitem__(self, i):
        return minicnn.conv2d(self.images[i], self.kernel, padding=1)[0]


def load_while_training(n):
    """Whether workers that convolve give the batches that the loop itself does, the loop training meanwhile."""
    minicnn.set_num_threads(n)
    expected, weights = [batch.numpy() for batch in DataLoader(Blurred(), batch_size=4)], train(0)
    loader = DataLoader(Blurred(), batch_size=4, num_workers=2)
    found = [(train(0), batch.numpy()) for batch in loader]
    return [data for data, _ in found] == [weights] * 3 and np.array_equal([b for _, b in found], expected)


@pytest.mark.parametrize("n", [1, 2])
def test_workers_of_a_data_loader_convolve(n):
    assert in_a_process(f"load_while_training({n})") == "True"
