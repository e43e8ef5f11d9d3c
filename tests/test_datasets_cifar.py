"""CIFAR-10 and CIFAR-100 in small folders of the official formats: found, read, unpacked, and refused when damaged."""

import hashlib
import io
import pickle
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from minicnn.data import CIFAR10, CIFAR100, DataLoader, find_datasets
from minicnn.data.datasets import cifar
from minicnn.data.transforms import Compose, Lambda, Normalize, RandomHorizontalFlip, ToTensor
from minicnn.errors import DataError

COUNT = 4  # pictures in a batch
NAMES = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]


@pytest.fixture(autouse=True)
def no_datasets(monkeypatch, tmp_path):
    monkeypatch.delenv("MINICNN_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


def refused(call, *words):
    with pytest.raises(DataError) as caught:
        call()
    text = str(caught.value)
    assert text.count("\n") == 2, text
    for word in words:
        assert word in text, f"{word!r} is not in:\n{text}"


def planes(seed):
    return np.random.default_rng(seed).integers(256, size=(COUNT, 3072), dtype=np.uint8)


def labels(seed, classes=10):
    return np.random.default_rng(seed + 100).integers(classes, size=COUNT).tolist()


def write_pickles(folder, keys=str):
    """Write the six batches and the names as the authors' Python does; ``keys`` makes the keys text or bytes."""
    folder.mkdir(parents=True)
    for i, name in enumerate(NAMES):
        content = {"batch_label": name, "labels": labels(i), "data": planes(i), "filenames": ["a.png"] * COUNT}
        (folder / name).write_bytes(pickle.dumps({keys(key): value for key, value in content.items()}, protocol=2))
    names = {"label_names": [f"class {i}" for i in range(10)], "num_vis": 3072}
    (folder / "batches.meta").write_bytes(pickle.dumps(names, protocol=2))
    return folder


def write_records(folder):
    folder.mkdir(parents=True)
    for i, name in enumerate(NAMES):
        records = np.concatenate([np.array(labels(i), np.uint8)[:, None], planes(i)], axis=1)
        (folder / f"{name}.bin").write_bytes(records.tobytes())
    return folder


def expected(train):
    picks = range(5) if train else [5]
    pixels = np.concatenate([planes(i) for i in picks]).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return pixels, [label for i in picks for label in labels(i)]


@pytest.mark.parametrize("layout", ["cifar-10-batches-py", "cifar-10-batches-bin", "."])
@pytest.mark.parametrize("train", [True, False])
def test_layouts(tmp_path, monkeypatch, layout, train):
    root = tmp_path / "data"
    folder = root / layout
    (write_records if layout.endswith("bin") else write_pickles)(folder)
    pixels, targets = expected(train)
    for place in (root, str(root), None):
        data = CIFAR10(place, train=train)
        assert isinstance(data.data, np.ndarray)
        assert data.data.dtype == np.uint8
        np.testing.assert_array_equal(data.data, pixels)
        assert data.targets == targets
        assert isinstance(data.targets, list)
    monkeypatch.setenv("MINICNN_DATA", str(root))
    monkeypatch.chdir(tmp_path.parent)
    assert len(CIFAR10()) == 5 * COUNT
    assert find_datasets()["cifar-10"] == folder
    classes = CIFAR10.classes if layout.endswith("bin") else [f"class {i}" for i in range(10)]
    assert data.classes == classes
    assert data.class_to_idx == {name: i for i, name in enumerate(classes)}


def test_keys_of_bytes_as_python_2_wrote_them(tmp_path):
    write_pickles(tmp_path / "cifar-10-batches-py", keys=str.encode)
    np.testing.assert_array_equal(CIFAR10(tmp_path).data, expected(True)[0])


def test_samples(tmp_path):
    write_pickles(tmp_path / "cifar-10-batches-py")
    data = CIFAR10(tmp_path)
    pixels, targets = expected(True)
    image, label = data[-1]
    assert (image.mode, image.size) == ("RGB", (32, 32))
    np.testing.assert_array_equal(np.asarray(image), pixels[-1])
    assert label == targets[-1]
    assert type(label) is int
    data.target_transform = lambda label: -label
    assert data[0][1] == -targets[0]
    data.target_transform = None
    recipe = [ToTensor(), Normalize(CIFAR10.mean, CIFAR10.std)]
    data.transform = Compose(recipe)
    x, y = next(iter(DataLoader(data, batch_size=5)))
    assert (x.shape, x.dtype, y.tolist()) == ((5, 3, 32, 32), np.float32, targets[:5])
    data.transform = Compose([Lambda(lambda image: image), *recipe])  # which is not known, so no batches at once
    slow, _ = next(iter(DataLoader(data, batch_size=5)))
    np.testing.assert_array_equal(x.numpy(), slow.numpy())
    np.testing.assert_array_equal(data.tensors()[0][:5].numpy(), x.numpy())
    data.transform = Compose([RandomHorizontalFlip(1), ToTensor()])
    np.testing.assert_array_equal(data[2][0].numpy()[:, :, ::-1], ToTensor()(pixels[2]).numpy())
    data.data = data.data[:3]  # may be replaced, as in torchvision
    assert len(data) == 3


def test_repr(tmp_path):
    write_pickles(tmp_path / "cifar-10-batches-py")
    text = repr(CIFAR10(tmp_path, train=False, transform=Compose([ToTensor()])))
    lines = [
        "Dataset CIFAR10",
        f"    Number of datapoints: {COUNT}",
        f"    Root location: {tmp_path}",
        "    Split: Test",
    ]
    lines += ["    StandardTransform", "Transform: Compose(", "               ToTensor()", "           )"]
    assert text.splitlines() == lines


def test_missing(tmp_path):
    refused(lambda: CIFAR10(tmp_path), "CIFAR10", "cifar-10-batches-py", "download=True", "MINICNN_DATA")
    write_records(tmp_path / "cifar-10-batches-bin")
    (tmp_path / "cifar-10-batches-bin" / "data_batch_3.bin").unlink()
    refused(lambda: CIFAR10(tmp_path), "not there")
    assert "cifar-10" not in find_datasets(tmp_path)


def test_truncated_pickle_at_any_byte(tmp_path):
    path = write_pickles(tmp_path / "cifar-10-batches-py") / "test_batch"
    whole = path.read_bytes()
    for length in [*range(60), len(whole) // 2, len(whole) - 1]:
        path.write_bytes(whole[:length])
        refused(lambda: CIFAR10(tmp_path, train=False), "test_batch", "truncated", "download=True")


def test_truncated_records(tmp_path):
    path = write_records(tmp_path / "cifar-10-batches-bin") / "data_batch_2.bin"
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    refused(lambda: CIFAR10(tmp_path), "data_batch_2.bin", "truncated", "3066 more than whole records")
    path.write_bytes(whole[:-3073])  # between two records
    refused(lambda: CIFAR10(tmp_path), "data_batch_2.bin 3", "one is truncated")
    path.write_bytes(whole[:-3073] + b"\x0a" + bytes(3072))
    refused(lambda: CIFAR10(tmp_path), "labels from 0 to 9", "to 10")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1, 2], ["holds a list"]),
        ({"labels": [1, 2]}, ["data ()"]),
        ({"labels": [1, 2], "data": np.zeros((3, 3072), np.uint8)}, ["data (3, 3072)"]),
        ({"labels": [1, 2], "data": np.zeros((2, 3071), np.uint8)}, ["data (2, 3071)"]),
        ({"labels": [1, 2], "data": np.zeros((2, 3072), np.float32)}, ["float32"]),
        ({"labels": ["a", "b"], "data": np.zeros((2, 3072), np.uint8)}, ["labels (2,)"]),
    ],
)
def test_a_pickle_of_something_else(tmp_path, content, words):
    path = write_pickles(tmp_path / "cifar-10-batches-py") / "test_batch"
    path.write_bytes(pickle.dumps(content))
    refused(lambda: CIFAR10(tmp_path, train=False), "test_batch", *words)


