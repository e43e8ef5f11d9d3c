"""More functions as methods of Tensor: each is the public function itself, so there is one docstring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minicnn import ops
from minicnn.autograd.graph import TapeTensor
from minicnn.ops import inplace


def _in_place(function: Callable[..., Any]) -> Any:
    """Return the method that writes a function's result into its tensor."""
    name = f"{function.__name__}_"

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return inplace.update(self, name, lambda x: function(x, *args, **kwargs))

    method.__name__ = name
    method.__doc__ = f"`{function.__name__}`, in place: return the tensor itself."
    return method


class Methods(TapeTensor):
    """Functions of a tensor, by family."""

    # ---- element by element
    square, reciprocal, log2, log10, exp2, erf = ops.square, ops.reciprocal, ops.log2, ops.log10, ops.exp2, ops.erf
    tan, sinh, cosh, asin, acos, atan = ops.tan, ops.sinh, ops.cosh, ops.asin, ops.acos, ops.atan
    atan2, hypot, lerp, frac, fmod, sgn = ops.atan2, ops.hypot, ops.lerp, ops.frac, ops.fmod, ops.sgn
    clip, nan_to_num, logical_xor = ops.clip, ops.nan_to_num, ops.logical_xor
    isclose, allclose, equal = ops.isclose, ops.allclose, ops.equal

    # ---- over dims
    prod, norm, count_nonzero, nansum = ops.prod, ops.norm, ops.count_nonzero, ops.nansum
    cumsum, cumprod, logcumsumexp, bincount = ops.cumsum, ops.cumprod, ops.logcumsumexp, ops.bincount
    sort, argsort, topk, kthvalue = ops.sort, ops.argsort, ops.topk, ops.kthvalue
    median, aminmax, unique = ops.median, ops.aminmax, ops.unique

    # ---- parts and places
    split, chunk, tensor_split, unbind, select = ops.split, ops.chunk, ops.tensor_split, ops.unbind, ops.select
    movedim, swapaxes, swapdims, t = ops.movedim, ops.swapaxes, ops.swapdims, ops.t
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
    index_select, index_add, index_fill = ops.index_select, ops.index_add, ops.index_fill
    index_copy, scatter, scatter_add = ops.index_copy, ops.scatter, ops.scatter_add
    masked_select, masked_scatter, nonzero = ops.masked_select, ops.masked_scatter, ops.nonzero
    take, take_along_dim, argwhere = ops.take, ops.take_along_dim, ops.argwhere

    # ---- products
    mm, bmm, mv, dot, outer, inner, kron = ops.mm, ops.bmm, ops.mv, ops.dot, ops.outer, ops.inner, ops.kron
    addmm, addmv, baddbmm = ops.addmm, ops.addmv, ops.baddbmm

    # ---- in place
    index_add_ = _in_place(ops.index_add)
    index_fill_ = _in_place(ops.index_fill)
    index_copy_ = _in_place(ops.index_copy)
    scatter_, scatter_add_ = _in_place(ops.scatter), _in_place(ops.scatter_add)
    masked_fill_, masked_scatter_ = _in_place(ops.masked_fill), _in_place(ops.masked_scatter)
    neg_ = _in_place(ops.neg)
    abs_ = _in_place(ops.abs)
    sqrt_ = _in_place(ops.sqrt)
    rsqrt_ = _in_place(ops.rsqrt)
    square_ = _in_place(ops.square)
    log_ = _in_place(ops.log)
    sigmoid_ = _in_place(ops.sigmoid)
    tanh_ = _in_place(ops.tanh)
    sin_ = _in_place(ops.sin)
    cos_ = _in_place(ops.cos)
    floor_ = _in_place(ops.floor)
    ceil_ = _in_place(ops.ceil)
    round_ = _in_place(ops.round)
    trunc_ = _in_place(ops.trunc)
    clip_ = _in_place(ops.clip)
    lerp_ = _in_place(ops.lerp)
    reciprocal_ = _in_place(ops.reciprocal)
    erf_ = _in_place(ops.erf)
    tril_ = _in_place(ops.tril)
    triu_ = _in_place(ops.triu)
    cumsum_ = _in_place(ops.cumsum)
    nan_to_num_ = _in_place(ops.nan_to_num)

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
