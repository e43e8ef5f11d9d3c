"""Exponentials over a dim that add up to 1."""

from __future__ import annotations

import numpy as np
from peers_helpers import torch

from drawn import Call, choose, dim, drawn, flag, normal, rarely, shape, tied


@drawn("softmax", "log_softmax", "softmin")
def _softmax(draw, rng, name):
    """Far from 0 too, and with −∞, which takes no part."""
    x = choose(draw, normal, tied)(rng, shape(draw)) * choose(draw, 1.0, 50.0, 1e4)
    d = dim(draw, x.ndim)
    if name != "softmin" and x.ndim and -x.ndim <= d < x.ndim and rarely(draw):
        gone = rng.random(x.shape) < 0.3
        x = np.where(gone & ~gone.all(d, keepdims=True), -np.inf, x)
    options = {"dtype": np.dtype(choose(draw, "float32", "float64"))} if rarely(draw) else {}
    double = not options or options["dtype"] == np.float64  # the gradient of less is rounded, and float64 again
    if options and name != "softmin" and flag(draw):
        return Call((x,), {"axis": d, **options}, theirs=getattr(torch, name), gradient=double)
    if flag(draw):
        return Call((x, d), options, gradient=double)
    return Call((x,), {"dim": d, **options}, gradient=double)
