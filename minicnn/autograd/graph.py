"""The tape: what is recorded while tensors are computed, and how gradients run back along it.

Every recorded op leaves one `Node`. A node holds edges to the nodes (or leaf tensors) that its gradients go to, and
only those arrays its gradient formulas name. One clock numbers the nodes, so the order of creation *is* a
topological order: backward sorts the nodes it can reach and walks them from the newest to the oldest, without
recursion. The same clock dates every in-place write, so one comparison finds a saved array that has changed since.

Nodes never point forward, to the tensors made from them; so a graph has no cycles and is freed by reference
counting as soon as its last tensor goes.
"""

from __future__ import annotations

import functools
import itertools
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from minicnn.backend import Array
from minicnn.errors import ArgumentTypeError, GraphError, ShapeError, message

clock = itertools.count(1).__next__
Hook = Callable[[Any], Any]
F = TypeVar("F", bound=Callable[..., Any])


class _Mode(threading.local):
    """What each thread is doing: recording or not, with the fast kernels or by definition."""

    recording = True
    by_definition = False


mode = _Mode()


class Memory:
    """What tensors that share memory have in common: the clock when it was last written to in place."""

    __slots__ = ("written",)

    def __init__(self) -> None:
        self.written = 0


class Family:
    """Views of one tensor: a write to one of them changes the value, and so the history, of all.

    Attributes:
        root: stands for the tensor they are views of.
        members: that tensor and its views, as far as they are still alive.
    """

    __slots__ = ("full", "members", "root")

    def __init__(self, root: TapeTensor) -> None:
        self.root = stand_in(root)
        self.root._origin = None  # a leaf that leads to its family, and back, would be a cycle
        self.members = [weakref.ref(root)]
        self.full = 16  # how long the list may grow before the dead are taken out

    def add(self, view: TapeTensor) -> None:
        """Take in a new view."""
        if len(self.members) >= self.full:
            self.members = [ref for ref in self.members if ref() is not None]
            self.full = 2 * len(self.members) + 16
        self.members.append(weakref.ref(view))


class TapeTensor:
    """The part of a tensor that the tape sees; `minicnn.Tensor` adds all that users see."""

    _array: Array
    _requires_grad: bool = False
    _node: Node | None = None  # the op that made it; None for a leaf
    _memory: Memory | None = None  # made when memory is first shared or written to
    _family: Family | None = None  # made when a view is first taken
    _origin: TapeTensor | None = None  # for the stand-in of a leaf: the leaf
    _hooks: dict[int, Hook] | None = None  # of a leaf; those of other tensors live in their node
    grad: Any = None


tensor_class: type[TapeTensor] = TapeTensor


def set_tensor_class(cls: type[F]) -> type[F]:
    """Class decorator: make ``cls`` the class of the tensors that ops return."""
    global tensor_class
    tensor_class = cls
    return cls


def wrap(array: Array) -> Any:
    """Return a tensor around an array, off the tape."""
    tensor = tensor_class.__new__(tensor_class)
    tensor._array = array
    return tensor


def stand_in(tensor: TapeTensor) -> Any:
    """Return another tensor with the same array and the same history, which keeps those it has now."""
    copy = wrap(tensor._array)
    copy._node = tensor._node
    copy._requires_grad = tensor._requires_grad
    copy._memory = tensor._memory
    if tensor._node is None:
        copy._origin = tensor if tensor._origin is None else tensor._origin
    return copy


def memory_of(tensor: TapeTensor) -> Memory:
    """Return the record of the tensor's memory, made on first use."""
    if tensor._memory is None:
        tensor._memory = Memory()
    return tensor._memory


def share(tensor: TapeTensor, view: TapeTensor) -> None:
    """Note that ``view`` is a view of ``tensor``, if it is one: they share memory, and a family where recorded."""
    base = tensor._array if tensor._array.base is None else tensor._array.base
    if view._array.base is not base and view._array is not base:
        return  # a copy: a reshape that could not be a view, for one
    view._memory = memory_of(tensor)
    if mode.recording:
        if tensor._family is None:
            tensor._family = Family(tensor)
        view._family = tensor._family
        view._family.add(view)


