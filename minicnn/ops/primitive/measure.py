"""What a tensor measures: norm, vector_norm, matrix_norm, var_mean, std_mean, count_nonzero, nansum, bincount."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.graph import wrap
from minicnn.autograd.op import composition
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import backend_of
from minicnn.errors import DTypeError, IndexRangeError, ParameterError, ShapeError, message
from minicnn.ops.checks import need_floats, need_tensors
from minicnn.ops.primitive.dims import Dims, normal_dims
from minicnn.ops.primitive.extreme import amax, amin
from minicnn.ops.primitive.reduce import distinct, mean, reduction_errors, std, sum, var, var_samples

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

INFINITY = float("inf")


def _norm_samples(rng: Rng) -> Iterator[Sample]:
    x = distinct(rng, 2, 3, 4) + 0.03
    yield Sample(x)
    yield Sample(x, 2, 1)
    yield Sample(x, 1, (0, -1), True)
    yield Sample(x, 3, dim=-1, keepdim=True)
    yield Sample(x, 0.5, 1)
    yield Sample(x, -1.5, 1)
    yield Sample(np.zeros((0, 3)), -1.0, 1)
    yield Sample(x, INFINITY, 2)
    yield Sample(x, -INFINITY, 0)
    yield Sample(x, INFINITY)
    yield Sample(Constant(np.array([[0.0, 1.0], [2.0, 3.0]])), 0, 1)
    yield Sample(distinct(rng) + 0.03)
    yield Sample(np.zeros((0, 3)), 2, 0)
    yield Sample(x, dtype=np.dtype("float64"))


def _norm_errors() -> Iterator[ErrorSample]:
    yield from (
        ErrorSample(s.error, s.words, *s.args[:1], 2, *s.args[1:], **s.kwargs)
        for s in reduction_errors()
        if isinstance(s, ErrorSample)
    )
    yield ErrorSample(ParameterError, ("p", "'nuc'"), np.ones((2, 3)), "nuc")
    yield ErrorSample(DTypeError, ("floats", "int64"), np.ones((2, 3), dtype=np.int64))
    for p in (-1.0, -INFINITY):
        yield ErrorSample(ShapeError, ("negative p", "(2, 0)"), np.ones((2, 0)), p, 1)


@composition(_norm_samples, _norm_errors)
def norm(input: Tensor, p: Any = "fro", dim: Dims = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """The length of the elements, of all or over dims, as one vector: y = (Σ |x|ᵖ)^(1/p).

    Shapes: input (*); output without the dims, or with 1 in their place.
    Args:
        p: a number; ±inf for the largest or the smallest |x|; 0 to count those that are not 0; ``"fro"`` is 2.
        dim: one dim or several; all by default.
        keepdim: keep the dims, as 1.
        dtype: cast to it first.
    Raises:
        DTypeError: the input is of integers.
        IndexRangeError: a dim out of range.
        ParameterError: another p.
        ShapeError: a negative p over an empty dim.
    Gradient: g · x / y for p = 2, and 0 where y is 0, as in PyTorch.

    >>> import minicnn
    >>> norm(minicnn.tensor([3.0, 4.0]))
    tensor(5.)
    """
    need_tensors("norm", input=input)
    x = input if dtype is None else input.to(dtype)
    need_floats("norm", "input", x)
    if p == "fro" or p is None:
        p = 2
    if not isinstance(p, (int, float)):
        raise ParameterError(
            message(
                "norm",
                f"the order p (ord in linalg) expects a number or 'fro', got {p!r}.",
                f"input {tuple(x.shape)}",
                "use 2, for example.",
            )
        )
    dims = normal_dims("norm", dim, x.ndim)
    if p < 0 and x.numel() == 0 and any(x.shape[d] == 0 for d in dims):
        got, fix = f"input {tuple(x.shape)}, p {p}", "use order 2, or leave out empty dims."
        raise ShapeError(message("norm", "a negative p has no value over a dim of size 0.", got, fix))
    size = x.abs()
    if p == INFINITY:
        return amax(size, dims, keepdim)
    if p == -INFINITY:
        return amin(size, dims, keepdim)
    if p == 0:
        return sum((x != 0).to(x.dtype), dims, keepdim)
    if p == 1:
        return sum(size, dims, keepdim)
    if x.numel() == 0:
        return _root(sum(size**p, dims, keepdim), p)
    # Powers of numbers near 1 neither overflow nor vanish: ‖x‖ = t · ‖x / t‖ for any t, so t needs no gradient.
    top = amax(size.detach(), dims, True)
    top = top.masked_fill((top == 0) | ~top.isfinite(), 1.0)
    scaled = x / top if p == 2 else size / top
    total = sum(scaled * scaled if p == 2 else _power(scaled, p), dims, keepdim)
    return _root(total, p) * top.reshape(total.shape)


def _power(size: Tensor, p: float) -> Tensor:
    """size^p, and no slope at 0, where it would be infinite for p < 1."""
    zero = size == 0
    return (size.masked_fill(zero, 1.0) ** p).masked_fill(zero, 0.0 if p > 0 else INFINITY) if p < 1 else size**p


def _root(total: Tensor, p: float) -> Tensor:
    """total^(1/p), and no slope at 0, where it would be infinite."""
    zero = total == 0
    safe = total.masked_fill(zero, 1.0)
    return (safe.sqrt() if p == 2 else safe ** (1.0 / p)).masked_fill(zero, 0.0 if p > 0 else INFINITY)


def _vector_norm_samples(rng: Rng) -> Iterator[Sample]:
    x = distinct(rng, 2, 3, 4) + 0.03
    yield Sample(x)
    yield Sample(x, 1, 1, True)
    yield Sample(x, ord=INFINITY, dim=(0, 2), keepdim=True)
    yield Sample(x, -INFINITY, -1)
    yield Sample(x, 3.0, (1, 2))
    yield Sample(x, 0.5, 0)
    yield Sample(np.zeros((0, 3)), 2, 0)
    yield Sample(x, dtype=np.dtype("float64"))


@composition(_vector_norm_samples, _norm_errors)
def vector_norm(x: Tensor, ord: Any = 2, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """`norm` under the name it has in PyTorch's linalg: y = (Σ |x|ᵒ)^(1/o) over dims, all by default.

    Shapes: x (*); output without the dims, or with 1 in their place.
    Args: as for `norm`, with ord for p.
    Raises:
        DTypeError, IndexRangeError, ParameterError: as `norm`.

    >>> import minicnn
    >>> vector_norm(minicnn.tensor([3.0, -4.0]), 1)
    tensor(7.)
    """
    return norm(x, ord, dim, keepdim, dtype)


def _matrix_norm_samples(rng: Rng) -> Iterator[Sample]:
    x = distinct(rng, 2, 3, 4) + 0.03
    yield Sample(x)
    for order in (1, -1, INFINITY, -INFINITY):
        yield Sample(x, order)
    yield Sample(x, 1, (0, 2), True)
    yield Sample(x, "fro", dtype=np.dtype("float64"))


def _matrix_norm_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ParameterError, ("ord", "'nuc'"), np.ones((2, 3)), "nuc")
    yield ErrorSample(ParameterError, ("two dims", "(0,)"), np.ones((2, 3)), "fro", (0,))


@composition(_matrix_norm_samples, _matrix_norm_errors)
def matrix_norm(
    A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """The norm of matrices: Frobenius, or the largest (−: smallest) sum of |a| of a column (1) or a row (inf).

    Shapes: A (*, n, m); output (*), or (*, 1, 1).
    Args:
        ord: ``"fro"``, 1, −1, inf or −inf.
        dim: the two dims of the matrices.
        keepdim: keep both dims, as 1.
        dtype: cast to it first.
    Raises:
        ParameterError: another ord (those that need singular values are not here), or not two dims.

    >>> import minicnn
    >>> matrix_norm(minicnn.tensor([[1.0, -2.0], [3.0, 4.0]]), 1)
    tensor(6.)
    """
    need_tensors("matrix_norm", A=A)
    dims = normal_dims("matrix_norm", dim, A.ndim)
    if len(dims) != 2:
        raise ParameterError(
            message("matrix_norm", f"dim expects two dims, got {dims}.", f"A {tuple(A.shape)}", "use dim=(-2, -1).")
        )
    if ord == "fro":
        return norm(A, 2, dims, keepdim, dtype)
    if ord not in (1, -1, INFINITY, -INFINITY):
        raise ParameterError(
            message(
                "matrix_norm",
                f"ord expects 'fro', 1, -1, inf or -inf, got {ord!r}.",
                "norms of singular values are not computed here",
                "use 'fro', or NumPy: numpy.linalg.norm(x.numpy(), ord).",
            )
        )
    summed, chosen = dims if abs(ord) == 1 else dims[::-1]
    sizes = norm(A, 1, summed, True, dtype)
    largest = amax if sizes.shape[chosen] else sum  # the largest of no rows is 0
    y = (largest if ord > 0 else amin)(sizes, chosen, True)
    return y if keepdim else y.reshape(tuple(s for i, s in enumerate(y.shape) if i not in dims))


def _moments_samples(rng: Rng) -> Iterator[Sample]:
    yield from (sample for sample in var_samples(rng) if "axis" not in sample.kwargs)


def _check_moments(where: str, input: Tensor) -> None:
    need_tensors(where, input=input)
    need_floats(where, "input", input)


@composition(_moments_samples, reduction_errors)
def var_mean(
    input: Tensor, dim: Dims = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float = 1
) -> tuple[Tensor, Tensor]:
    """The variance and the mean over dims, with the arguments of `var`.

    Shapes: input (*); both outputs without the dims, or with 1 in their place.
    Raises:
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> var_mean(minicnn.tensor([1.0, 2.0, 3.0]))
    (tensor(1.), tensor(2.))
    """
    _check_moments("var_mean", input)
    over = None if isinstance(dim, bool) else dim
    return var(input, dim, unbiased, keepdim, correction=correction), mean(input, over, keepdim)


@composition(_moments_samples, reduction_errors)
def std_mean(
    input: Tensor, dim: Dims = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float = 1
) -> tuple[Tensor, Tensor]:
    """The standard deviation and the mean over dims, with the arguments of `std`.

    Shapes: input (*); both outputs without the dims, or with 1 in their place.
    Raises:
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> std_mean(minicnn.tensor([1.0, 2.0, 3.0]))
    (tensor(1.), tensor(2.))
    """
    _check_moments("std_mean", input)
    over = None if isinstance(dim, bool) else dim
    return std(input, dim, unbiased, keepdim, correction=correction), mean(input, over, keepdim)


def _count_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.integers(-1, 2, (3, 4))
    yield Sample(x)
    yield Sample(x, 1)
    yield Sample(x > 0, (0, 1))
    yield Sample(np.zeros((0, 3), dtype=np.int64), 0)
    yield Sample(Constant(np.array([[0.0, -0.0, np.nan], [1e-9, 2.0, 0.0]])), dim=-1)  # NaN is not 0
    yield Sample(np.array(3))


@composition(_count_samples, reduction_errors)
def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """How many elements are not 0, of all or over dims.

    Shapes: input (*); output without the dims, of int64.
    Raises:
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> count_nonzero(minicnn.tensor([0.0, 2.0, 3.0]))
    tensor(2)
    """
    need_tensors("count_nonzero", input=input)
    return sum(input != 0, dim)


def _nansum_samples(rng: Rng) -> Iterator[Sample]:
    x = rng.normal(size=(2, 3))
    yield Sample(x)
    yield Sample(x, 1, True)
    yield Sample(np.array([[1.0, np.nan], [2.0, 3.0]]), 0)
    yield Sample(x, 0, dtype=np.dtype("float64"))
    yield Sample(np.array([np.nan, np.nan]))  # nothing is left: 0
    yield Sample(rng.normal(size=(2, 3, 2)), (0, -1), keepdim=True)
    yield Sample(rng.normal(size=()))
    yield Sample(np.array([[1, 2], [3, 4]]), 1)
    yield Sample(np.zeros((0, 3)), 0)


@composition(_nansum_samples, reduction_errors)
def nansum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum over dims, in which NaN counts as 0.

    Shapes: input (*); output without the dims, or with 1 in their place.
    Raises:
        IndexRangeError: a dim out of range.

    >>> import minicnn
    >>> nansum(minicnn.tensor([1.0, float("nan")]))
    tensor(1.)
    """
    need_tensors("nansum", input=input)
    return sum(input.masked_fill(input != input, 0), dim, keepdim, dtype=dtype)


