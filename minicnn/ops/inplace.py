"""Changing a tensor in place, with its history kept right.

A write has three parts: the new value is computed as any op would, and recorded; it is copied into the tensor's
memory; the clock is noted, so that a backward which needs the old value can tell that it is gone. Then the tensor's
history is replaced by that of the new value. Where views share the memory, the history of all of them changes: the
tensor they are views of becomes "the old one, with the new value in these places", and each view a view of that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minicnn.autograd.function import set_rebase
from minicnn.autograd.graph import Node, TapeTensor, clock, edge_of, memory_of, stand_in, take_memory
from minicnn.autograd.mode import mode
from minicnn.autograd.primitive import PrimitiveNode
from minicnn.autograd.writes import refuse_inference, refuse_leaf
from minicnn.backend import Array, backend_of
from minicnn.errors import DTypeError, GraphError, ShapeError, message
from minicnn.ops.checks import need_one_device
from minicnn.ops.primitive.index import normal_index, write_at
from minicnn.ops.promote import fitting


def update(tensor: TapeTensor, name: str, function: Callable[[Any], Any]) -> Any:
    """Set ``tensor`` to ``function(tensor)`` in place; return it.

    Raises:
        GraphError: it is a leaf that requires grad, and recording is on.
        ShapeError, DTypeError: the new value does not fit into the tensor.
    """
    refuse_inference(tensor, name)
    if mode.recording:
        refuse_leaf(tensor, name)
    family = tensor._family
    if mode.recording and family is not None and family.root._requires_grad and not tensor._requires_grad:
        raise GraphError(
            message(
                name,
                "a view that was taken without recording is changed in place while recording.",
                f"shape {tuple(tensor._array.shape)}; what it is a view of has a history, which it lacks",
                "take the view while recording too, or make the change under minicnn.no_grad().",
            )
        )
    before = stand_in(tensor)
    value = function(before)
    _check(tensor, name, value)
    if value._array.dtype != tensor._array.dtype:
        value = value.to(tensor._array.dtype)
    else:
        _keep_old_value(tensor, value)
    tensor._array[...] = value._array
    memory_of(tensor).written = clock()
    if mode.recording and (tensor._requires_grad or value._requires_grad):
        rebase(tensor, value)
    return tensor


def assign(tensor: TapeTensor, index: Any, value: Any) -> None:
    """``tensor[index] = value`` where nothing is to be recorded: no copy of the tensor is made.

    Raises:
        ParameterError: a number that the dtype does not hold.
        ShapeError: the values do not broadcast to the places.
    """
    refuse_inference(tensor, "setitem")
    check_writable(tensor, "setitem")
    where = normal_index(tensor, index)  # type: ignore[arg-type]
    if isinstance(value, TapeTensor) and type(value._array) is not type(tensor._array):
        need_one_device("setitem", tensor=tensor, value=value)
    values = value._array if isinstance(value, TapeTensor) else fitting("setitem", value, tensor._array.dtype)
    try:
        write_at(tensor._array, where, values)
    except ValueError:
        raise ShapeError(
            message(
                "setitem",
                f"expects values that fit the places, got shape {tuple(getattr(values, 'shape', ()))}.",
                f"the tensor has shape {tuple(tensor._array.shape)}; places are {index!r}"[:200],
                "reshape the values.",
            )
        ) from None
    memory_of(tensor).written = clock()


def write_out(name: str, out: Any, value: Any) -> Any:
    """Write a result into the tensor given as ``out=``, and return that; one without elements takes its shape.

    Raises:
        GraphError: a gradient is wanted of it: as in PyTorch, what is written to ``out`` has no history.
        ShapeError, DTypeError: the result does not fit.
    """
    if mode.recording and (value._requires_grad or out._requires_grad):
        raise GraphError(
            message(
                name,
                "a result written to out= has no gradient, and an operand or out requires one.",
                f"result {tuple(value._array.shape)}; out {tuple(out._array.shape)}",
                "leave out= away, or compute under minicnn.no_grad().",
            )
        )
    if out._array.size == 0 and value._array.size:
        refuse_inference(out, name)
        _check_kind(out, name, value)
        take_memory(out, value._array.astype(out._array.dtype))  # a copy: the result may be a view of an operand
        return out
    return update(out, name, lambda _: value)


def has_history(tensor: TapeTensor) -> bool:
    """Whether the tensor, or one that shares its memory, has a gradient that a write would change."""
    family = tensor._family
    relatives = [] if family is None else [ref() for ref in family.members]
    return any(t is not None and t._requires_grad for t in (tensor, *relatives))


def _check(tensor: TapeTensor, name: str, value: Any) -> None:
    check_writable(tensor, name)
    if value._array.shape != tensor._array.shape:
        raise ShapeError(
            message(
                name,
                f"the result has shape {tuple(value._array.shape)} and does not fit in place.",
                f"the tensor has shape {tuple(tensor._array.shape)}",
                "write x = x op y: an in-place op cannot broadcast the tensor itself.",
            )
        )
    _check_kind(tensor, name, value)


def _check_kind(tensor: TapeTensor, name: str, value: Any) -> None:
    if value._array.dtype.kind == "f" and tensor._array.dtype.kind != "f":
        raise DTypeError(
            message(
                name,
                f"a result of {value._array.dtype} does not fit in place into {tensor._array.dtype}.",
                f"shape {tuple(tensor._array.shape)}",
                "convert the tensor first: x = x.float().",
            )
        )


def check_writable(tensor: TapeTensor, name: str) -> None:
    """Raise GraphError for read-only memory, of a view of bytes or a mapped file, and for elements that are one.

    PyTorch refuses expanded tensors alone, and writes to overlapping windows one element after another.
    """
    flags = getattr(tensor._array, "flags", None)
    if (flags is None or not flags.c_contiguous) and _overlaps(tensor._array):
        raise GraphError(
            message(
                name,
                "an expanded tensor, or one of overlapping windows, is changed in place: elements share memory.",
                f"shape {tuple(tensor._array.shape)}, strides {tuple(tensor._array.strides)}",
                "change a copy: x.clone().",
            )
        )
    if not getattr(flags, "writeable", True):
        raise GraphError(
            message(
                name,
                "the tensor's memory may not be written to.",
                f"shape {tuple(tensor._array.shape)}; it is that of a read-only array",
                "change a copy: x.clone().",
            )
        )


def array_to_write(tensor: TapeTensor, name: str) -> Array:
    """Return a tensor's array, to be written to off the tape; a backward that needs the old value says so.

    Raises:
        GraphError: as `check_writable`.
    """
    check_writable(tensor, name)
    memory_of(tensor).written = clock()
    return tensor._array


def _overlaps(array: Array) -> bool:
    """Whether two elements of an array lie at one place."""
    reach = 0  # how far the dims of smaller steps go
    for step, size in sorted((abs(step), size) for step, size in zip(array.strides, array.shape, strict=True)):
        if size > 1 and step <= reach:  # as in most overlaps, and in few others: look at all places
            return bool(array.size) and len(np.unique(_offsets(array))) < array.size
        reach += step * (size - 1)
    return False


def _keep_old_value(tensor: TapeTensor, value: TapeTensor) -> None:
    """Copy the old array where the op that made ``value`` saved it for its own gradient."""
    node = value._node
    for _, arguments, _ in node.calls or () if isinstance(node, PrimitiveNode) else ():
        for saved in arguments:
            if isinstance(saved, TapeTensor) and saved._array is tensor._array:
                saved._array, saved._memory = saved._array.copy(), None


@set_rebase
def rebase(tensor: TapeTensor, value: TapeTensor) -> None:
    """Give ``tensor``, and all that share its memory, the history of the write."""
    family = tensor._family
    others = [] if family is None else [m for ref in family.members if (m := ref()) is not None and m is not tensor]
    if family is None or not others:
        _set_history(tensor, value._node)
        if family is not None:  # the last one left: what it was a view of is of no more use
            tensor._family = None
        return
    root = family.root
    family.root = stand_in(root)
    family.root._node = _Written(root, value, _places(root._array, tensor._array))
    family.root._requires_grad = True
    for member in (tensor, *others):
        _set_history(member, _ViewOf(family.root, _places(root._array, member._array)))


def _set_history(tensor: TapeTensor, node: Node | None) -> None:
    old = tensor._node
    if old is not None and old.retain is not None and old.retain() is tensor and node is not None:
        node.retain, old.retain = old.retain, None  # the gradient to keep is that of the new value
    tensor._node, tensor._requires_grad = node, node is not None


def _places(root: Array, view: Array) -> Any:
    """Return, for each element of a view in order, its place in the flattened root."""
    start, here = _address(root), _address(view)
    offsets = _offsets(root).ravel()
    order = np.argsort(offsets)
    return order[np.searchsorted(offsets[order], (_offsets(view) + (here - start)).ravel())]


def _offsets(array: Array) -> Any:
    """Return the distance in bytes of each element from the first."""
    total = np.zeros(array.shape, dtype=np.int64)
    for dim, (size, step) in enumerate(zip(array.shape, array.strides, strict=True)):
        total += (np.arange(size) * step).reshape((size,) + (1,) * (array.ndim - dim - 1))
    return total


def _address(array: Array) -> int:
    return int(backend_of(array).address(array))


class _Written(Node):
    """The root of a family after a write to some of its places."""

    def __init__(self, root: TapeTensor, value: TapeTensor, places: Any) -> None:
        super().__init__("write", (edge_of(root), edge_of(value)))
        self.places = places
        self.shapes = (root._array.shape, value._array.shape)

    def vjp(self, grad: Any, create_graph: bool) -> Sequence[Any]:
        flat = grad.reshape(-1)
        index = backend_of(grad._array).asarray(self.places)
        kept = flat.index_put(index, 0.0) if self.edges[0] is not None else None
        return (
            None if kept is None else kept.reshape(self.shapes[0]),
            flat[index].reshape(self.shapes[1]),
        )


class _ViewOf(Node):
    """A view of a family's root, after a write."""

    def __init__(self, root: TapeTensor, places: Any) -> None:
        super().__init__("view", (root._node,))
        self.places = places
        self.root_shape = root._array.shape

    def vjp(self, grad: Any, create_graph: bool) -> Sequence[Any]:
        index = backend_of(grad._array).asarray(self.places)
        size = int(np.prod(self.root_shape))
        return (grad.reshape(-1).unindex((size,), index).reshape(self.root_shape),)
