"""Indexing of every kind, against NumPy and PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensor_helpers import refused, same

import minicnn
from minicnn.errors import MinicnnError

# ---- indexing


def shapes():
    return st.lists(st.integers(0, 4), min_size=1, max_size=4).map(tuple)


@st.composite
def basic_indices(draw):
    shape = draw(shapes())
    parts = []
    for size in shape[: draw(st.integers(0, len(shape)))]:
        kinds = ["slice", "slice", "new"] + (["int", "int"] if size else [])
        kind = draw(st.sampled_from(kinds))
        if kind == "new":
            parts.append(None)
        if kind == "int":
            parts.append(draw(st.integers(-size, size - 1)))
        else:
            low, high = (draw(st.one_of(st.none(), st.integers(-6, 6))) for _ in range(2))
            parts.append(slice(low, high, draw(st.sampled_from([None, 1, 2, 3]))))
    if draw(st.booleans()):
        place = draw(st.integers(0, len(parts)))
        if place == len(parts):
            parts.append(Ellipsis)
        else:  # dims after the ellipsis count from the end
            parts = [Ellipsis]
    return shape, tuple(parts)


@st.composite
def mixed_indices(draw):
    """One block of integer arrays, or one mask, among slices: where NumPy and PyTorch agree."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    first = draw(st.integers(0, len(shape) - 1))
    count = draw(st.integers(1, len(shape) - first))
    parts: list[object] = []
    for size in shape[:first]:
        parts.append(slice(draw(st.integers(0, size)), None))
    if draw(st.booleans()):
        mask = draw(st.lists(st.booleans(), min_size=1, max_size=64))
        wanted = shape[first : first + count]
        total = int(np.prod(wanted))
        parts.append(np.resize(np.array(mask), total).reshape(wanted))
    else:
        common = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=2)))
        for size in shape[first : first + count]:
            own = tuple(1 if draw(st.integers(0, 3)) == 0 else s for s in common)
            values = draw(st.lists(st.integers(-size, size - 1), min_size=1, max_size=9))
            parts.append(np.resize(np.array(values), own))
    for size in shape[first + count :]:
        if draw(st.booleans()):
            parts.append(slice(None, draw(st.integers(0, size))))
        else:
            break
    return shape, tuple(parts)


def _check(shape, index):
    array = np.arange(float(np.prod(shape))).reshape(shape)
    expected = array[index]
    x = minicnn.tensor(array, requires_grad=True)
    as_tensors = tuple(minicnn.tensor(p) if isinstance(p, np.ndarray) else p for p in index)
    as_lists = tuple(p.tolist() if isinstance(p, np.ndarray) and p.size else p for p in index)
    for form in (index, as_tensors, as_lists):
        y = x[form]
        same(y, expected)
    if len(index) == 1:
        same(x[index[0]], expected)
    weights = np.random.default_rng(0).normal(size=expected.shape)
    y.backward(minicnn.tensor(weights))
    gradient = np.zeros(shape)
    np.add.at(gradient, index, weights)
    np.testing.assert_allclose(x.grad.numpy(), gradient)
    z = minicnn.tensor(array)
    z[as_tensors] = -1.0
    array[index] = -1.0
    same(z, array)


@settings(max_examples=300)
@given(basic_indices())
def test_basic_indexing_is_numpys_and_gives_views(drawn):
    shape, index = drawn
    _check(shape, index)
    x = minicnn.zeros(shape)
    y = x[index]
    if y.numel():
        assert np.shares_memory(y.numpy(), x.numpy())
    else:
        assert y.shape == np.zeros(shape)[index].shape


@settings(max_examples=300)
@given(mixed_indices())
def test_mixed_indexing_is_numpys_and_gives_copies(drawn):
    shape, index = drawn
    _check(shape, index)
    x = minicnn.zeros(shape)
    assert not np.shares_memory(x[index].numpy(), x.numpy())


