"""Resizing and sampling grids."""

from __future__ import annotations

from hypothesis import assume

import minicnn
from drawn import Call, choose, drawn, flag, normal, rarely
from minicnn.nn import functional

# Within 1e-7 of a whole place PyTorch rounds to it, in float64 too; these stay clear of that.
FACTORS = (0.25, 0.5, 1.0, 1.1, 1.5, 2.0, 3.0, *(k / 100 for k in range(20, 350, 7)))


@drawn("interpolate")
def _interpolate(draw, rng, name):
    dims = choose(draw, 1, 2, 2, 3)
    weighed = {1: ("linear",), 2: ("bilinear", "bicubic"), 3: ("trilinear",)}[dims]
    mode = choose(draw, "nearest", "nearest-exact", "area", *weighed, *weighed)
    size = (choose(draw, 1, 2), choose(draw, 1, 2), *(choose(draw, *range(1, 10)) for _ in range(dims)))
    options = {"mode": mode}
    if flag(draw):
        sizes = tuple(choose(draw, *range(1, 10)) for _ in range(dims))
        options["size"] = sizes if flag(draw) else sizes[0]
    else:
        smallest = 1.001 / min(size[2:])
        factors = tuple(max(choose(draw, *FACTORS), smallest) for _ in range(dims))
        options["scale_factor"] = factors if flag(draw) else factors[0]
        options["recompute_scale_factor"] = choose(draw, None, False, True)
    if mode in weighed or rarely(draw):
        options["align_corners"] = choose(draw, None, False, True)
        options["antialias"] = dims == 2 and flag(draw)
    given = options.get("scale_factor")
    if given and not options["recompute_scale_factor"] and (mode in ("nearest", "bicubic") or options.get("antialias")):
        # Where a factor that is not whole leaves the size, or doubles it, PyTorch's values depend on the order in
        # memory, and its gradient is not theirs.
        for have, factor in zip(size[2:], given if isinstance(given, tuple) else (given,) * dims, strict=True):
            assume(factor in (1, 2) or int(have * factor) not in (have, 2 * have))
    if options.get("antialias") and mode in weighed:  # PyTorch leaves images one pixel wide as they are
        resized = functional.interpolate(minicnn.zeros(size), **options)
        assume(size[-1] > 1 and resized.shape[-1] > 1)
    return Call((normal(rng, size),), options)


@drawn("grid_sample")
def _grid_sample(draw, rng, name):
    dims = choose(draw, 2, 2, 3)
    mode = choose(draw, *("bilinear", "nearest", "bicubic")[: 3 if dims == 2 else 2])
    n, channels, reach = choose(draw, 1, 2, 3), choose(draw, 2, 1, 0), choose(draw, 0.9, 1.0, 1.5, 9.0)
    x = normal(rng, (n, channels, *(choose(draw, *range(1, 7)) for _ in range(dims))))
    places = rng.uniform(-reach, reach, (n, *(choose(draw, 2, 3, 1, 4, 0) for _ in range(dims)), dims))
    return Call((x, places, mode, choose(draw, "zeros", "border", "reflection")), {"align_corners": flag(draw)})


@drawn("affine_grid")
def _affine_grid(draw, rng, name):
    dims = choose(draw, 2, 3)
    n = choose(draw, 1, 2, 3)
    size = (n + rarely(draw), 2, *(choose(draw, *range(1, 6)) for _ in range(dims)))
    return Call((normal(rng, (n, dims, dims + 1)), list(size)), {"align_corners": flag(draw)})
