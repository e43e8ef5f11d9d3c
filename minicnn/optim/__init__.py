"""Optimizers and schedules of the learning rate, under PyTorch's names."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from minicnn.errors import missing_names as _missing_names
from minicnn.optim import lr_scheduler
from minicnn.optim.adadelta import Adadelta
from minicnn.optim.adagrad import Adagrad
from minicnn.optim.adam import Adam, AdamW
from minicnn.optim.adamax import Adamax
from minicnn.optim.nadam import NAdam
from minicnn.optim.optimizer import Optimizer
from minicnn.optim.radam import RAdam
from minicnn.optim.rmsprop import RMSprop
from minicnn.optim.rprop import Rprop
from minicnn.optim.sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "lr_scheduler",
]

if not _TYPE_CHECKING:  # a type checker is to find the names that are not there
    __getattr__ = _missing_names(__name__)
