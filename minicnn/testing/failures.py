"""What a failed gradient check says: the error types, and how to repeat the check."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.backend import backend_of
from minicnn.errors import MinicnnError
from minicnn.tensor import Tensor

WRITTEN_OUT = 24  # elements: inputs of more are taken from the error itself


class GradcheckError(MinicnnError, RuntimeError, AssertionError):
    """A check of gradients that failed (PyTorch: RuntimeError).

    Attributes:
        func, inputs: what was checked, so that ``sys.last_value.inputs`` has them after a failure.
    """

    __module__ = "minicnn.testing"  # where users find it, and what a traceback then shows
    func: Any = None
    inputs: Any = None


class NotDifferentiableError(GradcheckError):
    """The function has no derivative at the point, so no gradient can be right or wrong there: move the point."""

    __module__ = "minicnn.testing"


def expression(function: str, func: Any, inputs: Any, options: dict[str, Any]) -> str:
    """Return a line of Python that repeats a check, where it was made or after it failed.

    Small inputs are written out; larger ones, and functions without a name, are taken from ``sys.last_value``.

    >>> import minicnn
    >>> x = minicnn.tensor([0.5], dtype=minicnn.float64, requires_grad=True)
    >>> expression("gradcheck", minicnn.tanh, [x.detach(), 2], {"seed": 3})
    'import minicnn; minicnn.gradcheck(minicnn.tanh, [minicnn.tensor([0.5], dtype=minicnn.float64), 2], seed=3)'
    """
    name, module = _name(func)
    values = _written(inputs)
    parts = [name or "sys.last_value.func", values or "sys.last_value.inputs"]
    parts += [f"{key}={value!r}" for key, value in options.items()]
    imports = ["minicnn"] + ([] if name and values else ["sys"]) + ([module] if name and module else [])
    return f"import {', '.join(dict.fromkeys(imports))}; minicnn.{function}({', '.join(parts)})"


def _name(func: Any) -> tuple[str, str]:
    """Return how to write a function, and the module to import for it; nothing where it cannot be reached by name."""
    owner = getattr(func, "__self__", None)
    path = f"{owner.__qualname__}.{func.__name__}" if isinstance(owner, type) else getattr(func, "__qualname__", "")
    module = getattr(owner if isinstance(owner, type) else func, "__module__", "") or ""
    if module.split(".")[0] == "minicnn" and getattr(sys.modules["minicnn"], path, None) is func:
        return f"minicnn.{path}", ""
    found: Any = sys.modules.get(module)
    for part in path.split("."):
        found = getattr(found, part, None)
    if not path or found is None or found != func:  # bound methods are equal, not the same
        return "", ""
    return (path, "") if module == "__main__" else (f"{module}.{path}", module)


def _written(inputs: Any) -> str:
    """Return the inputs as Python would read them; nothing where they are too long or not of kinds that can be."""
    values = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    if sum(x.numel() for x in values if isinstance(x, Tensor)) > WRITTEN_OUT:
        return ""
    texts = [_value(x) for x in values]
    if not all(texts):
        return ""
    return f"[{', '.join(texts)}]" if isinstance(inputs, (list, tuple)) else texts[0]


def _value(x: Any) -> str:
    if isinstance(x, Tensor):
        values = host(x)
        if not values.size or not np.all(np.isfinite(values)):
            return ""
        return f"minicnn.tensor({values.tolist()}, dtype=minicnn.{x.dtype}{', requires_grad=True' * x.requires_grad})"
    return repr(x) if x is None or isinstance(x, (bool, int, float, str)) else ""


def host(x: Tensor) -> Any:
    """Return a tensor's values on the host."""
    return backend_of(x._array).to_numpy(x._array)


def listed(values: Sequence[Any]) -> str:
    """Return the types of some values, in words."""
    return ", ".join(type(x).__name__ for x in values) or "none"
