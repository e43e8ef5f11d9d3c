"""What the tests of the tape share."""

from __future__ import annotations

import contextlib
import threading

import numpy as np
import pytest

import minicnn
from minicnn.autograd import Function
from minicnn.errors import MinicnnError

f64 = minicnn.float64


def leaf(*values: float) -> minicnn.Tensor:
    return minicnn.tensor(list(values), dtype=f64, requires_grad=True)


def close(actual: minicnn.Tensor, expected: object, tol: float = 1e-12) -> None:
    assert actual is not None
    np.testing.assert_allclose(actual.detach().numpy(), np.asarray(expected), rtol=tol, atol=tol)


def raises_in_three_lines(error: type[Exception], *words: str):
    """Expect an error whose message has the op and problem, what was got, and the fix."""

    @contextlib.contextmanager
    def expect():
        with pytest.raises(error) as caught:
            yield caught
        lines = str(caught.value).split("\n")
        assert len(lines) == 3, lines
        assert ": " in lines[0]
        assert lines[1].startswith("  ")
        assert lines[1].strip()
        assert lines[2].startswith("  Fix: ")
        assert isinstance(caught.value, MinicnnError)
        for word in words:
            assert word in str(caught.value)

    return expect()


class MulSub(Function):
    """Two outputs, a number among the arguments, one argument without a gradient."""

    @staticmethod
    def forward(ctx, x, y, factor, flag=None):
        ctx.save_for_backward(x, y)
        ctx.factor = factor
        return x * y * factor, x - y

    @staticmethod
    def backward(ctx, g_product, g_difference):
        x, y = ctx.saved_tensors
        return (
            g_product * y * ctx.factor + g_difference,
            g_product * x * ctx.factor - g_difference,
            None,
            None,
        )


class SavesInput(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x * x


class SavesOutput(Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y


def _in_small_stack(function):
    """Run in a thread with a small stack, so that recursion over the graph would fail."""
    failures = []

    def run():
        try:
            function()
        except BaseException as error:
            failures.append(error)

    before = threading.stack_size(512 * 1024)
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    if failures:
        raise failures[0]


class Twice(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 1.0

    @staticmethod
    def backward(ctx, g):
        return g


class Tripwire(Function):
    """The identity; its backward must not be reached."""

    @staticmethod
    def forward(ctx, x):
        return x * 1

    @staticmethod
    def backward(ctx, g):
        raise AssertionError("computed a gradient that nobody asked for")
