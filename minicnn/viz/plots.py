"""The pictures of a training run: curves, confusion matrices, grids of pictures, and filters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.backend import backend_of
from minicnn.errors import ParameterError, ShapeError, message
from minicnn.tensor import Tensor
from minicnn.viz.figure import new_figure

if TYPE_CHECKING:
    from minicnn.train import History

__all__ = ["confusion_matrix", "curves", "filters", "image_grid"]

TRAIN, VAL = "#4477aa", "#cc6633"  # blue and orange: told apart in every kind of colour vision


def _array(values: Any) -> np.ndarray[Any, Any]:
    """Return a tensor of any device, or anything else, as an array on the host."""
    if isinstance(values, Tensor):
        values = backend_of(values._array).to_numpy(values._array)
    return np.asarray(values)


def curves(history: History, title: str | None = None, note: str | None = None) -> Any:
    """Draw loss and accuracy by epoch, for training and for validation.

    Args:
        history: of at least one epoch.
        title: above the curves; none by default.
        note: below them, in small type; none by default.

    Returns:
        A matplotlib Figure.

    Raises:
        ParameterError: the history is empty.
        MissingMatplotlibError: matplotlib is not installed.

    >>> from minicnn.train import Epoch, History
    >>> figure = curves(History([Epoch(1, 0.5, 0.9, 0.4, 0.95, 0.001, 2.0)]))
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['loss', 'accuracy (%)']
    """
    if not len(history):
        fix = "train for an epoch first."
        raise ParameterError(message("curves", "the history has no epoch to draw.", "got 0 rows", fix))
    figure = new_figure(9, 3.6)
    for axes, measure, label, scale in zip(
        figure.subplots(1, 2), ("loss", "accuracy"), ("loss", "accuracy (%)"), (1, 100), strict=True
    ):
        for part, name, colour, mark in (("train", "training", TRAIN, "o"), ("val", "validation", VAL, "s")):
            values = [scale * value for value in history.column(f"{part}_{measure}")]
            axes.plot(history.column("epoch"), values, color=colour, marker=mark, markersize=4, label=name)
        axes.set(xlabel="epoch", ylabel=label)
        _whole_ticks(axes.xaxis)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    if title:
        figure.suptitle(title, fontsize=12)
    if note:
        figure.supxlabel(note, fontsize=8, color="#555555")
    return figure


def _whole_ticks(axis: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def confusion_matrix(matrix: Any, names: Sequence[str] | None = None) -> Any:
    """Draw which classes were taken for which, the number of samples in every field.

    Colours show the share of the row, so that rare classes can be compared with frequent ones.

    Shapes: matrix (K, K); row i holds the samples of class i.

    Args:
        matrix: of numbers of samples, as `minicnn.train.evaluate` returns it.
        names: of the K classes; 0, 1, 2, ... by default.

    Returns:
        A matplotlib Figure.

    Raises:
        ShapeError: the matrix is not square, or there are not K names.
        MissingMatplotlibError: matplotlib is not installed.

    >>> confusion_matrix([[9, 1], [0, 10]], names=["cat", "dog"]).axes[0].get_ylabel()
    'true class'
    """
    counts = _array(matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        got, fix = f"got shape {counts.shape}", "pass a matrix (K, K)."
        raise ShapeError(message("confusion_matrix", "expects a square matrix.", got, fix))
    k = len(counts)
    labels = [str(i) for i in range(k)] if names is None else list(names)
    if len(labels) != k:
        got, fix = f"got {len(labels)} names, matrix {counts.shape}", "pass one name a class."
        raise ShapeError(message("confusion_matrix", f"names expects {k} names.", got, fix))
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = max(4.0, 0.55 * k)
    figure = new_figure(size + 1.0, size)
    axes = figure.subplots()
    # The root brings out a few mistakes beside hundreds of hits.
    image = axes.imshow(np.sqrt(share), cmap="Blues", vmin=0, vmax=1)
    long = max(map(len, labels)) > 3
    axes.set_xticks(range(k), labels, rotation=45 if long else 0, ha="right" if long else "center")
    axes.set_yticks(range(k), labels)
    axes.set(xlabel="predicted class", ylabel="true class")
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if share[row, column] > 0.3 else "black" if count else "#bbbbbb"
        axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=9)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, label="share of the true class (%)")
    ticks = (0, 1, 10, 25, 50, 100)
    bar.set_ticks([math.sqrt(tick / 100) for tick in ticks], labels=[str(tick) for tick in ticks])
    return figure


def image_grid(images: Any, titles: Sequence[str] | None = None, columns: int = 8) -> Any:
    """Draw pictures side by side, row by row.

    Shapes: images (N, H, W), (N, 1, H, W) grey or (N, 3, H, W) in colour.

    Args:
        images: the pictures, of bytes or floats; floats are scaled each from its darkest to its brightest
            value, so normalized pictures may be passed as they are.
        titles: one a picture; none by default.
        columns: pictures a row (8).

    Returns:
        A matplotlib Figure.

    Raises:
        ShapeError: the pictures have other shapes, there are none, or there are not N titles.
        MissingMatplotlibError: matplotlib is not installed.

    >>> figure = image_grid(np.zeros((3, 28, 28)), titles=["a", "b", "c"])
    >>> [axes.get_title() for axes in figure.axes]
    ['a', 'b', 'c']
    """
    pictures = _array(images)
    if pictures.ndim == 4 and pictures.shape[1] == 1:
        pictures = pictures[:, 0]  # (N, H, W)
    colour = pictures.ndim == 4 and pictures.shape[1] == 3
    if not len(pictures) or not (pictures.ndim == 3 or colour):
        got = f"got shape {pictures.shape}"
        fix = "pass (N, H, W), (N, 1, H, W) or (N, 3, H, W) with N of at least 1."
        raise ShapeError(message("image_grid", "expects a batch of pictures.", got, fix))
    if titles is not None and len(titles) != len(pictures):
        got, fix = f"got {len(titles)} titles, {len(pictures)} pictures", "pass one title a picture."
        raise ShapeError(message("image_grid", "titles expects one a picture.", got, fix))
    if colour:
        pictures = pictures.transpose(0, 2, 3, 1)  # (N, H, W, 3), as matplotlib wants it
    columns = max(1, min(columns, len(pictures)))
    rows = -(-len(pictures) // columns)
    figure = new_figure(1.15 * columns, (1.15 if titles is None else 1.4) * rows)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(pictures) :]:
        axes.remove()
    for i, (axes, picture) in enumerate(zip(grid, pictures, strict=False)):
        axes.imshow(_scaled(picture) if colour else picture, cmap="gray", interpolation="nearest")
        axes.set_axis_off()
        if titles is not None:
            axes.set_title(titles[i], fontsize=9)
    return figure


def _scaled(picture: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a colour picture of floats between 0 and 1; bytes as they are."""
    if picture.dtype == np.uint8:
        return picture
    low, high = picture.min(), picture.max()
    return (picture - low) / (high - low or 1)


