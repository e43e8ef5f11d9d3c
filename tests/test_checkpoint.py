"""Weights on disk: a file is whole or as it was, whatever happens; and a damaged one is told from a good one."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minicnn
from minicnn import files, nn
from minicnn.errors import ArgumentTypeError, CheckpointError
from minicnn.files import check_room
from minicnn.models import LeNet5, StridedNet
from minicnn.train import load_weights, read_weights, save_weights, write_atomic

ROOT = Path(__file__).parent.parent


def weights_of(model: nn.Module) -> dict[str, np.ndarray[Any, Any]]:
    return {name: value.detach().numpy().copy() for name, value in model.state_dict().items()}


def same(a: dict[str, np.ndarray[Any, Any]], b: dict[str, np.ndarray[Any, Any]]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def three_lines(error: pytest.ExceptionInfo[CheckpointError]) -> str:
    text = str(error.value)
    lines = text.splitlines()
    assert len(lines) == 3
    assert lines[2].startswith("  Fix: ")
    return text


# ---- there and back


def test_round_trip_is_exact(tmp_path: Path) -> None:
    first, second = LeNet5(), LeNet5()
    assert not same(weights_of(first), weights_of(second))
    save_weights(first, tmp_path / "w.safetensors")
    load_weights(second, tmp_path / "w.safetensors")
    assert same(weights_of(first), weights_of(second))


def test_same_weights_give_same_bytes(tmp_path: Path) -> None:
    model = LeNet5()
    for name in "ab":
        save_weights(model, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_buffers_and_zero_dimensional_arrays_are_kept(tmp_path: Path) -> None:
    first, second = nn.BatchNorm2d(3), nn.BatchNorm2d(3)
    first(minicnn.randn(4, 3, 5, 5))
    save_weights(first, tmp_path / "w")
    assert read_weights(tmp_path / "w")["num_batches_tracked"].shape == ()
    load_weights(second, tmp_path / "w")
    assert same(weights_of(first), weights_of(second))


def test_weights_in_another_memory_order_are_stored_right(tmp_path: Path) -> None:
    model = nn.Conv2d(3, 4, 2)
    values = np.arange(48, dtype=np.float32).reshape(4, 3, 2, 2)
    lying = np.moveaxis(np.ascontiguousarray(np.moveaxis(values, 1, -1)), -1, 1)
    assert not lying.flags.c_contiguous
    model.weight.data = minicnn.from_numpy(lying)
    save_weights(model, tmp_path / "w")
    assert np.array_equal(read_weights(tmp_path / "w")["weight"], values)


def test_other_tools_read_the_file(tmp_path: Path) -> None:
    from safetensors import safe_open

    model = nn.Linear(3, 2)
    save_weights(model, tmp_path / "w")
    with safe_open(tmp_path / "w", framework="np") as file:
        assert sorted(file.keys()) == ["bias", "weight"]
        assert np.array_equal(file.get_tensor("weight"), model.weight.detach().numpy())


def test_loaded_weights_still_train(tmp_path: Path) -> None:
    model = nn.Linear(3, 2)
    save_weights(model, tmp_path / "w")
    load_weights(model, tmp_path / "w")
    model(minicnn.ones(1, 3)).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_a_state_dict_is_saved_too(tmp_path: Path) -> None:
    model = LeNet5()
    save_weights(model, tmp_path / "a")
    save_weights(model.state_dict(), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_what_has_no_weights(tmp_path: Path) -> None:
    wrongs: list[Any] = [3, "model", {"weight": 3.0}]
    for wrong in wrongs:
        with pytest.raises(ArgumentTypeError, match="save_weights") as error:
            save_weights(wrong, tmp_path / "a")
        assert len(str(error.value).splitlines()) == 3
    state: Any = nn.Linear(2, 2).state_dict()
    with pytest.raises(ArgumentTypeError, match="load_weights: expects a network"):
        load_weights(state, tmp_path / "a")
    assert not list(tmp_path.iterdir())


# ---- files that do not fit


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="not there") as error:
        load_weights(LeNet5(), tmp_path / "none.safetensors")
    assert "none.safetensors" in three_lines(error)


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot be read") as error:
        load_weights(LeNet5(), tmp_path)
    three_lines(error)


@pytest.mark.parametrize("keep", [0, 1, 7, 8, 9, 100, 1000, 0.5, 0.99, -1])
def test_truncated_file(tmp_path: Path, keep: float) -> None:
    model = LeNet5()
    before = weights_of(model)
    path = tmp_path / "w.safetensors"
    save_weights(LeNet5(), path)
    blob = path.read_bytes()
    path.write_bytes(blob[: int(keep * len(blob))] if isinstance(keep, float) else blob[:keep])
    with pytest.raises(CheckpointError, match="truncated") as error:
        load_weights(model, path)
    assert str(path) in three_lines(error)
    assert same(before, weights_of(model))


@pytest.mark.parametrize(
    "damage",
    [
        lambda blob: b"\xff" * 8 + blob[8:],  # a header of 2^64 bytes
        lambda blob: blob[:8] + b"#" * 50 + blob[58:],  # a header that is no JSON
        lambda blob: blob + b"more",
        lambda _: b"PK\x03\x04 a zip file, as other libraries write",
        lambda blob: blob.replace(b'"F32"', b'"F99"', 1),
        lambda blob: blob.replace(b'"F32"', b'"I64"', 1),
    ],
    ids=["size", "header", "longer", "zip", "dtype", "other dtype"],
)
def test_corrupt_file(tmp_path: Path, damage: Any) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(LeNet5(), path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CheckpointError) as error:
        load_weights(LeNet5(), path)
    assert str(path) in three_lines(error)


@pytest.mark.parametrize(("dtype", "size"), [("BF16", 2), ("C64", 8), ("F8_E4M3", 1)])
def test_dtypes_that_are_not_computed_with(tmp_path: Path, dtype: str, size: int) -> None:
    header = json.dumps({"weight": {"dtype": dtype, "shape": [4], "data_offsets": [0, 4 * size]}}).encode()
    (tmp_path / "w").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4 * size))
    with pytest.raises(CheckpointError, match=dtype if dtype != "C64" else "complex64") as error:
        read_weights(tmp_path / "w")
    three_lines(error)


def test_half_precision_weights_are_widened(tmp_path: Path) -> None:
    header = json.dumps({"weight": {"dtype": "F16", "shape": [1, 2], "data_offsets": [0, 4]}}).encode()
    values = np.array([[1.5, -2.0]], dtype=np.float16)
    (tmp_path / "w").write_bytes(len(header).to_bytes(8, "little") + header + values.tobytes())
    model = nn.Linear(2, 1, bias=False)
    load_weights(model, tmp_path / "w")
    assert model.weight.dtype == np.float32
    assert model.weight.tolist() == values.tolist()


def test_missing_and_unexpected_names(tmp_path: Path) -> None:
    path = tmp_path / "w"
    save_weights(nn.Linear(3, 2), path)
    model = nn.Sequential(nn.Linear(3, 2))
    before = weights_of(model)
    with pytest.raises(CheckpointError, match="do not fit") as error:
        load_weights(model, path)
    text = three_lines(error)
    assert "missing: 0.weight, 0.bias" in text
    assert "unexpected:" in text
    assert same(before, weights_of(model))


def test_wrong_shapes(tmp_path: Path) -> None:
    path = tmp_path / "w"
    save_weights(nn.Linear(3, 2), path)
    with pytest.raises(CheckpointError, match="shapes differ") as error:
        load_weights(nn.Linear(4, 2), path)
    assert "weight (2, 3) in the file, (2, 4) in the network" in three_lines(error)


def test_many_names_are_counted_not_listed(tmp_path: Path) -> None:
    path = tmp_path / "w"
    save_weights(nn.Linear(3, 2), path)
    with pytest.raises(CheckpointError, match="and 6 more") as error:
        load_weights(LeNet5(), path)
    three_lines(error)


def test_another_network(tmp_path: Path) -> None:
    save_weights(StridedNet(), tmp_path / "w")
    with pytest.raises(CheckpointError, match="LeNet5"):
        load_weights(LeNet5(), tmp_path / "w")


# ---- writing that fails


def failing(code: int) -> Any:
    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize("step", ["replace", "fsync"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_old_file_stays_when_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, code: int
) -> None:
    path = tmp_path / "w.safetensors"
    model = nn.Linear(3, 2)
    save_weights(model, path)
    blob = path.read_bytes()
    monkeypatch.setattr(files.os, step, failing(code))
    with pytest.raises(CheckpointError, match="cannot be written") as error:
        save_weights(nn.Linear(3, 2), path)
    assert os.strerror(code) in three_lines(error)
    assert path.read_bytes() == blob
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_old_file_stays_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, blob: bytes) -> None:
            self.file.write(blob[: len(blob) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write_atomic(tmp_path / "f", b"old")
    monkeypatch.setattr("builtins.open", lambda *args, _open=open: Full(_open(*args)))
    with pytest.raises(CheckpointError, match="No space left") as error:
        write_atomic(tmp_path / "f", b"new")
    monkeypatch.undo()
    three_lines(error)
    assert (tmp_path / "f").read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


def test_old_file_stays_after_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    write_atomic(tmp_path / "f", "old")
    monkeypatch.setattr(files.os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "f", "new")
    assert (tmp_path / "f").read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


def test_content_is_on_the_disk_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    for step in ("fsync", "replace"):
        real = getattr(os, step)

        def noted(*args: Any, _step: str = step, _real: Any = real) -> Any:
            steps.append(_step)
            return _real(*args)

        monkeypatch.setattr(files.os, step, noted)
    write_atomic(tmp_path / "f", "new")
    assert steps[:2] == ["fsync", "replace"]


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot be written") as error:
        write_atomic(tmp_path / "none" / "f", "new")
    assert "No such file" in three_lines(error)


def test_name_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "f" / "inner").mkdir(parents=True)
    with pytest.raises(CheckpointError) as error:
        write_atomic(tmp_path / "f", "new")
    three_lines(error)
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_real_limit_on_file_size(tmp_path: Path) -> None:
    """The system itself stops the write half-way, as a full disk does."""
    program = f"""
