"""The registers of a module: what is set on it by name, and how it is found again.

A module keeps parameters, buffers and submodules in three ordered dicts. Setting an attribute sorts it into one of
them by its type; reading one that Python does not find otherwise looks there. All walks over a network start here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from minicnn.autograd.graph import TapeTensor
from minicnn.errors import ArgumentTypeError, KeyNameError, ParameterError, message
from minicnn.nn.parameter import Buffer, Parameter
from minicnn.tensor import Tensor

if TYPE_CHECKING:
    from minicnn.nn.module import Module

REGISTERS = ("_parameters", "_buffers", "_modules")


class Registers:
    """The part of `Module` that holds parameters, buffers and submodules."""

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent_buffers_set: set[str]

    # ---- setting

    def __setattr__(self, name: str, value: Any) -> None:
        found = self.__dict__
        if isinstance(value, Parameter):
            self._check_ready(name, "parameter")
            self._forget(name, "_buffers", "_modules")
            self.register_parameter(name, value)
        elif name in found.get("_parameters", ()):
            self._replace("_parameters", name, value, value is None, "a Parameter")
        elif isinstance(value, Registers):
            self._check_ready(name, "module")
            self._forget(name, "_buffers")
            self._modules[name] = cast("Module", value)
        elif name in found.get("_modules", ()):
            self._replace("_modules", name, value, value is None, "a Module")
        elif isinstance(value, Buffer):
            self._check_ready(name, "buffer")
            self._forget(name, "_buffers")
            self.register_buffer(name, value, value.persistent)
        elif name in found.get("_buffers", ()):
            self._replace("_buffers", name, value, value is None or isinstance(value, TapeTensor), "a Tensor")
        else:
            object.__setattr__(self, name, value)

    def _check_ready(self, name: str, kind: str) -> None:
        if "_modules" not in self.__dict__:
            raise AttributeError(
                message(
                    type(self).__name__,
                    f"cannot assign {kind} {name!r} before Module.__init__() call.",
                    f"self.{name} = ... stands before super().__init__(), or that call is missing",
                    "make super().__init__() the first line of __init__.",
                )
            )

    def _forget(self, name: str, *registers: str) -> None:
        """Take the name out of all places but the one where it goes."""
        for places in (self.__dict__, *(self.__dict__[register] for register in registers)):
            places.pop(name, None)
        self._non_persistent_buffers_set.discard(name)

    def _replace(self, register: str, name: str, value: Any, fits: bool, expected: str) -> None:
        if not fits:
            raise ArgumentTypeError(
                message(
                    type(self).__name__,
                    f"{name} expects {expected} or None, got {type(value).__name__}.",
                    f"{name} is registered in {register[1:]}",
                    f"wrap the value, or take the name free first: del module.{name}.",
                )
            )
        self.__dict__[register][name] = value

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under a name; None keeps the name free of a value.

        Raises:
            ArgumentTypeError: it is no Parameter, or the name no string.
            KeyNameError: the name is empty, holds a dot, or is taken.
            ParameterError: it was computed from others, and is no leaf.
        """
        self._check_ready(name, "parameter")
        self._check_name("parameter", name, "_parameters")
        if param is not None and not isinstance(param, Parameter):
            raise _wrong_type("register_parameter", name, param, "a Parameter")
        if param is not None and param.grad_fn is not None:
            raise ParameterError(
                message(
                    "register_parameter",
                    f"parameter {name!r} must be a leaf: it was made by {param.grad_fn.name()}.",
                    f"shape {tuple(param.shape)}",
                    "register what it is computed from, and compute it in forward().",
                )
            )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that belongs to the module's state and is not trained, such as a running mean.

        Args:
            name: the attribute it is read by.
            tensor: the buffer; None keeps the name free of a value, and out of the state_dict.
            persistent: whether it is part of the state_dict.
        Raises:
            ArgumentTypeError: it is no Tensor, or the name no string.
            KeyNameError: the name is empty, holds a dot, or is taken.
        """
        self._check_ready(name, "buffer")
        self._check_name("buffer", name, "_buffers")
        if tensor is not None and not isinstance(tensor, TapeTensor):
            raise _wrong_type("register_buffer", name, tensor, "a Tensor")
        self._buffers[name] = tensor
        self._non_persistent_buffers_set.discard(name)
        if not persistent:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a submodule under a name that need not be an identifier.

        Raises:
            ArgumentTypeError: it is no Module, or the name no string.
            KeyNameError: the name is empty, holds a dot, or is taken.
        """
        self._check_ready(name, "module")
        if module is not None and not isinstance(module, Registers):
            raise _wrong_type("add_module", name, module, "a Module")
        self._check_name("module", name, "_modules")
        self._modules[name] = module

    register_module = add_module

    def _check_name(self, kind: str, name: Any, register: str) -> None:
        if not isinstance(name, str):
            raise ArgumentTypeError(
                message(
                    f"register_{kind}",
                    f"the name expects a string, got {type(name).__name__}.",
                    f"name = {name!r}",
                    "pass the attribute's name.",
                )
            )
        problem = None
        if not name or "." in name:
            problem = "must not be empty" if not name else 'must not contain a "."'
        elif name not in self.__dict__[register] and hasattr(self, name):
            problem = "is taken: the attribute already exists"
        if problem:
            raise KeyNameError(
                message(
                    f"register_{kind}",
                    f"the name {name!r} {problem}.",
                    f"module {type(self).__name__}",
                    "choose another name.",
                )
            )

    # ---- reading

    def __getattr__(self, name: str) -> Any:
        found = self.__dict__
        for register in REGISTERS:
            entries = found.get(register)
            if entries is not None and name in entries:
                return entries[name]
        kind = type(self).__name__
        if "_modules" not in found:
            problem, got = f"'{kind}' object has no attribute '{name}' yet.", "Module.__init__() was not called"
            fix = "make super().__init__() the first line of __init__."
        else:
            problem = f"'{kind}' object has no attribute '{name}'."
            names = [f"{register[1:]}: {', '.join(found[register])}" for register in REGISTERS if found[register]]
            got = "; ".join(names) or "it has no parameters, buffers or submodules"
            fix = "check the spelling, or set it in __init__."
        raise AttributeError(message(kind, problem, got, fix), name=name, obj=self)

    def __delattr__(self, name: str) -> None:
        for register in REGISTERS:
            if name in self.__dict__.get(register, ()):
                del self.__dict__[register][name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        names = set(object.__dir__(self))
        for register in REGISTERS:
            names.update(self.__dict__.get(register, ()))
        return sorted(name for name in names if not name[:1].isdigit())

    # ---- walking

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Yield the module itself and all below it with their paths, each module once.

        Args:
            memo: modules not to yield.
            prefix: what all paths begin with.
            remove_duplicate: yield a module that stands in several places once only.
        """
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, cast("Module", self)
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, join(prefix, name), remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """Yield the module itself and all below it, each once."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the direct submodules with their names, each module once."""
        seen: set[int] = set()
        for name, module in self._modules.items():
            if module is not None and id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Module]:
        """Yield the direct submodules, each once."""
        return (module for _, module in self.named_children())

    def _named(self, register: str, prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        owners = self.named_modules(None, prefix, remove_duplicate) if recurse else iter([(prefix, self)])
        for path, owner in owners:
            for name, value in owner.__dict__[register].items():
                if value is None or id(value) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(value))
                yield join(path, name), value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Yield the parameters with their paths: its own, then those of its submodules, each parameter once.

        >>> from minicnn import nn
        >>> [name for name, _ in nn.Sequential(nn.Linear(2, 3)).named_parameters()]
        ['0.weight', '0.bias']
        """
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters, each once: what an optimizer takes."""
        return (p for _, p in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield the buffers with their paths, each buffer once."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield the buffers, each once."""
        return (b for _, b in self.named_buffers(recurse=recurse))

    # ---- by path

    def get_submodule(self, target: str) -> Module:
        """Return the module at a path such as ``"layers.0.conv"``; itself for an empty one.

        Raises:
            AttributeError: the path leads nowhere, or not to a module.
        """
        module: Any = self
        for name in target.split(".") if target else ():
            module = _entry(module, "_modules", name, target)
        return cast("Module", module)

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter at a path such as ``"layers.0.weight"``.

        Raises:
            AttributeError: the path leads nowhere, or not to a parameter.
        """
        path, _, name = target.rpartition(".")
        return cast("Parameter", _entry(self.get_submodule(path), "_parameters", name, target))

    def get_buffer(self, target: str) -> Tensor:
        """Return the buffer at a path such as ``"norm.running_mean"``.

        Raises:
            AttributeError: the path leads nowhere, or not to a buffer.
        """
        path, _, name = target.rpartition(".")
        return cast("Tensor", _entry(self.get_submodule(path), "_buffers", name, target))


def join(prefix: str, name: str) -> str:
    """Return the path of a name below a prefix."""
    return f"{prefix}.{name}" if prefix else name


def _entry(module: Any, register: str, name: str, target: str) -> Any:
    value = module.__dict__[register].get(name)
    if value is None:
        kind = register[1:-1]
        raise AttributeError(
            message(
                f"get_{'submodule' if kind == 'module' else kind}",
                f"{type(module).__name__} has no {kind} {name!r}, on the path {target!r}.",
                f"it has: {', '.join(module.__dict__[register]) or 'none'}",
                "name one of these.",
            )
        )
    return value


def _wrong_type(where: str, name: str, value: Any, expected: str) -> ArgumentTypeError:
    if isinstance(value, (list, tuple)):
        fix = "unpack it: nn.Sequential(*layers)."
    elif isinstance(value, type):
        fix = f"make an instance: {value.__name__}(...)."
    else:
        fix = "nn.Parameter(tensor) makes a parameter, minicnn.tensor(values) a tensor."
    return ArgumentTypeError(
        message(
            where,
            f"{name!r} expects {expected} or None, got {type(value).__name__}.",
            f"value {str(value)[:60]}",
            fix,
        )
    )
