"""LRScheduler: what all schedules of the learning rate share."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

from minicnn.autograd.refusal import guard_constructor
from minicnn.backend.capture import on_replay
from minicnn.errors import ArgumentTypeError, KeyNameError, ParameterError, message
from minicnn.optim.optimizer import Optimizer


class LRScheduler:
    """The base of all schedules: a subclass gives `get_lr`, from the rates that the groups have now.

    A schedule sets the rates of epoch 0 when it is made, and those of the next epoch at each `step`. Since it starts
    from what stands in the groups, several schedules may share an optimizer, and rates may be edited in between.

    Args:
        optimizer: whose groups' ``"lr"`` it sets.
        last_epoch: the last epoch that was trained, when training goes on; −1 to begin.
    Attributes:
        last_epoch: the epoch that the rates are for.
        base_lrs: the rates at the start, one a group.
    Raises:
        ArgumentTypeError: optimizer is no Optimizer.
        KeyNameError: last_epoch is given, and a group has no ``"initial_lr"``.
    """

    def __init_subclass__(cls) -> None:
        guard_constructor(cls)

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        where = type(self).__name__
        check_optimizer(where, optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyNameError(
                    message(
                        where,
                        f"group {i} has no 'initial_lr', which going on after epoch {last_epoch} needs.",
                        f"its keys: {', '.join(group)}",
                        "load the optimizer's state first, or set last_epoch=-1.",
                    )
                )
        self.optimizer = optimizer
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._begin()

    def _begin(self) -> None:
        """Set the rates to begin, or to go on, with."""
        self._step_count = 0
        self._is_initial = True  # the groups hold no rate of this schedule yet
        self.step()
        self._is_initial = False

    def step(self, epoch: int | None = None) -> None:
        """Set the rates for the next epoch; call it after ``optimizer.step()``.

        Args:
            epoch: PyTorch's old way to name the epoch to set the rates for.
        """
        if self._step_count == 1 and not self.optimizer._steps:
            warnings.warn(
                f"{type(self).__name__}.step() was called before optimizer.step(), so that the first learning rate is "
                "never used; call optimizer.step() first.",
                UserWarning,
                stacklevel=2,
            )
        self._step_count += 1
        if epoch is not None:
            warnings.warn("step(epoch) is deprecated: call step() once an epoch.", DeprecationWarning, stacklevel=2)
        on_replay(lambda: self._set(epoch), self._saved)

    def _saved(self) -> Callable[[], None]:
        """Return what brings back the schedule and the rates as they are now."""
        state = copy.deepcopy(self.state_dict())
        groups = [{k: v for k, v in group.items() if k != "params"} for group in self.optimizer.param_groups]

        def bring_back() -> None:
            self.load_state_dict(state)
            for group, before in zip(self.optimizer.param_groups, groups, strict=True):
                group.update(before)

        return bring_back

    def _set(self, epoch: int | None = None) -> None:
        """Set the rates of the next epoch, or of one that is named."""
        if epoch is None:
            self.last_epoch += 1
            rates = self.get_lr()
        else:
            self.last_epoch = epoch
            rates = self.closed_form()
        self._write(rates)

    def _write(self, rates: list[float]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self._last_lr = rates

    def get_lr(self) -> list[float]:
        """Return the rates of ``last_epoch``, one a group, where the groups hold those of the epoch before."""
        raise NotImplementedError(
            message(type(self).__name__, "the schedule defines no get_lr.", "step() was called", "define get_lr(self).")
        )

    def closed_form(self) -> list[float]:
        """Return the rates of ``last_epoch`` from the base rates alone, whatever the groups hold."""
        return self.get_lr()

    def get_last_lr(self) -> list[float]:
        """Return the rates it set last, one a group."""
        return self._last_lr

    def bases(self) -> list[float]:
        """Return the base rates.

        Raises:
            ParameterError: the optimizer got groups since the schedule was made.
        """
        count = len(self.optimizer.param_groups)
        if len(self.base_lrs) != count:
            raise ParameterError(
                message(
                    type(self).__name__,
                    f"the schedule was made for {len(self.base_lrs)} groups, the optimizer has {count}.",
                    "a group was added since",
                    "make the schedule after add_param_group().",
                )
            )
        return self.base_lrs

    def current(self) -> list[float]:
        """Return the rates that stand in the groups."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Return all that the schedule remembers, apart from the optimizer."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` of such a schedule gave; load the optimizer's own state too."""
        self.__dict__.update(state_dict)


def one_a_group(where: str, name: str, value: Any, optimizer: Optimizer) -> list[Any]:
    """Return a setting for each group, from one for all or a list.

    Raises:
        ParameterError: there are not as many as groups.
    """
    count = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * count
    if len(value) != count:
        raise ParameterError(
            message(
                where,
                f"{name} expects one value a group, {count} of them, got {len(value)}.",
                f"{name} = {value}",
                "give one a group, or a single one for all.",
            )
        )
    return list(value)


def start_momentum(where: str, optimizer: Optimizer, base: Any, top: Any, last_epoch: int) -> None:
    """Give the groups the momenta to cycle between, and the higher one to begin with.

    Raises:
        ParameterError: the optimizer has no momentum, or there are not as many values as groups.
    """
    if not ({"momentum", "betas"} & set(optimizer.defaults)):
        raise ParameterError(
            message(
                where,
                "the optimizer has no momentum and no betas to cycle.",
                f"its settings: {', '.join(optimizer.defaults)}",
                "pass cycle_momentum=False.",
            )
        )
    lows = one_a_group(where, "base_momentum", base, optimizer)
    highs = one_a_group(where, "max_momentum", top, optimizer)
    if last_epoch == -1:
        for group, low, high in zip(optimizer.param_groups, lows, highs, strict=True):
            group["base_momentum"], group["max_momentum"] = low, high
            set_momentum(group, high)


def set_momentum(group: dict[str, Any], value: float) -> None:
    """Set a group's momentum, which is β₁ of Adam and its kin."""
    if "betas" in group:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value


def check_optimizer(where: str, optimizer: Any) -> None:
    """Raise ArgumentTypeError unless it is an optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise ArgumentTypeError(
            message(
                where,
                f"optimizer expects an Optimizer, got {type(optimizer).__name__}.",
                f"{str(optimizer)[:60]!r}",
                "pass the optimizer first, then the schedule's own settings.",
            )
        )
