"""`compile`: nothing is compiled here, so the model comes back as it is."""

from __future__ import annotations

from typing import Any


def compile(model: Any = None, **options: Any) -> Any:
    """Return the model, or the function, as it is: minicnn runs each op as it is called, and has nothing to compile.

    Args:
        model: a module or a function; left out, a decorator is returned.
        options: PyTorch's (``fullgraph``, ``dynamic``, ``backend``, ``mode``, ``options``, ``disable``): accepted.

    >>> from minicnn import nn
    >>> layer = nn.Linear(2, 2)
    >>> compile(layer) is layer
    True
    """
    return (lambda function: function) if model is None else model
