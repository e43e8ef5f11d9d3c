"""Anomaly detection names the op, the output and the line; errors in backward say where they happened."""

from __future__ import annotations

import inspect
import threading

import numpy as np
import pytest
from tape_helpers import MulSub, close, leaf, raises_in_three_lines

import minicnn
from minicnn import autograd, nn
from minicnn.autograd import Function, detect_anomaly, set_detect_anomaly
from minicnn.autograd.anomaly_mode import anomaly, is_anomaly_check_nan_enabled, is_anomaly_enabled
from minicnn.errors import GraphError

NAN = float("nan")


class SecondIsNan(Function):
    @staticmethod
    def forward(ctx, x, y):
        return x * y

    @staticmethod
    def backward(ctx, g):
        return g, g * NAN


class Fails(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 1

    @staticmethod
    def backward(ctx, g):
        raise KeyError("inside")


def here():
    """Return the number of the line that calls."""
    return inspect.currentframe().f_back.f_lineno


def test_a_nan_is_told_with_its_op_its_output_and_the_line_of_the_call():
    x, y = leaf(1.0), leaf(2.0)
    with detect_anomaly():
        line = here() + 1
        z = SecondIsNan.apply(x * 2, y * 3)
        words = ("SecondIsNanBackward", "1th output", __file__, f"line {line}:")
        with raises_in_three_lines(GraphError, *words) as caught:
            (z * 5).sum().backward()
    assert "z = SecondIsNan.apply" in str(caught.value)
    note = "\n".join(caught.value.__notes__)
    assert f'File "{__file__}", line {line}' in note
    assert x.grad is None
    assert y.grad is None


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda x: x * NAN, "MulBackward0"),
        (lambda x: minicnn.softmax(x * 1, 0) * minicnn.tensor([NAN, 1.0], dtype=minicnn.float64), "MulBackward0"),
        (lambda x: (x * 0 + x).reshape(2, 1) @ minicnn.tensor([[NAN]], dtype=minicnn.float64), "MatmulBackward0"),
    ],
)
def test_the_first_op_that_made_it_is_named(function, name):
    x = leaf(1.0, 2.0)
    with detect_anomaly(), raises_in_three_lines(GraphError, name):
        function(x).sum().backward()
    function(x).sum().backward()
    assert np.isnan(x.grad.numpy()).any()


def test_a_fused_ops_nan():
    x = leaf(1.0, 2.0)
    with detect_anomaly():
        y = minicnn.softmax(x, 0)
        y.register_hook(lambda g: g * NAN)
        with raises_in_three_lines(GraphError, "SoftmaxBackward0", "0th output"):
            y.sum().backward()


def test_in_a_network_the_call_of_the_users_own_is_told_and_the_layer_noted():
    net = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    with detect_anomaly():
        line = here() + 1
        y = net(minicnn.tensor([[1.0, 2.0]]))
        with raises_in_three_lines(GraphError, "TanhBackward0", f"line {line}") as caught:
            y.backward(y.detach() * NAN)
    note = "".join(caught.value.__notes__)
    assert "minicnn/nn/" in note
    assert "minicnn/autograd/" not in note


def test_without_a_trace_of_forward_it_says_how_to_get_one():
    y = leaf(1.0) * NAN
    with detect_anomaly(), raises_in_three_lines(GraphError, "MulBackward0", "detect_anomaly"):
        y.sum().backward()


def test_any_error_in_backward_is_noted_with_the_op_and_with_detection_the_line():
    y = Fails.apply(leaf(1.0))
    with pytest.raises(KeyError) as caught:
        y.sum().backward()
    assert caught.value.__notes__ == ["In the backward of FailsBackward."]
    with detect_anomaly(check_nan=False):
        line = here() + 1
        y = Fails.apply(leaf(1.0))
    with pytest.raises(KeyError) as caught:
        y.sum().backward()
    assert f'File "{__file__}", line {line}' in caught.value.__notes__[1]


@pytest.mark.parametrize("where", ["tensor", "leaf", "node", "post"])
def test_an_error_in_a_hook_leaves_nothing_half_written(where):
    def hook(*_):
        raise ZeroDivisionError

    x, w = leaf(1.0), leaf(2.0)
    y = x * w
    if where == "tensor":
        y.register_hook(hook)
    elif where == "leaf":
        x.register_hook(hook)
    else:
        (y.grad_fn.register_prehook if where == "node" else y.grad_fn.register_hook)(hook)
    with pytest.raises(ZeroDivisionError):
        (y * 3).sum().backward()
    assert x.grad is None
    assert w.grad is None
    assert minicnn.is_grad_enabled()
    (x * w).sum().backward() if where != "leaf" else None
    assert where == "leaf" or x.grad.item() == 2.0


def test_it_is_off_by_default_costs_nothing_then_and_is_set_back():
    assert not is_anomaly_enabled()
    assert is_anomaly_check_nan_enabled()
    assert (leaf(1.0) * 2).grad_fn.trace is None
    set_detect_anomaly(True, check_nan=False)
    try:
        assert is_anomaly_enabled()
        assert not is_anomaly_check_nan_enabled()
        assert (leaf(1.0) * 2).grad_fn.trace is not None
        assert minicnn.softmax(leaf(1.0), 0).grad_fn.trace is not None
    finally:
        set_detect_anomaly(False)
    with pytest.raises(ZeroDivisionError), detect_anomaly():
        _ = 1 / 0
    assert not anomaly.on

    @set_detect_anomaly(True)
    def decorated():
        return is_anomaly_enabled()

    assert decorated()
    assert not is_anomaly_enabled()


def test_a_clean_backward_is_the_same_with_detection():
    x, y = leaf(2.0), leaf(3.0)
    with detect_anomaly():
        product, difference = MulSub.apply(x, y, 10, None)
        (product + difference).sum().backward()
        (g,) = autograd.grad((x**3).sum(), x, create_graph=True)
        g.sum().backward()
    close(x.grad, [31 + 12])


def test_the_search_holds_for_backward_in_other_threads():
    found = []

    def work():
        try:
            (leaf(1.0) * NAN).sum().backward()
        except RuntimeError as error:
            found.append(error)

    with detect_anomaly():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert "MulBackward0" in str(found[0])
