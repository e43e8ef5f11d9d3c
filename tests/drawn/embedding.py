"""Rows of a table."""

from __future__ import annotations

import numpy as np

from drawn import Call, choose, drawn, flag, normal, rarely, shape, whole
from minicnn.autograd.sample import Constant


def table(draw, rng):
    return normal(rng, (choose(draw, 4, 3, 1), choose(draw, 2, 3, 1)))


def renormed(draw, weight):
    """Return how long rows may be, if that is asked for: the table is written to, so it has no gradient."""
    if flag(draw):
        return weight, {}
    return Constant(weight), {"max_norm": choose(draw, 1.0, 0.3), "norm_type": choose(draw, 2.0, 1.0, 3.0)}


@drawn("embedding")
def _embedding(draw, rng, name):
    weight = table(draw, rng)
    count = len(weight)
    index = whole(rng, shape(draw, 0, 3), 0, count + rarely(draw)).astype(choose(draw, "int64", "int32"))
    weight, options = renormed(draw, weight)
    if flag(draw):
        options["padding_idx"] = choose(draw, 0, -1, count - 1, count if rarely(draw) else 0)
    if flag(draw):
        options["scale_grad_by_freq"] = True
    return Call((index, weight), options, changed=(1,) if "max_norm" in options else ())


@drawn("embedding_bag")
def _embedding_bag(draw, rng, name):
    """A bag a row, or bags that start where the offsets say, some of them empty."""
    weight = table(draw, rng)
    count = len(weight)
    weight, options = renormed(draw, weight)
    mode = options["mode"] = choose(draw, "mean", "sum", "max")
    size = (choose(draw, 4, 1, 6),) if flag(draw) else (choose(draw, 2, 1, 3), choose(draw, 3, 1, 4))
    index = whole(rng, size, 0, count + rarely(draw))
    if len(size) == 1:
        starts = [0, *sorted(rng.integers(0, size[0] + 1, choose(draw, 2, 0, 1, 3)))]
        if flag(draw):
            options["include_last_offset"] = True
            starts.append(size[0])
        options["offsets"] = np.array(starts) + rarely(draw)
    if (mode == "sum" and flag(draw)) or rarely(draw):
        weights = normal(rng, size)
        options["per_sample_weights"] = Constant(weights) if "max_norm" in options and flag(draw) else weights
    if flag(draw):
        options["padding_idx"] = choose(draw, 0, -1, count - 1)
    counts = np.unique(index, return_counts=True)[1]
    if rarely(draw) if mode == "max" else len(set(counts)) == 1:  # else PyTorch mixes the counts up
        options["scale_grad_by_freq"] = True
    return Call((index, weight), options, changed=(1,) if "max_norm" in options else ())