def filters(weight: Any, columns: int = 8) -> Any:
    """Draw the kernels of a convolution: red where a bright pixel adds to the output, blue where it takes away.

    Shapes: weight (O, C, KH, KW); O kernels are drawn, each a row of C squares where C > 1.

    Args:
        weight: of a `minicnn.nn.Conv2d`.
        columns: kernels a row, where C = 1 (8).

    Returns:
        A matplotlib Figure.

    Raises:
        ShapeError: the weight has not four dims, or is empty.
        MissingMatplotlibError: matplotlib is not installed.

    >>> figure = filters(np.ones((6, 1, 5, 5)))
    >>> len(figure.axes) - 1  # and the scale
    6
    """
    kernels = _array(weight)
    if kernels.ndim != 4 or not kernels.size:
        got, fix = f"got shape {kernels.shape}", "pass conv.weight."
        raise ShapeError(message("filters", "expects a weight (O, C, KH, KW).", got, fix))
    o, c = kernels.shape[:2]
    columns = c if c > 1 else max(1, min(columns, o))
    squares = kernels.reshape(o * c, *kernels.shape[2:])
    rows = -(-len(squares) // columns)
    figure = new_figure(1.05 * columns + 0.9, (1.25 if c == 1 else 1.05) * rows + 0.4)
    grid = figure.subplots(rows, columns, squeeze=False)
    limit = float(np.abs(kernels).max()) or 1.0  # one scale for all, so that strong kernels look strong
    for axes in grid.ravel()[len(squares) :]:
        axes.remove()
    for i, (axes, square) in enumerate(zip(grid.ravel(), squares, strict=False)):
        image = axes.imshow(square, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
        axes.set_xticks([])
        axes.set_yticks([])
        if c == 1:
            axes.set_title(str(i), fontsize=9)
        elif i % c == 0:
            axes.set_ylabel(str(i // c), rotation=0, ha="right", va="center", fontsize=9)
    if c > 1:
        figure.supxlabel("input channel", fontsize=10)
        figure.supylabel("output channel", fontsize=10)
    figure.colorbar(image, ax=grid, label="weight", shrink=0.9)
    return figure
