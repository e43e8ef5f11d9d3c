"""Files that appear whole or not at all: what a run leaves behind survives a kill, Ctrl-C and a full disk."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from minicnn.errors import CheckpointError, message

__all__ = ["check_room", "write_atomic"]


def write_atomic(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write a file so that its old content stays until the new one is on the disk, whole.

    The content goes to a temporary file in the same folder, is flushed to the disk, and takes the name by one
    rename. Whatever happens in between, the name stands for the old file or for the new one, never for a part.

    Args:
        path: the file; its folder must exist.
        content: bytes, or text that is written as UTF-8.

    Raises:
        CheckpointError: the folder is missing, not writable, or the disk is full; the old file is unchanged.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomic(folder + "/note.txt", "new")
    ...     Path(folder, "note.txt").read_text()
    'new'
    """
    path = Path(path)
    blob = content.encode() if isinstance(content, str) else content
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        try:
            with open(part, "xb") as file:
                file.write(blob)
                file.flush()
                os.fsync(file.fileno())  # before the rename: else a crash could leave the new name with no content
            os.replace(part, path)
        except BaseException:  # Ctrl-C too leaves no rubbish
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise CheckpointError(
            message(
                "write",
                f"{path.name} cannot be written.",
                f"{path}: {_reason(error)}",
                "make room there, or write to another folder; a file of that name is as it was.",
            )
        ) from error


def _sync_folder(folder: Path) -> None:
    """Put the rename itself on the disk, where the system lets a folder be opened."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def check_room(folder: Path, size: int) -> None:
    """Find out now whether ``size`` bytes can be written to a folder later, by doing so.

    Args:
        folder: one that exists.
        size: in bytes.

    Raises:
        CheckpointError: they cannot.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     check_room(Path(folder), 1000)
    ...     list(Path(folder).iterdir())
    []
    """
    probe = folder / ".room"
    write_atomic(probe, bytes(size))
    probe.unlink(missing_ok=True)
