"""Losses."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from drawn import (
    Call,
    broadcastable,
    choose,
    drawn,
    flag,
    normal,
    positive,
    rarely,
    shape,
    special,
    spelled,
    tied,
    whole,
)
from minicnn.autograd.sample import Constant


def reducing(draw, elements, *more):
    """Return the reduction, in PyTorch's old spelling too; not the mean of nothing, which is an error in minicnn."""
    if not elements:
        return {"size_average": None, "reduce": None, "reduction": choose(draw, "sum", "none")}
    either = (None, True, False)
    old = (choose(draw, *either), choose(draw, *either)) if choose(draw, *range(4)) == 3 else (None, None)
    wrong = ("avg",) if rarely(draw) else ()
    return {
        "size_average": old[0],
        "reduce": old[1],
        "reduction": choose(draw, "mean", "sum", "none", *more, *wrong),
    }


def broadcast(*shapes):
    """Return the shape that they broadcast to; None where they do not."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


def count(*shapes):
    """Return how many elements the shapes broadcast to; 1 where they do not."""
    return int(np.prod(broadcast(*shapes) or (), dtype=int))


@drawn("cross_entropy")
def _cross_entropy(draw, rng, name):
    """Labels are numbers, some of them ignored, or probabilities; at least one counts where the mean is taken."""
    n, c = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    rest = tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
    shape, labels = ((c,), ()) if rarely(draw) else ((n, c, *rest), (n, *rest))
    options = {**reducing(draw, n), "label_smoothing": choose(draw, 0.0, 0.1, 0.5, 1.0)}
    x = normal(rng, shape) * choose(draw, 1.0, 30.0, 1e4)
    weight = Constant(positive(rng, (c,), 0.2, 2.0)) if flag(draw) else None
    if not draw(st.integers(0, 2)):
        return Call((x, rng.uniform(0.0, 1.0, shape), weight), options)
    target = np.asarray(rng.integers(0, c, labels))
    ignore = choose(draw, None, -100, 0, -1)
    if ignore is not None:
        options["ignore_index"] = ignore
        target = np.where(rng.random(labels) < 0.3, ignore, target)
        if np.all(target == ignore):
            options.update(reducing(draw, 0))
    if rarely(draw):
        target = target + c  # out of range
    return Call((x, target, weight), options)


@drawn("nll_loss")
def _nll_loss(draw, rng, name):
    """Logarithms of any number of dims, and classes, of which some are ignored or out of range."""
    n, c = choose(draw, 2, 1, 3, 0), choose(draw, 3, 1, 2)
    rest = tuple(choose(draw, 2, 1, 3) for _ in range(choose(draw, 0, 1, 2, 3)))
    size, labels = ((c,), ()) if rarely(draw) else ((n, c, *rest), (n, *rest))
    target = whole(rng, labels, 0, c + rarely(draw))
    ignore = choose(draw, -100, 0, 1, -1)
    if flag(draw):
        target = np.where(rng.random(labels) < 0.3, ignore, target)
    options = reducing(draw, int(np.any(target != ignore)))
    weight = Constant(positive(rng, (c + rarely(draw),))) if flag(draw) else None
    options = {"weight": weight, "size_average": options.pop("size_average"), "ignore_index": ignore, **options}
    return spelled(draw, (normal(rng, size), np.asarray(target)), options)


@drawn("mse_loss", "l1_loss", "smooth_l1_loss")
def _numbers(draw, rng, name):
    """Errors on the corners and between; weights, where there are some, of the input's shape."""
    a, b = broadcastable(draw)
    x, t = choose(draw, normal, tied)(rng, a), choose(draw, normal, tied, special)(rng, b)
    options = reducing(draw, count(a, b))
    if name == "smooth_l1_loss":
        options["beta"] = choose(draw, 1.0, 0.5, 0.0, 2.0, -1.0 if rarely(draw) else 3.0)
    elif a == b and flag(draw):
        options["weight"] = positive(rng, (2, 3) if rarely(draw) else a)
    return spelled(draw, (x, t), options, gradient=not np.isnan(t).any())


