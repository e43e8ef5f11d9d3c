"""The tape: what is recorded while tensors are computed.

Every recorded op leaves one `Node`. A node holds edges to the nodes (or leaf tensors) that its gradients go to, and
only those arrays its gradient formulas name. One clock numbers the nodes, so the order of creation *is* a
topological order. The same clock dates every in-place write, so one comparison finds a saved array that has changed.

Nodes never point forward, to the tensors made from them; so a graph has no cycles and is freed by reference
counting as soon as its last tensor goes.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from minicnn.autograd.anomaly_mode import anomaly, calls
from minicnn.autograd.mode import inferring, mode
from minicnn.backend import Array
from minicnn.errors import GraphError, message

clock = itertools.count(1).__next__
Hook = Callable[[Any], Any]
T = TypeVar("T", bound="TapeTensor")


class Memory:
    """What tensors that share memory have in common: the clock when it was last written to in place."""

    __slots__ = ("written",)
    inference = False  # whether it was made in inference mode

    def __init__(self) -> None:
        self.written = 0


class InferenceMemory(Memory):
    """The memory of an inference tensor, and of its views."""

    __slots__ = ()
    inference = True


class Handle:
    """What registering a hook returns: ``remove()`` takes the hook away."""

    def __init__(self, hooks: dict[int, Any]) -> None:
        self._hooks = hooks
        self._key = clock()

    def remove(self) -> None:
        """Take the hook away; nothing happens the second time."""
        self._hooks.pop(self._key, None)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def register(owner: Any, name: str, hook: Any) -> Handle:
    """Add a hook to those that ``owner`` holds under this name, in a dict made on first use; return its handle."""
    hooks = getattr(owner, name)
    if hooks is None:
        hooks = {}
        setattr(owner, name, hooks)
    handle = Handle(hooks)
    hooks[handle._key] = hook
    return handle


class Family:
    """Views of one tensor: a write to one of them changes the value, and so the history, of all.

    Attributes:
        root: stands for the tensor they are views of.
        members: that tensor and its views, as far as they are still alive.
    """

    __slots__ = ("full", "members", "root")

    def __init__(self, root: TapeTensor) -> None:
        # Not a whole stand-in: a leaf that leads to its family, and back, would be a cycle.
        self.root = wrap(root._array)
        self.root._node, self.root._requires_grad, self.root._memory = root._node, root._requires_grad, None
        self.root._borrowed = root._borrowed
        self.members = [weakref.ref(root)]
        self.full = 16  # how long the list may grow before the dead are taken out

    def add(self, view: TapeTensor) -> None:
        """Take in a new view."""
        if len(self.members) >= self.full:
            self.members = [ref for ref in self.members if ref() is not None]
            self.full = 2 * len(self.members) + 16
        self.members.append(weakref.ref(view))

    def remove(self, member: TapeTensor) -> None:
        """Let go of a member that has taken other memory."""
        self.members = [ref for ref in self.members if ref() is not None and ref() is not member]


class TapeTensor:
    """The part of a tensor that the tape sees; `minicnn.Tensor` adds all that users see."""

    _array: Array
    _requires_grad: bool = False
    _node: Node | None = None  # the op that made it; None for a leaf
    _memory: Memory | None = None  # made when memory is first shared or written to
    _family: Family | None = None  # made when a view is first taken
    _borrowed: bool = False  # whether it shares memory without being of a family: see `borrows`
    _origin: TapeTensor | None = None  # for the stand-in of a leaf: the leaf
    _hooks: dict[int, Hook] | None = None  # of a leaf; those of other tensors live in their node
    _post_hooks: dict[int, Hook] | None = None  # called when its grad has been added to
    _grad: Any = None


tensor_class: type[TapeTensor] = TapeTensor


_families = threading.Lock()  # views of one tensor may be taken in several threads


def set_tensor_class(cls: type[T]) -> type[T]:
    """Class decorator: make ``cls`` the class of the tensors that ops return."""
    global tensor_class
    tensor_class = cls
    return cls


def wrap(array: Array) -> Any:
    """Return a tensor around an array, off the tape."""
    tensor = tensor_class.__new__(tensor_class)
    tensor._array = array
    if inferring.blocks and mode.inference:
        tensor._memory = InferenceMemory()
    return tensor


def take_memory(tensor: TapeTensor, array: Array, memory: Memory | None = None) -> None:
    """Give the tensor another array, apart from the views of its old one."""
    if tensor._family is not None:
        tensor._family.remove(tensor)
    tensor._array, tensor._memory, tensor._family, tensor._borrowed = array, memory, None, False


def stand_in(tensor: TapeTensor) -> Any:
    """Return another tensor with the same array and the same history, which keeps those it has now.

    Nodes save stand-ins: the tensor itself may be written to and given a new history, which would then lead from the
    node's own output back to the node.
    """
    copy = tensor_class.__new__(tensor_class)
    copy._array = tensor._array
    memory = tensor._memory
    if memory is None:
        memory = tensor._memory = Memory()
    elif memory.inference and mode.recording:
        raise GraphError(
            message(
                "inference tensor",
                "one cannot be saved for backward.",
                f"shape {tuple(tensor._array.shape)}; it was made in inference mode, and a recorded op needs its value",
                "use x.clone(), an ordinary tensor, or make it under minicnn.no_grad().",
            )
        )
    copy._memory = memory
    if tensor._requires_grad:
        copy._requires_grad = True
        if tensor._node is not None:
            copy._node = tensor._node
        else:
            copy._origin = tensor if tensor._origin is None else tensor._origin
    return copy


def memory_of(tensor: TapeTensor) -> Memory:
    """Return the record of the tensor's memory, made on first use."""
    if tensor._memory is None:
        tensor._memory = Memory()
    return tensor._memory


