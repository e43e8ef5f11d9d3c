"""Samples reach every parameter and every value of an option, and no two of them are alike."""

import inspect
import warnings

import numpy as np
import pytest

import minicnn
from minicnn.autograd.sample import Constant
from minicnn.errors import MinicnnError
from minicnn.testing.suite import every_function, samples_of

FUNCTIONS = {public.name: public for public in every_function()}
WITHOUT_EFFECT = {
    "inplace",
    "size_average",
    "reduce",
    "out",
}  # taken for PyTorch's sake; all but inplace are tested apart
RANDOM = {
    ("batch_norm", "momentum"),
    ("instance_norm", "momentum"),
}  # changes the running statistics, which are no outputs; see test_layers


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_parameter_is_used(name):
    public = FUNCTIONS[name]
    signature = inspect.signature(public.function)
    left = {
        p.name
        for p in signature.parameters.values()
        if p.name not in WITHOUT_EFFECT and (name, p.name) not in RANDOM and p.kind is not p.VAR_POSITIONAL
    }
    for sample in samples_of(public, 0):
        bound = signature.bind(*sample.args, **sample.kwargs)
        for parameter, value in bound.arguments.items():
            default = signature.parameters[parameter].default
            if type(value) is not type(default) or repr(value) != repr(default):
                left.discard(parameter)
    assert not left, f"no sample of {name} sets {', '.join(sorted(left))}"


# ---- what the samples of a function show together

LEAST = 6  # samples a function
# The values of options that are strings; a function of a new one fails until it is listed here.
STRINGS = {
    "reduction": {"none", "mean", "sum"},
    "approximate": {"none", "tanh"},
    "interpolation": {"linear", "lower", "higher", "midpoint", "nearest"},
    "indexing": {"ij", "xy"},
    "padding_mode": {"zeros", "border", "reflection"},
    "rounding_mode": {None, "floor", "trunc"},
    "side": {None, "left", "right"},
    "reduce": {"sum", "prod", "mean", "amax", "amin"},
    "conv.padding": {"valid", "same"},
    "pad.mode": {"constant", "reflect", "replicate", "circular"},
    "interpolate.mode": {"nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area"},
    "grid_sample.mode": {"bilinear", "nearest", "bicubic"},
    "embedding_bag.mode": {"sum", "mean", "max"},
    "cdist.compute_mode": {
        "use_mm_for_euclid_dist_if_necessary",
        "use_mm_for_euclid_dist",
        "donot_use_mm_for_euclid_dist",
    },
    "scatter.reduce": {None, "add", "multiply"},
}
UNOFFERED = {("embedding", "sparse"), ("embedding_bag", "sparse")}  # True is refused: see their error samples
DIMS = {"dim", "dims", "dim0", "dim1", "dim2", "axis", "axis0", "axis1", "dimension", "start_dim", "end_dim"}
DIMS |= {"order", "along"}  # those of permute and flip


def of_values(values):
    """What kind of values an array holds; the values themselves where they are whole numbers or truth values."""
    if values.dtype.kind != "f":
        return values.tobytes()
    size = np.abs(values[np.isfinite(values)])
    kinds = {
        "NaN": np.isnan(values).any(),
        "infinite": np.isinf(values).any(),
        "zero": (values == 0).any(),
        "negative": (values < 0).any(),
        "ties": np.unique(values).size < values.size,
        "whole": (values == np.round(values)).all(),
        "large": (size > 10).any(),
        "tiny": ((size < 1e-3) & (size > 0)).any(),
    }
    return tuple(kind for kind, holds in kinds.items() if holds)


def looks(value):
    """An argument without its exact floats: two samples are alike where all arguments look alike."""
    if isinstance(value, Constant):
        return ("constant", looks(value.values))
    if isinstance(value, np.ndarray):
        return (str(value.dtype), value.shape, of_values(value))
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, *map(looks, value))
    return repr(value)


def bound_samples(public):
    """Each sample's arguments by their names, defaults among them."""
    signature = inspect.signature(public.function)
    for sample in samples_of(public, 0):
        bound = signature.bind(*sample.args, **sample.kwargs)
        bound.apply_defaults()
        yield bound.arguments


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_two_samples_are_alike(name):
    seen = {}
    for number, sample in enumerate(samples_of(FUNCTIONS[name], 0), 1):
        key = (looks(sample.args), *((k, looks(v)) for k, v in sorted(sample.kwargs.items())))
        assert key not in seen, f"{name}: samples {seen[key]} and {number} are alike: {sample}"
        seen[key] = number
    assert len(seen) >= LEAST, f"{name} has {len(seen)} samples; at least {LEAST} are wanted"


def strings_of(name, parameter):
    """The values of an option that is a string, or None of another parameter."""
    if "str" not in str(parameter.annotation) or parameter.name in ("equation", "target"):
        return None
    kind = "conv" if name.startswith("conv") else name
    known = STRINGS.get(f"{kind}.{parameter.name}", STRINGS.get(parameter.name))
    assert known is not None, f"list the values of {parameter.name} of {name} in STRINGS"
    return known


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_value_of_an_option_is_seen(name):
    public = FUNCTIONS[name]
    parameters = inspect.signature(public.function).parameters.values()
    samples = list(bound_samples(public))
    for p in parameters:
        if (p.name in WITHOUT_EFFECT and p.annotation != "str") or (name, p.name) in UNOFFERED:
            continue
        wanted = {True, False} if p.annotation in ("bool", bool) else strings_of(name, p)
        found = [s[p.name] for s in samples]
        left = [v for v in wanted or () if not any(type(f) is type(v) and f == v for f in found)]
        assert not left, f"no sample of {name} has {p.name} = {' or '.join(map(repr, left))}"


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "tile"])  # its dims are numbers of copies
def test_a_negative_dim_is_seen(name):
    samples = list(bound_samples(FUNCTIONS[name]))
    dims = DIMS & set(inspect.signature(FUNCTIONS[name].function).parameters)
    values = [v for s in samples for d in dims for v in np.ravel(s[d] if s[d] is not None else [])]
    assert not dims or any(v < 0 for v in values), f"no sample of {name} counts a dim from the end"


def broadcasts(function):
    """Whether two operands of different shapes give the shape that they broadcast to."""
    with warnings.catch_warnings(action="ignore"):  # of losses, whose target should have the input's shape
        try:
            y = function(minicnn.full((2, 1, 3), 2), minicnn.full((5, 3), 1))
        except (MinicnnError, TypeError):
            return False
    return isinstance(y, minicnn.Tensor) and tuple(y.shape) == (2, 5, 3)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if broadcasts(FUNCTIONS[name].function)])
def test_either_operand_is_broadcast(name):
    left = right = both = leading = False
    for arguments in bound_samples(FUNCTIONS[name]):
        operands = [x.values if isinstance(x, Constant) else x for x in list(arguments.values())[:2]]
        if not all(isinstance(x, np.ndarray) for x in operands):
            continue
        a, b = (x.shape for x in operands)
        whole = np.broadcast_shapes(a, b)
        left, right = left or a != whole, right or b != whole
        both = both or (a != whole and b != whole)
        leading = leading or len(a) != len(b)
    missing = [k for k, v in {"left": left, "right": right, "both": both, "leading": leading}.items() if not v]
    assert not missing, f"{name}: not seen broadcast: {', '.join(missing)}"
