"""The CPU backend: NumPy. Kernels tuned for the CPU override the plain ones of `minicnn.backend.base` here."""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.backend.base import Backend


class NumpyBackend(Backend):
    """Arrays of NumPy, on the CPU."""

    name = "numpy"
    device_type = "cpu"
    xp = np
    array_type = np.ndarray

    def asarray(self, values: Any, dtype: Any = None) -> Any:
        return np.asarray(values, dtype=dtype)

    def to_numpy(self, array: Any) -> Any:
        return array

    def address(self, array: Any) -> int:
        return int(array.__array_interface__["data"][0])

    def may_have_nan(self, x: Any) -> bool:
        return bool(np.isnan(x).any())