def share(tensor: TapeTensor, view: TapeTensor) -> None:
    """Note that ``view`` is a view of ``tensor``, if it is one: they share memory, and a family."""
    base, array = view._array.base, tensor._array
    if view._array is not array:
        while base is not array and (base is None or base is not array.base):
            if base is None:
                return  # a copy: a reshape that could not be a view, for one
            base = getattr(base, "base", None)  # as_strided puts objects of its own between
    view._memory = memory_of(tensor)
    with _families:
        if tensor._family is None:
            tensor._family = Family(tensor)
        view._family = tensor._family
        view._family.add(view)


def borrows(tensor: TapeTensor) -> bool:
    """Whether it is a view of row-major memory, or of memory from outside: in no order that an op of ours chose."""
    family = tensor._family
    if tensor._borrowed or family is None or tensor._array is family.root._array:
        return tensor._borrowed
    return family.root._borrowed or bool(family.root._array.flags.c_contiguous)


def own(view: T) -> T:
    """Take a view of memory that no other tensor keeps out of its family; return it, now as an op's own output."""
    view._family, view._borrowed = None, False
    return view


class Node:
    """One recorded op: where its gradients go, and how they are computed.

    Attributes:
        label: the op's name.
        edges: for each input, the node that made it, the leaf itself, or None where no gradient is wanted.
        born: the clock when it was recorded.
        trace: with `detect_anomaly`, the lines that called the op.
    """

    hooks: dict[int, Hook] | None = None  # of the tensor made: its gradient
    retain: weakref.ref[TapeTensor] | None = None  # the tensor that asked for its gradient to be kept
    pre_hooks: dict[int, Hook] | None = None  # of the node: the gradients of its outputs
    post_hooks: dict[int, Hook] | None = None  # of the node: the gradients of its inputs
    trace: Any = None

    label: str
    edges: Sequence[Node | TapeTensor | None]
    born: int

    def __init__(self, label: str, edges: Sequence[Node | TapeTensor | None]) -> None:
        self.label = label
        self.edges = edges
        self.born = clock()
        if anomaly.on:
            self.trace = calls()

    def vjp(self, grad: Any, create_graph: bool) -> Sequence[Any]:
        """Return the gradient for each edge, from the gradient of the output."""
        raise GraphError(message(self.label, "this node has no gradient.", f"node {self!r}", "detach() it."))

    def release(self) -> None:
        """Let go of saved arrays, after the last backward through this node."""

    def check_unchanged(self, saved: Iterable[Any]) -> None:
        """Raise GraphError if a saved tensor was written to in place since this node was recorded."""
        for tensor in saved:
            self.check_written(getattr(tensor, "_memory", None))

    def check_written(self, memory: Memory | None) -> None:
        """Raise GraphError if this memory was written to since this node was recorded."""
        if memory is not None and memory.written > self.born:
            raise GraphError(
                message(
                    self.label,
                    "a tensor that its gradient needs was changed in place after the op was recorded.",
                    f"recorded at step {self.born} of the tape, changed at step {memory.written}",
                    "write x = x + y instead of x += y, or change a copy: x.clone().",
                )
            )

    def freed(self) -> GraphError:
        """Return the error for a second backward through a graph that was freed."""
        return GraphError(
            message(
                self.label,
                "backward ran through this graph before, and its saved arrays were freed.",
                "they are kept for one backward only",
                "pass retain_graph=True to the first backward(), or compute the loss again.",
            )
        )

    # ---- what users see as a tensor's grad_fn

    def name(self) -> str:
        """Return the op's name as PyTorch writes it.

        >>> import minicnn
        >>> minicnn.ones(1, requires_grad=True).exp().grad_fn.name()
        'ExpBackward0'
        """
        return f"{self.label.title().replace('_', '')}Backward0"

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The nodes its gradients go to, each with an output number; an `AccumulateGrad` for a leaf."""
        return tuple(_next(edge) for edge in self.edges)

    def register_hook(self, fn: Callable[[Any, Any], Any]) -> Handle:
        """Call ``fn(grad_inputs, grad_outputs)``, two tuples, after the op's gradient was computed.

        What it returns, if anything, takes the place of ``grad_inputs``: one gradient an entry of ``next_functions``.

        Returns:
            A handle with ``remove()``.
        """
        return register(self, "post_hooks", fn)

    def register_prehook(self, fn: Callable[[Any], Any]) -> Handle:
        """Call ``fn(grad_outputs)``, a tuple, before the op's gradient is computed.

        What it returns, if anything, takes the place of ``grad_outputs``.

        Returns:
            A handle with ``remove()``.
        """
        return register(self, "pre_hooks", fn)

    def __repr__(self) -> str:
        return f"<{self.name()}>"


class AccumulateGrad(Node):
    """Stands for a leaf among `next_functions`, as in PyTorch.

    Attributes:
        variable: the leaf, whose ``grad`` is added to.
    """

    def __init__(self, variable: TapeTensor) -> None:
        self.label, self.edges, self.variable = "accumulate_grad", (), variable

    def name(self) -> str:
        return "AccumulateGrad"

    def register_hook(self, fn: Callable[[Any, Any], Any]) -> Handle:
        """Call ``fn((), (grad,))`` after the leaf's ``grad`` was added to."""
        return register(self.variable, "_post_hooks", lambda leaf: fn((), (leaf._grad,)))

    def register_prehook(self, fn: Callable[[Any], Any]) -> Handle:
        """Call ``fn((grad,))`` before the leaf's ``grad`` is added to; a tuple it returns takes its place."""

        def hook(grad: Any) -> Any:
            found = fn((grad,))
            return found if found is None else found[0]

        return register(self.variable, "_hooks", hook)


