"""What holds a device's memory: looked up when somebody asks, in Python's own list of objects."""

from __future__ import annotations

import gc
from collections import Counter
from typing import Any


def size(count: float) -> str:
    """Return a number of bytes as people read it.

    >>> size(3 * 2**29)
    '1.50 GiB'
    """
    unit = "B"
    for larger in ("KiB", "MiB", "GiB"):
        if count < 1024:
            break
        count, unit = count / 1024, larger
    return f"{count:.0f} B" if unit == "B" else f"{count:.2f} {unit}"


def largest(array_type: Any, count: int) -> list[str]:
    """Return a line for each of the kinds of arrays that hold the most: how many, dtype, shape and bytes.

    Views hold nothing of their own. Parameters, gradients and what the tape has saved count alike.

    >>> import minicnn
    >>> from minicnn.backend import get
    >>> x = [minicnn.zeros(300, 1000, 100, device="strict") for _ in range(2)]
    >>> largest(get("strict").array_type, 1)
    ['2 × float32 (300, 1000, 100), 228.88 MiB']
    """
    held: Counter[tuple[str, tuple[int, ...]]] = Counter()
    number: Counter[tuple[str, tuple[int, ...]]] = Counter()
    objects: list[Any] = gc.get_objects()
    for array in objects:
        if type(array) is array_type and array.base is None:
            kind = (str(array.dtype), tuple(array.shape))
            held[kind] += array.nbytes
            number[kind] += 1
    lines = []
    for kind, total in held.most_common(count):
        many = f"{number[kind]} × " if number[kind] > 1 else ""
        lines.append(f"{many}{kind[0]} {kind[1]}, {size(total)}")
    return lines
