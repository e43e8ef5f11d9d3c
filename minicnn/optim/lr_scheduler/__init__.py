"""Schedules of the learning rate."""

from minicnn.optim.lr_scheduler.base import LRScheduler
from minicnn.optim.lr_scheduler.cosine import CosineAnnealingLR
from minicnn.optim.lr_scheduler.one_cycle import OneCycleLR
from minicnn.optim.lr_scheduler.step import ExponentialLR, LambdaLR, MultiStepLR, StepLR

_LRScheduler = LRScheduler  # PyTorch's name before 2.0

__all__ = [
    "CosineAnnealingLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "MultiStepLR",
    "OneCycleLR",
    "StepLR",
    "_LRScheduler",
]
