"""Weights to and from a file, in the safetensors format: numbers only, so that loading never runs code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minicnn.errors import ArgumentTypeError, CheckpointError, message
from minicnn.serialization import Arrays, read_arrays, write_arrays
from minicnn.tensor.creation import as_tensor

if TYPE_CHECKING:
    from minicnn import nn

__all__ = ["load_weights", "read_weights", "save_weights"]

SHOWN = 4  # names that an error lists before it counts the rest


def save_weights(model: nn.Module | Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a network's parameters and buffers to a safetensors file, whole or not at all.

    The same weights give the same bytes, on every backend.

    Args:
        model: the network, or its ``state_dict()``.
        path: the file, by custom ``*.safetensors``; one that is there is replaced.

    Raises:
        CheckpointError: the file cannot be written; one that was there is as it was.
        ArgumentTypeError: ``model`` is neither a network nor a mapping of names to tensors.

    >>> import tempfile
    >>> from minicnn import nn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_weights(nn.Linear(3, 2), folder + "/linear.safetensors")
    ...     {name: array.shape for name, array in sorted(read_weights(folder + "/linear.safetensors").items())}
    {'bias': (2,), 'weight': (2, 3)}
    """
    state = model if isinstance(model, Mapping) else _state(model, "save_weights")
    if strange := [name for name, value in state.items() if not hasattr(value, "_array")]:
        got = f"{strange[0]!r} is of type {type(state[strange[0]]).__name__}"
        fix = "pass the network, or its state_dict()."
        raise ArgumentTypeError(message("save_weights", "expects a mapping of names to tensors.", got, fix))
    write_arrays("save_weights", path, {name: value._array for name, value in state.items()}, {"format": "np"})


def read_weights(path: str | os.PathLike[str]) -> Arrays:
    """Return the arrays of a safetensors file by name.

    Args:
        path: the file.

    Raises:
        FileMissingError: it is not there (a CheckpointError and a FileNotFoundError).
        CheckpointError: it cannot be read, is truncated, or no safetensors file.
    """
    return read_arrays("load_weights", path)


def load_weights(model: nn.Module, path: str | os.PathLike[str]) -> None:
    """Set a network's parameters and buffers from a file; nothing is changed where the file does not fit.

    Args:
        model: the network that the file was saved from, or one with the same names and shapes.
        path: a safetensors file.

    Raises:
        CheckpointError: the file is missing or damaged, names are missing or unexpected, or shapes differ.
        ArgumentTypeError: ``model`` is no network.

    >>> import tempfile
    >>> from minicnn import nn
    >>> a, b = nn.Linear(3, 2), nn.Linear(3, 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_weights(a, folder + "/linear.safetensors")
    ...     load_weights(b, folder + "/linear.safetensors")
    >>> bool((a.weight == b.weight).all())
    True
    """
    state = _state(model, "load_weights")
    arrays = read_weights(path)
    problems = []
    if missing := [name for name in state if name not in arrays]:
        problems.append(f"missing: {_listed(missing)}")
    if unexpected := [name for name in arrays if name not in state]:
        problems.append(f"unexpected: {_listed(unexpected)}")
    differing = [
        f"{name} {arrays[name].shape} in the file, {tuple(value.shape)} in the network"
        for name, value in state.items()
        if name in arrays and arrays[name].shape != tuple(value.shape)
    ]
    if differing:
        problems.append(f"shapes differ: {_listed(differing)}")
    if problems:
        raise CheckpointError(
            message(
                "load_weights",
                f"the weights do not fit the network {type(model).__name__}.",
                f"{path}: {'; '.join(problems)}",
                "make the network with the arguments that it was trained with.",
            )
        )
    model.load_state_dict(
        {
            name: as_tensor(arrays[name].astype(value.dtype, copy=False), device=value.device)
            for name, value in state.items()
        }
    )


def _state(model: Any, where: str) -> Any:
    if not hasattr(model, "state_dict"):
        got, fix = f"got an argument of type {type(model).__name__}", f"{where}(model, path) takes the network first."
        raise ArgumentTypeError(message(where, "expects a network.", got, fix))
    return model.state_dict()


def _listed(names: list[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
