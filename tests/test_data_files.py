"""The data sets' files: found in every layout, downloaded whole, and the subset that is in the package."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minicnn
import minicnn.data.files as files
from minicnn.data import MNIST, Digits, FashionMNIST, find_datasets, read_idx, write_idx
from minicnn.data.embedded import make_subset
from minicnn.data.transforms import ToTensor
from minicnn.errors import ArgumentTypeError, DataError

SPLITS = ("train", "t10k")


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


@pytest.fixture
def no_datasets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MINICNN_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


def write_set(folder: Path, counts: tuple[int, int] = (6, 4), suffix: str = ".gz", seed: int = 0) -> Path:
    """Write the four files of a small set in MNIST's form."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for split, count in zip(SPLITS, counts, strict=True):
        images = rng.integers(256, size=(count, 28, 28), dtype=np.uint8)
        write_idx(folder / f"{split}-images-idx3-ubyte{suffix}", images)
        write_idx(folder / f"{split}-labels-idx1-ubyte{suffix}", rng.integers(10, size=count, dtype=np.uint8))
    return folder


# ---- where the files are looked for

LAYOUTS = [
    (MNIST, "mnist"),
    (MNIST, "MNIST/raw"),
    (MNIST, "."),
    (FashionMNIST, "fashion-mnist"),
    (FashionMNIST, "FashionMNIST/raw"),
    (FashionMNIST, "."),
]


@pytest.mark.usefixtures("no_datasets")
@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(("kind", "layout"), LAYOUTS)
def test_layouts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Any, layout: str, suffix: str) -> None:
    write_set(tmp_path / "data" / layout, suffix=suffix)
    for root in (tmp_path / "data", "data", None):  # None: ./data
        assert (len(kind(root)), len(kind(root, train=False))) == (6, 4)
    monkeypatch.setenv("MINICNN_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path.parent)
    assert len(kind()) == 6
    assert len(kind(tmp_path / "elsewhere")) == 6  # not in the root given: the variable's


@pytest.mark.usefixtures("no_datasets")
def test_root_goes_before_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_set(tmp_path / "a" / "mnist", (3, 3))
    write_set(tmp_path / "b" / "mnist", (5, 5))
    monkeypatch.setenv("MINICNN_DATA", str(tmp_path / "b"))
    assert (len(MNIST(tmp_path / "a")), len(MNIST())) == (3, 5)


@pytest.mark.usefixtures("no_datasets")
def test_a_folder_with_both_sets_names_is_not_mixed_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = read_idx(write_set(tmp_path / "t") / "train-labels-idx1-ubyte.gz")
    write_idx(tmp_path / "plain", labels)
    digest = hashlib.sha256((tmp_path / "plain").read_bytes()).hexdigest()
    fashion = files.Source("fashion-mnist", "FashionMNIST", (".",), (), (("train-labels-idx1-ubyte", digest),))
    monkeypatch.setattr(files, "FASHION_FILES", fashion)
    assert files.locate(fashion, "train", [tmp_path / "t"])
    assert files.locate(files.MNIST_FILES, "train", [tmp_path / "t"]) is None


@pytest.mark.usefixtures("no_datasets")
def test_find_datasets(tmp_path: Path) -> None:
    assert list(find_datasets(tmp_path)) == ["digits"]
    write_set(tmp_path / "MNIST" / "raw")
    assert find_datasets(tmp_path)["mnist"] == tmp_path / "MNIST" / "raw"
    write_set(tmp_path / "fashion-mnist", suffix="")
    assert find_datasets(tmp_path)["fashion-mnist"] == tmp_path / "fashion-mnist"
    (tmp_path / "fashion-mnist" / "t10k-images-idx3-ubyte").unlink()
    assert "fashion-mnist" not in find_datasets(tmp_path)


# ---- damage to a set


@pytest.mark.usefixtures("no_datasets")
def test_missing_set_says_what_to_do(tmp_path: Path) -> None:
    with three_lines(DataError, "MNIST", "train-images-idx3-ubyte", "download=True", "MINICNN_DATA", "Digits()"):
        MNIST(tmp_path / "nowhere")
    write_set(tmp_path / "mnist")
    (tmp_path / "mnist" / "train-labels-idx1-ubyte.gz").unlink()
    with three_lines(DataError, "train-labels-idx1-ubyte"):
        MNIST(tmp_path)
    assert len(MNIST(tmp_path, train=False)) == 4


@pytest.mark.usefixtures("no_datasets")
@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("labels-idx1", np.zeros(5, np.uint8), ["as many labels as pictures", "(6, 28, 28)", "(5,)"]),
        (
            "images-idx3",
            np.zeros((7, 28, 28), np.uint8),
            ["as many labels as pictures", "(7, 28, 28)", "(6,)"],
        ),
        ("labels-idx1", np.full(6, 10, np.uint8), ["labels from 0 to 9", "holds 10"]),
        ("labels-idx1", np.zeros(6, np.int8), ["both uint8", "int8"]),
        ("labels-idx1", np.zeros((6, 1), np.uint8), ["(6, 1)"]),
        ("images-idx3", np.zeros((6, 28, 27), np.uint8), ["(6, 28, 27)"]),
        ("images-idx3", np.zeros((6, 784), np.uint8), ["(6, 784)"]),
        ("images-idx3", np.zeros((6, 28, 28), np.float32), ["float32"]),
    ],
)
def test_a_pair_that_does_not_fit(tmp_path: Path, name: str, values: np.ndarray, words: list[str]) -> None:
    write_set(tmp_path / "mnist")
    write_idx(tmp_path / "mnist" / f"train-{name}-ubyte.gz", values)
    with three_lines(DataError, "MNIST", "delete both files", str(tmp_path), *words):
        MNIST(tmp_path)


