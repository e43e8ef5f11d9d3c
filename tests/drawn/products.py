"""Products of vectors, matrices and tensors."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import strategies as st

from drawn import Call, broadcastable, choose, dim, dims, drawn, flag, normal, rarely, shape

SIZES = st.sampled_from([2, 3, 1, 4, 0])


def sizes(draw, letters, *terms):
    """Return the shape of each term, a letter a dim; in a tenth of the draws one size is another."""
    length = {letter: draw(SIZES) for letter in letters}
    shapes = [tuple(length[letter] for letter in term) for term in terms]
    if rarely(draw):
        shapes[-1] = (*shapes[-1][:-1], 5) if flag(draw) else (*shapes[-1], 2)
    return shapes


TERMS = {
    "mm": ("nk", "km"),
    "bmm": ("bnk", "bkm"),
    "mv": ("nk", "k"),
    "dot": ("k", "k"),
    "vdot": ("k", "k"),
    "outer": ("n", "m"),
}


@drawn(*TERMS)
def _fixed(draw, rng, name):
    return Call(tuple(normal(rng, size) for size in sizes(draw, "bnkm", *TERMS[name])))


ADDED = {
    "addmm": ("nk", "km", "nm"),
    "addmv": ("nk", "k", "n"),
    "baddbmm": ("bnk", "bkm", "bnm"),
    "addbmm": ("bnk", "bkm", "nm"),
    "addr": ("n", "m", "nm"),
}


@drawn(*ADDED)
def _added(draw, rng, name):
    left, right, out = sizes(draw, "bnkm", *ADDED[name])
    own = tuple(1 if draw(st.integers(0, 3)) == 3 else s for s in out)
    own = own[draw(st.integers(0, len(own) > 1)) :] if 0 not in left or name != "addmv" else out
    options = {k: choose(draw, 0.5, 2, -1.0, 0) for k in ("alpha", "beta") if flag(draw)}
    return Call((normal(rng, own), normal(rng, left), normal(rng, right)), options)


@drawn("matmul")
def _matmul(draw, rng, name):
    batch = shape(draw, 0, 2)
    left, right = (tuple(1 if draw(st.integers(0, 3)) == 3 else s for s in batch) for _ in range(2))
    a, b = sizes(draw, "nkm", "nk", "km")
    a = a[1:] if rarely(draw) else (*left[draw(st.integers(0, len(left))) :], *a)
    b = b[:1] if rarely(draw) else (*right[draw(st.integers(0, len(right))) :], *b)
    return Call((normal(rng, a), normal(rng, b)))


@drawn("vecdot")
def _vecdot(draw, rng, name):
    first, second = broadcastable(draw)
    d = dim(draw, max(len(first), len(second)), wrong=False)
    second = first if len(first) == len(second) == 1 else second
    return Call((normal(rng, first), normal(rng, second)), {"dim": d} if flag(draw) else {})


@drawn("cross")
def _cross(draw, rng, name):
    size = list(shape(draw, 1, 3))
    d = int(rng.integers(len(size)))
    size[d] = 3 if not rarely(draw) else 2
    other = tuple(1 if i != d and rng.random() < 0.2 else s for i, s in enumerate(size))
    return Call((normal(rng, tuple(size)), normal(rng, other), d - len(size) * flag(draw)))


@drawn("adjoint")
def _adjoint(draw, rng, name):
    return Call((normal(rng, shape(draw, 2 - rarely(draw))),))


@drawn("cdist")
def _cdist(draw, rng, name):
    """Points that lie apart: where two are one, PyTorch's gradient depends on the way it takes."""
    batch, length = shape(draw, 0, 1), draw(SIZES)
    a, b = (rng.normal(size=(*batch, draw(SIZES), length)) for _ in range(2))
    return Call((a, b, choose(draw, 2.0, 1.0, 3.0, float("inf"))))


@drawn("matrix_power")
def _matrix_power(draw, rng, name):
    return Call((square(draw, rng), draw(st.integers(-2, 5))))


