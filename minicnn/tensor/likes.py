"""More ways to make tensors: like another one, drawn from distributions, indices; and questions about tensors."""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np

from minicnn.autograd.graph import TapeTensor
from minicnn.backend import backend_of, current
from minicnn.errors import ArgumentTypeError, ParameterError, ShapeError, message
from minicnn.ops import as_shape
from minicnn.ops.checks import need_count, need_floats, need_tensors
from minicnn.ops.dtypes import as_dtype
from minicnn.ops.promote import get_default_dtype
from minicnn.random import Generator, default_generator
from minicnn.tensor import Tensor
from minicnn.tensor.creation import as_tensor, tensor, zeros_like


def is_tensor(obj: Any) -> TypeGuard[Tensor]:
    """Whether it is a tensor.

    >>> is_tensor(tensor([1.0])), is_tensor([1.0])
    (True, False)
    """
    return isinstance(obj, TapeTensor)


def is_floating_point(input: Tensor) -> bool:
    """Whether a tensor's elements are floats.

    >>> is_floating_point(tensor([1]))
    False
    """
    need_tensors("is_floating_point", input=input)
    return input.is_floating_point()


def numel(input: Tensor) -> int:
    """How many elements a tensor has.

    >>> numel(tensor([[1, 2], [3, 4]]))
    4
    """
    need_tensors("numel", input=input)
    return input.numel()


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have one shape.

    >>> is_same_size(tensor([1, 2]), tensor([3.0, 4.0]))
    True
    """
    need_tensors("is_same_size", input=input, other=other)
    return tuple(input.shape) == tuple(other.shape)


def can_cast(from_: Any, to: Any) -> bool:
    """Whether a result of one dtype may be written to a tensor of another: not floats to ints, nor those to bools.

    >>> can_cast("float64", "float32"), can_cast("float32", "int64")
    (True, False)
    """
    order = "biuf".index
    a, b = as_dtype(from_).kind, as_dtype(to).kind
    return order(a) <= order(b) or (a in "iu" and b in "iu")


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """Return the shape that shapes broadcast to; a number stands for a shape of one dim.

    Raises:
        ShapeError: they do not broadcast.

    >>> broadcast_shapes((2, 1), (3,))
    (2, 3)
    """
    sizes = [as_shape((shape,)) if not isinstance(shape, int) else (shape,) for shape in shapes]
    try:
        return np.broadcast_shapes(*sizes)
    except ValueError:
        raise ShapeError(
            message(
                "broadcast_shapes",
                f"expects shapes that broadcast, got {' and '.join(map(str, sizes))}.",
                "dims are matched from the last one; each pair must be equal, or one of them 1",
                "change one so that its dims line up.",
            )
        ) from None


def scalar_tensor(s: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a number as a tensor without dims, of floats unless the dtype says otherwise.

    >>> scalar_tensor(3)
    tensor(3.)
    """
    return _made(s, get_default_dtype() if dtype is None else dtype, device, requires_grad)


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False
) -> Tensor:
    """Return an object as a tensor: arrays and tensors share their memory unless something has to change.

    Args:
        obj: a tensor, a NumPy array, or numbers and lists of them.
        copy: True for memory of its own in any case, False for an error where it cannot be shared.
    Raises:
        ParameterError: ``copy=False``, and a copy is needed.

    >>> asarray([1, 2])
    tensor([1, 2])
    """
    x = as_tensor(obj, dtype=dtype, device=device)
    old = obj._array if isinstance(obj, TapeTensor) else obj
    shared = isinstance(old, np.ndarray) and (old is x._array or np.may_share_memory(old, x._array))
    if copy is False and not shared and x is not obj:
        raise ParameterError(
            message("asarray", "the memory cannot be shared.", f"{type(obj).__name__} -> {x.dtype}", "leave copy away.")
        )
    if copy and (shared or x is obj):
        x = x.clone()
    if requires_grad:
        return (x.detach() if x is obj else x).requires_grad_()
    return x


def from_dlpack(ext_tensor: Any) -> Tensor:
    """Return another library's array as a tensor that shares its memory, by the DLPack protocol.

    >>> from_dlpack(np.arange(3))
    tensor([0, 1, 2])
    """
    if not hasattr(ext_tensor, "__dlpack__"):
        raise ArgumentTypeError(
            message(
                "from_dlpack", f"expects an array, got {type(ext_tensor).__name__}.", "no __dlpack__", "asarray(x)."
            )
        )
    return as_tensor(current().xp.from_dlpack(ext_tensor))


