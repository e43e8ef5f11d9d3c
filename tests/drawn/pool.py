"""Pooling."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from peers_helpers import F, torch

from drawn import Call, choose, distinct, drawn, flag, normal, positive, rarely, special, tied
from drawn.conv import sizes


def options_of(draw, dims):
    """Return the arguments that all kinds have; rarely with more padding than half the kernel."""
    kernel = sizes(draw, dims, 1, 3)
    half = min(kernel if isinstance(kernel, tuple) else (kernel,)) // 2
    return {
        "kernel_size": kernel,
        "stride": None if flag(draw) else sizes(draw, dims, 1, 4),
        "padding": half + 1 if rarely(draw) else draw(st.integers(0, half)),
        "ceil_mode": flag(draw),
    }


def shape_of(draw, dims, least=1):
    """Return a batch, one image, or no image; rarely one smaller than a kernel (PyTorch refuses it in 3 dims alone)."""
    batch = choose(draw, (2, 2), (1, 3), (2,), (0, 2) if rarely(draw) else (2, 2))
    low = least if dims < 3 and rarely(draw) else 4
    return (*batch, *(draw(st.integers(low, 7 - dims // 2)) for _ in range(dims)))


@drawn("max_pool1d", "max_pool2d", "max_pool3d")
def _max_pool(draw, rng, name):
    dims = int(name[8])
    options = options_of(draw, dims)
    options["dilation"] = sizes(draw, dims, 1, 2)
    # Where a window is padding alone, which it can be over one pixel, PyTorch writes outside its memory
    size = shape_of(draw, dims, 2)
    x = choose(draw, distinct, distinct, tied, special)(rng, size)
    if flag(draw):
        options["return_indices"] = True
    return Call((x,), options)


@drawn("avg_pool1d", "avg_pool2d", "avg_pool3d")
def _avg_pool(draw, rng, name):
    dims = int(name[8])
    options = options_of(draw, dims)
    options["count_include_pad"] = flag(draw)
    if dims > 1:
        options["divisor_override"] = choose(draw, None, None, 1, 3, 5, 0 if rarely(draw) else 2)
    return Call((normal(rng, shape_of(draw, dims)),), options)


def wanted(draw, dims):
    """Return the sizes to come out at: one for all dims or one each, and None for the input's own."""
    if flag(draw):
        return choose(draw, 1, 2, 3, 4, 7)
    kept = (None,) if dims > 1 else ()
    return tuple(choose(draw, 1, 2, 3, 4, 6, *kept) for _ in range(dims))


@drawn("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d")
def _adaptive_avg_pool(draw, rng, name):
    dims = int(name[17])
    return Call((normal(rng, shape_of(draw, dims)), wanted(draw, dims)))


@drawn("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def _adaptive_max_pool(draw, rng, name):
    dims = int(name[17])
    x = choose(draw, distinct, distinct, tied, special)(rng, shape_of(draw, dims))
    x = np.where(np.isnan(x), 0.0, x)
    return Call((x, wanted(draw, dims)), {"return_indices": True} if flag(draw) else {})


@drawn("lp_pool1d", "lp_pool2d", "lp_pool3d")
def _lp_pool(draw, rng, name):
    """Sums of odd powers may be negative; only whole powers of negative numbers are numbers."""
    dims, p = int(name[7]), choose(draw, 2, 1, 3, 2.0, 4, 1.5, 0.5)
    stride = None if flag(draw) else sizes(draw, dims if dims > 1 else 1, 1, 4)
    kernel = sizes(draw, dims, 1, 3) if dims > 1 else choose(draw, 1, 2, 3)
    x = (normal if p in (2, 4) else positive)(rng, shape_of(draw, dims))
    return Call((x, p, kernel, stride, flag(draw)))


@drawn("max_unpool1d", "max_unpool2d", "max_unpool3d")
def _max_unpool(draw, rng, name):
    """Back from what max pooling gave, to the size before or to another one near it."""
    dims = int(name[10])
    options = options_of(draw, dims)
    del options["ceil_mode"]
    before = torch.tensor(distinct(rng, shape_of(draw, dims)))  # without dilation: no window is padding alone
    try:
        y, places = getattr(F, f"max_pool{dims}d")(before, **options, return_indices=True)
    except RuntimeError:  # a kernel larger than the image, or too much padding
        y = places = before[..., :1].long()
    wrong = rarely(draw)
    whole = before.shape[-dims:] if before.ndim == dims + 1 else before.shape
    size = choose(draw, None, tuple(before.shape[-dims:]), tuple(whole))
    if size is not None and wrong:
        size = tuple(s + choose(draw, 1, 2, 5) for s in size)
    places = places.numpy() + (wrong and choose(draw, 0, 1, 100, -100))
    x = np.sin(y.numpy() * rng.uniform(1.0, 9.0))  # equal where windows share a place: any of them may be kept
    return Call((x, np.asarray(places), *options.values(), size))
