"""Picture files as `minicnn predict` reads them: every mode and size comes out as MNIST's pictures are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from minicnn.cli.picture import DIGIT, GARMENT, read_picture
from minicnn.data import Digits
from minicnn.errors import DataError


def digit(number: int = 0) -> np.ndarray[Any, Any]:
    pixels: np.ndarray[Any, Any] = Digits(train=False).data.numpy()[number]
    return pixels


def alike(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    return float(np.corrcoef(a.ravel().astype(float), b.ravel().astype(float))[0, 1])


def nearly_alike(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    """As `alike`, up to a pixel to any side: rounding decides where a centre of mass goes."""
    return max(alike(np.roll(a, (down, right), axis=(0, 1)), b) for down in (-1, 0, 1) for right in (-1, 0, 1))


def test_a_picture_of_mnist_stays_as_it_is(tmp_path: Path) -> None:
    Image.fromarray(digit()).save(tmp_path / "p.png")
    picture = read_picture(tmp_path / "p.png")
    assert np.array_equal(picture.pixels, digit())
    assert picture.pixels.dtype == np.uint8
    assert picture.note == "28x28 pixels"


def test_dark_on_light_is_inverted(tmp_path: Path) -> None:
    Image.fromarray(255 - digit()).save(tmp_path / "p.png")
    picture = read_picture(tmp_path / "p.png")
    assert np.array_equal(picture.pixels, digit())
    assert "inverted" in picture.note


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "I;16", "I", "F"])
@pytest.mark.parametrize("light", [False, True], ids=["dark", "light"])
def test_every_mode(tmp_path: Path, mode: str, light: bool) -> None:
    values = 255 - digit() if light else digit()
    image = Image.fromarray(values)
    if mode == "I;16":
        image = Image.fromarray(values.astype(np.uint16) * 257)
    elif mode == "I":
        image = Image.fromarray(values.astype(np.int32) * 257)
    elif mode != "L":
        image = image.convert(mode)
    name = "p.tif" if mode in ("CMYK", "I", "F") else "p.png"
    image.save(tmp_path / name)
    picture = read_picture(tmp_path / name)
    assert alike(picture.pixels, digit()) > (0.9 if mode == "1" else 0.999)
    assert ("inverted" in picture.note) is light


@pytest.mark.parametrize("ink", [0, 255])
def test_strokes_on_a_transparent_background(tmp_path: Path, ink: int) -> None:
    layers = np.zeros((28, 28, 4), dtype=np.uint8)
    layers[..., :3] = ink
    layers[..., 3] = digit()
    Image.fromarray(layers).save(tmp_path / "p.png")
    assert alike(read_picture(tmp_path / "p.png").pixels, digit()) > 0.999


@pytest.mark.parametrize(("width", "height"), [(280, 280), (1000, 1000), (14, 14), (300, 200), (200, 300), (28, 56)])
def test_every_size(tmp_path: Path, width: int, height: int) -> None:
    """The digit stands in the middle of a wide or high picture, and keeps its proportions."""
    side = min(width, height)
    paper = Image.new("L", (width, height), 255)
    small = Image.fromarray(255 - digit()).resize((side, side), Image.Resampling.BICUBIC)
    paper.paste(small, ((width - side) // 2, (height - side) // 2))
    paper.save(tmp_path / "p.png")
    picture = read_picture(tmp_path / "p.png")
    assert picture.pixels.shape == (28, 28)
    assert (picture.pixels.min(), picture.pixels.max()) == (0, 255)
    assert f"{width}x{height} pixels" in picture.note
    assert "was scaled to 20 and centred by its centre of mass in 28x28" in picture.note
    assert nearly_alike(picture.pixels, digit()) > (0.95 if side >= 28 else 0.8)


def test_thin_strokes_are_not_lost(tmp_path: Path) -> None:
    paper = np.full((560, 560), 255, dtype=np.uint8)
    paper[100:460, 279:281] = 0  # a line of 2 pixels, a tenth of a pixel at the end
    Image.fromarray(paper).save(tmp_path / "p.png")
    pixels = read_picture(tmp_path / "p.png").pixels
    assert pixels.max() == 255
    assert pixels[:, :10].max() == 0


@pytest.mark.parametrize(("width", "height"), [(300, 300), (500, 200), (200, 500)])
@pytest.mark.parametrize("side", [20, 60, 180])
@pytest.mark.parametrize("corner", [(0, 0), (1, 0), (0.5, 1)])
def test_off_centre_or_small(tmp_path: Path, width: int, height: int, side: int, corner: tuple[float, float]) -> None:
    paper = Image.new("L", (width, height), 255)
    small = Image.fromarray(255 - digit()).resize((side, side), Image.Resampling.BICUBIC)
    paper.paste(small, (round(corner[0] * (width - side)), round(corner[1] * (height - side))))
    paper.save(tmp_path / "p.png")
    assert nearly_alike(read_picture(tmp_path / "p.png").pixels, digit()) > 0.9


def test_a_small_picture_that_is_off_centre(tmp_path: Path) -> None:
    Image.fromarray(np.roll(digit(), (4, 4), axis=(0, 1))).save(tmp_path / "p.png")
    picture = read_picture(tmp_path / "p.png")
    assert nearly_alike(picture.pixels, digit()) > 0.95
    assert "centred" in picture.note


def test_noisy_paper_with_a_shadow(tmp_path: Path) -> None:
    paper = np.full((300, 400), 200.0) + np.random.default_rng(0).normal(0, 6, (300, 400)) + np.linspace(-20, 20, 400)
    big = np.asarray(Image.fromarray(digit()).resize((120, 120), Image.Resampling.BICUBIC))
    paper[30:150, 250:370] -= 0.6 * big
    Image.fromarray(paper.clip(0, 255).astype(np.uint8)).save(tmp_path / "p.png")
    assert nearly_alike(read_picture(tmp_path / "p.png").pixels, digit()) > 0.9


def test_the_pictures_of_the_data_set_fit(tmp_path: Path) -> None:
    """Nearly all of MNIST's own pictures stay as they are; the rest were cut off when MNIST was made."""
    notes = []
    for pixels in Digits(train=False).data.numpy()[:300]:
        Image.fromarray(pixels).save(tmp_path / "p.png")
        notes.append(read_picture(tmp_path / "p.png", DIGIT).note)
    assert notes.count("28x28 pixels") >= 299


