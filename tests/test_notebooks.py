"""Notebooks are in step with the scripts that they are made from, small, and run from top to bottom."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import Any

import pytest

jupytext = pytest.importorskip("jupytext")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")

FOLDER = Path(__file__).parent.parent / "notebooks"
SCRIPTS = sorted(path for path in FOLDER.glob("*.py") if path.name[:2].isdigit())


@pytest.fixture
def build() -> Any:
    """The script that makes the notebooks."""
    spec = importlib.util.spec_from_file_location("build_notebooks", FOLDER / "build.py")
    if spec is None or spec.loader is None:
        pytest.fail("notebooks/build.py is missing")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cells(notebook: Any) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def test_there_are_notebooks(build: Any) -> None:
    assert SCRIPTS
    assert build.scripts() == SCRIPTS


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_in_step_and_small(script: Path) -> None:
    stored = script.with_suffix(".ipynb")
    notebook = nbformat.read(stored, as_version=4)
    assert cells(notebook) == cells(jupytext.read(script)), "run: python notebooks/build.py"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count == number for number, cell in enumerate(code, 1)), "run: python notebooks/build.py"
    assert stored.stat().st_size < 300_000
    text = stored.read_text(encoding="utf-8")
    assert str(Path.home()) not in text
    assert "Traceback" not in text


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_runs(script: Path, build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # One thread: as fast here, and not slowed down by whatever else a test machine does.
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Jupyter's parts say to each other is not ours
        notebook = build.execute(script)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 4
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]


def test_first_run_learns() -> None:
    notebook = nbformat.read(FOLDER / "01-first-run.ipynb", as_version=4)
    printed = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    assert float(printed.split("test accuracy ")[1].split("%")[0]) > 98