class Node:
    """One recorded op: where its gradients go, and how they are computed.

    Attributes:
        name: the op's name.
        edges: for each input, the node that made it, the leaf itself, or None where no gradient is wanted.
        born: the clock when it was recorded.
    """

    hooks: dict[int, Hook] | None = None
    retain: weakref.ref[TapeTensor] | None = None  # the tensor that asked for its gradient to be kept

    def __init__(self, name: str, edges: tuple[Node | TapeTensor | None, ...]) -> None:
        self.name = name
        self.edges = edges
        self.born = clock()

    def vjp(self, grad: Any, create_graph: bool) -> Sequence[Any]:
        """Return the gradient for each edge, from the gradient of the output."""
        raise GraphError(message(self.name, "this node has no gradient.", f"node {self!r}", "detach() it."))

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
                    self.name,
                    "a tensor that its gradient needs was changed in place after the op was recorded.",
                    f"recorded at step {self.born} of the tape, changed at step {memory.written}",
                    "write x = x + y instead of x += y, or change a copy: x.clone().",
                )
            )

    def freed(self) -> GraphError:
        """Return the error for a second backward through a graph that was freed."""
        return GraphError(
            message(
                self.name,
                "backward ran through this graph before, and its saved arrays were freed.",
                "they are kept for one backward only",
                "pass retain_graph=True to the first backward(), or compute the loss again.",
            )
        )

    def next_functions(self) -> list[Node | TapeTensor | None]:
        """Return the edges, as PyTorch names them."""
        return list(self.edges)

    def __repr__(self) -> str:
        return f"<{self.name.title().replace('_', '')}Backward0>"


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
        super().__init__(parent.name, (parent,))
        self.index = index
        self.count = count

    def vjp(self, grad: Any, create_graph: bool) -> Sequence[Any]:
        return (Outputs([grad if i == self.index else None for i in range(self.count)]),)


class Outputs:
    """The gradients of all outputs of one node; None where nothing came back."""

    __slots__ = ("grads",)

    def __init__(self, grads: list[Any]) -> None:
        self.grads = grads

    def __add__(self, other: Outputs) -> Outputs:
        pairs = zip(self.grads, other.grads, strict=True)
        return Outputs([a if b is None else b if a is None else a + b for a, b in pairs])


# ---- recording on and off


class _SetMode:
    """Set one entry of the mode within a block, or within a function as a decorator."""

    entry = "recording"
    value = True

    def __call__(self, function: F) -> F:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with type(self)():
                return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value]

    def __enter__(self) -> None:
        self.previous = getattr(mode, self.entry)
        setattr(mode, self.entry, self.value)

    def __exit__(self, *_: object) -> None:
        setattr(mode, self.entry, self.previous)


class no_grad(_SetMode):
    """Record nothing within this block or decorated function, in this thread.

    >>> import minicnn
    >>> x = minicnn.ones(2, requires_grad=True)
    >>> with no_grad():
    ...     (x * 2).requires_grad
    False
    """

    value = False

    def __new__(cls, function: Any = None) -> Any:
        self = super().__new__(cls)
        return self if function is None else self(function)  # @no_grad as well as @no_grad()


class enable_grad(no_grad):
    """Record within this block or decorated function, in this thread, inside a `no_grad` too."""

    value = True


class by_definition(_SetMode):
    """Compute every fused op by its definition within this block, forward and backward: slow, plain, the oracle.

    >>> import minicnn
    >>> x = minicnn.tensor([[1.0, 2.0]])
    >>> with by_definition():
    ...     minicnn.softmax(x, dim=1)
    tensor([[0.2689, 0.7311]])
    """

    entry = "by_definition"


class set_grad_enabled:
    """Set recording on or off: at once, and as a context manager for a block only."""

    def __init__(self, enabled: bool) -> None:
        self.previous = mode.recording
        mode.recording = bool(enabled)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        mode.recording = self.previous


def is_grad_enabled() -> bool:
    """Return whether this thread records."""
    return mode.recording


# ---- running back


def _reachable(roots: Iterable[Any]) -> list[Node]:
    """Return all nodes that gradients from ``roots`` can reach, oldest first."""
    stack = [root for root in roots if isinstance(root, Node)]
    seen = set(stack)
    while stack:
        for edge in stack.pop().edges:
            if isinstance(edge, Node) and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return sorted(seen, key=_born)


def _born(node: Node) -> int:
    return node.born


def _on_the_way(nodes: list[Node], targets: set[Any]) -> list[Node]:
    """Keep the nodes through which a target is reached; ``nodes`` come oldest first."""
    wanted: set[Any] = set(targets)
    kept = []
    for node in nodes:
        if any(edge in wanted for edge in node.edges if edge is not None):
            wanted.add(node)
            kept.append(node)
    return kept


