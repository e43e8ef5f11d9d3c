"""Datasets, splits, and the data sets as datasets: what a sample is, and what a batch of them is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np
import pytest

from minicnn import Tensor, as_tensor, from_numpy
from minicnn.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    Digits,
    Subset,
    TensorDataset,
    default_collate,
    random_split,
)
from minicnn.data.transforms import (
    CenterCrop,
    Compose,
    Lambda,
    Normalize,
    Pad,
    RandomCrop,
    RandomHorizontalFlip,
    Resize,
    ToTensor,
)
from minicnn.errors import ArgumentTypeError, DataError, IndexRangeError, ParameterError, ShapeError
from minicnn.random import Generator, manual_seed

RECIPE = Compose([ToTensor(), Normalize((0.1307,), (0.3081,))])


@contextmanager
def three_lines(kind: type[Exception], *words: str) -> Iterator[None]:
    """Expect an error of three lines, the last with the fix, that has all the words in it."""
    with pytest.raises(kind) as caught:
        yield
    text = str(caught.value)
    assert text.count("\n") == 2, text
    assert text.splitlines()[2].startswith("  Fix: "), text
    for word in words:
        assert word in text, f"{word!r} is not in:\n{text}"


def listed(loader: Any) -> list[list[int]]:
    """Return the first field of every batch of an epoch."""
    return [batch[0].tolist() for batch in loader]


def rows(count: int) -> TensorDataset:
    return TensorDataset(from_numpy(np.arange(count)), from_numpy(np.arange(count) ** 2))


# ---- datasets


def test_tensor_dataset() -> None:
    x = from_numpy(np.arange(12, dtype=np.float32).reshape(4, 3))
    data = TensorDataset(x, from_numpy(np.arange(4)))
    assert len(data) == 4
    assert data[-1][0].tolist() == [9, 10, 11]
    assert data.tensors[0] is x
    batch = data.__getitems__([2, 0])
    assert batch[0].tolist() == [[6, 7, 8], [0, 1, 2]]
    assert batch[1].tolist() == [2, 0]
    with pytest.raises(IndexError):
        data[4]
    assert [int(label) for _, label in data] == [0, 1, 2, 3]  # a for loop ends at the IndexError


def test_tensor_dataset_refuses() -> None:
    with three_lines(ShapeError, "(2,), (3,)"):
        TensorDataset(as_tensor([1, 2]), as_tensor([1, 2, 3]))
    with three_lines(ShapeError, "()"):
        TensorDataset(as_tensor(1))
    with three_lines(ArgumentTypeError, "at least one"):
        TensorDataset()


def test_dataset_without_getitem() -> None:
    class Empty(Dataset):
        pass

    with three_lines(NotImplementedError, "Empty", "__getitem__"):
        Empty()[0]


@pytest.mark.parametrize("indices", [[3, 1, 1], np.array([3, 1, 1]), as_tensor([3, 1, 1]), (3, 1, 1)])
def test_subset(indices: Any) -> None:
    part = Subset(rows(5), indices)
    assert part.indices is indices
    assert [int(x) for x, _ in part] == [3, 1, 1]
    assert int(part[-1][1]) == 1
    assert listed(DataLoader(part, batch_size=2)) == [[3, 1], [1]]
    assert listed(DataLoader(Subset(part, [0]))) == [[3]]
    with three_lines(IndexRangeError, "3", "Subset"):
        part[3]
    with three_lines(ArgumentTypeError, "Subset(dataset, indices)"):
        part["a"]


def test_concat() -> None:
    both = rows(3) + rows(2)
    assert isinstance(both, ConcatDataset)
    assert [int(x) for x, _ in both] == [0, 1, 2, 0, 1]
    assert int(both[-2][0]) == 0
    assert listed(DataLoader(both, batch_size=4)) == [[0, 1, 2, 0], [1]]
    with three_lines(IndexRangeError, "5"):
        both[5]
    with three_lines(ParameterError, "at least one"):
        ConcatDataset([])


# ---- random_split


@pytest.mark.parametrize(
    ("count", "lengths", "sizes"),
    [
        (10, [7, 3], [7, 3]),
        (10, [0.7, 0.3], [7, 3]),
        (10, [0.33, 0.33, 0.34], [4, 3, 3]),
        (7, [0.5, 0.5], [4, 3]),
        (103, [0.2, 0.2, 0.2, 0.2, 0.2], [21, 21, 21, 20, 20]),
        (10, [0.1, 0.2, 0.7], [1, 2, 7]),
        (5, [5, 0], [5, 0]),
        (5, [1.0], [5]),
    ],
)
def test_random_split_lengths(count: int, lengths: list[float], sizes: list[int]) -> None:
    whole = rows(count)
    parts = random_split(whole, lengths, generator=Generator().manual_seed(0))
    assert [len(part) for part in parts] == sizes
    assert all(part.dataset is whole and isinstance(part.indices, list) for part in parts)
    assert sorted(chain.from_iterable(part.indices for part in parts)) == list(range(count))


def test_random_split_is_determined_by_the_generator() -> None:
    first, again, other = (random_split(range(50), [25, 25], Generator().manual_seed(s)) for s in (1, 1, 2))
    assert first[0].indices == again[0].indices != other[0].indices
    manual_seed(5)
    first = random_split(range(50), [25, 25])
    manual_seed(5)
    assert random_split(range(50), [25, 25])[1].indices == first[1].indices


def test_random_split_refuses() -> None:
    for lengths in (
        [3, 3],
        [0.5, 0.6],
        [],
        [2.5, 7.5],
        [11, -1],
        [1.5, -0.5],
        [float("nan")],
        [float("inf"), 1],
    ):
        with three_lines(ParameterError, "random_split", "[8, 2]"):
            random_split(range(10), lengths)
    with pytest.warns(UserWarning, match="part 1 has no samples"):
        random_split(range(2), [0.9, 0.1])


@pytest.mark.peers
@pytest.mark.parametrize("count", [1, 2, 7, 100, 1003])
@pytest.mark.parametrize("lengths", [[0.5, 0.5], [0.6, 0.3, 0.1], [0.33, 0.33, 0.34], [1 / 3] * 3])
@pytest.mark.filterwarnings("ignore:Length of split", "ignore:random_split")
def test_random_split_has_pytorchs_lengths(count: int, lengths: list[float]) -> None:
    data = pytest.importorskip("torch.utils.data")
    expected = [len(part) for part in data.random_split(range(count), lengths)]
    assert [len(part) for part in random_split(range(count), lengths)] == expected


# ---- the data sets as datasets


def test_digits_have_mnists_face() -> None:
    digits = Digits(train=False)
    assert isinstance(digits.data, Tensor)
    assert (tuple(digits.data.shape), digits.data.dtype) == ((2000, 28, 28), np.uint8)
    assert (tuple(digits.targets.shape), digits.targets.dtype) == ((2000,), np.int64)
    assert digits.classes[3] == "3 - three"
    assert digits.class_to_idx["3 - three"] == 3
    assert "Digits" in repr(digits)
    with three_lines(IndexRangeError, "Digits", "2000"):
        digits[2000]


def test_pictures_without_transform_are_pils() -> None:
    image_module = pytest.importorskip("PIL.Image")
    digits = Digits(train=False)
    image, label = digits[-1]
    assert isinstance(image, image_module.Image)
    assert image.size == (28, 28)
    assert type(label) is int
    np.testing.assert_array_equal(np.asarray(image), digits.data[1999].numpy())
    with three_lines(ArgumentTypeError, "PIL", "transform=transforms.ToTensor()"):
        next(iter(DataLoader(digits)))
    kinds = []
    digits.transform = Lambda(lambda picture: kinds.append(type(picture)) or 0)
    digits.target_transform = lambda label: -label
    assert digits[1] == (0, -int(digits.targets[1]))
    assert issubclass(kinds[0], image_module.Image)


def test_without_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    digits = Digits(train=False)
    for name in [name for name in sys.modules if name.split(".")[0] == "PIL"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "PIL", None)  # an import of it now fails
    with three_lines(DataError, "Digits", "minicnn[images]", "ToTensor"):
        digits[0]
    digits.transform = Compose([Lambda(lambda picture: picture), ToTensor()])
    assert tuple(digits[0][0].shape) == (1, 28, 28)


def test_the_fast_path_is_the_slow_path_to_the_last_bit() -> None:
    fast = Digits(train=False, transform=RECIPE)
    slow = Digits(train=False, transform=Compose([Lambda(lambda image: image), *RECIPE.transforms]))
    normalized, labels = fast.tensors()
    indices = [5, 1999, 0, 5]
    x, y = next(iter(DataLoader(fast, batch_sampler=[indices])))
    x_slow, y_slow = next(iter(DataLoader(slow, batch_sampler=[indices])))
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    for other in (x_slow, normalized[indices], default_collate([fast[i][0] for i in indices])):
        np.testing.assert_array_equal(x.numpy(), other.numpy())
    for other in (y_slow, labels[indices], default_collate([fast[i][1] for i in indices])):
        np.testing.assert_array_equal(y.numpy(), other.numpy())
    x_part, _ = next(iter(DataLoader(Subset(fast, indices), batch_size=4)))
    np.testing.assert_array_equal(x.numpy(), x_part.numpy())


@pytest.mark.parametrize(
    "first", [RandomHorizontalFlip(), RandomCrop(28, padding=3, fill=9), Resize(20), CenterCrop(9), Pad(2)]
)
def test_recipes_give_the_same_with_and_without_pil(first: Any) -> None:
    pytest.importorskip("PIL.Image")
    arrays = Digits(train=False, transform=Compose([first, *RECIPE.transforms]))
    images = Digits(train=False, transform=Compose([Lambda(lambda image: image), first, *RECIPE.transforms]))
    (x, _), (y, _) = (next(iter(DataLoader(data, batch_size=9, seed=3))) for data in (arrays, images))
    np.testing.assert_array_equal(x.numpy(), y.numpy())


def test_transform_data_and_targets_may_be_replaced() -> None:
    digits = Digits(train=False, transform=ToTensor())
    before = digits[0][0].numpy()
    digits.transform = RECIPE
    np.testing.assert_array_equal(digits[0][0].numpy(), (before - np.float32(0.1307)) / np.float32(0.3081))
    keep = digits.targets.numpy() == 3
    digits.data, digits.targets = digits.data[keep], digits.targets[keep].tolist()
    assert len(digits) == 200
    for x, y in DataLoader(digits, batch_size=200):
        assert tuple(x.shape) == (200, 1, 28, 28)
        assert set(y.tolist()) == {3}


def test_a_subclass_of_a_data_set_or_transform_is_asked_for_samples() -> None:
    class Brighter(ToTensor):
        def __call__(self, pic: Any) -> Any:
            return super().__call__(pic) * 2

    class Noisy(Digits):
        def __getitem__(self, index: int) -> tuple[Any, Any]:
            return super().__getitem__(index)[0] * 3, 7

    plain = next(iter(DataLoader(Digits(None, False, ToTensor()), batch_size=2)))[0].numpy()
    bright = next(iter(DataLoader(Digits(None, False, Brighter()), batch_size=2)))[0].numpy()
    noisy, labels = next(iter(DataLoader(Noisy(None, False, ToTensor()), batch_size=2)))
    np.testing.assert_array_equal(bright, plain * 2)
    np.testing.assert_array_equal(noisy.numpy(), plain * 3)
    assert labels.tolist() == [7, 7]


def test_import_is_lazy() -> None:
    import subprocess

    code = "import sys, minicnn.data; print([m for m in ('PIL', 'urllib.request', 'gzip', 'tempfile', "
    code += "'concurrent.futures', 'matplotlib') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"
