"""Transforms of size, angle, light and colour, and transforms of transforms."""

from collections import Counter

import numpy as np
import pytest

import minicnn
from minicnn import as_tensor, from_numpy
from minicnn.data import DataLoader, Digits
from minicnn.data import transforms as T
from minicnn.data.stream import batch_stream
from minicnn.data.transforms import functional as F
from minicnn.errors import ArgumentTypeError, DTypeError, ParameterError
from minicnn.random import manual_seed

Image = pytest.importorskip("PIL.Image")
KINDS = ("array", "tensor", "pil")


def refused(kind, call, *words):
    with pytest.raises(kind) as caught:
        call()
    text = str(caught.value)
    assert text.count("\n") == 2, text
    for word in words:
        assert word in text, f"{word!r} is not in:\n{text}"


def values(height=12, width=16, channels=3):
    return np.random.default_rng(0).integers(256, size=(height, width, channels), dtype=np.uint8)


def picture(kind, pixels=None):
    pixels = values() if pixels is None else pixels
    if kind == "tensor":
        return from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
    return Image.fromarray(pixels) if kind == "pil" else pixels


def hwc(result):
    if isinstance(result, minicnn.Tensor):
        return result.numpy().transpose(1, 2, 0)
    found = np.asarray(result)
    return found[..., None] if found.ndim == 2 else found


SAME = {  # those that give the same bytes for all three kinds of picture
    "RandomVerticalFlip": T.RandomVerticalFlip(1),
    "FiveCrop": lambda x: T.FiveCrop((5, 6))(x)[2],
    "TenCrop": lambda x: T.TenCrop(4)(x)[6],
    "Resize": T.Resize((7, 20)),
    "Resize max_size": T.Resize(10, max_size=12),
    "Resize bicubic": T.Resize(9, T.InterpolationMode.BICUBIC),
    "Resize by Pillow's number": T.Resize((5, 5), 4),
    "RandomResizedCrop": T.RandomResizedCrop(6),
    "RandomRotation": T.RandomRotation(40, T.InterpolationMode.BILINEAR, fill=(1, 2, 3)),
    "RandomRotation expand": T.RandomRotation((30, 60), expand=True),
    "RandomAffine": T.RandomAffine(20, (0.2, 0.2), (0.7, 1.3), (-5, 5, -9, 9), fill=7),
    "Pad in colour": T.Pad(2, fill=(9, 8, 7)),
    "invert": F.invert,
    "blur": lambda x: T.GaussianBlur(3, 1.0)(x if not isinstance(x, Image.Image) else np.asarray(x)),
}


@pytest.mark.parametrize("name", SAME)
def test_arrays_tensors_and_pil_images_give_the_same(name):
    results = []
    for kind in KINDS:
        with batch_stream(5):
            results.append(hwc(SAME[name](picture(kind))))
    assert results[0].shape[-1] == 3
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])
    assert results[0].shape != values().shape or (results[0] != values()).any()


RANDOM = [
    T.RandomRotation(40),
    T.RandomAffine(20, (0.2, 0.2)),
    T.RandomResizedCrop(6),
    T.ColorJitter(0.5, 0.5, 0.5, 0.2),
    T.GaussianBlur(3),
    T.RandomChoice([T.RandomVerticalFlip(1), T.RandomHorizontalFlip(1), T.Pad(1), T.CenterCrop(4)]),
    T.RandomOrder([T.Pad(1), T.RandomRotation((90, 90)), T.CenterCrop((7, 3))]),
    T.RandomApply([T.Pad(1)]),
    T.RandomGrayscale(0.5),
]


@pytest.mark.parametrize("transform", RANDOM, ids=lambda t: type(t).__name__)
def test_manual_seed_determines_what_is_drawn(transform):
    def run(seed):
        manual_seed(seed)
        return [hwc(transform(picture("array"))).tobytes() for _ in range(6)]

    assert run(0) == run(0)
    assert run(0) != run(1)
    assert len(set(run(0))) > 1


def test_under_a_loader_draws_do_not_depend_on_workers():
    recipe = T.Compose([T.RandomAffine(15, (0.1, 0.1)), T.ColorJitter(0.4), T.ToTensor(), T.RandomErasing()])
    runs = [
        next(iter(DataLoader(Digits(train=False, transform=recipe), 16, seed=3, num_workers=workers)))[0].numpy()
        for workers in (0, 2)
    ]
    np.testing.assert_array_equal(*runs)


# ---- light and colour


