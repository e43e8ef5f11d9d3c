"""Containers of modules: Sequential, ModuleList, ModuleDict."""

from __future__ import annotations

import operator
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, Self

from minicnn.errors import ArgumentTypeError, IndexRangeError, KeyNameError, ParameterError, message
from minicnn.nn.module import Module


def position(where: str, index: Any, count: int) -> int:
    """Return an index as one from 0 to count − 1.

    Raises:
        IndexRangeError: there is no such entry.
        ArgumentTypeError: it is no integer.
    """
    try:
        found = operator.index(index)
    except TypeError:
        raise ArgumentTypeError(
            message(where, f"an index expects an int, got {type(index).__name__}.", f"{index!r}", "use an int.")
        ) from None
    if not -count <= found < count:
        raise IndexRangeError(
            message(where, f"index {found} is out of range.", f"it has {count} entries", "use an index below that.")
        )
    return found % count


class Numbered(Module):
    """A module whose submodules are reached by number: what Sequential and ModuleList share."""

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._part(list(self._modules)[index])
        return self._modules[self._key(index)]

    def _key(self, index: Any) -> str:
        return list(self._modules)[position(type(self).__name__, index, len(self))]

    def _part(self, keys: list[str]) -> Module:
        """Return the submodules under some keys as a container of the same kind."""
        part = type(self)()
        for key in keys:
            part.add_module(key, self._modules[key])
        return part

    def _renumber(self, modules: Iterable[Any]) -> None:
        """Keep these submodules, numbered from 0."""
        modules = list(modules)
        self._modules.clear()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._key(index), module)

    def __delitem__(self, index: Any) -> None:
        keys = list(self._modules)
        gone = keys[index] if isinstance(index, slice) else [self._key(index)]
        self._renumber(self._modules[key] for key in keys if key not in gone)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __add__(self, other: Iterable[Module]) -> Self:
        return type(self)().extend(self).extend(other)

    def __iadd__(self, other: Iterable[Module]) -> Self:
        return self.extend(other)

    def append(self, module: Module) -> Self:
        """Add a module at the end; return the container."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end; return the container.

        Raises:
            ArgumentTypeError: they are no sequence of modules.
        """
        if not isinstance(modules, Iterable):
            raise ArgumentTypeError(
                message(
                    type(self).__name__,
                    f"expects a sequence of modules, got {type(modules).__name__}.",
                    f"{str(modules)[:60]}",
                    "put it in a list: [module].",
                )
            )
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Add a module before the one at an index, and number all again; return the container."""
        count = len(self)
        place = count if index == count else position(type(self).__name__, index, count)
        if not isinstance(module, Module):
            raise ArgumentTypeError(
                message(
                    type(self).__name__,
                    f"expects a Module, got {type(module).__name__}.",
                    f"{str(module)[:60]}",
                    "insert an instance of a layer.",
                )
            )
        modules = list(self)
        modules.insert(place, module)
        self._renumber(modules)
        return self

    def pop(self, index: int = -1) -> Any:
        """Take out the module at an index, and number all again; return it."""
        module = self[index]
        del self[index]
        return module


class Sequential(Numbered):
    """Modules applied one after another: y = fₖ(… f₂(f₁(x))).

    Args:
        args: modules, numbered from 0; or one dict of modules, which gives their names.

    >>> import minicnn
    >>> from minicnn import nn
    >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> net(minicnn.zeros(3, 4)).shape
    (3, 2)
    >>> net[:2]
    Sequential(
      (0): Linear(in_features=4, out_features=8, bias=True)
      (1): ReLU()
    )
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            self.extend(args)

    def __imul__(self, times: int) -> Self:
        """Repeat the modules, the same ones, so that weights are shared."""
        if not isinstance(times, int) or isinstance(times, bool):
            raise ArgumentTypeError(
                message("Sequential", f"* expects an int, got {type(times).__name__}.", f"{times!r}", "net * 2.")
            )
        if times < 1:
            raise ParameterError(
                message("Sequential", f"* expects an int above 0, got {times}.", "how often it is applied", "net * 2.")
            )
        return self.extend(list(self) * (times - 1))

    def __mul__(self, times: int) -> Self:
        part: Self = type(self)().extend(self)
        part *= times
        return part

    __rmul__ = __mul__

    def forward(self, input: Any) -> Any:
        """Apply the modules in order."""
        for module in self:
            input = module(input)
        return input


class ModuleList(Numbered):
    """A list of modules, whose parameters belong to the module that holds it.

    Args:
        modules: what it holds at first.

    >>> from minicnn import nn
    >>> nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
    ModuleList(
      (0-2): 3 x Linear(in_features=2, out_features=2, bias=True)
    )
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(() if modules is None else modules)

    def _part(self, keys: list[str]) -> Module:
        return type(self)(self._modules[key] for key in keys)  # type: ignore[misc]

    def _shown_children(self) -> list[str]:
        runs: list[list[Any]] = []  # first index, last index, text
        for i, module in enumerate(self):
            text = repr(module)
            if runs and runs[-1][2] == text:
                runs[-1][1] = i
            else:
                runs.append([i, i, text])
        return [f"({a}): {text}" if a == b else f"({a}-{b}): {b - a + 1} x {text}" for a, b, text in runs]


class ModuleDict(Module):
    """A dict of modules by name, in order, whose parameters belong to the module that holds it.

    Args:
        modules: a dict, or pairs of name and module.

    >>> from minicnn import nn
    >>> heads = nn.ModuleDict({"digit": nn.Linear(8, 10)})
    >>> heads["sign"] = nn.Linear(8, 2)
    >>> list(heads)
    ['digit', 'sign']
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        self.update(modules or {})

    def __getitem__(self, key: str) -> Any:
        if key not in self._modules:
            raise KeyNameError(
                message(
                    "ModuleDict",
                    f"there is no module {key!r}.",
                    f"it has: {', '.join(self._modules) or 'none'}",
                    "name one of these.",
                )
            )
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def keys(self) -> KeysView[str]:
        """Return the names."""
        return self._modules.keys()

    def values(self) -> ValuesView[Any]:
        """Return the modules."""
        return self._modules.values()

    def items(self) -> ItemsView[str, Any]:
        """Return pairs of name and module."""
        return self._modules.items()

    def pop(self, key: str) -> Any:
        """Take out a module; return it."""
        module = self[key]
        del self._modules[key]
        return module

    def clear(self) -> None:
        """Take out all modules."""
        self._modules.clear()

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Add modules from a dict or from pairs; those of the same name are replaced."""
        for name, module in dict(modules).items():
            self[name] = module
