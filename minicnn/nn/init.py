"""Initial values of parameters: each function fills a tensor in place, off the tape, and returns it.

All numbers are drawn on the CPU, from ``generator`` or else from the default one that `minicnn.manual_seed` seeds, so
that every device starts from the same weights. Fan-in is the number of inputs that one output sums, fan-out the
number of outputs that one input feeds.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.autograd.graph import clock, memory_of
from minicnn.backend import backend_of
from minicnn.errors import ParameterError, message
from minicnn.random import Generator, default_generator
from minicnn.tensor import Tensor

Random = Generator | None  # None: the default generator
_LINEAR = ("linear", "sigmoid", *(f"conv{t}{d}d" for t in ("", "_transpose") for d in (1, 2, 3)))


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return by how much an initial standard deviation grows, to make up for what the nonlinearity takes away.

    Args:
        nonlinearity: "linear", "sigmoid", "conv2d" and the like (1), "tanh" (5/3), "relu" (√2), "leaky_relu"
            (√(2 / (1 + slope²))), "selu" (3/4).
        param: the slope of "leaky_relu"; 0.01 by default.
    Raises:
        ParameterError: the name is unknown, or the slope no number.
    Source: He et al., "Delving Deep into Rectifiers" (2015), equations 10 and 15.

    >>> calculate_gain("leaky_relu", 1.0)
    1.0
    """
    if nonlinearity in _LINEAR:
        return 1.0
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise _bad("calculate_gain", f"the slope of leaky_relu expects a number, got {slope!r}.", "param=0.01.")
        return math.sqrt(2.0 / (1 + slope**2))
    gains = {"tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 3.0 / 4}
    if nonlinearity not in gains:
        known = ", ".join(("leaky_relu", *gains, *_LINEAR))
        raise _bad("calculate_gain", f"the nonlinearity {nonlinearity!r} is unknown.", f"choose one of: {known}.")
    return gains[nonlinearity]


# ---- plain distributions


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Random = None) -> Tensor:
    """Fill with uniform numbers from [a, b).

    Raises:
        ParameterError: a is above b.

    >>> import minicnn
    >>> bool((uniform_(minicnn.zeros(100), -1.0, 0.0) <= 0).all())
    True
    """
    if a > b:
        raise _bad("uniform_", f"expects a ≤ b, got a = {a} and b = {b}.", "exchange them.")
    return _fill(tensor, _rng(generator).uniform(a, b, tensor.shape))


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Random = None) -> Tensor:
    """Fill with normal numbers.

    Raises:
        ParameterError: std is negative.

    >>> import minicnn
    >>> normal_(minicnn.zeros(2), 3.0, 0.0)
    tensor([3., 3.])
    """
    if std < 0:
        raise _bad("normal_", f"expects a standard deviation of 0 or more, got {std}.", "use std=0.02, for example.")
    return _fill(tensor, _rng(generator).normal(mean, std, tensor.shape))


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Random = None
) -> Tensor:
    """Fill with normal numbers, those outside [a, b] drawn again.

    Args:
        mean, std: of the normal distribution before it is cut.
        a, b: the bounds, in the units of the values (not of std).
    Raises:
        ParameterError: a is not below b, or std is not above 0.
    Source: for far tails, rejection as in Robert, "Simulation of truncated normal variables" (1995).

    >>> import minicnn
    >>> bool((trunc_normal_(minicnn.zeros(100)).abs() <= 2).all())
    True
    """
    if not a < b or not std > 0:
        raise _bad("trunc_normal_", f"expects a < b and std > 0, got a = {a}, b = {b}, std = {std}.", "a=-2, b=2.")
    rng, low, high = _rng(generator), (a - mean) / std, (b - mean) / std
    likely = 0.5 * (math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2))) > 0.25
    nearest = min(max(low, 0.0), high)  # where the density is largest
    reach = math.sqrt(nearest**2 + 80)  # beyond, it is e⁻⁴⁰ of that
    low, high = max(low, -reach), min(high, reach)
    values = np.empty(tensor.numel())
    missing = np.arange(values.size)
    while missing.size:
        if likely:
            z = rng.standard_normal(missing.size)
            good = (z >= low) & (z <= high)
        else:
            z = rng.uniform(low, high, missing.size)
            good = rng.random(missing.size) < np.exp((nearest**2 - z**2) / 2)
        values[missing[good]] = z[good]
        missing = missing[~good]
    return _fill(tensor, np.clip(values * std + mean, a, b).reshape(tensor.shape))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one value.

    >>> import minicnn
    >>> constant_(minicnn.zeros(1), 0.3)
    tensor([0.3000])
    """
    return _fill(tensor, np.full(tensor.shape, val))


def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones.

    >>> import minicnn
    >>> ones_(minicnn.zeros(2))
    tensor([1., 1.])
    """
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros.

    >>> import minicnn
    >>> zeros_(minicnn.ones(2))
    tensor([0., 0.])
    """
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity: ones on its diagonal.

    Raises:
        ParameterError: it has not 2 dims.

    >>> import minicnn
    >>> eye_(minicnn.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    _check_dims("eye_", tensor, (2,))
    rows, columns = tensor.shape
    return _fill(tensor, np.eye(rows, columns))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill the weight of a convolution so that it passes its channels on: 1 in the middle of kernel (i, i).

    Shapes: tensor (O, C/groups, *K), with 1 to 3 kernel dims.

    Args:
        groups: as in the convolution; each group passes its own channels on.
    Raises:
        ParameterError: another number of dims, or groups do not divide O.

    >>> import minicnn
    >>> dirac_(minicnn.zeros(1, 1, 3))
    tensor([[[0., 1., 0.]]])
    """
    _check_dims("dirac_", tensor, (3, 4, 5))
    o, c_group, *kernel = tensor.shape
    if groups < 1 or o % groups:
        raise _bad("dirac_", f"groups must divide dim 0, got {groups} for a size of {o}.", "use the layer's groups.")
    values = np.zeros(tensor.shape)
    for i in range(o):
        channel = i % (o // groups)
        if channel < c_group:
            values[(i, channel, *(k // 2 for k in kernel))] = 1.0
    return _fill(tensor, values)


# ---- by fan-in and fan-out


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Random = None) -> Tensor:
    """Fill with uniform numbers from [−a, a), a = gain · √(6 / (fan_in + fan_out)).

    Args:
        gain: see `calculate_gain`.
    Raises:
        ParameterError: the tensor has fewer than 2 dims.
    Source: Glorot and Bengio, "Understanding the difficulty of training deep networks" (2010), equation 16.

    >>> import minicnn
    >>> bool((xavier_uniform_(minicnn.zeros(3, 3)).abs() <= 1).all())
    True
    """
    bound = gain * math.sqrt(6.0 / (sum(_calculate_fan_in_and_fan_out(tensor)) or 1))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Random = None) -> Tensor:
    """Fill with normal numbers of mean 0 and standard deviation gain · √(2 / (fan_in + fan_out)).

    Args and errors are those of `xavier_uniform_`.
    Source: Glorot and Bengio (2010), equation 12, for the mean of both fans.

    >>> import minicnn
    >>> xavier_normal_(minicnn.zeros(3, 3)).shape
    (3, 3)
    """
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / (sum(_calculate_fan_in_and_fan_out(tensor)) or 1)), generator)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Random = None
) -> Tensor:
    """Fill with uniform numbers from [−b, b), b = gain · √(3 / fan).

    Args:
        a: the slope of the leaky ReLU that follows.
        mode: "fan_in" keeps the variance of activations, "fan_out" that of gradients.
        nonlinearity: what follows; see `calculate_gain`.
    Raises:
        ParameterError: the tensor has fewer than 2 dims, or mode or nonlinearity is unknown.
    Source: He et al., "Delving Deep into Rectifiers" (2015), equations 10 and 14.

    >>> import minicnn
    >>> bool((kaiming_uniform_(minicnn.zeros(3, 6), nonlinearity="relu").abs() <= 1).all())
    True
    """
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Random = None
) -> Tensor:
    """Fill with normal numbers of mean 0 and standard deviation gain / √fan.

    Args and errors are those of `kaiming_uniform_`.
    Source: He et al. (2015), equations 10 and 14.

    >>> import minicnn
    >>> kaiming_normal_(minicnn.zeros(3, 6), mode="fan_out", nonlinearity="relu").shape
    (3, 6)
    """
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if 0 in tensor.shape:
        warnings.warn("initializing a tensor without elements does nothing", UserWarning, stacklevel=3)
        return 0.0
    if mode not in ("fan_in", "fan_out"):
        raise _bad("kaiming", f"mode expects 'fan_in' or 'fan_out', got {mode!r}.", "choose one of the two.")
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan_in if mode == "fan_in" else fan_out)


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """Return (fan_in, fan_out) of a weight (O, I, *K): I · ∏K and O · ∏K.

    Raises:
        ParameterError: it has fewer than 2 dims.
    """
    if tensor.ndim < 2:
        raise _bad(
            "fan in and fan out",
            f"expect a weight of at least 2 dims, got {tuple(tensor.shape)}.",
            "use normal_ or uniform_ for biases and scales.",
        )
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


