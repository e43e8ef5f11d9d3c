"""PyTorch's old spellings: ``FloatTensor`` and its kind, and the methods `type`, `new`, `resize`, `resize_`."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from minicnn import ops
from minicnn.autograd.graph import TapeTensor, clock, memory_of, take_memory, wrap
from minicnn.backend import backend_of, current
from minicnn.backend.device import device as Device
from minicnn.errors import ArgumentTypeError, GraphError, ParameterError, ShapeError, message
from minicnn.ops.dtypes import OLD_TYPES, as_dtype
from minicnn.tensor.size import Size

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

_NAMES = {as_dtype(dtype): name for name, dtype in OLD_TYPES.items() if dtype not in ("float16", "bfloat16")}


def made(where: str, data: tuple[Any, ...], dtype: Any, device: Any = None) -> Any:
    """Return the array that ``FloatTensor(*data)`` holds: sizes give zeros, a list or an array gives its values.

    Raises:
        ArgumentTypeError: one number that is no size, or a tensor of another dtype.
        ParameterError: a negative size.
    """
    be = current() if device is None else Device(device).backend()
    if not data:
        data = (0,)
    if isinstance(data[0], Size) or all(isinstance(n, (int, np.integer)) for n in data):
        shape = ops.as_shape(data)
        if any(n < 0 for n in shape):
            problem, got = f"sizes expect 0 or more, got {shape}.", "a dim has no negative size"
            raise ParameterError(message(where, problem, got, "check the sizes."))
        return be.xp.zeros(shape, dtype=dtype)
    value = data[0]
    if len(data) > 1 or not isinstance(value, (list, tuple, np.ndarray, TapeTensor)):
        raise ArgumentTypeError(
            message(
                where,
                f"expects sizes, or one sequence of values, got {', '.join(type(d).__name__ for d in data)}.",
                f"{where}{data!r:.60}",
                f"write {where}(2, 3) for sizes, or minicnn.tensor(value) for a number.",
            )
        )
    if isinstance(value, TapeTensor):
        if value._array.dtype != dtype:
            raise ArgumentTypeError(
                message(
                    where,
                    f"expects a tensor of {dtype}, got {value._array.dtype}.",
                    f"shape {tuple(value._array.shape)}",
                    "convert it: x.to(dtype).",
                )
            )
        return value._array
    from minicnn.tensor.creation import tensor

    kind = dtype if dtype.kind == "f" else None  # to integers, numbers are cut, as a cast does
    return tensor(value, dtype=kind, device=device)._array.astype(dtype)


class OldType:
    """What ``minicnn.FloatTensor`` and its kind are: they make tensors of a dtype, stand for it, and test for it.

    Args:
        name: such as "FloatTensor".
        device: where its tensors live.

    >>> FloatTensor = OldType("FloatTensor", "cpu")
    >>> FloatTensor(2, 2)
    tensor([[0., 0.],
            [0., 0.]])
    >>> FloatTensor([1, 2])
    tensor([1., 2.])
    >>> isinstance(FloatTensor(3), FloatTensor)
    True
    """

    def __init__(self, name: str, device: str) -> None:
        self.__name__ = name
        self.device = device
        self._dtype = OLD_TYPES[name]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of its tensors.

        Raises:
            DTypeError: half precision, which is not computed with.
        """
        return as_dtype(self._dtype)

    def __call__(self, *data: Any) -> Tensor:
        out: Tensor = wrap(made(self.__name__, data, self.dtype, self.device))
        return out

    def __instancecheck__(self, value: object) -> bool:
        return (
            isinstance(value, TapeTensor)
            and value._array.dtype == self._dtype
            and backend_of(value._array).device_type == self.device
        )

    def __repr__(self) -> str:
        return f"<class 'torch.{'cuda.' if self.device == 'cuda' else ''}{self.__name__}'>"


def old_types(device: str) -> dict[str, OldType]:
    """Return PyTorch's old tensor types of a device by name."""
    return {name: OldType(name, device) for name in OLD_TYPES}


class Old(TapeTensor):
    """Methods from PyTorch's first years that old code still calls."""

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """The tensor in another dtype; without one, PyTorch's name of its own, such as 'torch.FloatTensor'.

        Args:
            dtype: a dtype, or an old tensor type or its name, which also says where: ``torch.cuda.FloatTensor``.
            non_blocking: accepted; nothing is copied in the background.

        >>> import minicnn
        >>> minicnn.zeros(2).type(), minicnn.zeros(2).type("torch.LongTensor").dtype
        ('torch.FloatTensor', dtype('int64'))
        """
        here: Any = self
        if dtype is None:
            room = "cuda." if here.is_cuda else ""
            return f"torch.{room}{_NAMES.get(here.dtype, here.dtype)}"
        device = dtype.device if isinstance(dtype, OldType) else None
        if isinstance(dtype, str) and dtype.endswith("Tensor"):
            device = "cuda" if ".cuda." in f".{dtype}" else "cpu"
        return here.to(dtype=dtype, device=device)

    def new(self, *data: Any) -> Any:
        """A new tensor of this one's dtype and place: zeros in the sizes given, or the values of a list."""
        here: Any = self
        return wrap(made("new", data, self._array.dtype, here.device))

    def resize(self, *sizes: Any) -> Any:
        """The values under another shape of as many elements; deprecated: `reshape` is meant."""
        warnings.warn("non-inplace resize is deprecated", UserWarning, stacklevel=2)
        here: Any = self
        shape = ops.as_shape(sizes)
        if int(np.prod(shape)) != here.numel():
            raise ShapeError(
                message(
                    "resize",
                    f"the number of elements stays, {here.numel()} do not fit {shape}.",
                    f"shape {tuple(here.shape)}",
                    "use reshape; resize_ for another number of elements.",
                )
            )
        return here.reshape(shape)

    def resize_(self, *sizes: Any) -> Self:
        """Give the tensor another shape, in place: further elements are 0, surplus ones go; return the tensor.

        Raises:
            GraphError: the tensor requires grad.
        """
        shape = ops.as_shape(sizes)
        if self._requires_grad:
            raise GraphError(
                message("resize_", "a tensor that requires grad keeps its shape.", f"to {shape}", "use reshape.")
            )
        xp, count = backend_of(self._array).xp, int(np.prod(shape))
        flat = self._array.reshape(-1)
        if count > flat.size:
            take_memory(self, xp.concatenate([flat, xp.zeros(count - flat.size, dtype=flat.dtype)]).reshape(shape))
            return self
        self._array = flat[:count].reshape(shape)
        memory_of(self).written = clock()
        return self
