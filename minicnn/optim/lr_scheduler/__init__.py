"""Schedules of the learning rate."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from minicnn.errors import missing_names as _missing_names
from minicnn.optim.lr_scheduler.base import LRScheduler
from minicnn.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from minicnn.optim.lr_scheduler.cyclic import CyclicLR
from minicnn.optim.lr_scheduler.function import LambdaLR, MultiplicativeLR
from minicnn.optim.lr_scheduler.one_cycle import OneCycleLR
from minicnn.optim.lr_scheduler.plateau import ReduceLROnPlateau
from minicnn.optim.lr_scheduler.several import ChainedScheduler, SequentialLR
from minicnn.optim.lr_scheduler.step import ExponentialLR, MultiStepLR, StepLR
from minicnn.optim.lr_scheduler.warmup import ConstantLR, LinearLR, PolynomialLR

_LRScheduler = LRScheduler  # PyTorch's name before 2.0

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
    "_LRScheduler",
]

if not _TYPE_CHECKING:  # a type checker is to find the names that are not there
    __getattr__ = _missing_names(__name__)
