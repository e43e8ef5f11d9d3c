"""Checks that several functions make of their arguments."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from minicnn.autograd.graph import TapeTensor
from minicnn.backend import backend_of
from minicnn.errors import ArgumentTypeError, BackendError, DTypeError, ParameterError, message, near, shown


def need_tensors(where: str, **arguments: Any) -> None:
    """Raise ArgumentTypeError if an argument is no tensor; None stands for one that was left out."""
    for name, value in arguments.items():
        if value is not None and not isinstance(value, TapeTensor):
            raise ArgumentTypeError(
                message(
                    where,
                    f"{name} expects a Tensor, got {type(value).__name__}.",
                    f"{name} = {shown(value)}",
                    "make one first: minicnn.tensor(values).",
                )
            )


def check_range(where: str, x: Any, low: float, high: float, error: Callable[[Any], Exception]) -> None:
    """Raise ``error(value)`` if a tensor has a value outside [low, high]; on a GPU, when a value is next read."""
    backend_of(x._array).check_range(where, x._array, low, high, error)


def need_one_device(where: str, **arguments: Any) -> None:
    """Raise BackendError if tensors live on several devices; None stands for one that was left out."""
    arrays = {name: x._array for name, x in arguments.items() if x is not None}
    if len(set(map(type, arrays.values()))) > 1:
        places = {name: backend_of(array).device_type for name, array in arrays.items()}
        there = next((place for place in places.values() if place != "cpu"), "cpu")
        moved = next(name for name, place in places.items() if place != there)
        raise BackendError(
            message(
                where,
                "expects all tensors on one device.",
                "; ".join(f"{name} {tuple(arrays[name].shape)} on {place}" for name, place in places.items()),
                f'move it: {moved}.to("{there}").',
            )
        )


def need_given(where: str, name: str, value: Any) -> None:
    """Raise ArgumentTypeError if an argument that cannot be left out is no tensor."""
    need_tensors(where, **{name: "None" if value is None else value})


def need_floats(where: str, name: str, x: Any) -> None:
    """Raise DTypeError if a tensor is not of floats."""
    if x._array.dtype.kind != "f":
        shape = tuple(x._array.shape)
        raise DTypeError(
            message(
                where,
                f"{name} expects floats, got {x._array.dtype}.",
                f"{name} {shape}",
                f"convert it: {name}.float().",
            )
        )


def need_one_dtype(where: str, **arguments: Any) -> None:
    """Raise DTypeError if the tensors differ in dtype; None stands for one that was left out."""
    dtypes = {name: x._array.dtype for name, x in arguments.items() if x is not None}
    if len(set(dtypes.values())) > 1:
        raise DTypeError(
            message(
                where,
                f"expects {', '.join(dtypes)} of one dtype, got {', '.join(map(str, dtypes.values()))}.",
                "; ".join(f"{name} {tuple(x._array.shape)}" for name, x in arguments.items() if x is not None),
                "convert the input, x.to(weight.dtype), or the model, model.double()."
                if "weight" in dtypes
                else f"convert one: {list(dtypes)[-1]}.to(minicnn.{next(iter(dtypes.values()))}).",
            )
        )


def need_reduction(where: str, reduction: Any) -> None:
    """Raise ParameterError if a reduction is none of the three."""
    need_choice(where, "reduction", reduction, ("mean", "sum", "none"))


def need_choice(where: str, name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Raise ParameterError if a word is none of those allowed."""
    if not isinstance(value, str) or value not in choices:
        *others, last = map(repr, choices)
        close = near(value, choices) or choices
        raise ParameterError(
            message(
                where,
                f"{name} expects {', '.join(others)} or {last}, got {shown(value)}.",
                f"{name} = {shown(value)}",
                f"write {name}={close[0]!r}.",
            )
        )


def need_count(where: str, **counts: Any) -> None:
    """Raise ParameterError if a number of things is negative."""
    for name, count in counts.items():
        if operator.index(count) < 0:
            problem = f"{name} expects 0 or more, got {count}."
            raise ParameterError(message(where, problem, f"{name} = {count}", f"use {name}=3, for example."))


def need_positive(where: str, name: str, value: float, *, or_zero: bool = False) -> None:
    """Raise ParameterError unless a number is above 0, or 0 where that is allowed."""
    if not (value >= 0 if or_zero else value > 0):
        raise ParameterError(
            message(
                where,
                f"{name} expects a number {'of 0 or more' if or_zero else 'above 0'}, got {value}.",
                f"{name} = {value!r}",
                f"use {name}={'1e-8' if name == 'eps' else '1.0'}, for example.",
            )
        )
