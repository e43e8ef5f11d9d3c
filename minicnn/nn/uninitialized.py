"""Parameters and buffers without a shape yet: what a lazy layer holds before its first input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np

from minicnn.backend.device import device as Device
from minicnn.errors import UninitializedError, message
from minicnn.nn.parameter import Parameter
from minicnn.tensor import Tensor
from minicnn.tensor.creation import empty

FIX = "give the network one input first: layers take their sizes from it."


class Uninitialized(Tensor):
    """A tensor that has a dtype and a device, and no shape or values yet; `materialize` gives it both.

    It becomes the plain class then, and stays the same object: an optimizer that holds it goes on holding it.

    Attributes:
        cls_to_become: the plain class.
    """

    cls_to_become: ClassVar[type[Tensor]]
    _like: Tensor  # empty, of its dtype and on its device

    @property
    def _array(self) -> Any:  # what every op reads first
        name = type(self).__name__
        raise UninitializedError(message(name, "it has no values yet.", "a lazy layer that was not called", FIX))

    @property
    def shape(self) -> Any:
        """No shape yet.

        Raises:
            UninitializedError: always.
        """
        name = type(self).__name__
        raise UninitializedError(message(name, "it has no shape yet.", "a lazy layer that was not called", FIX))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type its elements will have."""
        return self._like.dtype

    @property
    def device(self) -> Device:
        """Where it will live."""
        return self._like.device

    def is_floating_point(self) -> bool:
        """Whether its elements will be floats."""
        return self._like.is_floating_point()

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Change the dtype or the device it will have; return it."""
        self._like = self._like.to(*args, **kwargs)
        return self

    def detach(self) -> Self:
        """Itself: there is nothing to detach yet."""
        return self

    def materialize(self, shape: Sequence[int], device: Any = None, dtype: Any = None) -> None:
        """Give it a shape, and memory whose values are yet to be set; it becomes the plain class."""
        values = empty(
            tuple(shape),
            dtype=self.dtype if dtype is None else dtype,
            device=self.device if device is None else device,
        )
        del self._like
        self.__class__ = self.cls_to_become  # type: ignore[assignment]
        self.__dict__["_array"] = values._array

    def _arguments(self) -> tuple[Any, ...]:
        """What makes another one like it."""
        return self._requires_grad, self.device.type, self.dtype

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), self._arguments()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        out = type(self)(*self._arguments())
        memo[id(self)] = out
        return out

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(Uninitialized, Parameter):
    """A `Parameter` without a shape yet.

    Args:
        requires_grad: whether gradients will be computed for it.
        device, dtype: what it will have; the defaults if None.

    >>> from minicnn import nn
    >>> weight = nn.LazyLinear(3).weight
    >>> weight
    <UninitializedParameter>
    >>> weight.materialize((3, 2))
    >>> weight.shape
    (3, 2)
    """

    cls_to_become = Parameter

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        self._like = empty(0, device=device, dtype=dtype)
        self._requires_grad = requires_grad


class UninitializedBuffer(Uninitialized):
    """A buffer without a shape yet.

    Args:
        requires_grad: whether gradients will be computed for it.
        device, dtype: what it will have; the defaults if None.
        persistent: whether it is meant for the state_dict; ``register_buffer`` decides.
    """

    cls_to_become = Tensor

    def __init__(
        self, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> None:
        self._like = empty(0, device=device, dtype=dtype)
        self._requires_grad = requires_grad
        self.persistent = persistent

    def _arguments(self) -> tuple[Any, ...]:
        return (*super()._arguments(), self.persistent)