class Evil:
    def __reduce__(self):
        return print, ("code was run",)


def test_a_pickle_cannot_run_code(tmp_path, capsys):
    path = write_pickles(tmp_path / "cifar-10-batches-py") / "test_batch"
    path.write_bytes(pickle.dumps({"labels": Evil(), "data": planes(0)}))
    refused(lambda: CIFAR10(tmp_path, train=False), "it asks for builtins.print")
    assert capsys.readouterr().out == ""


def test_damaged_names(tmp_path):
    folder = write_pickles(tmp_path / "cifar-10-batches-py")
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": 7}))
    refused(lambda: CIFAR10(tmp_path), "names of the classes")


# ---- the archive


def served(tmp_path, monkeypatch):
    """Put an archive of a small set where it is downloaded from, with its digest as the published one."""
    write_pickles(tmp_path / "made" / "cifar-10-batches-py")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.add(tmp_path / "made" / "cifar-10-batches-py", "cifar-10-batches-py")
    (tmp_path / "mirror").mkdir()
    path = tmp_path / "mirror" / "cifar-10-python.tar.gz"
    path.write_bytes(buffer.getvalue())
    md5 = hashlib.md5(buffer.getvalue()).hexdigest()
    mirrors = ((tmp_path / "mirror").as_uri() + "/",)
    monkeypatch.setattr(CIFAR10, "source", replace(cifar.CIFAR10_FILES, md5=md5, mirrors=mirrors))
    return path


