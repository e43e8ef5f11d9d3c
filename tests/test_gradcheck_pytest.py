"""`assert_gradients`, as a function and as pytest's fixture in a project of one's own."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import minicnn
from minicnn import nn
from minicnn.errors import ParameterError
from minicnn.testing import GradcheckError, assert_gradients

ROOT = Path(__file__).parent.parent
PROJECT = """
import numpy as np
import minicnn

class Cube(minicnn.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x ** 3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * x * x  # 3 is missing

def test_right(assert_gradients):
    assert_gradients(minicnn.conv2d, [np.ones((1, 2, 4, 4)), np.ones((3, 2, 3, 3))], order=2)

def test_wrong(assert_gradients):
    assert_gradients(Cube.apply, np.array([0.5, -1.0]))

def test_without():
    pass
"""


def in_a_project(tmp_path, *words, code=PROJECT):
    (tmp_path / "test_mine.py").write_text(code, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    command = [sys.executable, *words, "-p", "pytest_minicnn", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    return subprocess.run(
        [*command, str(tmp_path)], capture_output=True, text=True, env=environment, cwd=tmp_path, check=False
    )


def test_the_fixture_in_a_project_of_ones_own(tmp_path):
    done = in_a_project(tmp_path, "-m", "pytest", "-q")
    assert done.returncode == 1
    assert "1 failed, 2 passed" in done.stdout
    assert "E       minicnn.testing.GradcheckError: Cube: the gradient of input 0 is wrong" in done.stdout
    assert ">       assert_gradients(Cube.apply, np.array([0.5, -1.0]))" in done.stdout
    assert "furthest off at element (1,) of (2,)" in done.stdout
    assert "to repeat: import minicnn, test_mine; minicnn.gradcheck(test_mine.Cube.apply, " in done.stdout
    assert "judge.py" not in done.stdout  # the traceback ends in the test
    assert "gradcheck.py" not in done.stdout


def test_the_repeating_line_works_in_that_project(tmp_path):
    done = in_a_project(tmp_path, "-m", "pytest", "-q")
    line = done.stdout.split("to repeat: ")[1].splitlines()[0]
    again = subprocess.run(
        [sys.executable, "-c", line],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])},
    )
    assert again.returncode == 1
    assert "GradcheckError: Cube: the gradient of input 0 is wrong" in again.stderr


def test_the_plugin_brings_nothing_until_it_is_used(tmp_path):
    code = "import sys\n\ndef test_without():\n    assert not [m for m in ('minicnn', 'numpy') if m in sys.modules]\n"
    done = in_a_project(tmp_path, "-m", "pytest", "-q", code=code)
    assert done.returncode == 0, done.stdout
    fixtures = in_a_project(tmp_path, "-m", "pytest", "--fixtures", "-q").stdout
    assert "assert_gradients" in fixtures


def test_the_entry_point_names_the_plugin():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["entry-points"]["pytest11"] == {"pytest_minicnn": "pytest_minicnn"}
    assert project["tool"]["setuptools"]["py-modules"] == ["pytest_minicnn"]
    assert (ROOT / "pytest_minicnn.py").is_file()


def test_arrays_become_float64_tensors_with_gradient():
    seen = []

    def function(x, index, scale):
        seen.append((x.dtype, x.requires_grad, index.dtype, scale))
        return x[index] * scale

    assert_gradients(function, [np.ones(3, np.float32), np.array([0, 2]), 2.0])
    assert set(seen) == {(minicnn.float64, True, minicnn.int64, 2.0)}
    assert_gradients(minicnn.tanh, np.float64(0.5))
    assert_gradients(minicnn.tanh, minicnn.tensor([0.5], dtype=minicnn.float64, requires_grad=True))


def test_modules_and_options():
    layer = nn.Linear(3, 2).double()
    assert_gradients(layer, np.ones((4, 3)))
    with pytest.raises(ParameterError, match="order expects 1 or 2, got 3"):
        assert_gradients(layer, np.ones((4, 3)), order=3)
    with pytest.raises(AssertionError, match="mine"):
        assert_gradients(lambda x: x.detach() * x, np.ones(3), name="mine")


def test_order_2_sees_what_order_1_does_not():
    class Once(minicnn.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 3 * (x * x).detach()

    assert_gradients(Once.apply, np.array([0.5, 2.0]), order=1)
    with pytest.raises(GradcheckError, match="gradient of Once"):
        assert_gradients(Once.apply, np.array([0.5, 2.0]), order=2)
