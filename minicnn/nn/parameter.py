"""Parameter: a tensor that a module trains; Buffer: one that it keeps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from minicnn.autograd import no_grad
from minicnn.autograd.graph import TapeTensor, borrows, memory_of
from minicnn.errors import ArgumentTypeError, message
from minicnn.tensor import Tensor
from minicnn.tensor.creation import empty


class Parameter(Tensor):
    """A tensor that becomes a parameter of the module it is set on.

    Args:
        data: the tensor whose memory it shares; an empty one if None.
        requires_grad: whether gradients are computed for it.
    Raises:
        ArgumentTypeError: data is no tensor.
        DTypeError: requires_grad for a tensor of integers.

    >>> import minicnn
    >>> Parameter(minicnn.zeros(2))
    Parameter containing:
    tensor([0., 0.], requires_grad=True)
    """

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        data = _tensor("Parameter", data)
        self._array = data._array
        self._memory, self._borrowed = memory_of(data), borrows(data)
        self.requires_grad = requires_grad

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        with no_grad():
            out = type(self)(self.detach().clone(), self.requires_grad)  # without the gradient, as in PyTorch
        memo[id(self)] = out
        return out

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Buffer(Tensor):
    """A tensor that becomes a buffer of the module it is set on: part of its state, and not trained.

    Args:
        data: the tensor whose memory it shares; an empty one if None.
        persistent: whether it is part of the state_dict.
    Raises:
        ArgumentTypeError: data is no tensor.

    >>> import minicnn
    >>> from minicnn import nn
    >>> module = nn.Module()
    >>> module.mean = nn.Buffer(minicnn.zeros(2))
    >>> list(module.state_dict())
    ['mean']
    """

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True) -> None:
        data = _tensor("Buffer", data)
        self._array = data._array
        self._memory, self._borrowed = memory_of(data), borrows(data)
        self.persistent = persistent

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        with no_grad():
            out = type(self)(self.detach().clone(), persistent=self.persistent)
        memo[id(self)] = out
        return out


def _tensor(where: str, data: Any) -> Tensor:
    """Return data, checked; an empty tensor for None."""
    data = empty(0) if data is None else data
    if not isinstance(data, TapeTensor):
        raise ArgumentTypeError(
            message(
                where,
                f"data expects a Tensor, got {type(data).__name__}.",
                f"data = {str(data)[:60]}",
                "make one first: minicnn.tensor(values).",
            )
        )
    return data  # type: ignore[return-value]


def clear_grads(parameters: Iterable[Tensor], set_to_none: bool) -> None:
    """Drop the gradients, or fill them with zeros in place and take them off the tape."""
    for p in parameters:
        if set_to_none or p.grad is None:
            p.grad = None
        else:
            p.grad.detach_()
            with no_grad():
                p.grad.zero_()
