"""Losses."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from drawn import Call, choose, drawn, flag, normal, positive, rarely
from minicnn.autograd.sample import Constant


@drawn("cross_entropy")
def _cross_entropy(draw, rng, name):
    """Labels are numbers, some of them ignored, or probabilities; at least one counts where the mean is taken."""
    n, c = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    rest = tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
    shape, labels = ((c,), ()) if rarely(draw) else ((n, c, *rest), (n, *rest))
    options = {
        "reduction": choose(draw, "mean", "sum", "none"),
        "label_smoothing": choose(draw, 0.0, 0.1, 0.5, 1.0),
    }
    x = normal(rng, shape) * choose(draw, 1.0, 30.0, 1e4)
    weight = Constant(positive(rng, (c,), 0.2, 2.0)) if flag(draw) else None
    if not draw(st.integers(0, 2)):
        return Call((x, rng.uniform(0.0, 1.0, shape), weight), options)
    target = np.asarray(rng.integers(0, c, labels))
    ignore = choose(draw, None, -100, 0, -1)
    if ignore is not None:
        options["ignore_index"] = ignore
        target = np.where(rng.random(labels) < 0.3, ignore, target)
        if np.all(target == ignore) and options["reduction"] == "mean":
            options["reduction"] = "sum"
    if rarely(draw):
        target = target + c  # out of range
    return Call((x, target, weight), options)
