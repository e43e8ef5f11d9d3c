"""Pictures: what is drawn, what is refused, and that matplotlib is loaded only to draw."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minicnn
from minicnn import viz
from minicnn.errors import CheckpointError, MinicnnError, ParameterError, ShapeError
from minicnn.train import Epoch, History

ROOT = Path(__file__).parent.parent


def history(epochs: int) -> History:
    return History([Epoch(e, 1 / e, 1 - 0.5 / e, 0.8 / e, 1 - 0.4 / e, 0.001, 2.0) for e in range(1, epochs + 1)])


def pixels(figure: Any) -> np.ndarray[Any, Any]:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(viz.png(figure))).convert("RGB"))


@pytest.mark.parametrize("epochs", [1, 2, 12, 200])
def test_curves(epochs: int) -> None:
    figure = viz.curves(history(epochs))
    figure.canvas.draw()
    for axes, label in zip(figure.axes, ("loss", "accuracy (%)"), strict=True):
        assert axes.get_xlabel() == "epoch"
        assert axes.get_ylabel() == label
        assert [text.get_text() for text in axes.get_legend().get_texts()] == ["training", "validation"]
        assert all(float(tick).is_integer() for tick in axes.get_xticks())
    assert figure.axes[1].lines[0].get_ydata()[0] == 50  # per cent
    assert pixels(figure).std() > 10


def test_curves_with_title_and_note() -> None:
    figure = viz.curves(history(3), "a title", "a note")
    assert (figure.get_suptitle(), figure.get_supxlabel()) == ("a title", "a note")


def test_curves_of_nothing() -> None:
    with pytest.raises(ParameterError, match="no epoch"):
        viz.curves(History())


def test_confusion_matrix() -> None:
    counts = np.array([[90, 10, 0], [0, 50, 0], [1, 2, 3]])
    figure = viz.confusion_matrix(counts, names=["cat", "dog", "emu"])
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.texts] == [str(count) for count in counts.ravel()]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["cat", "dog", "emu"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    assert pixels(figure).std() > 10


def test_confusion_matrix_with_an_empty_row() -> None:
    viz.png(viz.confusion_matrix([[0, 0], [1, 1]]))


@pytest.mark.parametrize("matrix", [np.zeros((2, 3)), np.zeros(4), np.zeros((0, 0))], ids=str)
def test_what_is_no_confusion_matrix(matrix: Any) -> None:
    with pytest.raises(ShapeError, match="square"):
        viz.confusion_matrix(matrix)


def test_names_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match="names"):
        viz.confusion_matrix(np.eye(2), names=["cat"])


@pytest.mark.parametrize("shape", [(1, 28, 28), (5, 1, 28, 28), (9, 8, 6), (3, 3, 8, 8)])
@pytest.mark.parametrize("kind", ["uint8", "float32", "tensor"])
def test_image_grid(shape: tuple[int, ...], kind: str) -> None:
    values: Any = np.random.default_rng(0).normal(size=shape).astype("float32")
    if kind == "uint8":
        values = (values * 50 + 128).clip(0, 255).astype("uint8")
    elif kind == "tensor":
        values = minicnn.from_numpy(values)
    figure = viz.image_grid(values, titles=[f"t{i}" for i in range(shape[0])])
    assert [axes.get_title() for axes in figure.axes] == [f"t{i}" for i in range(shape[0])]
    assert pixels(figure).std() > 10


def test_image_grid_shows_the_right_way_up() -> None:
    values = np.zeros((1, 2, 2))
    values[0, 0, 1] = 1  # right above
    seen = pixels(viz.image_grid(values))
    h, w = seen.shape[:2]
    assert seen[h // 4, 3 * w // 4].min() > 200
    assert seen[3 * h // 4, w // 4].max() < 50


@pytest.mark.parametrize("shape", [(28, 28), (0, 28, 28), (2, 4, 8, 8), (1, 1, 1, 8, 8)])
def test_what_is_no_batch_of_pictures(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="pictures"):
        viz.image_grid(np.zeros(shape))


def test_titles_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match="titles"):
        viz.image_grid(np.zeros((2, 4, 4)), titles=["one"])


@pytest.mark.parametrize(("shape", "squares"), [((6, 1, 5, 5), 6), ((16, 1, 3, 3), 16), ((4, 6, 5, 5), 24)])
def test_filters(shape: tuple[int, ...], squares: int) -> None:
    weight = minicnn.nn.Parameter(minicnn.randn(*shape))  # as it comes from a network, with requires_grad
    figure = viz.filters(weight)
    assert len(figure.axes) == squares + 1
    limits = {axes.images[0].get_clim() for axes in figure.axes[:squares]}
    assert len(limits) == 1  # one scale, with white at 0
    (low, high), *_ = limits
    assert low == -high
    viz.png(figure)


def test_filters_that_are_zero() -> None:
    viz.png(viz.filters(np.zeros((2, 1, 3, 3))))


def test_what_is_no_weight() -> None:
    with pytest.raises(ShapeError, match="weight"):
        viz.filters(np.zeros((10, 5)))


def test_save(tmp_path: Path) -> None:
    viz.save(viz.curves(history(2)), tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(CheckpointError):
        viz.save(viz.curves(history(2)), tmp_path / "none" / "curves.png")


def test_figures_show_in_notebooks() -> None:
    assert viz.curves(history(2))._repr_png_()[:4] == b"\x89PNG"


def test_import_loads_no_matplotlib_and_drawing_no_pyplot() -> None:
    code = (
        "import sys; from minicnn import viz; from minicnn.train import Epoch, History\n"
        "print('matplotlib' in sys.modules)\n"
        "viz.png(viz.curves(History([Epoch(1, 1, 1, 1, 1, 1, 1)]))); print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_without_matplotlib() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = sys.modules['matplotlib.figure'] = None\n"
        "from minicnn import viz\n"
        "try: viz.image_grid([[[0, 1]]])\n"
        "except ImportError as error: print(type(error).__name__); print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("MissingMatplotlibError\nminicnn.viz: pictures need matplotlib")
    assert "Fix: pip install 'minicnn[viz]'." in done.stdout
    assert issubclass(viz.MissingMatplotlibError, MinicnnError)
