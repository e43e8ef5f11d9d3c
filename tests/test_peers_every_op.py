"""Against PyTorch: every public function, 100 calls drawn at random, values and gradients, in float64 to 1e-9.

Drawers are in `drawn/`, what differs on purpose in `peers_differences.txt`. For other calls, or more of them:

    PEERS_SEED=7 PEERS_DRAWS=1000 pytest -m peers tests/test_peers_every_op.py -k conv2d
"""

from __future__ import annotations

import os
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from drawn import find_drawers, laid_out
from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture.engine import ConjectureRunner
from peers_helpers import agree, find, run_one, torch

import minicnn
from minicnn.errors import MinicnnError
from minicnn.testing import teeth
from minicnn.testing.suite import every_function

pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),  # NumPy's, where infinities and NaN are drawn
]

SEED = int(os.environ.get("PEERS_SEED", "0"))
DRAWS = int(os.environ.get("PEERS_DRAWS", "100"))
TOLERANCE = 1e-9
REFUSALS = (RuntimeError, ValueError, TypeError, IndexError, AssertionError)  # of PyTorch, for what it does not take

FUNCTIONS = {public.name: public for public in every_function()}
DRAWERS = find_drawers()
LINE = re.compile(r"(?P<name>\w+)(?: ~ (?P<tolerance>[\d.e-]+)| \((?P<arguments>[^:]+)\))?: (?P<reason>.+)")
DIFFERENCES = [
    LINE.fullmatch(line) or pytest.fail(f"peers_differences.txt: {line}")
    for line in (Path(__file__).parent / "peers_differences.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
APART = {m["name"]: m["reason"] for m in DIFFERENCES if not m["tolerance"] and not m["arguments"]}
LOOSER = {m["name"]: (float(m["tolerance"]), m["reason"]) for m in DIFFERENCES if m["tolerance"]}


@dataclass
class Tally:
    """How the draws of one function went."""

    compared: int = 0
    gradients: int = 0
    refused: int = 0


def outcome(function, lib, call, lay_out, errors):
    """Return outputs and gradients, or the error that the call raises."""
    try:
        return run_one(function, lib, call.args, call.kwargs, lay_out=lay_out, changed=call.changed)
    except errors as error:
        return error


def compare_one(public, draw, tally):
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    call = DRAWERS[public.name](draw, rng, public.name)
    mine = outcome(call.mine or public.function, minicnn, call, lambda a: laid_out(rng, a), MinicnnError)
    theirs = outcome(call.theirs or find(public.name), torch, call, None, REFUSALS)
    if isinstance(mine, Exception) or isinstance(theirs, Exception):
        both = isinstance(mine, Exception) and isinstance(theirs, Exception)
        assert both, f"{public.name}{call}\nminicnn: {mine!r:.300}\nPyTorch: {theirs!r:.300}"
        tally.refused += 1
        return
    if not call.gradient:
        mine, theirs = (mine[0], []), (theirs[0], [])
    try:
        agree(mine, theirs, LOOSER.get(public.name, (TOLERANCE, ""))[0])
    except AssertionError as error:
        raise AssertionError(f"{public.name}{call}\n{error}") from None
    tally.compared += 1
    tally.gradients += any(g is not None and g.size for g in theirs[1])


def compare_drawn(name, draws=DRAWS, phases=(Phase.generate, Phase.shrink)):
    """Compare a function's drawn calls; return how they went."""
    tally = Tally()

    @seed(zlib.crc32(name.encode()) + SEED)
    @settings(max_examples=draws, phases=phases, report_multiple_bugs=False)
    @given(st.data())
    def agrees(data):
        compare_one(FUNCTIONS[name], data.draw, tally)

    with pytest.MonkeyPatch.context() as patch:
        # Hypothesis follows each draw by five that repeat parts of it: most calls would be nearly the same as others.
        patch.setattr(ConjectureRunner, "generate_mutations_from", lambda self, data: None)
        agrees()
    return tally


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in APART])
def test_agrees_with_pytorch(name):
    assert name in DRAWERS, f"{name} has no drawer in tests/drawn, and no line in tests/peers_differences.txt"
    tally = compare_drawn(name)
    if name in LOOSER:
        print(f"{name} to {LOOSER[name][0]:g}: {LOOSER[name][1]}")
    assert tally.compared + tally.refused >= DRAWS, tally
    assert tally.compared >= DRAWS * 0.6, f"{name}: too few of the draws are calls that PyTorch takes: {tally}"
    assert tally.gradients >= DRAWS * 0.2 or not differentiable(name), f"{name}: too few gradients: {tally}"


def differentiable(name):
    """Whether PyTorch's function has a gradient for floats: whether one of its samples has."""
    for sample in FUNCTIONS[name].samples(np.random.default_rng(0)):
        try:
            _, grads = run_one(find(name) or FUNCTIONS[name].function, torch, sample.args, sample.kwargs)
        except REFUSALS:
            continue
        if any(g is not None for g in grads):
            return True
    return False


def test_the_list_of_differences_is_of_functions_that_there_are():
    assert {m["name"] for m in DIFFERENCES} <= set(FUNCTIONS)
    assert not set(APART) & set(DRAWERS)
    assert set(DRAWERS) <= set(FUNCTIONS)


# ---- the comparison bites

ERROR = 1e-6  # relative

BITTEN = [
    name
    for name in (
        "add", "div", "maximum", "exp", "sin", "erf", "tanh", "floor", "sum", "amax", "cumsum", "reshape",
        "permute", "getitem", "index_put", "cat", "where", "matmul", "linear", "pad", "softmax", "log_softmax",
        "conv2d", "conv_transpose2d", "max_pool2d", "avg_pool2d", "batch_norm", "layer_norm", "cross_entropy",
    )
    if name in DRAWERS
]  # fmt: skip


def bitten(name):
    with pytest.raises(AssertionError, match=name):
        compare_drawn(name, phases=[Phase.generate])


@pytest.mark.parametrize("name", BITTEN)
def test_an_error_of_a_millionth_in_the_value_is_caught(name, monkeypatch):
    op = FUNCTIONS[name].op
    right = op.forward
    monkeypatch.setattr(op, "forward", staticmethod(lambda *a, **k: _scaled(right(*a, **k))))
    bitten(name)


def _scaled(result):
    """Return what a forward does with its first array scaled: a fused op's is ((outputs), saved)."""
    return (_scaled(result[0]), *result[1:]) if isinstance(result, tuple) else result * (1 + ERROR)


COMPARED = {"cross_entropy": [0], "batch_norm": [0, 1, 2]}  # PyTorch's labels and running statistics have no gradient


@pytest.mark.parametrize("name", [name for name in BITTEN if FUNCTIONS[name].op and name != "floor"])
def test_an_error_of_a_millionth_in_the_gradient_is_caught(name, monkeypatch):
    monkeypatch.setitem(teeth.FAULTS, "a millionth", lambda d: d * (1 + ERROR))
    op = FUNCTIONS[name].op
    for index in COMPARED.get(name, teeth.inputs_of(op)):
        with teeth.planted(op, index, "a millionth"):
            bitten(name)
