"""Switches of cuDNN, which minicnn does not use. One of them counts: ``allow_tf32`` is that of minicnn's convolutions.

On a GPU, where it is True (PyTorch's default), they may round float32 factors to TF32's 10 bits. The others can be set
and read, and change nothing; on the CPU none changes anything.
"""

from __future__ import annotations

benchmark = False
deterministic = False
enabled = True
allow_tf32 = True


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
