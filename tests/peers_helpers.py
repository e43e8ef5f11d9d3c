"""What the tests of comparison with PyTorch share."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import minicnn
from minicnn.autograd.sample import Constant
from minicnn.nn import functional

torch = pytest.importorskip("torch")
F = torch.nn.functional
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::UserWarning")]

SINGLE = 1e-6  # between two float32 values made of integers
LINALG = ("solve", "inv", "det", "slogdet", "cholesky", "multi_dot", "vecdot")
TOLERANCE = {"float64": 1e-9, "float32": 2e-4}


def find(name):
    """PyTorch's function of that name; None where it has none."""
    special = {
        "getitem": lambda x, index: x[index],
        "transpose": torch.transpose,
        "expand": lambda x, *shape, **size: x.expand(*shape, **size),
        "reshape": lambda x, *sizes, **shape: x.reshape(*sizes, **shape),
        "permute": lambda x, *order, **dims: x.permute(*order, **dims),
        "flip": lambda x, *along, **dims: x.flip(*along, **dims),
        "pad": F.pad,
        "tile": lambda x, *dims: x.tile(*dims),
        "sum": lambda x, dim=None, keepdim=False, **dtype: torch.sum(x, all_dims(x, dim), keepdim, **dtype),
        "mean": lambda x, dim=None, keepdim=False, **dtype: torch.mean(x, all_dims(x, dim), keepdim, **dtype),
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
        **{name: getattr(torch.linalg, name) for name in LINALG},
    }
    if name in special:
        return special[name]
    if name in ("dropout", "gumbel_softmax", "alias", "transfer", "cast", "unindex"):  # random, or not PyTorch
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


def index_put(x, index, values, accumulate=False):
    y = x.clone()
    if accumulate:
        index = tuple(index) if isinstance(index, (list, tuple)) else (index,)
        return y.index_put(index, values if isinstance(values, torch.Tensor) else torch.tensor(values).to(x), True)
    y[tuple(index) if isinstance(index, list) else index] = values
    return y


def convert(value, lib, dtype, leaves, lay_out=None):
    """NumPy arrays to tensors of one library; floats get a gradient. ``lay_out`` orders the memory of minicnn's."""
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if isinstance(value, np.ndarray):
        wanted = value.dtype == np.float64
        t = _tensor(value.astype(dtype) if wanted else value, lib, lay_out)
        if wanted:
            leaves.append(t.requires_grad_())
        return t
    if isinstance(value, Constant):
        return lib.tensor(value.values.astype(dtype))
    if isinstance(value, np.dtype):
        return getattr(lib, str(value))
    if isinstance(value, (list, tuple)):
        return type(value)(convert(v, lib, dtype, leaves, lay_out) for v in value)
    return value


def _tensor(array, lib, lay_out):
    if lay_out is not None and lib is minicnn:
        return minicnn.from_numpy(lay_out(array))
    return lib.tensor(np.array(array, order="C"))


def _array(x):
    return x.detach().numpy(force=True) if isinstance(x, torch.Tensor) else x.detach().numpy()


def run_one(function, lib, args, kwargs, dtype="float64", lay_out=None, changed=()):
    """Return the outputs, and the changed arguments, as arrays, and all leaves' gradients, for random cotangents."""
    leaves = []
    args = [convert(a, lib, dtype, leaves, lay_out) for a in args]
    kwargs = {k: convert(v, lib, dtype, leaves, lay_out) for k, v in kwargs.items()}
    result = function(*args, **kwargs)
    outputs = list(result) if isinstance(result, (tuple, list)) else [result]
    outputs += [args[i] for i in changed]
    recorded, cotangents = [], []
    for i, y in enumerate(outputs):
        if y.requires_grad:
            recorded.append(y)
            cotangents.append(np.random.default_rng(i).normal(size=tuple(y.shape)).astype(dtype))
    grads = [None] * len(leaves)
    if recorded:
        given = [_tensor(c, lib, lay_out) for c in cotangents]
        found = lib.autograd.grad(recorded, leaves, given, allow_unused=True)
        grads = [None if g is None else _array(g) for g in found]
    return [_array(y) for y in outputs], grads


def close(mine, theirs, tolerance, what):
    """Equal to within the tolerance, times the largest finite value there is."""
    assert mine.shape == theirs.shape, f"{what}: shape {mine.shape}, not {theirs.shape}"
    assert mine.dtype == theirs.dtype, f"{what}: {mine.dtype}, not {theirs.dtype}"
    if mine.dtype.kind != "f":
        np.testing.assert_array_equal(mine, theirs, err_msg=what)
        return
    finite = np.abs(theirs[np.isfinite(theirs)])
    single = mine.dtype == np.float32
    scale = max(1.0 if single else 1e-3, float(finite.max(initial=0.0)))
    tolerance = max(tolerance, SINGLE) if single else tolerance
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=tolerance * scale, err_msg=what)


def agree(found, expected, tolerance):
    """Outputs and gradients, as `run_one` returns them, are alike; no gradient stands for zeros."""
    y, grads = found
    expected_y, expected_grads = expected
    assert len(y) == len(expected_y), f"{len(y)} outputs, not {len(expected_y)}"
    for i, (a, b) in enumerate(zip(y, expected_y, strict=True)):
        close(a, b, tolerance, f"output {i}")
    for i, (a, b) in enumerate(zip(grads, expected_grads, strict=True)):
        if b is None or a is None:
            assert not np.any(a) if b is None else not np.any(b), f"gradient {i}: {a}, not {b}"
        else:
            close(a, b, tolerance, f"gradient {i}")


def compare(function, theirs, args, kwargs, dtype="float64", tolerance=None):
    """Run both and compare outputs and gradients."""
    found = run_one(function, minicnn, args, kwargs, dtype)
    agree(found, run_one(theirs, torch, args, kwargs, dtype), tolerance or TOLERANCE[dtype])


def distinct(seed, *shape):
    """Values with no ties, so that the place of a maximum is certain."""
    return np.random.default_rng(seed).permutation(int(np.prod(shape))).reshape(shape) / 7.0 - 3.0
