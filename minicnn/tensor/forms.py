"""What a tensor gives to the world around it: numbers, lists, arrays, other dtypes and devices, copies, text."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from minicnn import ops
from minicnn.autograd.graph import TapeTensor, wrap
from minicnn.backend import backend_of
from minicnn.backend.device import device as Device
from minicnn.errors import (
    ArgumentTypeError,
    BackendError,
    GraphError,
    MinicnnError,
    ParameterError,
    ShapeError,
    message,
)
from minicnn.ops.dtypes import as_dtype, names_dtype
from minicnn.ops.primitive.dims import normal_dim
from minicnn.ops.promote import get_default_dtype
from minicnn.tensor.printing import show
from minicnn.tensor.size import Size

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

UFUNCS = {  # NumPy's names of ops that have another one here
    "equal": "eq",
    "invert": "bitwise_not",
    "left_shift": "bitwise_left_shift",
    "power": "pow",
    "right_shift": "bitwise_right_shift",
}


class Forms(TapeTensor):
    """Conversion, and Python's own protocols."""

    _ahead: Any = None  # of a pinned batch: its copy on the device, under way

    # ---- what it is

    @property
    def shape(self) -> Size:
        """The sizes of its dims."""
        return Size(self._array.shape)

    @property
    def ndim(self) -> int:
        """How many dims it has."""
        return self._array.ndim

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its elements, a NumPy dtype."""
        return self._array.dtype

    @property
    def device(self) -> Device:
        """Where it lives."""
        backend = backend_of(self._array)
        kind = backend.device_type
        return Device(kind, None if kind == "cpu" else backend.index)

    @property
    def is_cuda(self) -> bool:
        """Whether it lives on a GPU."""
        return backend_of(self._array).device_type == "cuda"

    @property
    def T(self) -> Tensor:
        """The dims in reverse order."""
        return self.permute(tuple(reversed(range(self.ndim))))

    @property
    def mT(self) -> Tensor:
        """The last two dims exchanged."""
        return self.transpose(-1, -2)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dim."""
        return self.shape if dim is None else self.shape[normal_dim("size", dim, self.ndim)]

    def dim(self) -> int:
        """How many dims it has."""
        return self._array.ndim

    def numel(self) -> int:
        """How many elements it has."""
        return int(self._array.size)

    nelement = numel

    def is_floating_point(self) -> bool:
        """Whether its elements are floats."""
        return self._array.dtype.kind == "f"

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether it lies in memory in row-major order."""
        return bool(self._array.flags.c_contiguous)

    # ---- to and from other forms

    def item(self) -> Any:
        """The value of a one-element tensor, as a Python number."""
        self._need_one("item", ShapeError, "index one element first, or use tolist().")
        return backend_of(self._array).item(self._array)

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        return backend_of(self._array).to_numpy(self._array).tolist()

    def numpy(self, *, force: builtins.bool = False) -> Any:
        """The values as a NumPy array that shares this tensor's memory.

        Args:
            force: detach the tensor, and move it to the CPU, where that is needed.
        Raises:
            GraphError: it requires grad; detach it first.
            BackendError: it lives on a GPU; move it first.
        """
        if force:
            return backend_of(self._array).to_numpy(self._array)
        if self._requires_grad:
            raise GraphError(
                message(
                    "numpy",
                    "a tensor that requires grad is not handed out: NumPy would not record what is done to it.",
                    f"shape {tuple(self.shape)}",
                    "use x.detach().numpy().",
                )
            )
        if self.is_cuda:
            raise BackendError(
                message("numpy", "the tensor lives on a GPU.", f"shape {tuple(self.shape)}", "use x.cpu().numpy().")
            )
        return backend_of(self._array).to_numpy(self._array)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """What NumPy asks a tensor for, in ``np.sin(x)`` as in ``array + x``: the op of that name, recorded as ever."""
        op = getattr(ops, UFUNCS.get(ufunc.__name__, ufunc.__name__), None)
        if op is None or method != "__call__" or kwargs:
            call = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
            options = f" with {', '.join(kwargs)}" if kwargs else ""
            raise ArgumentTypeError(
                message(
                    f"numpy.{call}",
                    f"does not take a Tensor{options}.",
                    f"shape {tuple(self.shape)}, {self.dtype}",
                    "pass an array, x.detach().numpy(), or use a function of minicnn's.",
                )
            )
        if ufunc is np.matmul and inputs[1] is self:
            return self.__rmatmul__(inputs[0])  # which takes the array in this tensor's dtype
        return op(*(wrap(x) if isinstance(x, np.ndarray) else x for x in inputs))

    def to(self, *args: Any, dtype: Any = None, device: Any = None, copy: bool = False, **_: Any) -> Tensor:
        """The tensor in another dtype or on another device; itself where nothing changes.

        Args:
            args: a dtype, a device, a tensor to follow, or a device and a dtype.
            copy: return a copy even where nothing changes.
            non_blocking: accepted: the host never waits for a copy to a GPU; one from a GPU it waits for.

        >>> import minicnn
        >>> minicnn.tensor([1.5]).to(minicnn.int64)
        tensor([1])
        """
        for arg in args:
            if isinstance(arg, Forms):
                dtype, device = arg.dtype, arg.device
            elif isinstance(arg, str):
                dtype, device = (arg, device) if names_dtype(arg) else (dtype, arg)
            elif isinstance(arg, Device) or builtins.type(arg) is builtins.int:
                device = arg
            elif not isinstance(arg, bool):
                dtype = arg
        out = self
        place = None if device is None else Device(device)
        if place is not None:
            place.backend("Tensor.to")  # which refuses what is not there
        if place is not None and place.type != self.device.type:
            target = place.type
            copied = None if self._ahead is None else self._ahead.take(target, self._memory)
            out = ops.transfer(out, target) if copied is None else wrap(copied)
        if dtype is not None and (found := as_dtype(dtype)) != out._array.dtype:
            out = ops.cast(out, found)
        return out.clone() if copy and out is self else out

    def type_as(self, other: Tensor) -> Tensor:
        """The tensor in the other one's dtype and place."""
        return self.to(other)

    def cpu(self) -> Tensor:
        """The tensor on the CPU."""
        return self.to(device="cpu")

    def cuda(self, device: Any = None, non_blocking: builtins.bool = False) -> Tensor:
        """The tensor on the GPU.

        Raises:
            BackendError: there is no GPU; or ``device`` is another one than that in use.
        """
        place = Device("cuda" if device is None else device)
        place.backend("Tensor.cuda")
        return self.to(device=place)

    def float(self) -> Tensor:
        """The tensor as float32."""
        return self.to(np.float32)

    def double(self) -> Tensor:
        """The tensor as float64."""
        return self.to(np.float64)

    def long(self) -> Tensor:
        """The tensor as int64."""
        return self.to(np.int64)

    def int(self) -> Tensor:
        """The tensor as int32."""
        return self.to(np.int32)

    def short(self) -> Tensor:
        """The tensor as int16."""
        return self.to(np.int16)

    def char(self) -> Tensor:
        """The tensor as int8."""
        return self.to(np.int8)

    def byte(self) -> Tensor:
        """The tensor as uint8."""
        return self.to(np.uint8)

    def half(self) -> Tensor:
        """Refuse: half precision is not computed with.

        Raises:
            DTypeError: always.
        """
        return self.to("float16")

    def bfloat16(self) -> Tensor:
        """Refuse, as `half`.

        Raises:
            DTypeError: always.
        """
        return self.to("bfloat16")

    def bool(self) -> Tensor:
        """The tensor as bools: whether each element is non-zero."""
        return self.to(np.bool_)

    def contiguous(self, memory_format: Any = None) -> Tensor:
        """The tensor in row-major memory; itself where it is. Other memory formats are accepted, and not kept."""
        if self._array.flags.c_contiguous:
            return self
        out: Tensor = ops.clone(self)
        out._array = backend_of(self._array).xp.ascontiguousarray(out._array)
        return out

    def __reduce_ex__(self, protocol: Any) -> Any:
        values = backend_of(self._array).to_numpy(self._array)
        own = {name: value for name, value in self.__dict__.items() if not name.startswith("_")}
        return _rebuild, (type(self), values, self._requires_grad, self.device.type), own or None

    def __deepcopy__(self, memo: dict[builtins.int, Any]) -> Self:
        """A copy in memory of its own: where PyTorch's copies of a tensor and its view share memory, these do not."""
        if self._node is not None:
            raise GraphError(
                message(
                    "deepcopy",
                    "only leaf tensors are copied with all they are.",
                    f"this tensor was made by {self._node.name()}",
                    "copy x.detach(), or use x.clone().",
                )
            )
        out = type(self).__new__(type(self))
        out.__dict__.update(
            {
                k: v
                for k, v in self.__dict__.items()
                if k not in ("_memory", "_family", "_borrowed", "_hooks", "_post_hooks", "_ahead")
            }
        )
        out._array = self._array.copy()
        if self.grad is not None:
            out.grad = self.grad.detach().clone()
        memo[id(self)] = out
        return out

    # ---- Python's own protocols

    def __len__(self) -> builtins.int:
        if self.ndim == 0:
            raise ArgumentTypeError(message("len", "a tensor without dims has no length.", f"{self!r}", "use item()."))
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> builtins.bool:
        self._need_one("bool", ShapeError, "write (x > 0).any(), or .all().")
        return builtins.bool(backend_of(self._array).item(self._array))

    def __int__(self) -> builtins.int:
        self._need_one("int", ParameterError, "index one element first, or use tolist().")
        return builtins.int(backend_of(self._array).item(self._array))

    def __float__(self) -> builtins.float:
        self._need_one("float", ParameterError, "index one element first, or use tolist().")
        return builtins.float(backend_of(self._array).item(self._array))

    def _need_one(self, where: str, error: builtins.type[MinicnnError], fix: str) -> None:
        """Raise the error unless the tensor has one element."""
        if self._array.size != 1:
            problem = f"only one-element tensors are numbers, this one has {self._array.size} elements."
            raise error(message(where, problem, f"shape {tuple(self.shape)}", fix))

    def __index__(self) -> builtins.int:
        if self._array.dtype.kind not in "ui" or self._array.size != 1:
            raise ArgumentTypeError(
                message(
                    "index",
                    "only one-element integer tensors are indices.",
                    f"shape {tuple(self.shape)}, {self.dtype}",
                    "use item(), or long().",
                )
            )
        return builtins.int(self.item())

    def __contains__(self, value: Any) -> builtins.bool:
        return builtins.bool((self == value).any())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 else format(str(self), spec)

    def __repr__(self) -> str:
        suffix = []
        if self.device.type != "cpu":
            suffix.append(f"device='{self.device}'")
        if self.dtype not in (get_default_dtype(), np.int64, np.bool_) or (
            self.numel() == 0 and self.dtype.kind != "f"
        ):
            suffix.append(f"dtype={self.dtype}")
        if self._node is not None:
            suffix.append(f"grad_fn={self._node!r}")
        elif self._requires_grad:
            suffix.append("requires_grad=True")
        return show(backend_of(self._array).to_numpy(self._array), suffix, self._prefix())

    def _prefix(self) -> str:
        """What is shown before the values; a subclass shows its name."""
        kind = builtins.type(self)
        return "tensor(" if kind.__module__.startswith("minicnn.") else f"{kind.__name__}("


def _rebuild(cls: builtins.type[Tensor], values: Any, requires_grad: bool, place: str) -> Tensor:
    """Return a tensor from its pickled parts: a leaf."""
    out = cls.__new__(cls)
    out._array = Device(place).backend().asarray(values)
    out._requires_grad = requires_grad
    return out
