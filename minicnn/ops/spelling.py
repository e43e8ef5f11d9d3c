"""Keywords that PyTorch takes with every function: NumPy's names (``axis``, ``keepdims``) and ``out=``.

Each is wrapped once, where it is named: `minicnn.ops` those with a ``dim``, and the namespaces of functions, `minicnn`
and `minicnn.linalg`, those that take ``out=``. Tensor's methods and operators stay the bare functions.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from minicnn.errors import ArgumentTypeError, message
from minicnn.ops.checks import need_tensors
from minicnn.ops.inplace import write_out

NUMPY = {"axis": "dim", "keepdims": "keepdim"}

_TAKE_OUT = """
abs acos acosh addbmm addcdiv addcmul addmm addmv addr all amax amin aminmax any argmax argmin argsort asin asinh
atan atan2 atanh baddbmm bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor bmm
bucketize cat ceil cholesky clamp clamp_max clamp_min column_stack copysign cos cosh cross cummax cummin
cumprod cumsum deg2rad det diag diff dist dot dstack einsum eq erf erfc erfinv exp exp2 expm1 float_power floor
floor_divide fmax fmin fmod frac gather gcd ge gt heaviside histc hstack hypot index_add index_copy index_select
inner inv isin isneginf isposinf kron kthvalue lcm le lerp log log10 log1p log2 logaddexp logaddexp2 logcumsumexp
logical_and logical_not logical_or logical_xor logit logsumexp lt masked_select matrix_norm matrix_power max maximum
mean median min minimum mm mode msort multi_dot mv nan_to_num nanmean nanmedian nanquantile narrow ne neg nonzero
norm outer pow prod quantile rad2deg reciprocal remainder repeat_interleave roll round rsqrt scatter scatter_add
scatter_reduce searchsorted sigmoid sign signbit sin sinc sinh slogdet solve sort sqrt square stack std sum take
take_along_dim tan tanh tensordot topk tril triu trunc var vdot vecdot vector_norm vstack where xlogy
"""
OUT = frozenset(_TAKE_OUT.split())


def numpy_names(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that takes ``axis`` for its ``dim`` and ``keepdims`` for its ``keepdim``, where it has them."""
    parameters = _parameters(function)
    names = {theirs: ours for theirs, ours in NUMPY.items() if ours in parameters and theirs not in parameters}
    if not names:
        return function

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for theirs in kwargs.keys() & names.keys():
            if names[theirs] not in kwargs:
                kwargs[names[theirs]] = kwargs.pop(theirs)
        return function(*args, **kwargs)

    return call


def with_out(names: dict[str, Any]) -> None:
    """Let the functions of a namespace take ``out=``, as PyTorch's functions do and its methods do not.

    ``out`` is a tensor to write the result to, and to return: of the result's shape, or without elements, when it
    takes that shape; a tuple of them where there are several results. Nothing in it may require grad.
    """
    for name, function in names.items():
        if getattr(function, "__name__", None) in OUT and "out" not in _parameters(function):
            names[name] = _taking_out(function)


def _taking_out(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if "out" not in kwargs:
            return function(*args, **kwargs)
        out = kwargs.pop("out")
        result = function(*args, **kwargs)
        if out is None:
            return result
        outs, results = (out, result) if isinstance(result, tuple) else ((out,), (result,))
        if not isinstance(outs, (tuple, list)) or len(outs) != len(results):
            raise ArgumentTypeError(
                message(
                    function.__name__,
                    f"out expects a tuple of {len(results)} tensors, one a result.",
                    f"out is a {type(outs).__name__}",
                    "leave out= away, or pass as many tensors.",
                )
            )
        need_tensors(function.__name__, **{f"out[{i}]" if len(outs) > 1 else "out": o for i, o in enumerate(outs)})
        written = [write_out(function.__name__, o, y) for o, y in zip(outs, results, strict=True)]
        if not isinstance(result, tuple):
            return written[0]
        return type(result)(*written) if hasattr(result, "_fields") else tuple(written)

    return call


def _parameters(function: Any) -> tuple[str, ...]:
    """Return the names of a plain function's parameters; inspect.signature takes a hundred times as long."""
    code = getattr(function, "__wrapped__", function).__code__
    return tuple(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
