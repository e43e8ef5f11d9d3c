"""Every function on a device: NumPy's values and gradients, by kernel and by definition, and finite differences.

On the strict namespace the ordinary suite does this for all functions (test_every_op.py); here it does for some, so
that what runs on a GPU is known to run.
"""

from pathlib import Path

import numpy as np
import pytest

import minicnn
from minicnn.autograd import by_definition
from minicnn.backend.device import BACKENDS
from minicnn.testing.orders import check_first_order, check_second_order
from minicnn.testing.suite import Call, compare, every_function, samples_of, value_and_grads

FUNCTIONS = {public.name: public for public in every_function()}
FEW = {
    "conv2d",
    "max_pool2d",
    "batch_norm",
    "layer_norm",
    "cross_entropy",
    "dropout",
    "softmax",
    "getitem",
    "embedding",
}
TOLERANCE = 1e-9


def known_differences():
    """Return what the text file says: by name, the tolerance (None: not compared)."""
    found = {}
    for line in Path(__file__).with_name("differences.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, reason = line.split(": ", 1)
            name, _, tolerance = name.partition(" ~ ")
            assert reason.endswith(".")
            found[name] = float(tolerance) if tolerance else None
    return found


DIFFERENCES = known_differences()


def test_differences_are_of_functions():
    assert DIFFERENCES.keys() <= FUNCTIONS.keys()
    assert FUNCTIONS.keys() >= FEW


def cases(request, device, name):
    """Return the samples of a function, or skip those that the ordinary suite has."""
    if name in DIFFERENCES and DIFFERENCES[name] is None:
        pytest.skip("A known difference: see differences.txt.")
    return list(samples_of(FUNCTIONS[name], 0))


def pytest_generate_tests(metafunc):
    if "name" in metafunc.fixturenames:
        marked = [name if name in FEW else pytest.param(name, marks=pytest.mark.gpu) for name in FUNCTIONS]
        metafunc.parametrize("name", marked)


def test_values_and_gradients_are_numpys(request, device, name):
    for sample in cases(request, device, name):
        public = FUNCTIONS[name]
        with minicnn.use("numpy"):
            expected = value_and_grads(Call(public, sample), 0)
        found = value_and_grads(Call(public, sample), 0)
        with by_definition():
            plain = value_and_grads(Call(public, sample), 0)
        for way, result in (("kernel", found), ("definition", plain)):
            mismatch = compare(result, expected)
            assert mismatch.error <= DIFFERENCES.get(name, TOLERANCE), f"{way}: {name}{sample}: {mismatch}"


def test_gradients_are_finite_differences(request, device, name):
    assert minicnn.ones(1).device.type == device
    for sample in cases(request, device, name):
        check_first_order(FUNCTIONS[name], sample, 0)
        check_second_order(FUNCTIONS[name], sample, 0)


def test_single_precision_is_near_double(request, device, name):
    """Kernels of float32, which are other kernels on a GPU: within what rounding explains."""
    from minicnn.testing.precision import check_single

    for sample in cases(request, device, name):
        error = check_single(FUNCTIONS[name], sample, 0)
        assert error is None or error <= 1


def test_the_comparison_can_fail(device):
    public = FUNCTIONS["exp"]
    sample = next(iter(samples_of(public, 0)))
    outputs, grads = value_and_grads(Call(public, sample), 0)
    assert compare((outputs, grads), (outputs, grads)).error == 0
    assert compare((outputs, [g * (1 + 1e-6) for g in grads]), (outputs, grads)).error > TOLERANCE
    assert BACKENDS[device] == minicnn.backend.current().name
    assert np.isfinite(outputs[0]).all()
