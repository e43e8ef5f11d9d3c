"""``minicnn train``: a network on pictures, into a run folder."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from minicnn.cli.parser import INTERRUPTED
from minicnn.cli.sets import require
from minicnn.cli.text import accuracy_line, backend_name

if TYPE_CHECKING:
    from minicnn.train import Run


def run(options: Any) -> int:
    """Train as the options say; return the exit code."""
    from minicnn.train import Run, Settings
    from minicnn.train.run import surroundings

    root = options.data_root and os.path.abspath(os.path.expanduser(options.data_root))
    settings = Settings(
        data=options.data,
        data_root=root,
        model=options.model,
        epochs=options.epochs,
        batch_size=options.batch_size,
        lr=options.lr,
        shift=options.shift,
        seed=options.seed,
        backend=backend_name(options.backend),
        threads=options.threads,
    )
    require("minicnn train", options.data, root, options.download)
    with surroundings(settings):
        job = Run(settings, options.out)
        if not options.quiet:
            _introduce(job)
        try:
            job.train(quiet=options.quiet)
            measured = job.test()
        except KeyboardInterrupt:
            return _interrupted(job)
        if not options.quiet:
            print(f"trained in {sum(job.history.column('seconds')):.1f} s; the run folder is {job.folder}")
            if not job.drawn:
                print("no curves.png: pip install 'minicnn[viz]' for pictures")
    print(accuracy_line(measured.confusion))
    return 0


def _introduce(job: Run) -> None:
    s = job.settings
    parameters = sum(p.numel() for p in job.model.parameters())
    train, val, test = job.sizes
    print(f"{s.model} with {parameters:,} parameters, on {s.data}: {train:,} pictures to train, {val:,} to validate,")
    epochs = f"{s.epochs} epoch{'' if s.epochs == 1 else 's'}"
    print(f"{test:,} to test. {epochs}, batches of {s.batch_size}, seed {s.seed}, on {s.backend}.", flush=True)


def _interrupted(job: Run) -> int:
    job.results["interrupted"] = True
    job.save()
    job.draw()
    epochs = len(job.history)
    print(
        f"\nminicnn train: interrupted after {epochs} whole epoch{'' if epochs == 1 else 's'} of {job.settings.epochs}."
        f"\n  The weights as they are now, and the history, are in {job.folder}"
        f"\n  minicnn evaluate {job.folder} measures them.",
        file=sys.stderr,
    )
    return INTERRUPTED
