"""The CuPy backend whole, on a machine made up: its kernels as C++, cuBLAS as loops, captures that do not run.

What is left to a real GPU is CUDA itself; the backend's own Python, in the order it is called there, is run here.
"""

import warnings

import fake_cupy
import numpy as np
import pytest
from cuda_shim import COMPILER, WHY_NOT, Kernel, launch, library
from gpu_helpers import OPTIMIZERS, network, train
from test_cupy_blas import library as blas_library  # noqa: F401

import minicnn
from minicnn import cuda
from minicnn.backend import get
from minicnn.backend.cupy import CupyBackend
from minicnn.backend.cupy.blas import Blas
from minicnn.backend.strict.recording import call

pytestmark = pytest.mark.skipif(COMPILER is None, reason=WHY_NOT)


@pytest.fixture
def machine(monkeypatch, blas_library):  # noqa: F811
    found = fake_cupy.Machine().install(monkeypatch, kernels=True)

    def compiled(self, file, names):
        made = library(launch.source(file), list(names))
        return {name: Kernel(made, i, name) for i, name in enumerate(names)}

    plain = Blas._call

    def noted(self, name, *args):
        run = (lambda *rest: plain(self, name, *rest)) if "gemm" in name else None
        return plain(self, name, *args) if run is None else call(run, args)

    monkeypatch.setattr(CupyBackend, "compile", compiled)
    monkeypatch.setattr(Blas, "_call", noted)
    get("cupy").blas._library = blas_library
    return found


@pytest.mark.parametrize("name", ["SGD", "AdamW"])
def test_it_trains_as_the_cpu_does(machine, name, same_masks):
    with minicnn.use("cupy"):
        found, weights, _ = train("cuda", OPTIMIZERS[name], 6, "float64")
    expected, same, _ = train("cpu", OPTIMIZERS[name], 6, "float64")
    assert found == pytest.approx(expected, rel=1e-9)
    for key, value in same.items():
        np.testing.assert_allclose(weights[key], value, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", ["SGD", "Adam amsgrad", "AdamW"])
def test_captured_steps_are_plain_steps(machine, name):
    from gpu.test_gpu_graph import SCHEDULES, losses_of

    def losses(graphed):
        with minicnn.use("cupy"):
            return losses_of("cuda", OPTIMIZERS[name], graphed, 7, SCHEDULES["OneCycleLR"])

    machine.log.clear()
    found, weights = losses(True)
    assert machine.log.count(("launch", "null")) == 5  # the first time, and four replays
    expected, same = losses(False)
    assert found == pytest.approx(expected, rel=1e-9)
    for a, b in zip(weights, same, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-10)


def test_the_loop_with_pinned_batches_and_a_captured_step(machine, same_masks):
    from minicnn import optim
    from minicnn.data import DataLoader, TensorDataset
    from minicnn.train import fit

    def rows(place):
        with minicnn.use("numpy"):
            minicnn.manual_seed(0)
            rng = np.random.default_rng(0)
            x, t = minicnn.tensor(rng.normal(size=(24, 1, 12, 12))), minicnn.tensor(rng.integers(0, 3, 24))
            model = network().double().to(place)
            loader = DataLoader(TensorDataset(x, t), 6, shuffle=True, seed=0, pin_memory=True)
            optimizer = optim.AdamW(model.parameters(), lr=1e-2)
            history = fit(model, loader, loader, optimizer, epochs=3, quiet=True, graph=place == "cuda")
        return [tuple(row)[1:5] for row in history.rows]

    machine.log.clear()
    found = rows("cuda")
    assert machine.log.count(("launch", "null")) == 3 * 4 - 3
    copies = machine.log.count(("copy", "other"))
    assert copies == 2 * 2 * 3 * 4  # two tensors a batch, of training and of validation
    np.testing.assert_allclose(found, rows("cpu"), rtol=1e-7)


@pytest.mark.parametrize(("kernel", "groups"), [(1, 1), (3, 1), (1, 2), (3, 2)])
def test_convolutions_make_no_lists_of_pointers(machine, kernel, groups):
    rng = np.random.default_rng(kernel)
    x, w = rng.normal(size=(3, 4, 12, 12)), rng.normal(size=(6, 4 // groups, kernel, kernel))
    cotangent = rng.normal(size=(3, 6, 13 - kernel, 13 - kernel))
    machine.log.clear()

    def run(place):
        a, b = (minicnn.tensor(v).to(place).requires_grad_() for v in (x, w))
        y = minicnn.nn.functional.conv2d(a, b, groups=groups)
        y.backward(minicnn.tensor(cotangent).to(place))
        return [v.detach().cpu().numpy() for v in (y, a.grad, b.grad)]

    for found, expected in zip(run("cuda"), run("cpu"), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    assert ("pointers", "null") not in machine.log


def test_a_block_records_and_does_not_do(machine):
    from gpu.test_gpu_graph import test_a_block_records_and_does_not_do as check

    with minicnn.use("cupy"):
        check("cuda")


def test_a_step_that_cannot_be_captured_says_so_once(machine):
    w = minicnn.ones(2).to("cuda")
    for arguments in ([], [minicnn.ones(2)]):
        step = cuda.graph(lambda *given: [x.to("cuda") * w for x in given], warmup=1)
        with pytest.warns(UserWarning, match="runs plainly and is not captured"):
            step(*arguments)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            step(*arguments)
        assert step.captures == 0
