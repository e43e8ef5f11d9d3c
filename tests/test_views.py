"""Views share memory, and their history follows writes; leaves are guarded."""

from __future__ import annotations

import numpy as np
import pytest
from inplace_helpers import _setitem, _view, close, f64, leaf, refused

import minicnn
from minicnn import autograd
from minicnn.errors import GraphError, ShapeError

# ---- views


def test_a_write_to_a_view_reaches_the_base_and_its_siblings():
    x, w = leaf(1, 2, 3, 4), leaf(5)
    y = x * 1
    left, right, tail = y[:2], y[1:], y[3:]
    left *= w  # y = 5, 10, 3, 4
    close(y, [5, 10, 3, 4])
    close(right, [10, 3, 4])
    (y.sum() + (right * 10).sum() + (tail * 100).sum()).backward()
    close(x.grad, [5, 55, 11, 111])
    close(w.grad, [1 + 2 * 11])


def test_a_write_to_the_base_reaches_its_views():
    x = leaf(1, 2, 3)
    y = x * 1
    v = y[1:]
    y *= 2
    (v * 10).sum().backward()
    close(v, [4, 6])
    close(x.grad, [0, 20, 20])


def test_a_write_to_the_base_reaches_its_expanded_view():
    x = leaf(1, 2, 3)
    y = x * 1
    wide = y.expand(4, 3)
    y *= 2
    wide.sum().backward()
    close(x.grad, [8, 8, 8])


def test_views_of_views():
    x = minicnn.tensor(np.arange(12.0).reshape(3, 4), requires_grad=True)
    y = x * 1
    a = y[1:]
    b = a.T
    c = b[1:3]
    c += 100
    d = c.reshape(-1)  # not contiguous: a copy
    d *= 7
    c[0] = 0
    expected = np.arange(12.0).reshape(3, 4)
    expected[1:, 1:3] += 100
    expected[1:, 1] = 0
    close(y, expected)
    g = np.arange(12.0).reshape(3, 4) + 1
    (y * minicnn.tensor(g)).sum().backward(retain_graph=True)
    g[1:, 1] = 0
    close(x.grad, g)
    x.grad = None
    (a.sum() + b.sum() * 10 + c.sum() * 100).backward()
    close(x.grad, [[0, 0, 0, 0], [11, 0, 111, 11], [11, 0, 111, 11]])


def test_chains_of_views_written_in_turn():
    x = leaf(1, 2, 3, 4)
    y = x * 1
    m = y.reshape(2, 2)
    row, column = m[0], m[:, 1]
    row *= 2
    column *= 3
    y *= 5
    m += row
    g = minicnn.tensor([[1.0, 10.0], [100.0, 1000.0]], dtype=f64)
    (m * g).sum().backward()
    # y = 10x₀, 30x₁, 5x₂, 15x₃; then m = [y₀ + y₀, y₁ + y₁, y₂ + y₀, y₃ + y₁]
    close(m, [[20, 120], [25, 120]])
    close(x.grad, [2 * 10 + 10 * 100, 2 * 30 * 10 + 30 * 1000, 5 * 100, 15 * 1000])


def test_a_view_whose_base_died():
    x, w = leaf(1, 2, 3), leaf(2)
    v = (x * 1)[1:]
    v *= w
    u = v[:1]
    u += 10
    (v * v).sum().backward()
    close(v, [14, 6])
    close(x.grad, [0, 2 * 14 * 2, 2 * 6 * 2])
    close(w.grad, [2 * 14 * 2 + 2 * 6 * 3])


def test_sibling_views_whose_base_died():
    x = leaf(1, 2, 3)
    y = x * 1
    a, b = y[:2], y[1:]
    del y
    a *= 3
    b.sum().backward()
    close(b, [6, 3])
    close(x.grad, [0, 3, 1])


def test_a_base_whose_views_died():
    x = leaf(1, 2, 3)
    y = x * 1
    for i in range(3):
        y[i].mul_(i + 1)
    y.mul_(2)
    y.sum().backward()
    close(x.grad, [2, 4, 6])


