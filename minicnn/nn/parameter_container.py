"""Containers of parameters: ParameterList, ParameterDict."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, Self

from minicnn.autograd.graph import TapeTensor
from minicnn.errors import ArgumentTypeError, KeyNameError, message, shown
from minicnn.nn.container import position
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter


class _Parameters(Module):
    """What both share: their entries are parameters, by name; and other values, which are kept as they are.

    An entry that is no parameter is a plain attribute, and None among the parameters, which holds its place in the row.
    """

    def _put(self, key: str, value: Any) -> None:
        self._check_name("parameter", key, "_parameters")
        if isinstance(value, TapeTensor):
            self.__dict__.pop(key, None)
            self._parameters[key] = value if isinstance(value, Parameter) else Parameter(value)  # type: ignore[arg-type]
            return
        problem = None
        if isinstance(value, Module):
            problem = f"expects parameters, got the module {type(value).__name__}.", "use nn.ModuleDict or ModuleList."
        elif value is not None and self._parameters.get(key) is not None:
            problem = f"{key!r} holds a parameter, got {type(value).__name__}.", "set a tensor, or None."
        if problem:
            raise ArgumentTypeError(
                message(type(self).__name__, problem[0], f"entry {key!r} = {shown(value)}", problem[1])
            )
        self._parameters[key] = None
        self.__dict__[key] = value

    def _entries(self) -> dict[str, Any]:
        """Return all entries, in order."""
        return {key: self.__dict__.get(key) if p is None else p for key, p in self._parameters.items()}

    def _drop(self, key: str) -> None:
        del self._parameters[key]
        self.__dict__.pop(key, None)

    def __len__(self) -> int:
        return len(self._parameters)

    def _shown_children(self) -> list[str]:
        lines = []
        for name, p in self._entries().items():
            if isinstance(p, TapeTensor):
                size = "x".join(map(str, p._array.shape))
                lines.append(f"({name}): Parameter containing: [{p._array.dtype} of size {size}]")
            else:
                lines.append(f"({name}): Object of type: {type(p).__name__}")
        return lines


class ParameterList(_Parameters):
    """A list of parameters, which belong to the module that holds it.

    Args:
        values: parameters, or tensors, which become parameters; all else is kept as it is, in its place.

    >>> import minicnn
    >>> from minicnn import nn
    >>> nn.ParameterList([minicnn.zeros(2, 3)])
    ParameterList(
      (0): Parameter containing: [float32 of size 2x3]
    )
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self.extend(() if values is None else values)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return list(self)[position("ParameterList", index, len(self))]

    def __setitem__(self, index: int, value: Any) -> None:
        self._put(str(position("ParameterList", index, len(self))), value)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._entries().values())

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)

    def append(self, value: Any) -> Self:
        """Add a parameter, or another value, at the end; return the list."""
        self._put(str(len(self)), value)
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add parameters, or other values, at the end; return the list."""
        for value in list(values):
            self.append(value)
        return self


class ParameterDict(_Parameters):
    """A dict of parameters by name, in order, which belong to the module that holds it.

    Args:
        parameters: a dict, or pairs of name and parameter; tensors become parameters, all else is kept as it is.

    >>> import minicnn
    >>> from minicnn import nn
    >>> scales = nn.ParameterDict({"gain": minicnn.ones(2)})
    >>> scales["gain"].requires_grad
    True
    """

    def __init__(self, parameters: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None) -> None:
        super().__init__()
        self.update(parameters or {})

    def __getitem__(self, key: str) -> Any:
        if key not in self._parameters:
            raise KeyNameError(
                message(
                    "ParameterDict",
                    f"there is no parameter {key!r}.",
                    f"it has: {', '.join(self._parameters) or 'none'}",
                    "name one of these.",
                )
            )
        return self._entries()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._put(key, value)

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def __contains__(self, key: object) -> bool:
        return key in self._parameters

    def keys(self) -> KeysView[str]:
        """Return the names."""
        return self._parameters.keys()

    def values(self) -> ValuesView[Any]:
        """Return the parameters, and what else is in it."""
        return self._entries().values()

    def items(self) -> ItemsView[str, Any]:
        """Return pairs of name and parameter."""
        return self._entries().items()

    def pop(self, key: str) -> Any:
        """Take out a parameter; return it."""
        value = self[key]
        self._drop(key)
        return value

    def popitem(self) -> tuple[str, Any]:
        """Take out the parameter added last; return its name and it."""
        key = next(reversed(self._parameters), "")
        return key, self.pop(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return a parameter, or a default where there is none of that name."""
        return self._entries().get(key, default)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return a parameter, which is added first where there is none of that name."""
        if key not in self._parameters:
            self[key] = default
        return self[key]

    def copy(self) -> ParameterDict:
        """Return another dict of the same parameters."""
        return ParameterDict(self.items())

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """Return a dict of one value, which becomes a parameter, under several names."""
        return ParameterDict([(key, default) for key in keys])

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._parameters)

    def __or__(self, other: ParameterDict) -> ParameterDict:
        return ParameterDict({**self._entries(), **other._entries()})

    def __ior__(self, other: ParameterDict) -> Self:
        self.update(other.items())
        return self

    def clear(self) -> None:
        """Take out all entries."""
        for key in list(self):
            self._drop(key)

    def update(self, parameters: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Add parameters from a dict or from pairs; those of the same name are replaced."""
        for name, value in dict(parameters).items():
            self[name] = value
