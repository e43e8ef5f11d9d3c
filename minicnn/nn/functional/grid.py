"""Sampling grids: where each element of an output is read from its input, as in spatial transformers."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator, Sequence

import numpy as np

from minicnn.autograd.graph import own, wrap
from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import backend_of
from minicnn.errors import ArgumentTypeError, DTypeError, ParameterError, ShapeError, message
from minicnn.nn.functional.common import need_float_tensors
from minicnn.nn.functional.resize import cubic_weights
from minicnn.ops.checks import need_one_dtype
from minicnn.ops.primitive.where import where
from minicnn.tensor import Tensor

FAR = 1e6  # pixels: beyond it, how far no longer matters, and infinities cannot be reckoned with


def _affine_samples(rng: Rng) -> Iterator[Sample]:
    flat, deep = rng.normal(size=(2, 2, 3)), rng.normal(size=(2, 3, 4))
    yield Sample(flat, (2, 3, 4, 5))
    yield Sample(flat, [2, 1, 4, 5], align_corners=True)
    yield Sample(flat, (2, 1, 1, 3), False)
    yield Sample(flat, (2, 1, 3, 1), True)
    yield Sample(deep, (2, 1, 2, 3, 4), align_corners=False)
    yield Sample(deep, (2, 5, 3, 2, 2), True)
    yield Sample(np.array([[[1.0, 0.0, 0.25], [0.0, 1.0, -0.5]]]), (1, 1, 2, 2), align_corners=False)
    yield Sample(np.zeros((1, 3, 4)), (1, 1, 1, 1, 1), True)


def _affine_errors() -> Iterator[ErrorSample]:
    theta = np.ones((2, 2, 3))
    yield ErrorSample(ArgumentTypeError, ("affine_grid", "theta", "list"), [1.0], (1, 1, 2, 2))
    yield ErrorSample(ParameterError, ("theta", "floats", "int64"), theta.astype(np.int64), (2, 1, 2, 2))
    yield ErrorSample(ParameterError, ("(N, 2, 3)", "(2, 3, 4)"), np.ones((2, 3, 4)), (2, 1, 2, 2))
    yield ErrorSample(ParameterError, ("(N, 3, 4)", "(2, 2, 3)"), theta, (2, 1, 2, 2, 2))
    yield ErrorSample(ParameterError, ("4 or 5", "(2, 1, 2)"), theta, (2, 1, 2))
    yield ErrorSample(ParameterError, ("above 0", "(2, 1, 0, 2)"), theta, (2, 1, 0, 2))
    yield ErrorSample(ShapeError, ("3 matrices", "2"), theta, (3, 1, 2, 2))


@composition(_affine_samples, _affine_errors)
def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The sampling grid of affine maps: grid[n, i, j] = θ[n] · (xⱼ, yᵢ, 1)ᵀ, for `grid_sample`.

    xⱼ and yᵢ run from −1 to 1 over the output, and are 0 along a dim of one element.

    Shapes: theta (N, 2, 3), output (N, H, W, 2) of pairs x, y; or (N, 3, 4) and (N, D, H, W, 3) of x, y, z.

    Args:
        size: the output's size, (N, C, H, W) or (N, C, D, H, W).
        align_corners: whether −1 and 1 are the centres of the outermost elements; else, and by default, their edges.
    Raises:
        ParameterError: theta is not of floats, or theta and size do not fit.
        ShapeError: size names another number of images than theta has matrices.
    Source: Jaderberg et al., "Spatial Transformer Networks" (2015), equation 1.

    >>> import minicnn
    >>> flip = minicnn.tensor([[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> affine_grid(flip, (1, 1, 1, 2), align_corners=False)
    tensor([[[[ 0.5000,  0.0000],
              [-0.5000,  0.0000]]]])
    """
    size = tuple(operator.index(n) for n in size)
    d = len(size) - 2
    _check_affine(theta, size, d)
    axes = [np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in size[2:]]
    if not align_corners:
        axes = [axis * (n - 1) / n for axis, n in zip(axes, size[2:], strict=True)]
    places = np.meshgrid(*axes, indexing="ij")[::-1]  # x, y, z: the last dim comes first
    points = np.stack([*places, np.ones_like(places[0])], -1).reshape(-1, d + 1)  # (H·W, 3)
    base: Tensor = wrap(backend_of(theta._array).constant(points.astype(str(theta.dtype))))
    return (base @ theta.transpose(1, 2)).reshape(theta.shape[0], *size[2:], d)


