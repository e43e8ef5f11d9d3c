"""The one-cycle policy."""

from __future__ import annotations

import math
from collections.abc import Sequence

from minicnn.errors import ParameterError, message
from minicnn.optim.lr_scheduler.base import (
    LRScheduler,
    check_optimizer,
    one_a_group,
    set_momentum,
    start_momentum,
)
from minicnn.optim.optimizer import Optimizer

Phase = tuple[float, str, str, str, str]  # the last step; the keys of the rate, then of the momentum, at both ends


class OneCycleLR(LRScheduler):
    """Raise the rate to max_lr and lower it to almost nothing, the momentum going the other way; step it each batch.

    From a to b along a part s of the phase: b + (a − b) · (1 + cos(π · s)) / 2, or a + (b − a) · s with "linear".

    Args:
        optimizer: whose groups' ``"lr"`` it sets.
        max_lr: the highest rate, or a list of one a group.
        total_steps: how many steps there are; or else epochs · steps_per_epoch.
        epochs, steps_per_epoch: their product is the number of steps.
        pct_start: the part of the steps in which the rate rises.
        anneal_strategy: "cos" or "linear".
        cycle_momentum: whether the momentum (β₁ of Adam) goes from max_momentum to base_momentum and back.
        base_momentum: the lowest momentum, or a list of one a group.
        max_momentum: the highest momentum, or a list of one a group.
        div_factor: max_lr / the first rate.
        final_div_factor: the first rate / the last.
        three_phase: fall to the first rate in as many steps as it rose, and to the last one in the rest.
        last_epoch: the last step that was made, when training goes on; −1 to begin.
    Raises:
        ParameterError: a setting out of range, no number of steps, an optimizer without momentum to cycle, or
            a step after the last.
    Source: Smith and Topin, "Super-Convergence" (2017), section 3, with the annealing of PyTorch.

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1, momentum=0.9)
    >>> schedule, rates = OneCycleLR(optimizer, max_lr=1.0, total_steps=5, pct_start=0.4), []
    >>> for batch in range(4):
    ...     optimizer.step()
    ...     rates += schedule.get_last_lr()
    ...     schedule.step()
    >>> [round(rate, 3) for rate in rates]
    [0.04, 1.0, 0.75, 0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer("OneCycleLR", optimizer)
        if total_steps is None and epochs is not None and steps_per_epoch is not None:
            total_steps = epochs * steps_per_epoch
        if total_steps is None or total_steps < 1:
            raise _bad(
                f"the number of steps expects 1 or more, got {total_steps}.",
                f"epochs {epochs}, steps_per_epoch {steps_per_epoch}",
                "give total_steps, or both epochs and steps_per_epoch.",
            )
        if not 0 <= pct_start <= 1:
            raise _bad(f"pct_start expects a part from 0 to 1, got {pct_start}.", "of the steps", "pct_start=0.3.")
        if anneal_strategy not in ("cos", "linear"):
            raise _bad(
                f"anneal_strategy expects 'cos' or 'linear', got {anneal_strategy!r}.", "", "choose one of them."
            )
        self.total_steps = total_steps
        self.anneal_strategy = anneal_strategy
        self.cycle_momentum = cycle_momentum
        self.phases = _phases(total_steps, pct_start, three_phase)
        rates = one_a_group("OneCycleLR", "max_lr", max_lr, optimizer)
        if cycle_momentum:
            start_momentum("OneCycleLR", optimizer, base_momentum, max_momentum, last_epoch)
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["initial_lr"] = group["lr"] = rate / div_factor
                group["max_lr"] = rate
                group["min_lr"] = group["initial_lr"] / final_div_factor
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        step = self.last_epoch
        if step > self.total_steps:
            raise _bad(
                f"step {step} comes after the last of {self.total_steps} steps.",
                f"total_steps {self.total_steps}",
                "give the number of batches in all: epochs * len(loader).",
            )
        last = len(self.phases) - 1
        i = next((i for i, phase in enumerate(self.phases) if step <= phase[0]), last)
        end, from_lr, to_lr, from_momentum, to_momentum = self.phases[i]
        start = self.phases[i - 1][0] if i else 0.0
        part = (step - start) / (end - start) if end != start else 1.0
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group[from_lr], group[to_lr], part))
            if self.cycle_momentum:
                set_momentum(group, self._between(group[from_momentum], group[to_momentum], part))
        return rates

    def _between(self, a: float, b: float, part: float) -> float:
        if self.anneal_strategy == "linear":
            return a + (b - a) * part
        return b + (a - b) / 2 * (1 + math.cos(math.pi * part))


def _phases(total: int, rise: float, three: bool) -> list[Phase]:
    up: Phase = (rise * total - 1, "initial_lr", "max_lr", "max_momentum", "base_momentum")
    if not three:
        return [up, (total - 1, "max_lr", "min_lr", "base_momentum", "max_momentum")]
    return [
        up,
        (2 * rise * total - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
        (total - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum"),
    ]


def _bad(problem: str, got: str, fix: str) -> ParameterError:
    return ParameterError(message("OneCycleLR", problem, got, fix))
