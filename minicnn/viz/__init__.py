"""Pictures with matplotlib, which this room alone imports, and only when a picture is drawn."""

from minicnn.viz.figure import MissingMatplotlibError, png, save
from minicnn.viz.plots import confusion_matrix, curves, filters, image_grid

__all__ = [
    "MissingMatplotlibError",
    "confusion_matrix",
    "curves",
    "filters",
    "image_grid",
    "png",
    "save",
]
