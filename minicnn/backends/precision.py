"""The precision of float32 matrix products: PyTorch's other word for ``backends.cuda.matmul.allow_tf32``."""

from __future__ import annotations

from minicnn.backends import cuda
from minicnn.errors import ParameterError, message

CHOICES = ("highest", "high", "medium")
_lower = {"precision": "high"}  # what was asked for last below the highest; "medium" is computed as "high" is


def get_float32_matmul_precision() -> str:
    """Return "highest" where float32 products are computed in float32; else what was set, or "high".

    >>> get_float32_matmul_precision()
    'highest'
    """
    return _lower["precision"] if cuda.matmul.allow_tf32 else CHOICES[0]


def set_float32_matmul_precision(precision: str) -> None:
    """Allow products by TF32 on a GPU, or do not; on the CPU nothing changes.

    Args:
        precision: "highest" for float32; "high" or "medium" for TF32.
    Raises:
        ParameterError: it is another word.

    >>> set_float32_matmul_precision("high")
    >>> cuda.matmul.allow_tf32
    True
    >>> set_float32_matmul_precision("highest")
    """
    if precision not in CHOICES:
        problem = f"expects one of {', '.join(CHOICES)}, got {precision!r}."
        fix = 'set_float32_matmul_precision("high").'
        raise ParameterError(message("set_float32_matmul_precision", problem, "nothing was changed", fix))
    cuda.matmul.allow_tf32 = precision != CHOICES[0]
    if cuda.matmul.allow_tf32:
        _lower["precision"] = precision
