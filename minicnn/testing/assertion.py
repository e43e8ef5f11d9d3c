"""`assert_gradients`: a gradient check as a line of a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.errors import ArgumentTypeError, ParameterError, message, shown
from minicnn.nn.module import Module
from minicnn.tensor import Tensor
from minicnn.tensor.creation import tensor
from minicnn.testing.gradcheck import gradcheck, gradgradcheck


def assert_gradients(fn: Callable[..., Any], inputs: Any = (), order: int = 2, **options: Any) -> None:
    """Fail unless the gradients of ``fn`` at ``inputs`` agree with finite differences, to second order.

    Args:
        fn: takes the inputs, returns a tensor or several; or a module, whose parameters are then checked as well.
        inputs: one or a list. NumPy arrays of floats become float64 tensors whose gradient is checked, other arrays
            tensors without gradient; tensors and all else are passed as they are.
        order: 1 checks the gradient alone, 2 (the default) its own gradient too.
        options: as of `minicnn.gradcheck`: ``eps``, ``atol``, ``rtol``, ``seed``, ``directions``, ``name``, ...
    Raises:
        GradcheckError: an AssertionError; a gradient is wrong, or cannot be checked.
        ParameterError: an order other than 1 or 2.
        ArgumentTypeError: nothing has a gradient, since the inputs are Python numbers.

    >>> import minicnn, numpy as np
    >>> assert_gradients(minicnn.conv2d, [np.ones((1, 2, 4, 4)), np.ones((3, 2, 3, 3))])
    """
    __tracebackhide__ = True  # pytest then shows the line that called
    if order not in (1, 2):
        raise ParameterError(
            message(
                "assert_gradients", f"order expects 1 or 2, got {order!r}.", "1 is the gradient", "leave it out for 2."
            )
        )
    if isinstance(inputs, (list, tuple)):
        inputs = [_tensor(x) for x in inputs]
    else:
        inputs = _tensor(inputs)
    given = inputs if isinstance(inputs, list) else [inputs]
    graded = isinstance(fn, Module) or any(getattr(x, "requires_grad", False) for x in given)
    if not graded and any(isinstance(x, float) for x in given):
        raise ArgumentTypeError(
            message(
                "assert_gradients",
                "a Python number is passed on as it is, and has no gradient to check.",
                f"inputs = {shown(inputs)}",
                "pass NumPy arrays: np.array([1.0, 2.0]).",
            )
        )
    options["raise_exception"] = True
    gradcheck(fn, inputs, **options)
    if order == 2:
        gradgradcheck(fn, inputs, **options)


def _tensor(x: Any) -> Any:
    if not isinstance(x, (np.ndarray, np.generic)):
        return x
    made: Tensor = tensor(np.asarray(x).astype(np.float64) if x.dtype.kind == "f" else np.asarray(x))
    return made.requires_grad_() if x.dtype.kind == "f" else made
