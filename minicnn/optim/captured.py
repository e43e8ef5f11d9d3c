"""Optimizers within captured steps: counts and rates that go on where kernels with fixed arguments are replayed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from minicnn.backend.capture import capturing, keep, live, on_replay, quiet
from minicnn.errors import ParameterError, message


def need_capturable(optimizer: Any) -> None:
    """Raise ParameterError if a step is captured that cannot be: its numbers would stay those of the recording."""
    if capturing() is None:
        return
    tensors = [t for group in optimizer.param_groups for p in group["params"] for t in (p, p.grad) if t is not None]
    tensors += [value for state in optimizer.state.values() for value in state.values() if hasattr(value, "_array")]
    keep(*(tensor._array for tensor in tensors), *optimizer._scratch_memory.values())
    if not optimizer.capturable:
        name = type(optimizer).__name__
        raise ParameterError(
            message(
                f"{name}.step",
                "this optimizer cannot be captured.",
                f"a replay would repeat the numbers that {name} computes from its settings and its count of steps",
                "use SGD, Adam, AdamW, Adamax, RMSprop, Adagrad or Adadelta, or step outside of the graph.",
            )
        )


def count_step(state: dict[str, Any]) -> None:
    """Add 1 to a parameter's count of steps, now and before each replay."""

    if quiet():
        state["step"] += 1
        return

    def count() -> None:
        state["step"] += 1

    on_replay(count, lambda: functools.partial(state.__setitem__, "step", state["step"]))


def number(group: dict[str, Any], name: str, compute: Callable[[], float], like: Any, state: Any = None) -> Any:
    """Return a number made of a group's settings, and of the count of steps: a float, or its place on the device.

    Args:
        name: which of the group's numbers it is.
        compute: gives it, from the settings and the count as they are when it is called.
        like: an array of the dtype that it is used with.
        state: the parameter's, where the number depends on its count: parameters of one count share it.
    """
    if quiet():
        return compute()
    key = (id(group), name, None if state is None else state["step"])
    return live(key, compute, like)
