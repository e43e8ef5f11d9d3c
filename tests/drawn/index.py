"""Reading and writing by index: slices, ints, masks, tensors of ints, and the functions that name a dim."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from drawn import (
    Call,
    any_dtype,
    broadcastable,
    choose,
    dim,
    distinct,
    drawn,
    flag,
    floats,
    mask,
    normal,
    rarely,
    shape,
    tied,
    whole,
)
from minicnn.autograd.sample import Constant


def drawn_index(draw, rng, size):
    """Return an index of every kind for an array of that shape: ints, slices, None, ..., masks, tensors, lists."""
    parts, left, common = [], list(size), shape(draw, 0, 2)
    dots = False  # what stands behind them is for the last dims, so every one of those gets its part
    while left and (dots or draw(st.integers(0, 4))):
        kind = choose(draw, "slice", "int", "array", "mask", "none", "dots", "list")
        length = left[0]
        if kind == "none":
            parts.append(None)
        elif kind == "dots":
            if not dots:
                parts.append(Ellipsis)
                left = left[int(rng.integers(0, len(left) + 1)) :]
            dots = True
        elif kind == "mask":
            span = draw(st.integers(1, min(2, len(left))))
            parts.append(mask(rng, tuple(left[:span])))
            left = left[span:]
        else:
            parts.append(_one_part(draw, rng, kind, length, common))
            left = left[1:]
    return parts[0] if len(parts) == 1 and flag(draw) else tuple(parts)


def _one_part(draw, rng, kind, length, common):
    """Return a part of an index for one dim of that length."""
    if kind == "slice" or length == 0:
        low, high = sorted(int(v) for v in rng.integers(-length - 1, length + 2, 2))
        bounds = (None if flag(draw) else low, None if flag(draw) else high)
        return slice(*bounds, draw(st.integers(1, 3)) if flag(draw) else None)
    if kind == "int":
        return int(rng.integers(-length - rarely(draw), length))
    if kind == "list":
        return [int(v) for v in rng.integers(-length, length, 2)]
    own = tuple(1 if rng.random() < 0.3 else s for s in common)[int(rng.integers(0, len(common) + 1)) :]
    return np.asarray(rng.integers(-length, length, own))


@drawn("getitem")
def _getitem(draw, rng, name):
    x = any_dtype(draw, rng, shape(draw)) if rarely(draw) else normal(rng, shape(draw))
    return Call((x, drawn_index(draw, rng, x.shape)))


@drawn("index_put")
def _index_put(draw, rng, name):
    """Each place once, since of several values for one place PyTorch keeps any."""
    x = normal(rng, shape(draw))
    index = drawn_index(draw, rng, x.shape)
    parts = [
        np.asarray(p) for p in (index if isinstance(index, tuple) else (index,)) if isinstance(p, (list, np.ndarray))
    ]
    if any(p.dtype != np.bool_ and p.size > 1 for p in parts):
        index = mask(rng, x.shape)
    try:
        found = np.zeros(x.shape)[index].shape
    except IndexError:
        found = ()
    values = choose(draw, lambda: 0.5, lambda: normal(rng), lambda: normal(rng, found))()
    if rarely(draw):
        values = normal(rng, (*found[:-1], 2))
    return Call((x, index, values))


@drawn("gather", "take_along_dim", "scatter_add", "scatter", "index_add", "index_copy", "index_fill", "index_select")
def _along(draw, rng, name):
    wrong = rarely(draw) and name != "take_along_dim"  # where PyTorch's wrap around
    x = normal(rng, shape(draw, 1 if name.startswith("index") or name == "take_along_dim" else 0, 3))
    d = dim(draw, x.ndim)
    place = d % max(x.ndim, 1)
    length = x.shape[place] if x.ndim else 1
    once = name in ("scatter", "index_copy")  # where an index repeats, PyTorch keeps any of the elements
    count = int(rng.integers(0, length + 1)) if once else int(rng.integers(0, 5)) if length else 0
    if name.startswith("index"):
        wrong = wrong and x.size > 0
        index = rng.permutation(length)[:count] if once else rng.integers(0, max(length, 1) + wrong, count)
        size = tuple(index.size if i == place else s for i, s in enumerate(x.shape))
        if name == "index_select":
            return Call((x, d, index))
        if name == "index_fill":
            return Call((x, d, index, choose(draw, 0.5, -2.0)))
        source = normal(rng, (size[0] + 1, *size[1:]) if wrong and size else size)
        return Call((x, d, index, source), {"alpha": 2} if name == "index_add" and flag(draw) else {})
    low = 0 if rarely(draw) else 1
    size = tuple(count if i == place else int(rng.integers(min(s, low), s + 1)) for i, s in enumerate(x.shape))
    if name == "take_along_dim":
        size = tuple(count if i == place else s if flag(draw) else 1 for i, s in enumerate(x.shape))
    if once:
        index = (
            np.argsort(rng.random((*size[:place], length, *size[place + 1 :])), axis=place) if size else np.zeros(())
        )
        index = np.take(index, range(count), axis=place) if size else index
        index = index.astype(np.int64)
    else:
        index = np.asarray(rng.integers(0, max(length, 1) + wrong, size))
    if name == "gather":
        return Call((x, d, index))
    if name == "take_along_dim":
        return Call((x, index, d))
    source = normal(rng, size)
    if rarely(draw):  # PyTorch's backward fails where the source is larger than the index
        source = Constant(normal(rng, tuple(s + int(rng.integers(0, 2)) for s in size)))
    if name == "scatter" and flag(draw):
        return Call((x, d, index, choose(draw, 0.5, 2)))
    return Call((x, d, index, source))


@drawn("scatter_reduce", "index_reduce")
def _reduced(draw, rng, name):
    x = distinct(rng, shape(draw, 1, 3, empty=False)) + 0.03
    d = dim(draw, x.ndim, wrong=False)
    count, place = int(rng.integers(0, 5)), d % x.ndim
    wrong = rarely(draw)
    if name == "index_reduce":
        size = tuple(count if i == place else s for i, s in enumerate(x.shape))
        index = rng.integers(0, x.shape[place] + wrong, count)
    else:
        size = tuple(count if i == place else int(rng.integers(1, s + 1)) for i, s in enumerate(x.shape))
        index = rng.integers(0, x.shape[place] + wrong, size)
    source = choose(draw, normal, tied)(rng, size)
    reduce = choose(draw, "prod", "mean", "amax", "amin", *(["sum"] if name == "scatter_reduce" else []))
    if reduce == "prod":
        source = distinct(rng, size) + 0.03
    return Call((x, d, index, source, reduce), {"include_self": flag(draw)} if flag(draw) else {})


@drawn("put")
def _put(draw, rng, name):
    """Each place once, unless they are added up."""
    x, added = normal(rng, shape(draw)), flag(draw)
    count = int(rng.integers(0, x.size + 1))
    index = rng.integers(-x.size, x.size + rarely(draw), count) if added and x.size else rng.permutation(x.size)[:count]
    return Call((x, index, normal(rng, index.shape), added))


@drawn("select_scatter", "slice_scatter", "diagonal_scatter")
def _views_written(draw, rng, name):
    """What is read there is what the shape of the new values is; in a tenth of the draws it may not be."""
    x = normal(rng, shape(draw, 2 if name == "diagonal_scatter" else 1, empty=name != "select_scatter"))
    d = dim(draw, x.ndim, wrong=False)
    if name == "diagonal_scatter":
        places = (draw(st.integers(-2, 2)), *([1, 0] if flag(draw) else []))
        found = np.diagonal(x, *places) if places[0] in range(-x.shape[0], x.shape[1] + 1) else x[:0]
    elif name == "select_scatter":
        places = (d, int(rng.integers(-x.shape[d], max(x.shape[d], 1) + rarely(draw))))
        found = np.take(x, 0, axis=d) if x.shape[d] else x
    else:
        start, end = (None if flag(draw) else int(v) for v in rng.integers(-5, 6, 2))
        places = (d, start, end, draw(st.integers(1, 3)))
        found = x[(slice(None),) * (d % x.ndim) + (slice(*places[1:]),)]
    return Call((x, normal(rng, (*found.shape[:-1], 7) if rarely(draw) else found.shape), *places))


@drawn("take")
def _take(draw, rng, name):
    x = normal(rng, shape(draw))
    wrong = rarely(draw)
    size = shape(draw, 0, 2) if x.size else (0,)
    return Call((x, np.asarray(rng.integers(-x.size - wrong, x.size + wrong or 1, size))))


@drawn("masked_select")
def _masked_select(draw, rng, name):
    first, second = broadcastable(draw)
    return Call((floats(draw, rng, first), mask(rng, second)))


@drawn("masked_scatter")
def _masked_scatter(draw, rng, name):
    first, second = broadcastable(draw)
    count = int(np.prod(np.broadcast_shapes(first, second))) if not rarely(draw) and fits(first, second) else 2
    return Call((normal(rng, first), mask(rng, second), normal(rng, (count,))))


def fits(*shapes):
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return True


@drawn("one_hot")
def _one_hot(draw, rng, name):
    x = whole(rng, shape(draw, 0, 3), -1 if rarely(draw) else 0, 4)
    return Call((x, choose(draw, -1, 4, 6, 2)) if flag(draw) else (x,))
