"""Schedules by a function of the epoch: LambdaLR, MultiplicativeLR."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from minicnn.errors import ArgumentTypeError, message
from minicnn.optim.lr_scheduler.base import LRScheduler, check_optimizer, one_a_group
from minicnn.optim.optimizer import Optimizer

Rule = Callable[[int], float]


class LambdaLR(LRScheduler):
    """Multiply the first rate by a function of the epoch: lrₜ = lr₀ · f(t).

    Args:
        optimizer: whose groups' ``"lr"`` it sets.
        lr_lambda: f, or a list of one a group.
        last_epoch: the last epoch that was trained, when training goes on; −1 to begin.
    Raises:
        ParameterError: there are not as many functions as groups.
        ArgumentTypeError: f is no function.

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    >>> schedule = LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> optimizer.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Rule | Iterable[Rule], last_epoch: int = -1) -> None:
        where = type(self).__name__
        check_optimizer(where, optimizer)
        self.lr_lambdas: list[Rule] = one_a_group(where, "lr_lambda", lr_lambda, optimizer)
        for f in self.lr_lambdas:
            if not callable(f):
                raise ArgumentTypeError(
                    message(
                        where,
                        f"lr_lambda expects a function, got {type(f).__name__}.",
                        f"lr_lambda = {f!r}",
                        "lambda epoch: 0.95**epoch, for example.",
                    )
                )
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return [base * f(self.last_epoch) for base, f in zip(self.bases(), self.lr_lambdas, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Return all that the schedule remembers, apart from the optimizer and the functions.

        Of a function that is an object, its attributes are remembered, under ``"lr_lambdas"``; None of the others.
        """
        return {**super().state_dict(), "lr_lambdas": [remembered(f) for f in self.lr_lambdas]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` of such a schedule gave; functions stay those given here."""
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "lr_lambdas"})
        for f, attributes in zip(self.lr_lambdas, state_dict.get("lr_lambdas", ()), strict=False):
            if attributes is not None:
                f.__dict__.update(attributes)


def remembered(f: Any) -> dict[str, Any] | None:
    """Return the attributes of a function that is an object; None of a plain function."""
    return None if f is None or isinstance(f, type(remembered)) else dict(getattr(f, "__dict__", {}))


class MultiplicativeLR(LambdaLR):
    """Multiply the rate by a function of the epoch, each epoch anew: lrₜ = lrₜ₋₁ · f(t).

    Args:
        optimizer: whose groups' ``"lr"`` it sets.
        lr_lambda: f, or a list of one a group.
        last_epoch: the last epoch that was trained, when training goes on; −1 to begin.
    Raises:
        ParameterError: there are not as many functions as groups.
        ArgumentTypeError: f is no function.

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    >>> schedule, rates = MultiplicativeLR(optimizer, lambda epoch: 0.5), []
    >>> for epoch in range(3):
    ...     optimizer.step()
    ...     rates += schedule.get_last_lr()
    ...     schedule.step()
    >>> rates
    [1.0, 0.5, 0.25]
    """

    def get_lr(self) -> list[float]:
        if self._is_initial:
            return self.current()
        return [lr * f(self.last_epoch) for lr, f in zip(self.current(), self.lr_lambdas, strict=True)]