import resource, signal
from minicnn.train import write_atomic
from minicnn.errors import CheckpointError
write_atomic({str(tmp_path / "f")!r}, b"old")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_atomic({str(tmp_path / "f")!r}, bytes(1_000_000))
except CheckpointError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "File too large" in done.stdout
    assert (tmp_path / "f").read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


def test_check_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_room(tmp_path, 10_000)
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(files.os, "fsync", failing(errno.ENOSPC))
    with pytest.raises(CheckpointError, match="No space left"):
        check_room(tmp_path, 10_000)
    assert not list(tmp_path.iterdir())


SAVER = """
import sys, minicnn
from minicnn import nn
from minicnn.train import save_weights
model = nn.Linear(300, 300)
with minicnn.no_grad():
    for number in range(1, 100_000):
        for p in model.parameters():
            p.fill_(number)
        save_weights(model, sys.argv[1])
        print(number, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_kill_leaves_a_whole_file(tmp_path: Path) -> None:
    """A process that saves all the time is killed at 12 moments; the file is always one of its saves, whole."""
    path = tmp_path / "w.safetensors"
    for round_ in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", SAVER, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as process:
            stdout = process.stdout
            assert stdout is not None
            stdout.readline()  # the first save is done
            time.sleep(0.003 * round_)
            process.send_signal(signal.SIGKILL)
            saves = [1, *(int(line) for line in stdout.read().split())]
        arrays = read_weights(path)
        values = {float(value) for array in arrays.values() for value in (array.min(), array.max())}
        assert len(values) == 1
        assert saves[-1] <= values.pop() <= saves[-1] + 1
