"""Training: the loop, its history, weights on disk, and whole runs with a folder of their own."""

from minicnn.files import write_atomic
from minicnn.train.checkpoint import load_weights, read_weights, save_weights
from minicnn.train.history import Epoch, History
from minicnn.train.images import Images, shift
from minicnn.train.loop import Evaluation, evaluate, fit
from minicnn.train.run import Run, evaluate_run, open_run
from minicnn.train.settings import Settings

__all__ = [
    "Epoch",
    "Evaluation",
    "History",
    "Images",
    "Run",
    "Settings",
    "evaluate",
    "evaluate_run",
    "fit",
    "load_weights",
    "open_run",
    "read_weights",
    "save_weights",
    "shift",
    "write_atomic",
]
