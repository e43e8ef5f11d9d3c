"""A saved state, looked at before an optimizer takes it over."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from minicnn.errors import ArgumentTypeError, KeyNameError, ParameterError, message, shown
from minicnn.tensor import Tensor

NUMBERS = ("step", "mu_product")  # in a parameter's state: numbers here, tensors of PyTorch's
OPTIONAL = ("max_exp_avg_sq", "momentum_buffer", "grad_avg")  # kept under some settings only
# Settings that one family of optimizers has.
TELLING = ("dampening", "betas", "alpha", "rho", "etas", "lr_decay", "momentum_decay")


def parts_of(where: str, state_dict: Any) -> tuple[list[Any], Mapping[Any, Any]]:
    """Return the groups and the parameters' states of a state_dict, of which the form is then known.

    Raises:
        ArgumentTypeError: it, a group or a state is no dict.
        KeyNameError: a part is missing.
    """
    _need(where, "state_dict", state_dict, Mapping, "a dict")
    for name in ("param_groups", "state"):
        _need_key(where, "state_dict", state_dict, name)
    groups, state = state_dict["param_groups"], state_dict["state"]
    _need(where, "param_groups", groups, (list, tuple), "a list")
    _need(where, "state", state, Mapping, "a dict")
    for i, group in enumerate(groups):
        _need(where, f"group {i}", group, Mapping, "a dict")
        _need_key(where, f"group {i}", group, "params")
    return list(groups), state


def need_fit(
    where: str,
    settings: Mapping[str, Any],
    kept: Sequence[str],
    groups: Sequence[Any],
    state: Mapping[Any, Any],
    params: Mapping[Any, Tensor],
) -> None:
    """Raise an error unless a state is of an optimizer of this kind, and of parameters of these shapes.

    Args:
        settings: the optimizer's own.
        kept: what it keeps for each parameter that was stepped.
        groups, state: what was saved.
        params: the parameters, by the numbers under which they were saved.
    Raises:
        ParameterError: it does not fit.
        ArgumentTypeError: a parameter's state is no dict.
    """
    for i, group in enumerate(groups):
        foreign = [name for name in TELLING if name in group and name not in settings]
        if foreign:
            raise _foreign(where, f"group {i} has {', '.join(foreign)}; this optimizer {', '.join(settings)}")
    for number, param in params.items():
        entry = state.get(number)
        if entry is None:
            continue
        _need(where, f"the state of parameter {number}", entry, Mapping, "a dict")
        missing = [name for name in kept if name not in entry]
        if entry and missing:
            raise _foreign(where, f"parameter {number} has {', '.join(map(str, entry))}, and not {', '.join(missing)}")
        for name in (*kept, *OPTIONAL):
            if entry.get(name) is not None or name in kept:
                _need_value(where, f"{name!r} of parameter {number}", name, entry.get(name), param)


def copied(value: Any, param: Tensor | None) -> Any:
    """Return a copy of loaded state, where the parameter lives; step counts as numbers, where PyTorch's are tensors."""
    if isinstance(value, dict):
        return {k: v.item() if k in NUMBERS and isinstance(v, Tensor) else copied(v, param) for k, v in value.items()}
    if isinstance(value, Tensor) and param is not None:
        dtype = param.dtype if value.is_floating_point() else None
        return value.detach().to(device=param.device, dtype=dtype, copy=True)
    return copy.deepcopy(value)


def _foreign(where: str, got: str) -> ParameterError:
    return ParameterError(
        message(where, "this is the state of another optimizer.", got, "load what an optimizer of this kind has saved.")
    )


def _need(where: str, what: str, value: Any, kind: Any, wanted: str) -> None:
    if not isinstance(value, kind):
        raise ArgumentTypeError(
            message(
                where,
                f"{what} expects {wanted}, got {type(value).__name__}.",
                f"{shown(value)}",
                "pass what optimizer.state_dict() gave.",
            )
        )


def _need_key(where: str, what: str, value: Mapping[str, Any], name: str) -> None:
    if name not in value:
        has = ", ".join(map(repr, value)) or "nothing"
        raise KeyNameError(
            message(where, f"{what} has no {name!r}.", f"it has {has}", "pass what optimizer.state_dict() gave.")
        )


def _need_value(where: str, what: str, name: str, value: Any, param: Tensor) -> None:
    if name in NUMBERS:
        good = isinstance(value, Real) or (isinstance(value, Tensor) and value.numel() == 1)
        wanted = "a number"
    else:
        good = isinstance(value, Tensor) and value.shape == param.shape
        wanted = f"a tensor of its parameter's shape {tuple(param.shape)}"
    if not good:
        got = f"one of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise ParameterError(
            message(where, f"{what} expects {wanted}, got {got}.", f"{shown(value)}", "load the state of this model.")
        )
