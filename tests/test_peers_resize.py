"""Resizing, sampling grids and the layers that resize, against PyTorch's, where drawn calls seldom come."""

import warnings

import numpy as np
import pytest
from peers_helpers import compare

import minicnn
from minicnn import nn
from minicnn.nn import functional as F

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nearest_picks_the_same_element_at_all_sizes(mode, dtype):
    """The index is rounded as PyTorch's: in float32, where i · r is all but whole."""
    for have in range(1, 40):
        x = np.arange(have, dtype=dtype).reshape(1, 1, have)
        for want in range(1, 90):
            mine = F.interpolate(minicnn.tensor(x), want, mode=mode)
            assert mine.tolist() == torch.nn.functional.interpolate(torch.tensor(x), want, mode=mode).tolist()
        for factor in (0.3, 0.7, 1.1, 1.3, 1.7, 2.3, 3.0, 1 / 0.3, 1 / 0.7):
            if int(have * factor):
                mine = F.interpolate(minicnn.tensor(x), scale_factor=factor, mode=mode)
                other = torch.nn.functional.interpolate(torch.tensor(x), scale_factor=factor, mode=mode)
                assert mine.tolist() == other.tolist(), (have, factor)


@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("size", [(3, 4), (1, 5), (2, 3, 4)])
@pytest.mark.parametrize("align_corners", [False, True])
def test_the_grid_of_no_change_gives_the_image_and_its_gradient(padding_mode, size, align_corners):
    """All places lie on pixels, those at the ends too, where the gradient has a step."""
    d = len(size)
    theta = np.tile(np.eye(d, d + 1), (2, 1, 1))
    x = normal(0, 2, 3, *size)
    grid = F.affine_grid(minicnn.tensor(theta), x.shape, align_corners)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # PyTorch's of unit sizes
        other = torch.nn.functional.affine_grid(torch.tensor(theta), x.shape, align_corners)
    assert np.abs(grid.numpy() - other.numpy()).max() < 1e-12
    exact = np.round(grid.numpy() * 2**20) / 2**20 if align_corners else grid.numpy()
    if align_corners or padding_mode == "zeros":
        compare(F.grid_sample, torch.nn.functional.grid_sample, [x, exact, "nearest", padding_mode, align_corners], {})
    y = F.grid_sample(minicnn.tensor(x), grid, "bilinear", padding_mode, align_corners)
    assert np.abs(y.numpy() - x).max() < 1e-12


@pytest.mark.parametrize("padding_mode", ["border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_the_gradient_at_the_outermost_pixels(padding_mode, mode):
    ends = np.array([-1.0, 1.0, 0.0, -1.5, 1.5, 3.0, -3.0])
    places = np.stack(np.meshgrid(ends, ends), -1)[None]
    args = [normal(1, 1, 2, 3, 5), places, mode, padding_mode, True]
    compare(F.grid_sample, torch.nn.functional.grid_sample, args, {})


def test_places_halfway_are_rounded_to_the_even_pixel():
    places = np.stack(np.meshgrid([-0.5, 0.0, 0.5], [-0.5, 0.0, 0.5]), -1)[None]
    args = [normal(1, 1, 2, 4, 4), places, "nearest", "zeros", False]
    compare(F.grid_sample, torch.nn.functional.grid_sample, args, {})


def test_a_factor_that_leaves_the_size_leaves_the_image():
    x = normal(0, 1, 2, 5, 4)
    kwargs = {"scale_factor": 1.15, "mode": "bilinear"}
    compare(F.interpolate, torch.nn.functional.interpolate, [x], kwargs)
    for antialias in (False, True):  # PyTorch's gradient is not that of its values, smoothed
        mine = F.interpolate(minicnn.tensor(x), **kwargs, antialias=antialias)
        theirs = torch.nn.functional.interpolate(torch.tensor(x), **kwargs, antialias=antialias)
        assert mine.tolist() == theirs.tolist() == x.tolist()


def test_places_that_are_no_numbers():
    x = minicnn.tensor(normal(0, 1, 1, 3, 3))
    places = minicnn.tensor([[[[np.inf, 0.0], [-np.inf, 0.5], [np.nan, 0.0], [1e30, -1e30]]]], dtype=minicnn.float64)
    for mode in ("bilinear", "nearest", "bicubic"):
        for padding_mode in ("zeros", "border", "reflection"):
            grid = places.clone().requires_grad_()
            y = F.grid_sample(x, grid, mode, padding_mode, align_corners=True)
            assert y.isfinite().all()
            if padding_mode == "zeros":
                assert y[0, 0, 0, [0, 1, 3]].tolist() == [0.0] * 3
            as_minus_one = F.grid_sample(x, places.nan_to_num(nan=-1.0), mode, padding_mode, align_corners=True)
            assert y.tolist() == as_minus_one.tolist()
            y.sum().backward()
            assert grid.grad.isfinite().all()
            assert not grid.grad[0, 0, :2, 0].any()


@pytest.mark.parametrize(
    ("name", "kwargs"),
    [
        ("Upsample", {"scale_factor": 1.7, "mode": "bilinear", "recompute_scale_factor": True}),
        ("Upsample", {"scale_factor": (2, 1.5), "mode": "bicubic"}),
        ("Upsample", {"size": (5, 3), "mode": "nearest-exact"}),
        ("Upsample", {"size": 7, "mode": "bilinear", "align_corners": True}),
        ("UpsamplingNearest2d", {"scale_factor": 2}),
        ("UpsamplingNearest2d", {"size": (4, 7)}),
        ("UpsamplingBilinear2d", {"scale_factor": 2}),
        ("UpsamplingBilinear2d", {"size": 6}),
    ],
)
def test_layers(name, kwargs):
    mine, theirs = getattr(nn, name)(**kwargs), getattr(torch.nn, name)(**kwargs)
    compare(mine, theirs, [normal(0, 2, 3, 3, 4)], {})
    assert repr(mine) == repr(theirs)


def test_upsample_is_deprecated():
    x = normal(0, 1, 2, 3, 4)
    with pytest.warns(DeprecationWarning, match="interpolate"):
        mine = F.upsample(minicnn.tensor(x), None, 2, "bilinear", True)
    with pytest.warns(UserWarning, match="interpolate"):
        theirs = torch.nn.functional.upsample(torch.tensor(x), None, 2, "bilinear", True)
    assert np.abs(mine.numpy() - theirs.numpy()).max() < 1e-12
