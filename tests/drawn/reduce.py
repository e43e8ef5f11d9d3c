"""Reductions over dims, running sums and products, norms, and the order of elements."""

from __future__ import annotations

import numpy as np

from drawn import (
    Call,
    any_dtype,
    choose,
    dim,
    dims,
    distinct,
    drawn,
    flag,
    floats,
    mask,
    normal,
    positive,
    rarely,
    shape,
    special,
    tied,
    whole,
)
from minicnn.autograd.sample import Constant

FLOAT64 = np.dtype("float64")


def over(draw, ndim, several=True, none=False):
    """Return drawn ``dim`` and ``keepdim``, by position or by name; dims of () where ``none``."""
    kind = choose(draw, "none", "one", "one", "several" if several and (ndim or none) else "one")
    if kind == "none":
        return (), {}
    chosen = dims(draw, ndim, int(not none)) if kind == "several" else dim(draw, ndim)
    if flag(draw):
        return (chosen, flag(draw)), {}
    return (), {"dim": chosen, **({"keepdim": True} if flag(draw) else {})}


@drawn("sum", "mean", "nansum", "logsumexp")
def _sums(draw, rng, name):
    size = shape(draw)
    x = floats(draw, rng, size) if name == "mean" or flag(draw) else any_dtype(draw, rng, size)
    args, options = over(draw, x.ndim, none=name != "logsumexp")
    if name != "logsumexp" and rarely(draw):
        options["dtype"] = FLOAT64
    return Call((x, *args), options)


@drawn("all", "any", "count_nonzero")
def _questions(draw, rng, name):
    x = any_dtype(draw, rng, shape(draw))
    args, options = over(draw, x.ndim, none=True)
    if name == "count_nonzero":
        args, options = args[:1], {k: v for k, v in options.items() if k == "dim"}
    return Call((x, *args), options)


@drawn("amax", "amin", "aminmax")
def _extremes(draw, rng, name):
    x = choose(draw, tied, distinct, normal)(rng, shape(draw))
    args, options = over(draw, x.ndim, name != "aminmax", none=True)
    if name == "aminmax":
        args, options = (), {**dict(zip(("dim", "keepdim"), args, strict=False)), **options}
    return Call((x, *args), options)


@drawn("max", "min", "argmax", "argmin", "median")
def _picked(draw, rng, name):
    x = choose(draw, tied, distinct, special)(rng, shape(draw, empty=name != "median"))
    args, options = over(draw, x.ndim, several=False)
    return Call((x, *args), options)


@drawn("var", "std", "var_mean", "std_mean")
def _spreads(draw, rng, name):
    x = choose(draw, normal, normal, tied)(rng, shape(draw))
    args, options = over(draw, x.ndim)
    if args:
        options = {"dim": args[0], "keepdim": args[1]}
    kind = choose(draw, "default", "correction", "unbiased")
    if kind == "correction":
        options["correction"] = choose(draw, 0, 1, 2)
    elif kind == "unbiased":
        options["unbiased"] = flag(draw)
        if not args and "dim" not in options:
            options = {"unbiased": options["unbiased"]}
    return Call((x,), options, gradient=options.get("correction") != 2)


@drawn("cumsum", "cumprod", "logcumsumexp")
def _running(draw, rng, name):
    x = choose(draw, normal, normal, tied)(rng, shape(draw))
    x = whole(rng, x.shape) if name != "logcumsumexp" and rarely(draw) else x
    options = {"dtype": FLOAT64} if name != "logcumsumexp" and rarely(draw) else {}
    return Call((x, dim(draw, x.ndim)), options)


@drawn("prod")
def _prod(draw, rng, name):
    x = choose(draw, normal, tied, positive)(rng, shape(draw))
    args, options = over(draw, x.ndim, several=False)
    return Call((x, *args), options)


@drawn("norm", "vector_norm")
def _norms(draw, rng, name):
    x = choose(draw, normal, distinct, tied)(rng, shape(draw))
    names = ["fro"] if name == "norm" and x.ndim < 3 else []
    order = choose(draw, 2, 2, 1, 3, 0.5, float("inf"), float("-inf"), 0, *names)
    args, options = over(draw, x.ndim)
    if args:
        options = {"dim": args[0], "keepdim": args[1]}
    return Call((x, order), options)


@drawn("matrix_norm")
def _matrix_norm(draw, rng, name):
    x = normal(rng, shape(draw, 2, 4))
    order = choose(draw, "fro", 1, -1, float("inf"), float("-inf"))
    options = {"keepdim": flag(draw)}
    if flag(draw):
        options["dim"] = tuple(draw_two(draw, x.ndim))
    return Call((x, order), options)


def draw_two(draw, ndim):
    first, second = dim(draw, ndim, wrong=False), dim(draw, ndim, wrong=False)
    return (first, second) if (first - second) % ndim else (-2, -1)


@drawn("sort", "argsort")
def _sorted(draw, rng, name):
    """Stable, so that equal elements have one order only."""
    x = choose(draw, distinct, tied, special, whole)(rng, shape(draw))
    return Call((x,), {"dim": dim(draw, x.ndim), "descending": flag(draw), "stable": True})


@drawn("topk", "kthvalue")
def _ranked(draw, rng, name):
    x = distinct(rng, shape(draw))
    d = dim(draw, x.ndim)
    length = x.shape[d] if -x.ndim <= d < x.ndim else 1
    k = int(rng.integers(0, length + 2)) if rarely(draw) else int(rng.integers(min(1, length), length + 1))
    if name == "kthvalue":
        return Call((x, k, d, flag(draw)))
    return Call((x, k, d, flag(draw)))


@drawn("unique")
def _unique(draw, rng, name):
    x = choose(draw, whole, lambda *size: Constant(tied(*size)), mask)(rng, shape(draw))
    ndim = getattr(x, "values", x).ndim
    options = {"return_inverse": flag(draw), "return_counts": flag(draw)}
    if ndim and 0 not in getattr(x, "values", x).shape and flag(draw):
        options["dim"] = dim(draw, ndim)
    return Call((x,), options)


@drawn("bincount")
def _bincount(draw, rng, name):
    x = whole(
        rng,
        shape(draw, 1, 1, empty=False) if rarely(draw) else (int(rng.integers(1, 8)),),
        -1 if rarely(draw) else 0,
        6,
    )
    weights = Constant(positive(rng, x.shape)) if flag(draw) else None
    return Call((x, weights, choose(draw, 0, 3, 8)))
