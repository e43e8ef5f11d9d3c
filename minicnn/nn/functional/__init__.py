"""Layers as plain functions: those of `minicnn.ops`, and the activations, losses and layers of networks alone."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from minicnn.errors import missing_names as _missing_names
from minicnn.nn.functional.adaptive import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
)
from minicnn.nn.functional.conv import conv1d, conv3d, conv_transpose1d, conv_transpose3d, fold, unfold
from minicnn.nn.functional.counts import gaussian_nll_loss, poisson_nll_loss, soft_margin_loss
from minicnn.nn.functional.embedding import embedding, embedding_bag
from minicnn.nn.functional.gate import maxout, swiglu
from minicnn.nn.functional.grid import affine_grid, grid_sample
from minicnn.nn.functional.inplace import celu_, elu_, hardtanh_, leaky_relu_, relu_, rrelu_, selu_, threshold_
from minicnn.nn.functional.likelihood import binary_cross_entropy, binary_cross_entropy_with_logits, kl_div, nll_loss
from minicnn.nn.functional.local import bilinear, local_response_norm, locally_connected2d
from minicnn.nn.functional.loss import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from minicnn.nn.functional.lp_pool import lp_pool1d, lp_pool2d, lp_pool3d
from minicnn.nn.functional.margin import (
    cosine_embedding_loss,
    cosine_similarity,
    hinge_embedding_loss,
    margin_ranking_loss,
    pairwise_distance,
    pdist,
    triplet_margin_loss,
)
from minicnn.nn.functional.margin_class import (
    multi_margin_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    triplet_margin_with_distance_loss,
)
from minicnn.nn.functional.noise import (
    alpha_dropout,
    dropout1d,
    dropout2d,
    dropout3d,
    feature_alpha_dropout,
    gumbel_softmax,
    rrelu,
)
from minicnn.nn.functional.norm import instance_norm, rms_norm
from minicnn.nn.functional.pooling import avg_pool1d, avg_pool3d, max_pool1d, max_pool3d
from minicnn.nn.functional.rectifier import (
    celu,
    elu,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    prelu,
    relu6,
    selu,
    softshrink,
    threshold,
)
from minicnn.nn.functional.resize import interpolate, upsample
from minicnn.nn.functional.shuffle import channel_shuffle, native_channel_shuffle, pixel_shuffle, pixel_unshuffle
from minicnn.nn.functional.smooth import gelu, glu, logsigmoid, mish, normalize, silu, softplus, softsign, tanhshrink
from minicnn.nn.functional.spelling import log_softmax, relu, softmax, softmin
from minicnn.nn.functional.unpool import max_unpool1d, max_unpool2d, max_unpool3d
from minicnn.ops import (
    avg_pool2d,
    batch_norm,
    conv2d,
    cross_entropy,
    dropout,
    flatten,
    group_norm,
    layer_norm,
    linear,
    max_pool2d,
    one_hot,
    pad,
    sigmoid,
    tanh,
)
from minicnn.ops.fused.conv_transpose import conv_transpose2d

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "affine_grid",
    "alpha_dropout",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm",
    "bilinear",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "celu",
    "celu_",
    "channel_shuffle",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "elu",
    "elu_",
    "embedding",
    "embedding_bag",
    "feature_alpha_dropout",
    "flatten",
    "fold",
    "gaussian_nll_loss",
    "gelu",
    "glu",
    "grid_sample",
    "group_norm",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "hinge_embedding_loss",
    "huber_loss",
    "instance_norm",
    "interpolate",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "leaky_relu_",
    "linear",
    "local_response_norm",
    "locally_connected2d",
    "log_softmax",
    "logsigmoid",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "margin_ranking_loss",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "maxout",
    "mish",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "native_channel_shuffle",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "pairwise_distance",
    "pdist",
    "pixel_shuffle",
    "pixel_unshuffle",
    "poisson_nll_loss",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rms_norm",
    "rrelu",
    "rrelu_",
    "selu",
    "selu_",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "swiglu",
    "tanh",
    "tanhshrink",
    "threshold",
    "threshold_",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
    "unfold",
    "upsample",
]

if not _TYPE_CHECKING:  # a type checker is to find the names that are not there
    __getattr__ = _missing_names(__name__)
