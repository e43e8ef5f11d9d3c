"""Cyclic rates."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from minicnn.errors import ParameterError, message
from minicnn.optim.lr_scheduler.base import LRScheduler, check_optimizer, one_a_group, set_momentum, start_momentum
from minicnn.optim.lr_scheduler.function import remembered
from minicnn.optim.optimizer import Optimizer

SCALES: dict[str, tuple[str, Callable[[float, float], float]]] = {  # what each mode counts, and its scale of (γ, count)
    "triangular": ("cycle", lambda gamma, cycle: 1.0),
    "triangular2": ("cycle", lambda gamma, cycle: 1 / 2.0 ** (cycle - 1)),
    "exp_range": ("iterations", lambda gamma, step: gamma**step),
}


class CyclicLR(LRScheduler):
    """Raise the rate from base_lr to max_lr and lower it again, over and over; step it each batch.

    lrₜ = base_lr + (max_lr − base_lr) · h · scale, where h rises from 0 to 1 and falls to 0 in each cycle.

    Args:
        optimizer: whose groups' ``"lr"`` it sets.
        base_lr, max_lr: the ends, or lists of one a group.
        step_size_up: steps from base_lr to max_lr.
        step_size_down: steps from max_lr to base_lr; as many if None.
        mode: "triangular" has scale 1, "triangular2" halves it each cycle, "exp_range" has γᵗ.
        gamma: γ.
        scale_fn: the scale as a function of the cycle, from 1, or of the step; the mode is then ignored.
        scale_mode: what scale_fn counts: "cycle" or "iterations".
        cycle_momentum: whether the momentum (β₁ of Adam) goes the other way, between the two that follow.
        base_momentum, max_momentum: the ends of the momentum, or lists of one a group.
        last_epoch: the last step that was made, when training goes on; −1 to begin.
    Raises:
        ParameterError: an unknown mode, not as many values as groups, or an optimizer without momentum to cycle.
    Source: Smith, "Cyclical Learning Rates for Training Neural Networks" (2015), section 3.1.

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1, momentum=0.9)
    >>> schedule, rates = CyclicLR(optimizer, base_lr=0.0, max_lr=1.0, step_size_up=2), []
    >>> for batch in range(6):
    ...     optimizer.step()
    ...     rates += schedule.get_last_lr()
    ...     schedule.step()
    >>> rates
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        where = type(self).__name__
        check_optimizer(where, optimizer)
        bases = one_a_group(where, "base_lr", base_lr, optimizer)
        self.max_lrs = one_a_group(where, "max_lr", max_lr, optimizer)
        if mode not in SCALES and scale_fn is None:
            raise _bad(f"mode expects one of {', '.join(map(repr, SCALES))}, got {mode!r}.", "scale_fn None")
        down = step_size_up if step_size_down is None else step_size_down
        if step_size_up <= 0 or down <= 0:
            raise _bad(f"the steps up and down expect 1 or more, got {step_size_up} and {down}.", "in batches")
        self.total_size = float(step_size_up + down)
        self.step_ratio = step_size_up / self.total_size
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode if scale_fn is not None else SCALES[mode][0]
        self.cycle_momentum = cycle_momentum
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, bases, strict=True):
                group["lr"] = rate
        if cycle_momentum:
            start_momentum(where, optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = bases

    def scale_fn(self, x: float) -> float:
        """Return the scale of the heights, in a cycle or at a step."""
        return SCALES[self.mode][1](self.gamma, x) if self._scale_fn_custom is None else self._scale_fn_custom(x)

    def get_lr(self) -> list[float]:
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        part = 1.0 + self.last_epoch / self.total_size - cycle
        height = part / self.step_ratio if part <= self.step_ratio else (part - 1) / (self.step_ratio - 1)
        height *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group in self.optimizer.param_groups:
                high = group["max_momentum"]
                set_momentum(group, high - (high - group["base_momentum"]) * height)
        return [base + (top - base) * height for base, top in zip(self.bases(), self.max_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Return all that the schedule remembers, apart from the optimizer and a function of scale.

        Of one that is an object, its attributes are remembered.
        """
        return {**super().state_dict(), "_scale_fn_custom": remembered(self._scale_fn_custom)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` of such a schedule gave; a function of scale stays the one given here."""
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "_scale_fn_custom"})
        if state_dict.get("_scale_fn_custom") is not None:
            self._scale_fn_custom.__dict__.update(state_dict["_scale_fn_custom"])


def _bad(problem: str, got: str) -> ParameterError:
    return ParameterError(message("CyclicLR", problem, got, 'step_size_up=2000, mode="triangular", for example.'))
