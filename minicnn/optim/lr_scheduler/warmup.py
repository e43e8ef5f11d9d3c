"""Schedules over the first epochs, after which the rate stays: ConstantLR, LinearLR, PolynomialLR."""

from __future__ import annotations

from minicnn.errors import ParameterError, message
from minicnn.optim.lr_scheduler.base import LRScheduler
from minicnn.optim.optimizer import Optimizer


class ConstantLR(LRScheduler):
    """Hold the rate low for some epochs: lrₜ = lr₀ · factor while t < total_iters, then lr₀.

    Args:
        optimizer: whose groups' ``"lr"`` it sets.
        factor: from 0 to 1.
        total_iters: epochs until the rate is lr₀.
        last_epoch: the last epoch that was trained, when training goes on; −1 to begin.
    Raises:
        ParameterError: factor is out of range.

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    >>> schedule, rates = ConstantLR(optimizer, factor=0.5, total_iters=2), []
    >>> for epoch in range(4):
    ...     optimizer.step()
    ...     rates += schedule.get_last_lr()
    ...     schedule.step()
    >>> rates
    [0.5, 0.5, 1.0, 1.0]
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        _check_factor("ConstantLR", "factor", factor)
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0:
            return [lr * self.factor for lr in self.current()]
        if self.last_epoch != self.total_iters:
            return self.current()
        if self.factor == 0:  # no factor leads up from 0; PyTorch divides by it
            return list(self.bases())
        return [lr * (1.0 / self.factor) for lr in self.current()]

    def closed_form(self) -> list[float]:
        factor = 1.0 if self.last_epoch >= self.total_iters else self.factor
        return [base * factor for base in self.bases()]


class LinearLR(LRScheduler):
    """Lead the rate from one part of it to another: lrₜ = lr₀ · (start + (end − start) · min(t / total_iters, 1)).

    Args:
        optimizer: whose groups' ``"lr"`` it sets.
        start_factor: start, above 0 and at most 1.
        end_factor: end, from 0 to 1.
        total_iters: epochs from one to the other.
        last_epoch: the last epoch that was trained, when training goes on; −1 to begin.
    Raises:
        ParameterError: a factor out of range.
    Source: Goyal et al., "Accurate, Large Minibatch SGD" (2017), section 2.2 (gradual warmup).

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    >>> schedule, rates = LinearLR(optimizer, start_factor=0.5, total_iters=2), []
    >>> for epoch in range(4):
    ...     optimizer.step()
    ...     rates += schedule.get_last_lr()
    ...     schedule.step()
    >>> rates
    [0.5, 0.75, 1.0, 1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        _check_factor("LinearLR", "start_factor", start_factor, above=True)
        _check_factor("LinearLR", "end_factor", end_factor)
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0:
            return [lr * self.start_factor for lr in self.current()]
        if self._is_initial or self.last_epoch > self.total_iters:
            return self.current()
        rise = self.end_factor - self.start_factor
        ratio = 1.0 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise)
        return [lr * ratio for lr in self.current()]

    def closed_form(self) -> list[float]:
        part = min(self.total_iters, self.last_epoch) / self.total_iters if self.total_iters else 1.0
        factor = self.start_factor + (self.end_factor - self.start_factor) * part
        return [base * factor for base in self.bases()]


class PolynomialLR(LRScheduler):
    """Lower the rate to 0 as a power of what is left: lrₜ = lr₀ · (1 − min(t / total_iters, 1))^power.

    Args:
        optimizer: whose groups' ``"lr"`` it sets.
        total_iters: epochs until the rate is 0.
        power: 1 for a straight line.
        last_epoch: the last epoch that was trained, when training goes on; −1 to begin.
    Source: Chen et al., "DeepLab" (2016), section 4.1.2 (the "poly" policy).

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    >>> schedule, rates = PolynomialLR(optimizer, total_iters=2, power=2), []
    >>> for epoch in range(4):
    ...     optimizer.step()
    ...     rates += schedule.get_last_lr()
    ...     schedule.step()
    >>> rates
    [1.0, 0.25, 0.0, 0.0]
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        t, total = self.last_epoch, self.total_iters
        if self._is_initial or t > total:
            return self.current()
        ratio = ((1.0 - t / total) / (1.0 - (t - 1) / total)) ** self.power
        return [lr * ratio for lr in self.current()]

    def closed_form(self) -> list[float]:
        left = 1.0 - min(self.total_iters, self.last_epoch) / self.total_iters if self.total_iters else 0.0
        return [base * left**self.power for base in self.bases()]


def _check_factor(where: str, name: str, value: float, *, above: bool = False) -> None:
    if not (0 < value <= 1 if above else 0 <= value <= 1):
        problem = f"{name} expects a part {'above 0, at most 1' if above else 'from 0 to 1'}, got {value}."
        raise ParameterError(message(where, problem, "the rate is multiplied by it", f"{name}=0.5, for example."))
