"""How a tensor is shown, in PyTorch's form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

EDGE = 3  # elements shown at each end of a long dim
MOST = 1000  # elements; larger tensors show their edges only
DIGITS = 4  # after the point
WIDTH = 80  # of a line

Style = Callable[[Any], str]


def show(array: Any, suffixes: list[str]) -> str:
    """Return ``tensor(...)`` for a NumPy array, with the suffixes behind it, on lines of their own where too long."""
    indent = len("tensor(")
    if array.size == 0:
        text = "[]"
        if array.ndim != 1:
            suffixes = [f"size={tuple(array.shape)}", *suffixes]
    else:
        edges = array.size > MOST
        text = _lines(array, indent, edges, _style(_seen(array) if edges else array))
    parts = ["tensor(", text]
    used = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if used + len(suffix) + 2 > WIDTH:
            parts.append(",\n" + " " * indent + suffix)
            used = indent + len(suffix)
        else:
            parts.append(", " + suffix)
            used += len(suffix) + 2
    return "".join([*parts, ")"])


def _lines(array: Any, indent: int, edges: bool, style: Style) -> str:
    """Return the elements in brackets; long rows are broken, and dims are set apart by empty lines."""
    if array.ndim == 0:
        return style(array[()])
    skip = edges and len(array) > 2 * EDGE
    parts = [*array[:EDGE], None, *array[-EDGE:]] if skip else list(array)
    if array.ndim > 1:
        rows = ["..." if part is None else _lines(part, indent + 1, edges, style) for part in parts]
        return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(rows) + "]"
    texts = [" ..." if part is None else style(part) for part in parts]
    a_line = max(1, (WIDTH - indent) // (max(len(text) for text in texts if text != " ...") + 2))
    lines = [", ".join(texts[i : i + a_line]) for i in range(0, len(texts), a_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _seen(array: Any) -> Any:
    """Return the elements that will be seen of a large array."""
    for dim, size in enumerate(array.shape):
        if size > 2 * EDGE:
            array = np.take(array, [*range(EDGE), *range(size - EDGE, size)], axis=dim)
    return array


def _style(values: Any) -> Style:
    """Return the function that shows one element, all of one width."""
    values = values.ravel()
    if values.dtype.kind != "f":
        width = max(len(str(v)) for v in values.tolist())
        return lambda v: str(v).rjust(width)
    finite = values[np.isfinite(values) & (values != 0)].astype(np.float64)
    sizes = np.abs(finite)
    whole = bool((finite == np.ceil(finite)).all())
    if sizes.size and (sizes.max() > 1000 * sizes.min() or sizes.max() > 1e8 or (not whole and sizes.min() < 1e-4)):
        plain = f"{{:.{DIGITS}e}}"
    else:
        plain = "{:.0f}." if whole else f"{{:.{DIGITS}f}}"

    def one(v: Any) -> str:
        return plain.format(v) if np.isfinite(v) else str(float(v))

    width = max((len(one(v)) for v in finite), default=1)
    return lambda v: one(v).rjust(width)
