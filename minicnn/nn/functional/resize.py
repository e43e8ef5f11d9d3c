"""Resizing of images: by the nearest element, by weights of neighbours, by means of areas."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minicnn.autograd.graph import wrap
from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import backend_of
from minicnn.errors import ArgumentTypeError, DTypeError, ParameterError, ShapeError, message
from minicnn.nn.functional.adaptive import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from minicnn.nn.functional.common import need_float_tensors
from minicnn.tensor import Tensor

NEAREST = ("nearest", "nearest-exact")
WEIGHED = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}  # modes, and the spatial dims they are for
AREA: dict[int, Any] = {1: adaptive_avg_pool1d, 2: adaptive_avg_pool2d, 3: adaptive_avg_pool3d}


def cubic(t: Any, a: float) -> tuple[Any, Any]:
    """Keys' kernel at distances from 0 to 2, in the two polynomials that it is made of, below and above 1."""
    return ((a + 2) * t - (a + 3)) * t * t + 1, ((t - 5) * t + 8) * t * a - 4 * a


def cubic_weights(t: Any) -> list[Any]:
    """The weights of the four elements around, at distances 1 + t, t, 1 − t and 2 − t."""
    a = -0.75
    return [cubic(1 + t, a)[1], cubic(t, a)[0], cubic(1 - t, a)[0], cubic(2 - t, a)[1]]


def _interpolate_samples(rng: Rng) -> Iterator[Sample]:
    row, image, volume = (rng.normal(size=size) for size in ((2, 2, 5), (2, 2, 3, 4), (1, 2, 2, 3, 2)))
    for mode in (*NEAREST, "area"):
        yield Sample(image, scale_factor=2, mode=mode)
        yield Sample(image, (5, 3), mode=mode)
        yield Sample(image, scale_factor=(1.7, 0.6), mode=mode)
        yield Sample(row, 8, mode=mode)
        yield Sample(volume, (3, 2, 5), mode=mode)
    for x, mode in ((row, "linear"), (image, "bilinear"), (volume, "trilinear"), (image, "bicubic")):
        yield Sample(x, 4, mode=mode)
        yield Sample(x, 7, None, mode, True)
        yield Sample(x, scale_factor=1.7, mode=mode, align_corners=False)
        yield Sample(x, scale_factor=1.7, mode=mode, recompute_scale_factor=True)
        yield Sample(x, 1, mode=mode, align_corners=True)
    for mode in ("bilinear", "bicubic"):
        yield Sample(rng.normal(size=(1, 2, 7, 9)), (3, 4), mode=mode, antialias=True)
        yield Sample(image, (2, 9), None, mode, True, None, True)
        yield Sample(rng.normal(size=(1, 1, 8, 5)), scale_factor=(0.3, 0.7), mode=mode, antialias=True)
        yield Sample(image, (3, 4), mode=mode)  # as it was
    yield Sample(np.zeros((0, 2, 3, 4)), (2, 2))
    yield Sample(np.zeros((0, 2, 3, 4)), 5, mode="bicubic")


def _interpolate_errors() -> Iterator[ErrorSample]:
    x = np.ones((1, 1, 4, 4))
    yield ErrorSample(ArgumentTypeError, ("interpolate", "Tensor", "list"), [1.0], 2)
    yield ErrorSample(DTypeError, ("interpolate", "int64"), x.astype(np.int64), 2)
    yield ErrorSample(ParameterError, ("interpolate", "size", "scale_factor"), x)
    yield ErrorSample(ParameterError, ("interpolate", "size", "scale_factor"), x, 2, 2.0)
    yield ErrorSample(ParameterError, ("size", "2 numbers", "3"), x, (2, 2, 2))
    yield ErrorSample(ParameterError, ("scale_factor", "2 numbers", "1"), x, scale_factor=(2.0,))
    yield ErrorSample(ArgumentTypeError, ("size", "ints", "2.5"), x, 2.5)
    yield ErrorSample(ArgumentTypeError, ("scale_factor", "numbers", "'2'"), x, scale_factor="2")
    yield ErrorSample(ShapeError, ("above 0", "(0, 0)"), x, 0)
    yield ErrorSample(ShapeError, ("above 0", "(0, 0)"), x, scale_factor=0.1)
    yield ErrorSample(ShapeError, ("above 0", "(1, 1, 0, 4)"), x[:, :, :0], 2)
    yield ErrorSample(ParameterError, ("mode", "'cubic'"), x, 2, mode="cubic")
    yield ErrorSample(ShapeError, ("'linear'", "3 dims", "4"), x, 2, mode="linear")
    yield ErrorSample(ShapeError, ("3, 4 or 5 dims", "2"), x[0, 0], 2)
    yield ErrorSample(ParameterError, ("align_corners", "'nearest'"), x, 2, align_corners=False)
    yield ErrorSample(ParameterError, ("recompute_scale_factor", "size"), x, 2, recompute_scale_factor=True)
    yield ErrorSample(ParameterError, ("antialias", "'nearest'"), x, 2, antialias=True)


