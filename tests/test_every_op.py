"""Every registered function, on each of its samples, through every check of the suite."""

import subprocess
import sys

import numpy as np
import pytest
import tally

import minicnn
from minicnn.cli import main
from minicnn.testing.call import Call
from minicnn.testing.suite import CHECKS, check_errors, every_function, samples_of
from minicnn.testing.teeth import planted

FUNCTIONS = {public.name: public for public in every_function()}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_check(name, check):
    public = FUNCTIONS[name]
    for sample in samples_of(public, seed=0):
        CHECKS[check](public, sample, 0)
        tally.strict[name] += check == "strict"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_error_samples(name):
    assert check_errors(FUNCTIONS[name]) > 0


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_other_seeds_pass_too(name, seed):
    public = FUNCTIONS[name]
    for sample in samples_of(public, seed):
        CHECKS["first order"](public, sample, seed)
        CHECKS["definition"](public, sample, seed)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_computed_without_recording_is_what_is_recorded(name):
    for sample in samples_of(FUNCTIONS[name], seed=0):
        for dtype, tolerance in (("float64", 1e-14), ("float32", 2e-6)):
            recorded = Call(FUNCTIONS[name], sample, dtype).run()
            with minicnn.no_grad():
                plain = Call(FUNCTIONS[name], sample, dtype).run()
            for x, y in zip(recorded, plain, strict=True):
                assert x.dtype == y.dtype
                expected = x.detach().numpy()
                scale = np.max(np.abs(expected), initial=0, where=np.isfinite(expected))
                np.testing.assert_allclose(y.detach().numpy(), expected, rtol=0, atol=tolerance * scale)


def test_samples_repeat():
    for public in FUNCTIONS.values():
        first, second = (list(samples_of(public, 5)) for _ in range(2))
        assert [repr(s) for s in first] == [repr(s) for s in second]
        for a, b in zip(first, second, strict=True):
            for x, y in zip(a.args, b.args, strict=True):
                if isinstance(x, np.ndarray):
                    np.testing.assert_array_equal(x, y)


def test_differentiable_functions_have_float_and_empty_samples():
    empty = 0
    for public in FUNCTIONS.values():
        arrays = [a for s in samples_of(public, 0) for a in s.args if isinstance(a, np.ndarray)]
        empty += any(a.size == 0 for a in arrays)
    assert empty > len(FUNCTIONS) / 3


def test_command_prints_a_row_a_function():
    done = subprocess.run(
        [sys.executable, "-m", "minicnn.testing", "conv2d", "exp"], capture_output=True, text=True, check=True
    )
    rows = done.stdout.splitlines()
    assert [row.split()[0] for row in rows] == ["function", "conv2d", "exp", "2"]
    assert "first order" in rows[0]
    assert "second order" in rows[0]
    assert "definition" in rows[0]


def test_command_checks_orders_and_teeth(capsys):
    assert main(["gradcheck", "exp", "--order", "1", "--seed", "7"]) == 0
    printed = capsys.readouterr().out
    assert "first order" in printed
    assert "second order" not in printed
    assert "seed 7" in printed
    assert main(["gradcheck", "mul", "softmax", "--teeth"]) == 0
    printed = capsys.readouterr().out
    assert "18 of 18 planted faults caught in 2 ops" in printed
    assert "swapped axes: 3 of 3 caught" in printed
    assert "missing sum: 3 of 3 caught" in printed


def test_command_fails_where_a_gradient_is_wrong(capsys):
    with planted(FUNCTIONS["softmax"].op, 0, "scaled by 1%"):
        assert main(["gradcheck", "softmax"]) == 1
    printed = capsys.readouterr()
    assert "softmax FAILED" in printed.out
    assert "0 of 1 functions passed" in printed.out
    assert "gradient of input 0 is wrong" in printed.err


def test_command_names_an_unknown_function():
    done = subprocess.run([sys.executable, "-m", "minicnn.testing", "conv9d"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "'conv9d'" in done.stderr
    assert "conv2d" in done.stderr
    assert "Fix" in done.stderr
    assert "Traceback" not in done.stderr