def test_ints_between_arrays_are_taken_first():
    """PyTorch takes ints out before it looks at arrays; NumPy counts them as arrays."""
    x = minicnn.arange(60).reshape(3, 4, 5)
    assert x[0, :, [1, 2]].shape == (4, 2)
    same(x[0, :, [1, 2]], x.numpy()[0][:, [1, 2]])
    same(x[[0, 1], 2, :], x.numpy()[[0, 1], 2])
    same(x[[0, 1], :, 2], x.numpy()[:, :, 2][[0, 1]])
    assert x[[0, 1], :, [2, 3]].shape == (2, 4)
    assert x[:, [0, 1], 0].shape == (3, 2)


def test_special_indices():
    x = minicnn.arange(6).reshape(2, 3)
    same(x[...], x.numpy())
    same(x[None], x.numpy()[None])
    same(x[()], x.numpy())
    assert x[True].shape == (1, 2, 3)
    assert x[False].shape == (0, 2, 3)
    assert x[None, True].shape == (1, 1, 2, 3)
    same(x[[]], x.numpy()[np.zeros(0, int)])
    same(x[[True, False]], x.numpy()[[True, False]])
    same(x[minicnn.tensor(1)], x.numpy()[1])
    same(x[np.int64(1)], x.numpy()[1])
    same(x[range(2)], x.numpy())
    same(x[minicnn.tensor([1], dtype=minicnn.uint8).long()], x.numpy()[[1]])
    same(x[x > 2], np.array([3, 4, 5]))
    same(x[:, minicnn.tensor([True, False, True])], x.numpy()[:, [True, False, True]])
    same(x[[[0], [1]], [0, 2]], x.numpy()[[[0], [1]], [0, 2]])
    assert minicnn.tensor(5)[None].tolist() == [5]
    assert minicnn.tensor(5)[...].item() == 5
    assert minicnn.tensor(5)[minicnn.tensor(True)].tolist() == [5]


def test_index_errors():
    x = minicnn.zeros(2, 3)
    refused(IndexError, lambda: x[2], "index 2", "size 2")
    refused(IndexError, lambda: x[-3], "index -3")
    refused(IndexError, lambda: x[0, 3], "dim 1")
    refused(IndexError, lambda: x[[0, 2]], "index 2")
    refused(IndexError, lambda: x[minicnn.tensor([-3])])
    refused(IndexError, lambda: x[..., 3], "dim 1")
    refused(IndexError, lambda: x[None, 0, 3], "dim 1")
    refused(IndexError, lambda: x[0, 0, 0], "too many")
    refused(IndexError, lambda: minicnn.tensor(1)[0])
    refused(IndexError, lambda: x[minicnn.tensor([True, False, True])])
    refused(IndexError, lambda: x[:, minicnn.tensor([True, False])])
    refused(IndexError, lambda: x[minicnn.ones(3, 2) > 0])
    refused(MinicnnError, lambda: x[1.0])
    refused(MinicnnError, lambda: x["a"])
    refused(MinicnnError, lambda: x[minicnn.tensor([0.0])])
    refused(MinicnnError, lambda: x[..., ...])
    refused(MinicnnError, lambda: x[[0, 1], [0, 1, 2]])
    with pytest.raises((IndexError, RuntimeError)):
        x[5] = 1.0
    with pytest.raises(MinicnnError):
        x[0] = minicnn.ones(2)


@pytest.mark.peers
@settings(max_examples=150)
@given(mixed_indices(), st.data())
def test_indexing_with_ints_among_arrays_is_torchs(drawn, data):
    torch = pytest.importorskip("torch")
    shape, index = drawn
    parts = list(index)
    for i, part in enumerate(parts):
        if isinstance(part, slice) and data.draw(st.booleans()):
            parts[i] = 0
    values = np.arange(float(np.prod(shape))).reshape(shape)
    theirs = torch.from_numpy(values)[tuple(torch.from_numpy(p) if isinstance(p, np.ndarray) else p for p in parts)]
    mine = minicnn.tensor(values)[tuple(minicnn.tensor(p) if isinstance(p, np.ndarray) else p for p in parts)]
    same(mine, theirs.numpy())
