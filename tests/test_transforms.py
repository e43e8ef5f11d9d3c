"""Transforms: the same picture as PIL image, array and Tensor gives the same result."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from minicnn import Tensor, as_tensor, from_numpy
from minicnn.data import transforms as T
from minicnn.data.stream import batch_stream
from minicnn.data.transforms import functional as F
from minicnn.errors import ArgumentTypeError, DataError, DTypeError, ParameterError, ShapeError
from minicnn.random import manual_seed

KINDS = ("array", "tensor", "pil")


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


def picture(kind: str, height: int = 5, width: int = 7, channels: int = 3) -> Any:
    """Return the same picture of bytes as an array (H, W, C), a Tensor (C, H, W) or a PIL image."""
    values = np.random.default_rng(0).integers(256, size=(height, width, channels), dtype=np.uint8)
    if kind == "tensor":
        return from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1)))
    if kind == "pil":
        return pytest.importorskip("PIL.Image").fromarray(values)
    return values


def hwc(result: Any) -> np.ndarray:
    """Return any kind of picture as an array (H, W, C)."""
    return result.numpy().transpose(1, 2, 0) if isinstance(result, Tensor) else np.asarray(result)


def same_kind(result: Any, source: Any) -> bool:
    return any(isinstance(result, kind) for kind in type(source).__mro__[:-1])


# ---- ToTensor and Normalize


@pytest.mark.parametrize("kind", KINDS)
def test_to_tensor(kind: str) -> None:
    tensor = T.ToTensor()(picture(kind))
    assert tensor.dtype == np.float32
    expected = picture("array").transpose(2, 0, 1).astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(tensor.numpy(), expected)
    assert tensor.numpy().flags.c_contiguous


@pytest.mark.parametrize("kind", KINDS)
def test_to_tensor_of_grey(kind: str) -> None:
    grey: Any = picture("array")[..., 0].copy()
    expected = (grey / np.float32(255))[None]
    if kind == "tensor":
        grey = from_numpy(grey)
    elif kind == "pil":
        grey = pytest.importorskip("PIL.Image").fromarray(grey)
    np.testing.assert_array_equal(F.to_tensor(grey).numpy(), expected)


def test_to_tensor_keeps_other_numbers_and_never_shares_memory() -> None:
    values = np.random.default_rng(0).random((4, 4, 2))
    tensor = F.to_tensor(values)
    assert tensor.dtype == np.float64
    tensor.numpy()[...] = 7
    assert values.max() < 1
    values = np.ones((2, 4, 4), dtype=np.float32)
    F.to_tensor(from_numpy(values)).numpy()[...] = 7
    assert values.max() == 1


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "I", "F"])
def test_to_tensor_of_pil_modes(mode: str) -> None:
    image = pytest.importorskip("PIL.Image").new(mode, (3, 2), 1)
    tensor = F.to_tensor(image)
    assert tuple(tensor.shape) == (len(image.getbands()), 2, 3)
    largest = {"1": 1, "I": 1, "F": 1}.get(mode, np.float32(1) / np.float32(255))
    assert tensor.numpy().max() == largest
    assert tensor.dtype == (np.int32 if mode == "I" else np.float32)


def test_to_tensor_refuses() -> None:
    for wrong in (
        3,
        "a.png",
        [[1]],
        np.zeros(3),
        np.zeros((2, 2, 2, 2)),
        as_tensor([1.0]),
        from_numpy(np.zeros((2, 2, 2, 2))),
    ):
        with three_lines(ArgumentTypeError, "to_tensor", type(wrong).__name__):
            T.ToTensor()(wrong)


def test_normalize() -> None:
    x = T.ToTensor()(picture("array"))
    before = x.numpy().copy()
    mean, std = (0.4, 0.5, 0.6), (0.1, 0.2, 0.3)
    expected = (before - np.array(mean, "f4")[:, None, None]) / np.array(std, "f4")[:, None, None]
    got = T.Normalize(mean, std)(x)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got.numpy(), expected)
    np.testing.assert_array_equal(x.numpy(), before)
    batch = from_numpy(np.stack([before, before]))
    np.testing.assert_array_equal(F.normalize(batch, mean, std).numpy(), np.stack([expected, expected]))
    np.testing.assert_array_equal(T.Normalize((0.5,), (2.0,))(x).numpy(), (before - np.float32(0.5)) / 2)
    T.Normalize(mean, std, inplace=True)(x)
    np.testing.assert_array_equal(x.numpy(), expected)


def test_normalize_refuses() -> None:
    x = T.ToTensor()(picture("array"))
    with three_lines(ShapeError, "(3, 5, 7)", "2 means"):
        T.Normalize((0, 0), (1, 1, 1))(x)
    with three_lines(ShapeError, "(5, 7)"):
        T.Normalize((0,), (1,))(x[0])
    with three_lines(ParameterError, "std"):
        T.Normalize((0, 0, 0), (1, 0, 1))(x)
    for wrong in (picture("array"), picture("tensor")):
        with three_lines(ArgumentTypeError, "ToTensor() before Normalize"):
            T.Normalize((0,), (1,))(wrong)


def test_compose_and_lambda() -> None:
    recipe = T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.5,)), T.Lambda(lambda x: x.shape)])
    assert tuple(recipe(picture("array"))) == (3, 5, 7)
    assert repr(recipe) == "Compose(\n    ToTensor()\n    Normalize(mean=(0.5,), std=(0.5,))\n    Lambda()\n)"
    with three_lines(ArgumentTypeError, "Lambda"):
        T.Lambda(3)  # type: ignore[arg-type]


# ---- geometry


@pytest.mark.parametrize("kind", KINDS)
def test_crop(kind: str) -> None:
    source, values = picture(kind), picture("array")
    result = F.crop(source, 1, 2, 3, 4)
    assert same_kind(result, source)
    np.testing.assert_array_equal(hwc(result), values[1:4, 2:6])
    outside = hwc(F.crop(source, -1, 5, 3, 4))  # beyond the top and the right
    expected = np.zeros((3, 4, 3), np.uint8)
    expected[1:, :2] = values[:2, 5:]
    np.testing.assert_array_equal(outside, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_center_crop(kind: str) -> None:
    np.testing.assert_array_equal(hwc(T.CenterCrop((3, 3))(picture(kind))), picture("array")[1:4, 2:5])
    np.testing.assert_array_equal(hwc(T.CenterCrop(2)(picture(kind))), picture("array")[2:4, 2:4])
    larger = hwc(T.CenterCrop((8, 7))(picture(kind)))
    np.testing.assert_array_equal(larger, np.pad(picture("array"), [(1, 2), (0, 0), (0, 0)]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("padding", "sides"),
    [
        (2, ((2, 2), (2, 2))),
        ((1, 3), ((3, 3), (1, 1))),
        ((1, 2, 3, 0), ((2, 0), (1, 3))),
        ([1], ((1, 1), (1, 1))),
    ],
)
def test_pad(kind: str, padding: Any, sides: Any) -> None:
    expected = np.pad(picture("array"), [*sides, (0, 0)], constant_values=9)
    np.testing.assert_array_equal(hwc(T.Pad(padding, fill=9)(picture(kind))), expected)
    for mode in ("edge", "reflect", "symmetric"):
        expected = np.pad(picture("array"), [*sides, (0, 0)], mode=mode)
        np.testing.assert_array_equal(hwc(T.Pad(padding, padding_mode=mode)(picture(kind))), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_flip(kind: str) -> None:
    source = picture(kind)
    np.testing.assert_array_equal(hwc(T.RandomHorizontalFlip(1)(source)), picture("array")[:, ::-1])
    assert T.RandomHorizontalFlip(0)(source) is source
    manual_seed(0)
    flipped = sum(T.RandomHorizontalFlip()(source) is not source for _ in range(400))
    assert 150 < flipped < 250


@pytest.mark.parametrize("kind", KINDS)
def test_random_crop(kind: str) -> None:
    source, values = picture(kind), picture("array")
    places = set()
    for seed in range(80):
        with batch_stream(seed):
            got = hwc(T.RandomCrop((3, 5))(source))
        place = [
            (top, left)
            for top in range(3)
            for left in range(3)
            if np.array_equal(got, values[top : top + 3, left : left + 5])
        ]
        assert len(place) == 1
        places.update(place)
    assert len(places) == 9  # every place comes up
    assert hwc(T.RandomCrop(9, padding=2)(source)).shape == (9, 9, 3)
    assert hwc(T.RandomCrop((9, 4), pad_if_needed=True)(source)).shape == (9, 4, 3)
    assert T.RandomCrop.get_params(source, (5, 7)) == (0, 0, 5, 7)
    with three_lines(ParameterError, "(5, 7)", "(6, 6)", "padding"):
        T.RandomCrop(6)(source)


@pytest.mark.parametrize("kind", KINDS)
def test_resize(kind: str) -> None:
    image_module = pytest.importorskip("PIL.Image")
    source = picture(kind, 8, 12)
    result = T.Resize((4, 6))(source)
    assert same_kind(result, source)
    expected = np.asarray(picture("pil", 8, 12).resize((6, 4), image_module.Resampling.BILINEAR))
    np.testing.assert_array_equal(hwc(result), expected)
    assert hwc(T.Resize(4)(source)).shape == (4, 6, 3)
    assert hwc(T.Resize([4])(picture(kind, 12, 8))).shape == (6, 4, 3)
    np.testing.assert_array_equal(hwc(T.Resize((8, 12))(source)), picture("array", 8, 12))


@pytest.mark.peers
@pytest.mark.parametrize("size", [(14, 14), (32, 40), (28, 9)])
def test_resize_of_floats_is_pytorchs(size: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("PIL.Image")
    values = np.random.default_rng(0).random((3, 28, 28), dtype=np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(values)[None], size, mode="bilinear", antialias=True, align_corners=False
    )[0]
    np.testing.assert_allclose(T.Resize(size)(from_numpy(values)).numpy(), expected.numpy(), atol=1e-5)


def test_geometry_refuses() -> None:
    for make in (T.CenterCrop, T.RandomCrop, T.Resize):
        for size in (0, (3, -1), (1, 2, 3), ()):
            with three_lines(ParameterError, make.__name__, repr(size)):
                make(size)
    for padding, mode in (((1, 2, 3), "constant"), (-1, "constant"), (1, "mirror")):
        with three_lines(ParameterError, "Pad", mode):
            T.Pad(padding, padding_mode=mode)
        with three_lines(ParameterError, "pad", mode):
            F.pad(picture("array"), padding, padding_mode=mode)
    with three_lines(ParameterError, "1.5"):
        T.RandomHorizontalFlip(1.5)
    with three_lines(DTypeError, "int64"):
        F.resize(np.zeros((3, 3), dtype=np.int64), (2, 2))
    for function in (
        F.hflip,
        lambda x: F.crop(x, 0, 0, 1, 1),
        lambda x: F.pad(x, 1),
        lambda x: F.resize(x, 3),
    ):
        with three_lines(ArgumentTypeError, "list"):
            function([[1, 2]])


def test_resize_without_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "PIL"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with three_lines(DataError, "resize", "minicnn[images]"):
        F.resize(np.zeros((3, 3), dtype=np.uint8), 2)
    assert T.Compose([T.RandomCrop(2), T.ToTensor()])(np.zeros((3, 3), dtype=np.uint8)).shape == (1, 2, 2)
