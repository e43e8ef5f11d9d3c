"""Wrong gradients, planted on purpose in every op, must be caught: by differences, and by the definition."""

import numpy as np
import pytest

import minicnn
from minicnn.autograd.fused import Fused
from minicnn.testing import GradcheckError, gradcheck
from minicnn.testing.suite import every_function, is_fused, run
from minicnn.testing.teeth import FAULTS, LEAK, caught_by, faults_of, inputs_of, planted

OPS = {public.name: public for public in every_function() if public.op is not None}
STEPS = {"sign", "floor", "ceil", "trunc", "round", "floor_divide"}  # their gradient is 0 everywhere
CONSTANTS = {"dropout": [1], "cross_entropy": [1, 2, 3]}  # masks, labels and weights have no gradient


@pytest.mark.parametrize("name", OPS)
def test_every_fault_is_caught(name):
    public = OPS[name]
    planned = list(faults_of(public))
    inputs = {index for index, _ in planned}
    if not getattr(public.op, "differentiable", True):
        assert not planned
        return
    assert inputs == set(inputs_of(public.op)) - set(CONSTANTS.get(name, []))
    assert {fault for _, fault in planned} == ({LEAK} if name in STEPS else {*FAULTS, "one term dropped"})
    for index, fault in planned:
        caught = caught_by(public, index, fault)
        assert "first order" in caught, f"{name}: {fault} gradient for input {index} passes finite differences"
        if is_fused(public):
            assert "definition" in caught, f"{name}: {fault} gradient for input {index} passes the definition"


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
