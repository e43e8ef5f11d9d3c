"""`minicnn gradcheck`: the table, its options, what a failure says, and samples at kinks."""

import re
import shlex
import subprocess
import sys

import numpy as np
import pytest

from minicnn.autograd.op import Public
from minicnn.autograd.sample import ErrorSample, Sample
from minicnn.cli import main
from minicnn.errors import ArgumentTypeError
from minicnn.testing import GradcheckError, NotDifferentiableError
from minicnn.testing.suite import CHECKS, every_function, run, samples_of
from minicnn.testing.teeth import planted

FUNCTIONS = {public.name: public for public in every_function()}


def test_the_table_has_both_orders_on_both_namespaces(capsys):
    assert main(["gradcheck", "conv2d", "--order", "2", "--seed", "7"]) == 0
    head, row, last = capsys.readouterr().out.splitlines()
    assert head.split()[4:] == ["first", "order", "second", "order", "strict", "first", "strict", "second"]
    cases = len(list(samples_of(FUNCTIONS["conv2d"], 7)))
    assert row.split()[:2] == ["conv2d", str(cases)]
    assert all(0 < float(worst) < 1e-6 for worst in row.split()[4:])
    assert re.fullmatch(
        rf"1 of 1 functions passed, {cases} cases, orders 1 and 2 on numpy and strict, \d+ s, seed 7", last
    )


def test_the_strict_checks_run_on_strict_arrays(monkeypatch):
    """A gradient that reaches for NumPy passes on NumPy, and fails on the device namespace at its own order."""
    op = FUNCTIONS["exp"].op
    right = op.gradients[0].function
    sample = next(iter(samples_of(FUNCTIONS["exp"], 0)))

    def reaching(g, out):
        result = right(g, out)
        np.add(g._array, 0.0)
        return result

    monkeypatch.setattr(op.gradients[0], "function", reaching)
    for name in ("first order", "second order"):
        CHECKS[name](FUNCTIONS["exp"], sample, 0)
    for name in ("strict first", "strict second"):
        with pytest.raises(TypeError, match="StrictArray"):
            CHECKS[name](FUNCTIONS["exp"], sample, 0)


@pytest.mark.parametrize("fault", ["scaled by 1%", "swapped axes"])
def test_the_command_that_a_failure_gives_repeats_it(capsys, fault):
    with planted(FUNCTIONS["layer_norm"].op, 0, fault):
        assert main(["gradcheck", "layer_norm", "--seed", "3"]) == 1
        first = capsys.readouterr().err
        for said in (
            "layer_norm(",
            "input 0",
            "furthest off at element",
            "backward",
            "step 6e-06",
            "float64",
            "seed 3",
        ):
            assert said in first
        command = first.strip().split("to repeat: ")[1]
        assert re.fullmatch(r"minicnn gradcheck layer_norm --seed 3 --case \d+ --order 1", command)
        assert main(shlex.split(command)[1:]) == 1
        assert capsys.readouterr().err.strip().splitlines() == first.strip().splitlines()
    assert main(shlex.split(command)[1:]) == 0
    assert ", 1 case, order 1 on numpy and strict," in capsys.readouterr().out


def test_the_other_checks_name_the_case_too(monkeypatch, capsys):
    right = FUNCTIONS["softmax"].op.forward
    monkeypatch.setattr(
        FUNCTIONS["softmax"].op,
        "forward",
        staticmethod(lambda be, x, **k: (right(be, x, **k)[0] * 1.001, right(be, x, **k)[1])),
    )
    public, sample = FUNCTIONS["softmax"], list(samples_of(FUNCTIONS["softmax"], 0))[1]
    with pytest.raises(GradcheckError, match=r"--seed 0 --case 2$"):
        CHECKS["definition"](public, sample, 0)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["conv9d"], 1, "conv2d"),
        (["conv2d", "--order", "3"], 2, "3 is none of 1, 2"),
        (["conv2d", "--order", "two"], 2, "order"),
        (["conv2d", "--seed", "-1"], 2, "whole number of at least 0"),
        (["conv2d", "--seed", "x"], 2, "seed"),
        (["conv2d", "--case", "0"], 2, "case"),
        (["conv2d", "--case", "1000"], 1, "has no case 1000"),
        (["--case", "1"], 2, "one function"),
        (["conv2d", "exp", "--case", "1"], 2, "one function"),
        (["conv2d", "--case", "1", "--teeth"], 2, "with --teeth"),
        (["conv2d", "--cases", "1"], 2, "did you mean --case?"),
    ],
)
def test_what_is_mistyped_is_answered(capsys, words, code, said):
    assert main(["gradcheck", *words]) == code
    printed = capsys.readouterr()
    assert said in printed.err
    assert len(printed.err.strip().splitlines()) == 3
    assert "Fix: " in printed.err
    assert not printed.out


def test_it_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "minicnn.testing", "tanh", "--case", "1"], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1].startswith("1 of 1 functions passed, 1 case, orders 1 and 2")


# ---- samples at kinks


def at_a_tie(rng):
    yield Sample(np.array([1.0, 1.0, -2.0]), np.array([1.0, 0.5, -3.0]))
    yield Sample(rng.normal(size=3), rng.normal(size=3))


def errors():
    yield ErrorSample(ArgumentTypeError, "maximum", "a", "b")


def test_a_sample_at_a_kink_is_counted_and_held_to_the_slopes_on_its_sides():
    maximum = FUNCTIONS["maximum"]
    public = Public(maximum.function, at_a_tie, maximum.errors, maximum.op)
    found = run(public)
    assert (found.cases, found.kinks) == (2, 1)
    tie = next(iter(at_a_tie(np.random.default_rng(0))))
    assert CHECKS["first order"](public, tie, 0) is None
    assert CHECKS["second order"](public, tie, 0) is None
    for fault in ("sign flipped", "zeroed"):
        with planted(maximum.op, 0, fault), pytest.raises(GradcheckError):
            _first_order_with_some_seed(public, tie)


def _first_order_with_some_seed(public, sample):
    for seed in range(5):
        CHECKS["first order"](public, sample, seed)


def test_a_sample_at_a_jump_is_refused():
    sign = FUNCTIONS["sign"]
    with pytest.raises(NotDifferentiableError, match="jumps"):
        CHECKS["first order"](sign, Sample(np.array([1.0, 0.0])), 0)
