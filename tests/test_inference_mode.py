"""inference_mode: nothing is recorded, and its tensors stay out of autograd."""

from __future__ import annotations

import copy
import threading

import numpy as np
import pytest
from tape_helpers import close, f64, leaf, raises_in_three_lines

import minicnn
from minicnn import nn
from minicnn.autograd.mode import inferring
from minicnn.errors import ArgumentTypeError, GraphError


def made():
    with minicnn.inference_mode():
        return minicnn.ones(2, dtype=f64)


def test_what_is_made_in_it_is_marked_and_what_was_there_is_not():
    x = leaf(1.0, 2.0)
    with minicnn.inference_mode():
        fresh = [minicnn.zeros(2), minicnn.tensor([1.0]), minicnn.Tensor([1.0]), x * 2, x.exp(), minicnn.softmax(x, 0)]
        fresh += [x.clone(), minicnn.from_numpy(np.ones(2)), *(x * 2).split(1), nn.Linear(2, 2).double()(x)]
        old = [x, x[:1], x.detach(), x.reshape(2, 1), x.data]
        assert all(t.is_inference() for t in fresh)
        assert not any(t.is_inference() for t in old)
        assert not any(t.requires_grad for t in fresh)
    assert all(t.is_inference() for t in fresh)
    assert not (fresh[0] * 2).is_inference()
    assert minicnn.is_inference(fresh[0])
    assert fresh[0][:1].is_inference()
    assert not copy.deepcopy(fresh[0]).is_inference()


@pytest.mark.parametrize(
    "use",
    [
        lambda x, i: x * i,
        lambda x, i: x / i,
        lambda x, i: x.reshape(1, 2) @ i.reshape(2, 1),
        lambda x, i: minicnn.nn.functional.linear(i, x.reshape(1, 2)),
        lambda x, i: minicnn.maximum(x, i),
    ],
)
def test_a_recorded_op_may_not_save_one(use):
    x, i = leaf(1.0, 2.0), made()
    with raises_in_three_lines(GraphError, "inference", "clone()"):
        use(x, i)
    assert use(x, i.clone()).requires_grad
    with minicnn.no_grad():
        use(x, i)
    use(x.detach(), i)


def test_what_need_not_be_saved_may_be_used():
    x, i = leaf(1.0, 2.0), made()
    (x + i - i).sum().backward()
    close(x.grad, [1, 1])


@pytest.mark.parametrize("recording", [True, False])
@pytest.mark.parametrize(
    "write",
    [
        lambda i: i.add_(1),
        lambda i: i.zero_(),
        lambda i: i.__setitem__(0, 5.0),
        lambda i: i[:1].mul_(2),
        lambda i: i.detach().exp_(),
        lambda i: i.uniform_(2, 3),
    ],
)
def test_a_write_in_place_is_refused_outside_and_allowed_inside(write, recording):
    i = made()
    with minicnn.set_grad_enabled(recording), raises_in_three_lines(GraphError, "inference", "clone()"):
        write(i)
    assert i.tolist() == [1.0, 1.0]
    with minicnn.inference_mode():
        write(i)
    assert i.tolist() != [1.0, 1.0]


def test_requires_grad():
    i = made()
    with raises_in_three_lines(GraphError, "requires_grad", "inference"):
        i.requires_grad_()
    i.requires_grad_(False)
    with minicnn.inference_mode():
        assert i.requires_grad_().requires_grad
    (i + 1).sum().backward()
    close(i.grad, [1, 1])


def test_nested_and_with_the_other_modes():
    x = leaf(1.0)
    with minicnn.inference_mode():
        with minicnn.enable_grad():
            assert not (x * 2).requires_grad
        with minicnn.set_grad_enabled(True):
            assert not (x * 2).requires_grad
        with minicnn.inference_mode(False):
            y = x * 2
            assert y.requires_grad
            assert not y.is_inference()
        assert minicnn.is_inference_mode_enabled()
        assert (x * 2).is_inference()
    with minicnn.no_grad(), minicnn.inference_mode(False):
        assert (x * 2).requires_grad
    assert inferring.blocks == 0
    assert minicnn.is_grad_enabled()


def test_it_ends_with_an_exception_and_is_of_one_thread():
    with pytest.raises(ZeroDivisionError), minicnn.inference_mode():
        _ = 1 / 0
    assert not minicnn.is_inference_mode_enabled()
    assert inferring.blocks == 0
    found = []

    def work():
        x = leaf(1.0)
        found.append((minicnn.is_inference_mode_enabled(), minicnn.zeros(1).is_inference(), (x * 2).requires_grad))

    with minicnn.inference_mode():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert found == [(False, False, True)]


def test_a_mode_that_is_no_bool():
    for bad in (1, None, "on"):
        with raises_in_three_lines(ArgumentTypeError, "inference_mode"):
            minicnn.inference_mode(bad)


def test_evaluation_in_it_and_training_after_it():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 1))
    x = minicnn.ones(5, 3)

    @minicnn.inference_mode()
    def evaluate():
        return net.eval()(x)

    assert evaluate().is_inference()
    net.train()(x).sum().backward()
    assert all(p.grad is not None and not p.grad.is_inference() for p in net.parameters())


def test_views_with_a_history_may_still_be_written_to_after_an_inference_block():
    x = leaf(1.0, 2.0)
    y = x * 1
    with minicnn.inference_mode():
        y[:1]  # a family is begun here
    view = y[1:]
    y += 1
    (view * y.sum()).sum().backward()
    close(x.grad, [3, 8])