@composition(_interpolate_samples, _interpolate_errors)
def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Resize images: along each dim y = A · x, row i of A weighing the elements around s = (i + ½) · r − ½, r = S / OS.

    | mode | weights |
    | --- | --- |
    | "nearest" | 1 for element ⌊i · r⌋ |
    | "nearest-exact" | 1 for element ⌊(i + ½) · r⌋ |
    | "linear", "bilinear", "trilinear" | 1 − \\|t\\| for the two elements at distances t from s |
    | "bicubic" | Keys' cubic with a = −0.75 for the four around s |
    | "area" | equal ones for all from ⌊i · r⌋ to ⌈(i + 1) · r⌉ |

    Weights of 0 are weights: in modes that have them, infinities and NaN make NaN of their whole row and column.

    Shapes: input (N, C, *S); output (N, C, *OS).

    Args:
        size: OS, one number or one a dim.
        scale_factor: OS / S, one number or one a dim, where no size is given; OS is rounded down, r = 1 / scale_factor.
        mode: one of the table; "linear" is for 1 spatial dim, "bilinear" and "bicubic" for 2, "trilinear" for 3.
        align_corners: in modes with weights, put corners on corners: s = i · (S − 1) / (OS − 1). False by default.
        recompute_scale_factor: whether r is S / OS, with OS rounded down, where scale_factor is given.
        antialias: where images shrink, stretch the weights' kernel r times, so that all elements count ("bilinear", and
            "bicubic", then with a = −0.5).
    Gradient: Aᵀ along each dim. (PyTorch's of "nearest" and "bicubic" is not, where a factor that is not whole leaves
        the size as it was, or doubles it.)
    Raises:
        ParameterError: not one of size and scale_factor, an unknown mode, or an option that the mode does not have.
        ShapeError: dims that the mode is not for, or no elements.
        ArgumentTypeError: size is not of ints.
    Source: Keys, "Cubic Convolution Interpolation for Digital Image Processing" (1981), equation 4.

    >>> import minicnn
    >>> interpolate(minicnn.tensor([[[1.0, 2.0]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    >>> interpolate(minicnn.tensor([[[1.0, 2.0]]]), 4, mode="linear")
    tensor([[[1.0000, 1.2500, 1.7500, 2.0000]]])
    """
    need_float_tensors("interpolate", input=input)
    _check_mode(input, mode, align_corners, antialias)
    if recompute_scale_factor and size is not None:
        raise ParameterError(
            message("interpolate", "recompute_scale_factor has no meaning with a size.", f"size {size}", "drop one.")
        )
    sizes, factors = _sizes(input, size, scale_factor)
    if mode == "area":
        return AREA[len(sizes)](input, sizes)
    be, x = backend_of(input._array), input
    for dim, (have, want, factor) in enumerate(zip(input.shape[2:], sizes, factors, strict=True), 2):
        step = have / want if factor is None or recompute_scale_factor else 1 / factor
        if mode in NEAREST:
            x = _picked(x, dim, _nearest(have, want, step, mode, x.dtype))
            continue
        if align_corners:
            step = (have - 1) / (want - 1) if want > 1 else 0.0
        if have == want and (antialias or mode != "bicubic"):
            step = 1.0  # as in PyTorch: nothing to do, whatever the factor was
        matrix = (_antialiased if antialias else _weighed)(have, want, step, bool(align_corners), mode)
        columns: Tensor = wrap(be.constant(matrix.astype(str(x.dtype))))
        x = (x.transpose(dim, -1) @ columns).transpose(dim, -1)
    return x


def upsample(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """The old name of `interpolate`, with a deprecation warning.

    Shapes: as `interpolate`.

    Args:
        size, scale_factor, mode, align_corners: as for `interpolate`.
    Raises:
        ShapeError, ParameterError: as for `interpolate`.

    >>> import minicnn, warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     upsample(minicnn.tensor([[[1.0, 2.0]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    """
    warnings.warn("upsample is deprecated: write interpolate.", DeprecationWarning, stacklevel=2)
    return interpolate(input, size, scale_factor, mode, align_corners)


# ---- where elements are read: an index, or a matrix Aᵀ of (S, OS)


def _nearest(have: int, want: int, step: float, mode: str, dtype: Any) -> Any:
    kind = np.dtype("float64" if dtype == "float64" else "float32").type  # rounded as PyTorch does, to hit the same
    at, step = np.arange(want), float(kind(step))
    places = at * step if mode == "nearest" else np.maximum((at + 0.5) * step - 0.5, 0).astype(kind) + kind(0.5)
    return np.minimum(np.floor(places.astype(np.float32)).astype(np.int64), have - 1)


def _picked(x: Tensor, dim: int, index: Any) -> Tensor:
    """Return x[..., index, ...]; repeats of each element by broadcasting, whose gradient is a mere sum."""
    have, want = x.shape[dim], len(index)
    times = want // have
    if times and (index == np.arange(want) // times).all():
        repeated = x.unsqueeze(dim + 1).expand(*x.shape[: dim + 1], times, *x.shape[dim + 1 :])
        return repeated.flatten(dim, dim + 1)
    where: Tensor = wrap(backend_of(x._array).constant(index))
    return x[(slice(None),) * dim + (where,)]


def _weighed(have: int, want: int, step: float, align_corners: bool, mode: str) -> Any:
    i = np.arange(want)
    s = i * step if align_corners else (i + 0.5) * step - 0.5
    if mode != "bicubic":
        s = np.clip(s, 0, have - 1)
    low = np.floor(s).astype(np.int64)
    t = s - low
    matrix = np.zeros((have, want))
    for k, weights in enumerate(cubic_weights(t), -1) if mode == "bicubic" else ((0, 1 - t), (1, t)):
        np.add.at(matrix, (np.clip(low + k, 0, have - 1), i), weights)  # beyond the ends, the last element goes on
    return matrix


def _antialiased(have: int, want: int, step: float, align_corners: bool, mode: str) -> Any:
    centers = (np.arange(want) + 0.5) * step
    t = np.abs(np.arange(have)[:, None] + 0.5 - centers) / max(step, 1.0)
    if mode == "bilinear":
        matrix = np.maximum(1 - t, 0)
    else:
        near, far = cubic(t, -0.5)
        matrix = np.where(t < 1, near, np.where(t < 2, far, 0.0))
    return matrix / matrix.sum(0)


# ---- arguments


def _check_mode(input: Tensor, mode: str, align_corners: bool | None, antialias: bool) -> None:
    where, d, got = "interpolate", input.ndim - 2, f"input {tuple(input.shape)} = (N, C, ...); mode {mode!r}"
    if mode not in (*NEAREST, "area", *WEIGHED):
        modes = ", ".join(map(repr, (*NEAREST, "area", *WEIGHED)))
        raise ParameterError(
            message(
                where,
                f"mode expects one of {modes}, got {mode!r}.",
                got,
                "write mode='bilinear' for images, for example.",
            )
        )
    if d not in AREA:
        raise ShapeError(
            message(where, f"input expects 3, 4 or 5 dims, got {input.ndim}.", got, "reshape it to (N, C, H, W).")
        )
    if WEIGHED.get(mode, d) != d:
        fitting = [name for name, dims in WEIGHED.items() if dims == d]
        problem = f"mode {mode!r} expects an input of {WEIGHED[mode] + 2} dims, got {input.ndim}."
        raise ShapeError(message(where, problem, got, f"mode={fitting[0]!r} is for this input."))
    if align_corners is not None and mode not in WEIGHED:
        problem = f"align_corners has no meaning in mode {mode!r}."
        raise ParameterError(message(where, problem, got, "leave it out, or choose a mode with weights."))
    if antialias and mode not in ("bilinear", "bicubic"):
        problem = f"antialias expects mode 'bilinear' or 'bicubic', got {mode!r}."
        raise ParameterError(message(where, problem, got, "leave it out."))


def _sizes(input: Tensor, size: Any, scale_factor: Any) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """Return the output's spatial sizes, and the factors, or Nones where sizes are given."""
    where, have = "interpolate", input.shape[2:]
    got = f"input {tuple(input.shape)} = (N, C, ...); size {size}, scale_factor {scale_factor}"
    if (size is None) == (scale_factor is None):
        raise ParameterError(
            message(
                where,
                "expects either size or scale_factor, and not both.",
                got,
                "use scale_factor=2 alone, for example.",
            )
        )
    name, given = ("size", size) if scale_factor is None else ("scale_factor", scale_factor)
    values = tuple(given) if isinstance(given, (tuple, list)) else (given,) * len(have)
    if len(values) != len(have):
        problem = f"{name} expects {len(have)} numbers, got {len(values)}."
        raise ParameterError(message(where, problem, got, "give one number for all dims, or one per dim."))
    try:
        if scale_factor is None:
            factors: tuple[float | None, ...] = (None,) * len(have)
            sizes = tuple(operator.index(value) for value in values)
        else:
            factors = tuple(value + 0.0 for value in values)
            sizes = tuple(int(n * f) if math.isfinite(f) else 0 for n, f in zip(have, values, strict=True))
    except TypeError:
        kind = "ints" if scale_factor is None else "numbers"
        raise ArgumentTypeError(
            message(where, f"{name} expects {kind}, got {given!r}.", got, f"use {name}=2, for example.")
        ) from None
    if min(sizes) <= 0 or min(input.shape[1:]) == 0:
        problem = f"expects sizes above 0, got {sizes} from {tuple(input.shape)}."
        raise ShapeError(message(where, problem, got, "give it pixels, and a size or factor that leaves some."))
    return sizes, factors
