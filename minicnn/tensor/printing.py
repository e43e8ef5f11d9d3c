"""How a tensor is shown, in PyTorch's form."""

from __future__ import annotations

from typing import Any

import numpy as np

EDGE = 3
MOST = 1000  # elements; larger tensors show their edges
DIGITS = 4


def show(array: Any, suffix: list[str]) -> str:
    """Return ``tensor(...)`` for a NumPy array, with the suffixes behind it."""
    if array.size == 0 and array.ndim != 1:
        suffix = [f"size={tuple(array.shape)}", *suffix]
        body = "[]"
    else:
        style = _style(_shown(array))
        body = np.array2string(
            array,
            separator=", ",
            prefix="tensor(",
            threshold=MOST,
            edgeitems=EDGE,
            formatter={"all": style},
            max_line_width=80,
        )
    return f"tensor({', '.join([body, *suffix])})"


def _shown(array: Any) -> Any:
    """Return the elements that will be seen."""
    if array.size > MOST:
        for dim, size in enumerate(array.shape):
            if size > 2 * EDGE:
                array = np.take(array, [*range(EDGE), *range(size - EDGE, size)], axis=dim)
    return array


def _style(values: Any) -> Any:
    """Return the function that shows one element, all of one width."""
    values = values.ravel()
    if values.dtype.kind != "f":
        width = max((len(str(v)) for v in values.tolist()), default=0)
        return lambda v: str(v).rjust(width)
    finite = np.abs(values[np.isfinite(values) & (values != 0)].astype(np.float64))
    whole = bool((finite == np.floor(finite)).all())
    spread = finite.size and (finite.max() > 1000 * finite.min() or finite.max() > 1e8)
    if spread or (finite.size and not whole and finite.min() < 1e-4):
        plain = f"{{:.{DIGITS}e}}"
    else:
        plain = "{:.0f}." if whole else f"{{:.{DIGITS}f}}"

    def one(v: float) -> str:
        return plain.format(v) if np.isfinite(v) else str(float(v))

    width = max((len(one(v)) for v in values), default=0)
    return lambda v: one(v).rjust(width)