def test_clothes_fill_the_picture(tmp_path: Path) -> None:
    paper = np.full((100, 300), 255, dtype=np.uint8)
    paper[20:60, 40:120] = 0
    Image.fromarray(paper).save(tmp_path / "p.png")
    pixels = read_picture(tmp_path / "p.png", GARMENT).pixels
    assert (pixels[7:21] == 255).all()
    assert pixels.sum() == 14 * 28 * 255
    Image.fromarray(digit()).save(tmp_path / "p.png")
    assert np.array_equal(read_picture(tmp_path / "p.png", GARMENT).pixels, digit())


def test_colours_of_one_grey(tmp_path: Path) -> None:
    colours = np.full((50, 50, 3), (255, 0, 0), dtype=np.uint8)
    colours[10:20, 10:20] = (0, 130, 0)  # 0.299 · 255 = 0.587 · 130
    Image.fromarray(colours).save(tmp_path / "p.png")
    with pytest.raises(DataError, match="of one brightness"):
        read_picture(tmp_path / "p.png")


@pytest.mark.parametrize("factor", [1.5, 3])  # Pillow warns of the first, and refuses the second
def test_too_many_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    Image.new("L", (round(1000 * factor), 100), 255).save(tmp_path / "p.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100_000)
    with pytest.raises(DataError, match="too many pixels") as error:
        read_picture(tmp_path / "p.png")
    assert "Fix: scale it down" in str(error.value)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_blank(tmp_path: Path, value: int) -> None:
    Image.new("L", (50, 50), value).save(tmp_path / "p.png")
    with pytest.raises(DataError, match="blank"):
        read_picture(tmp_path / "p.png")


def test_one_pixel(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), "red").save(tmp_path / "p.png")
    with pytest.raises(DataError, match="blank"):
        read_picture(tmp_path / "p.png")


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", "half"])
def test_unreadable(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "p.png"
    if content == "half":
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (50, 50), dtype=np.uint8)).save(path)
        content = path.read_bytes()[:1000]
    path.write_bytes(content)
    with pytest.raises(DataError, match="no picture") as error:
        read_picture(path)
    assert str(path) in str(error.value)
    assert len(str(error.value).splitlines()) == 3


def test_missing_and_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not there"):
        read_picture(tmp_path / "none.png")
    with pytest.raises(DataError, match="this is a folder"):
        read_picture(tmp_path)


def test_without_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(DataError, match="Pillow") as error:
        read_picture(tmp_path / "p.png")
    assert "pip install 'minicnn[images]'" in str(error.value)