@drawn("det", "inv", "slogdet", "logdet")
def _square(draw, rng, name):
    return Call((square(draw, rng),))


@drawn("cholesky")
def _cholesky(draw, rng, name):
    a = square(draw, rng)
    if a.shape[-1] == a.shape[-2]:
        a = a @ np.swapaxes(a, -1, -2) + np.eye(a.shape[-1])
    return Call((a,), {"upper": True} if flag(draw) else {})


@drawn("solve")
def _solve(draw, rng, name):
    a, left = square(draw, rng), flag(draw)
    n, m = a.shape[-1], draw(SIZES)
    b = normal(rng, (*a.shape[:-2], *((n, m) if left else (m, n))))
    return Call((a, b), {} if left else {"left": False})


def square(draw, rng):
    """Return matrices far from singular; in a tenth of the draws they may not be square."""
    n = draw(SIZES)
    a = np.asarray(normal(rng, (*shape(draw, 0, 2), n, n)) * 0.3 + np.eye(n) * rng.choice([-2.0, 2.0], n))
    return a[..., :-1] if n and rarely(draw) else a


@drawn("multi_dot")
def _multi_dot(draw, rng, name):
    count = draw(st.integers(2, 4))
    length = [draw(SIZES) for _ in range(count + 1)]
    mats = [normal(rng, (n, m)) for n, m in itertools.pairwise(length)]
    if rarely(draw):
        mats[0] = normal(rng, (length[1] + rarely(draw),))
    return Call((mats,))


@drawn("inner")
def _inner(draw, rng, name):
    last = draw(SIZES)
    a, b = (shape(draw, 0, 2) if rarely(draw) else (*shape(draw, 0, 2), last) for _ in range(2))
    return Call((normal(rng, a), normal(rng, b)))


@drawn("kron")
def _kron(draw, rng, name):
    return Call((normal(rng, shape(draw, 0, 3)), normal(rng, shape(draw, 0, 3))))


@drawn("tensordot")
def _tensordot(draw, rng, name):
    a = shape(draw, 0, 3)
    wrong = rarely(draw)
    if flag(draw):
        count = draw(st.integers(0, len(a)))
        b = (*(s + 2 * wrong for s in a[len(a) - count :]), *shape(draw, 0, 2))
        return Call((normal(rng, a), normal(rng, b)), {"dims": len(b) + 1 if wrong and flag(draw) else count})
    left = dims(draw, len(a))
    b = [*(a[i] for i in left), *shape(draw, 0, 1)]
    order = [int(i) for i in rng.permutation(len(b))]
    right = [order.index(i) for i in range(len(left))]
    return Call((normal(rng, a), normal(rng, tuple(b[i] for i in order))), {"dims": (list(left), right)})


@drawn("einsum")
def _einsum(draw, rng, name):
    """Terms over four letters, with repeats, and dims that broadcast; with an output that is given or not."""
    length = {letter: draw(SIZES) for letter in "abcd"}
    batch = shape(draw, 0, 2)
    dots = rarely(draw)
    terms, operands = [], []
    for _ in range(draw(st.integers(1, 3))):
        letters = "".join(draw(st.lists(st.sampled_from("abcd"), max_size=3)))
        own = batch[draw(st.integers(0, len(batch))) :] if dots else ()
        size = (*own, *(length[c] for c in letters))
        if size and rarely(draw):
            size = (*size[:-1], size[-1] + 1)
        terms.append(("..." if dots else "") + letters)
        operands.append(normal(rng, size))
    equation = ",".join(terms)
    if flag(draw):
        used = sorted({c for term in terms for c in term if c != "."})
        kept = draw(st.lists(st.sampled_from(used), unique=True)) if used else []
        equation += "->" + ("..." if dots else "") + "".join(kept)
    return Call((equation, *operands))


@drawn("linear")
def _linear(draw, rng, name):
    batch = shape(draw, 0, 3)
    x, weight, bias = sizes(draw, "nm", "n", "mn", "m")
    return Call((normal(rng, (*batch, *x)), normal(rng, weight), *([normal(rng, bias)] if flag(draw) else [])))
