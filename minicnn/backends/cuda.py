"""Switches of CUDA's matrix products: they can be set and read, and change nothing; TF32 is off."""

from __future__ import annotations

from types import SimpleNamespace

matmul = SimpleNamespace(allow_tf32=False, allow_fp16_reduced_precision_reduction=False)


def is_built() -> bool:
    """Return whether CuPy is installed.

    >>> is_built() in (True, False)
    True
    """
    from importlib.util import find_spec

    return find_spec("cupy") is not None