@drawn("huber_loss")
def _huber_loss(draw, rng, name):
    a, b = broadcastable(draw)
    x, t = choose(draw, normal, tied)(rng, a), choose(draw, normal, tied, special)(rng, b)
    options = {"reduction": reducing(draw, count(a, b))["reduction"]}
    options["delta"] = choose(draw, 1.0, 0.5, 2.0, 0.0 if rarely(draw) else 3.0)
    if a == b and flag(draw):
        options["weight"] = positive(rng, a)
    return spelled(draw, (x, t), options, gradient=not np.isnan(t).any())


def probabilities(draw, rng, size):
    """Return probabilities, some of them 0 and 1."""
    p = np.asarray(rng.uniform(0.0, 1.0, size))
    return np.asarray(np.where(rng.random(size) < 0.3, np.round(p), p)) if flag(draw) else p


@drawn("binary_cross_entropy", "binary_cross_entropy_with_logits")
def _yes_no(draw, rng, name):
    """Weights broadcast. PyTorch's gradient of a target is infinite where the probability is 0 or 1."""
    size = shape(draw)
    other = tuple(s + 1 for s in size) if rarely(draw) else size
    options = {"weight": None, **reducing(draw, count(size))}
    if flag(draw):
        options["weight"] = Constant(positive(rng, size[draw(st.integers(0, len(size))) :]))
    if name == "binary_cross_entropy":
        x, target = probabilities(draw, rng, size), Constant(probabilities(draw, rng, other))
        x = x + 1.0 if rarely(draw) else x
    else:
        x, target = normal(rng, size) * choose(draw, 1.0, 30.0, 1e3), probabilities(draw, rng, other)
        options["pos_weight"] = Constant(positive(rng, size[-1:])) if flag(draw) else None
    return spelled(draw, (x, target), options)


@drawn("kl_div")
def _kl_div(draw, rng, name):
    """Targets of probability 0 too, and logarithms of targets."""
    a, b = broadcastable(draw)
    logarithms = flag(draw)
    target = normal(rng, b) if logarithms else positive(rng, b)
    if flag(draw) and not logarithms:  # PyTorch's gradient of a target is NaN where it is 0
        target = Constant(probabilities(draw, rng, b))
    options = {**reducing(draw, count(a, b), *(("batchmean",) if a and a[0] else ())), "log_target": logarithms}
    if options["reduction"] == "batchmean":  # PyTorch divides twice, if asked in the old spelling too
        options["size_average"] = options["reduce"] = None
    return spelled(draw, (normal(rng, a), target), options)


@drawn("poisson_nll_loss")
def _poisson_nll_loss(draw, rng, name):
    a, b = broadcastable(draw)
    old = reducing(draw, count(a, b))
    options = {
        "log_input": flag(draw),
        "full": flag(draw),
        "size_average": old["size_average"],
        "eps": choose(draw, 1e-8, 0.1),
        "reduce": old["reduce"],
        "reduction": old["reduction"],
    }
    x = (normal if options["log_input"] else positive)(rng, a)
    return spelled(draw, (x, Constant(whole(rng, b, 0, 6) * choose(draw, 1.0, 0.5))), options)


@drawn("gaussian_nll_loss")
def _gaussian_nll_loss(draw, rng, name):
    """A variance for each element, for each sample, or for all; some held at eps, one rarely negative."""
    a, b = broadcastable(draw, high=3)
    spread = choose(draw, a, a, (*a[:-1], 1), a[:-1]) if a else a
    var = (
        positive(rng, spread, -0.1 if rarely(draw) else 0.0, 2.0)
        if flag(draw)
        else choose(draw, 0.5, 2.0, 0.0, -1.0 if count(a) else 1.0)
    )
    options = {"full": flag(draw), "eps": choose(draw, 1e-6, 0.1, 1.0)}
    options["reduction"] = reducing(draw, count(a, b))["reduction"]
    return spelled(draw, (normal(rng, a), normal(rng, b), var), options)


@drawn("soft_margin_loss")
def _soft_margin_loss(draw, rng, name):
    a, b = broadcastable(draw)
    size = broadcast(a, b)
    b = b if size in (a, None) else a  # PyTorch broadcasts the target alone
    target = Constant(np.asarray(rng.choice([-1.0, 1.0], b)))
    return spelled(draw, (normal(rng, a) * choose(draw, 1.0, 30.0, 100.0), target), reducing(draw, count(a, b)))
