"""Apple's GPUs, which minicnn does not compute on."""

from __future__ import annotations


def is_available() -> bool:
    """Return False.

    >>> is_available()
    False
    """
    return False


is_built = is_available
