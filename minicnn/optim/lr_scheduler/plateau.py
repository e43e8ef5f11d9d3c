"""Lower the rate where a measure stops getting better."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any, SupportsFloat

from minicnn.errors import ParameterError, message
from minicnn.optim.lr_scheduler.base import LRScheduler, check_optimizer, one_a_group
from minicnn.optim.optimizer import Optimizer


class ReduceLROnPlateau(LRScheduler):
    """Lower the rate once a measure has not become better for more than patience epochs: lr ← max(lr · factor, min_lr).

    Better is m < best · (1 − threshold), or m < best − threshold with threshold_mode "abs"; with mode "max",
    m > best · (1 + threshold) or m > best + threshold.

    Args:
        optimizer: whose groups' ``"lr"`` it sets.
        mode: "min" for a loss, "max" for an accuracy.
        factor: below 1.
        patience: how many epochs without a better measure are let pass.
        threshold: how much better is better.
        threshold_mode: "rel" or "abs".
        cooldown: epochs after a drop in which none is counted.
        min_lr: the lowest rate, or a list of one a group.
        eps: a drop by no more than this is not made.
    Raises:
        ParameterError: a setting out of range, an unknown mode, or not as many values of min_lr as groups.
        ArgumentTypeError: optimizer is no Optimizer.

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    >>> schedule, rates = ReduceLROnPlateau(optimizer, factor=0.5, patience=1), []
    >>> for loss in (3.0, 2.0, 2.0, 2.0, 1.0):
    ...     schedule.step(loss)
    ...     rates += schedule.get_last_lr()
    >>> rates
    [1.0, 1.0, 1.0, 0.5, 0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        where = type(self).__name__
        check_optimizer(where, optimizer)
        if factor >= 1.0:
            raise ParameterError(
                message(where, f"factor expects a number below 1, got {factor}.", "the rate is to fall", "factor=0.1.")
            )
        for name, value, values in (("mode", mode, ("min", "max")), ("threshold_mode", threshold_mode, ("rel", "abs"))):
            if value not in values:
                problem = f"{name} expects {values[0]!r} or {values[1]!r}, got {value!r}."
                raise ParameterError(message(where, problem, f"{name} = {value!r}", "choose one of them."))
        self.optimizer = optimizer
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.cooldown = cooldown
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.min_lrs = one_a_group(where, "min_lr", min_lr, optimizer)
        self.eps = eps
        self.last_epoch = 0
        self.best = math.inf if mode == "min" else -math.inf
        self.cooldown_counter = 0
        self.num_bad_epochs = 0
        self._last_lr = self.current()

    @property
    def in_cooldown(self) -> bool:
        """Whether epochs are not counted, after a drop."""
        return self.cooldown_counter > 0

    def step(self, metrics: SupportsFloat, epoch: int | None = None) -> None:  # type: ignore[override]
        """Look at an epoch's measure, and lower the rates where they are due.

        Args:
            metrics: the measure: a number, or a tensor of one.
            epoch: PyTorch's old way to name the epoch.
        """
        measure = float(metrics)
        if epoch is not None:
            warnings.warn("step(metrics, epoch) is deprecated: leave it out.", DeprecationWarning, stacklevel=2)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(measure):
            self.best = measure
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = self.current()

    def _is_better(self, measure: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            limit = self.best * (1 + sign * self.threshold)
        else:
            limit = self.best + sign * self.threshold
        return measure > limit if self.mode == "max" else measure < limit

    def _reduce(self) -> None:
        groups = self.optimizer.param_groups
        if len(self.min_lrs) != len(groups):  # some were added since
            lowest: Any = self.min_lrs if self.default_min_lr is None else self.default_min_lr
            self.min_lrs = one_a_group(type(self).__name__, "min_lr", lowest, self.optimizer)
        for group, lowest in zip(groups, self.min_lrs, strict=True):
            rate = max(float(group["lr"]) * self.factor, lowest)
            if float(group["lr"]) - rate > self.eps:
                group["lr"] = rate
