"""minicnn: a small deep-learning engine that can be read, with PyTorch's names."""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

import numpy as _np

from minicnn.autograd import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from minicnn.backend import use
from minicnn.backend.device import device, get_default_device, set_default_device
from minicnn.backend.threads import get_num_threads, set_num_threads
from minicnn.errors import OutOfMemoryError
from minicnn.errors import missing_names as _missing_names
from minicnn.ops import *  # noqa: F403
from minicnn.ops.dtypes import bfloat16
from minicnn.ops.promote import get_default_dtype, promote_types, result_type, set_default_dtype
from minicnn.ops.spelling import with_out as _with_out
from minicnn.random import Generator, default_generator, initial_seed, manual_seed, seed
from minicnn.tensor import Size, Tensor
from minicnn.tensor.creation import (
    arange,
    as_tensor,
    empty,
    eye,
    from_numpy,
    full,
    full_like,
    linspace,
    ones,
    ones_like,
    rand,
    randint,
    randn,
    randperm,
    tensor,
    zeros,
    zeros_like,
)
from minicnn.tensor.facts import is_complex, is_nonzero
from minicnn.tensor.hooks import is_inference
from minicnn.tensor.likes import (
    asarray,
    bernoulli,
    broadcast_shapes,
    can_cast,
    empty_like,
    from_dlpack,
    is_floating_point,
    is_same_size,
    is_tensor,
    logspace,
    multinomial,
    normal,
    numel,
    rand_like,
    randint_like,
    randn_like,
    scalar_tensor,
    tril_indices,
    triu_indices,
)
from minicnn.tensor.old import old_types as _old_types
from minicnn.tensor.printing import get_printoptions, printoptions, set_printoptions
from minicnn.tensor.rng import get_rng_state, set_rng_state

if _TYPE_CHECKING:
    from minicnn import accelerator, backends, cuda, data, linalg, models, nn, optim, testing, train, utils
    from minicnn.amp import autocast
    from minicnn.autograd.anomaly_mode import is_anomaly_check_nan_enabled, is_anomaly_enabled
    from minicnn.backends.determinism import are_deterministic_algorithms_enabled, use_deterministic_algorithms
    from minicnn.compiler import compile
    from minicnn.nn.summary import summary
    from minicnn.serialization import load, save
    from minicnn.tensor.old import OldType as _OldType
    from minicnn.testing import gradcheck, gradgradcheck

    FloatTensor: _OldType
    DoubleTensor: _OldType
    LongTensor: _OldType
    IntTensor: _OldType
    ShortTensor: _OldType
    CharTensor: _OldType
    ByteTensor: _OldType
    BoolTensor: _OldType

__version__ = "0.1.0"

_with_out(globals())

float32 = float = _np.dtype("float32")
float64 = double = _np.dtype("float64")
int64 = long = _np.dtype("int64")
int32 = int = _np.dtype("int32")
int16 = short = _np.dtype("int16")
int8 = _np.dtype("int8")
uint8 = _np.dtype("uint8")
uint16, uint32, uint64 = _np.dtype("uint16"), _np.dtype("uint32"), _np.dtype("uint64")
bool = _np.dtype("bool")
pi, e, inf, nan, newaxis = _np.pi, _np.e, _np.inf, _np.nan, None
finfo, iinfo = _np.finfo, _np.iinfo  # eps, max and the like of a dtype
dtype = _np.dtype
float16 = half = _np.dtype("float16")  # refused wherever it is asked for, with an error that says what to do

# PyTorch's orders in memory, accepted where it takes them: minicnn chooses its own.
channels_last, contiguous_format, preserve_format = "channels_last", "contiguous_format", "preserve_format"

globals().update(_old_types("cpu"))  # FloatTensor, LongTensor and their kind

_ROOMS = (
    *("accelerator", "amp", "autograd", "backend", "backends", "compiler", "cuda", "data", "linalg", "models", "nn"),
    *("optim", "testing", "train", "utils", "viz"),
)
_LATE = {  # functions of rooms that load when first used
    "GradScaler": "amp",
    "are_deterministic_algorithms_enabled": "backends.determinism",
    "autocast": "amp",
    "compile": "compiler",
    "gradcheck": "testing",
    "gradgradcheck": "testing",
    "get_float32_matmul_precision": "backends.precision",
    "is_anomaly_check_nan_enabled": "autograd.anomaly_mode",
    "is_anomaly_enabled": "autograd.anomaly_mode",
    "is_deterministic_algorithms_warn_only_enabled": "backends.determinism",
    "load": "serialization",
    "save": "serialization",
    "set_float32_matmul_precision": "backends.precision",
    "summary": "nn.summary",
    "use_deterministic_algorithms": "backends.determinism",
}
_FUNCTIONAL = (  # what PyTorch has at the top as well as in nn.functional
    *("adaptive_avg_pool1d", "avg_pool1d", "bilinear", "celu", "channel_shuffle", "conv1d", "conv3d"),
    *("conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "cosine_similarity", "embedding", "group_norm"),
    *("hardshrink", "hinge_embedding_loss", "instance_norm", "pairwise_distance", "pixel_shuffle", "pixel_unshuffle"),
    *("poisson_nll_loss", "prelu", "rms_norm", "rrelu", "selu", "threshold"),
    *("celu_", "relu_", "rrelu_", "selu_", "threshold_", "pdist"),
)


def __getattr__(name: str) -> _Any:
    """Import a room when it is first used, so that ``import minicnn`` stays quick."""
    import importlib

    if name in _ROOMS:
        return importlib.import_module(f"minicnn.{name}")
    room = _LATE.get(name) or ("nn.functional" if name in _FUNCTIONAL else None)
    if room is not None:
        globals()[name] = found = getattr(importlib.import_module(f"minicnn.{room}"), name)
        return found
    _missing_names(__name__)(name)
