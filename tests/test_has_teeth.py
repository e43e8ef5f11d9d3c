"""Wrong gradients, planted on purpose in every op, must be caught: by differences, and by the definition."""

import functools

import numpy as np
import pytest

import minicnn
from minicnn.autograd.fused import Fused
from minicnn.testing import GradcheckError, gradcheck
from minicnn.testing.suite import every_function, is_fused, run
from minicnn.testing.teeth import DROPPED, FAULTS, LEAK, SWAPPED, UNSUMMED, caught_by, faults_of, inputs_of, planted

OPS = {public.name: public for public in every_function() if public.op is not None}
STEPS = {"sign", "floor", "ceil", "trunc", "round", "floor_divide"}  # their gradient is 0 everywhere
CONSTANTS = {"dropout": [1], "cross_entropy": [1, 2, 3]}  # masks, labels and weights have no gradient


@pytest.mark.parametrize("name", OPS)
def test_every_fault_is_caught(name):
    public = OPS[name]
    planned = faults(name)
    inputs = {index for index, _ in planned}
    if not getattr(public.op, "differentiable", True):
        assert not planned
        return
    assert inputs == set(inputs_of(public.op)) - set(CONSTANTS.get(name, []))
    always = {LEAK} if name in STEPS else {*FAULTS, DROPPED}
    assert always <= {fault for _, fault in planned} <= always | {SWAPPED, UNSUMMED}
    for index, fault in planned:
        caught = caught_by(public, index, fault)
        assert "first order" in caught, f"{name}: {fault} gradient for input {index} passes finite differences"
        if is_fused(public):
            assert "definition" in caught, f"{name}: {fault} gradient for input {index} passes the definition"


# Where an input is shared by slices of the output: broadcast operands, biases, weights, and what a window reads.
SHARED = {
    "add": [0, 1],
    "mul": [0, 1],
    "div": [0, 1],
    "where": [1, 2],
    "matmul": [0, 1],
    "linear": [0, 1, 2],
    "conv2d": [0, 1, 2],
    "conv_transpose2d": [0, 1, 2],
    "batch_norm": [0, 1, 2, 3, 4],
    "layer_norm": [0, 1, 2],
    "expand": [0],
}
# A symmetric gradient; and one whose samples have a single axis that is not expanded.
WITHOUT_AXES = {"cholesky", "expand"}


@functools.cache
def faults(name):
    return list(faults_of(OPS[name]))


@pytest.mark.parametrize("name", SHARED)
def test_a_missing_sum_is_planted_where_an_input_is_shared(name):
    planned = [index for index, fault in faults(name) if fault == UNSUMMED]
    assert planned == SHARED[name]


def test_a_missing_sum_is_not_planted_where_nothing_is_summed():
    for name in ("exp", "relu", "permute", "flip"):
        assert (0, UNSUMMED) not in faults(name)


def test_most_ops_have_their_axes_swapped():
    swapped = {name for name in OPS if any(fault == SWAPPED for _, fault in faults(name))}
    without = {
        name
        for name, public in OPS.items()
        if name not in swapped and name not in STEPS and getattr(public.op, "differentiable", True)
    }
    assert without <= WITHOUT_AXES


@pytest.mark.parametrize("fault", [SWAPPED, UNSUMMED])
@pytest.mark.parametrize("name", ["mul", "conv2d"])
def test_a_planted_fault_changes_the_gradient_it_says_and_no_other(name, fault):
    public = OPS[name]
    shape = (2, 2, 3, 3)
    x = minicnn.tensor(np.random.default_rng(0).normal(size=shape), requires_grad=True)
    w = minicnn.tensor(np.random.default_rng(1).normal(size=(2, 2, 1, 1)), requires_grad=True)

    def grads():
        y = public.function(x, w)
        u = minicnn.tensor(np.random.default_rng(2).normal(size=y.shape))
        return [g.numpy() for g in minicnn.autograd.grad(y, (x, w), u)]

    right = grads()
    with planted(public.op, 1, fault):
        wrong = grads()
    np.testing.assert_array_equal(right[0], wrong[0])
    assert right[1].shape == wrong[1].shape
    assert not np.allclose(right[1], wrong[1])
    for a, b in zip(right, grads(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", [name for name, public in OPS.items() if is_fused(public)])
def test_one_percent_in_a_fused_op_fails_the_suite(name):
    public = OPS[name]
    assert issubclass(public.op, Fused)
    run(public)
    with planted(public.op, 0, "scaled by 1%"), pytest.raises(GradcheckError, match=name):
        run(public)
    run(public)  # and passes again once the fault is gone


def test_a_cotangent_of_ones_would_pass_a_zeroed_softmax():
    """Why cotangents are random: softmax outputs sum to 1, so their sum has no gradient to get wrong."""
    x = minicnn.tensor(np.random.default_rng(0).normal(size=(2, 3)), requires_grad=True)
    with planted(OPS["softmax"].op, 0, "zeroed"):
        assert gradcheck(lambda x: minicnn.softmax(x, 1).sum(), x)
        with pytest.raises(GradcheckError):
            gradcheck(lambda x: minicnn.softmax(x, 1), x)


def test_strict_namespace_refuses_what_a_device_refuses():
    from minicnn.backend import get

    be = get("strict")
    x = be.xp.zeros((2, 3))
    with pytest.raises(TypeError, match="Implicit conversion"):
        np.asarray(x)
    with pytest.raises(TypeError, match="Unsupported type"):
        x + np.ones(3)
    with pytest.raises(TypeError, match="Unsupported type"):
        be.xp.add(x, np.ones(3))
    for missing in ("errstate", "nditer", "insert", "einsum_path", "block"):
        with pytest.raises(AttributeError, match=missing):
            getattr(be.xp, missing)
    assert isinstance(be.xp.sum(x), be.array_type)
    assert isinstance(x.sum(), be.array_type)
    assert x[0].base is x


def test_suite_runs_on_strict_arrays(monkeypatch):
    """The check would notice a kernel that reaches for NumPy: here is one."""
    op = OPS["exp"].op
    right = op.forward
    monkeypatch.setattr(op, "forward", staticmethod(lambda be, x: np.exp(x)))
    with pytest.raises((TypeError, GradcheckError)):
        run(OPS["exp"])
    monkeypatch.setattr(op, "forward", staticmethod(right))
    run(OPS["exp"])
