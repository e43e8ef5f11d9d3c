"""Shapes: other dims, other places, parts, and parts put together; padding."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from peers_helpers import F

from drawn import (
    Call,
    any_dtype,
    broadcastable,
    choose,
    dim,
    dims,
    drawn,
    flag,
    floats,
    normal,
    rarely,
    shape,
    whole,
)
from minicnn.autograd.sample import Constant


def factors(draw, rng, total):
    """Return sizes of that product; one of them may be given as −1, and in a tenth of the draws they do not fit."""
    sizes = []
    while total > 1 and len(sizes) < 3:
        size = int(rng.choice([s for s in range(1, total + 1) if total % s == 0]))
        sizes.append(size)
        total //= size
    sizes.append(total)
    if flag(draw):
        sizes[int(rng.integers(len(sizes)))] = -1
    if rarely(draw):
        sizes[0] += 1
    return tuple(sizes)


@drawn("reshape")
def _reshape(draw, rng, name):
    x = floats(draw, rng, shape(draw))
    sizes = factors(draw, rng, x.size)
    return Call((x, *sizes)) if flag(draw) else Call((x, sizes))


@drawn("view_as")
def _view_as(draw, rng, name):
    x = normal(rng, shape(draw))
    other = np.zeros([s for s in factors(draw, rng, x.size) if s >= 0], dtype=bool)
    return Call((x, other), mine=lambda x, other: x.contiguous().view_as(other))  # as PyTorch's copy lies in memory


@drawn("unflatten")
def _unflatten(draw, rng, name):
    x = normal(rng, shape(draw, 1))
    d = dim(draw, x.ndim)
    return Call((x, d, factors(draw, rng, x.shape[d] if -x.ndim <= d < x.ndim else 2)))


@drawn("permute")
def _permute(draw, rng, name):
    x = normal(rng, shape(draw))
    order = [int(d) - x.ndim * int(rng.integers(2)) for d in rng.permutation(x.ndim)]
    if order and rarely(draw):
        order[0] = dim(draw, x.ndim)
    return Call((x, *order)) if order and flag(draw) else Call((x, tuple(order)))


@drawn("transpose", "swapaxes")
def _transpose(draw, rng, name):
    x = any_dtype(draw, rng, shape(draw))
    return Call((x, dim(draw, x.ndim), dim(draw, x.ndim)))


@drawn("t")
def _t(draw, rng, name):
    return Call((normal(rng, shape(draw, 0, 3 if rarely(draw) else 2)),))


@drawn("expand", "broadcast_to")
def _expand(draw, rng, name):
    x = normal(rng, tuple(1 if flag(draw) else s for s in shape(draw, 0, 3)))
    sizes = tuple(draw(st.sampled_from([2, 3, 0])) if s == 1 and flag(draw) else s for s in x.shape)
    sizes = tuple(-1 if rng.random() < 0.2 else s for s in sizes)
    new = shape(draw, 0, 2)
    if sizes and rarely(draw):
        sizes = (sizes[0] + 2, *sizes[1:])
    sizes = (*new, *sizes)
    return Call((x, sizes) if name == "broadcast_to" or not sizes or flag(draw) else (x, *sizes))


@drawn("broadcast_tensors")
def _broadcast_tensors(draw, rng, name):
    return Call(tuple(normal(rng, size) for size in broadcastable(draw, draw(st.integers(1, 3)))))


@drawn("squeeze")
def _squeeze(draw, rng, name):
    x = normal(rng, tuple(1 if flag(draw) else s for s in shape(draw)))
    kind = choose(draw, "all", "one", "several")
    return Call((x,) if kind == "all" else (x, dim(draw, x.ndim) if kind == "one" else dims(draw, x.ndim)))


@drawn("unsqueeze")
def _unsqueeze(draw, rng, name):
    x = any_dtype(draw, rng, shape(draw))
    return Call((x, dim(draw, x.ndim + 1)))


@drawn("flatten")
def _flatten(draw, rng, name):
    x = normal(rng, shape(draw))
    bounds = [dim(draw, x.ndim) for _ in range(draw(st.integers(0, 2)))]
    return Call((x, *bounds))


@drawn("ravel", "atleast_1d", "atleast_2d", "atleast_3d", "fliplr", "flipud", "trace", "nonzero", "argwhere")
def _alone(draw, rng, name):
    low = {"fliplr": 2, "flipud": 1, "trace": 2}.get(name, 0)
    size = shape(draw, max(low - rarely(draw), 0), 2 if name == "trace" else 4)
    return Call((normal(rng, size) if name == "trace" else any_dtype(draw, rng, size),))


@drawn("flip")
def _flip(draw, rng, name):
    x = any_dtype(draw, rng, shape(draw))
    along = dims(draw, x.ndim)
    if along and rarely(draw):
        along = (*along, dim(draw, x.ndim))
    return Call((x, along))


@drawn("movedim")
def _movedim(draw, rng, name):
    x = normal(rng, shape(draw))
    if flag(draw):
        return Call((x, dim(draw, x.ndim), dim(draw, x.ndim)))
    source, destination = dims(draw, x.ndim), dims(draw, x.ndim)
    count = min(len(source), len(destination)) + rarely(draw)
    return Call((x, source[:count], destination[:count]))


@drawn("repeat", "tile")
def _repeat(draw, rng, name):
    x = any_dtype(draw, rng, shape(draw, 0, 3))
    new = int(rng.integers(0, 3)) if name == "repeat" or flag(draw) else -int(rng.integers(0, x.ndim + 1))
    times = tuple(int(n) for n in rng.integers(0 if rarely(draw) else 1, 4, max(x.ndim + new, 0)))
    if times and x.ndim and rarely(draw):
        times = times[:-1]
    return Call((x, *times) if times and flag(draw) else (x, times))


@drawn("repeat_interleave")
def _repeat_interleave(draw, rng, name):
    x = normal(rng, shape(draw))
    d = None if flag(draw) or not x.ndim else dim(draw, x.ndim)
    length = x.size if d is None else x.shape[d] if -x.ndim <= d < x.ndim else 1
    times = draw(st.integers(0, 3)) if flag(draw) else whole(rng, (length,), 0, 4)
    return Call((x, times) if d is None and flag(draw) else (x, times, d))


@drawn("roll")
def _roll(draw, rng, name):
    x = any_dtype(draw, rng, shape(draw, empty=False))
    if not x.ndim or flag(draw):
        return Call((x, draw(st.integers(-5, 5)), *([dim(draw, x.ndim)] if x.ndim and flag(draw) else [])))
    along = dims(draw, x.ndim, 1)
    return Call((x, tuple(int(s) for s in rng.integers(-5, 6, len(along) + rarely(draw))), along))


@drawn("rot90")
def _rot90(draw, rng, name):
    x = normal(rng, shape(draw, 2))
    return Call((x, draw(st.integers(-5, 5)), (dim(draw, x.ndim), dim(draw, x.ndim))) if flag(draw) else (x,))


@drawn("windows")
def _windows(draw, rng, name):
    x = normal(rng, shape(draw))
    d = dim(draw, x.ndim)
    length = x.shape[d] if -x.ndim <= d < x.ndim and x.ndim else 1
    return Call((x, d, int(rng.integers(0, length + 1 + rarely(draw))), draw(st.integers(0 if rarely(draw) else 1, 3))))


@drawn("diag")
def _diag(draw, rng, name):
    return Call((normal(rng, shape(draw, 1, 2)), *([draw(st.integers(-4, 4))] if flag(draw) else [])))


@drawn("diagonal")
def _diagonal(draw, rng, name):
    x = normal(rng, shape(draw, 2))
    places = (dim(draw, x.ndim), dim(draw, x.ndim)) if flag(draw) else ()
    return Call((x, draw(st.integers(-4, 4)), *places))


@drawn("diag_embed", "diagflat")
def _diag_embed(draw, rng, name):
    x = normal(rng, shape(draw, 1 if name == "diag_embed" else 0, 3))
    places = (dim(draw, x.ndim + 1), dim(draw, x.ndim + 1)) if name == "diag_embed" and flag(draw) else ()
    return Call((x, draw(st.integers(-3, 3)), *places) if places or flag(draw) else (x,))


@drawn("block_diag")
def _block_diag(draw, rng, name):
    return Call(
        tuple(normal(rng, shape(draw, 0, 2 + rarely(draw), empty=False)) for _ in range(draw(st.integers(1, 3))))
    )


@drawn("tril", "triu")
def _triangles(draw, rng, name):
    x = any_dtype(draw, rng, shape(draw, 2 - rarely(draw), 4))
    return Call((x, *([draw(st.integers(-4, 4))] if flag(draw) else [])))


@drawn("cartesian_prod")
def _cartesian_prod(draw, rng, name):
    return Call(tuple(normal(rng, (draw(st.integers(0, 3)),)) for _ in range(draw(st.integers(1, 3)))))


@drawn("combinations")
def _combinations(draw, rng, name):
    options = {"r": draw(st.integers(0, 4)), "with_replacement": flag(draw)}
    return Call((normal(rng, shape(draw, 1, 1 + rarely(draw))),), options if flag(draw) else {})


@drawn("vander")
def _vander(draw, rng, name):
    return Call(
        (Constant(normal(rng, shape(draw, 1, 1 + rarely(draw)))),), {"N": draw(st.integers(1, 5))} if flag(draw) else {}
    )


@drawn("meshgrid")
def _meshgrid(draw, rng, name):
    vectors = [normal(rng, shape(draw, 0, 1 + rarely(draw))) for _ in range(draw(st.integers(1, 3)))]
    return Call(tuple(vectors), {"indexing": choose(draw, "ij", "xy")})


# ---- parts


@drawn("chunk")
def _chunk(draw, rng, name):
    x = normal(rng, shape(draw, 1 - rarely(draw)))
    return Call((x, draw(st.integers(0 if rarely(draw) else 1, 5)), dim(draw, x.ndim)))


@drawn("split")
def _split(draw, rng, name):
    x = normal(rng, shape(draw, 1))
    d = dim(draw, x.ndim)
    length = x.shape[d] if -x.ndim <= d < x.ndim else 2
    return Call((x, draw(st.integers(0 if rarely(draw) else 1, 5)) if flag(draw) else sections(draw, rng, length), d))


def sections(draw, rng, length):
    """Return sizes that add up to the length, or in a tenth of the draws may not."""
    cuts = sorted(int(c) for c in rng.integers(0, length + 1, draw(st.integers(0, 2))))
    sizes = [b - a for a, b in zip([0, *cuts], [*cuts, length + rarely(draw)], strict=True)]
    return sizes if flag(draw) else tuple(sizes)


@drawn("tensor_split")
def _tensor_split(draw, rng, name):
    x = normal(rng, shape(draw, 1))
    cuts = tuple(int(c) for c in rng.integers(-3, 6, draw(st.integers(0, 3))))
    return Call((x, draw(st.integers(0 if rarely(draw) else 1, 5)) if flag(draw) else cuts, dim(draw, x.ndim)))


@drawn("hsplit", "vsplit", "dsplit")
def _named_split(draw, rng, name):
    low = {"hsplit": 1, "vsplit": 2, "dsplit": 3}[name]
    x = normal(rng, shape(draw, low - rarely(draw), 4))
    cuts = tuple(int(c) for c in rng.integers(-3, 6, draw(st.integers(0, 3))))
    return Call((x, draw(st.integers(0 if rarely(draw) else 1, 2)) if flag(draw) else cuts))


@drawn("select")
def _select(draw, rng, name):
    x = normal(rng, shape(draw, 1))
    return Call((x, dim(draw, x.ndim), draw(st.integers(-2, 1))))


@drawn("unbind")
def _unbind(draw, rng, name):
    x = any_dtype(draw, rng, shape(draw, 1))
    return Call((x, dim(draw, x.ndim)) if flag(draw) else (x,))


@drawn("cat")
def _cat(draw, rng, name):
    size = shape(draw, 1, 4)
    d = dim(draw, len(size))
    place = d % len(size)
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        own = tuple(int(rng.integers(0, 4)) if i == place else s for i, s in enumerate(size))
        parts.append(any_dtype(draw, rng, own) if rarely(draw) else floats(draw, rng, own))
    if rarely(draw):
        parts.append(normal(rng, (0,) if flag(draw) else shape(draw, 1, 2)))
    if all(p.shape == (0,) for p in parts):
        d = 0
    return Call((parts if flag(draw) else tuple(parts), *([d] if d or flag(draw) else [])))


@drawn("stack", "hstack", "vstack", "dstack", "column_stack")
def _stack(draw, rng, name):
    size = shape(draw, 0, 3)
    parts = [any_dtype(draw, rng, size) if rarely(draw) else normal(rng, size) for _ in range(draw(st.integers(1, 3)))]
    if rarely(draw):
        parts.append(normal(rng, shape(draw, 0, 2)))
    return Call((parts, dim(draw, len(size) + 1)) if name == "stack" and flag(draw) else (parts,))


# ---- padding


@drawn("pad")
def _pad(draw, rng, name):
    mode = choose(draw, "constant", "constant", "reflect", "replicate", "circular")
    if mode == "constant":
        x = floats(draw, rng, shape(draw, 1))
        count = draw(st.integers(0, x.ndim + rarely(draw)))
        widths = [int(w) for w in rng.integers(-1 if rarely(draw) else 0, 3, 2 * count)]
        return Call((x, tuple(widths), mode, *([choose(draw, 0.0, 1.5)] if flag(draw) else [])), theirs=F.pad)
    count = draw(st.integers(1, 2))
    x = normal(rng, (*shape(draw, 2 - flag(draw), 2, empty=False), *(int(s) for s in rng.integers(2, 5, count))))
    high = 3 if rarely(draw) else 2  # at most the size is repeated, and less than it reflected
    return Call((x, tuple(int(w) for w in rng.integers(0, high, 2 * count)), mode), theirs=F.pad)
