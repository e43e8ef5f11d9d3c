"""What the programs that run under PyTorch and under minicnn share."""

from __future__ import annotations

import numpy as np
import pytest
from peers_helpers import torch

import minicnn
import minicnn.autograd.functional
import minicnn.nn
import minicnn.utils.checkpoint


def plain(value):
    """Return numbers, strings and lists of them, from tensors of either library."""
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    if hasattr(value, "detach"):
        return np.asarray(value.detach().numpy(), dtype="float64").round(12).tolist()
    return value


def tried(function):
    """Return what a call returns, or which of Python's own errors it raises."""
    try:
        return function()
    except Exception as error:
        return next(c.__name__ for c in type(error).__mro__ if c.__module__ == "builtins")


def leaf(lib, *values):
    return lib.tensor(values, dtype=lib.float64, requires_grad=True)


def says_the_same(*programs):
    """Return a test of programs: functions of the library that return what is compared."""

    @pytest.mark.parametrize("function", programs, ids=lambda f: f.__name__)
    def test(function):
        assert plain(function(minicnn)) == plain(function(torch))

    return test
