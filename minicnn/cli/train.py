"""``minicnn train``: a network on pictures, into a run folder."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minicnn.cli import INTERRUPTED
from minicnn.cli.sets import require
from minicnn.cli.text import accuracy_line, backend_name
from minicnn.errors import CheckpointError, ParameterError, message

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
        graph=options.graph,
        threads=options.threads,
    )
    require("minicnn train", options.data, root, options.download)
    with surroundings(settings), _options_named():
        job = Run(settings, options.out)
        unsaved: CheckpointError | None = None
        try:
            if not options.quiet:
                _introduce(job, options.out)
            with _nothing_left_behind(job):
                try:
                    with contextlib.suppress(CheckpointError):  # `test` saves once more
                        job.train(quiet=options.quiet)
                    job.test()
                except CheckpointError as error:
                    unsaved = error
        except KeyboardInterrupt:
            with _undisturbed():
                return _interrupted(job)
    if not options.quiet:
        print(f"trained in {sum(job.history.column('seconds')):.1f} s")
        if unsaved is None and not job.drawn:
            print("no curves.png: pip install 'minicnn[viz]' for pictures")
    if unsaved is None:
        print(f"the run folder is {job.folder}")
    print(accuracy_line(job.measured.confusion), flush=True)
    if unsaved is not None:
        raise unsaved
    return 0


@contextlib.contextmanager
def _options_named() -> Iterator[None]:
    """Let an error about a setting name the option that was typed."""
    from minicnn.train.loop import SettingError

    try:
        yield
    except SettingError as error:
        option = "--" + error.setting.replace("_", "-")
        fix = f"pass a smaller {option}."
        raise ParameterError(message("minicnn train", error.problem, error.got, fix)) from None


@contextlib.contextmanager
def _nothing_left_behind(job: Run) -> Iterator[None]:
    """Where training diverges: say so in the run folder, or delete it if it holds no weights."""
    from minicnn.train.loop import SettingError

    try:
        yield
    except SettingError as error:
        if len(job.history):
            job.results["diverged"] = True
            with contextlib.suppress(CheckpointError):
                job.save_settings()
            error.got += f"; the weights of epoch {len(job.history)} are in {job.folder}"
        else:
            job.discard()
        raise


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no second Ctrl-C stop what is saved after the first."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not in the main thread, which alone gets Ctrl-C
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _introduce(job: Run, out: str | None) -> None:
    s = job.settings
    parameters = sum(p.numel() for p in job.model.parameters())
    train, val, test = job.sizes
    if out is not None and job.folder != Path(out):
        print(f"{out} is not empty; this run goes to {job.folder}")
    print(f"{s.model} with {parameters:,} parameters, on {s.data}: {train:,} pictures to train, {val:,} to validate,")
    epochs = f"{s.epochs} epoch{'' if s.epochs == 1 else 's'}"
    print(f"{test:,} to test. {epochs}, batches of {s.batch_size}, seed {s.seed}, on {s.backend}.")
    moved = f"pictures shifted by up to {s.shift} pixels, " if s.shift else ""
    smoothed = f"labels smoothed by {s.label_smoothing:g}"
    print(f"AdamW, one-cycle learning rate up to {s.lr:g}; {moved}{smoothed}.", flush=True)


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
