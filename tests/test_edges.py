"""Edges where PyTorch's behaviour is easily missed; each was wrong here once."""

import numpy as np
import pytest

import minicnn
from minicnn import autograd
from minicnn.errors import ArgumentTypeError, DTypeError, GraphError, IndexRangeError, MinicnnError, ParameterError

f64 = minicnn.float64


def test_var_takes_pytorchs_positions():
    x = minicnn.tensor([[1.0, 2.0, 4.0], [2.0, 6.0, 7.0]])
    values = x.numpy()
    np.testing.assert_allclose(x.var(0, False).numpy(), values.var(0), rtol=1e-6)
    np.testing.assert_allclose(x.std(False).item(), values.std(), rtol=1e-6)
    np.testing.assert_allclose(x.var(1, True, True).numpy(), values.var(1, ddof=1, keepdims=True), rtol=1e-6)


def test_ignored_rows_may_hold_infinities():
    x = minicnn.tensor([[-np.inf, 1.0, 2.0], [0.0, 1.0, 2.0]], dtype=f64, requires_grad=True)
    loss = minicnn.cross_entropy(x, minicnn.tensor([-100, 1]))
    loss.backward()
    assert loss.item() == pytest.approx(1.4076059644443801)
    np.testing.assert_array_equal(x.grad.numpy()[0], 0)


def test_a_transfer_to_the_same_place_shares_memory_and_says_so():
    y = minicnn.tensor([1.0, 2.0], requires_grad=True) * 1
    z = minicnn.transfer(y, "cpu")
    loss = (y * y).sum()
    z.add_(5)
    with pytest.raises(GraphError):
        loss.backward()


def test_generators_run_without_recording():
    x = minicnn.ones(2, requires_grad=True)

    @minicnn.no_grad()
    def products():
        got = yield x * 2
        assert got == "sent"
        yield x * 3

    generator = products()
    assert not next(generator).requires_grad
    assert (x * 2).requires_grad  # the caller records as before
    assert not generator.send("sent").requires_grad
    assert list(generator) == []


def test_integer_outputs_of_a_function_have_no_gradient():
    class Both(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2, x.argmax()

        @staticmethod
        def backward(ctx, grad, _):
            return grad * 2, None, None  # trailing Nones are for arguments left to their defaults

    x = minicnn.tensor([1.0, 3.0], requires_grad=True)
    y, place = Both.apply(x)
    assert not place.requires_grad
    y.sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_dtypes_do_not_mix_silently():
    x, w = minicnn.ones(2, 3, dtype=f64), minicnn.ones(3)
    for call in (
        lambda: minicnn.batch_norm(x, None, None, w, training=True),
        lambda: minicnn.layer_norm(x, (3,), w),
        lambda: minicnn.cross_entropy(x, minicnn.tensor([0, 1]), w),
        lambda: minicnn.cross_entropy(x, minicnn.tensor([True, False])),
        lambda: minicnn.linear(x, w),
    ):
        with pytest.raises(DTypeError):
            call()
    p = minicnn.ones(2, requires_grad=True)
    with pytest.raises(DTypeError):
        p.data = minicnn.tensor([1, 2])
    with pytest.raises(DTypeError):
        p.grad = minicnn.ones(2, dtype=f64)


def test_what_is_refused_is_refused_with_a_reason():
    x = minicnn.tensor([[1.0, 2.0]])
    for error, call in (
        (IndexRangeError, lambda: minicnn.gather(x, 1, minicnn.tensor([[-1]]))),
        (IndexRangeError, lambda: x.size(5)),
        (MinicnnError, lambda: minicnn.pad(x, (-3, 4))),
        (ParameterError, lambda: minicnn.batch_norm(x, minicnn.zeros(2), None, training=True)),
        (GraphError, lambda: x.sum().backward(inputs=[])),
        (ArgumentTypeError, lambda: minicnn.zeros(2.5, 3)),
        (ArgumentTypeError, lambda: x.reshape(2.0, 1)),
        (ArgumentTypeError, lambda: x @ [1.0, 2.0]),
        (ArgumentTypeError, lambda: minicnn.cat([1, 2])),
        (ArgumentTypeError, lambda: minicnn.conv2d(x, [[1.0]])),
        (ParameterError, lambda: minicnn.tensor([2, 1]) ** minicnn.tensor([-1, -1])),
        (GraphError, lambda: minicnn.from_numpy(np.broadcast_to(np.zeros(1), (3,))).add_(1)),
        (GraphError, lambda: minicnn.ones(2, 2)[0].detach_()),
    ):
        with pytest.raises(error) as caught:
            call()
        assert len(str(caught.value).splitlines()) == 3


def test_numpy_integers_are_dims():
    x = minicnn.tensor([[1.0, 5.0], [3.0, 2.0]])
    assert x.sum(np.int64(1)).tolist() == [6, 5]
    assert x.max(np.int64(1)).indices.tolist() == [1, 0]
    assert minicnn.layer_norm(x, np.int64(2)).shape == (2, 2)


def test_empty_and_integer_edges():
    assert minicnn.softmax(minicnn.zeros(2, 0), 1).shape == (2, 0)
    assert minicnn.logsumexp(minicnn.zeros(2, 0), 1).tolist() == [-np.inf, -np.inf]
    assert minicnn.masked_fill(minicnn.tensor([1, 2]), minicnn.tensor([True, False]), 0.5).tolist() == [0, 2]
    assert minicnn.max_pool2d(minicnn.zeros(1, 1, 2, 2), 3, 2, ceil_mode=True).shape == (1, 1, 1, 1)
    assert (minicnn.tensor([200], dtype=minicnn.uint8) + 300).tolist() == [244]


def test_writing_to_rows_of_a_viewed_tensor_copies_nothing(monkeypatch):
    z = minicnn.zeros(4, 3)
    rows = [z[i] for i in range(4)]
    monkeypatch.setattr(minicnn.ops.inplace, "update", None)  # what copies
    z[1] = rows[0] + 1
    assert rows[1].tolist() == [1, 1, 1]


def test_a_batch_times_a_matrix_is_one_product():
    rng = np.random.default_rng(0)
    x, w = (minicnn.tensor(rng.normal(size=s), requires_grad=True) for s in ((2, 3, 4, 5), (5, 6)))
    y = x @ w
    u = rng.normal(size=y.shape)
    y.backward(minicnn.tensor(u))
    np.testing.assert_allclose(y.detach().numpy(), x.detach().numpy() @ w.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(w.grad.numpy(), np.einsum("abik,abio->ko", x.detach().numpy(), u), rtol=1e-12)
    np.testing.assert_allclose(x.grad.numpy(), u @ w.detach().numpy().T, rtol=1e-12)
