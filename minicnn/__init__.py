"""minicnn: a small deep-learning engine that can be read, with PyTorch's names."""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

import numpy as _np

from minicnn.autograd import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from minicnn.backend import use
from minicnn.backend.device import device
from minicnn.backend.threads import get_num_threads, set_num_threads
from minicnn.ops import *  # noqa: F403
from minicnn.ops.promote import get_default_dtype, promote_types, result_type, set_default_dtype
from minicnn.random import Generator, default_generator, manual_seed
from minicnn.tensor import Tensor
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
from minicnn.tensor.likes import (
    bernoulli,
    empty_like,
    is_floating_point,
    is_tensor,
    logspace,
    multinomial,
    normal,
    numel,
    rand_like,
    randint_like,
    randn_like,
    tril_indices,
    triu_indices,
)

if _TYPE_CHECKING:
    from minicnn import data, nn, optim, testing

__version__ = "0.1.0"

float32 = float = _np.dtype("float32")
float64 = double = _np.dtype("float64")
int64 = long = _np.dtype("int64")
int32 = int = _np.dtype("int32")
int16 = short = _np.dtype("int16")
int8 = _np.dtype("int8")
uint8 = _np.dtype("uint8")
bool = _np.dtype("bool")

_ROOMS = ("autograd", "backend", "cuda", "data", "linalg", "models", "nn", "optim", "testing", "train", "viz")


def __getattr__(name: str) -> _Any:
    """Import a room when it is first used, so that ``import minicnn`` stays quick."""
    if name in _ROOMS:
        import importlib

        return importlib.import_module(f"minicnn.{name}")
    raise AttributeError(f"module 'minicnn' has no attribute {name!r}")
