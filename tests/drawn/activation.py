"""Activations."""

from __future__ import annotations

import numpy as np
from peers_helpers import F, torch

from drawn import Call, choose, dim, drawn, flag, floats, normal, rarely, shape, tied
from minicnn.nn import functional


def input_of(draw, rng):
    """Return values near the kinks and on them, and far out; half of the time without NaN."""
    x = floats(draw, rng, shape(draw)) * choose(draw, 1.0, 1.0, 3.0, 30.0)
    return np.where(np.isnan(x), 0.0, x) if flag(draw) else x


# Of NaN PyTorch's gradient is that of any of the pieces, by its place in memory for some
ANY_PIECE = (
    "celu", "elu", "selu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "relu6", "softshrink"
)  # fmt: skip


def call(name, args, **options):
    """Return the call; the value alone is compared where the gradient of NaN is not certain."""
    return Call(args, gradient=name not in ANY_PIECE or not np.isnan(args[0]).any(), **options)


def over_the_input(name, *args):
    """Return the call that writes over a tensor with a history: compared is what the tensor becomes, too."""

    def writing(function):
        def write(x, *rest):
            own = x * 1.0
            return function(own, *rest, inplace=True), own

        return write

    return call(name, args, mine=writing(getattr(functional, name)), theirs=writing(getattr(F, name)))


@drawn("logsigmoid", "softsign", "tanhshrink")
def _plain(draw, rng, name):
    x = input_of(draw, rng)
    if name == "softsign":  # PyTorch's gradient of infinity is NaN
        return Call((x,), gradient=bool(np.isfinite(x).all()))
    return call(name, (x,))


@drawn("relu6", "selu", "silu", "mish", "hardsigmoid", "hardswish")
def _writable(draw, rng, name):
    x = input_of(draw, rng)
    if flag(draw):
        return over_the_input(name, x)
    return call(name, (x, True) if rarely(draw) else (x,))  # over a leaf: an error


PARAMETERS = {
    "celu": (0.5, 1.0, 2.0, 0.0),
    "elu": (0.5, 1.0, 2.0, 0.0),
    "leaky_relu": (0.01, 0.3, 0.0, 2.0),
    "hardshrink": (0.5, 1.0, 0.0, -1.0),
    "softshrink": (0.5, 1.0, 0.0, -1.0),
}


@drawn(*PARAMETERS)
def _one_parameter(draw, rng, name):
    x, value = input_of(draw, rng), choose(draw, *PARAMETERS[name])
    if "shrink" not in name and value >= 0 and flag(draw):
        return over_the_input(name, x, value)
    return call(name, (x, value) if flag(draw) else (x,))


@drawn("hardtanh", "threshold")
def _two_parameters(draw, rng, name):
    x = input_of(draw, rng)
    pair = choose(draw, (-1.0, 1.0), (-2.0, 0.5), (0.0, 1.0), (1.0, 1.0), (2.0, -1.0))
    if flag(draw):
        return over_the_input(name, x, *pair)
    return call(name, (x, *pair) if name == "threshold" or flag(draw) else (x,))


@drawn("softplus")
def _softplus(draw, rng, name):
    """Past the threshold too, where it is the input itself."""
    x = input_of(draw, rng)
    return call(name, (x, choose(draw, 1, 0.5, 2.0), choose(draw, 20, 1.0, 0.0)) if flag(draw) else (x,))


@drawn("gelu")
def _gelu(draw, rng, name):
    x, kind = input_of(draw, rng), choose(draw, "none", "tanh", "tanh", "erf" if rarely(draw) else "none")
    return call(name, (x,), **({"kwargs": {"approximate": kind}} if flag(draw) else {}))


@drawn("prelu")
def _prelu(draw, rng, name):
    """One slope, or one a channel."""
    x = input_of(draw, rng)
    channels = x.shape[1] if x.ndim > 1 else 1
    count = channels + 1 if rarely(draw) else choose(draw, 1, channels)
    return call(name, (x, normal(rng, () if rarely(draw) else (count,))))


@drawn("glu", "swiglu")
def _gated(draw, rng, name):
    size = shape(draw, 1)
    d = dim(draw, len(size))
    if -len(size) <= d < len(size) and not rarely(draw):
        size = tuple(s * 2 if i == d % len(size) else s for i, s in enumerate(size))

    def theirs(x, dim=-1):
        a, b = x.chunk(2, dim) if x.shape[dim] % 2 == 0 else x.unflatten(dim, (2, -1)).unbind(dim)
        return F.silu(a) * b

    x = floats(draw, rng, size) if name == "glu" else normal(rng, size) * choose(draw, 1.0, 30.0)
    args = (x, d)
    return call(name, args if flag(draw) else args[:1], theirs=theirs if name == "swiglu" else None)


@drawn("maxout")
def _maxout(draw, rng, name):
    """Ties go to the first piece in both."""
    pieces, size = choose(draw, 1, 2, 3), shape(draw, 1)
    d = dim(draw, len(size))
    if -len(size) <= d < len(size) and not rarely(draw):
        size = tuple(s * pieces if i == d % len(size) else s for i, s in enumerate(size))
    values = choose(draw, normal, tied)

    def theirs(x, pieces, dim):
        return torch.max(x.unflatten(dim, (x.shape[dim] // pieces, pieces)), dim % x.ndim + 1)[0]

    return call(name, (values(rng, size), pieces, d), theirs=theirs)
