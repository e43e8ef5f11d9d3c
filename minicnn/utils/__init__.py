"""PyTorch's rooms of helpers: `minicnn.utils.data` is `minicnn.data`."""

from __future__ import annotations

import importlib
from typing import Any

from minicnn.errors import missing_names as _missing_names

_ROOMS = ("checkpoint", "data")


def __getattr__(name: str) -> Any:
    """Import a room when it is first used."""
    if name in _ROOMS:
        return importlib.import_module(f"minicnn.utils.{name}")
    _missing_names(__name__)(name)
