"""Switches of CUDA's matrix products."""

from __future__ import annotations

from types import SimpleNamespace

# allow_tf32: whether float32 matrix products on a GPU may round their factors to TF32; off, as in PyTorch. Convolutions
# have a switch of their own, `backends.cudnn.allow_tf32`. The other one can be set and read, and changes nothing.
matmul = SimpleNamespace(allow_tf32=False, allow_fp16_reduced_precision_reduction=False)


def is_built() -> bool:
    """Return whether CuPy is installed.

    >>> is_built() in (True, False)
    True
    """
    from importlib.util import find_spec

    return find_spec("cupy") is not None
