"""What the tests of writes in place share."""

from __future__ import annotations

import numpy as np
import pytest

import minicnn
from minicnn.autograd import Function
from minicnn.errors import MinicnnError

f64 = minicnn.float64


def leaf(*values: float) -> minicnn.Tensor:
    return minicnn.tensor(list(values), dtype=f64, requires_grad=True)


def close(actual: minicnn.Tensor, expected: object) -> None:
    assert actual is not None
    np.testing.assert_allclose(actual.detach().numpy(), np.asarray(expected), rtol=1e-12, atol=1e-12)


def refused(error: type[Exception], function, *words: str) -> None:
    """The call must raise that error, in three lines that name the op and a way out."""
    with pytest.raises(error) as caught:
        function()
    lines = str(caught.value).split("\n")
    assert len(lines) == 3
    assert lines[2].startswith("  Fix: ")
    assert isinstance(caught.value, MinicnnError)
    for word in words:
        assert word in str(caught.value)


class KeepsInput(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * x * 2


class KeepsOutput(Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y


def _setitem(t):
    t[0] = 0.5


def _view(t):
    t[1:].mul_(0.5)
