"""`Variable`, the old name of a tensor with a history."""

from __future__ import annotations

from typing import Any

from minicnn.autograd import graph
from minicnn.autograd.graph import TapeTensor, memory_of, wrap
from minicnn.errors import ArgumentTypeError, message


class _Kind(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, graph.tensor_class)


class Variable(metaclass=_Kind):
    """Return a tensor of the same memory, as a leaf: tensors have been all that a Variable was since PyTorch 0.4.

    Args:
        data: a tensor.
        requires_grad: whether gradients are computed for it.
        volatile: has no effect; use `minicnn.no_grad`.
    Raises:
        ArgumentTypeError: data is no tensor.
        DTypeError: requires_grad, and data is not of floats.

    >>> import minicnn
    >>> x = Variable(minicnn.ones(2), requires_grad=True)
    >>> x
    tensor([1., 1.], requires_grad=True)
    >>> isinstance(x, Variable)
    True
    """

    def __new__(cls, data: Any = None, requires_grad: bool = False, volatile: bool = False) -> Any:
        if data is None:
            data = graph.tensor_class()
        if not isinstance(data, TapeTensor):
            raise ArgumentTypeError(
                message(
                    "Variable",
                    f"data expects a Tensor, got {type(data).__name__}.",
                    f"data = {data!r}"[:200],
                    "make one first: minicnn.tensor(values).",
                )
            )
        variable = wrap(data._array)
        variable._memory = memory_of(data)
        variable.requires_grad = requires_grad
        return variable
