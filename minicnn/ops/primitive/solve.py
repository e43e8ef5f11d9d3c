"""Linear systems: inv, solve, det, slogdet, logdet, cholesky. Square matrices, and batches of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minicnn.autograd.graph import own
from minicnn.autograd.op import composition
from minicnn.autograd.primitive import Primitive
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.errors import ArgumentTypeError, DTypeError, MatrixError, ShapeError, message
from minicnn.ops.checks import need_floats, need_one_dtype, need_tensors
from minicnn.ops.primitive.arithmetic import mul
from minicnn.ops.primitive.matmul import matmul
from minicnn.ops.primitive.triangle import tril
from minicnn.ops.primitive.where import where

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


def need_square(where: str, A: Tensor) -> None:
    """Raise an error if a tensor is no square matrix, or batch of such, of floats."""
    need_tensors(where, A=A)
    need_floats(where, "A", A)
    if A.ndim < 2 or A.shape[-1] != A.shape[-2]:
        raise ShapeError(
            message(
                where,
                f"expects square matrices (*, n, n), got {tuple(A.shape)}.",
                f"A {tuple(A.shape)}",
                "make its last two sizes equal.",
            )
        )


def _invertible(rng: Rng, *shape: int) -> Any:
    """Return matrices that are far from singular."""
    return rng.normal(size=shape) * 0.4 + np.eye(shape[-1]) * 2.0


def _square_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(_invertible(rng, 3, 3))
    yield Sample(_invertible(rng, 2, 3, 3))
    yield Sample(_invertible(rng, 2, 1, 2, 2))
    yield Sample(_invertible(rng, 1, 1))
    yield Sample(-_invertible(rng, 1, 3, 3))
    yield Sample(np.array([[0.0, 1.0], [2.0, 3.0]]))
    yield Sample(np.eye(3) * 2.0)
    yield Sample(np.array([[2.0, 1.0, 3.0], [0.0, 4.0, 1.0], [0.0, 0.0, -1.0]]))
    yield Sample(np.zeros((0, 2, 2)))


def _square_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("square", "(2, 3)"), np.ones((2, 3)))
    yield ErrorSample(ShapeError, ("square", "(3,)"), np.ones(3))
    yield ErrorSample(DTypeError, ("floats", "int64"), np.eye(2, dtype=np.int64))
    yield ErrorSample(ArgumentTypeError, ("Tensor", "list"), [[1.0]])


def _singular_errors() -> Iterator[ErrorSample]:
    yield from _square_errors()
    yield ErrorSample(MatrixError, ("singular", "(2, 2)"), np.ones((2, 2)))


def _need_invertible(be: Backend, where: str, x: Array) -> None:
    """NumPy raises an error of its own for a singular matrix, CuPy gives infinities."""
    if bool((be.xp.linalg.slogdet(x)[0] == 0).any()):
        raise MatrixError(
            message(
                where,
                "the matrix is singular: its rows depend on each other.",
                f"shape {tuple(x.shape)}; a determinant is 0",
                "add a little to the diagonal: A + 1e-6 * minicnn.eye(n), or check the data.",
            )
        )


class Inv(Primitive):
    samples = staticmethod(_square_samples)
    errors = staticmethod(_singular_errors)

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        _need_invertible(be, "inv", x)
        return be.xp.linalg.inv(x)

    @staticmethod
    def grad_x(g: Tensor, out: Tensor) -> Tensor:
        return -matmul(matmul(out.mT, g), out.mT)


@Inv.public
def inv(A: Tensor) -> Tensor:
    """The inverse of square matrices: A A⁻¹ = 1.

    Shapes: (*, n, n), output too.
    Gradient: −A⁻ᵀ g A⁻ᵀ.
    Raises:
        ShapeError: the matrices are not square.
        MatrixError: one is singular.
        DTypeError: the elements are no floats.

    >>> import minicnn
    >>> inv(minicnn.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    need_square("inv", A)
    return Inv.apply(A)


def _solve_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(_invertible(rng, 3, 3), rng.normal(size=(3, 2)))
    yield Sample(_invertible(rng, 3, 3), rng.normal(size=3))
    yield Sample(_invertible(rng, 2, 3, 3), rng.normal(size=(2, 3, 1)))
    yield Sample(_invertible(rng, 2, 3, 3), rng.normal(size=(3, 2)))
    yield Sample(_invertible(rng, 3, 3), rng.normal(size=(4, 3, 2)))
    yield Sample(_invertible(rng, 3, 3), rng.normal(size=(2, 3)), left=False)
    yield Sample(_invertible(rng, 1, 1), rng.normal(size=(1, 3)))
    yield Sample(_invertible(rng, 2, 3, 3), rng.normal(size=(2, 3)))
    yield Sample(_invertible(rng, 2, 2), np.zeros((2, 0)))


def _solve_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ShapeError, ("square", "(2, 3)"), np.ones((2, 3)), np.ones(2))
    yield ErrorSample(ShapeError, ("3 rows", "(2, 2)"), np.eye(2), np.ones((3, 1)))
    yield ErrorSample(MatrixError, ("singular", "(2, 2)"), np.ones((2, 2)), np.ones(2))
    yield ErrorSample(DTypeError, ("one dtype", "int64"), np.eye(2), np.array([1, 2]))


