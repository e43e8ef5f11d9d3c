"""The tape, the two kinds of op, and a user's own op."""

from minicnn.autograd import functional
from minicnn.autograd.engine import backward, grad
from minicnn.autograd.function import Function
from minicnn.autograd.fused import Fused
from minicnn.autograd.mode import by_definition, enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from minicnn.autograd.op import composition
from minicnn.autograd.primitive import Primitive
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
    "functional",
    "grad",
    "is_grad_enabled",
    "no_grad",
    "set_grad_enabled",
]
