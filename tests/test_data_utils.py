"""Pictures side by side: the grid, and the file that it is written to."""

import io
import os

import numpy as np
import pytest
from PIL import Image

from minicnn import as_tensor, from_numpy
from minicnn.data import utils
from minicnn.data.utils import make_grid, save_image
from minicnn.errors import ArgumentTypeError, DataError, ParameterError, ShapeError


def refused(kind, call, *words):
    with pytest.raises(kind) as caught:
        call()
    text = str(caught.value)
    assert text.count("\n") == 2, text
    for word in words:
        assert word in text, f"{word!r} is not in:\n{text}"


def batch(*shape, seed=0):
    return from_numpy(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


def test_places_of_the_pictures():
    x = batch(5, 3, 4, 6)
    grid = make_grid(x, nrow=2, padding=1, pad_value=7.0).numpy()
    assert grid.shape == (3, 3 * 5 + 1, 2 * 7 + 1)
    for i, (top, left) in enumerate([(1, 1), (1, 8), (6, 1), (6, 8), (11, 1)]):
        np.testing.assert_array_equal(grid[:, top : top + 4, left : left + 6], x.numpy()[i])
    assert (grid[:, 0] == 7).all()
    assert (grid[:, 11:, 8:] == 7).all()
    assert make_grid(x, padding=0).shape == (3, 4, 5 * 6)
    np.testing.assert_array_equal(make_grid([x[i] for i in range(5)], 2, 1, pad_value=7.0).numpy(), grid)


def test_one_picture_and_grey_ones():
    grey = batch(3, 1, 4, 4)
    assert make_grid(grey).shape == (3, 8, 20)
    np.testing.assert_array_equal(make_grid(grey[0]).numpy(), np.repeat(grey[0].numpy(), 3, axis=0))
    np.testing.assert_array_equal(make_grid(grey[0, 0]).numpy(), np.repeat(grey[0].numpy(), 3, axis=0))
    one = batch(1, 3, 4, 4)
    grid = make_grid(one)
    np.testing.assert_array_equal(grid.numpy(), one[0].numpy())
    grid[...] = 0
    assert one.numpy().any()  # a copy


def test_normalize():
    x = batch(4, 3, 4, 4) * 10
    every = make_grid(x, normalize=True, padding=0).numpy()
    assert (every.min(), every.max()) == (0, 1)
    each = make_grid(x, normalize=True, scale_each=True, padding=0).numpy()
    assert all((each[:, :, i : i + 4].min(), each[:, :, i : i + 4].max()) == (0, 1) for i in range(0, 16, 4))
    cut = make_grid(x, normalize=True, value_range=(-1, 1), padding=0).numpy()
    np.testing.assert_allclose(cut[:, :, :4], (x[0].numpy().clip(-1, 1) + 1) / 2, rtol=1e-6)
    assert np.abs(x.numpy()).max() > 1  # the pictures are as they were
    assert not make_grid(as_tensor(np.full((2, 3, 2, 2), 5.0)), normalize=True).numpy().any()  # a constant: 0


def test_make_grid_refuses():
    x = batch(2, 3, 4, 4)
    for wrong in (3, "x", np.zeros((2, 3, 4, 4)), [], [1, 2]):
        refused(ArgumentTypeError, lambda w=wrong: make_grid(w), "make_grid", "Tensor")
    for wrong in (batch(3), batch(1, 2, 3, 4, 4), [batch(3, 4, 4), batch(3, 4, 5)], batch(0, 3, 4, 4)):
        refused(ShapeError, lambda w=wrong: make_grid(w), "make_grid")
    refused(ParameterError, lambda: make_grid(x, nrow=0), "nrow")
    refused(ParameterError, lambda: make_grid(x, padding=-1), "padding")
    refused(ArgumentTypeError, lambda: make_grid(x, normalize=True, value_range=3), "value_range")


def test_save_image(tmp_path):
    x = from_numpy(np.random.default_rng(0).random((4, 1, 5, 5), dtype=np.float32))
    path = tmp_path / "grid.png"
    save_image(x, path, nrow=2, padding=1)
    with Image.open(path) as picture:
        values = np.asarray(picture)
    expected = np.floor(make_grid(x, 2, 1).numpy() * 255.0 + 0.5).astype(np.uint8).transpose(1, 2, 0)
    np.testing.assert_array_equal(values, expected)
    save_image(x * 3 - 1, str(tmp_path / "grid.jpg"), normalize=True)
    assert sorted(os.listdir(tmp_path)) == ["grid.jpg", "grid.png"]
    buffer = io.BytesIO()
    save_image(x, buffer, format="BMP")
    assert buffer.getvalue()[:2] == b"BM"
    save_image(x, tmp_path / "named_otherwise", format="PNG")
    assert (tmp_path / "named_otherwise").read_bytes()[1:4] == b"PNG"
    assert utils.save_image is save_image


def test_save_image_clips(tmp_path):
    save_image(as_tensor([[[-1.0, 0.5, 2.0]]]), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        assert np.asarray(picture)[0, :, 0].tolist() == [0, 128, 255]


def test_save_image_writes_whole_or_not_at_all(tmp_path, monkeypatch):
    x, path = batch(2, 3, 4, 4), tmp_path / "a.png"
    save_image(x, path)
    before = path.read_bytes()

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    refused(DataError, lambda: save_image(x * 0, path), "a.png", "No space left")
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.png"]
    monkeypatch.undo()
    refused(DataError, lambda: save_image(x, tmp_path / "nowhere" / "a.png"), "cannot be written")
    for name, options in (("a.xyz", {}), ("a", {}), ("a.png", {"format": "XYZ"})):
        refused(ParameterError, lambda n=name, o=options: save_image(x, tmp_path / n, **o), "picture format")
    refused(ArgumentTypeError, lambda: save_image([1], path), "make_grid")
    assert path.read_bytes() == before


def test_save_image_and_channels(tmp_path):
    for channels, mode in ((1, "RGB"), (2, "LA"), (3, "RGB"), (4, "RGBA")):
        save_image(batch(channels, 4, 4), tmp_path / "a.png")
        with Image.open(tmp_path / "a.png") as picture:
            assert picture.mode == mode
    before = (tmp_path / "a.png").read_bytes()
    refused(ShapeError, lambda: save_image(batch(5, 4, 4), tmp_path / "a.png"), "save_image", "5 channels")
    for channels in (2, 4):
        for fp, options in ((tmp_path / "a.jpg", {}), (io.BytesIO(), {"format": "JPEG"})):
            x = batch(channels, 4, 4)
            refused(ShapeError, lambda x=x, f=fp, o=options: save_image(x, f, **o), "JPEG", "channels")
    refused(ParameterError, lambda: save_image(batch(3, 4, 4), io.BytesIO(), format="XYZ"), "picture format")
    assert os.listdir(tmp_path) == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == before