class Solve(Primitive):
    broadcasts = True
    samples = staticmethod(_solve_samples)
    errors = staticmethod(_solve_errors)

    @staticmethod
    def forward(be: Backend, a: Array, b: Array) -> Array:
        _need_invertible(be, "solve", a)
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        return be.xp.linalg.solve(
            be.xp.broadcast_to(a, (*batch, *a.shape[-2:])), be.xp.broadcast_to(b, (*batch, *b.shape[-2:]))
        )

    @staticmethod
    def grad_a(g: Tensor, out: Tensor, a: Tensor) -> Tensor:
        return -matmul(Solve.apply(a.mT, g), out.mT)

    @staticmethod
    def grad_b(g: Tensor, a: Tensor) -> Tensor:
        return Solve.apply(a.mT, g)


@Solve.public
def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """The solution of a linear system: X with A X = B, or, with ``left=False``, X A = B.

    Shapes: A (*, n, n); B (*, n, k), or (n), or (*, n) where the dims before are A's; output as B, broadcast.
    Gradient: dB = A⁻ᵀ g, dA = −dB Xᵀ.
    Raises:
        ShapeError: A is not square, or B has another number of rows.
        MatrixError: A is singular.
        DTypeError: the elements are no floats, or differ in dtype.

    >>> import minicnn
    >>> solve(minicnn.tensor([[2.0, 0.0], [0.0, 4.0]]), minicnn.tensor([2.0, 2.0]))
    tensor([1.0000, 0.5000])
    """
    need_square("solve", A)
    need_tensors("solve", B=B)
    need_one_dtype("solve", A=A, B=B)
    if not left:
        return own(solve(A.mT, B.mT).mT)
    vector = B.ndim == 1 or (B.ndim == A.ndim - 1 and tuple(B.shape) == tuple(A.shape[:-1]))
    b = B.unsqueeze(-1) if vector else B
    if b.ndim < 2 or b.shape[-2] != A.shape[-1]:
        raise ShapeError(
            message(
                "solve",
                f"B has {b.shape[-2] if b.ndim > 1 else 'no'} rows, A has {A.shape[-1]}; they must be equal.",
                f"A {tuple(A.shape)}; B {tuple(B.shape)}",
                "transpose B, or check the system.",
            )
        )
    try:
        x: Tensor = Solve.apply(A, b)
    except ValueError:
        raise ShapeError(
            message("solve", "the batch dims do not broadcast.", f"A {tuple(A.shape)}; B {tuple(B.shape)}", "see them.")
        ) from None
    return x.squeeze(-1) if vector else x


class Slogdet(NamedTuple):
    """What slogdet returns."""

    sign: Any
    logabsdet: Any


Slogdet.__name__ = "slogdet"  # as which it prints


class SignedLog(Primitive):
    """The sign of the determinant, 1, −1 or 0, which is flat wherever it has a derivative; and ln |det|."""

    samples = staticmethod(_square_samples)
    errors = staticmethod(_square_errors)

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.stack(list(be.xp.linalg.slogdet(x)))

    @staticmethod
    def grad_x(g: Tensor, x: Tensor) -> Tensor:
        return g[1].unsqueeze(-1).unsqueeze(-1) * inv(x).mT


@SignedLog.public
def slogdet(A: Tensor) -> Slogdet:
    """The sign and the logarithm of the size of determinants: det A = sign · exp(logabsdet).

    Shapes: (*, n, n) -> (*), both.
    Returns:
        A named tuple (sign, logabsdet); 0 and −∞ for a singular matrix.
    Gradient: of logabsdet, g · A⁻ᵀ.
    Raises:
        ShapeError: the matrices are not square.
        DTypeError: the elements are no floats.

    >>> import minicnn
    >>> slogdet(minicnn.tensor([[0.0, 1.0], [1.0, 0.0]]))
    slogdet(sign=tensor(-1.), logabsdet=tensor(0.))
    """
    need_square("slogdet", A)
    return Slogdet(*SignedLog.apply(A).unbind())


