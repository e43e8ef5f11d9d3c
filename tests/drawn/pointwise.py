"""Functions of one tensor, element by element."""

from __future__ import annotations

from drawn import Call, any_dtype, choose, drawn, flag, floats, normal, positive, shape, special


@drawn(
    "abs", "atan", "ceil", "clone", "cos", "cosh", "erf", "exp", "exp2", "expm1", "floor", "frac", "neg", "relu",
    "round", "sigmoid", "sign", "sin", "sinh", "square", "tanh", "trunc", "asinh", "deg2rad", "rad2deg",
    "erfc", "sinc",
)  # fmt: skip
def _everywhere(draw, rng, name):
    return Call((floats(draw, rng, shape(draw)),))


@drawn(
    "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal", "tan", "acos", "asin", "acosh", "atanh", "erfinv"
)
def _somewhere(draw, rng, name):
    """Inside the domain mostly, and across its ends."""
    size = shape(draw)
    inside = rng.uniform(-0.95, 0.95, size) if name in ("acos", "asin", "atanh", "erfinv") else positive(rng, size)
    inside = inside + (name == "acosh")
    return Call((choose(draw, inside, inside, normal(rng, size), special(rng, size)),))


@drawn("logit")
def _logit(draw, rng, name):
    if flag(draw):
        return Call((positive(rng, shape(draw), 0.01, 0.99),))
    return Call((normal(rng, shape(draw)), choose(draw, 0.1, 0.001)))


@drawn("isfinite", "isinf", "isnan", "logical_not", "isneginf", "isposinf", "isreal", "signbit")
def _questions(draw, rng, name):
    return Call((any_dtype(draw, rng, shape(draw)),))