def logspace(
    start: float,
    end: float,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return ``steps`` numbers from base**start to base**end at equal ratios, both included.

    Raises:
        ParameterError: ``steps`` is negative.

    >>> logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    need_count("logspace", steps=steps)
    values = np.float64(base) ** np.linspace(start, end, steps)
    return _made(values, get_default_dtype() if dtype is None else dtype, device, requires_grad)


def _made(values: Any, dtype: Any, device: Any, requires_grad: bool = False) -> Tensor:
    return tensor(np.asarray(values).astype(as_dtype(dtype)), device=device, requires_grad=requires_grad)


def _rng(generator: Generator | None) -> Any:
    return (generator or default_generator).numpy


def _like(x: Tensor, values: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    return _made(values, x.dtype if dtype is None else dtype, x.device if device is None else device, requires_grad)


def empty_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor to be written to, in the shape, dtype and place of another; minicnn fills it with zeros.

    >>> empty_like(tensor([1.5, 2.0])).shape
    (2,)
    """
    return zeros_like(input, dtype=dtype, device=device, requires_grad=requires_grad)


def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return uniform numbers in [0, 1) in the shape, dtype and place of another tensor, drawn on the CPU.

    >>> rand_like(tensor([1.5, 2.0])).shape
    (2,)
    """
    need_tensors("rand_like", input=input)
    return _like(input, _rng(generator).random(input.shape), dtype, device, requires_grad)


def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return standard normal numbers in the shape, dtype and place of another tensor, drawn on the CPU.

    >>> randn_like(tensor([1.5, 2.0])).shape
    (2,)
    """
    need_tensors("randn_like", input=input)
    return _like(input, _rng(generator).standard_normal(input.shape), dtype, device, requires_grad)


def randint_like(
    input: Tensor,
    low: int,
    high: int | None = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return whole numbers from low (0 if one is given) up to, not including, high, as `rand_like`.

    Raises:
        ParameterError: high is not above low.

    >>> randint_like(tensor([1.5, 2.0]), 3).shape
    (2,)
    """
    need_tensors("randint_like", input=input)
    low, high = (0, low) if high is None else (low, high)
    if high <= low:
        raise ParameterError(
            message("randint_like", "high must be above low.", f"low {low}, high {high}", "exchange them.")
        )
    return _like(input, _rng(generator).integers(low, high, input.shape), dtype, device, requires_grad)


def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return normal numbers of a mean and a standard deviation, drawn on the CPU.

    Args:
        mean, std: numbers, or tensors that broadcast, one an element.
        size: the shape, where both are numbers.
    Raises:
        ParameterError: a negative std, or two numbers without a size.

    >>> normal(0.0, 1.0, size=(2, 3)).shape
    (2, 3)
    """
    first = next((x for x in (mean, std) if isinstance(x, TapeTensor)), None)
    if first is None and size is None:
        raise ParameterError(
            message("normal", "expects a size where mean and std are numbers.", f"{mean}, {std}", "size=(2, 3).")
        )
    centre, spread = (_host(x) if isinstance(x, TapeTensor) else x for x in (mean, std))
    if np.min(spread, initial=0.0) < 0:
        raise ParameterError(
            message("normal", "std expects 0 or more.", f"the smallest is {np.min(spread)}", "use std.abs().")
        )
    shape = as_shape((size,)) if first is None else np.broadcast_shapes(np.shape(centre), np.shape(spread))
    values = centre + spread * _rng(generator).standard_normal(shape)
    if first is None:
        return _made(values, get_default_dtype() if dtype is None else dtype, device, requires_grad)
    return _like(first, values, dtype, device, requires_grad)  # type: ignore[arg-type]


def _host(x: TapeTensor) -> Any:
    return backend_of(x._array).to_numpy(x._array)


def bernoulli(input: Tensor, *, generator: Generator | None = None) -> Tensor:
    """Return 1 with the probability that each element gives, else 0; drawn on the CPU, without gradient.

    Raises:
        DTypeError: the probabilities are no floats.
        ParameterError: one is outside [0, 1].

    >>> bernoulli(tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    need_tensors("bernoulli", input=input)
    need_floats("bernoulli", "input", input)
    p = _host(input)
    if p.size and not (p.min() >= 0 and p.max() <= 1):
        raise ParameterError(
            message("bernoulli", "expects probabilities from 0 to 1.", f"got {p.min()} to {p.max()}", "use sigmoid().")
        )
    return _like(input, _rng(generator).random(p.shape) < p, None, None, False)


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Return indices drawn by weights, row by row; on the CPU.

    Shapes: (m) -> (num_samples), or (n, m) -> (n, num_samples).
    Args:
        input: weights of 0 or more; they need not add up to 1.
        replacement: whether an index may be drawn again.
    Raises:
        ShapeError: neither a vector nor a matrix.
        ParameterError: a weight below 0 or not finite, a row of zeros, or more samples than there are.

    >>> multinomial(tensor([0.0, 1.0]), 3, replacement=True)
    tensor([1, 1, 1])
    """
    need_tensors("multinomial", input=input)
    need_floats("multinomial", "input", input)
    if input.ndim not in (1, 2):
        raise ShapeError(
            message("multinomial", "expects 1 or 2 dims.", f"input {tuple(input.shape)}", "one row a distribution.")
        )
    weights = np.atleast_2d(_host(input)).astype(np.float64)
    sums = weights.sum(1)
    if weights.size == 0 or not (np.isfinite(weights).all() and (weights >= 0).all() and (sums > 0).all()):
        raise ParameterError(
            message(
                "multinomial", "weights expect finite numbers of 0 or more, and a positive one a row.", "got others",
                "use softmax(), or relu().",
            )
        )  # fmt: skip
    fewest = int((weights > 0).sum(1).min())
    if num_samples < 1 or (not replacement and num_samples > fewest):
        raise ParameterError(
            message(
                "multinomial",
                f"num_samples expects 1 or more, and no more than weights above 0; got {num_samples}.",
                f"a row has {fewest} of those; replacement {replacement}",
                "draw fewer, or with replacement=True.",
            )
        )
    rng, count = _rng(generator), weights.shape[1]
    rows = [rng.choice(count, num_samples, replacement, row / total) for row, total in zip(weights, sums, strict=True)]
    drawn = _made(np.stack(rows), np.int64, input.device)
    return drawn.reshape(num_samples) if input.ndim == 1 else drawn


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = np.int64, device: Any = None) -> Tensor:
    """Return the rows and columns of a lower triangle, as two rows.

    >>> tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    return _made(np.stack(np.tril_indices(row, offset, col)), dtype, device)


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = np.int64, device: Any = None) -> Tensor:
    """Return the rows and columns of an upper triangle, as two rows.

    >>> triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]])
    """
    return _made(np.stack(np.triu_indices(row, offset, col)), dtype, device)