@composition(
    lambda rng: (s for s in _square_samples(rng) if np.all(np.linalg.slogdet(np.asarray(s.args[0]))[0] > 0)),
    _square_errors,
)
def logdet(A: Tensor) -> Tensor:
    """The logarithm of determinants: y = ln det A; NaN where that is negative, −∞ where it is 0.

    Shapes: (*, n, n) -> (*).
    Raises:
        ShapeError: the matrices are not square.
        DTypeError: the elements are no floats.

    >>> import minicnn
    >>> logdet(minicnn.tensor([[2.0, 0.0], [0.0, 3.0]]))
    tensor(1.7918)
    """
    need_square("logdet", A)
    sign, size = slogdet(A)
    return where(sign < 0, float("nan"), size)


class Det(Primitive):
    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield from _square_samples(rng)
        yield Sample(Constant(np.ones((2, 2))))
        yield Sample(rng.normal(size=(4, 4)))

    errors = staticmethod(_square_errors)

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.linalg.det(x)

    @staticmethod
    def grad_x(g: Tensor, out: Tensor, x: Tensor) -> Tensor:
        return mul(g, out).unsqueeze(-1).unsqueeze(-1) * inv(x).mT


@Det.public
def det(A: Tensor) -> Tensor:
    """The determinant of square matrices.

    Shapes: (*, n, n) -> (*).
    Gradient: g · det A · A⁻ᵀ; an error where A is singular, for which PyTorch has a gradient.
    Raises:
        ShapeError: the matrices are not square.
        DTypeError: the elements are no floats.

    >>> import minicnn
    >>> det(minicnn.tensor([[2.0, 1.0], [0.0, 3.0]]))
    tensor(6.)
    """
    need_square("det", A)
    return Det.apply(A)


def _positive_samples(rng: Rng) -> Iterator[Sample]:
    for shape in ((3, 3), (2, 3, 3), (1, 1), (0, 2, 2), (2, 2)):
        a = rng.normal(size=shape)
        yield Sample(a @ np.swapaxes(a, -1, -2) + np.eye(shape[-1]))
    yield Sample(np.array([[4.0, 2.0], [2.0, 3.0]]), upper=True)
    yield Sample(np.array([[9.0]]), upper=True)


def _positive_errors() -> Iterator[ErrorSample]:
    yield from _square_errors()
    yield ErrorSample(MatrixError, ("positive",), np.array([[1.0, 2.0], [2.0, 1.0]]))


class Cholesky(Primitive):
    samples = staticmethod(_positive_samples)
    errors = staticmethod(_positive_errors)

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        try:
            out = be.xp.linalg.cholesky((x + x.swapaxes(-1, -2)) / 2)
            if be.xp.isfinite(out).all():
                return out
        except np.linalg.LinAlgError:
            pass
        raise MatrixError(
            message(
                "cholesky",
                "the matrix is not positive definite.",
                f"A {tuple(x.shape)} = (*, n, n)",
                "add to the diagonal: A + 1e-6 * minicnn.eye(n).",
            )
        )

    @staticmethod
    def grad_x(g: Tensor, out: Tensor) -> Tensor:
        # Murray, Differentiation of the Cholesky decomposition (2016), eq. 10.
        lower = tril(matmul(out.mT, g))
        half = lower - lower * _half_diagonal(lower)
        middle = solve(out.mT, solve(out.mT, half.mT).mT)
        return (middle + middle.mT) / 2


def _half_diagonal(x: Tensor) -> Tensor:
    return x.new_tensor(np.eye(x.shape[-1]) / 2)


@Cholesky.public
def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """The triangular root of symmetric, positive definite matrices: A = L Lᵀ.

    Shapes: (*, n, n), output too.
    Args:
        upper: return Lᵀ.
    Raises:
        ShapeError: the matrices are not square.
        MatrixError: one is not positive definite.
        DTypeError: the elements are no floats.
    Source: Murray, Differentiation of the Cholesky decomposition (2016), for the gradient.

    >>> import minicnn
    >>> cholesky(minicnn.tensor([[4.0, 2.0], [2.0, 5.0]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    need_square("cholesky", A)
    root: Tensor = Cholesky.apply(A)
    return root.mT if upper else root
