"""PyTorch's rooms of helpers: `minicnn.utils.data` is `minicnn.data`."""

from __future__ import annotations

import importlib
from typing import Any

_ROOMS = ("checkpoint", "data")


def __getattr__(name: str) -> Any:
    """Import a room when it is first used."""
    if name in _ROOMS:
        return importlib.import_module(f"minicnn.utils.{name}")
    raise AttributeError(f"module 'minicnn.utils' has no attribute {name!r}")
