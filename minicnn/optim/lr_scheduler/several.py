"""Several schedules on one optimizer: one after another, or all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from minicnn.backend.capture import on_replay
from minicnn.errors import ArgumentTypeError, ParameterError, message
from minicnn.optim.lr_scheduler.base import LRScheduler, check_optimizer
from minicnn.optim.lr_scheduler.plateau import ReduceLROnPlateau
from minicnn.optim.optimizer import Optimizer


class _Several(LRScheduler):
    """What both share: the schedules are checked, and their state is part of this one's."""

    _schedulers: Sequence[LRScheduler]

    def _check(self, schedulers: Sequence[LRScheduler], optimizer: Any) -> None:
        where = type(self).__name__
        check_optimizer(where, optimizer)
        for i, schedule in enumerate(schedulers):
            if not isinstance(schedule, LRScheduler):
                problem = f"schedulers expects schedules, got {type(schedule).__name__} at index {i}."
                raise ArgumentTypeError(message(where, problem, f"{str(schedule)[:60]!r}", "pass a list of them."))
            if isinstance(schedule, ReduceLROnPlateau):
                problem = f"ReduceLROnPlateau, at index {i}, does not go together with others."
                raise ParameterError(message(where, problem, "its step takes a measure", "step it by itself."))
            if schedule.optimizer is not optimizer:
                problem = f"expects schedules of one optimizer, got another one's at index {i}."
                raise ParameterError(message(where, problem, type(schedule).__name__, "make all for one optimizer."))

    def state_dict(self) -> dict[str, Any]:
        """Return all that the schedule and its parts remember, apart from the optimizer."""
        return {**super().state_dict(), "_schedulers": [schedule.state_dict() for schedule in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` of such a schedule gave; load the optimizer's own state too."""
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "_schedulers"})
        for schedule, state in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            schedule.load_state_dict(state)


class SequentialLR(_Several):
    """One schedule after another: the one with as many milestones before it as are ≤ t, counting its epochs from 0.

    Args:
        optimizer: whose groups' ``"lr"`` they set.
        schedulers: the schedules.
        milestones: the epochs at which the next one takes over, one fewer than schedules.
        last_epoch: the last epoch that was trained, when training goes on; −1 to begin.
    Raises:
        ParameterError: no schedules, not one milestone fewer, schedules of another optimizer, or ReduceLROnPlateau.
        ArgumentTypeError: what is no schedule.

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> from minicnn.optim.lr_scheduler import ConstantLR, ExponentialLR
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    >>> parts = [ConstantLR(optimizer, factor=0.25), ExponentialLR(optimizer, gamma=0.5)]
    >>> schedule, rates = SequentialLR(optimizer, parts, milestones=[2]), []
    >>> for epoch in range(5):
    ...     optimizer.step()
    ...     rates += schedule.get_last_lr()
    ...     schedule.step()
    >>> rates
    [0.25, 0.25, 1.0, 0.5, 0.25]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int], last_epoch: int = -1
    ) -> None:
        self._check(schedulers, optimizer)
        if len(schedulers) < 1 or len(milestones) != len(schedulers) - 1:
            raise ParameterError(
                message(
                    "SequentialLR",
                    f"expects one milestone fewer than schedules, got {len(milestones)} for {len(schedulers)}.",
                    f"milestones {milestones}",
                    "give the epochs at which one follows another.",
                )
            )
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        for group in optimizer.param_groups:  # each schedule set the rates of its epoch 0 when it was made
            group["lr"] = group["initial_lr"]
        _undo(schedulers)
        self._begin()

    def _begin(self) -> None:
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first._begin()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:  # type: ignore[override]
        """Set the rates for the next epoch; call it after ``optimizer.step()``."""
        on_replay(self._set, self._saved)

    def _set(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        i = bisect_right(self._milestones, self.last_epoch)
        start = self._milestones[i - 1] if i else 0
        schedule = self._schedulers[i]
        if epoch is None and self.last_epoch != start:
            schedule.step()
        else:
            schedule._set(self.last_epoch - start)
        self._last_lr = schedule.get_last_lr()


def _undo(schedulers: Sequence[LRScheduler]) -> None:
    """Take back the step that each schedule made when it was made."""
    for schedule in schedulers:
        if isinstance(schedule, _Several):
            _undo(schedule._schedulers)
        else:
            schedule.last_epoch -= 1


class ChainedScheduler(_Several):
    """Several schedules at once, each stepped in turn: their factors multiply.

    Args:
        schedulers: the schedules.
        optimizer: whose groups' ``"lr"`` they set; that of the schedules by default.
    Raises:
        ParameterError: no schedules, schedules of another optimizer, or ReduceLROnPlateau.
        ArgumentTypeError: what is no schedule.

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> from minicnn.optim.lr_scheduler import ConstantLR, ExponentialLR
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    >>> parts = [ConstantLR(optimizer, factor=0.5, total_iters=2), ExponentialLR(optimizer, gamma=0.5)]
    >>> schedule, rates = ChainedScheduler(parts), []
    >>> for epoch in range(4):
    ...     optimizer.step()
    ...     rates += schedule.get_last_lr()
    ...     schedule.step()
    >>> rates
    [0.5, 0.25, 0.25, 0.125]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        if len(schedulers) < 1:
            raise ParameterError(message("ChainedScheduler", "expects schedules, got none.", "[]", "pass a list."))
        optimizer = getattr(schedulers[0], "optimizer", None) if optimizer is None else optimizer
        self._check(schedulers, optimizer)
        self._schedulers = schedulers
        self.optimizer = schedulers[0].optimizer
        self._last_lr = self.current()

    def step(self) -> None:  # type: ignore[override]
        """Set the rates for the next epoch; call it after ``optimizer.step()``."""
        on_replay(self._step_each, self._saved)

    def _step_each(self) -> None:
        for schedule in self._schedulers:
            schedule.step()
        self._last_lr = self.current()

    def _begin(self) -> None:
        for schedule in self._schedulers:
            schedule._begin()
        self._last_lr = self.current()

    def _set(self, epoch: int | None = None) -> None:
        for schedule in self._schedulers:
            schedule._set(epoch)
        self._last_lr = self.current()
