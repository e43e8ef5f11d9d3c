"""All ops and public functions of tensors; importing this room fills the registry, and checks that it is whole."""

from minicnn.autograd.op import check_registry, functions
from minicnn.ops.aliases import *  # noqa: F403
from minicnn.ops.fused.avg_pool import avg_pool2d
from minicnn.ops.fused.batch_norm import batch_norm
from minicnn.ops.fused.conv import conv2d
from minicnn.ops.fused.cross_entropy import cross_entropy
from minicnn.ops.fused.dropout import dropout
from minicnn.ops.fused.group_norm import group_norm
from minicnn.ops.fused.layer_norm import layer_norm
from minicnn.ops.fused.linear import linear
from minicnn.ops.fused.max_pool import max_pool2d
from minicnn.ops.fused.softmax import log_softmax, softmax
from minicnn.ops.inplace import assign
from minicnn.ops.primitive.addmm import addbmm, addmm, addmv, addr, baddbmm
from minicnn.ops.primitive.arithmetic import add, float_power, mul, pow, rsub, sub
from minicnn.ops.primitive.bitwise import (
    bitwise_and,
    bitwise_left_shift,
    bitwise_not,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    gcd,
    lcm,
)
from minicnn.ops.primitive.blend import addcdiv, addcmul, lerp
from minicnn.ops.primitive.chain import chain_matmul, matrix_power, multi_dot
from minicnn.ops.primitive.clamp import clamp, clamp_max, clamp_min, nan_to_num
from minicnn.ops.primitive.combine import cartesian_prod, combinations, vander
from minicnn.ops.primitive.compare import (
    allclose,
    eq,
    equal,
    ge,
    gt,
    isclose,
    le,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    lt,
    ne,
)
from minicnn.ops.primitive.convert import alias, cast, clone, transfer
from minicnn.ops.primitive.counting import bucketize, histc, isin, searchsorted, unique_consecutive
from minicnn.ops.primitive.cross import cross
from minicnn.ops.primitive.distance import cdist, dist
from minicnn.ops.primitive.division import div, floor_divide, fmod, remainder
from minicnn.ops.primitive.einsum import einsum
from minicnn.ops.primitive.embed import (
    block_diag,
    diag_embed,
    diagflat,
    diagonal_scatter,
    select_scatter,
    slice_scatter,
)
from minicnn.ops.primitive.exponential import exp, exp2, expm1, log, log1p, log2, log10
from minicnn.ops.primitive.extreme import amax, amin, argmax, argmin, max, min
from minicnn.ops.primitive.gather import gather
from minicnn.ops.primitive.hyperbolic import acosh, asinh, atanh, cosh, sinh, tanh
from minicnn.ops.primitive.index import getitem, index_put, unindex
from minicnn.ops.primitive.join import (
    atleast_1d,
    atleast_2d,
    atleast_3d,
    cat,
    column_stack,
    dstack,
    hstack,
    stack,
    vstack,
)
from minicnn.ops.primitive.kron import kron
from minicnn.ops.primitive.layout import (
    broadcast_tensors,
    broadcast_to,
    meshgrid,
    ravel,
    unflatten,
    view_as,
    windows,
)
from minicnn.ops.primitive.masks import (
    argwhere,
    masked_scatter,
    masked_select,
    nonzero,
    one_hot,
    take,
    take_along_dim,
)
from minicnn.ops.primitive.matmul import matmul
from minicnn.ops.primitive.maximum import fmax, fmin, maximum, minimum
from minicnn.ops.primitive.measure import (
    bincount,
    count_nonzero,
    matrix_norm,
    nansum,
    norm,
    std_mean,
    var_mean,
    vector_norm,
)
from minicnn.ops.primitive.moments import corrcoef, cov
from minicnn.ops.primitive.order import aminmax, argsort, kthvalue, median, sort, topk, unique
from minicnn.ops.primitive.pad import pad
from minicnn.ops.primitive.parts import chunk, dsplit, hsplit, narrow, select, split, tensor_split, unbind, vsplit
from minicnn.ops.primitive.pointwise import abs, neg, reciprocal, relu, rsqrt, sigmoid, sqrt, square
from minicnn.ops.primitive.products import bmm, dot, inner, mm, mv, outer, tensordot, vdot, vecdot
from minicnn.ops.primitive.quantile import mode, msort, nanmean, nanmedian, nanquantile, quantile
from minicnn.ops.primitive.questions import isfinite, isinf, isnan, isneginf, isposinf, isreal
from minicnn.ops.primitive.rearrange import adjoint, fliplr, flipud, movedim, roll, rot90, swapaxes, t
from minicnn.ops.primitive.reduce import all, any, logsumexp, mean, std, sum, var
from minicnn.ops.primitive.reduce_at import index_reduce, put, scatter_reduce
from minicnn.ops.primitive.repeat import repeat, repeat_interleave, tile
from minicnn.ops.primitive.rounding import ceil, floor, frac, round, trunc
from minicnn.ops.primitive.running import cummax, cummin, cumulative_trapezoid, diff, trapezoid
from minicnn.ops.primitive.scan import cumprod, cumsum, logcumsumexp, prod
from minicnn.ops.primitive.scatter import (
    index_add,
    index_copy,
    index_fill,
    index_select,
    scatter,
    scatter_add,
)
from minicnn.ops.primitive.shape import as_shape, expand, flatten, flip, permute, reshape, squeeze, transpose, unsqueeze
from minicnn.ops.primitive.sign import copysign, heaviside, positive, sign, signbit
from minicnn.ops.primitive.solve import cholesky, det, inv, logdet, slogdet, solve
from minicnn.ops.primitive.special import erf, erfc, erfinv, logaddexp, logaddexp2, logit, sinc, xlogy
from minicnn.ops.primitive.triangle import diag, diagonal, trace, tril, triu
from minicnn.ops.primitive.trigonometry import acos, asin, atan, atan2, cos, deg2rad, hypot, rad2deg, sin, tan
from minicnn.ops.primitive.where import masked_fill, where
from minicnn.ops.spelling import numpy_names

check_registry()

_registered = {id(public.function) for public in functions.values()}
for _name, _function in list(globals().items()):  # aliases too: they are the same functions
    if id(_function) in _registered:
        globals()[_name] = numpy_names(_function)

__all__ = [  # what `from minicnn.ops import *` gives: the functions, not the rooms
    name
    for name in dir()
    if not name.startswith("_") and callable(globals()[name]) and name not in ("check_registry", "numpy_names")
]