def _check_affine(theta: Tensor, size: tuple[int, ...], d: int) -> None:
    where, got = "affine_grid", f"size {size}"
    if not isinstance(theta, Tensor):
        need_float_tensors(where, theta=theta)
    if d not in (2, 3):
        raise ParameterError(message(where, f"size expects 4 or 5 numbers, got {size}.", got, "give (N, C, H, W)."))
    got += f"; theta {tuple(theta.shape)}"
    if theta.dtype.kind != "f":
        raise ParameterError(
            message(where, f"theta expects floats, got {theta.dtype}.", got, "convert it: theta.float().")
        )
    if tuple(theta.shape[1:]) != (d, d + 1) or theta.ndim != 3:
        expected = f"(N, {d}, {d + 1})"
        problem = f"theta expects shape {expected}, got {tuple(theta.shape)}."
        raise ParameterError(message(where, problem, got, f"give one ({d}, {d + 1}) matrix per image."))
    if min(size) <= 0:
        raise ParameterError(
            message(where, f"size expects numbers above 0, got {size}.", got, "size=(1, 1, 8, 8), for example.")
        )
    if size[0] != theta.shape[0]:
        problem = f"size expects {size[0]} matrices, theta has {theta.shape[0]}."
        raise ShapeError(message(where, problem, got, "give one matrix per image: theta.expand(N, -1, -1)."))


def _grid_samples(rng: Rng) -> Iterator[Sample]:
    image, volume = rng.normal(size=(2, 2, 3, 4)), rng.normal(size=(1, 2, 2, 3, 4))
    places, deep = rng.uniform(-1.6, 1.6, (2, 2, 3, 2)), rng.uniform(-1.6, 1.6, (1, 2, 2, 2, 3))
    for mode in ("bilinear", "nearest", "bicubic"):
        for padding_mode in ("zeros", "border", "reflection"):
            for align_corners in (False, True):
                yield Sample(image, places, mode, padding_mode, align_corners)
    for padding_mode in ("zeros", "border", "reflection"):
        yield Sample(volume, deep, "bilinear", padding_mode, align_corners=False)
        yield Sample(volume, deep, mode="nearest", padding_mode=padding_mode, align_corners=True)
    yield Sample(image, places * 40, "bilinear", "reflection", False)  # far outside: reflected many times
    yield Sample(image, places * 40)
    yield Sample(rng.normal(size=(2, 3, 1, 1)), places, "bilinear", "reflection", True)
    yield Sample(np.zeros((0, 2, 3, 4)), np.zeros((0, 2, 3, 2)))
    yield Sample(image, np.zeros((2, 0, 3, 2)), "bicubic")


def _grid_errors() -> Iterator[ErrorSample]:
    x, grid = np.ones((2, 1, 3, 3)), np.zeros((2, 2, 2, 2))
    yield ErrorSample(ArgumentTypeError, ("grid_sample", "grid", "list"), x, [0.0])
    yield ErrorSample(DTypeError, ("grid_sample", "int64"), x, grid.astype(np.int64))
    yield ErrorSample(ParameterError, ("mode", "'cubic'"), x, grid, "cubic")
    yield ErrorSample(ParameterError, ("padding_mode", "'reflect'"), x, grid, "nearest", "reflect")
    yield ErrorSample(ShapeError, ("4 or 5 dims", "3"), x[0], grid)
    yield ErrorSample(ShapeError, ("(N, OH, OW, 2)", "(2, 2, 2, 3)"), x, np.zeros((2, 2, 2, 3)))
    yield ErrorSample(ShapeError, ("2 images", "1"), x, grid[:1])
    yield ErrorSample(ShapeError, ("grid_sample", "at least 1"), x[:, :, :0], grid)
    yield ErrorSample(ShapeError, ("bicubic", "4 dims"), np.ones((1, 1, 2, 2, 2)), np.zeros((1, 1, 1, 1, 3)), "bicubic")


