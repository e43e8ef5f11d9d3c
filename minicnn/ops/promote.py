"""Type promotion by PyTorch's rules, for tensors and Python scalars.

Operands rank: tensors with dims, then tensors without, then Python scalars. The result has the promoted dtype of the
highest rank present, unless a lower rank has a higher category (bool < int < float); then that one's dtype joins.
A Python float joins integer tensors as the default dtype, float32. NumPy differs: int64 with float32 is float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.autograd.graph import TapeTensor, wrap
from minicnn.errors import ArgumentTypeError, DTypeError, ParameterError, message, shown
from minicnn.ops.dtypes import as_dtype

FLOATS = (np.dtype("float32"), np.dtype("float64"))
_default = np.dtype("float32")
_CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2}


def get_default_dtype() -> np.dtype[Any]:
    """Return the dtype of new float tensors; float32 unless `set_default_dtype` changed it."""
    return _default


def set_default_dtype(dtype: Any) -> None:
    """Set the dtype of new float tensors: float32 or float64.

    Raises:
        ParameterError: it is neither.
    """
    global _default
    found = as_dtype(dtype)
    if found not in FLOATS:
        raise ParameterError(
            message(
                "set_default_dtype",
                f"expects float32 or float64, got {found}.",
                f"dtype = {dtype!r}",
                "set_default_dtype(minicnn.float64), for example.",
            )
        )
    _default = found


def promote_types(a: Any, b: Any) -> np.dtype[Any]:
    """Return the dtype that holds both.

    >>> promote_types("int64", "float32")
    dtype('float32')
    """
    return _joined(as_dtype(a), as_dtype(b))


def _joined(a: np.dtype[Any], b: np.dtype[Any]) -> np.dtype[Any]:
    high, low = _category(a), _category(b)
    if high != low:
        return a if high > low else b
    return np.promote_types(a, b)


def _category(dtype: np.dtype[Any]) -> int:
    try:
        return _CATEGORY[dtype.kind]
    except KeyError:
        raise DTypeError(
            message(
                "promotion",
                f"expects bool, integer or float tensors, got {dtype}.",
                "float32 and float64 are computed with; integers and bools are carried",
                "convert it first: x.to(minicnn.float32).",
            )
        ) from None


def result_type(*operands: Any) -> np.dtype[Any]:
    """Return the dtype that an op of these tensors and Python scalars gives.

    >>> import minicnn
    >>> result_type(minicnn.tensor([1, 2]), 0.5)
    dtype('float32')
    """
    ranks: list[np.dtype[Any] | None] = [None, None, None]  # with dims, without, Python scalars
    for x in operands:
        if isinstance(x, TapeTensor):
            rank, dtype = (0 if x._array.ndim else 1), x._array.dtype
        else:
            rank, dtype = 2, _scalar_dtype(x)
        found = ranks[rank]
        ranks[rank] = dtype if found is None else _joined(found, dtype)
    result = None
    for candidate in ranks:
        if candidate is not None and (result is None or _category(candidate) > _category(result)):
            result = candidate
    return result or _default


def _scalar_dtype(value: Any) -> np.dtype[Any]:
    if isinstance(value, bool):
        return np.dtype("bool")
    if isinstance(value, int):
        return np.dtype("int64")
    if isinstance(value, float):
        return _default
    raise ArgumentTypeError(
        message(
            "promotion",
            f"expects tensors and numbers, got {type(value).__name__}.",
            f"value {shown(value)}",
            "pass a number, or a tensor: minicnn.tensor(values).",
        )
    )


def promote(operands: Sequence[Any], to_float: bool = False) -> list[Any]:
    """Return the operands with every tensor cast to their `result_type`; scalars become Python numbers of it.

    With ``to_float``, integers are cast to the default dtype, and not to a joint one of integers first.
    """
    operands = [_plain(x) for x in operands]
    dtype = result_type(*operands)
    if to_float and dtype.kind != "f":
        dtype = _default
    return [cast(x, dtype) if isinstance(x, TapeTensor) else _number(x, dtype) for x in operands]


def _number(x: Any, dtype: np.dtype[Any]) -> Any:
    """Return a Python number as the dtype holds it; one too large for small integers wraps, as in PyTorch."""
    try:
        return np.asarray(x).astype(dtype).item()
    except (OverflowError, TypeError):
        raise ParameterError(
            message("promotion", f"{x!r} does not fit into {dtype}.", "integers have 64 bits at most", "use floats.")
        ) from None


def fitting(where: str, value: Any, dtype: np.dtype[Any]) -> Any:
    """Return a Python number as a tensor of the dtype stores it; one that is too large is refused, as in PyTorch.

    Raises:
        ParameterError: the dtype holds no such number. Negative ones wrap in unsigned dtypes.
    """
    value = _plain(value)
    if dtype.kind == "f":
        least, most = -float(np.finfo(dtype).max), float(np.finfo(dtype).max)
        fits = value != value or abs(value) == float("inf") or least <= value <= most
    elif dtype.kind == "b":
        fits = True
    else:
        most = np.iinfo(dtype).max
        least = -most if dtype.kind == "u" else np.iinfo(dtype).min
        fits = least <= value <= most
    if not fits:
        raise ParameterError(
            message(
                where,
                f"{shown(value)} does not fit into {dtype}.",
                f"{dtype} holds numbers from {least} to {most}",
                "use a larger dtype: x.long() or x.double().",
            )
        )
    return _number(value, dtype)


def cast(x: Any, dtype: Any) -> Any:
    """Return the tensor in a dtype; itself where it has it."""
    return x if x._array.dtype == dtype else x.to(dtype)


def _plain(x: Any) -> Any:
    """Return NumPy scalars as Python numbers, and NumPy arrays as tensors."""
    if isinstance(x, np.generic):
        return x.item()
    if isinstance(x, np.ndarray):
        return wrap(x)
    return x


def as_float(x: Any) -> Any:
    """Return the tensor itself if it is of floats, else cast to the default dtype, as PyTorch's exp(int) does."""
    return x if x._array.dtype.kind == "f" else x.to(_default)
