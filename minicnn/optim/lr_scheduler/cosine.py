"""Cosine annealing, once and with warm restarts."""

from __future__ import annotations

import math

from minicnn.backend.capture import on_replay
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
        if self._is_initial:  # just made: the groups hold the rate to begin, or to go on, with
            return self.current()
        height = self._height(t)
        if (t - 1) % (2 * self.T_max) == self.T_max:  # from the lowest point, no ratio leads up again
            return [lr + (base - eta) * height for lr, base in zip(self.current(), self.bases(), strict=True)]
        ratio = height / self._height(t - 1)
        return [eta + (lr - eta) * ratio for lr in self.current()]

    def closed_form(self) -> list[float]:
        return [self.eta_min + (base - self.eta_min) * self._height(self.last_epoch) for base in self.bases()]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Lower the rate along half a cosine, and start over: lr = η + (lr₀ − η) · (1 + cos(π · c / T)) / 2.

    c counts the epochs since the last restart; T is T_0 at first, and T_mult times as long after each.

    Args:
        optimizer: whose groups' ``"lr"`` it sets.
        T_0: epochs until the first restart.
        T_mult: the factor of T.
        eta_min: η, the lowest rate.
        last_epoch: the last epoch that was trained, when training goes on; −1 to begin.
    Raises:
        ParameterError: T_0 or T_mult is no whole number of 1 or more.
    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2016), equation 5.

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    >>> schedule, rates = CosineAnnealingWarmRestarts(optimizer, T_0=2), []
    >>> for epoch in range(4):
    ...     optimizer.step()
    ...     rates += schedule.get_last_lr()
    ...     schedule.step()
    >>> [round(rate, 3) for rate in rates]
    [1.0, 0.5, 1.0, 0.5]
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        for name, value in (("T_0", T_0), ("T_mult", T_mult)):
            if not isinstance(value, int) or value < 1:
                problem = f"{name} expects a whole number of 1 or more, got {value}."
                raise ParameterError(message("CosineAnnealingWarmRestarts", problem, "in epochs", "T_0=10, T_mult=2."))
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        height = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * height for base in self.bases()]

    def step(self, epoch: float | None = None) -> None:
        """Set the rates for the next epoch, or for any time: ``step(epoch + batch / batches)`` after each batch.

        Raises:
            ParameterError: a time before 0.
        """
        on_replay(lambda: self._advance(epoch), self._saved)

    def _advance(self, epoch: float | None) -> None:
        if epoch is None and self.last_epoch >= 0:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur, self.T_i = self.T_cur % self.T_i, self.T_i * self.T_mult
        else:
            epoch = 0 if epoch is None else epoch
            self._find(epoch)
        self._step_count += 1
        self.last_epoch = math.floor(epoch)
        self._write(self.get_lr())

    def _find(self, epoch: float) -> None:
        """Set T and c for a time."""
        if epoch < 0:
            where = "CosineAnnealingWarmRestarts.step"
            raise ParameterError(message(where, f"epoch expects 0 or more, got {epoch}.", "in epochs", "count from 0."))
        self.T_cur, self.T_i = epoch, self.T_0
        if self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        while self.T_cur >= self.T_i:
            self.T_cur, self.T_i = self.T_cur - self.T_i, self.T_i * self.T_mult
