"""All ops and public functions of tensors; importing this room fills the registry, and checks that it is whole."""

from minicnn.autograd.op import check_registry, functions
from minicnn.ops.aliases import *  # noqa: F403
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
from minicnn.ops.primitive.arithmetic import add, maximum, minimum, mul, pow, sub
from minicnn.ops.primitive.bitwise import (
    bitwise_and,
    bitwise_left_shift,
    bitwise_not,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
)
from minicnn.ops.primitive.blend import (
    allclose,
    clip,
    equal,
    fmod,
    frac,
    isclose,
    lerp,
    logical_xor,
    nan_to_num,
    sgn,
)
from minicnn.ops.primitive.cdist import cdist
from minicnn.ops.primitive.clamp import clamp
from minicnn.ops.primitive.combine import (
    atleast_3d,
    cartesian_prod,
    column_stack,
    combinations,
    dsplit,
    hsplit,
    vander,
    vsplit,
)
from minicnn.ops.primitive.compound import (
    addbmm,
    addr,
    adjoint,
    chain_matmul,
    cross,
    matrix_power,
    multi_dot,
    vdot,
    vecdot,
)
from minicnn.ops.primitive.convert import alias, cast, clone, transfer
from minicnn.ops.primitive.counting import bucketize, gcd, histc, isin, lcm, searchsorted, unique_consecutive
from minicnn.ops.primitive.division import div, floor_divide, remainder
from minicnn.ops.primitive.einsum import einsum
from minicnn.ops.primitive.embed import (
    block_diag,
    diag_embed,
    diagflat,
    diagonal_scatter,
    select_scatter,
    slice_scatter,
)
from minicnn.ops.primitive.exponential import erf, exp2, log2, log10, reciprocal, square
from minicnn.ops.primitive.extreme import amax, amin, argmax, argmin, max, min
from minicnn.ops.primitive.gather import gather
from minicnn.ops.primitive.hyperbolic import acosh, asinh, atanh, deg2rad, rad2deg
from minicnn.ops.primitive.index import getitem, index_put, unindex
from minicnn.ops.primitive.join import cat, narrow, stack
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
from minicnn.ops.primitive.linalg import matmul
from minicnn.ops.primitive.masks import (
    argwhere,
    masked_scatter,
    masked_select,
    nonzero,
    one_hot,
    take,
    take_along_dim,
)
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
from minicnn.ops.primitive.pairs import (
    addcdiv,
    addcmul,
    clamp_max,
    clamp_min,
    copysign,
    dist,
    float_power,
    fmax,
    fmin,
    heaviside,
    positive,
    rsub,
)
from minicnn.ops.primitive.parts import (
    atleast_1d,
    atleast_2d,
    chunk,
    concat,
    concatenate,
    dstack,
    hstack,
    select,
    split,
    tensor_split,
    unbind,
    vstack,
)
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
from minicnn.ops.primitive.products import (
    addmm,
    addmv,
    baddbmm,
    bmm,
    dot,
    inner,
    mm,
    mv,
    outer,
    tensordot,
)
from minicnn.ops.primitive.quantile import mode, msort, nanmean, nanmedian, nanquantile, quantile
from minicnn.ops.primitive.questions import isneginf, isposinf, isreal, signbit
from minicnn.ops.primitive.rearrange import fliplr, flipud, movedim, roll, rot90, swapaxes, swapdims, t
from minicnn.ops.primitive.reduce import all, any, logsumexp, mean, std, sum, var
from minicnn.ops.primitive.reduce_at import index_reduce, put, scatter_reduce
from minicnn.ops.primitive.repeat import repeat, repeat_interleave, tile
from minicnn.ops.primitive.rounding import ceil, floor, round, sign, trunc
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
from minicnn.ops.primitive.select import (
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
from minicnn.ops.primitive.solve import cholesky, det, inv, logdet, slogdet, solve
from minicnn.ops.primitive.special import erfc, erfinv, logaddexp, logaddexp2, logit, sinc, xlogy
from minicnn.ops.primitive.triangle import diag, diagonal, trace, tril, triu
from minicnn.ops.primitive.trigonometry import acos, asin, atan, atan2, cosh, hypot, sinh, tan
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