def propagate(
    roots: Sequence[TapeTensor],
    grads: Sequence[Any],
    *,
    retain_graph: bool,
    create_graph: bool,
    targets: Sequence[TapeTensor] | None = None,
) -> dict[Any, Any]:
    """Run gradients back from ``roots``; return what reached each leaf or, where given, each target.

    Args:
        roots: the tensors to start from.
        grads: the gradient of each.
        retain_graph: keep saved arrays for another backward.
        create_graph: record the gradients' own computation.
        targets: the tensors whose gradients are wanted; all leaves where None.

    Returns:
        The sum of gradients for each leaf (by tensor), or for each target (by its edge).
    """
    pending: dict[Any, Any] = {}
    for root, grad in zip(roots, grads, strict=True):
        edge = edge_of(root)
        pending[edge] = pending[edge] + grad if edge in pending else grad
    wanted: set[Any] | None = None
    order = _reachable(pending)
    if targets is not None:
        wanted = {edge_of(target) for target in targets}
        order = _on_the_way(order, wanted)
    found: dict[Any, Any] = {}
    previous = mode.recording
    mode.recording = create_graph
    try:
        for node in reversed(order):
            grad = pending.pop(node, None)
            if grad is None:
                continue
            if node.hooks is not None:
                grad = run_hooks(node.hooks, grad)
            if node.retain is not None:
                _keep(node.retain(), grad)
            if wanted is not None and node in wanted:
                found[node] = grad
            results = node.vjp(grad, create_graph)
            for edge, result in zip(node.edges, results, strict=True):
                if edge is not None and result is not None:
                    before = pending.get(edge)
                    pending[edge] = result if before is None else before + result
            if not retain_graph:
                node.release()
        for edge, grad in pending.items():
            if isinstance(edge, Node):  # a target further up, reached but not passed through
                if edge.hooks is not None:
                    grad = run_hooks(edge.hooks, grad)
            elif edge._hooks is not None:
                grad = run_hooks(edge._hooks, grad)
            found[edge] = grad
    finally:
        mode.recording = previous
    return found


def run_hooks(hooks: dict[int, Hook], grad: Any) -> Any:
    """Call each hook with the gradient; what it returns, if anything, takes the gradient's place."""
    if not mode.recording:
        grad = wrap(grad._array.copy())  # the hook may keep it, while a leaf's grad is added to in place
    for hook in list(hooks.values()):
        result = hook(grad)
        if result is not None:
            if not isinstance(result, TapeTensor) or result._array.shape != grad._array.shape:
                raise GraphError(
                    message(
                        "hook",
                        f"a gradient hook must return None or a tensor of shape {tuple(grad._array.shape)}.",
                        f"got {getattr(result, 'shape', type(result).__name__)}",
                        "return a tensor of the gradient's shape, or nothing.",
                    )
                )
            grad = result
    return grad


def _keep(tensor: TapeTensor | None, grad: Any) -> None:
    if tensor is not None:
        if not mode.recording:
            grad = wrap(grad._array.copy())  # its own: the gradient goes on to others
        tensor.grad = grad if tensor.grad is None else tensor.grad + grad


def _first_grad(where: str, root: TapeTensor, grad: Any) -> Any:
    """Return the gradient to start from: the one given, checked, or 1 for a scalar."""
    if not root._requires_grad:
        raise GraphError(
            message(
                where,
                "the tensor has no gradient: it does not require grad, and nothing was recorded for it.",
                f"shape {tuple(root._array.shape)}, made under no_grad() or from tensors without requires_grad",
                "set requires_grad=True on an input before computing it.",
            )
        )
    shape = tuple(root._array.shape)
    if grad is None:
        if root._array.size != 1:
            raise GraphError(
                message(
                    where,
                    "a gradient can be created by itself for one-element outputs only.",
                    f"the output has shape {shape}",
                    "call .sum() or .mean() first, or pass gradient= of that shape.",
                )
            )
        from minicnn.backend import backend_of

        return wrap(backend_of(root._array).xp.ones_like(root._array))
    if not isinstance(grad, TapeTensor):
        raise ArgumentTypeError(
            message(
                where,
                f"gradient expects a Tensor, got {type(grad).__name__}.",
                f"the output has shape {shape}",
                "wrap it: minicnn.tensor(...).",
            )
        )
    if tuple(grad._array.shape) != shape:
        raise ShapeError(
            message(
                where,
                f"gradient expects the output's shape {shape}, got {tuple(grad._array.shape)}.",
                f"output {shape}; gradient {tuple(grad._array.shape)}",
                "pass a gradient of the output's shape.",
            )
        )
    return grad