def test_views_made_after_a_write():
    x = leaf(1, 2)
    y = x * 1
    y *= 3
    v = y[1:]
    v *= 5
    y.sum().backward()
    close(x.grad, [3, 15])


def test_a_view_of_a_constant():
    w = leaf(3)
    base = minicnn.zeros(2, 2, dtype=f64)
    base[0].copy_(w)
    assert base.requires_grad
    base.T[1].mul_(2)
    (base * minicnn.tensor([[1.0, 10.0], [100.0, 1000.0]], dtype=f64)).sum().backward()
    close(w.grad, [1 + 20])


def test_reads_before_a_write_keep_their_gradient():
    x = leaf(1, 2)
    y = x * 1
    early = (y * 3).sum()
    y *= 10
    (early + y.sum()).backward()
    close(x.grad, [13, 13])


def test_gradients_of_old_and_new_value_by_grad():
    x = leaf(1, 2)
    y = x * 2
    z = y.sum()
    y[0] = x[1] * 5
    (g,) = autograd.grad(y.sum() + z, x)
    close(g, [2, 2 + 2 + 5])


def test_a_view_with_a_hook_and_retain_grad():
    x = leaf(1, 2)
    y = x * 1
    v = y[:1]
    y *= 2
    seen = []
    v.register_hook(lambda g: seen.append(g.tolist()))
    v.retain_grad()
    (v * 3).sum().backward()
    assert seen == [[3.0]]
    close(v.grad, [3])
    close(x.grad, [6, 0])


# ---- leaves


def test_a_leaf_that_requires_grad_is_not_written_to():
    x = leaf(1, 2)
    for write in (lambda: x.add_(1), lambda: x.zero_(), lambda: _setitem(x), lambda: _view(x), lambda: x.T.mul_(2),
                  lambda: x.copy_(minicnn.ones(2)), lambda: x.normal_()):  # fmt: skip
        refused(GraphError, write, "leaf", "no_grad")
    with pytest.raises(GraphError):
        x += 1
    close(x, [1, 2])


def test_leaves_are_written_without_recording():
    x = leaf(1, 2)
    view = x[:1]
    with minicnn.no_grad():
        x -= 0.5
        x[1] = 7
        x.clamp_(0, 6)
        view += 1
    close(x, [1.5, 6])
    assert x.is_leaf
    assert x.requires_grad
    (x * x).sum().backward()
    close(x.grad, [3, 12])


def test_a_view_taken_before_requires_grad():
    base = minicnn.zeros(3, dtype=f64)
    view = base[:1]
    base.requires_grad_()
    refused(GraphError, lambda: view.add_(1), "leaf")


def test_a_view_taken_without_recording_gives_no_wrong_gradient():
    x, w = leaf(1, 2), leaf(5)
    y = x * 1
    with minicnn.no_grad():
        v = y[:1]
    try:
        v *= w
        y.sum().backward()
    except GraphError:
        return  # as PyTorch does
    close(x.grad, [5, 1])
    close(w.grad, [1])


def test_sgd_by_hand():
    x = leaf(4)
    for _ in range(20):
        (x * x).sum().backward()
        with minicnn.no_grad():
            x -= 0.25 * x.grad
            x.grad.zero_()
    close(x, [4 * 0.5**20])


def test_detach_shares_memory_without_history():
    x = leaf(1, 2)
    y = x * 2
    d = y.detach()
    d[0] = 10
    close(y, [10, 4])
    assert not d.requires_grad
    w = leaf(3)
    d[1] = w[0]  # the history of d alone
    assert d.requires_grad
    y.sum().backward()
    close(x.grad, [2, 2])
    assert w.grad is None


def test_data_edits():
    p = leaf(1, 2)
    p.data -= 0.5
    p.data[0] = 9
    close(p, [9, 1.5])
    assert p.is_leaf
    assert p.requires_grad
    p.data = minicnn.tensor([3.0, 4.0], dtype=f64)
    close(p, [3, 4])
    (p * p).sum().backward()
    close(p.grad, [6, 8])


