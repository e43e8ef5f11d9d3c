"""Linear algebra, under the names of ``torch.linalg``: norms, products, inverses, determinants, linear systems.

What needs singular or eigenvalues (svd, eigh, qr, pinv, lstsq, the norms 2 and nuclear) is not here.

>>> import minicnn
>>> norm(minicnn.tensor([3.0, 4.0]))
tensor(5.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minicnn.errors import MatrixError as LinAlgError
from minicnn.errors import missing_names as _missing_names
from minicnn.ops import (
    cholesky,
    det,
    inv,
    matmul,
    matrix_norm,
    matrix_power,
    multi_dot,
    slogdet,
    solve,
    vecdot,
    vector_norm,
)
from minicnn.ops import cross as _cross
from minicnn.ops import diagonal as _diagonal
from minicnn.ops import vander as _vander
from minicnn.ops.spelling import with_out as _with_out

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

__all__ = [
    "LinAlgError",
    "cholesky",
    "cross",
    "det",
    "diagonal",
    "inv",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "multi_dot",
    "norm",
    "slogdet",
    "solve",
    "vander",
    "vecdot",
    "vector_norm",
]

if not TYPE_CHECKING:  # a type checker is to find the names that are not there
    __getattr__ = _missing_names(__name__)


def norm(A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The norm of vectors or matrices.

    Without ``ord``, the square root of the sum of squares, of all elements or over ``dim``. With it, a matrix norm
    where there are two dims to take it over (``dim``'s, or the tensor's own), else a vector norm.

    Raises:
        ParameterError: an order that the norm does not have.

    >>> import minicnn
    >>> norm(minicnn.tensor([[1.0, -2.0], [3.0, 4.0]]), 1)
    tensor(6.)
    """
    count = A.ndim if dim is None else 1 if isinstance(dim, int) else len(dim)
    if ord is None or count == 1 or (ord != "fro" and count != 2):
        return vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype)
    return matrix_norm(A, ord, (-2, -1) if dim is None else dim, keepdim, dtype=dtype)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices, by default of the last two dims.

    >>> import minicnn
    >>> diagonal(minicnn.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    return _diagonal(A, offset, dim1, dim2)


def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The cross product of vectors with three elements, by default along the last dim.

    Raises:
        ShapeError: the dim has not size 3, or the shapes do not broadcast.

    >>> import minicnn
    >>> cross(minicnn.tensor([1, 0, 0]), minicnn.tensor([0, 1, 0]))
    tensor([0, 0, 1])
    """
    return _cross(input, other, dim)


def vander(x: Tensor, N: int | None = None) -> Tensor:
    """The powers of a vector's elements as columns, from 0 on.

    Raises:
        ShapeError: x is no vector.
        ParameterError: N is negative.

    >>> import minicnn
    >>> vander(minicnn.tensor([1, 2, 3]), 2)
    tensor([[1, 1],
            [1, 2],
            [1, 3]])
    """
    return _vander(x, N, True)


_with_out(globals())
