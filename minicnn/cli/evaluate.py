"""``minicnn evaluate``: a trained network on the test pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from minicnn.cli.sets import require
from minicnn.cli.text import accuracy_line, backend_name, confusion_table


def run(options: Any) -> int:
    """Measure the run that the options name; return the exit code."""
    from minicnn.train.run import evaluate_run, surroundings
    from minicnn.train.settings import load_settings

    settings, record = load_settings(Path(options.folder))
    root = options.data_root or settings.data_root
    require("minicnn evaluate", settings.data, root)
    with surroundings(settings, backend_name(options.backend), options.threads):
        measured, names = evaluate_run(options.folder, root)
    print(f"{settings.model} on the test pictures of {settings.data}, trained in {options.folder}")
    if not record.get("finished"):
        how = (
            "was interrupted"
            if record.get("interrupted")
            else "diverged"
            if record.get("diverged")
            else "did not finish"
        )
        epochs = record.get("epochs_done", 0)
        print(f"This run {how}, after {epochs} whole epoch{'' if epochs == 1 else 's'} of {settings.epochs}.")
    print()
    print(confusion_table(measured.confusion, names))
    print(f"\ntest loss {measured.loss:.4f}")
    print(accuracy_line(measured.confusion))
    return 0
