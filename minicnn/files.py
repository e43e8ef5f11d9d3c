"""Files that appear whole or not at all: what is written survives a kill, Ctrl-C and a full disk."""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import re
import secrets
import stat
import zlib
from pathlib import Path

from minicnn.errors import CheckpointError, message, shown

__all__ = ["check_room", "replace_file", "write_atomic"]


def write_atomic(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write a file so that its old content stays until the new one is on the disk, whole.

    The content goes to a temporary file in the same folder, is flushed to the disk, and takes the name by one
    rename. Whatever happens in between, the name stands for the old file or for the new one, never for a part.
    A kill leaves the temporary file; the next write of the same file removes it. A link stays, and the file that it
    leads to is written; a file that was there keeps its mode. A pipe or a device has no content to keep, and is
    written straight to.

    Args:
        path: the file; its folder must exist.
        content: bytes, or text that is written as UTF-8.

    Raises:
        CheckpointError: the folder is missing, not writable, the disk is full, or no file can have that name; the old
            file is unchanged.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomic(folder + "/note.txt", "new")
    ...     Path(folder, "note.txt").read_text()
    'new'
    """
    try:
        replace_file(path, content.encode() if isinstance(content, str) else content)
    except OSError as error:
        name = shown(os.fspath(path), 300)
        raise CheckpointError(
            message(
                "write",
                f"{Path(path).name if name.isprintable() else 'the file'} cannot be written.",
                f"{name}: {error.strerror or type(error).__name__}",
                "make room there, or write to another folder; a file of that name is as it was.",
            )
        ) from error


def replace_file(path: str | os.PathLike[str], blob: bytes) -> None:
    """Do what `write_atomic` does, and leave the error to the caller.

    Raises:
        OSError: the system's, or one for a name that no file can have; the old file is unchanged.
    """
    try:
        name = os.fspath(path)
        if not name:
            raise FileNotFoundError(errno.ENOENT, "the name is empty")
        try:
            mode: int | None = os.stat(name).st_mode
        except FileNotFoundError:
            mode = None  # a new file
    except ValueError as error:  # a NUL character, or one that the file system has no bytes for
        raise OSError(errno.EINVAL, "no file can have this name") from error
    if mode is None or stat.S_ISREG(mode):
        _replace(Path(os.path.realpath(name)), blob, mode)  # behind links: they stay
    else:
        Path(name).write_bytes(blob)


def _replace(path: Path, blob: bytes, mode: int | None) -> None:
    _remove_left(path)
    part = path.with_name(f".{path.name}.{_writer(os.getpid())}.{secrets.token_hex(4)}.part")
    try:
        with open(part, "xb") as file:
            if mode is not None:
                os.chmod(part, stat.S_IMODE(mode))  # before there is anything in it to read
            file.write(blob)
            file.flush()
            os.fsync(file.fileno())  # before the rename: else a crash could leave the new name with no content
        os.replace(part, path)
    except BaseException:  # Ctrl-C too leaves no rubbish
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _writer(process: int) -> str:
    """Return the part of a temporary file's name that says who writes: machines may share the folder."""
    return f"{zlib.crc32(platform.node().encode()):08x}-{process}"


def _remove_left(path: Path) -> None:
    """Remove the temporary files of this path that processes of this machine left when they were killed."""
    if os.name != "posix":
        return  # Windows cannot be asked whether a process lives: its os.kill ends it
    names = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}-([0-9]+)\.[0-9a-f]{{8}}\.part")
    with contextlib.suppress(OSError):
        for name in os.listdir(path.parent):
            found = names.fullmatch(name)
            if found and name.startswith(f".{path.name}.{_writer(int(found[1]))}.") and not _lives(int(found[1])):
                path.with_name(name).unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)  # signal 0 asks only
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # another user's
        return True
    return True


def _sync_folder(folder: Path) -> None:
    """Put the rename itself on the disk, where the system lets a folder be opened."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


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