def backward(
    tensors: TapeTensor | Sequence[TapeTensor],
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: TapeTensor | Sequence[TapeTensor] | None = None,
) -> None:
    """Add the gradient of ``tensors`` to the ``grad`` of every leaf they came from.

    Args:
        tensors: where to start; scalars, unless ``grad_tensors`` gives their gradients.
        grad_tensors: one gradient a tensor, of its shape; None stands for 1.
        retain_graph: keep what was saved, for another backward; as ``create_graph`` by default.
        create_graph: record this computation too, for gradients of gradients.
        inputs: add to these leaves only.

    Raises:
        GraphError: nothing was recorded, the graph was freed, or a saved tensor was changed in place.
        ShapeError: a gradient has not its tensor's shape.

    >>> import minicnn
    >>> x = minicnn.tensor([1.0, 2.0], requires_grad=True)
    >>> backward((x * x).sum())
    >>> x.grad
    tensor([2., 4.])
    """
    roots, given, targets = _sequence(tensors), _sequence(grad_tensors), None
    if inputs is not None:
        targets = _sequence(inputs)
    given = given or [None] * len(roots)
    grads = [_first_grad("backward", root, grad) for root, grad in zip(roots, given, strict=True)]
    retain = create_graph if retain_graph is None else retain_graph
    found = propagate(roots, grads, retain_graph=retain, create_graph=create_graph, targets=targets)
    lent = {id(grad._array) for grad in grads}
    leaves = found if targets is None else {edge_of(t): found.get(edge_of(t)) for t in targets}
    for leaf, grad in leaves.items():
        if grad is not None and not isinstance(leaf, Node):
            _accumulate(leaf, grad, create_graph, lent)
        elif grad is not None:
            for target in targets or ():
                if edge_of(target) is leaf:
                    _accumulate(target, grad, create_graph, lent)


def _accumulate(leaf: TapeTensor, grad: Any, create_graph: bool, lent: set[int]) -> None:
    """Add to a tensor's grad; each gets an array of its own, which its owner may then change."""
    if leaf.grad is not None:
        if create_graph:
            leaf.grad = leaf.grad + grad
        else:
            leaf.grad._array += grad._array
            memory_of(leaf.grad).written = clock()
    elif create_graph:
        leaf.grad = grad
    else:
        array = grad._array
        if id(array) in lent or array.base is not None:  # another tensor's too, or a view of something larger
            array = array.copy()
        lent.add(id(array))
        leaf.grad = wrap(array)


def _sequence(value: Any) -> list[Any]:
    if value is None:
        return []
    return [value] if isinstance(value, TapeTensor) else list(value)


def grad(
    outputs: TapeTensor | Sequence[TapeTensor],
    inputs: TapeTensor | Sequence[TapeTensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Any, ...]:
    """Return the gradients of ``outputs`` for ``inputs``, leaving every ``.grad`` as it is.

    Args:
        outputs: what to differentiate; scalars, unless ``grad_outputs`` gives their gradients.
        inputs: for what; leaves or not.
        grad_outputs: one gradient an output, of its shape; None stands for 1.
        retain_graph: keep what was saved, for another backward; as ``create_graph`` by default.
        create_graph: record this computation too, for gradients of gradients.
        allow_unused: return None for an input that no output depends on, where otherwise an error says so.

    Returns:
        One gradient an input.

    Raises:
        GraphError: an input does not require grad or was not used, or as `backward`.

    >>> import minicnn
    >>> x = minicnn.tensor(3.0, requires_grad=True)
    >>> (dx,) = grad(x**3, x, create_graph=True)
    >>> grad(dx, x)
    (tensor(18.),)
    """
    roots, wanted, given = _sequence(outputs), _sequence(inputs), _sequence(grad_outputs)
    for i, tensor in enumerate(wanted):
        if not tensor._requires_grad:
            raise GraphError(
                message(
                    "grad",
                    f"input {i} does not require grad.",
                    f"its shape is {tuple(tensor._array.shape)}",
                    "call requires_grad_() on it before computing the output.",
                )
            )
    given = given or [None] * len(roots)
    grads = [_first_grad("grad", root, g) for root, g in zip(roots, given, strict=True)]
    retain = create_graph if retain_graph is None else retain_graph
    found = propagate(roots, grads, retain_graph=retain, create_graph=create_graph, targets=wanted)
    results = [found.get(edge_of(tensor)) for tensor in wanted]
    for i, result in enumerate(results):
        if result is None and not allow_unused:
            raise GraphError(
                message(
                    "grad",
                    f"the outputs do not depend on input {i}.",
                    f"its shape is {tuple(wanted[i]._array.shape)}",
                    "pass allow_unused=True to get None for it.",
                )
            )
    return tuple(results)


def recorded_nodes(tensor: TapeTensor) -> Iterator[Node]:
    """Yield the nodes of the graph behind a tensor, newest first (for drawings and counts)."""
    if tensor._node is not None:
        yield from reversed(_reachable([tensor._node]))
