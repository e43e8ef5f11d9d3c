"""Schedules that multiply the rate by a fixed factor: StepLR, MultiStepLR, ExponentialLR."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable

from minicnn.errors import ParameterError, message
from minicnn.optim.lr_scheduler.base import LRScheduler
from minicnn.optim.optimizer import Optimizer


class StepLR(LRScheduler):
    """Multiply the rate by gamma every step_size epochs: lrₜ = lr₀ · γ^⌊t / step_size⌋.

    Args:
        optimizer: whose groups' ``"lr"`` it sets.
        step_size: epochs from one drop to the next.
        gamma: the factor.
        last_epoch: the last epoch that was trained, when training goes on; −1 to begin.
    Raises:
        ParameterError: step_size is below 1.

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    >>> schedule, rates = StepLR(optimizer, step_size=2, gamma=0.5), []
    >>> for epoch in range(4):
    ...     optimizer.step()
    ...     rates += schedule.get_last_lr()
    ...     schedule.step()
    >>> rates
    [1.0, 1.0, 0.5, 0.5]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        if step_size < 1:
            raise ParameterError(
                message("StepLR", f"step_size expects 1 or more, got {step_size}.", "in epochs", "step_size=30.")
            )
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0 or self.last_epoch % self.step_size:
            return self.current()
        return [lr * self.gamma for lr in self.current()]

    def closed_form(self) -> list[float]:
        return [base * self.gamma ** (self.last_epoch // self.step_size) for base in self.bases()]


class MultiStepLR(LRScheduler):
    """Multiply the rate by gamma at each milestone: lrₜ = lr₀ · γ^(how many milestones are ≤ t).

    Args:
        optimizer: whose groups' ``"lr"`` it sets.
        milestones: the epochs of the drops; one named twice counts twice.
        gamma: the factor.
        last_epoch: the last epoch that was trained, when training goes on; −1 to begin.

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    >>> schedule, rates = MultiStepLR(optimizer, [1, 3], gamma=0.5), []
    >>> for epoch in range(4):
    ...     optimizer.step()
    ...     rates += schedule.get_last_lr()
    ...     schedule.step()
    >>> rates
    [1.0, 0.5, 0.5, 0.25]
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        factor = self.gamma ** self.milestones[self.last_epoch]
        return [lr * factor for lr in self.current()]

    def closed_form(self) -> list[float]:
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [base * self.gamma**passed for base in self.bases()]


class ExponentialLR(LRScheduler):
    """Multiply the rate by gamma each epoch: lrₜ = lr₀ · γᵗ.

    Args:
        optimizer: whose groups' ``"lr"`` it sets.
        gamma: the factor.
        last_epoch: the last epoch that was trained, when training goes on; −1 to begin.

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    >>> schedule = ExponentialLR(optimizer, gamma=0.5)
    >>> optimizer.step()
    >>> schedule.step()
    >>> optimizer.param_groups[0]["lr"]
    0.5
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self._is_initial:  # just made: the groups hold the rate to begin, or to go on, with
            return self.current()
        return [lr * self.gamma for lr in self.current()]

    def closed_form(self) -> list[float]:
        return [base * self.gamma**self.last_epoch for base in self.bases()]
