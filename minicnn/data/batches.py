"""The two formats of CIFAR's batches: 3,073 bytes a record, and pickles, which are read without running code."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.errors import DataError, message

__all__ = ["read_binary", "read_pickle"]

PIXELS = 3 * 32 * 32
AGAIN = "delete the file and fetch it again; download=True does so."


class _Reader(pickle.Unpickler):
    """Makes arrays of a pickle, and nothing else: a file from the network must not run code."""

    def find_class(self, module: str, name: str) -> Any:
        if name in ("ndarray", "dtype") and module == "numpy":
            return getattr(np, name)
        if name == "_reconstruct" and module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            return np.empty(0).__reduce__()[0]  # that function, wherever this NumPy has it
        if (module, name) == ("_codecs", "encode"):  # how Python 3 writes bytes to an old pickle
            return lambda text, encoding: text.encode(encoding)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def read_pickle(path: Path) -> dict[str, Any]:
    """Return the dict of a batch file or ``batches.meta``, with text for its keys.

    Args:
        path: the file.

    Raises:
        DataError: it is missing, truncated, no pickle of a dict, or one of more than arrays and text.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "test_batch")
    >>> _ = path.write_bytes(pickle.dumps({"labels": [1, 2], "data": np.zeros((2, 3072), dtype=np.uint8)}))
    >>> read_pickle(path)["data"].shape
    (2, 3072)
    """
    blob = _bytes(path)
    try:
        content = _Reader(io.BytesIO(blob), encoding="latin1").load()
        if not isinstance(content, dict):
            raise pickle.UnpicklingError(f"it holds a {type(content).__name__}")
    except Exception as error:  # a damaged pickle may raise anything
        got = f"{path}, {len(blob)} bytes: {' '.join(str(error).split()) or type(error).__name__}"
        raise _damage(path, "the file is truncated, or no pickle of a batch.", got) from error
    return {key.decode("latin1") if isinstance(key, bytes) else str(key): value for key, value in content.items()}


def read_batch(path: Path, key: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the pictures and labels of a pickled batch.

    Shapes: pictures (N, 32, 32, 3) of uint8, labels (N,) of int64.

    Args:
        path: the file.
        key: of the labels in the dict.

    Raises:
        DataError: as `read_pickle`; or pictures or labels are missing, or do not fit together.
    """
    content = read_pickle(path)
    pixels, labels = np.asarray(content.get("data")), np.asarray(content.get(key))
    fits = pixels.dtype == np.uint8 and labels.dtype.kind == "i" and labels.ndim == 1
    if not fits or pixels.shape != (len(labels), PIXELS):
        got = f"{path}: data {pixels.shape} of {pixels.dtype}, {key} {labels.shape} of {labels.dtype}"
        raise _damage(path, f"expects data (N, {PIXELS}) of bytes, and N labels.", got)
    return _pictures(pixels), labels.astype(np.int64)


def read_binary(path: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the pictures and labels of a file of records: a label, then the red, green and blue planes.

    Shapes: pictures (N, 32, 32, 3) of uint8, labels (N,) of int64.

    Args:
        path: the file.

    Raises:
        DataError: it is missing, or does not consist of whole records.
    """
    blob = _bytes(path)
    if len(blob) % (1 + PIXELS):
        got = f"{path} has {len(blob)} bytes, {len(blob) % (1 + PIXELS)} more than whole records of {1 + PIXELS}"
        raise _damage(path, "the file is truncated.", got)
    records = np.frombuffer(blob, np.uint8).reshape(-1, 1 + PIXELS)
    return _pictures(records[:, 1:]), records[:, 0].astype(np.int64)


def _pictures(planes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.ascontiguousarray(planes.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))  # (N, 32, 32, 3)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        got = f"{path}: {error.strerror or type(error).__name__}"
        raise _damage(path, "the file cannot be read.", got) from error


def _damage(path: Path, problem: str, got: str) -> DataError:
    return DataError(message(f"CIFAR {path.name}", problem, got, AGAIN))
