"""The switch: by name, by environment, by device; what is missing is an error that says so."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import minicnn
from minicnn.backend import backend_of, current, get, to_numpy
from minicnn.backend.cupy import why_not
from minicnn.errors import BackendError
from minicnn.testing.suite import host

no_gpu = pytest.mark.skipif(why_not() is None, reason="this machine has a GPU")


def test_scoped_switch_comes_back():
    before = current()
    with minicnn.use("strict") as be:
        assert be is current() is get("strict")
        x = minicnn.ones(2)
        assert x.device.type == "strict"
        with minicnn.use("numpy"):
            assert minicnn.ones(2).device.type == "cpu"
        assert minicnn.ones(2).device.type == "strict"
    assert current() is before
    assert backend_of(x._array) is get("strict")


def test_switch_comes_back_after_an_error():
    before = current()
    with pytest.raises(ZeroDivisionError), minicnn.use("strict"):
        _ = 1 / 0
    assert current() is before


def test_switch_stays_without_a_block():
    minicnn.use("strict")
    try:
        assert minicnn.zeros(1).device.type == "strict"
    finally:
        minicnn.use("numpy")
    assert minicnn.zeros(1).device.type == "cpu"


def test_blocks_of_several_threads_do_not_meet():
    inside, leave = threading.Event(), threading.Event()
    seen = []

    def other():
        with minicnn.use("strict"):
            inside.set()
            leave.wait(10)
            seen.append(current().name)

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(10)
    assert current().name == "numpy"
    with minicnn.use("numpy"):
        leave.set()
        thread.join()
    assert seen == ["strict"]
    assert current().name == "numpy"


def test_environment_sets_the_backend():
    code = "import minicnn; print(minicnn.zeros(2).device.type)"
    for name, device in (("strict", "strict"), ("numpy", "cpu")):
        done = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "MINICNN_BACKEND": name}, capture_output=True, text=True
        )
        assert done.stdout.strip() == device, done.stderr


def test_unknown_names_are_listed():
    with pytest.raises(BackendError) as error:
        minicnn.use("jax")
    assert "'jax'" in str(error.value)
    assert "numpy, cupy" in str(error.value)
    with pytest.raises(BackendError, match="tpu"):
        minicnn.device("tpu")
    with pytest.raises(BackendError, match="tpu"):
        minicnn.zeros(1).to("tpu")


def test_a_wrong_environment_is_named():
    code = "import minicnn\ntry: minicnn.zeros(2)\nexcept minicnn.errors.BackendError as e: print(e)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "MINICNN_BACKEND": "jax"}, capture_output=True, text=True
    )
    assert "MINICNN_BACKEND=jax" in done.stdout
    assert len(done.stdout.splitlines()) == 3


@no_gpu
@pytest.mark.parametrize("ask", [lambda: minicnn.use("cupy"), lambda: minicnn.ones(2, device="cuda"),
                                 lambda: minicnn.ones(2).cuda(), lambda: minicnn.ones(2).to("cuda:0")])  # fmt: skip
def test_a_missing_gpu_is_an_error_with_its_cause(ask):
    before = current()
    with pytest.raises(BackendError) as error:
        ask()
    lines = str(error.value).splitlines()
    assert len(lines) == 3
    cause, _, found = why_not().partition(" (")
    assert cause in lines[0]
    assert found[:-1] in lines[1]
    assert "pip install" in lines[2]
    assert current() is before
    assert minicnn.use("auto").backend.name == "numpy"
    assert not minicnn.cuda.is_available()
    assert minicnn.cuda.device_count() == 0


def test_tensors_move_and_gradients_come_back():
    x = minicnn.tensor([1.0, 2.0], requires_grad=True)
    y = (x.to("strict") * 3).sum()
    assert y.device.type == "strict"
    y.backward()
    assert x.grad.device.type == "cpu"
    np.testing.assert_array_equal(x.grad.numpy(), [3.0, 3.0])
    np.testing.assert_array_equal(to_numpy(x.to("strict")._array), [1.0, 2.0])


def test_two_devices_in_one_op_is_an_error():
    x, y = minicnn.ones(2), minicnn.ones(2).to("strict")
    for op in (lambda: x + y, lambda: y * x, lambda: minicnn.matmul(x, y), lambda: minicnn.cat([x, y]),
               lambda: minicnn.where(x > 0, y, y)):  # fmt: skip
        with pytest.raises(BackendError) as error:
            op()
        assert "one device" in str(error.value)
        assert "strict" in str(error.value)


def test_a_convolutional_network_trains_alike_on_strict_arrays(cpu_kernels, same_masks):
    """A training step, forward to weights, on arrays that behave as a device's, equals NumPy's by the same kernels."""
    from minicnn import nn

    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(3, 8, 1, 12, 12)).astype("float32"), rng.integers(0, 3, (3, 8))
    losses, weights = {}, {}
    for name in ("numpy", "strict"):
        with minicnn.use(name):
            minicnn.manual_seed(0)
            model = nn.Sequential(
                nn.Conv2d(1, 4, 3, padding=1),
                nn.BatchNorm2d(4),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Conv2d(4, 6, 3, padding="same", padding_mode="reflect"),
                nn.Tanh(),
                nn.AvgPool2d(2),
                nn.Flatten(),
                nn.Dropout(0.25),
                nn.Linear(54, 8),
                nn.LayerNorm(8),
                nn.Linear(8, 3),
            )
            optimizers = [
                minicnn.optim.AdamW(model.parameters(), lr=1e-2),
                minicnn.optim.SGD(model.parameters(), lr=1e-2, momentum=0.9, nesterov=True, weight_decay=1e-3),
            ]
            losses[name] = []
            for step, (x, t) in enumerate(zip(images, labels, strict=True)):
                loss = nn.CrossEntropyLoss(label_smoothing=0.1)(model(minicnn.tensor(x)), minicnn.tensor(t))
                model.zero_grad()
                loss.backward()
                optimizers[step % 2].step()
                losses[name].append(loss.item())
            assert loss.device.type == ("cpu" if name == "numpy" else "strict")
            weights[name] = [host(p) for p in model.parameters()]
    assert losses["numpy"] == pytest.approx(losses["strict"], rel=1e-5)
    assert len(set(losses["numpy"])) == 3
    if cpu_kernels == "plain":
        assert losses["numpy"] == losses["strict"]
        for a, b in zip(weights["numpy"], weights["strict"], strict=True):
            np.testing.assert_array_equal(a, b)
