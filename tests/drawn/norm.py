"""Normalization."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from drawn import Call, choose, drawn, flag, normal, positive, rarely, spelled
from minicnn.autograd.sample import Constant

SIZES = st.integers(1, 4)


def factors(draw, rng, size):
    """Return weight and bias, or none; rarely of a shape that does not fit."""
    size = (size[0] + 1, *size[1:]) if size and rarely(draw) else size
    return {name: normal(rng, size) if flag(draw) else None for name in ("weight", "bias")}


@drawn("batch_norm")
def _batch_norm(draw, rng, name):
    """The running statistics are compared too: the call changes them."""
    shape = (draw(SIZES), draw(SIZES), *draw(st.lists(st.integers(1, 3), max_size=3)))
    c = shape[1]
    training = flag(draw)
    running = flag(draw) if training and not rarely(draw) else True
    mean, var = (Constant(normal(rng, (c,))), Constant(positive(rng, (c,)))) if running else (None, None)
    weight, bias = (normal(rng, (c,)) if flag(draw) else None for _ in range(2))
    rest = (training, choose(draw, 0.1, 0.7, 0.0, 1.0), choose(draw, 1e-5, 1e-2))
    return Call((normal(rng, shape) * 2 + 1, mean, var, weight, bias, *rest), changed=(1, 2) if running else ())


@drawn("instance_norm")
def _instance_norm(draw, rng, name):
    """The running statistics are those of the samples' mean; without them the input's own are needed."""
    shape = (choose(draw, 2, 1, 3), draw(SIZES), *(choose(draw, 3, 2, 1) for _ in range(choose(draw, 1, 2, 3))))
    c = shape[1]
    running = (Constant(normal(rng, (c,))), Constant(positive(rng, (c,)))) if flag(draw) else (None, None)
    options = {
        **factors(draw, rng, (c,)),
        "use_input_stats": flag(draw) if running[0] is not None else not rarely(draw),
        "momentum": choose(draw, 0.1, 0.7, 0.0, 1.0),
        "eps": choose(draw, 1e-5, 1e-2),
    }
    x = normal(rng, shape) * 2 + 1
    return spelled(draw, (x, *running), options, changed=(1, 2) if running[0] is not None else ())


@drawn("group_norm")
def _group_norm(draw, rng, name):
    groups = choose(draw, 1, 2, 3)
    shape = (choose(draw, 2, 1, 3, 0), groups * choose(draw, 2, 1) + rarely(draw))
    shape += tuple(choose(draw, 3, 2, 1) for _ in range(choose(draw, 1, 0, 2, 3)))
    options = {**factors(draw, rng, shape[1:2]), "eps": choose(draw, 1e-5, 1e-2)}
    if options["weight"] is None:  # then PyTorch fails for a bias
        options["bias"] = None
    return spelled(draw, (normal(rng, shape) * 2 + 1, groups), options)


@drawn("layer_norm", "rms_norm")
def _layer_norm(draw, rng, name):
    shape = tuple(draw(st.lists(SIZES, min_size=1, max_size=4)))
    last = shape[-draw(st.integers(1, len(shape))) :]
    options = {**factors(draw, rng, last), "eps": choose(draw, 1e-5, 1e-1)}
    if name == "rms_norm":
        del options["bias"]
        options["eps"] = choose(draw, None, 1e-5, 1e-1)
    if rarely(draw):
        last = (last[0] + 1, *last[1:])
    x = normal(rng, (0, *shape[1:]) if len(shape) > len(last) and rarely(draw) else shape)
    return Call((np.asarray(x), last, *options.values()))


@drawn("local_response_norm")
def _local_response_norm(draw, rng, name):
    """Over more channels than there are, too."""
    shape = tuple(choose(draw, 2, 1, 3, 5) for _ in range(choose(draw, 3, 4, 5, 2 if rarely(draw) else 3)))
    shape = (0, *shape[1:]) if rarely(draw) else shape
    options = {"alpha": choose(draw, 1e-4, 1.0), "beta": choose(draw, 0.75, 2.0), "k": choose(draw, 1.0, 0.5)}
    return spelled(draw, (normal(rng, shape), choose(draw, 1, 2, 3, 5)), options)