@pytest.mark.usefixtures("no_datasets")
@pytest.mark.parametrize("part", ["images-idx3", "labels-idx1"])
@pytest.mark.parametrize("layout", ["mnist", "."])
def test_truncated_set(tmp_path: Path, part: str, layout: str) -> None:
    path = write_set(tmp_path / layout) / f"train-{part}-ubyte.gz"
    whole = path.read_bytes()
    for length in (0, 1, 2, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with three_lines(DataError, "truncated", path.name):
            MNIST(tmp_path)


# ---- download


def served(tmp_path: Path, *mirrors: str) -> files.Source:
    """Return a source whose mirror is a folder, and its published digests."""
    folder = write_set(tmp_path / "mirror")
    digests = [(p.name[:-3], hashlib.sha256(gzip.decompress(p.read_bytes())).hexdigest()) for p in folder.iterdir()]
    return files.Source("mnist", "MNIST", ("mnist", "."), (*mirrors, folder.as_uri() + "/"), tuple(sorted(digests)))


@pytest.mark.usefixtures("no_datasets")
def test_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    bad = (tmp_path / "not-there").as_uri() + "/"
    monkeypatch.setattr(MNIST, "source", served(tmp_path, bad))
    assert len(MNIST(tmp_path / "root", download=True)) == 6
    assert capsys.readouterr().err.count("fetching") == 8  # four files, from the second mirror
    names = sorted(os.listdir(tmp_path / "root" / "mnist"))
    assert names == sorted(os.listdir(tmp_path / "mirror"))  # and no temporary file
    shutil.rmtree(tmp_path / "mirror")  # files that are present need no network
    assert len(MNIST(tmp_path / "root", train=False, download=True)) == 4
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("no_datasets")
def test_download_fetches_only_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(MNIST, "source", served(tmp_path))
    MNIST(tmp_path / "root", download=True)
    (tmp_path / "root" / "mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    capsys.readouterr()
    MNIST(tmp_path / "root", train=False, download=True)
    assert re.findall(r"fetching \S+/(\S+)", capsys.readouterr().err) == ["t10k-labels-idx1-ubyte.gz"]


@pytest.mark.usefixtures("no_datasets")
@pytest.mark.parametrize("damage", ["other content", "truncated", "not gzip", "gone"])
def test_download_refuses_wrong_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    monkeypatch.setattr(MNIST, "source", served(tmp_path))
    path = tmp_path / "mirror" / "train-images-idx3-ubyte.gz"
    if damage == "other content":
        write_idx(path, np.zeros((6, 28, 28), np.uint8))
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:-9])
    elif damage == "not gzip":
        path.write_bytes(b"<html>moved</html>")
    else:
        path.unlink()
    with three_lines(DataError, "train-images-idx3-ubyte.gz cannot be downloaded", "mirror", "MINICNN_DATA"):
        MNIST(tmp_path / "root", download=True)
    folder = tmp_path / "root" / "mnist"
    assert not folder.exists() or not list(folder.glob("train-images*"))


@pytest.mark.usefixtures("no_datasets")
def test_download_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MNIST, "source", served(tmp_path))
    (tmp_path / "root").write_text("a file in the folder's place")
    with three_lines(DataError, "cannot be written", "root="):
        MNIST(tmp_path / "root", download=True)


