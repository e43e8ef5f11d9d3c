"""The tape, the two kinds of op, and a user's own op."""

from minicnn.autograd.function import Function
from minicnn.autograd.graph import (
    backward,
    by_definition,
    enable_grad,
    grad,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from minicnn.autograd.op import Fused, Primitive, composition
from minicnn.autograd.sample import ErrorSample, Sample

__all__ = [
    "ErrorSample",
    "Function",
    "Fused",
    "Primitive",
    "Sample",
    "backward",
    "by_definition",
    "composition",
    "enable_grad",
    "grad",
    "is_grad_enabled",
    "no_grad",
    "set_grad_enabled",
]
