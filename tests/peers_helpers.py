"""What the tests of comparison with PyTorch share."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import strategies as st

import minicnn
from minicnn.autograd.sample import Constant
from minicnn.nn import functional

torch = pytest.importorskip("torch")
F = torch.nn.functional
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::UserWarning")]

TOLERANCE = {"float64": 1e-9, "float32": 2e-4}


def find(name):
    """PyTorch's function of that name; None where it has none."""
    special = {
        "getitem": lambda x, index: x[index],
        "transpose": torch.transpose,
        "expand": lambda x, *shape: x.expand(*shape),
        "reshape": lambda x, *sizes, **shape: x.reshape(*sizes, **shape),
        "permute": lambda x, *order, **dims: x.permute(*order, **dims),
        "flip": lambda x, *along, **dims: x.flip(*along, **dims),
        "pad": F.pad,
        "sum": lambda x, dim=None, keepdim=False: torch.sum(x, all_dims(x, dim), keepdim),
        "mean": lambda x, dim=None, keepdim=False: torch.mean(x, all_dims(x, dim), keepdim),
        "amax": lambda x, dim=None, keepdim=False: torch.amax(x, all_dims(x, dim), keepdim),
        "amin": lambda x, dim=None, keepdim=False: torch.amin(x, all_dims(x, dim), keepdim),
        "logsumexp": lambda x, dim=None, keepdim=False: torch.logsumexp(x, all_dims(x, dim), keepdim),
        "layer_norm": lambda x, shape, *rest: F.layer_norm(x, (shape,) if isinstance(shape, int) else shape, *rest),
        "all": lambda x, dim=None, keepdim=False: torch.all(x) if dim is None else torch.all(x, dim, keepdim),
        "any": lambda x, dim=None, keepdim=False: torch.any(x) if dim is None else torch.any(x, dim, keepdim),
        "index_put": index_put,
        "floor_divide": lambda a, b: torch.div(a, b, rounding_mode="floor"),
        "where": lambda c, *values: torch.where(c, *values),
        "erf": torch.erf,
        "count_nonzero": lambda x, dim=None: torch.count_nonzero(x, dim),
        "prod": lambda x, dim=None, keepdim=False, dtype=None: (
            torch.prod(x, dtype=dtype) if dim is None else torch.prod(x, dim, keepdim, dtype=dtype)
        ),
        "windows": lambda x, dim, size, step: x.unfold(dim, size, step),
        "vector_norm": torch.linalg.vector_norm,
        "matrix_norm": torch.linalg.matrix_norm,
    }
    if name in special:
        return special[name]
    if name in ("dropout", "alias", "transfer", "cast", "unindex"):  # random, or no function of PyTorch's
        return None
    if name in functional.__all__ and hasattr(F, name):  # torch has functions of these names with other arguments
        return getattr(F, name)
    for room in (torch, F, torch.Tensor):
        function = getattr(room, name, None)
        if callable(function) and not inspect.isclass(function):
            return function
    return None


def all_dims(x, dim):
    return tuple(range(x.ndim)) if dim is None else dim


def index_put(x, index, values):
    y = x.clone()
    y[index] = values
    return y


def convert(value, lib, dtype, leaves):
    """NumPy arrays to tensors of one library; floats get a gradient."""
    if isinstance(value, np.ndarray):
        if value.dtype == np.float64:
            t = lib.tensor(value.astype(dtype), dtype=getattr(lib, dtype)).requires_grad_()
            leaves.append(t)
            return t
        return lib.tensor(value)
    if isinstance(value, Constant):
        return lib.tensor(value.values.astype(dtype))
    if isinstance(value, np.dtype):
        return getattr(lib, str(value))
    if isinstance(value, (list, tuple)):
        return type(value)(convert(v, lib, dtype, leaves) for v in value)
    return value


def run_one(function, lib, args, kwargs, dtype):
    """Return the outputs as arrays and the gradients of all leaves, for a random cotangent."""
    leaves = []
    args = [convert(a, lib, dtype, leaves) for a in args]
    kwargs = {k: convert(v, lib, dtype, leaves) for k, v in kwargs.items()}
    result = function(*args, **kwargs)
    outputs = list(result) if isinstance(result, (tuple, list)) else [result]
    total = None
    for i, y in enumerate(outputs):
        if y.requires_grad:
            cotangent = np.random.default_rng(i).normal(size=tuple(y.shape)).astype(dtype)
            part = (y * lib.tensor(cotangent)).sum()
            total = part if total is None else total + part
    if total is not None:
        total.backward()
    grads = [None if x.grad is None else x.grad.detach().numpy() for x in leaves]
    return [y.detach().numpy() for y in outputs], grads


def close(mine, theirs, tolerance, what):
    assert mine.shape == theirs.shape, f"{what}: shape {mine.shape}, not {theirs.shape}"
    assert mine.dtype == theirs.dtype, f"{what}: {mine.dtype}, not {theirs.dtype}"
    if mine.dtype.kind != "f":
        np.testing.assert_array_equal(mine, theirs, err_msg=what)
        return
    finite = np.abs(theirs[np.isfinite(theirs)])
    scale = max(1.0, float(finite.max(initial=0.0)))
    np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance * scale, err_msg=what)


def compare(function, theirs, args, kwargs, dtype="float64", tolerance=None):
    """Run both and compare outputs and gradients."""
    tolerance = tolerance or TOLERANCE[dtype]
    y, grads = run_one(function, minicnn, args, kwargs, dtype)
    expected, expected_grads = run_one(theirs, torch, args, kwargs, dtype)
    assert len(y) == len(expected)
    for i, (a, b) in enumerate(zip(y, expected, strict=True)):
        close(a, b, tolerance, f"output {i}")
    for i, (a, b) in enumerate(zip(grads, expected_grads, strict=True)):
        if b is None or a is None:
            assert not np.any(a) if b is None else not np.any(b), f"gradient {i}: {a}, not {b}"
        else:
            close(a, b, tolerance, f"gradient {i}")


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def distinct(seed, *shape):
    """Values with no ties, so that the place of a maximum is certain."""
    return np.random.default_rng(seed).permutation(int(np.prod(shape))).reshape(shape) / 7.0 - 3.0


def pair_or_one(draw, values):
    return draw(st.one_of(values, st.tuples(values, values)))
