"""Switches of cuDNN, which minicnn does not use: they can be set and read, and change nothing."""

from __future__ import annotations

benchmark = False
deterministic = False
enabled = True
allow_tf32 = False


def is_available() -> bool:
    """Return False: convolutions on a GPU are minicnn's own.

    >>> is_available()
    False
    """
    return False


def version() -> int | None:
    """Return None: there is no cuDNN in use.

    >>> version()
    """
    return None
