"""`save` and `load`: what comes back is what was saved, and no file runs code."""

import copy
import io
import json
import os
import pickle
import random
import struct
import zipfile
import zlib
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

import minicnn
from minicnn import nn, optim
from minicnn.errors import ArgumentTypeError, CheckpointError


def saved(obj):
    file = io.BytesIO()
    minicnn.save(obj, file)
    return file.getvalue()


def again(obj):
    return minicnn.load(io.BytesIO(saved(obj)))


def trained():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    optimizer = optim.Adam(net.parameters(), lr=0.01)
    net(minicnn.randn(4, 2)).pow(2).sum().backward()
    optimizer.step()
    return net, optimizer


def same(a, b):
    assert type(a) is type(b)
    if isinstance(a, minicnn.Tensor):
        assert (a.dtype, a.shape, a.requires_grad) == (b.dtype, b.shape, b.requires_grad)
        assert np.array_equal(a.detach().numpy(), b.detach().numpy(), equal_nan=a.is_floating_point())
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        assert np.array_equal(a, b)
    else:
        assert a == b


def nested(depth):
    tree = minicnn.ones(1)
    for i in range(depth):
        tree = [tree] if i % 2 else {"a": tree}
    return tree


OBJECTS = {
    "number": 3,
    "large": 2**127,
    "float": 0.1,
    "infinity": float("-inf"),
    "none": None,
    "text": "a\n日本 'x'",
    "bytes": b"\x00\xff",
    "bool": True,
    "tensor": minicnn.arange(6.0).reshape(2, 3),
    "integers": minicnn.tensor([[1, -2]], dtype=minicnn.int8),
    "bools": minicnn.tensor([True, False]),
    "no dims": minicnn.tensor(2.5, dtype=minicnn.float64),
    "empty": minicnn.zeros(0, 3),
    "strided": minicnn.arange(12.0).reshape(3, 4).t()[::2],
    "requires grad": minicnn.ones(2, requires_grad=True),
    "parameter": nn.Parameter(minicnn.ones(2)),
    "frozen": nn.Parameter(minicnn.ones(2), requires_grad=False),
    "array": np.arange(3, dtype=np.uint8),
    "scalar": np.float32(1.5),
    "nested": {"a": [1, (2.5, None), {"b": minicnn.ones(1)}], 3: minicnn.zeros(1), (1, 2): "x", "a.0": minicnn.ones(2)},
    "ordered": OrderedDict(b=1, a=minicnn.ones(2)),
    "set": {1, 2},
    "size": minicnn.zeros(2, 3).shape,
    "dtype": minicnn.float32,
    "device": minicnn.device("cpu"),
    "nothing": {},
    "random state": minicnn.get_rng_state(),
    "names that collide": {"a.b": minicnn.ones(1), "a": {"b": minicnn.zeros(1)}},
    "a reserved name": {"__metadata__": minicnn.ones(1)},
    "a name that is no text": {"\ud800": minicnn.ones(1), "\\ud800": minicnn.zeros(1)},
    "thousands of digits": [-(10**5000), {10**5000: minicnn.ones(1), (10**5000,): 1}],
    "many within each other": nested(150),
    "half": np.float16([1.5]),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_round_trip(name):
    obj = OBJECTS[name]
    same(again(obj), obj)
    assert saved(again(obj)) == saved(obj)  # the same bytes for the same object


def test_a_checkpoint_goes_on_where_it_stopped(tmp_path):
    net, optimizer = trained()
    path = tmp_path / "checkpoint.pt"
    minicnn.save({"epoch": 3, "model": net.state_dict(), "optimizer": optimizer.state_dict()}, path)
    other = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    second = optim.Adam(other.parameters(), lr=1.0)
    state = minicnn.load(str(path), map_location=minicnn.device("cpu"), weights_only=True)
    other.load_state_dict(state["model"])
    second.load_state_dict(state["optimizer"])
    assert (state["epoch"], second.param_groups[0]["lr"]) == (3, 0.01)
    x = minicnn.randn(4, 2)
    for model, opt in ((net, optimizer), (other, second)):
        opt.zero_grad()
        model(x).pow(2).sum().backward()
        opt.step()
    same(other.state_dict(), net.state_dict())


def test_shared_tensors_stay_one():
    w = minicnn.ones(2)
    back = again({"a": w, "b": w})
    back["a"][0] = 5.0
    assert back["b"].tolist() == [5.0, 1.0]
    one, two = saved([minicnn.zeros(1000)] * 2), saved([minicnn.zeros(1000), minicnn.zeros(1000)])
    assert len(two) > len(one) + 3000


def test_what_is_loaded_can_be_written_to():
    x = again(minicnn.zeros(2))
    x += 1
    assert x.tolist() == [1.0, 1.0]


def test_map_location():
    x = minicnn.ones(2)
    with minicnn.use("strict"):
        blob = saved({"x": minicnn.ones(2)})
    for where in (None, "strict", {"cpu": "cpu"}, lambda tensor, place: None):
        assert minicnn.load(io.BytesIO(blob), where)["x"].device.type == "strict"
    for where in ("cpu", {"strict": "cpu"}, lambda tensor, place: tensor, minicnn.device("cpu")):
        same(minicnn.load(io.BytesIO(blob), map_location=where)["x"], x)


@pytest.mark.parametrize(
    "kind",
    ["module", "function", "object", "nested", "loop", "complex", "long", "long array", "fields", "deep", "deeper"],
)
def test_what_is_not_data_is_refused(kind, tmp_path):
    loop = []
    loop.append(loop)
    bad = {
        "module": nn.Linear(2, 2),
        "function": print,
        "object": object(),
        "nested": {"a": [1, nn.Linear(2, 2)]},
        "loop": loop,
        "complex": np.ones(2, dtype=complex),
        "long": np.longdouble(1),
        "long array": np.ones(2, dtype=np.longdouble),
        "fields": np.dtype([("a", "i4")]),
        "deep": nested(480),
        "deeper": nested(100_000),
    }[kind]
    path = tmp_path / "file.pt"
    minicnn.save(1, path)
    with pytest.raises(ArgumentTypeError, match="save") as caught:
        minicnn.save(bad, path)
    assert len(str(caught.value).splitlines()) == 3
    if kind in ("module", "nested"):
        assert "state_dict()" in str(caught.value)
    if kind == "nested":
        assert "a/1" in str(caught.value)
    assert minicnn.load(path) == 1
    assert os.listdir(tmp_path) == ["file.pt"]


@pytest.mark.parametrize("dtype", [">i4", ">f8", ">u2", "<i4", "|b1"])
def test_arrays_of_any_byte_order(dtype):
    array = np.array([1, 0, 1], dtype=dtype)
    back = again({"a": array, "b": array[::2]})
    assert back["a"].dtype == array.dtype.newbyteorder("=")
    assert [values.tolist() for values in back.values()] == [[1, 0, 1], [1, 1]]


def test_a_file_open_for_text(tmp_path):
    with open(tmp_path / "text", "w") as text:
        for file in (io.StringIO(), text):
            with pytest.raises(TypeError, match="writing bytes") as caught:
                minicnn.save(1, file)
            assert len(str(caught.value).splitlines()) == 3


def test_writing_is_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "file.pt"
    minicnn.save([1], path)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(CheckpointError, match="No space left"):
        minicnn.save([2], path)
    assert minicnn.load(path) == [1]
    assert os.listdir(tmp_path) == ["file.pt"]


def test_missing_folders_and_files(tmp_path):
    with pytest.raises(CheckpointError, match="cannot be written"):
        minicnn.save(1, tmp_path / "no" / "file.pt")
    with pytest.raises(FileNotFoundError, match="not there"):
        minicnn.load(tmp_path / "no.pt")
    with pytest.raises(CheckpointError, match="cannot be read"):
        minicnn.load(tmp_path)
    for wrong in (3, None):
        with pytest.raises(TypeError, match="a path or a file object"):
            minicnn.load(wrong)
        with pytest.raises(TypeError, match="a path or a file object"):
            minicnn.save(1, wrong)
    with pytest.raises(TypeError, match="reading bytes"):
        minicnn.load(io.StringIO("text"))


def test_any_broken_byte_is_noticed():
    net, optimizer = trained()
    state = {"model": net.state_dict(), "lists": [1, 2.5, "text"], "optimizer": optimizer.state_dict()}
    blob, draw = saved(state), random.Random(0)
    same(minicnn.load(io.BytesIO(blob)), again(state))
    noticed = 0
    for i in range(len(blob)):
        broken = bytearray(blob)
        broken[i] ^= 1 << draw.randrange(8)
        try:
            found = minicnn.load(io.BytesIO(bytes(broken)))
        except CheckpointError as error:
            noticed += len(str(error).splitlines()) == 3
        else:
            same(found, again(state))  # padding: nothing of it is lost
    assert noticed > 0.99 * len(blob)


def test_a_truncated_file_is_noticed():
    blob = saved({"a": minicnn.ones(100), "b": [1, 2]})
    for end in range(0, len(blob), 3):
        with pytest.raises(CheckpointError, match=r"truncated|empty"):
            minicnn.load(io.BytesIO(blob[:end]))


def with_note(note):
    """Return a file without tensors and with this note."""
    header = json.dumps({"__metadata__": {"minicnn": note}}).encode()
    return len(header).to_bytes(8, "little") + header


@pytest.mark.parametrize(
    "tree",
    [
        ["number", "int8", 300],
        ["number", "int8", "a"],
        ["number", "V1000000000", 1],
        ["int", "0xzz"],
        ["int", 3],
        ["tensor", "no", "cpu", False, False],
        ["set", [["list", []]]],
        ["what", 1],
        ["list"],
        [],
    ],
)
def test_a_note_that_makes_no_sense(tree):
    note = json.dumps({"version": 1, "crc32": zlib.crc32(json.dumps(tree).encode()), "tree": tree})
    with pytest.raises(CheckpointError, match="truncated or corrupt") as caught:
        minicnn.load(io.BytesIO(with_note(note)))
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize("note", ["[" * 100_000, "[" * 480 + "]" * 480, "{}", "[]", "3", "null", "1" * 5000, ""])
def test_a_note_that_is_none(note):
    with pytest.raises(CheckpointError, match="truncated or corrupt") as caught:
        minicnn.load(io.BytesIO(with_note(note)))
    assert len(str(caught.value).splitlines()) == 3


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("ran",)


def zipped(name, content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("what", "blob"),
    [
        ("a PyTorch file", zipped("archive/data.pkl", pickle.dumps(Bomb()))),
        ("a pickle", pickle.dumps(Bomb())),
        ("NumPy .npz", zipped("a.npy", b"x")),
        ("a zip file", zipped("a.txt", b"x")),
        ("HDF5", b"\x89HDF\r\n\x1a\n" + bytes(100)),
        ("NumPy .npy", b"\x93NUMPY" + bytes(100)),
        ("empty", b""),
        ("truncated or corrupt", b"hello world, this is text"),
        ("truncated or corrupt", struct.pack("<Q", 2**62) + b"{}"),
    ],
)
def test_foreign_files_are_named_and_run_nothing(what, blob, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("file.pt").write_bytes(blob)
    for only in (True, False):
        with pytest.raises(CheckpointError, match=what) as caught:
            minicnn.load("file.pt", weights_only=only)
        assert len(str(caught.value).splitlines()) == 3
    assert not Path("ran").exists()


def test_other_safetensors_files_load_and_ours_can_be_read(tmp_path):
    from safetensors.numpy import load_file, save_file

    save_file({"w": np.ones((2, 3), dtype=np.float32)}, tmp_path / "theirs.safetensors", metadata={"format": "pt"})
    same(minicnn.load(tmp_path / "theirs.safetensors"), {"w": minicnn.ones(2, 3)})
    net, _ = trained()
    minicnn.save(net.state_dict(), tmp_path / "ours.safetensors")
    assert sorted(load_file(tmp_path / "ours.safetensors")) == sorted(net.state_dict())


def test_pickle_and_deepcopy():
    net, _ = trained()
    for other in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        same(other.state_dict(), net.state_dict())
        assert other[0].weight is not net[0].weight
        other[0].weight.data.zero_()
    assert net[0].weight.abs().sum() > 0
    x = minicnn.ones(2, requires_grad=True)
    same(pickle.loads(pickle.dumps(x)), x)
    with pytest.raises(RuntimeError, match="leaf"):
        copy.deepcopy(x * 2)


@pytest.mark.peers
def test_pytorch_reads_what_is_saved(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file, save_file

    net, _ = trained()
    minicnn.save(net.state_dict(), tmp_path / "net.safetensors")
    theirs = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    theirs.load_state_dict(load_file(tmp_path / "net.safetensors"))
    save_file(theirs.state_dict(), tmp_path / "back.safetensors")
    back = minicnn.load(tmp_path / "back.safetensors")
    same({key: back[key] for key in net.state_dict()}, net.state_dict())
    torch.save(theirs.state_dict(), tmp_path / "net.pt")
    with pytest.raises(CheckpointError, match="PyTorch file"):
        minicnn.load(tmp_path / "net.pt")
    torch.save(theirs.state_dict(), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(CheckpointError, match="a pickle"):
        minicnn.load(tmp_path / "old.pt")
