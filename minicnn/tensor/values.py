"""What tensors are made from: numbers, nested lists of them, arrays; read as NumPy arrays, or refused by element."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.autograd.graph import TapeTensor
from minicnn.backend import backend_of
from minicnn.errors import ElementError, MinicnnError, ParameterError, ShapeError, message, shown
from minicnn.ops.dtypes import as_dtype
from minicnn.ops.promote import fitting, get_default_dtype


def read_values(where: str, data: Any, dtype: Any) -> Any:
    """Return the values as a NumPy array of their own, in the dtype that PyTorch would give them."""
    dtype = None if dtype is None else as_dtype(dtype)
    if isinstance(data, TapeTensor):
        array = backend_of(data._array).to_numpy(data._array)
        return np.array(array, dtype=dtype)
    if isinstance(data, (list, tuple)):
        data = _plain(data)
    try:
        array = np.array(data, dtype=dtype)
    except (TypeError, ValueError):
        array = np.array(None)
    except OverflowError:  # an integer out of range; from −most on they wrap in unsigned dtypes, as in PyTorch
        array = np.array(data)
        if array.dtype.kind not in "iu" or dtype.kind != "u" or max(-array.min(), array.max()) > np.iinfo(dtype).max:
            array = np.array(None)
        else:
            array = array.astype(dtype)
    if array.dtype.kind == "c":
        as_dtype(array.dtype)  # says what is computed with
    free = dtype is None and not isinstance(data, (np.ndarray, np.generic))  # to be of the dtype that PyTorch gives it
    if array.dtype.kind not in "buif" or (free and _holds_large_ints(array, data)):
        raise _refused(where, data, dtype)
    if free and array.dtype == np.float64:
        array = array.astype(get_default_dtype())
    return array


def _holds_large_ints(array: np.ndarray[Any, Any], data: Any) -> bool:
    """Whether ints of 64 bits and more became uint64 or floats: in PyTorch, ints alone are int64."""
    if array.dtype.kind not in "uf" or not array.size or not (abs(array) >= 2**63).any():
        return False
    return all(isinstance(value, int) for _, value in _elements(data))


def _refused(where: str, data: Any, dtype: np.dtype[Any] | None) -> MinicnnError:
    """Return the error for data that is no array of numbers: it names the element at fault, if one is."""
    for place, value in _elements(data):
        if isinstance(value, str) or not isinstance(value, (int, float, np.number, np.bool_, np.ndarray)):
            what = "None" if value is None else type(value).__name__
            fix = "leave it out, or write float('nan')." if value is None else "make a number of it."
            if isinstance(value, str):
                fix = "make a number of it, as float() does, or number the words."
            problem = f"{f'element {place}' if place else 'data'} expects a number, got {what}."
            return ElementError(message(where, problem, f"{place or 'data'} = {shown(value)}", fix))
        kept = np.dtype(np.int64) if dtype is None else dtype
        if isinstance(value, int) or (isinstance(value, float) and dtype is not None):
            try:
                fitting(where, value, kept)
            except ParameterError:
                problem = f"{f'element {place}' if place else 'data'} does not fit into {kept}."
                fix = "use a larger dtype, or floats."
                return ParameterError(message(where, problem, f"{place or 'data'} = {shown(value)}", fix))
    problem = "expects lists of equal lengths at each level."
    return ShapeError(message(where, problem, f"data = {shown(data)}", "pad the shorter ones."))


def _elements(data: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what stands in nested lists, and where, such as ("[0][1]", 2.0)."""
    if isinstance(data, np.ndarray):
        data = data.tolist()
    if not isinstance(data, (list, tuple)):
        yield place, data
        return
    for i, part in enumerate(data):
        yield from _elements(part, f"{place}[{i}]")


def _plain(data: Any) -> Any:
    """Return nested lists with their tensors as lists too."""
    if isinstance(data, (list, tuple)):
        return [_plain(d) for d in data]
    return data.tolist() if isinstance(data, TapeTensor) else data  # type: ignore[attr-defined]
