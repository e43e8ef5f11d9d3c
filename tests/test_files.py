"""Files appear whole or not at all; links, modes and what is no regular file stay what they are."""

import os
import subprocess
import sys
import threading

import pytest

import minicnn
from minicnn import files
from minicnn.errors import CheckpointError
from minicnn.files import replace_file, write_atomic

posix = pytest.mark.skipif(os.name != "posix", reason="needs links, modes and pipes as POSIX has them")


@posix
def test_a_link_stays_one_and_its_target_is_written(tmp_path):
    real = tmp_path / "runs"
    real.mkdir()
    (real / "7.pt").write_bytes(b"old")
    (tmp_path / "last.pt").symlink_to("runs/7.pt")
    (tmp_path / "new.pt").symlink_to("runs/8.pt")  # of a file that is not there yet
    (tmp_path / "folder").symlink_to("runs")
    write_atomic(tmp_path / "last.pt", "new")
    write_atomic(tmp_path / "new.pt", "newer")
    write_atomic(tmp_path / "folder" / "9.pt", "newest")
    assert (tmp_path / "last.pt").is_symlink()
    assert (tmp_path / "new.pt").is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["folder", "last.pt", "new.pt", "runs"]
    found = {path.name: path.read_text() for path in real.iterdir()}
    assert found == {"7.pt": "new", "8.pt": "newer", "9.pt": "newest"}


@posix
def test_a_link_to_itself_is_refused(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(CheckpointError, match="cannot be written") as caught:
        write_atomic(tmp_path / "loop", "new")
    assert len(str(caught.value).splitlines()) == 3
    assert os.listdir(tmp_path) == ["loop"]


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_the_mode_of_the_file_stays(tmp_path, mode):
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(mode)
    write_atomic(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o7777 == mode


@posix
def test_a_new_file_has_the_mode_that_any_has(tmp_path):
    (tmp_path / "any").write_text("")
    write_atomic(tmp_path / "file", "new")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "any").stat().st_mode


@posix
def test_a_pipe_is_written_to(tmp_path):
    pipe, found = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write_atomic(pipe, b"content")
    reader.join(10)
    assert found == [b"content"]
    assert pipe.is_fifo()
    assert os.listdir(tmp_path) == ["pipe"]


@pytest.mark.skipif(not os.path.exists("/proc/self/fd/1"), reason="needs a name for the standard output")
def test_standard_output_is_written_to(tmp_path):
    (tmp_path / "out").symlink_to("/proc/self/fd/1")  # a link of the test's own: never the system's /dev/stdout
    program = "import sys; from minicnn.files import write_atomic; write_atomic(sys.argv[1], b'content')"
    done = subprocess.run([sys.executable, "-c", program, tmp_path / "out"], capture_output=True, check=True)
    assert done.stdout == b"content"
    assert (tmp_path / "out").is_symlink()


@pytest.mark.parametrize("name", ["a\0b", "", ".", "folder", "\ud800" * 200])
def test_names_that_no_file_can_have(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    before = sorted(os.listdir(tmp_path.parent))
    with pytest.raises(CheckpointError, match="cannot be written") as caught:
        write_atomic(name, "new")
    assert len(str(caught.value).splitlines()) == 3
    with pytest.raises(OSError):  # noqa: PT011 - the system's own, of many kinds
        replace_file(name, b"new")
    assert os.listdir(tmp_path) == ["folder"]
    assert sorted(os.listdir(tmp_path.parent)) == before


KILLED = """
import os, sys
from minicnn import files
os.fsync = lambda handle: os.kill(os.getpid(), 9)
files.write_atomic(sys.argv[1], b"never")
"""


@posix
def test_what_a_killed_process_left_is_removed(tmp_path):
    path = tmp_path / "file.pt"
    for name in (path, tmp_path / "other.pt"):
        subprocess.run([sys.executable, "-c", KILLED, name], check=False)
    assert len(os.listdir(tmp_path)) == 2
    elsewhere = f".file.pt.{'0' * 8}-99999999.{'0' * 8}.part"  # another machine's
    kept = [".file.pt.part", ".file.pt.mine.part", elsewhere]
    for name in kept:
        (tmp_path / name).write_text("")
    write_atomic(path, "new")
    left = sorted(os.listdir(tmp_path))
    assert [name for name in left if not name.startswith(".other.pt.")] == sorted([*kept, "file.pt"])
    assert len(left) == len(kept) + 2  # the other file's stays until that one is written


@posix
def test_what_others_are_writing_stays(tmp_path, monkeypatch):
    path, real, seen = tmp_path / "file.pt", os.replace, []

    def replace(source, target):
        if not seen:
            seen.append(source)
            write_atomic(path, "inner")  # the same file, at the same time
        real(source, target)

    monkeypatch.setattr(files.os, "replace", replace)
    write_atomic(path, "outer")
    assert path.read_text() == "outer"
    assert os.listdir(tmp_path) == ["file.pt"]


def test_save_says_what_is_wrong_with_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a\0b", ""):
        for call in (lambda n=name: minicnn.save(1, n), lambda n=name: minicnn.load(n)):
            with pytest.raises(CheckpointError) as caught:
                call()
            assert len(str(caught.value).splitlines()) == 3
    with pytest.raises(FileNotFoundError):
        minicnn.load("")
    assert os.listdir(tmp_path) == []