@pytest.mark.parametrize("kind", KINDS)
def test_no_change(kind):
    x = picture(kind)
    for call in (
        lambda x: F.adjust_brightness(x, 1),
        lambda x: F.adjust_contrast(x, 1),
        lambda x: F.adjust_saturation(x, 1),
        lambda x: F.adjust_gamma(x, 1),
        T.ColorJitter(),
    ):
        np.testing.assert_array_equal(hwc(call(x)), values())
    assert np.abs(hwc(F.adjust_hue(x, 0)).astype(int) - values()).max() <= (8 if kind == "pil" else 1)


def test_colours_of_floats():
    x = as_tensor(np.array([0.2, 0.6, 0.4]).reshape(3, 1, 1))
    np.testing.assert_allclose(F.adjust_brightness(x, 2).numpy().ravel(), [0.4, 1.0, 0.8], rtol=1e-6)
    grey = 0.2989 * 0.2 + 0.587 * 0.6 + 0.114 * 0.4
    np.testing.assert_allclose(F.adjust_saturation(x, 0).numpy().ravel(), [grey] * 3, rtol=1e-6)
    np.testing.assert_allclose(F.adjust_contrast(x, 0.5).numpy().ravel(), np.array([0.2, 0.6, 0.4]) / 2 + grey / 2)
    np.testing.assert_allclose(F.adjust_hue(x, 1 / 3).numpy().ravel(), [0.4, 0.2, 0.6], atol=1e-6)  # to the next
    np.testing.assert_allclose(F.adjust_hue(x, -1 / 3).numpy().ravel(), [0.6, 0.4, 0.2], atol=1e-6)
    np.testing.assert_allclose(F.adjust_gamma(x, 2, 0.5).numpy().ravel(), [0.02, 0.18, 0.08], rtol=1e-6)
    assert F.adjust_hue(x, 0.1).dtype == np.float64
    one = as_tensor(np.array([[[0.3]]]))
    assert F.adjust_hue(one, 0.2) is one
    assert F.adjust_saturation(one, 0.2) is one


def test_grey():
    for kind in KINDS:
        x = picture(kind)
        assert hwc(T.Grayscale()(x)).shape == (12, 16, 1)
        three = hwc(T.Grayscale(3)(x))
        assert (three[..., :1] == three).all()
        assert hwc(T.RandomGrayscale(1)(x)).shape == (12, 16, 3)
        assert T.RandomGrayscale(0)(x) is x
    assert F.get_dimensions(picture("pil")) == F.get_dimensions(picture("array")) == [3, 12, 16]
    assert F.get_image_size(picture("tensor")) == [16, 12]


def test_color_jitter_draws_within_its_ranges():
    jitter = T.ColorJitter(brightness=0.3, saturation=(0.5, 2.0), hue=0.1)
    assert (jitter.brightness, jitter.contrast, jitter.hue) == ((0.7, 1.3), None, (-0.1, 0.1))
    orders = set()
    for _ in range(300):
        order, brightness, contrast, saturation, hue = jitter.get_params(
            jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue
        )
        orders.add(tuple(order))
        assert 0.7 <= brightness <= 1.3
        assert contrast is None
        assert 0.5 <= saturation <= 2
        assert -0.1 <= hue <= 0.1
    assert len(orders) == 24
    assert T.ColorJitter(brightness=3).brightness == (0, 4)


