"""What the commands print: numbers, bars and tables, in plain characters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.errors import BackendError, message

BAR = 30  # characters of a full bar


def backend_name(wanted: str | None) -> str:
    """Return the name of the backend to use: the one asked for, or else the current one.

    Raises:
        BackendError: it cannot be used here.

    >>> backend_name("numpy")
    'numpy'
    """
    from minicnn import backend

    if wanted is None:
        try:
            return backend.current().name
        except BackendError as error:
            problem, got, *_ = str(error).split("\n  ")
            fix = "unset the variable MINICNN_BACKEND, or pass --backend numpy."
            raise BackendError(message("minicnn", problem.split(": ", 1)[-1], got, fix)) from None
    with backend.use(wanted) as chosen:
        return chosen.name


def accuracy_line(confusion: np.ndarray[Any, Any]) -> str:
    """Return the accuracy behind a confusion matrix as a line of text.

    >>> accuracy_line(np.array([[900, 100], [0, 1000]]))
    'test accuracy 95.00% (1,900 of 2,000)'
    """
    hits, count = int(np.trace(confusion)), int(confusion.sum())
    return f"test accuracy {hits / count:.2%} ({hits:,} of {count:,})"


def confusion_table(confusion: np.ndarray[Any, Any], names: Sequence[str]) -> str:
    """Return a confusion matrix as a table: rows are true classes, columns predicted ones, a dot is no sample.

    >>> print(confusion_table(np.array([[8, 2], [0, 10]]), ["cat", "dog"]))
    true       predicted
               0   1   right
    0  cat     8   2   80.0%
    1  dog     .  10  100.0%
    """
    digits = len(str(len(names) - 1))
    labels = [name if name.startswith(str(i)) else f"{i:>{digits}}  {name}" for i, name in enumerate(names)]
    left = max(map(len, labels)) + 2
    width = max(len(str(confusion.max())), digits) + 1
    lines = [
        f"{'true':<{left + width + 1}}predicted",
        " " * left + " ".join(f"{i:>{width}}" for i in range(len(names))) + "   right",
    ]
    for i, (label, row) in enumerate(zip(labels, confusion, strict=True)):
        cells = " ".join(f"{count or '.':>{width}}" for count in row.tolist())
        share = f"{row[i] / row.sum():.1%}" if row.sum() else "-"
        lines.append(f"{label:<{left}}{cells}  {share:>6}")
    return "\n".join(lines)


def bars(shares: Sequence[float], names: Sequence[str]) -> str:
    """Return shares from 0 to 1 as a line each, with a bar; the largest first.

    >>> print(bars([0.25, 0.75], ["cat", "dog"]))
    dog   75.0%  ######################
    cat   25.0%  ########
    """
    left = max(map(len, names)) + 2
    order = sorted(range(len(shares)), key=lambda i: -shares[i])
    lines = (f"{names[i]:<{left}}{shares[i]:>6.1%}  {'#' * round(BAR * shares[i])}" for i in order)
    return "\n".join(line.rstrip() for line in lines)