# ---- the embedded subset


def test_digits_are_stratified_and_mixed() -> None:
    for train, count in ((True, 1000), (False, 200)):
        digits = Digits(train=train)
        labels = digits.targets.numpy()
        assert np.bincount(labels).tolist() == [count] * 10
        assert digits.data.numpy().shape == (10 * count, 28, 28)
        assert len(set(labels[:100].tolist())) == 10
        assert np.bincount(labels[: 5 * count]).min() > 0.4 * count
        assert len(np.unique(digits.data.numpy().reshape(10 * count, -1), axis=0)) == 10 * count  # none twice


def test_digits_normalize_to_about_unit_variance() -> None:
    x, y = Digits().tensors()
    values = x.numpy()
    assert values.dtype == np.float32
    assert y.numpy().dtype == np.int64
    assert abs(float(values.mean(dtype=np.float64))) < 0.02
    assert abs(float(values.std(dtype=np.float64)) - 1) < 0.02


def test_digits_are_documented() -> None:
    text = (files.EMBEDDED / "LICENSE.md").read_text(encoding="utf-8")
    assert "CC BY-SA 3.0" in text
    for path in files.EMBEDDED.glob("*.gz"):
        assert f"| `{path.name}` | `{hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest()}` |" in text


def test_subset_takes_the_smallest_keys() -> None:
    labels = np.random.default_rng(0).integers(10, size=400, dtype=np.uint8)
    chosen = make_subset.choose(labels, "train", 7)
    keys = [hashlib.sha256(f"minicnn digits, train, {i}".encode()).hexdigest() for i in range(400)]
    assert [keys[i] for i in chosen] == sorted(keys[i] for i in chosen)
    for digit in range(10):
        of_digit = [i for i in range(400) if labels[i] == digit]
        assert sorted(of_digit, key=keys.__getitem__)[:7] == [i for i in chosen if labels[i] == digit]
    assert chosen != make_subset.choose(labels, "t10k", 7)


@pytest.mark.usefixtures("no_datasets")
def test_subset_of_too_small_a_set(tmp_path: Path) -> None:
    write_set(tmp_path / "mnist")
    with three_lines(DataError, "make_subset", "--from"):
        make_subset.make(tmp_path, tmp_path)


def test_subset_is_reproduced_byte_for_byte(tmp_path: Path) -> None:
    source = files.locate(files.MNIST_FILES, "train", files.roots())
    if source is None:
        pytest.skip("needs the full MNIST: set MINICNN_DATA to the folder that holds it")
    make_subset.make(source[0].parent, tmp_path)
    for path in files.EMBEDDED.glob("*.gz"):
        values = read_idx(path)
        np.testing.assert_array_equal(read_idx(tmp_path / path.name), values)
        write_idx(tmp_path / "again.gz", values)
        if (tmp_path / "again.gz").read_bytes() != path.read_bytes():
            pytest.skip(f"the values are the same, but zlib {zlib.ZLIB_RUNTIME_VERSION} packs them otherwise")
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_full_sets_where_they_are_found() -> None:
    found = find_datasets()
    if not {"mnist", "fashion-mnist"} <= found.keys():
        pytest.skip("needs the full MNIST and Fashion-MNIST: set MINICNN_DATA to the folder that holds them")
    for kind, first in ((MNIST, [5, 0, 4]), (FashionMNIST, [9, 0, 0])):
        train, test = kind(transform=ToTensor(), download=True), kind(train=False)
        assert (len(train), len(test)) == (60000, 10000)
        assert train.targets.numpy()[:3].tolist() == first
        values = train.tensors()[0].numpy()
        assert abs(float(values.mean(dtype=np.float64))) < 1e-3
        assert abs(float(values.std(dtype=np.float64)) - 1) < 1e-3


def test_digits_take_the_arguments_of_mnist(tmp_path: Path) -> None:
    assert len(Digits(str(tmp_path / "data"), False, ToTensor(), None, True)) == 2000
    assert len(Digits(root="data", train=True, download=True)) == 10_000
    assert not list(tmp_path.iterdir())
    flag: Any = False
    with three_lines(ArgumentTypeError, "root", "Digits(train=False)"):
        Digits(flag)


def test_the_module_offers_its_public_names() -> None:
    assert dir(minicnn.data.datasets) == sorted(minicnn.data.datasets.__all__)