def test_blur_keeps_the_mean_and_spreads_a_spot():
    spot = np.zeros((9, 9), np.float32)
    spot[4, 4] = 1
    blurred = F.gaussian_blur(spot, (5, 3), (1.0, 0.5))
    assert abs(blurred.sum() - 1) < 1e-6
    weights = [np.exp(-0.5 * (np.arange(-(n // 2), n // 2 + 1) / s) ** 2) for n, s in ((3, 0.5), (5, 1.0))]
    expected = np.outer(*(w / w.sum() for w in weights))
    np.testing.assert_allclose(blurred[3:6, 2:7], expected, rtol=1e-5)


# ---- geometry


def test_rotation_and_affine_by_right_angles():
    x = values()
    np.testing.assert_array_equal(F.rotate(x, 90, expand=True), np.rot90(x))
    np.testing.assert_array_equal(F.rotate(x, 180), x[::-1, ::-1])
    np.testing.assert_array_equal(F.affine(x, 180, (0, 0), 1, 0), x[::-1, ::-1])
    moved = F.affine(x, 0, (3, -2), 1, 0, fill=5)
    np.testing.assert_array_equal(moved[:-2, 3:], x[2:, :-3])
    assert (moved[-2:] == 5).all()
    assert (moved[:, :3] == 5).all()
    doubled = F.affine(x, 0, (0, 0), 2, 0)
    np.testing.assert_array_equal(doubled[2:10:2, 2:14:2], x[4:8, 5:11])
    counter = F.rotate(x[:12, :12].copy(), 37)
    np.testing.assert_array_equal(F.affine(x[:12, :12].copy(), -37, (0, 0), 1, 0), counter)  # clockwise there
    batch = as_tensor(np.random.default_rng(0).random((2, 3, 6, 6)))
    np.testing.assert_array_equal(F.rotate(batch, 90).numpy(), np.rot90(batch.numpy(), axes=(-2, -1)).astype("f4"))


def test_resize_of_tensors_without_antialias_and_nearest():
    x = as_tensor(np.arange(8.0).reshape(1, 1, 8))
    assert F.resize(x, (1, 4), antialias=False).numpy().ravel().tolist() == [0.5, 2.5, 4.5, 6.5]
    assert F.resize(x, (1, 2), antialias=False).numpy().ravel().tolist() == [1.5, 5.5]  # two neighbours alone
    assert F.resize(x, (1, 2)).numpy().ravel().tolist() != [1.5, 5.5]
    assert F.resize(x, (1, 3), F.InterpolationMode.NEAREST).numpy().ravel().tolist() == [0, 2, 5]
    assert F.resize(x, (1, 3), F.InterpolationMode.NEAREST_EXACT).numpy().ravel().tolist() == [1, 4, 6]
    whole = F.resize(as_tensor(np.array([[[0, 3]]], np.uint8)), (1, 4), antialias=False)
    assert whole.numpy().ravel().tolist() == [0, 1, 2, 3]  # 0, 0.75, 2.25, 3


def test_random_resized_crop_cuts_within_its_ranges():
    places = Counter()
    for _ in range(300):
        top, left, height, width = T.RandomResizedCrop.get_params(picture("array"), (0.2, 0.6), (0.5, 2.0))
        assert 0 <= top <= 12 - height
        assert 0 <= left <= 16 - width
        assert 0.15 < height * width / (12 * 16) < 0.7
        assert 0.4 < width / height < 2.6
        places[top, left] += 1
    assert len(places) > 20
    large = np.zeros((400, 400), np.uint8)
    drawn = np.array([T.RandomResizedCrop.get_params(large, (0.2, 0.3), (0.5, 2.0)) for _ in range(400)])
    proportions, areas = drawn[:, 3] / drawn[:, 2], drawn[:, 2] * drawn[:, 3] / 400**2
    np.testing.assert_allclose([proportions.min(), proportions.max()], [0.5, 2], rtol=0.03)
    np.testing.assert_allclose([areas.min(), areas.max()], [0.2, 0.3], rtol=0.03)
    assert 0.4 < (proportions < 1).mean() < 0.6  # as often upright as lying
    # Where no rectangle fits, the largest one in the middle.
    wide = np.zeros((4, 100), np.uint8)
    assert T.RandomResizedCrop.get_params(wide, (0.9, 1.0), (0.75, 1.25)) == (0, 47, 4, 5)
    assert T.RandomResizedCrop.get_params(wide.T, (0.9, 1.0), (0.75, 1.25)) == (47, 0, 5, 4)


# ---- erasing


def test_random_erasing():
    x = minicnn.ones(3, 20, 30)
    areas = []
    for _ in range(200):
        gone = T.RandomErasing(p=1, scale=(0.1, 0.3), value=(0.0, 5.0, 7.0))(x).numpy()
        assert (gone[0] == 0).sum() == (gone[1] == 5).sum() == (gone[2] == 7).sum()
        rows, columns = np.nonzero(gone[0] == 0)
        assert (np.ptp(rows) + 1) * (np.ptp(columns) + 1) == len(rows)  # a rectangle
        areas.append(len(rows) / 600)
    assert 0.08 < min(areas) < 0.14
    assert 0.26 < max(areas) < 0.32
    assert (x == 1).all()
    noise = T.RandomErasing(p=1, value="random")(x).numpy()
    assert len(np.unique(noise)) > 30
    assert T.RandomErasing(p=0)(x) is x
    erased = T.RandomErasing(p=1, inplace=True)(x)
    assert erased is x
    assert (x == 0).any()
    manual_seed(0)
    fresh = minicnn.ones(1, 9, 9)
    assert 60 < sum(bool((T.RandomErasing(0.4)(fresh) == 0).any()) for _ in range(200)) < 100


# ---- transforms of transforms


def test_choice_order_and_apply():
    manual_seed(0)
    choice = T.RandomChoice([lambda x: "a", lambda x: "b", lambda x: "c"], p=[1, 0, 3])
    counts = Counter(choice(None) for _ in range(800))
    assert set(counts) == {"a", "c"}
    assert 160 < counts["a"] < 240
    orders = {T.RandomOrder([lambda x: x + "a", lambda x: x + "b", lambda x: x + "c"])("") for _ in range(100)}
    assert orders == {"abc", "acb", "bac", "bca", "cab", "cba"}
    applied = Counter(T.RandomApply([lambda x: x + 1, lambda x: x * 2], p=0.25)(1) for _ in range(800))
    assert set(applied) == {1, 4}
    assert 160 < applied[4] < 240


# ---- errors


@pytest.mark.parametrize(
    ("kind", "call", "word"),
    [
        (ParameterError, lambda: T.RandomVerticalFlip(2), "p expects"),
        (ParameterError, lambda: T.RandomApply([], p=-1), "p expects"),
        (ArgumentTypeError, lambda: T.RandomApply(3), "list of transforms"),
        (ArgumentTypeError, lambda: T.RandomOrder([3]), "list of transforms"),
        (ParameterError, lambda: T.RandomChoice([abs], p=[1, 2]), "for 1 transforms"),
        (ArgumentTypeError, lambda: T.Resize(3, "bilinear"), "InterpolationMode"),
        (ParameterError, lambda: T.Resize(8, max_size=8)(values()), "max_size"),
        (ParameterError, lambda: T.Resize((8, 9), max_size=10)(values()), "max_size"),
        (ParameterError, lambda: T.RandomResizedCrop(8, scale=(0, 1)), "scale"),
        (ParameterError, lambda: T.RandomResizedCrop(8, ratio=2), "ratio"),
        (ParameterError, lambda: F.rotate(values(), 3, F.InterpolationMode.BOX), "NEAREST, BILINEAR or BICUBIC"),
        (ParameterError, lambda: F.rotate(values(), 3, fill=(1, 2)), "fill"),
        (ParameterError, lambda: F.rotate(picture("pil"), 3, fill=(1, 2)), "fill"),
        (ParameterError, lambda: F.pad(values(), 1, fill=(1, 2)), "fill"),
        (ParameterError, lambda: F.affine(values(), 0, (0, 0), 0, 0), "scale"),
        (ParameterError, lambda: F.affine(values(), 0, (0,), 1, 0), "translate"),
        (ParameterError, lambda: F.affine(values(), 0, (0, 0), 1, (1, 2, 3)), "shear"),
        (DTypeError, lambda: F.rotate(np.zeros((3, 3), int), 3), "int64"),
        (ParameterError, lambda: F.adjust_brightness(values(), -1), "brightness_factor"),
        (ArgumentTypeError, lambda: F.adjust_contrast(values(), "2"), "contrast_factor"),
        (ParameterError, lambda: F.adjust_gamma(values(), -1), "gamma"),
        (ParameterError, lambda: F.gaussian_blur(values(3, 3), 7), "picture (3, 3)"),
        (ParameterError, lambda: F.gaussian_blur(values(), 3, 0), "sigma"),
        (ArgumentTypeError, lambda: T.RandomErasing(1)(values()), "ToTensor() first"),
        (ArgumentTypeError, lambda: T.RandomErasing(0)(picture("pil")), "ToTensor() first"),
        (ArgumentTypeError, lambda: F.erase(values(), 0, 0, 1, 1, 0), "erase"),
        (ParameterError, lambda: T.RandomErasing(1, value=(1, 2))(minicnn.ones(3, 9, 9)), "3 channels"),
        (ArgumentTypeError, lambda: F.pil_to_tensor(values()), "PIL image"),
        (ParameterError, lambda: F.to_pil_image(np.zeros((2, 2, 2, 2))), "2 or 3 dimensions"),
        (ParameterError, lambda: F.to_pil_image(np.zeros((2, 2, 5), np.uint8)), "(2, 2, 5)"),
        (ArgumentTypeError, lambda: F.to_pil_image(np.zeros((2, 2, 3))), "float64"),
        (ParameterError, lambda: F.to_pil_image(values(), "L"), "RGB, YCbCr, HSV"),
        (ArgumentTypeError, lambda: F.convert_image_dtype(values()), "Tensor"),
    ],
)
def test_refused(kind, call, word):
    refused(kind, call, word)


def test_ranges_the_wrong_way_around_are_warned_of():
    with pytest.warns(UserWarning, match="scale expects"):
        T.RandomErasing(scale=(0.3, 0.1))