def test_new_data_of_a_saved_tensor_is_not_used_for_its_old_gradient():
    p = leaf(1, 2)
    y = p * p
    p.data = minicnn.tensor([10.0, 20.0], dtype=f64)
    try:
        y.sum().backward()
    except GraphError:
        return
    close(p.grad, [2, 4])


def test_data_keeps_views_right():
    t = leaf(1, 2) * 1
    v = t[:1]
    t.data = minicnn.tensor([10.0, 20.0], dtype=f64)
    close(v, [1])  # still the old memory
    v.add_(1)
    close(t, [10, 20])


# ---- view


A = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    "seen",
    [
        lambda a: a.t().view(6),
        lambda a: a.t().detach().view(6),
        lambda a: a.detach().t().view(6),
        lambda a: a.t().data.view(-1),
        lambda a: a[:, ::2].view(-1),
        lambda a: a[:, 1:].view(4),
        lambda a: a.expand(2, 2, 3).view(-1),
        lambda a: a.view(1, 2, 3).permute(2, 0, 1).view(-1),
        lambda a: a.t().view_as(minicnn.zeros(6)),
        lambda a: minicnn.from_numpy(A.T).view(6),
        lambda a: minicnn.as_tensor(A.T).view(6),
        lambda a: minicnn.from_numpy(A.T)[1:].view(4),
        lambda a: minicnn.nn.Parameter(a.t()).view(6),
    ],
)
def test_a_view_of_anothers_memory_is_never_a_copy(seen):
    refused(ShapeError, lambda: seen(minicnn.tensor(A)), "view", "strides", "reshape")


def test_a_view_is_in_the_same_memory():
    a = minicnn.tensor(A)
    for i, seen in enumerate(
        (a.view(6), a.view(3, -1), a[1].view(3, 1), a[:, :2].view(2, 2, 1), a.t()[None].view(3, 2))
    ):
        seen.view(seen.shape).fill_(i)
        assert (seen == i).all()
    close(a, np.full((2, 3), 4))


def test_an_ops_own_output_is_copied_where_it_lies_in_another_order():
    y = minicnn.nn.Conv2d(3, 4, 3)(minicnn.ones(3, 3, 8, 8))
    assert not y.is_contiguous()
    for x in (y, y.detach(), y.data, y.relu(), y.relu().detach()):
        assert (x.view(3, -1) == x.reshape(3, -1)).all()
        assert (x[0].view(-1) == x[0].reshape(-1)).all()
    x, grid = minicnn.ones(1, 2, 4, 4), minicnn.zeros(1, 3, 3, 2)
    assert minicnn.nn.functional.grid_sample(x, grid).view(1, -1).shape == (1, 18)
    a = minicnn.tensor(A)
    for copied in (a.t().reshape(6), a.t().flatten(), a.t().ravel(), a.t().contiguous().view(6), a.t().clone().view(6)):
        copied.fill_(-1)
    close(a, A)


def test_new_memory_is_its_own():
    a = minicnn.tensor(A).t().detach()
    a.data = minicnn.tensor(A)
    assert a.view(6).shape == (6,)


@pytest.mark.peers
def test_what_pytorchs_functions_return_can_be_viewed_here_too():
    torch = pytest.importorskip("torch")
    from peers_helpers import convert, find

    from minicnn.testing.suite import every_function

    def returned(function, lib, sample):
        args = [convert(a, lib, "float64", []) for a in sample.args]
        result = function(*args, **{k: convert(v, lib, "float64", []) for k, v in sample.kwargs.items()})
        return [y for y in (result if isinstance(result, (tuple, list)) else [result]) if isinstance(y, lib.Tensor)]

    def viewed(y):
        try:
            return bool(y.numel() == 0 or y.view(-1).ndim)
        except RuntimeError:
            return False

    seen = 0
    for public in every_function():
        for sample in public.samples(np.random.default_rng(0)):
            try:
                theirs = returned(find(public.name), torch, sample)
            except Exception:  # not PyTorch's
                continue
            for mine, other in zip(returned(public.function, minicnn, sample), theirs, strict=False):
                assert viewed(mine) or not viewed(other), f"{public.name}{sample}"
                seen += 1
    assert seen > 800
