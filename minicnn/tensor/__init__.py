"""Tensor: an array, its gradient, and every op as a method."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from minicnn import ops
from minicnn.autograd import engine, graph
from minicnn.autograd.graph import Handle, InferenceMemory, TapeTensor, borrows, memory_of, take_memory, wrap
from minicnn.autograd.mode import mode
from minicnn.backend.capture import capturing, on_replay
from minicnn.errors import DTypeError, GraphError, ShapeError, message
from minicnn.ops.primitive.reduce import Sum
from minicnn.ops.primitive.shape import Reshape, as_shape, inferred
from minicnn.ops.promote import get_default_dtype
from minicnn.tensor.facts import Facts
from minicnn.tensor.forms import Forms
from minicnn.tensor.hooks import Hooked
from minicnn.tensor.inplace import InPlace
from minicnn.tensor.methods import Methods
from minicnn.tensor.old import Old, made
from minicnn.tensor.size import Size as Size


@graph.set_tensor_class
class Tensor(Forms, InPlace, Hooked, Methods, Facts, Old):
    """A multi-dimensional array that remembers how it was computed.

    Make one with `minicnn.tensor`, `minicnn.zeros` and the like; ``Tensor([1, 2])`` gives floats, as in PyTorch.

    >>> import minicnn
    >>> x = minicnn.tensor([1.0, 2.0], requires_grad=True)
    >>> y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    tensor([2., 4.])
    """

    def __init__(self, *data: Any, device: Any = None) -> None:
        self._array = made("Tensor", data, get_default_dtype(), device)
        if mode.inference:
            self._memory = InferenceMemory()

    # ---- gradients

    @property
    def requires_grad(self) -> bool:
        """Whether gradients are computed for it; settable on leaves of floats."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value and self._array.dtype.kind != "f":
            raise DTypeError(
                message(
                    "requires_grad",
                    f"only floats have gradients, this is {self.dtype}.",
                    f"shape {tuple(self.shape)}",
                    "convert it first: x.float().",
                )
            )
        if self._node is not None and not value:
            raise GraphError(
                message(
                    "requires_grad",
                    "only a leaf's can be switched off.",
                    f"this tensor was made by {self._node.name()}",
                    "use x.detach().",
                )
            )
        if value and not mode.inference and self.is_inference():
            raise GraphError(
                message(
                    "requires_grad",
                    "an inference tensor's cannot be switched on outside of inference mode.",
                    f"shape {tuple(self.shape)}; it was made in inference mode",
                    "use x.clone(), an ordinary tensor.",
                )
            )
        self._requires_grad = bool(value)

    @property
    def grad(self) -> Tensor | None:
        """The gradient that `backward` added up, or None; settable to None or a tensor of this one's shape."""
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None and (not isinstance(value, TapeTensor) or value._array.shape != self._array.shape):
            raise ShapeError(
                message(
                    "grad",
                    f"expects None or a tensor of shape {tuple(self.shape)}, got {type(value).__name__}.",
                    f"its shape is {getattr(value, 'shape', 'none')}",
                    "a gradient has the shape of its tensor.",
                )
            )
        if value is not None and value._array.dtype != self._array.dtype:
            raise DTypeError(
                message(
                    "grad",
                    f"expects the tensor's dtype {self.dtype}, got {value.dtype}.",
                    f"shape {tuple(self.shape)}",
                    "convert it: grad.to(x.dtype).",
                )
            )
        if capturing() is None:
            self._grad = value
        else:
            on_replay(lambda: setattr(self, "_grad", value))

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded op made it."""
        return self._node is None

    @property
    def grad_fn(self) -> graph.Node | None:
        """The recorded op that made it."""
        return self._node

    @property
    def data(self) -> Tensor:
        """The same memory, without history; assigning replaces the values."""
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        if self._requires_grad and value._array.dtype.kind != "f":
            raise DTypeError(
                message(
                    "data",
                    f"only floats have gradients, the new values are {value._array.dtype}.",
                    f"this tensor, of shape {tuple(self.shape)}, requires grad",
                    "convert them: values.float().",
                )
            )
        # What was computed from the old values keeps those; from here on the memory is the other tensor's.
        take_memory(self, value._array, memory_of(value))

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add its gradient to the ``grad`` of every leaf it came from; see `minicnn.autograd.backward`."""
        engine.backward((self,), None if gradient is None else (gradient,), retain_graph, create_graph, None, inputs)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set ``requires_grad``; return the tensor."""
        self.requires_grad = requires_grad
        return self

    def detach(self) -> Tensor:
        """The same memory, off the tape."""
        out: Tensor = wrap(self._array)
        out._memory = memory_of(self)
        if borrows(self):
            out._borrowed = True
        return out

    def detach_(self) -> Self:
        """Take this tensor off the tape; return it.

        Raises:
            GraphError: it is a view, whose history is also that of what it views.
        """
        if self._family is not None and self._family.members[0]() is not self:
            raise GraphError(
                message(
                    "detach_",
                    "a view cannot be taken off the tape in place.",
                    f"shape {tuple(self.shape)}; what it is a view of would keep its history",
                    "use x.detach().",
                )
            )
        self._node, self._requires_grad, self._family = None, False, None
        return self

    # ---- operators

    __add__ = __radd__ = ops.add
    __mul__ = __rmul__ = ops.mul
    __sub__ = ops.sub
    __truediv__ = ops.div
    __pow__ = ops.pow
    __floordiv__, __mod__ = ops.floor_divide, ops.remainder
    __and__ = __rand__ = ops.bitwise_and
    __or__ = __ror__ = ops.bitwise_or
    __xor__ = __rxor__ = ops.bitwise_xor
    __invert__ = ops.bitwise_not
    __matmul__ = ops.matmul
    __neg__ = ops.neg
    __abs__ = ops.abs
    __getitem__ = ops.getitem
    __lt__ = ops.lt
    __le__ = ops.le
    __gt__ = ops.gt
    __ge__ = ops.ge

    def __hash__(self) -> int:
        return id(self)

    def __rsub__(self, other: Any) -> Tensor:
        return ops.sub(other, self)

    def __rtruediv__(self, other: Any) -> Tensor:
        return ops.div(other, self)

    def __rpow__(self, other: Any) -> Tensor:
        return ops.pow(other, self)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return ops.floor_divide(other, self)

    def __rmod__(self, other: Any) -> Tensor:
        return ops.remainder(other, self)

    def __pos__(self) -> Tensor:
        return self

    def __eq__(self, other: object) -> Any:
        return ops.eq(self, other) if _comparable(other) else NotImplemented

    def __ne__(self, other: object) -> Any:
        return ops.ne(self, other) if _comparable(other) else NotImplemented

    # ---- ops as methods

    abs, cos, exp, expm1, log, log1p, neg = ops.abs, ops.cos, ops.exp, ops.expm1, ops.log, ops.log1p, ops.neg
    relu, rsqrt, sigmoid, sin, sqrt, tanh = ops.relu, ops.rsqrt, ops.sigmoid, ops.sin, ops.sqrt, ops.tanh
    sign, floor, ceil, trunc, round = ops.sign, ops.floor, ops.ceil, ops.trunc, ops.round
    add, sub, mul, div, pow, matmul = ops.add, ops.sub, ops.mul, ops.div, ops.pow, ops.matmul
    maximum, minimum, clamp, masked_fill = ops.maximum, ops.minimum, ops.clamp, ops.masked_fill
    eq, ne, lt, le, gt, ge = ops.eq, ops.ne, ops.lt, ops.le, ops.gt, ops.ge
    logical_and, logical_or, logical_not = ops.logical_and, ops.logical_or, ops.logical_not
    bitwise_and, bitwise_or, bitwise_xor = ops.bitwise_and, ops.bitwise_or, ops.bitwise_xor
    bitwise_not, floor_divide, remainder = ops.bitwise_not, ops.floor_divide, ops.remainder
    isnan, isinf, isfinite = ops.isnan, ops.isinf, ops.isfinite
    sum, mean, var, std, logsumexp = ops.sum, ops.mean, ops.var, ops.std, ops.logsumexp
    max, min, amax, amin, argmax, argmin = ops.max, ops.min, ops.amax, ops.amin, ops.argmax, ops.argmin
    all, any = ops.all, ops.any
    reshape, permute, transpose = ops.reshape, ops.permute, ops.transpose
    expand, flip, squeeze, unsqueeze, flatten = ops.expand, ops.flip, ops.squeeze, ops.unsqueeze, ops.flatten
    narrow, gather, unindex, index_put, clone = ops.narrow, ops.gather, ops.unindex, ops.index_put, ops.clone
    softmax, log_softmax = ops.softmax, ops.log_softmax

    def view(self, *shape: Any) -> Tensor:
        """Under another shape, in the same memory.

        An op's own output, and what is viewed of it, is copied where it lies in another order: minicnn's convolutions
        leave theirs in another than PyTorch's, as do linear layers after them, and there ``x.view(x.size(0), -1)`` is
        usual.

        Raises:
            ShapeError: the numbers of elements differ; or the memory of another tensor would have to be copied.

        >>> import minicnn
        >>> x = minicnn.zeros(2, 3)
        >>> x.view(-1)[0] = 1
        >>> x
        tensor([[1., 0., 0.],
                [0., 0., 0.]])
        """
        out: Tensor = Reshape.apply(self, shape=inferred(self, as_shape(shape, "view"), "view"))
        if out._family is None and borrows(self) and not mode.walking:  # a copy; while walking no views are noted
            raise ShapeError(
                message(
                    "view",
                    f"memory in this order cannot be seen under the shape {tuple(out.shape)}.",
                    f"shape {tuple(self.shape)}, strides {self.stride()}: a view of another tensor, or of an array",
                    "use x.reshape(...), which copies.",
                )
            )
        return out

    def expand_as(self, other: Tensor) -> Tensor:
        """Expanded to the other tensor's shape."""
        return self.expand(other.shape)

    def where(self, condition: Tensor, other: Any) -> Tensor:
        """Itself where the condition holds, ``other`` elsewhere."""
        return ops.where(condition, self, other)

    def sum_to_size(self, *size: Any) -> Tensor:
        """Summed over the dims in which it was broadcast from ``size``."""
        shape = ops.as_shape(size)
        extra = self.ndim - len(shape)
        if not shape:
            return Sum.apply(self, dim=tuple(range(extra)), keepdim=False) if extra else self
        dims = (*range(extra), *(extra + i for i, s in enumerate(shape) if s == 1 and self.shape[extra + i] != 1))
        out = Sum.apply(self, dim=dims, keepdim=True) if dims else self
        return Reshape.apply(out, shape=shape) if extra else out


def _comparable(other: object) -> bool:
    """Whether == compares elements; with None, a string and the like, a tensor is simply not equal."""
    return isinstance(other, (TapeTensor, int, float, np.ndarray, np.generic))
