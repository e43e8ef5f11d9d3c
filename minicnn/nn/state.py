"""The state of a module as a flat dict of tensors: what is saved, and how it is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from minicnn.autograd import no_grad
from minicnn.autograd.graph import TapeTensor
from minicnn.errors import ArgumentTypeError, CheckpointError, message
from minicnn.nn.parameter import Parameter
from minicnn.nn.registers import Registers, join
from minicnn.nn.uninitialized import Uninitialized
from minicnn.tensor import Tensor
from minicnn.tensor.creation import as_tensor

Slot = tuple[dict[str, Any], str]  # a register, and the name in it


class IncompatibleKeys(NamedTuple):
    """What `Module.load_state_dict` found amiss.

    Attributes:
        missing_keys: keys of the module that were not given.
        unexpected_keys: keys that were given and the module does not have.
    """

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not any(self):
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class State(Registers):
    """The part of `Module` that saves and loads."""

    def _slots(self, prefix: str) -> Iterator[tuple[str, Slot]]:
        """Yield the key and the place of each parameter and persistent buffer, in PyTorch's order."""
        for path, module in self.named_modules(prefix=prefix, remove_duplicate=False):
            for register, left_out in (
                (module._parameters, set()),
                (module._buffers, module._non_persistent_buffers_set),
            ):
                for name, value in register.items():
                    if value is not None and name not in left_out:
                        yield join(path, name), (register, name)

    def state_dict(
        self, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Tensor]:
        """Return all parameters and persistent buffers by path, under PyTorch's keys and in its order.

        The tensors share the module's memory: ``copy.deepcopy`` the dict to keep a moment of training.

        Args:
            destination: a dict to fill.
            prefix: what all keys begin with, its dot included.
            keep_vars: return the parameters themselves, where otherwise they are detached.

        >>> from minicnn import nn
        >>> list(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).state_dict())[:4]
        ['0.weight', '0.bias', '1.weight', '1.bias']
        """
        found: dict[str, Any] = {} if destination is None else destination
        for key, (register, name) in self._slots(""):
            found[prefix + key] = register[name] if keep_vars else register[name].detach()
        return found

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy values into the parameters and buffers; when that fails, nothing was changed.

        Args:
            state_dict: tensors (or arrays) by path, from `state_dict`; cast to the module's dtypes.
            strict: raise for missing and unexpected keys too, and not only for sizes.
            assign: take the given tensors as they are into the module, dtype included, instead of copying.

        Returns:
            A named tuple ``(missing_keys, unexpected_keys)``.

        Raises:
            CheckpointError: keys are missing or unexpected (with strict), or a tensor has another shape.
            ArgumentTypeError: state_dict is no dict.

        >>> from minicnn import nn
        >>> nn.Linear(2, 3).load_state_dict(nn.Linear(2, 3).state_dict())
        <All keys matched successfully>
        """
        if not isinstance(state_dict, Mapping):
            raise ArgumentTypeError(
                message(
                    "load_state_dict",
                    f"expects a dict of tensors by name, got {type(state_dict).__name__}.",
                    "a module's state is what state_dict() returns",
                    "load the file first: model.load_state_dict(minicnn.load(path)).",
                )
            )
        slots = dict(self._slots(""))
        keys = IncompatibleKeys([k for k in slots if k not in state_dict], [k for k in state_dict if k not in slots])
        values: dict[str, Tensor] = {}
        wrong = []
        for key, (register, name) in slots.items():
            if key in state_dict:
                given, held = state_dict[key], register[name]
                if isinstance(given, Uninitialized):
                    if not isinstance(held, Uninitialized):
                        wrong.append(f"{key} has no shape yet: it is a lazy layer's that was not called")
                    continue
                shape = tuple(np.shape(given)) if isinstance(held, Uninitialized) else tuple(held.shape)
                if tuple(np.shape(given)) != shape:
                    wrong.append(f"size mismatch for {key}: {tuple(np.shape(given))} given, {shape} in the module")
                else:
                    values[key] = given if isinstance(given, TapeTensor) else as_tensor(np.asarray(given))  # type: ignore[assignment]
        if wrong or (strict and any(keys)):
            raise _misfit(type(self).__name__, keys, wrong, strict)
        with no_grad():
            for key, value in values.items():
                register, name = slots[key]
                if isinstance(register[name], Uninitialized):
                    register[name].materialize(tuple(value.shape))
                if assign:
                    register[name] = _like(register[name], value)
                else:
                    register[name].copy_(value)
        return keys


def _like(old: Tensor, value: Tensor) -> Tensor:
    """Return the value as what it stands for: a parameter, or a buffer."""
    if isinstance(old, Parameter) and not isinstance(value, Parameter):
        return Parameter(value, old.requires_grad)
    return value


def _misfit(owner: str, keys: IncompatibleKeys, wrong: list[str], strict: bool) -> CheckpointError:
    counts, details = [], []
    if strict and keys.missing_keys:
        counts.append(f"{len(keys.missing_keys)} missing")
        details.append(f"missing keys: {', '.join(keys.missing_keys)}")
    if strict and keys.unexpected_keys:
        counts.append(f"{len(keys.unexpected_keys)} unexpected")
        details.append(f"unexpected keys: {', '.join(keys.unexpected_keys)}")
    if wrong:
        counts.append(f"{len(wrong)} of another size")
        details += wrong
    if wrong:
        fix = "build the module with the sizes it was saved with; nothing was changed."
    else:
        fix = "build the same architecture, or pass strict=False to load what fits; nothing was changed."
    problem = f"the state_dict does not fit {owner}: {' and '.join(counts)}."
    return CheckpointError(message("load_state_dict", problem, "; ".join(details), fix))
