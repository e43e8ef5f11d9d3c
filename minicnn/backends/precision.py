"""The precision of float32 matrix products: always full."""

from __future__ import annotations

from minicnn.errors import ParameterError, message

CHOICES = ("highest", "high", "medium")


def get_float32_matmul_precision() -> str:
    """Return "highest": float32 products are computed in float32.

    >>> get_float32_matmul_precision()
    'highest'
    """
    return CHOICES[0]


def set_float32_matmul_precision(precision: str) -> None:
    """Allow products of lower precision; accepted, and not made use of.

    Args:
        precision: "highest", "high" or "medium".
    Raises:
        ParameterError: it is another word.

    >>> set_float32_matmul_precision("high")
    """
    if precision not in CHOICES:
        problem = f"expects one of {', '.join(CHOICES)}, got {precision!r}."
        fix = 'set_float32_matmul_precision("high").'
        raise ParameterError(message("set_float32_matmul_precision", problem, "nothing was changed", fix))
