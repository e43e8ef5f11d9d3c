"""Making tensors: from values, filled, in steps, at random. New tensors live on the current backend."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.autograd.graph import wrap
from minicnn.autograd.refusal import guarded
from minicnn.backend import Backend, backend_of, current
from minicnn.backend.device import device as Device
from minicnn.errors import ArgumentTypeError, ParameterError, message
from minicnn.ops import as_shape
from minicnn.ops.checks import need_count
from minicnn.ops.dtypes import as_dtype
from minicnn.ops.promote import fitting, get_default_dtype
from minicnn.random import Generator, default_generator
from minicnn.tensor import Tensor
from minicnn.tensor.values import read_values


def _backend(device: Any) -> Backend:
    return current() if device is None else Device(device).backend()


def _made(values: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    array = _backend(device).asarray(values, dtype=None if dtype is None else as_dtype(dtype))
    as_dtype(array.dtype)  # an array may come in one that is not computed with
    tensor: Tensor = wrap(array)
    return tensor.requires_grad_() if requires_grad else tensor


def _float(dtype: Any) -> Any:
    return get_default_dtype() if dtype is None else as_dtype(dtype)


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a new tensor with a copy of the values.

    Args:
        data: numbers, nested lists of them, a NumPy array or a tensor.
        dtype: by default that of an array; int64 for Python ints, bool for bools, float32 for floats.
        device: ``"cpu"`` or ``"cuda"``; the current backend's if None.
        requires_grad: compute gradients for it.
    Raises:
        ShapeError: lists of unequal lengths.
        DTypeError: values that are no numbers, or half precision: floats have 32 or 64 bits here (`.float()` converts).

    >>> tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    >>> tensor([1.0, 2.0], requires_grad=True)
    tensor([1., 2.], requires_grad=True)
    """
    return _made(read_values("tensor", data, dtype), None, device, requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """Return the data as a tensor, sharing memory with an array or tensor where nothing has to change.

    >>> x = tensor([1.0])
    >>> as_tensor(x) is x
    True
    """
    if isinstance(data, Tensor):
        return data.to(device=device, dtype=dtype)
    if isinstance(data, np.ndarray) and data.dtype.kind in "buif":
        out = _made(data, dtype, device, False)
        out._borrowed = out._array is data
        return out
    return tensor(data, dtype=dtype, device=device)


def from_numpy(array: Any) -> Tensor:
    """Return a tensor on the CPU that shares the array's memory.

    Raises:
        ArgumentTypeError: it is no NumPy array.

    >>> a = np.zeros(2)
    >>> from_numpy(a).add_(1)
    tensor([1., 1.], dtype=float64)
    >>> a
    array([1., 1.])
    """
    if not isinstance(array, np.ndarray):
        raise ArgumentTypeError(
            message("from_numpy", f"expects a NumPy array, got {type(array).__name__}.", "", "use tensor(values).")
        )
    out = _made(array, None, "cpu", False)
    out._borrowed = out._array is array
    return out


def _filled(where: str, value: Any, size: tuple[Any, ...], dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    shape = as_shape(size, where)
    if any(s < 0 for s in shape):
        raise ParameterError(
            message(where, f"sizes expect 0 or more, got {shape}.", "a dim has no negative size", "check the sizes.")
        )
    dtype = _float(dtype)
    if isinstance(value, (int, float)):
        value = fitting(where, value, dtype)
    return _made(_backend(device).xp.full(shape, value, dtype=dtype), None, device, requires_grad)


@guarded
def zeros(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor of zeros.

    >>> zeros(2, 2)
    tensor([[0., 0.],
            [0., 0.]])
    """
    return _filled("zeros", 0, sizes if size is None else (size,), dtype, device, requires_grad)


@guarded
def ones(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor of ones.

    >>> ones((2,))
    tensor([1., 1.])
    """
    return _filled("ones", 1, sizes if size is None else (size,), dtype, device, requires_grad)


@guarded
def empty(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor to be written to; minicnn fills it with zeros.

    >>> empty(2, 3).shape
    (2, 3)
    """
    return _filled("empty", 0, sizes if size is None else (size,), dtype, device, requires_grad)


@guarded
def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor of one value; its dtype is the value's unless given.

    Raises:
        ParameterError: a negative size, or a number that the dtype does not hold.

    >>> full((2,), 7)
    tensor([7, 7])
    """
    if dtype is None and not isinstance(fill_value, float):
        dtype = np.bool_ if isinstance(fill_value, bool) else np.int64
    return _filled("full", fill_value, (size,), dtype, device, requires_grad)


@guarded
def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return the identity matrix of n rows, and m columns if given.

    Raises:
        ParameterError: n or m is negative.

    >>> eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    need_count("eye", n=n, m=n if m is None else m)
    return _made(_backend(device).xp.eye(n, m, dtype=_float(dtype)), None, device, requires_grad)


@guarded
def arange(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return the numbers from start up to, not including, end; from 0 where only one is given.

    Raises:
        ParameterError: step is 0, or leads away from end; or a number is NaN or infinite.

    >>> arange(1, 4)
    tensor([1, 2, 3])
    """
    if end is None:
        start, end = 0, start
    if not all(math.isfinite(v) for v in (start, end, step)):
        got, fix = f"start {start}, end {end}, step {step}", "use finite numbers."
        raise ParameterError(message("arange", "NaN and infinity are no ends of a range.", got, fix))
    if step == 0 or (end - start) / step < 0:
        raise ParameterError(
            message(
                "arange",
                "step must lead from start to end.",
                f"start {start}, end {end}, step {step}",
                "change its sign.",
            )
        )
    if dtype is None:
        dtype = np.int64 if all(isinstance(v, (int, np.integer)) for v in (start, end, step)) else get_default_dtype()
    count = math.ceil((end - start) / step)
    values = start + np.arange(count) * step
    return _made(values.astype(as_dtype(dtype)), None, device, requires_grad)


@guarded
def linspace(
    start: float, end: float, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return ``steps`` numbers at equal distances from start to end, both included.

    Raises:
        ParameterError: ``steps`` is negative.

    >>> linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    need_count("linspace", steps=steps)
    return _made(np.linspace(start, end, steps).astype(_float(dtype)), None, device, requires_grad)


def _like(x: Tensor, value: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    xp = (backend_of(x._array) if device is None else _backend(device)).xp
    dtype = x.dtype if dtype is None else as_dtype(dtype)
    if isinstance(value, (int, float)):
        value = fitting("full_like", value, dtype)
    out: Tensor = wrap(xp.full(x.shape, value, dtype=dtype))
    return out.requires_grad_() if requires_grad else out


def zeros_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return zeros in the shape, dtype and place of another tensor.

    >>> zeros_like(tensor([1, 2]))
    tensor([0, 0])
    """
    return _like(input, 0, dtype, device, requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return ones in the shape, dtype and place of another tensor.

    >>> ones_like(tensor([1.5, 2.0]))
    tensor([1., 1.])
    """
    return _like(input, 1, dtype, device, requires_grad)


@guarded
def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return one value in the shape, dtype and place of another tensor.

    >>> full_like(tensor([1.5, 2.0]), 3)
    tensor([3., 3.])
    """
    return _like(input, fill_value, dtype, device, requires_grad)


def _random(
    draw: Callable[[Any, Any], Any],
    size: tuple[Any, ...],
    generator: Generator | None,
    dtype: Any,
    device: Any,
    requires_grad: bool,
) -> Tensor:
    values = draw((generator or default_generator).numpy, as_shape(size))
    return _made(values.astype(_float(dtype)), None, device, requires_grad)


@guarded
def rand(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return uniform numbers in [0, 1), drawn on the CPU.

    >>> rand(2, 3).shape
    (2, 3)
    """
    return _random(
        lambda rng, shape: rng.random(shape),
        sizes if size is None else (size,),
        generator,
        dtype,
        device,
        requires_grad,
    )


@guarded
def randn(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return standard normal numbers, drawn on the CPU.

    >>> randn(2, 3).shape
    (2, 3)
    """
    return _random(
        lambda rng, shape: rng.standard_normal(shape),
        sizes if size is None else (size,),
        generator,
        dtype,
        device,
        requires_grad,
    )


@guarded
def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return random whole numbers from low (0 if left out) up to, not including, high.

    >>> randint(10, (2, 3)).shape
    (2, 3)
    """
    if size is None:
        low, high, size = 0, low, high
    if high <= low:
        raise ParameterError(
            message(
                "randint", f"high must be above low, got low {low} and high {high}.", f"size {size}", "exchange them."
            )
        )
    draw = (generator or default_generator).numpy.integers(low, high, as_shape((size,)))
    return _made(draw.astype(np.int64 if dtype is None else as_dtype(dtype)), None, device, requires_grad)


@guarded
def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: Any = np.int64,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return the numbers from 0 to n − 1 in random order, drawn on the CPU.

    Raises:
        ParameterError: n is negative.

    >>> sorted(randperm(3).tolist())
    [0, 1, 2]
    """
    need_count("randperm", n=n)
    return _made((generator or default_generator).numpy.permutation(n), dtype, device, requires_grad)
