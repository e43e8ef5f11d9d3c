"""Convolutions, their transposes, and windows as columns."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from peers_helpers import F, torch

from drawn import Call, choose, drawn, flag, normal, rarely, spelled


def sizes(draw, dims, low, high):
    """Return one number for all dims, or one for each."""
    one = st.integers(low, high)
    return draw(one) if flag(draw) else tuple(draw(one) for _ in range(dims))


def bias_of(draw, rng, channels):
    """Return a bias or none; rarely one that does not fit."""
    return normal(rng, (channels + rarely(draw),)) if flag(draw) else None


def image(draw, rng, channels, spatial):
    """Return an image, a batch of them or an empty batch; rarely with a channel too many."""
    channels += rarely(draw)
    return normal(rng, (channels, *spatial) if rarely(draw) else (choose(draw, 2, 1, 3, 0), channels, *spatial))


@drawn("conv1d", "conv2d", "conv3d")
def _conv(draw, rng, name):
    dims = int(name[4])
    groups = choose(draw, 1, 2, 3)
    c, o = groups * choose(draw, 1, 2), groups * choose(draw, 1, 2)
    kernel = tuple(choose(draw, 1, 2, 3) for _ in range(dims))
    padding = choose(draw, "same", "valid") if choose(draw, *range(5)) == 4 else sizes(draw, dims, 0, 3)
    options = {
        "stride": 1 if padding == "same" and not rarely(draw) else sizes(draw, dims, 1, 3),
        "padding": padding,
        "dilation": sizes(draw, dims, 1, 2),
        "groups": groups,
    }
    x = image(draw, rng, c, [choose(draw, *range(3, 8 if dims < 3 else 6)) for _ in range(dims)])
    return spelled(draw, (x, normal(rng, (o, c // groups, *kernel)), bias_of(draw, rng, o)), options)


@drawn("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def _conv_transpose(draw, rng, name):
    dims = int(name[14])
    groups = choose(draw, 1, 2, 3)
    c, o = groups * choose(draw, 1, 2), groups * choose(draw, 1, 2)
    kernel = tuple(choose(draw, 1, 2, 3) for _ in range(dims))
    options = {
        "stride": sizes(draw, dims, 1, 3),
        "padding": sizes(draw, dims, 0, 1),
        "output_padding": sizes(draw, dims, 0, 2) if choose(draw, *range(4)) == 3 else 0,  # below stride or dilation
        "groups": groups,
        "dilation": sizes(draw, dims, 1, 2),
    }
    x = image(draw, rng, c, [choose(draw, *range(2, 6 if dims < 3 else 4)) for _ in range(dims)])
    if not x.size:  # PyTorch does not look at the sizes then
        options["padding"] = options["output_padding"] = 0
    return spelled(draw, (x, normal(rng, (c, o // groups, *kernel)), bias_of(draw, rng, o)), options)


def _windows(draw):
    kernel = sizes(draw, 2, 1, 3)
    options = [sizes(draw, 2, 1, 2), sizes(draw, 2, 0, 2), sizes(draw, 2, 1, 3)]
    return kernel, dict(zip(("dilation", "padding", "stride"), options, strict=True))


@drawn("unfold")
def _unfold(draw, rng, name):
    kernel, options = _windows(draw)
    size = [choose(draw, 2, 1, 3, *(() if not rarely(draw) else (0,))), *(choose(draw, *range(3, 7)) for _ in range(2))]
    x = normal(rng, tuple(size) if rarely(draw) else (choose(draw, 2, 1, 0), *size))
    return spelled(draw, (x, kernel), options)


@drawn("fold")
def _fold(draw, rng, name):
    """As many columns as the windows of such an image, mostly."""
    kernel, options = _windows(draw)
    out = sizes(draw, 2, 3, 6)
    ones = torch.ones(1, 1, *(out if isinstance(out, tuple) else (out, out)))
    try:
        rows, columns = F.unfold(ones, kernel, **options).shape[1:]
    except RuntimeError:  # a kernel larger than the image
        rows, columns = 4, 4
    size = (rows * choose(draw, 1, 2, 3) + (rarely(draw) and rows > 1), columns + rarely(draw))
    x = normal(rng, size if rarely(draw) else (choose(draw, 2, 1, 0), *size))
    return spelled(draw, (x, out, kernel), options)


@drawn("locally_connected2d")
def _locally_connected(draw, rng, name):
    """PyTorch has none: a product of windows with the weights of their places."""
    c, o, kernel = choose(draw, 1, 2), choose(draw, 1, 2, 3), tuple(choose(draw, 1, 2, 3) for _ in range(2))
    options = {"stride": sizes(draw, 2, 1, 3), "padding": sizes(draw, 2, 0, 2), "dilation": sizes(draw, 2, 1, 2)}
    spatial = [choose(draw, *range(3, 7)) for _ in range(2)]
    probe = torch.ones(1, 1, *spatial)
    try:
        places = tuple(F.conv2d(probe, torch.ones(1, 1, *kernel), **options).shape[2:])
    except RuntimeError:
        places = (1, 1)
    x = image(draw, rng, c, spatial)
    weight = normal(rng, (*places, o, c, *kernel))
    bias = normal(rng, (o, *places)) if flag(draw) else None

    def theirs(x, weight, bias, stride, padding, dilation):
        oh, ow, _, c, *kernel = weight.shape
        if x.shape[-3] != c:
            raise ValueError("channels")
        columns = F.unfold(x, kernel, dilation, padding, stride).unflatten(-1, (oh, ow))  # (N, K, OH, OW)
        y = torch.einsum("...khw,hwok->...ohw", columns, weight.flatten(3))
        return y if bias is None else y + bias

    return Call((x, weight, bias, *options.values()), theirs=theirs)


@drawn("bilinear")
def _bilinear(draw, rng, name):
    batch = tuple(choose(draw, 2, 3, 1, 0) for _ in range(choose(draw, 1, 1, 2, 0)))
    i, j, o = (choose(draw, 2, 1, 3, 4) for _ in range(3))
    other = (*batch[:-1], batch[-1] + 1) if batch and rarely(draw) else batch
    a, b = normal(rng, (*batch, i)), normal(rng, (*other, j + rarely(draw)))
    return Call((a, b, normal(rng, (o, i, j)), *((bias_of(draw, rng, o),) if flag(draw) else ())))


@drawn("pixel_shuffle", "pixel_unshuffle", "channel_shuffle")
def _shuffle(draw, rng, name):
    r = choose(draw, 1, 2, 3, *((0, -1) if rarely(draw) else ()))
    if name == "channel_shuffle":
        batch: tuple[int, ...] = (choose(draw, 2, 1, 0),)
    else:
        batch = tuple(choose(draw, 2, 1, 3) for _ in range(choose(draw, 1, 0, 2)))
    c, h, w = (choose(draw, 1, 2, 3) for _ in range(3))
    if name == "pixel_shuffle":
        c = c * r * r + rarely(draw)
    elif name == "pixel_unshuffle":
        h, w = h * r, w * r + rarely(draw)
    else:
        c = c * r + rarely(draw)
    return Call((normal(rng, (*batch, *np.abs((c, h, w)))), r))
