"""Distances and angles of vectors."""

from __future__ import annotations

import math

from drawn import Call, broadcastable, choose, dim, drawn, flag, normal, rarely, shape, spelled, tied

NORMS = (2.0, 2, 1.0, 3.0, 1.5, 0.5, math.inf)


@drawn("normalize")
def _normalize(draw, rng, name):
    x = choose(draw, normal, normal, tied)(rng, shape(draw))
    options = {"p": choose(draw, *NORMS), "dim": dim(draw, x.ndim), "eps": choose(draw, 1e-12, 0.5)}
    return spelled(draw, (x,), options)


@drawn("cosine_similarity")
def _cosine_similarity(draw, rng, name):
    a, b = broadcastable(draw)
    ndim = max(len(a), len(b))
    options = {"dim": dim(draw, ndim), "eps": choose(draw, 1e-8, 0.5)}
    # PyTorch's gradient of vectors shorter than eps is not that of their value
    return spelled(draw, (normal(rng, a), normal(rng, b)), options, gradient=options["eps"] < 0.1)


@drawn("pairwise_distance")
def _pairwise_distance(draw, rng, name):
    a, b = broadcastable(draw, high=3)
    options = {"p": choose(draw, *NORMS), "eps": choose(draw, 1e-6, 0.1), "keepdim": flag(draw)}
    return spelled(draw, (normal(rng, a), normal(rng, b)), options)


@drawn("pdist")
def _pdist(draw, rng, name):
    size = (choose(draw, 3, 4, 2, 1), choose(draw, 2, 3, 1, 0))
    size = (2, *size) if rarely(draw) else size
    p = choose(draw, *(NORMS if size[-1] else NORMS[:-1]))
    x = rng.normal(size=size) if p == math.inf else choose(draw, normal, tied)(rng, size)
    return Call((x, p) if p != 2 or flag(draw) else (x,))
