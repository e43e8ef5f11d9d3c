"""Functions of two tensors or more, element by element, with broadcasting and type promotion; comparisons."""

from __future__ import annotations

import numpy as np

from drawn import (
    Call,
    any_dtype,
    broadcastable,
    choose,
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


def pair(draw, rng, make=floats):
    """Return two operands that broadcast: tensors, or a tensor and a number, in either order."""
    first, second = broadcastable(draw)
    a = make(draw, rng, first)
    if rarely(draw):
        return a, choose(draw, 2, -1.5, 0, 0.0, 3.0)
    return a, make(draw, rng, second)


@drawn("add", "sub", "rsub")
def _sums(draw, rng, name):
    a, b = pair(draw, rng, choose(draw, floats, any_dtype))
    if name != "add" and any(getattr(x, "dtype", None) == np.bool_ for x in (a, b)):
        a, b = a * 1.0, b * 1.0  # bools are not subtracted
    if all(getattr(x, "dtype", None) == np.bool_ for x in (a, b)):
        return Call((a, b))
    return Call((a, b), {"alpha": choose(draw, 2, -3, 1)} if flag(draw) else {})


@drawn("mul", "maximum", "minimum", "fmax", "fmin")
def _products(draw, rng, name):
    a, b = pair(draw, rng, choose(draw, floats, any_dtype))
    if name != "mul":
        b = b if isinstance(b, np.ndarray) else np.asarray(float(b))
    return Call((a, b))


def nonzero(draw, rng, size):
    """Floats that are not 0 and not near it."""
    return np.asarray(positive(rng, size, 0.3, 3.0) * np.where(mask(rng, size), 1.0, -1.0))


@drawn("div")
def _div(draw, rng, name):
    mode = choose(draw, None, None, "floor", "trunc")
    make = choose(draw, nonzero, nonzero if mode == "trunc" else floats, lambda draw, rng, size: whole(rng, size, 1, 5))
    a, b = pair(draw, rng, make)
    b = b if isinstance(b, np.ndarray) or b else 2.5
    return Call((a, b), {"rounding_mode": mode} if mode or flag(draw) else {})


@drawn("floor_divide", "remainder", "fmod")
def _rests(draw, rng, name):
    make = choose(draw, nonzero, lambda draw, rng, size: whole(rng, size, 1, 5), tied)
    if make is tied:  # some divisors are 0
        first, second = broadcastable(draw)
        return Call((tied(rng, first), tied(rng, second)))
    a, b = pair(draw, rng, make)
    return Call((a, b if isinstance(b, np.ndarray) or b else 2.5))


@drawn("pow")
def _pow(draw, rng, name):
    first, second = broadcastable(draw)
    base = choose(draw, positive, positive, normal, tied)(rng, first)
    kind = choose(draw, "number", "floats", "whole", "base")
    if kind == "number":
        return Call((base, choose(draw, 2, 3, 0, -1, 0.5, 2.0, -2.0, 0.0, 1)))
    if kind == "base":
        return Call((choose(draw, 2, 0.5, 3.0, 0.0, 1), normal(rng, second)))
    return Call((base, tied(rng, second) if kind == "whole" else normal(rng, second)))


@drawn("atan2", "hypot")
def _planes(draw, rng, name):
    first, second = broadcastable(draw)
    return Call((choose(draw, normal, nonzero_of, special)(rng, first), choose(draw, normal, nonzero_of)(rng, second)))


def nonzero_of(rng, size):
    return nonzero(None, rng, size)


@drawn("eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor")
def _comparisons(draw, rng, name):
    a, b = pair(draw, rng, any_dtype)
    if name.startswith("logical"):
        b = b if isinstance(b, np.ndarray) else np.asarray(b)
    return Call((a, b), gradient=False)


@drawn("bitwise_and", "bitwise_or", "bitwise_xor")
def _bits(draw, rng, name):
    first, second = broadcastable(draw)
    a, b = (choose(draw, whole, mask)(rng, size) for size in (first, second))
    return Call((a, choose(draw, 2, True) if rarely(draw) else b))


@drawn("bitwise_not")
def _inverted(draw, rng, name):
    return Call((choose(draw, whole, mask)(rng, shape(draw)),))


@drawn("isclose")
def _isclose(draw, rng, name):
    first, second = broadcastable(draw)
    a = floats(draw, rng, first)
    b = a + 1e-6 * rng.choice([0, 1, 5], first) if first == second and flag(draw) else floats(draw, rng, second)
    options = {"rtol": choose(draw, 1e-5, 0.0, 1.0), "atol": choose(draw, 1e-8, 1e-3, 0.0), "equal_nan": flag(draw)}
    return Call((a, b), options if flag(draw) else {}, gradient=False)


@drawn("bitwise_left_shift", "bitwise_right_shift")
def _shifts(draw, rng, name):
    first, second = broadcastable(draw)
    return Call((whole(rng, first), choose(draw, 0, 2) if rarely(draw) else whole(rng, second, 0, 5)))


@drawn("gcd", "lcm")
def _divisors(draw, rng, name):
    first, second = broadcastable(draw)
    return Call((whole(rng, first, -12, 13), whole(rng, second, -12, 13)))


@drawn("heaviside")
def _heaviside(draw, rng, name):
    """PyTorch has no gradient for it."""
    first, second = broadcastable(draw)
    return Call((Constant(tied(rng, first)), Constant(normal(rng, second))))


@drawn("logaddexp", "logaddexp2", "xlogy", "copysign", "float_power")
def _pairs(draw, rng, name):
    first, second = broadcastable(draw)
    a = choose(draw, normal, tied)(rng, first)
    b = choose(draw, positive, positive, normal, tied if name == "copysign" else normal)(rng, second)
    if name == "float_power":
        return Call((positive(rng, first), b))
    return Call((a, choose(draw, 2.0, -0.5) if name == "copysign" and rarely(draw) else b))


@drawn("addcmul", "addcdiv")
def _triples(draw, rng, name):
    first, second, third = broadcastable(draw, 3)
    options = {"value": choose(draw, 2, -0.5)} if flag(draw) else {}
    return Call((normal(rng, first), normal(rng, second), nonzero(draw, rng, third)), options)


@drawn("clamp_min", "clamp_max")
def _one_bound(draw, rng, name):
    first, second = broadcastable(draw)
    return Call(
        (choose(draw, normal, tied)(rng, first), choose(draw, 0.5, -1, 0.0) if flag(draw) else tied(rng, second))
    )


@drawn("dist")
def _dist(draw, rng, name):
    first, second = broadcastable(draw)
    order = choose(draw, 2, 1, 3, float("inf"), 0.5)
    return Call(
        (normal(rng, first), normal(rng, second), order) if flag(draw) else (normal(rng, first), normal(rng, second))
    )


@drawn("lerp")
def _lerp(draw, rng, name):
    first, second, third = broadcastable(draw, 3)
    weight = choose(draw, 0.25, 0.75, 0.0, 1.0, 0.5) if flag(draw) else rng.uniform(-0.5, 1.5, third)
    return Call((normal(rng, first), normal(rng, second), weight))


@drawn("where")
def _where(draw, rng, name):
    first, second, third = broadcastable(draw, 3)
    if rarely(draw):
        return Call((mask(rng, first),))
    a = floats(draw, rng, second)
    b = choose(draw, 0.5, 0.0) if rarely(draw) else any_dtype(draw, rng, third)
    a, b = (b, a) if flag(draw) else (a, b)
    return Call((mask(rng, first), a, b))


@drawn("masked_fill")
def _masked_fill(draw, rng, name):
    first, second = broadcastable(draw)
    value = choose(draw, 0.5, -1.0, float("-inf"), 2)
    return Call((floats(draw, rng, first), mask(rng, second), normal(rng) if rarely(draw) else value))


@drawn("clamp")
def _clamp(draw, rng, name):
    first, second = broadcastable(draw)
    x = choose(draw, normal, tied)(rng, first)
    if flag(draw):
        low, high = (choose(draw, None, -1.0, 0.0, 0.5, 1) for _ in range(2))
        return Call((x, low, high))
    low, high = tied(rng, second), tied(rng, second) + 0.5
    return choose(draw, Call((x, low, high)), Call((x, low)), Call((x,), {"max": high}))


@drawn("nan_to_num")
def _nan_to_num(draw, rng, name):
    options = {k: choose(draw, 0.5, -2.0) for k in ("nan", "posinf", "neginf") if flag(draw)}
    return Call((choose(draw, special, special, whole)(rng, shape(draw)),), options)
