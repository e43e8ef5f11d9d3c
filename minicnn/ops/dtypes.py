"""The one gate for dtypes: what is asked for becomes a NumPy dtype that is computed with or carried, or an error."""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.errors import ArgumentTypeError, DTypeError, message

bfloat16 = "bfloat16"  # NumPy has no such dtype: the name is there so that an error, and no AttributeError, answers
_HALF = ("float16", "bfloat16", "half")
OLD_TYPES = {  # PyTorch's names of tensors by dtype, from before it had dtypes
    "FloatTensor": "float32",
    "DoubleTensor": "float64",
    "LongTensor": "int64",
    "IntTensor": "int32",
    "ShortTensor": "int16",
    "CharTensor": "int8",
    "ByteTensor": "uint8",
    "BoolTensor": "bool",
    "HalfTensor": "float16",
    "BFloat16Tensor": "bfloat16",
}


def as_dtype(dtype: Any) -> np.dtype[Any]:
    """Return a dtype given in any of its spellings: a NumPy dtype, its name, a Python type, or an old tensor type.

    Half precision (float16, bfloat16) is refused everywhere: NumPy computes it many times slower than float32.

    Args:
        dtype: ``minicnn.float32``, ``"float32"``, ``np.float32``, ``float``, ``minicnn.FloatTensor`` and the like.
    Raises:
        DTypeError: half precision, complex numbers, or values that are no numbers.
        ArgumentTypeError: it is no dtype.

    >>> as_dtype("float32"), as_dtype(int)
    (dtype('float32'), dtype('int64'))
    """
    name = _bare(dtype) if isinstance(dtype, str) else dtype
    if isinstance(name, str) and name in _HALF:
        raise _half(name)
    try:
        found: np.dtype[Any] = np.dtype(name)
    except TypeError:
        raise ArgumentTypeError(
            message(
                "dtype",
                f"expects one such as minicnn.float32, got {type(dtype).__name__}.",
                f"dtype = {dtype!r}",
                "use minicnn.float32 or minicnn.float64, or int64, int32, int16, int8, uint8, bool.",
            )
        ) from None
    if found == np.float16 or str(found) == bfloat16:
        raise _half(str(found))
    if found.kind not in "buif" or found.itemsize > 8:
        raise DTypeError(
            message(
                "dtype",
                f"numbers of dtype {found} are not computed with.",
                "real floats are, of 32 and 64 bits; integers and bools are carried",
                "convert them first: x.real, or x.astype('float32').",
            )
        )
    return found


def names_dtype(text: str) -> bool:
    """Whether a string is the name of a dtype, and not of a device.

    >>> names_dtype("float32"), names_dtype("torch.LongTensor"), names_dtype("cuda")
    (True, True, False)
    """
    return _bare(text) in np.sctypeDict or _bare(text) in _HALF


def _bare(text: str) -> str:
    """Return a dtype's name without the room before it; that of an old tensor type as the dtype it stands for."""
    last = text.rpartition(".")[2]
    return OLD_TYPES.get(last, last)


def _half(name: str) -> DTypeError:
    return DTypeError(
        message(
            "dtype",
            f"{name} is not computed with.",
            "NumPy has no fast half precision: floats have 32 or 64 bits here",
            "stay in float32: x.float(), or x.astype('float32') for an array.",
        )
    )