@composition(_grid_samples, _grid_errors)
def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Read images at places of a grid: y[n, :, i, j] = Σ over pixels p near q of w(q − p) · x[n, :, p].

    q is grid[n, i, j], of which −1 and 1 are the image's ends: q = ((x + 1) · W − 1) / 2, or (x + 1) · (W − 1) / 2 with
    align_corners. "bilinear" has w(t) = 1 − |t| along each dim, "bicubic" Keys' cubic with a = −0.75.

    Shapes: input (N, C, H, W), grid (N, OH, OW, 2) of pairs x, y, output (N, C, OH, OW); or input (N, C, D, H, W),
        grid (N, OD, OH, OW, 3) of x, y, z, output (N, C, OD, OH, OW).

    Args:
        grid: the places; NaN is read as −1.
        mode: "bilinear" (of volumes: trilinear), "nearest", or "bicubic" (of images alone).
        padding_mode: what lies outside: "zeros", the "border" continued, or the image's "reflection".
        align_corners: whether −1 and 1 are the centres of the outermost pixels; else, and by default, their edges.
    Gradient: to the input, and to the grid; 0 to the grid of "nearest", and where "border" and "reflection" hold q
        at an outermost pixel.
    Raises:
        ParameterError: an unknown mode or padding_mode.
        ShapeError: input and grid do not fit, the input has no pixels, or "bicubic" of a volume.
        DTypeError: not floats of one dtype.
    Source: Jaderberg et al., "Spatial Transformer Networks" (2015), equation 3.

    >>> import minicnn
    >>> image = minicnn.tensor([[[[1.0, 2.0, 3.0]]]])
    >>> grid_sample(image, minicnn.tensor([[[[0.0, 0.0], [0.5, 0.0]]]]), align_corners=True)
    tensor([[[[2.0000, 2.5000]]]])
    """
    _check_grid(input, grid, mode, padding_mode)
    be, d = backend_of(input._array), input.ndim - 2
    grid = grid.masked_fill(grid.isnan(), -1.0)
    taps = []  # by dim: places (N, *OS) of ints, and their weights
    for dim, size in enumerate(input.shape[2:]):
        x = grid[..., d - 1 - dim]  # x, y, z stand in the order of W, H, D
        x = (x + 1) * ((size - 1) / 2) if align_corners else ((x + 1) * size - 1) / 2
        taps.append(_taps(x.clamp(-FAR, FAR), size, mode, padding_mode, bool(align_corners)))
    n: Tensor = wrap(be.xp.arange(input.shape[0]).reshape((-1,) + (1,) * d))
    pixels = input.movedim(1, -1)  # (N, *S, C)
    total = None
    for corner in itertools.product(*taps):
        weight = corner[0][1]
        for _, other in corner[1:]:
            weight = weight * other
        part = pixels[(n, *(index for index, _ in corner))] * weight.unsqueeze(-1)  # (N, *OS, C)
        total = part if total is None else total + part
    return own(total.movedim(-1, 1))  # type: ignore[union-attr]


def _taps(x: Tensor, size: int, mode: str, padding_mode: str, align_corners: bool) -> list[tuple[Tensor, Tensor]]:
    """Return the pixels near each place along one dim, and their weights."""
    if mode != "bicubic":  # there the pixels are held inside, here the place is
        x = _padded(x, size, padding_mode, align_corners)
    low = x.detach().round() if mode == "nearest" else x.detach().floor()
    t = x - low
    weights = {"nearest": lambda t: [t * 0 + 1], "bilinear": lambda t: [1 - t, t], "bicubic": cubic_weights}
    taps = []
    for i, weight in enumerate(weights[mode](t), -1 if mode == "bicubic" else 0):
        at = low + i
        if mode == "bicubic":
            at = _padded(at, size, padding_mode, align_corners)
        inside = (at >= 0) & (at <= size - 1)
        taps.append((at.clamp(0, size - 1).long(), where(inside, weight, 0.0)))
    return taps


def _padded(x: Tensor, size: int, padding_mode: str, align_corners: bool) -> Tensor:
    """Return places in pixels, those outside moved to where their value is read."""
    if padding_mode == "zeros":
        return x
    low, span = (0.0, size - 1.0) if align_corners else (-0.5, float(size))
    if padding_mode == "reflection" and span:
        x = (low + span) - ((x - low) % (2 * span) - span).abs()
    return where((x > 0) & (x < size - 1), x, x.detach().clamp(0, size - 1))  # at the ends flat, as in PyTorch


def _check_grid(input: Tensor, grid: Tensor, mode: str, padding_mode: str) -> None:
    where = "grid_sample"
    need_float_tensors(where, input=input, grid=grid)
    need_one_dtype(where, input=input, grid=grid)
    got = f"input {tuple(input.shape)} = (N, C, ...); grid {tuple(grid.shape)}"
    for name, value, values in (
        ("mode", mode, ("bilinear", "nearest", "bicubic")),
        ("padding_mode", padding_mode, ("zeros", "border", "reflection")),
    ):
        if value not in values:
            raise ParameterError(
                message(
                    where,
                    f"{name} expects {', '.join(map(repr, values))}, got {value!r}.",
                    got,
                    f"write {name}={values[0]!r}.",
                )
            )
    d = input.ndim - 2
    if d not in (2, 3):
        raise ShapeError(
            message(where, f"input expects 4 or 5 dims, got {input.ndim}.", got, "input.unsqueeze(0) makes a batch.")
        )
    if grid.ndim != d + 2 or grid.shape[-1] != d:
        expected = "(N, OH, OW, 2)" if d == 2 else "(N, OD, OH, OW, 3)"
        raise ShapeError(
            message(where, f"grid expects {expected}, got {tuple(grid.shape)}.", got, "put x, y last: movedim(1, -1).")
        )
    if input.shape[0] != grid.shape[0]:
        problem = f"input has {input.shape[0]} images, grid {grid.shape[0]}."
        raise ShapeError(message(where, problem, got, "give one grid per image: grid.expand(N, -1, -1, -1)."))
    if min(input.shape[2:]) == 0:
        raise ShapeError(message(where, "expects spatial sizes of at least 1.", got, "pass images that have pixels."))
    if mode == "bicubic" and d != 2:
        raise ShapeError(message(where, "bicubic expects an input of 4 dims.", got, 'use mode="bilinear".'))
