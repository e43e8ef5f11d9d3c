"""The functions that write their result into the tensor, under their own names with an underscore."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from minicnn import ops
from minicnn.autograd.graph import TapeTensor, stand_in
from minicnn.autograd.mode import mode
from minicnn.autograd.op import functions
from minicnn.autograd.writes import refuse_inference, refuse_leaf
from minicnn.errors import ShapeError, message
from minicnn.ops import inplace


def _in_place(function: Callable[..., Any]) -> Any:
    """Return the method that writes a function's result into its tensor."""
    name = f"{function.__name__}_"
    whole = functions[function.__name__].op is not None  # else several ops, each of which may need the old value

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return inplace.update(self, name, lambda x: function(x if whole else _kept(x), *args, **kwargs))

    method.__name__ = name
    method.__doc__ = f"`{function.__name__}`, in place: return the tensor itself."
    return method


def _kept(x: Any) -> Any:
    """Return a tensor of the same history whose value a write does not change, where a gradient may need it."""
    if mode.recording and x._requires_grad:
        x._array, x._memory = x._array.copy(), None
    return x


def _all(*functions: Callable[..., Any]) -> list[Any]:
    return [_in_place(function) for function in functions]


def _reshaping(function: Callable[..., Any]) -> Any:
    """Return the method that shows a tensor under another shape from now on; the memory stays."""
    name = f"{function.__name__}_"

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        refuse_inference(self, name)
        if mode.recording:
            refuse_leaf(self, name)
        view = function(stand_in(self), *args, **kwargs)
        self._array, self._node, self._requires_grad = view._array, view._node, view._requires_grad
        return self

    method.__name__ = name
    method.__doc__ = f"`{function.__name__}`, in place: the tensor itself has the new shape, and the same memory."
    return method


class Rewrites(TapeTensor):
    """Methods that change the tensor, by family."""

    # ---- element by element
    abs_, neg_, sign_, square_, sqrt_, rsqrt_ = _all(ops.abs, ops.neg, ops.sign, ops.square, ops.sqrt, ops.rsqrt)
    absolute_, negative_, sgn_ = abs_, neg_, sign_
    log_, log2_, log10_, log1p_, exp2_, expm1_, reciprocal_ = _all(
        ops.log, ops.log2, ops.log10, ops.log1p, ops.exp2, ops.expm1, ops.reciprocal
    )
    sin_, cos_, tan_, sinh_, cosh_, tanh_ = _all(ops.sin, ops.cos, ops.tan, ops.sinh, ops.cosh, ops.tanh)
    asin_, acos_, atan_, asinh_, acosh_, atanh_ = _all(ops.asin, ops.acos, ops.atan, ops.asinh, ops.acosh, ops.atanh)
    arcsin_, arccos_, arctan_, arcsinh_, arccosh_, arctanh_ = asin_, acos_, atan_, asinh_, acosh_, atanh_
    erf_, erfc_, erfinv_, sinc_, logit_, sigmoid_ = _all(
        ops.erf, ops.erfc, ops.erfinv, ops.sinc, ops.logit, ops.sigmoid
    )
    deg2rad_, rad2deg_ = _all(ops.deg2rad, ops.rad2deg)
    floor_, ceil_, round_, trunc_, frac_ = _all(ops.floor, ops.ceil, ops.round, ops.trunc, ops.frac)
    fix_ = trunc_
    nan_to_num_, clip_, clamp_min_, clamp_max_ = _all(ops.nan_to_num, ops.clamp, ops.clamp_min, ops.clamp_max)

    # ---- with others
    lerp_, addcmul_, addcdiv_ = _all(ops.lerp, ops.addcmul, ops.addcdiv)
    atan2_, hypot_, copysign_, xlogy_, float_power_ = _all(
        ops.atan2, ops.hypot, ops.copysign, ops.xlogy, ops.float_power
    )
    arctan2_ = atan2_
    fmod_, remainder_, floor_divide_ = _all(ops.fmod, ops.remainder, ops.floor_divide)
    gcd_, lcm_, heaviside_ = _all(ops.gcd, ops.lcm, ops.heaviside)
    eq_, ne_, lt_, le_, gt_, ge_ = _all(ops.eq, ops.ne, ops.lt, ops.le, ops.gt, ops.ge)
    not_equal_, less_, less_equal_, greater_, greater_equal_ = ne_, lt_, le_, gt_, ge_
    logical_and_, logical_or_, logical_xor_, logical_not_ = _all(
        ops.logical_and, ops.logical_or, ops.logical_xor, ops.logical_not
    )
    bitwise_and_, bitwise_or_, bitwise_xor_, bitwise_not_ = _all(
        ops.bitwise_and, ops.bitwise_or, ops.bitwise_xor, ops.bitwise_not
    )
    bitwise_left_shift_, bitwise_right_shift_ = _all(ops.bitwise_left_shift, ops.bitwise_right_shift)
    __ifloordiv__, __imod__ = floor_divide_, remainder_
    __iand__, __ior__, __ixor__ = bitwise_and_, bitwise_or_, bitwise_xor_
    __ilshift__, __irshift__ = bitwise_left_shift_, bitwise_right_shift_

    # ---- products, and along dims
    addmm_, addmv_, addr_, addbmm_, baddbmm_ = _all(ops.addmm, ops.addmv, ops.addr, ops.addbmm, ops.baddbmm)
    cumsum_, cumprod_, tril_, triu_ = _all(ops.cumsum, ops.cumprod, ops.tril, ops.triu)

    # ---- at places
    index_add_, index_fill_, index_copy_, index_reduce_ = _all(
        ops.index_add, ops.index_fill, ops.index_copy, ops.index_reduce
    )
    index_put_, put_ = _all(ops.index_put, ops.put)
    scatter_, scatter_add_, scatter_reduce_ = _all(ops.scatter, ops.scatter_add, ops.scatter_reduce)
    masked_fill_, masked_scatter_ = _all(ops.masked_fill, ops.masked_scatter)

    # ---- another shape
    squeeze_, unsqueeze_, transpose_ = (_reshaping(f) for f in (ops.squeeze, ops.unsqueeze, ops.transpose))
    t_ = _reshaping(ops.t)
    swapaxes_ = swapdims_ = transpose_

    def fill_diagonal_(self, fill_value: Any, wrap: bool = False) -> Self:
        """One value on the main diagonal, of more than two dims where all indices are equal, in place.

        Args:
            wrap: start again below the last row of a tall matrix, one row left out.
        Raises:
            ShapeError: fewer than two dims, or more dims of unequal sizes.
        """

        shape = self._array.shape
        if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
            raise ShapeError(
                message(
                    "fill_diagonal_",
                    "expects a matrix, or more dims of one size.",
                    f"shape {tuple(shape)}",
                    "fill x.diagonal() for batches of matrices: x.diagonal(0, -2, -1).fill_(value).",
                )
            )
        steps = np.arange(shape[0] if wrap and len(shape) == 2 else min(shape))
        if len(shape) > 2 or not wrap:
            places = (steps,) * len(shape)
        else:
            rows = steps[steps % (shape[1] + 1) != shape[1]]
            places = (rows, rows % (shape[1] + 1))
        return inplace.update(self, "fill_diagonal_", lambda x: ops.index_put(x, places, fill_value))

    def apply_(self, function: Callable[[Any], Any]) -> Self:
        """A Python function's value for each element, in place; slow, and on the CPU only, as in PyTorch."""
        values = [function(v) for v in self.reshape(-1).tolist()]  # type: ignore[attr-defined]
        return self.copy_(self.new_tensor(values).reshape(self._array.shape))  # type: ignore[attr-defined]