def _bincount_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.integers(0, 4, 6))
    yield Sample(np.array([1, 1]), minlength=5)
    yield Sample(np.array([0, 2, 2]), Constant(np.array([0.5, 1.0, 2.0])))
    yield Sample(np.zeros(0, dtype=np.int64), None, 2)
    yield Sample(np.array([3, 0, 3], dtype=np.int32), Constant(np.array([-1.0, 0.0, 1e3])), minlength=2)
    yield Sample(np.array([4]))


def _bincount_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("one dim", "(1, 2)"), np.array([[1, 2]]))
    yield ErrorSample(DTypeError, ("ints", "float64"), np.ones(2))
    yield ErrorSample(IndexRangeError, ("from 0", "-1"), np.array([-1]))
    yield ErrorSample(ShapeError, ("weights", "(3,)"), np.array([1, 2]), Constant(np.ones(3)))


@composition(_bincount_samples, _bincount_errors)
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, 2, ... occurs, or the sum of its weights; without gradient.

    Shapes: input (N) of ints, weights (N); output (max(max input + 1, minlength)).
    Raises:
        DTypeError: the input is of floats.
        IndexRangeError: a negative element.
        ShapeError: more than one dim, or weights of another shape.

    >>> import minicnn
    >>> bincount(minicnn.tensor([0, 2, 2]))
    tensor([1, 0, 2])
    """
    need_tensors("bincount", input=input, weights=weights)
    if input.dtype.kind not in "iu":
        raise DTypeError(message("bincount", f"input expects ints, got {input.dtype}.", "it counts", "use x.long()."))
    if input.ndim != 1 or (weights is not None and weights.shape != input.shape):
        raise ShapeError(
            message(
                "bincount",
                "input expects one dim, and weights the same shape.",
                f"input {tuple(input.shape)}" + (f"; weights {tuple(weights.shape)}" if weights is not None else ""),
                "flatten the input; give one weight per element.",
            )
        )
    if input.numel() and int(input._array.min()) < 0:
        raise IndexRangeError(
            message(
                "bincount",
                f"input expects values from 0, got {int(input._array.min())}.",
                "it counts",
                "shift them: input - input.min().",
            )
        )
    xp = backend_of(input._array).xp
    if weights is None:
        return wrap(xp.bincount(input._array, None, minlength))
    sums = xp.bincount(input._array, weights._array, minlength)
    return wrap(sums.astype(weights.dtype if weights.dtype.kind == "f" else "float64"))
