"""Quantiles and modes, means that leave NaN out, covariance, counts, and sums along a dim."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from drawn import Call, choose, dim, distinct, drawn, flag, mask, normal, positive, rarely, shape, tied, whole
from drawn.reduce import over
from minicnn.autograd.sample import Constant


def with_nan(rng, size, dim=None):
    """Return values with NaN among them, along a dim never alone."""
    gone = rng.random(size) < 0.3
    try:
        return np.where(gone & ~gone.all(dim, keepdims=True), np.nan, distinct(rng, size))
    except IndexError:
        return distinct(rng, size)


@drawn("nanmean", "nanmedian")
def _without_nan(draw, rng, name):
    size = shape(draw, empty=name == "nanmean")
    args, options = over(draw, len(size), several=name == "nanmean")
    x = with_nan(rng, size, *(args[:1] or (options.get("dim"),))) if flag(draw) else tied(rng, size)
    return Call((x, *args), options)


@drawn("quantile", "nanquantile")
def _quantiles(draw, rng, name):
    size = shape(draw, empty=False)
    q = choose(draw, 0.0, 0.25, 0.5, 0.8, 1.0) if flag(draw) else Constant(rng.random(draw(st.integers(1, 3))))
    args, options = over(draw, len(size), several=False)
    nan = name == "nanquantile" and flag(draw)
    x = with_nan(rng, size, *(args[:1] or (options.get("dim"),))) if nan else distinct(rng, size)
    if flag(draw):
        options["interpolation"] = choose(draw, "linear", "lower", "higher", "midpoint", "nearest")
    return Call((x, q, *args), options)


@drawn("mode")
def _mode(draw, rng, name):
    x = choose(draw, tied, distinct)(rng, shape(draw))
    return Call((x, dim(draw, x.ndim), flag(draw)))


@drawn("msort")
def _msort(draw, rng, name):
    return Call((distinct(rng, shape(draw)),))


@drawn("cov", "corrcoef")
def _cov(draw, rng, name):
    x = normal(rng, (draw(st.integers(1, 3)), draw(st.integers(2, 5))) if flag(draw) else (draw(st.integers(2, 5)),))
    if name == "corrcoef":
        return Call((x,))
    options = {"correction": choose(draw, 0, 1)} if flag(draw) else {}
    if flag(draw):
        options["fweights"] = whole(rng, x.shape[-1:], 1, 4)
    if flag(draw):
        options["aweights"] = Constant(positive(rng, x.shape[-1:]))
    return Call((x,), options)


@drawn("cummax", "cummin")
def _running(draw, rng, name):
    x = choose(draw, distinct, tied)(rng, shape(draw))
    return Call((x, dim(draw, x.ndim, wrong=x.size > 0)))


@drawn("diff")
def _diff(draw, rng, name):
    x = normal(rng, shape(draw, 1))
    d = dim(draw, x.ndim, wrong=False)
    place = d % x.ndim
    ends = {
        side: normal(rng, tuple(draw(st.integers(0, 2)) if i == place else s for i, s in enumerate(x.shape)))
        for side in ("prepend", "append")
        if flag(draw)
    }
    return Call((x, draw(st.integers(0, 3)), d), ends)


@drawn("trapezoid", "cumulative_trapezoid")
def _trapezoids(draw, rng, name):
    y = normal(rng, shape(draw, 1, 3))
    d = dim(draw, y.ndim, wrong=False)
    if flag(draw):
        return Call((y, normal(rng, (y.shape[d],) if flag(draw) else y.shape)), {"dim": d})
    return Call((y,), {"dim": d, "dx": choose(draw, 1.0, 0.5)})


@drawn("histc")
def _histc(draw, rng, name):
    x = Constant(choose(draw, normal, tied)(rng, shape(draw, 0, 2, empty=False)))
    bounds = choose(draw, (), (-1.0, 1.0), (0.0, 0.0), (0.5, 2.0))
    return Call((x, draw(st.integers(1, 5)), *bounds))


@drawn("bucketize", "searchsorted")
def _places(draw, rng, name):
    edges = Constant(np.sort(tied(rng, (draw(st.integers(0, 5)),))))
    x = Constant(choose(draw, tied, normal)(rng, shape(draw, 0, 3)))
    options = {k: flag(draw) for k in ("right", "out_int32") if flag(draw)}
    return Call((x, edges) if name == "bucketize" else (edges, x), options)


@drawn("isin")
def _isin(draw, rng, name):
    a, b = (Constant(tied(rng, shape(draw, 0, 3))) for _ in range(2))
    return Call((a, b), {"invert": flag(draw)} if flag(draw) else {})


@drawn("unique_consecutive")
def _unique_consecutive(draw, rng, name):
    x = choose(draw, whole, mask)(rng, shape(draw, empty=False))
    options = {"return_inverse": flag(draw), "return_counts": flag(draw)}
    if x.ndim and rarely(draw):
        options["dim"] = dim(draw, x.ndim)
    return Call((x,), options)
