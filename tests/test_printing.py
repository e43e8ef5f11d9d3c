"""Tensors print as PyTorch's do."""

from __future__ import annotations

import pytest
from tensor_helpers import CASES

import minicnn

# ---- printing


@pytest.mark.parametrize(("call", "printed"), CASES, ids=[call for call, _ in CASES])
def test_printing(call, printed):
    names = {name: getattr(minicnn, name) for name in dir(minicnn) if not name.startswith("_")}
    assert repr(eval(call, {**names, "float": float})) == printed


@pytest.mark.peers
def test_the_table_of_printing_is_torchs():
    torch = pytest.importorskip("torch")
    names = {name: getattr(torch, name) for name in dir(torch) if not name.startswith("__")}
    for call, printed in CASES:
        assert repr(eval(call, {**names, "float": float})).replace("torch.", "") == printed


def test_str_and_format():
    x = minicnn.tensor([1.0, 2.0])
    assert str(x) == repr(x) == f"{x}" == "tensor([1., 2.])"
    assert f"{minicnn.tensor(3.14159):.2f}" == "3.14"
    assert f"{minicnn.tensor(7):>4d}" == "   7"
    assert f"{minicnn.tensor(3.5)}" == "3.5"
    assert f"{minicnn.tensor([3.5])}" == "tensor([3.5000])"
