"""More functions as methods of Tensor: each is the public function itself, so there is one docstring."""

from __future__ import annotations

from typing import Any

from minicnn import ops
from minicnn.errors import GraphError, ShapeError, message
from minicnn.tensor.rewrites import Rewrites


class Methods(Rewrites):
    """Functions of a tensor, by family."""

    # ---- element by element
    asinh, acosh, atanh, deg2rad, rad2deg = ops.asinh, ops.acosh, ops.atanh, ops.deg2rad, ops.rad2deg
    arcsin, arccos, arctan, arctan2 = ops.asin, ops.acos, ops.atan, ops.atan2
    arcsinh, arccosh, arctanh = ops.asinh, ops.acosh, ops.atanh
    erfc, erfinv, sinc, logit, signbit = ops.erfc, ops.erfinv, ops.sinc, ops.logit, ops.signbit
    absolute, negative, fix, positive = ops.abs, ops.neg, ops.trunc, ops.positive
    isposinf, isneginf, isreal = ops.isposinf, ops.isneginf, ops.isreal
    clamp_min, clamp_max = ops.clamp_min, ops.clamp_max

    # ---- of two or three
    subtract, multiply, divide, true_divide = ops.sub, ops.mul, ops.div, ops.div
    greater, greater_equal, less, less_equal, not_equal = ops.gt, ops.ge, ops.lt, ops.le, ops.ne
    bitwise_left_shift, bitwise_right_shift = ops.bitwise_left_shift, ops.bitwise_right_shift
    __lshift__, __rshift__ = ops.bitwise_left_shift, ops.bitwise_right_shift
    fmax, fmin, copysign, heaviside, dist = ops.fmax, ops.fmin, ops.copysign, ops.heaviside, ops.dist
    logaddexp, logaddexp2, xlogy, float_power = ops.logaddexp, ops.logaddexp2, ops.xlogy, ops.float_power
    addcmul, addcdiv, gcd, lcm = ops.addcmul, ops.addcdiv, ops.gcd, ops.lcm
    square, reciprocal, log2, log10, exp2, erf = ops.square, ops.reciprocal, ops.log2, ops.log10, ops.exp2, ops.erf
    tan, sinh, cosh, asin, acos, atan = ops.tan, ops.sinh, ops.cosh, ops.asin, ops.acos, ops.atan
    atan2, hypot, lerp, frac, fmod, sgn = ops.atan2, ops.hypot, ops.lerp, ops.frac, ops.fmod, ops.sign
    clip, nan_to_num, logical_xor = ops.clamp, ops.nan_to_num, ops.logical_xor
    isclose, allclose, equal = ops.isclose, ops.allclose, ops.equal

    # ---- over dims
    quantile, nanquantile, nanmedian, nanmean = ops.quantile, ops.nanquantile, ops.nanmedian, ops.nanmean
    mode, msort, cummax, cummin, diff = ops.mode, ops.msort, ops.cummax, ops.cummin, ops.diff
    unique_consecutive, histc, cov, corrcoef = ops.unique_consecutive, ops.histc, ops.cov, ops.corrcoef
    prod, norm, count_nonzero, nansum = ops.prod, ops.norm, ops.count_nonzero, ops.nansum
    cumsum, cumprod, logcumsumexp, bincount = ops.cumsum, ops.cumprod, ops.logcumsumexp, ops.bincount
    sort, argsort, topk, kthvalue = ops.sort, ops.argsort, ops.topk, ops.kthvalue
    median, aminmax, unique = ops.median, ops.aminmax, ops.unique

    # ---- parts and places
    hsplit, vsplit, dsplit, split_with_sizes = ops.hsplit, ops.vsplit, ops.dsplit, ops.split
    diag_embed, diagflat, adjoint = ops.diag_embed, ops.diagflat, ops.adjoint
    select_scatter, slice_scatter = ops.select_scatter, ops.slice_scatter
    diagonal_scatter = ops.diagonal_scatter
    split, chunk, tensor_split, unbind, select = ops.split, ops.chunk, ops.tensor_split, ops.unbind, ops.select
    movedim, swapaxes, swapdims, t = ops.movedim, ops.swapaxes, ops.transpose, ops.t
    moveaxis = ops.movedim
    roll, rot90, fliplr, flipud = ops.roll, ops.rot90, ops.fliplr, ops.flipud
    repeat, tile, repeat_interleave = ops.repeat, ops.tile, ops.repeat_interleave
    ravel, unflatten, view_as, broadcast_to, unfold = (
        ops.ravel,
        ops.unflatten,
        ops.view_as,
        ops.broadcast_to,
        ops.windows,
    )
    tril, triu, diag, diagonal, trace = ops.tril, ops.triu, ops.diag, ops.diagonal, ops.trace

    # ---- by index
    scatter_reduce, index_reduce, put = ops.scatter_reduce, ops.index_reduce, ops.put
    index_select, index_add, index_fill = ops.index_select, ops.index_add, ops.index_fill
    index_copy, scatter, scatter_add = ops.index_copy, ops.scatter, ops.scatter_add
    masked_select, masked_scatter, nonzero = ops.masked_select, ops.masked_scatter, ops.nonzero
    take, take_along_dim, argwhere = ops.take, ops.take_along_dim, ops.argwhere

    # ---- products
    addbmm, addr, vdot, cross, ger = ops.addbmm, ops.addr, ops.vdot, ops.cross, ops.outer
    det, inverse, logdet, slogdet, cholesky = ops.det, ops.inv, ops.logdet, ops.slogdet, ops.cholesky
    matrix_power = ops.matrix_power
    mm, bmm, mv, dot, outer, inner, kron = ops.mm, ops.bmm, ops.mv, ops.dot, ops.outer, ops.inner, ops.kron
    addmm, addmv, baddbmm = ops.addmm, ops.addmv, ops.baddbmm

    # ---- at random, from the elements as probabilities or weights

    def bernoulli(self, p: float | None = None, *, generator: Any = None) -> Any:
        """1 with the probability that each element gives, or with probability p, else 0; drawn on the CPU."""
        from minicnn.tensor.likes import bernoulli

        x = ops.clone(self.detach())  # type: ignore[attr-defined]
        return bernoulli(x, generator=generator) if p is None else x.bernoulli_(p, generator=generator)

    def multinomial(self, num_samples: int, replacement: bool = False, *, generator: Any = None) -> Any:
        """Indices drawn by weights, row by row: see `minicnn.multinomial`."""
        from minicnn.tensor.likes import multinomial

        return multinomial(self, num_samples, replacement, generator=generator)  # type: ignore[arg-type]

    # ---- matrices

    @property
    def mH(self) -> Any:
        """The last two dims exchanged: `adjoint`, of real numbers."""
        return ops.adjoint(self)  # type: ignore[arg-type]

    @property
    def H(self) -> Any:
        """A matrix with its dims exchanged: `adjoint`, of real numbers; a number is itself."""
        if self._array.ndim not in (0, 2):
            raise ShapeError(
                message(
                    "H", "expects a matrix.", f"shape {tuple(self._array.shape)}", "use x.mH for batches of matrices."
                )
            )
        return ops.adjoint(self) if self._array.ndim else self  # type: ignore[arg-type]

    def __rmatmul__(self, other: Any) -> Any:
        return ops.matmul(self.new_tensor(other), self)  # type: ignore[arg-type]

    def __rlshift__(self, other: Any) -> Any:
        return ops.bitwise_left_shift(other, self)

    def __rrshift__(self, other: Any) -> Any:
        return ops.bitwise_right_shift(other, self)

    # ---- other libraries' arrays, without a copy

    def __dlpack__(self, **options: Any) -> Any:
        """The memory, for a library that takes DLPack's capsules; without gradient, which must not be wanted."""
        if self._requires_grad:
            raise GraphError(
                message(
                    "dlpack",
                    "a tensor that requires grad is not handed out: what is done to it would not be recorded.",
                    f"shape {tuple(self._array.shape)}",
                    "hand out x.detach().",
                )
            )
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._array.__dlpack_device__()

    # ---- new tensors of this one's dtype and place

    def new_full(
        self, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Any:
        """One value in a shape, in this tensor's dtype and place unless given."""
        from minicnn.tensor.creation import full

        return full(size, fill_value, requires_grad=requires_grad, **self._place(dtype, device))

    def new_zeros(self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
        """Zeros in a shape, in this tensor's dtype and place unless given."""
        return self.new_full(ops.as_shape(size), 0, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_ones(self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
        """Ones in a shape, in this tensor's dtype and place unless given."""
        return self.new_full(ops.as_shape(size), 1, dtype=dtype, device=device, requires_grad=requires_grad)

    new_empty = new_zeros

    def new_tensor(self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
        """The values as a new tensor, in this tensor's dtype and place unless given."""
        from minicnn.tensor.creation import tensor

        return tensor(data, requires_grad=requires_grad, **self._place(dtype, device))

    def _place(self, dtype: Any, device: Any) -> dict[str, Any]:
        return {
            "dtype": self._array.dtype if dtype is None else dtype,
            "device": self.device if device is None else device,  # type: ignore[attr-defined]
        }