def test_download(tmp_path, monkeypatch, capsys):
    path = served(tmp_path, monkeypatch)
    assert len(CIFAR10(tmp_path / "root", download=True)) == 5 * COUNT
    assert capsys.readouterr().err.count("fetching") == 1
    assert sorted(p.name for p in (tmp_path / "root" / "cifar-10-batches-py").iterdir()) == sorted(
        [*NAMES, "batches.meta"]
    )
    path.unlink()  # files that are present need no network
    assert len(CIFAR10(tmp_path / "root", train=False, download=True)) == COUNT
    assert capsys.readouterr().err == ""


def test_an_archive_that_lies_there_is_unpacked(tmp_path, monkeypatch, capsys):
    path = served(tmp_path, monkeypatch)
    (tmp_path / "root").mkdir()
    path.rename(tmp_path / "root" / path.name)
    assert len(CIFAR10(tmp_path / "root", download=True)) == 5 * COUNT
    assert capsys.readouterr().err == ""


def test_a_broken_archive_that_lies_there_is_not(tmp_path, monkeypatch, capsys):
    path = served(tmp_path, monkeypatch)
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / path.name).write_bytes(path.read_bytes()[:-99])
    assert len(CIFAR10(tmp_path / "root", download=True)) == 5 * COUNT
    assert "fetching" in capsys.readouterr().err


def test_download_refuses_other_content(tmp_path, monkeypatch):
    path = served(tmp_path, monkeypatch)
    whole = path.read_bytes()
    for blob in (whole[:-1], b"<html>moved</html>", b""):
        path.write_bytes(blob)
        refused(lambda: CIFAR10(tmp_path / "root", download=True), "cannot be downloaded", "digest", "MINICNN_DATA")
        assert not (tmp_path / "root").exists()
    path.write_bytes(whole)
    (tmp_path / "root").write_text("a file in the folder's place")
    refused(lambda: CIFAR10(tmp_path / "root", download=True), "cannot be written")


def test_cifar100(tmp_path):
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    for i, name in enumerate(("train", "test")):
        content = {"fine_labels": labels(i, 100), "coarse_labels": labels(i, 20), "data": planes(i)}
        (folder / name).write_bytes(pickle.dumps(content))
    names = [f"fine {i}" for i in range(100)]
    (folder / "meta").write_bytes(pickle.dumps({"fine_label_names": names}))
    data = CIFAR100(tmp_path, train=False)
    assert data.targets == labels(1, 100)
    assert data.classes == names
    assert data.class_to_idx["fine 42"] == 42
    assert "CIFAR100" in repr(data)
    assert "cifar-100" in find_datasets(tmp_path)
    refused(lambda: CIFAR100(tmp_path / "nowhere"), "CIFAR100", "cifar-100-python")
