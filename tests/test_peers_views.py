"""Against PyTorch: which functions give views, and what programs of writes through them leave, with gradients."""

from __future__ import annotations

import numpy as np
import pytest

import minicnn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers

VIEWS = {
    "diagonal": lambda x: x.diagonal(),
    "diagonal, offset": lambda x: x.diagonal(1, 1, 2),
    "unfold": lambda x: x.unfold(1, 2, 2),
    "unfold, overlapping": lambda x: x.unfold(2, 2, 1),
    "narrow": lambda x: x.narrow(1, 1, 2),
    "select": lambda x: x.select(0, 1),
    "split": lambda x: x.split(2, 1)[1],
    "chunk": lambda x: x.chunk(2, 2)[0],
    "unbind": lambda x: x.unbind(1)[2],
    "tensor_split": lambda x: x.tensor_split(2, 1)[0],
    "hsplit": lambda x: x.hsplit(2)[1],
    "movedim": lambda x: x.movedim(0, 2),
    "permute": lambda x: x.permute(2, 0, 1),
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "transpose": lambda x: x.transpose(0, 2),
    "mT": lambda x: x.mT,
    "mH": lambda x: x.mH,
    "adjoint": lambda x: x.adjoint(),
    "unflatten": lambda x: x.unflatten(1, (2, 2)),
    "flatten": lambda x: x.flatten(),
    "view_as": lambda x: x.view_as(x[:, :, :]),
    "view": lambda x: x.view(4, -1),
    "reshape": lambda x: x.reshape(2, 8),
    "ravel": lambda x: x.ravel(),
    "squeeze": lambda x: x[:1].squeeze(0),
    "unsqueeze": lambda x: x.unsqueeze(1),
    "T of a slice": lambda x: x[0].t(),
    "slices": lambda x: x[:, ::2],
    "detach": lambda x: x.detach(),
}
COPIES = {
    "flip": lambda x: x.flip(0),
    "roll": lambda x: x.roll(1, 0),
    "repeat": lambda x: x.repeat(1, 1, 1),
    "index": lambda x: x[[0, 1]],
    "mask": lambda x: x[x > 0],
    "take": lambda lib: lib.gather(1, lib.argsort(1)),
    "clone": lambda x: x.clone(),
    "reshape of a transpose": lambda x: x.transpose(0, 2).reshape(-1),
    "tril": lambda x: x.tril(),
}


ONE_OF_MANY = {"split", "chunk", "unbind"}  # PyTorch refuses recorded writes to these, minicnn records them
RECORDED = [name for name in VIEWS if name not in ONE_OF_MANY | {"detach", "unfold, overlapping"}]


def fresh(lib, requires_grad=False):
    return lib.arange(16, dtype=lib.float64).reshape(2, 4, 2).clone().requires_grad_(requires_grad)


@pytest.mark.parametrize("name", VIEWS)
def test_a_write_reaches_the_base(name):
    found = []
    for lib in (minicnn, torch):
        x = fresh(lib)
        view = VIEWS[name](x)
        view.fill_(-1.0)
        found.append(x.numpy())
    np.testing.assert_array_equal(*found)
    assert (found[0] == -1).any()


@pytest.mark.parametrize("name", COPIES)
def test_a_write_does_not_reach_the_base(name):
    for lib in (minicnn, torch):
        x = fresh(lib)
        COPIES[name](x).fill_(-1.0)
        assert (x >= 0).all()


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("order", ["through the view", "through the base", "both"])
def test_recorded_writes(name, order):
    found = []
    for lib in (minicnn, torch):
        leaf = fresh(lib, requires_grad=True)
        weight = lib.tensor(3.0, dtype=lib.float64, requires_grad=True)
        x = leaf * 1
        view = VIEWS[name](x)
        if order != "through the base":
            view.mul_(weight)
        if order != "through the view":
            x.mul_(x.detach().clone() + 1)
            view.add_(weight)
        scale = lib.arange(float(view.numel()), dtype=lib.float64).reshape(tuple(view.shape))
        ((view * scale).sum() + (x * x).sum()).backward()
        found.append([x.detach().numpy(), leaf.grad.numpy(), weight.grad.numpy() if weight.grad is not None else 0.0])
    for mine, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)


def test_writes_to_an_expanded_tensor_are_refused_as_there():
    for lib in (minicnn, torch):
        wide = fresh(lib)[:, :1].expand(2, 3, 2)
        with pytest.raises(RuntimeError):
            wide.mul_(2)


def test_diagonals_of_views_of_views():
    found = []
    for lib in (minicnn, torch):
        leaf = fresh(lib, requires_grad=True)
        x = leaf * 1
        inner = x.permute(1, 0, 2)[1:3].diagonal(0, 1, 2)
        inner[0] *= 10
        row = inner.unfold(0, 2, 1)
        row.add_(1)
        (x * x).sum().backward()
        found.append((x.detach().numpy(), leaf.grad.numpy()))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_allclose(found[0][1], found[1][1])
