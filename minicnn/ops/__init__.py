"""All ops and public functions of tensors; importing this room fills the registry, and checks that it is whole."""

from minicnn.autograd.op import check_registry
from minicnn.ops.fused.avg_pool import avg_pool2d
from minicnn.ops.fused.batch_norm import batch_norm
from minicnn.ops.fused.conv import conv2d
from minicnn.ops.fused.cross_entropy import cross_entropy
from minicnn.ops.fused.dropout import dropout
from minicnn.ops.fused.layer_norm import layer_norm
from minicnn.ops.fused.linear import linear
from minicnn.ops.fused.max_pool import max_pool2d
from minicnn.ops.fused.softmax import log_softmax, softmax
from minicnn.ops.inplace import assign
from minicnn.ops.primitive.arithmetic import add, div, floor_divide, maximum, minimum, mul, pow, remainder, sub
from minicnn.ops.primitive.bitwise import bitwise_and, bitwise_not, bitwise_or, bitwise_xor
from minicnn.ops.primitive.convert import alias, cast, clone, transfer
from minicnn.ops.primitive.extreme import amax, amin, argmax, argmin, max, min
from minicnn.ops.primitive.index import gather, getitem, index_put, unindex
from minicnn.ops.primitive.join import cat, narrow, stack
from minicnn.ops.primitive.linalg import matmul
from minicnn.ops.primitive.pad import pad
from minicnn.ops.primitive.pointwise import (
    abs,
    cos,
    exp,
    expm1,
    log,
    log1p,
    neg,
    relu,
    rsqrt,
    sigmoid,
    sin,
    sqrt,
    tanh,
)
from minicnn.ops.primitive.reduce import all, any, logsumexp, mean, std, sum, var
from minicnn.ops.primitive.rounding import ceil, floor, round, sign, trunc
from minicnn.ops.primitive.select import (
    clamp,
    eq,
    ge,
    gt,
    isfinite,
    isinf,
    isnan,
    le,
    logical_and,
    logical_not,
    logical_or,
    lt,
    masked_fill,
    ne,
    where,
)
from minicnn.ops.primitive.shape import as_shape, expand, flatten, flip, permute, reshape, squeeze, transpose, unsqueeze

check_registry()

__all__ = [  # what `from minicnn.ops import *` gives: the functions, not the rooms
    name for name in dir() if not name.startswith("_") and callable(globals()[name]) and name != "check_registry"
]