def _next(edge: Node | TapeTensor | None) -> tuple[Node | None, int]:
    if isinstance(edge, Output):
        return edge.parent, edge.index
    return (edge if edge is None or isinstance(edge, Node) else AccumulateGrad(edge)), 0


def edge_of(tensor: TapeTensor) -> Node | TapeTensor | None:
    """Return where the gradient of this tensor goes."""
    if not tensor._requires_grad:
        return None
    if tensor._node is not None:
        return tensor._node
    return tensor if tensor._origin is None else tensor._origin


class Output(Node):
    """One output of a node that has several; collects their gradients into the node's tuple."""

    def __init__(self, parent: Node, index: int, count: int) -> None:
        super().__init__(parent.label, (parent,))
        self.parent = parent
        self.index = index
        self.count = count

    def vjp(self, grad: Any, create_graph: bool) -> Sequence[Any]:
        return (Outputs([grad if i == self.index else None for i in range(self.count)]),)

    # To users it is one with the node itself.

    def name(self) -> str:
        return self.parent.name()

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        return self.parent.next_functions

    def register_hook(self, fn: Callable[[Any, Any], Any]) -> Handle:
        return self.parent.register_hook(fn)

    def register_prehook(self, fn: Callable[[Any], Any]) -> Handle:
        return self.parent.register_prehook(fn)


class Outputs:
    """The gradients of all outputs of one node; None where nothing came back."""

    __slots__ = ("grads",)

    def __init__(self, grads: list[Any]) -> None:
        self.grads = grads

    def __add__(self, other: Outputs) -> Outputs:
        pairs = zip(self.grads, other.grads, strict=True)
        return Outputs([a if b is None else b if a is None else a + b for a, b in pairs])
