"""The tape, the two kinds of op, and a user's own op."""

from typing import Any

from minicnn.autograd import functional
from minicnn.autograd.anomaly_mode import detect_anomaly, set_detect_anomaly
from minicnn.autograd.engine import backward, grad
from minicnn.autograd.function import Function
from minicnn.autograd.fused import Fused
from minicnn.autograd.mode import (
    by_definition,
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from minicnn.autograd.op import composition
from minicnn.autograd.primitive import Primitive
from minicnn.autograd.sample import ErrorSample, Sample
from minicnn.autograd.variable import Variable
from minicnn.errors import missing_names as _missing_names

__all__ = [
    "ErrorSample",
    "Function",
    "Fused",
    "Primitive",
    "Sample",
    "Variable",
    "backward",
    "by_definition",
    "composition",
    "detect_anomaly",
    "enable_grad",
    "functional",
    "grad",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]


def __getattr__(name: str) -> Any:
    """Import PyTorch's ``autograd.gradcheck`` and ``gradgradcheck`` when they are first used."""
    if name in ("gradcheck", "gradgradcheck"):
        from minicnn import testing

        return getattr(testing, name)
    _missing_names(__name__)(name)
