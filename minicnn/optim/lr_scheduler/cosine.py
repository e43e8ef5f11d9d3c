"""Cosine annealing."""

from __future__ import annotations

import math

from minicnn.errors import ParameterError, message
from minicnn.optim.lr_scheduler.base import LRScheduler
from minicnn.optim.optimizer import Optimizer


class CosineAnnealingLR(LRScheduler):
    """Lower the rate along half a cosine, and up again: lrₜ = η + (lr₀ − η) · (1 + cos(π · t / T)) / 2.

    Args:
        optimizer: whose groups' ``"lr"`` it sets.
        T_max: T, epochs from the first rate to the lowest.
        eta_min: η, the lowest rate.
        last_epoch: the last epoch that was trained, when training goes on; −1 to begin.
    Raises:
        ParameterError: T_max is below 1.
    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2016), equation 5, without
        the restarts.

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    >>> schedule, rates = CosineAnnealingLR(optimizer, T_max=2), []
    >>> for epoch in range(4):
    ...     optimizer.step()
    ...     rates += schedule.get_last_lr()
    ...     schedule.step()
    >>> [round(rate, 3) for rate in rates]
    [1.0, 0.5, 0.0, 0.5]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        if T_max < 1:
            raise ParameterError(
                message("CosineAnnealingLR", f"T_max expects 1 or more, got {T_max}.", "in epochs", "T_max=epochs.")
            )
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def _height(self, epoch: int) -> float:
        """Return how far above eta_min the rate is: 1 at the start, 0 at T_max."""
        return (1 + math.cos(math.pi * epoch / self.T_max)) / 2

    def get_lr(self) -> list[float]:
        t, eta = self.last_epoch, self.eta_min
        if self._step_count == 1:  # just made: the groups hold the rate to begin, or to go on, with
            return self.current()
        height = self._height(t)
        if (t - 1) % (2 * self.T_max) == self.T_max:  # from the lowest point, no ratio leads up again
            return [lr + (base - eta) * height for lr, base in zip(self.current(), self.bases(), strict=True)]
        ratio = height / self._height(t - 1)
        return [eta + (lr - eta) * ratio for lr in self.current()]

    def closed_form(self) -> list[float]:
        return [self.eta_min + (base - self.eta_min) * self._height(self.last_epoch) for base in self.bases()]