# ---- structured matrices


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Random = None) -> Tensor:
    """Fill with a matrix of orthonormal rows or columns, whichever are fewer, times gain; later dims count as columns.

    Raises:
        ParameterError: it has fewer than 2 dims.
    Source: Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning" (2013), section 3.

    >>> import minicnn
    >>> q = orthogonal_(minicnn.zeros(2, 5))
    >>> bool(((q @ q.T - minicnn.eye(2)).abs() < 1e-5).all())
    True
    """
    if tensor.ndim < 2:
        raise _bad("orthogonal_", f"expects at least 2 dims, got {tuple(tensor.shape)}.", "pass a weight.")
    if not tensor.numel():
        return tensor
    rows = tensor.shape[0]
    flat = _rng(generator).standard_normal((rows, tensor.numel() // rows))
    q, r = np.linalg.qr(flat if rows >= flat.shape[1] else flat.T)
    q *= np.where(np.diag(r) < 0, -1.0, 1.0)  # without this, q is not uniform over all orthogonal matrices
    return _fill(tensor, gain * (q if rows >= flat.shape[1] else q.T).reshape(tensor.shape))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Random = None) -> Tensor:
    """Fill a matrix with normal numbers, of which a part of each column, drawn at random, is 0.

    Args:
        sparsity: the part of each column that is 0, from 0 to 1, rounded up to whole elements.
        std: standard deviation of the others.
    Raises:
        ParameterError: it has not 2 dims, or sparsity is outside [0, 1].
    Source: Martens, "Deep learning via Hessian-free optimization" (2010), section 5.

    >>> import minicnn
    >>> (sparse_(minicnn.zeros(10, 2), 0.3) == 0).sum(0)
    tensor([3, 3])
    """
    _check_dims("sparse_", tensor, (2,))
    if not 0.0 <= sparsity <= 1.0:
        raise _bad("sparse_", f"sparsity expects a part from 0 to 1, got {sparsity}.", "use sparsity=0.1.")
    rng, (rows, columns) = _rng(generator), tensor.shape
    values = rng.normal(0.0, std, (rows, columns))
    for column in range(columns):
        values[rng.permutation(rows)[: math.ceil(sparsity * rows)], column] = 0.0
    return _fill(tensor, values)


# ---- what they share


def _fill(tensor: Tensor, values: Any) -> Tensor:
    """Copy host values into a tensor; a later backward through its old values is an error."""
    be = backend_of(tensor._array)
    tensor._array[...] = be.asarray(values.astype(tensor.dtype))
    memory_of(tensor).written = clock()
    return tensor


def _rng(generator: Random) -> np.random.Generator:
    return (generator or default_generator).numpy


def _check_dims(where: str, tensor: Tensor, allowed: tuple[int, ...]) -> None:
    if tensor.ndim not in allowed:
        names = " or ".join(map(str, allowed))
        raise _bad(where, f"expects {names} dims, got {tuple(tensor.shape)}.", "pass a weight of that many dims.")


def _bad(where: str, problem: str, fix: str) -> ParameterError:
    return ParameterError(message(f"nn.init.{where}", problem, "nothing was changed", fix))


# ---- PyTorch's old spellings, without the underscore


def _deprecated(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    old = function.__name__[:-1]

    @functools.wraps(function)
    def alias(*args: Any, **kwargs: Any) -> Tensor:
        warnings.warn(f"nn.init.{old} is deprecated: write nn.init.{old}_.", FutureWarning, stacklevel=2)
        return function(*args, **kwargs)

    alias.__name__ = alias.__qualname__ = old
    alias.__doc__ = f"The old name of `{old}_`, with a deprecation warning."
    return alias


uniform = _deprecated(uniform_)
normal = _deprecated(normal_)
constant = _deprecated(constant_)
eye = _deprecated(eye_)
dirac = _deprecated(dirac_)
xavier_uniform = _deprecated(xavier_uniform_)
xavier_normal = _deprecated(xavier_normal_)
kaiming_uniform = _deprecated(kaiming_uniform_)
kaiming_normal = _deprecated(kaiming_normal_)
orthogonal = _deprecated(orthogonal_)
sparse = _deprecated(sparse_)
