"""The IDX reader: what is read is whole, or an error that names the fix."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minicnn.data import read_idx, write_idx
from minicnn.errors import ArgumentTypeError, DataError, DTypeError


@contextmanager
def three_lines(kind: type[Exception], *words: str) -> Iterator[None]:
    """Expect an error of three lines, the last with the fix, that has all the words in it."""
    with pytest.raises(kind) as caught:
        yield
    text = str(caught.value)
    assert text.count("\n") == 2, text
    assert text.splitlines()[1].startswith("  "), text
    assert text.splitlines()[2].startswith("  Fix: "), text
    for word in words:
        assert word in text, f"{word!r} is not in:\n{text}"


@pytest.mark.parametrize("name", ["a", "a.gz"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "i4", "f4", "f8"])
@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 3, 4), (0, 28, 28)])
def test_idx_round_trip(tmp_path: Path, name: str, dtype: str, shape: tuple[int, ...]) -> None:
    values = (np.arange(np.prod(shape)) * 37 % 101).reshape(shape).astype(dtype)
    write_idx(tmp_path / name, values)
    got = read_idx(tmp_path / name)
    np.testing.assert_array_equal(got, values)
    assert got.dtype == values.dtype
    assert got.dtype.isnative
    assert got.flags.writeable
    assert got.flags.c_contiguous


def test_idx_writes_the_published_layout(tmp_path: Path) -> None:
    write_idx(tmp_path / "a", np.array([[1, 2, 258]], dtype=">i2"))
    expected = b"\0\0\x0b\2" + b"\0\0\0\1" + b"\0\0\0\3" + b"\0\1\0\2\1\2"
    assert (tmp_path / "a").read_bytes() == expected


def test_idx_sees_gzip_by_content_not_by_name(tmp_path: Path) -> None:
    values = np.arange(9, dtype=np.uint8)
    write_idx(tmp_path / "a.gz", values)
    (tmp_path / "a.gz").rename(tmp_path / "a")
    np.testing.assert_array_equal(read_idx(tmp_path / "a"), values)
    write_idx(tmp_path / "b", values)
    (tmp_path / "b").rename(tmp_path / "b.gz")
    np.testing.assert_array_equal(read_idx(str(tmp_path / "b.gz")), values)


def test_idx_gzip_bytes_repeat_and_leave_nothing_behind(tmp_path: Path) -> None:
    values = np.arange(500, dtype=np.int32)
    write_idx(tmp_path / "a.gz", values)
    first = (tmp_path / "a.gz").read_bytes()
    write_idx(tmp_path / "a.gz", values[::2].repeat(2))
    write_idx(tmp_path / "a.gz", values)
    assert (tmp_path / "a.gz").read_bytes() == first
    assert first[4:8] == b"\0\0\0\0"  # no date
    assert os.listdir(tmp_path) == ["a.gz"]


@pytest.mark.parametrize("name", ["a", "a.gz"])
def test_idx_truncated_at_every_byte(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_idx(path, np.arange(24, dtype=np.int16).reshape(2, 3, 4))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with three_lines(DataError, name, "truncated", str(tmp_path)):
            read_idx(path)


def test_idx_truncated_inside_a_good_gzip(tmp_path: Path) -> None:
    write_idx(tmp_path / "a", np.arange(24, dtype=np.int16).reshape(2, 3, 4))
    whole = (tmp_path / "a").read_bytes()
    for length in range(len(whole)):
        (tmp_path / "a.gz").write_bytes(gzip.compress(whole[:length]))
        with three_lines(DataError, "truncated"):
            read_idx(tmp_path / "a.gz")


def test_idx_gzip_with_any_byte_flipped_is_never_read_wrong(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(256, size=(4, 9), dtype=np.uint8)
    path = tmp_path / "a.gz"
    write_idx(path, values)
    whole = path.read_bytes()
    for i in range(len(whole)):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 0x55]) + whole[i + 1 :])
        with suppress(DataError):  # or not: bytes of the gzip header that mean nothing, such as the date
            np.testing.assert_array_equal(read_idx(path), values)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("blob", "word"),
    [
        (b"\0\1\x08\1\0\0\0\1\7", "magic"),
        (b"\1\0\x08\1\0\0\0\1\7", "magic"),
        (b"\0\0\x07\1\0\0\0\1\7", "magic"),
        (b"\0\0\x0a\1\0\0\0\1\7", "magic"),
        (b"\0\0\x08\0\7", "magic"),
        (b"<!DOCTYPE html><html></html>", "magic"),
        (b"\0\0\x08\1\0\0\0\2\7", "(2,) of uint8 means 2 bytes of values, got 1"),
        (b"\0\0\x08\1\0\0\0\1\7\7", "longer than its header says"),
        (b"\0\0\x08\1\0\0\0\0\7", "longer than its header says"),
        (b"\0\0\x0d\1\0\0\0\1\7\7\7", "truncated"),
        (b"\0\0\x0e\4" + b"\xff" * 16 + b"\7", "truncated"),
        (b"\0\0\x08\xff\0\0\0\1", "got 4 of 1020 bytes of dimensions"),
    ],
)
def test_idx_damage(tmp_path: Path, pack: Any, blob: bytes, word: str) -> None:
    (tmp_path / "a").write_bytes(pack(blob))
    with three_lines(DataError, "read_idx a", word):
        read_idx(tmp_path / "a")


def test_idx_rubbish_after_the_gzip(tmp_path: Path) -> None:
    write_idx(tmp_path / "a.gz", np.arange(5, dtype=np.uint8))
    with open(tmp_path / "a.gz", "ab") as file:
        file.write(b"rubbish")
    with three_lines(DataError, "gzip"):
        read_idx(tmp_path / "a.gz")


def test_idx_missing_or_unreadable(tmp_path: Path) -> None:
    with three_lines(DataError, "not there", "nowhere.gz", "download=True"):
        read_idx(tmp_path / "nowhere.gz")
    with three_lines(DataError, "cannot be read"):
        read_idx(tmp_path)


def test_write_idx_refuses_what_idx_cannot_hold(tmp_path: Path) -> None:
    with three_lines(DTypeError, "int64", "astype"):
        write_idx(tmp_path / "a", np.arange(3))
    for values in ([1, 2], np.uint8(3), np.array(3, dtype=np.uint8)):
        with three_lines(ArgumentTypeError, "atleast_1d"):
            write_idx(tmp_path / "a", values)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        write_idx(tmp_path / "nowhere" / "a", np.zeros(3, dtype=np.uint8))
    assert os.listdir(tmp_path) == []
