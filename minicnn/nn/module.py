"""Module: a layer or a network, with its parameters, its mode and its hooks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from minicnn.autograd import no_grad
from minicnn.autograd.graph import TapeTensor
from minicnn.autograd.refusal import guard_constructor
from minicnn.backend.device import device as Device
from minicnn.errors import ArgumentTypeError, ParameterError, message
from minicnn.nn.hooks import HOOKS, Hooked
from minicnn.nn.parameter import clear_grads
from minicnn.nn.state import State
from minicnn.ops.dtypes import as_dtype, names_dtype
from minicnn.ops.promote import FLOATS
from minicnn.tensor import Tensor


def _no_forward(self: Module, *_: Any, **__: Any) -> Any:
    """Stand where a subclass defines its own forward."""
    raise NotImplementedError(
        message(
            type(self).__name__,
            'the module is missing the required "forward" function.',
            f"{type(self).__name__} was called, and defines no forward(self, ...)",
            "define forward, at the same indentation as __init__.",
        )
    )


class Module(Hooked, State):
    """The base of all layers and networks: subclass it, set layers in ``__init__``, and compute in ``forward``.

    Parameters, buffers and submodules are registered when they are set as attributes.

    Attributes:
        training: whether the module is in training mode; `train` and `eval` set it.

    >>> import minicnn
    >>> from minicnn import nn
    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.fc = nn.Linear(4, 2)
    ...     def forward(self, x):
    ...         return self.fc(x).relu()
    >>> net = Net()
    >>> net(minicnn.zeros(3, 4)).shape
    (3, 2)
    >>> net
    Net(
      (fc): Linear(in_features=4, out_features=2, bias=True)
    )
    """

    forward: Callable[..., Any] = _no_forward

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        guard_constructor(cls)

    def __init__(self) -> None:
        self.__dict__.update(
            training=True,
            _parameters={},
            _buffers={},
            _modules={},
            _non_persistent_buffers_set=set(),
            **{name: OrderedDict() for name in HOOKS},
        )

    # ---- mode

    def train(self, mode: bool = True) -> Self:
        """Set training mode, or with False evaluation mode, here and in all submodules; return the module.

        Dropout drops and batch norm uses the batch's own statistics in training mode only.

        Raises:
            ParameterError: mode is no bool.
        """
        if not isinstance(mode, bool):
            raise ParameterError(
                message("train", f"mode expects True or False, got {mode!r}.", "training mode is a bool", "train().")
            )
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """Set evaluation mode here and in all submodules; return the module."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set ``requires_grad`` of all parameters: False freezes them; return the module."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters; with False, fill them with zeros."""
        clear_grads(self.parameters(), set_to_none)

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call ``fn`` with each submodule and then the module itself; return the module.

        >>> from minicnn import nn
        >>> net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        >>> _ = net.apply(lambda m: nn.init.zeros_(m.bias) if isinstance(m, nn.Linear) else None)
        >>> net[0].bias
        Parameter containing:
        tensor([0., 0.], requires_grad=True)
        """
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # ---- dtype and device

    def _apply(self, fn: Callable[[Tensor], Tensor]) -> Self:
        """Put ``fn(tensor)`` in the place of each parameter, its gradient, and each buffer."""
        for module in self.children():
            module._apply(fn)
        tensors: list[Tensor] = []
        for p in self._parameters.values():
            tensors += [] if p is None else [p] if p.grad is None else [p, p.grad]
        tensors += [b for b in self._buffers.values() if b is not None]
        with no_grad():
            for tensor in tensors:
                moved = fn(tensor)
                if moved is not tensor:
                    tensor.data = moved  # the same object, so optimizers and shared layers keep it
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Convert all floats to a dtype, or move all tensors to a device, in place; return the module.

        Args:
            args: a dtype, a device, a device and a dtype, or a tensor to follow; also ``dtype=`` and ``device=``;
                ``non_blocking=`` and ``memory_format=`` are accepted: minicnn chooses the order in memory itself.
        Raises:
            ArgumentTypeError: the dtype is neither float32 nor float64.
            BackendError: the device is unknown or not there.

        >>> import minicnn
        >>> from minicnn import nn
        >>> nn.Linear(2, 2).to(minicnn.float64).weight.dtype
        dtype('float64')
        """
        device, dtype = _target(*args, **kwargs)
        return self._apply(lambda t: t.to(device=device, dtype=dtype if t.is_floating_point() else None))

    def float(self) -> Self:
        """Convert all floats to float32, in place; return the module."""
        return self.to(np.float32)

    def double(self) -> Self:
        """Convert all floats to float64, in place; return the module."""
        return self.to(np.float64)

    def half(self) -> Self:
        """Refuse: half precision is not computed with.

        Raises:
            DTypeError: always.
        """
        return self.to("float16")

    def bfloat16(self) -> Self:
        """Refuse, as `half`.

        Raises:
            DTypeError: always.
        """
        return self.to("bfloat16")

    def type(self, dst_type: Any) -> Self:
        """Convert all floats to a dtype, in place, as `to`; return the module."""
        return self.to(dtype=dst_type)

    def cpu(self) -> Self:
        """Move all tensors to the CPU, in place; return the module."""
        return self.to("cpu")

    def cuda(self, device: Any = None) -> Self:
        """Move all tensors to the GPU, in place; return the module."""
        return self.to("cuda")

    # ---- text

    def extra_repr(self) -> str:
        """Return what `repr` shows between the brackets; override it."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def _shown_children(self) -> list[str]:
        """Return a line of text for each submodule, which may go over several lines."""
        return [f"({name}): {module!r}" for name, module in self._modules.items()]

    def __repr__(self) -> str:
        extra, children = self.extra_repr(), self._shown_children()
        if not children and "\n" not in extra:
            return f"{self._get_name()}({extra})"
        lines = (extra.split("\n") if extra else []) + "\n".join(children).split("\n") * bool(children)
        return "\n".join([f"{self._get_name()}(", *(f"  {line}" for line in lines), ")"])


def _target(
    *args: Any, device: Any = None, dtype: Any = None, non_blocking: bool = False, memory_format: Any = None
) -> tuple[Any, Any]:
    """Return the device and the dtype that `Module.to` was asked for, None for what stays."""
    for arg in args:
        if isinstance(arg, TapeTensor):
            device, dtype = arg.device, arg.dtype  # type: ignore[attr-defined]
        elif isinstance(arg, Device) or type(arg) is int or (isinstance(arg, str) and not names_dtype(arg)):
            device = arg
        elif arg is not None and not isinstance(arg, bool):
            dtype = arg
    dtype = None if dtype is None else as_dtype(dtype)
    if dtype is not None and dtype not in FLOATS:
        raise ArgumentTypeError(
            message(
                "Module.to",
                f"dtype expects float32 or float64, got {dtype}.",
                "only the floats of a module are converted",
                "model.to(minicnn.float64), for example.",
            )
        )
    return None if device is None else Device(device), dtype
