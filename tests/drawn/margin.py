"""Losses with margins: of pairs, of triplets, of classes."""

from __future__ import annotations

import math

import numpy as np

from drawn import Call, broadcastable, choose, drawn, flag, normal, positive, rarely, shape, spelled, tied, whole
from drawn.loss import count, reducing
from minicnn.autograd.sample import Constant

MARGINS = (0.0, 0.5, 1.0, 3.0)


def signs(rng, size):
    return Constant(np.asarray(rng.choice([-1.0, 1.0], size)))


@drawn("hinge_embedding_loss")
def _hinge(draw, rng, name):
    a, b = broadcastable(draw)
    options = {"margin": choose(draw, *MARGINS), **reducing(draw, count(a, b))}
    return spelled(draw, (choose(draw, normal, tied)(rng, a), signs(rng, b)), options)


@drawn("margin_ranking_loss")
def _ranking(draw, rng, name):
    size = shape(draw, 0, 3)
    a, b, c = (tuple(1 if rarely(draw) else s for s in size) for _ in range(3))
    c = (*c, 1) if rarely(draw) else c  # another number of dims is refused
    options = {"margin": choose(draw, *MARGINS), **reducing(draw, count(a, b, c))}
    values = choose(draw, normal, tied)
    return spelled(draw, (values(rng, a), values(rng, b), signs(rng, c)), options)


@drawn("cosine_embedding_loss")
def _cosine(draw, rng, name):
    n, d = choose(draw, 3, 2, 1, 0), choose(draw, 3, 2, 1)
    batch = () if rarely(draw) else (n,)
    other = (n + 1,) if rarely(draw) else batch
    a, b = normal(rng, (*batch, d)), normal(rng, (*other, d))
    options = {"margin": choose(draw, 0.0, 0.5, -0.5), **reducing(draw, count(batch))}
    return spelled(draw, (a, b, signs(rng, batch)), options)


def three(draw, rng):
    size = shape(draw, 1, 3)
    other = tuple(s + 1 for s in size) if rarely(draw) else size
    return (normal(rng, size), normal(rng, size), normal(rng, other)), count(size[:-1])


@drawn("triplet_margin_loss")
def _triplet(draw, rng, name):
    args, elements = three(draw, rng)
    options = {
        "margin": choose(draw, 1.0, 0.5, 3.0, 0.0 if rarely(draw) else 0.1),
        "p": choose(draw, 2.0, 1.0, 3.0, math.inf),
        "eps": choose(draw, 1e-6, 0.1),
        "swap": flag(draw),
        **reducing(draw, elements),
    }
    return spelled(draw, args, options)


def manhattan(a, b):
    return (a - b).abs().sum(-1)


@drawn("triplet_margin_with_distance_loss")
def _triplet_of_distances(draw, rng, name):
    args, elements = three(draw, rng)
    options = {
        "distance_function": choose(draw, None, manhattan),
        "margin": choose(draw, 1.0, 0.5, 3.0, 0.0 if rarely(draw) else 0.1),
        "swap": flag(draw),
        "reduction": reducing(draw, elements)["reduction"],
    }
    return Call(args, options)


def rows(draw):
    """Return the sizes of rows of classes, or of one row."""
    n, c = choose(draw, 3, 2, 1, 0), choose(draw, 3, 2, 4, 1)
    return (c,) if rarely(draw) else (n, c)


@drawn("multi_margin_loss")
def _multi_margin(draw, rng, name):
    size = rows(draw)
    target = whole(rng, size[:-1], 0, size[-1] + rarely(draw))
    options = {
        "p": choose(draw, 1, 2, 3 if rarely(draw) else 1),
        "margin": choose(draw, 1.0, 0.5, 3.0),
        "weight": Constant(positive(rng, size[-1:])) if flag(draw) else None,
        **reducing(draw, count(size)),
    }
    return spelled(draw, (choose(draw, normal, tied)(rng, size), target), options)


@drawn("multilabel_margin_loss")
def _multilabel_margin(draw, rng, name):
    """The classes of each row end at the first −1; each is named once."""
    size = rows(draw)
    size = size if count(size) else (1, *size[1:])  # see peers_differences.txt
    target = np.array([rng.permutation(size[-1]) for _ in range(count(size[:-1]))], dtype=np.int64).reshape(size)
    target = np.where(rng.random(size) < 0.3, -1, target) + (rarely(draw) and choose(draw, 0, 1, -1))
    return spelled(draw, (choose(draw, normal, tied)(rng, size), target), reducing(draw, count(size)))


@drawn("multilabel_soft_margin_loss")
def _multilabel_soft_margin(draw, rng, name):
    size = shape(draw, 1)
    target = Constant(whole(rng, (*size[:-1], size[-1] + (rarely(draw) and size[-1] > 1)), 0, 2).astype(float))
    weight = Constant(positive(rng, size[-1:])) if flag(draw) else None
    options = {"weight": weight, **reducing(draw, count(size))}
    return spelled(draw, (normal(rng, size) * choose(draw, 1.0, 30.0), target), options)
