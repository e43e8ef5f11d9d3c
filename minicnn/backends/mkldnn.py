"""oneDNN, which minicnn does not use."""

from __future__ import annotations

enabled = False


def is_available() -> bool:
    """Return False: convolutions on the CPU are minicnn's own.

    >>> is_available()
    False
    """
    return False
