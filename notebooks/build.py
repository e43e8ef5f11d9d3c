"""Make the notebooks of this folder from their scripts, run them, and store them with their outputs.

Run it after a change: ``python notebooks/build.py``. Each ``NAME.py`` is the source of ``NAME.ipynb``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
SECONDS = 300  # for one cell; far more than any needs


def scripts() -> list[Path]:
    """Return the scripts that notebooks are made from."""
    return sorted(path for path in HERE.glob("*.py") if path.name[:2].isdigit())


def execute(script: Path) -> Any:
    """Return the notebook of a script, run from top to bottom in a fresh kernel.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    notebook = jupytext.read(script)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"  # not drawn at random, so that only what changes shows in a diff
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(HERE.parent), before)))  # installed or not
    try:
        NotebookClient(
            notebook, timeout=SECONDS, kernel_name="python3", record_timing=False, coalesce_streams=True
        ).execute(cwd=str(HERE))
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    notebook.metadata.pop("language_info", None)  # the version of this machine's Python
    return notebook


def main() -> None:
    """Build all notebooks, or those named on the command line."""
    for script in map(Path, sys.argv[1:] or scripts()):
        notebook = execute(script)
        nbformat.write(notebook, script.with_suffix(".ipynb"))
        print(f"{script.with_suffix('.ipynb')}: {script.with_suffix('.ipynb').stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
