"""Figures without pyplot: nothing here opens a window, keeps global state, or loads matplotlib before it is needed."""

from __future__ import annotations

import functools
import io
import os
from typing import Any

from minicnn.errors import MinicnnError, message
from minicnn.files import write_atomic

__all__ = ["MissingMatplotlibError", "new_figure", "png", "save"]

DPI = 120  # of files
SCREEN_DPI = 80  # of notebooks, where many pictures add up


class MissingMatplotlibError(MinicnnError, ImportError):
    """A picture was asked for, and matplotlib is not installed."""


@functools.cache
def _figure_class() -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        fix = "pip install 'minicnn[viz]'."
        problem = "pictures need matplotlib, which is not installed."
        raise MissingMatplotlibError(message("minicnn.viz", problem, str(error), fix)) from None

    class NotebookFigure(Figure):
        """A figure that a notebook shows when it is the last value of a cell."""

        def _repr_png_(self) -> bytes:
            return png(self, SCREEN_DPI)

    return NotebookFigure


def new_figure(width: float, height: float) -> Any:
    """Return an empty `matplotlib.figure.Figure`.

    Args:
        width: in inches.
        height: in inches.

    Raises:
        MissingMatplotlibError: matplotlib is not installed.
    """
    return _figure_class()(figsize=(width, height), layout="constrained")


def png(figure: Any, dpi: float = DPI) -> bytes:
    """Return a figure as the bytes of a PNG file.

    Args:
        figure: a matplotlib Figure.
        dpi: pixels an inch.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, facecolor="white")
    return buffer.getvalue()


def save(figure: Any, path: str | os.PathLike[str], dpi: float = DPI) -> None:
    """Write a figure to a PNG file, whole or not at all.

    Args:
        figure: a matplotlib Figure.
        path: the file.
        dpi: pixels an inch.

    Raises:
        CheckpointError: the file cannot be written.
    """
    write_atomic(path, png(figure, dpi))
