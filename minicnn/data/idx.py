"""The IDX format of MNIST and its kin: arrays of bytes or numbers in a file, plain or gzipped.

A file is the bytes ``0 0 type rank``, then one big-endian uint32 a dimension, then the values, big-endian, in
C order.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.errors import ArgumentTypeError, DataError, DTypeError, message
from minicnn.files import replace_file

if TYPE_CHECKING:
    from io import BufferedIOBase

__all__ = ["read_idx", "write_idx"]

DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: "i2", 0x0C: "i4", 0x0D: "f4", 0x0E: "f8"}
CODES = {np.dtype(name): code for code, name in DTYPES.items()}
GZIP_MAGIC = b"\x1f\x8b"
CHUNK = 1 << 24  # bytes read at a time, so that a lying header cannot ask for more memory than the file fills
AGAIN = "delete the file and fetch it again; for MNIST and FashionMNIST download=True does so."


def read_idx(path: str | os.PathLike[str]) -> np.ndarray[Any, Any]:
    """Read an IDX file, plain or gzipped, as an array; a damaged file never gives a part of one.

    Whether the file is gzipped is seen from its first bytes, not from its name.

    Shapes: the result has the file's own, such as (N, 28, 28) for pictures and (N,) for labels.

    Args:
        path: the file.

    Raises:
        DataError: the file is missing, unreadable, truncated, too long, not IDX, or broken as gzip.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_idx(folder + "/labels.gz", np.array([5, 0, 4], dtype=np.uint8))
    ...     read_idx(folder + "/labels.gz")
    array([5, 0, 4], dtype=uint8)
    """
    import gzip

    path = Path(path)
    try:
        with open(path, "rb") as file:
            if file.read(2) == GZIP_MAGIC:
                file.seek(0)
                with gzip.GzipFile(fileobj=file) as unpacked:
                    return _parse(unpacked, path)
            file.seek(0)
            return _parse(file, path)
    except FileNotFoundError:
        fix = "check the path; MNIST and FashionMNIST fetch their files with download=True."
        raise _damage(path, "the file is not there.", f"path {os.fspath(path)!r}", fix) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damage(path, "the gzip file is broken or truncated.", f"gzip says: {error}", AGAIN) from error
    except OSError as error:
        fix = "give a file that this user may read."
        raise _damage(path, "the file cannot be read.", f"the system says: {error}", fix) from error


def _parse(file: BufferedIOBase, path: Path) -> np.ndarray[Any, Any]:
    magic = _read(file, 4)
    if len(magic) < 4:
        raise _damage(path, "the file is truncated in its 4-byte magic.", f"got {len(magic)} bytes", AGAIN)
    if magic[:2] != b"\0\0" or magic[2] not in DTYPES or magic[3] == 0:
        raise _damage(
            path,
            "this is not an IDX file, its magic is wrong.",
            f"got bytes {magic.hex(' ')}, expected 00 00, a type of 08 09 0b 0c 0d 0e, and a rank above 00",
            "give an IDX file, such as train-images-idx3-ubyte.gz, or fetch it again.",
        )
    dtype, rank = np.dtype(DTYPES[magic[2]]), magic[3]
    header = _read(file, 4 * rank)
    if len(header) < 4 * rank:
        got = f"got {len(header)} of {4 * rank} bytes of dimensions"
        raise _damage(path, "the file is truncated in its header.", got, AGAIN)
    shape = tuple(int.from_bytes(header[i : i + 4], "big") for i in range(0, 4 * rank, 4))
    expected = dtype.itemsize
    for size in shape:  # in Python integers, which cannot overflow
        expected *= size
    body = _read(file, expected + 1)
    if len(body) != expected:
        got = f"header {shape} of {dtype} means {expected} bytes of values"
        if len(body) < expected:
            raise _damage(path, "the file is truncated.", f"{got}, got {len(body)}", AGAIN)
        raise _damage(path, "the file is longer than its header says.", f"{got}, got more", AGAIN)
    values = np.frombuffer(body, dtype.newbyteorder(">")) if expected else np.empty(0, dtype)
    return values.astype(dtype, copy=False).reshape(shape)


def _read(file: BufferedIOBase, count: int) -> bytearray:
    """Read ``count`` bytes, or as many as there are."""
    found = bytearray()
    while len(found) < count:
        part = file.read(min(CHUNK, count - len(found)))
        if not part:
            break
        found += part
    return found


def _damage(path: Path, problem: str, got: str, fix: str) -> DataError:
    return DataError(message(f"read_idx {path.name}", problem, f"{path}: {got}" if path.name else got, fix))


def write_idx(path: str | os.PathLike[str], values: np.ndarray[Any, Any]) -> None:
    """Write an array as an IDX file; a name that ends in ``.gz`` is gzipped, with no date inside.

    The file appears whole or not at all, and the same values give the same bytes (under one version of zlib).

    Args:
        path: the file; one that is there is replaced.
        values: an array of at least one dimension, of uint8, int8, int16, int32, float32 or float64.

    Raises:
        DTypeError: IDX has no code for the array's dtype.
        ArgumentTypeError: ``values`` is no array, or has no dimension.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_idx(folder + "/pictures", np.zeros((2, 3, 3), dtype=np.uint8))
    ...     len(Path(folder, "pictures").read_bytes())  # 4 + 3·4 + 2·3·3
    34
    """
    if not isinstance(values, np.ndarray) or values.ndim == 0:
        raise ArgumentTypeError(
            message(
                "write_idx",
                "values expects an array of at least one dimension.",
                f"got {type(values).__name__} of shape {np.shape(values)}",
                "pass numpy.atleast_1d(values).",
            )
        )
    dtype = values.dtype.newbyteorder("=")
    if dtype not in CODES:
        raise DTypeError(
            message(
                "write_idx",
                f"IDX has no code for {values.dtype}.",
                f"it has: {', '.join(str(known) for known in CODES)}",
                "convert first, as in values.astype('uint8').",
            )
        )
    header = bytes([0, 0, CODES[dtype], values.ndim]) + np.array(values.shape, ">u4").tobytes()
    blob = header + values.astype(dtype.newbyteorder(">"), copy=False).tobytes()
    path = Path(path)
    replace_file(path, _gzipped(blob) if path.suffix == ".gz" else blob)


def _gzipped(blob: bytes) -> bytes:
    import gzip
    import io

    buffer = io.BytesIO()
    # GzipFile, not gzip.compress: it writes the same header under every version of Python.
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as file:
        file.write(blob)
    return buffer.getvalue()
