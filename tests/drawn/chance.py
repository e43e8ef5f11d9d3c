"""Functions that draw numbers at random: PyTorch's arithmetic, for the numbers that minicnn drew."""

from __future__ import annotations

import numpy as np
from peers_helpers import F, torch

import minicnn
from drawn import Call, choose, dim, drawn, flag, floats, normal, shape
from minicnn.nn import functional

DIMS = {"dropout": 0, "dropout1d": 1, "dropout2d": 2, "dropout3d": 3}  # how many are dropped together


@drawn(*DIMS)
def _dropout(draw, rng, name):
    together = DIMS[name]
    x = normal(rng, shape(draw, 1, 4) if not together else (*shape(draw, 2, 2), *shape(draw, together, together)))
    p, training = choose(draw, 0.25, 0.5, 0.9, 0.0, 1.0, 1.5), flag(draw)
    masks = []

    def mine(x, p, training):
        y = getattr(functional, name)(x, p, training)
        masks.append(y.detach().numpy() != 0)
        whole = masks[0] == masks[0][(..., *(slice(0, 1),) * together)]
        assert np.all(whole), "a part of a channel was dropped"
        return y

    def theirs(x, p, training):
        y = getattr(F, name)(x, p, training)
        return x * torch.tensor(masks[0]) / (1 - p) if training and 0 < p < 1 else y

    return Call((x, p, training), mine=mine, theirs=theirs)


def seeded(name, seed):
    """Return minicnn's function with a generator of that seed."""
    return lambda *args: getattr(functional, name)(*args, generator=minicnn.Generator().manual_seed(seed))


def uniform(seed, size):
    """Return what minicnn draws with that seed."""
    return torch.tensor(minicnn.Generator().manual_seed(seed).numpy.random(size, dtype="float32")).double()


@drawn("alpha_dropout", "feature_alpha_dropout")
def _alpha_dropout(draw, rng, name):
    """What is dropped becomes what SELU tends to; then a line that keeps mean 0 and variance 1 maps all."""
    features = name == "feature_alpha_dropout"
    x = normal(rng, shape(draw, 2 if features else 0, 4))
    p, training, seed = choose(draw, 0.25, 0.5, 0.9, 0.0, 1.0, 1.5), flag(draw), int(rng.integers(1000))

    def theirs(x, p, training):
        if not training or not 0 < p < 1:
            return getattr(F, name)(x, p, training)
        size = (*x.shape[:2], *(1,) * (x.ndim - 2)) if features else x.shape
        kept = uniform(seed, size) >= p
        low = -F.elu(torch.tensor(-torch.inf)).item() * F.selu(torch.tensor(-1e9, dtype=torch.float64)).item()
        a = (1 - p + p * (1 - p) * low**2) ** -0.5
        return a * torch.where(kept, x, low) - a * p * low

    return Call((x, p, training), mine=seeded(name, seed), theirs=theirs)


@drawn("rrelu")
def _rrelu(draw, rng, name):
    """Each negative element has a slope of its own in training."""
    x, training, seed = floats(draw, rng, shape(draw)), flag(draw), int(rng.integers(1000))
    lower, upper = choose(draw, (1 / 8, 1 / 3), (0.0, 1.0), (0.5, 0.5), (0.5, 0.2), (-1.0, 0.5))

    def theirs(x, lower, upper, training):
        if not training or lower >= upper:
            return F.rrelu(x, lower, upper, training)
        return torch.where(x <= 0, x * (lower + (upper - lower) * uniform(seed, x.shape)), x)

    return Call((x, lower, upper, training), mine=seeded(name, seed), theirs=theirs, gradient=not np.isnan(x).any())


@drawn("gumbel_softmax")
def _gumbel_softmax(draw, rng, name):
    x, hard, seed = normal(rng, shape(draw, 1)), flag(draw), int(rng.integers(1000))
    d, tau = dim(draw, x.ndim), choose(draw, 1, 0.5, 3.0)

    def mine(x, dim):
        gen = minicnn.Generator().manual_seed(seed)
        return functional.gumbel_softmax(x, tau, hard, 1e-10, dim, generator=gen)

    def theirs(x, dim):
        soft = torch.softmax((x - (-uniform(seed, x.shape).log()).log()) / tau, dim)
        if not hard or not soft.numel():
            return soft
        return torch.zeros_like(x).scatter(dim, soft.argmax(dim, keepdim=True), 1.0) - soft.detach() + soft

    return Call((x, d), mine=mine, theirs=theirs)
