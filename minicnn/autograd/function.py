"""A user's own op by PyTorch's signature: subclass `Function` with ``forward(ctx, ...)`` and ``backward(ctx, ...)``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from minicnn.autograd.graph import (
    Node,
    Output,
    Outputs,
    TapeTensor,
    edge_of,
    memory_of,
    stand_in,
    wrap,
)
from minicnn.autograd.mode import mode, no_grad, plainly
from minicnn.autograd.writes import refuse_leaf
from minicnn.backend import backend_of
from minicnn.errors import ArgumentTypeError, GraphError, ShapeError, message

R = TypeVar("R", bound=Callable[[Any, Any], None])


_rebase: Callable[[Any, Any], None]  # of a room above: `minicnn.ops.inplace`


def set_rebase(function: R) -> R:
    """Function decorator: make it what gives a tensor changed by a user's forward its new history."""
    global _rebase
    _rebase = function
    return function


class Context:
    """What forward leaves for backward; free for attributes of your own.

    Attributes:
        needs_input_grad: for each input of forward, whether its gradient is wanted.
    """

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self._node: FunctionNode | None = None
        self._saved: tuple[Any, ...] | None = ()
        self._saved_outputs: list[int | None] = []
        self._constant: tuple[Any, ...] = ()
        self._dirty: tuple[Any, ...] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors for backward, guarded against changes in place; read them as ``ctx.saved_tensors``."""
        self._saved = tensors

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Say that these outputs have no gradient."""
        self._constant = tensors

    def mark_dirty(self, *tensors: Any) -> None:
        """Say that forward changed these inputs in place; it must return each of them."""
        self._dirty = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether a missing output gradient comes as zeros (the default) or as None."""
        self._materialize = value

    _materialize = True

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors kept by `save_for_backward`.

        Raises:
            GraphError: one was changed in place since, or the graph was freed.
        """
        if self._node is None or self._saved is None:
            raise GraphError(
                message(
                    "saved_tensors",
                    "nothing is kept here: the graph was freed, or backward has not been reached.",
                    "they are kept for one backward only",
                    "pass retain_graph=True to the first backward().",
                )
            )
        self._node.check_unchanged(self._saved)
        pairs = zip(self._saved, self._saved_outputs, strict=True)
        return tuple(saved if output is None else self._output(saved, output) for saved, output in pairs)

    def _output(self, saved: Any, index: int) -> Any:
        """Return a saved output with its history, which begins at this node and is known only while backward runs."""
        tensor = stand_in(saved)
        if self._node is not None:
            tensor._node, tensor._requires_grad = self._node.outputs(index), True
        return tensor

    def _check_dirty(self, name: str, args: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Raise GraphError where a tensor that forward changed in place is a leaf, or is not returned."""
        for tensor in self._dirty:
            if not _among(tensor, outputs):
                raise GraphError(
                    message(
                        name,
                        "a tensor marked as dirty was not returned by forward.",
                        f"shape {tuple(tensor._array.shape)}; {len(outputs)} outputs",
                        "return each tensor that forward changes in place.",
                    )
                )
            if mode.recording and _among(tensor, args):
                refuse_leaf(tensor, name)

    def _seal(self, outputs: tuple[Any, ...]) -> None:
        """Keep stand-ins of what was saved, so that no saved output leads back to its own node."""
        place = {id(out): i for i, out in enumerate(outputs) if not _among(out, self._constant)}
        saved = self._saved or ()
        self._saved_outputs = [place.get(id(t)) for t in saved]
        self._saved = tuple(stand_in(t) if isinstance(t, TapeTensor) else t for t in saved)


class Function:
    """An op of your own: subclass it, and call ``MyOp.apply(...)``.

    ``forward(ctx, *args)`` computes with tensors and is not recorded. ``backward(ctx, *grads)`` gets one gradient an
    output and returns one an argument of forward (None for those without). Or, where ``setup_context`` is given,
    ``forward(*args)`` only computes, and ``setup_context(ctx, inputs, output)`` keeps what backward needs.

    Raises:
        GraphError: forward or backward is not given, or a tensor of ``ctx.mark_dirty`` is a leaf that requires grad, or
            was not returned.
        ShapeError: backward returned a gradient of another shape than its input, or the wrong number of them.

    >>> import minicnn
    >>> class Cube(Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x * x
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         (x,) = ctx.saved_tensors
    ...         return grad * 3 * x * x
    >>> x = minicnn.tensor([1.0, 2.0], requires_grad=True)
    >>> Cube.apply(x).sum().backward()
    >>> x.grad
    tensor([ 3., 12.])
    """

    @staticmethod
    def forward(ctx: Any, *args: Any) -> Any:
        """Compute the op; override it."""
        raise _missing("forward")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Keep on ``ctx`` what backward needs, of the arguments and the output of a forward without ctx."""
        raise _missing("setup_context")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Return the gradient of each input; override it."""
        raise _missing("backward")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Compute the op, and record it where a gradient is wanted."""
        needs = tuple(isinstance(a, TapeTensor) and a._requires_grad for a in args)
        ctx = Context(needs)
        with no_grad():
            if cls.setup_context is Function.setup_context:
                result = cls.forward(ctx, *args)
            else:
                result = cls.forward(*args)
                cls.setup_context(ctx, args, result)
        originals = result if isinstance(result, tuple) else (result,)
        ctx._check_dirty(cls.__name__, args, originals)
        if not (mode.recording and any(needs)):
            return result
        for out in originals:
            if isinstance(out, TapeTensor):
                memory_of(out)  # shared below, so that a later write to the output is seen in backward
        node = FunctionNode(cls, ctx, args, originals)
        outputs = tuple(node.recorded(i, out) for i, out in enumerate(originals))
        return outputs if isinstance(result, tuple) else outputs[0]


def _among(tensor: Any, tensors: Sequence[Any]) -> bool:
    return any(tensor is t for t in tensors)


def _missing(name: str) -> GraphError:
    return GraphError(
        message("Function", f"the subclass has no {name}.", "Function itself was called", f"define {name}(ctx, ...).")
    )


class FunctionNode(Node):
    """A recorded call of a user's `Function`."""

    def name(self) -> str:
        return f"{self.label}Backward"

    def __init__(self, function: type[Function], ctx: Context, args: Sequence[Any], outputs: tuple[Any, ...]) -> None:
        super().__init__(function.__name__, tuple(edge_of(a) if isinstance(a, TapeTensor) else None for a in args))
        self.function = function
        self.ctx = ctx
        self.inputs: list[Any] = [a._array.shape if isinstance(a, TapeTensor) else None for a in args]
        self.dtypes = [a._array.dtype if isinstance(a, TapeTensor) else None for a in args]
        self.likes = [
            (backend_of(out._array), out._array.shape, out._array.dtype) if isinstance(out, TapeTensor) else None
            for out in outputs
        ]
        ctx._seal(outputs)

    def recorded(self, index: int, out: Any) -> Any:
        """Return an output of forward with this node as its history, where it has a gradient."""
        if not isinstance(out, TapeTensor) or out._array.dtype.kind != "f" or _among(out, self.ctx._constant):
            return out
        tensor = wrap(out._array)  # one of its own: forward may have returned an input as it is
        tensor._memory, tensor._node, tensor._requires_grad = out._memory, self.outputs(index), True
        if _among(out, self.ctx._dirty):
            _rebase(out, tensor)
            return out
        return tensor

    def outputs(self, index: int) -> Node:
        """Return the node of one output."""
        return self if len(self.likes) == 1 else Output(self, index, len(self.likes))

    def vjp(self, grad: Any, create_graph: bool) -> Sequence[Any]:
        if self.ctx._saved is None:
            raise self.freed()
        grads = list(grad.grads) if isinstance(grad, Outputs) else [grad]
        if self.ctx._materialize:
            for i, like in enumerate(self.likes):
                if grads[i] is None and like is not None:
                    be, shape, dtype = like
                    grads[i] = wrap(be.xp.zeros(shape, dtype=dtype))
        self.ctx._node = self
        try:
            with plainly():
                found = self.function.backward(self.ctx, *grads)
        finally:
            self.ctx._node = None  # the context must not lead back to its node
        found = found if isinstance(found, tuple) else (found,)
        while len(found) > len(self.edges) and found[-1] is None:  # for arguments that were left to their defaults
            found = found[:-1]
        self._check(found)
        return [g if g is None or g._array.dtype == d else g.to(d) for g, d in zip(found, self.dtypes, strict=True)]

    def _check(self, found: tuple[Any, ...]) -> None:
        if len(found) != len(self.edges):
            raise ShapeError(
                message(
                    f"{self.label}.backward",
                    f"must return {len(self.edges)} gradients, one an argument of forward; got {len(found)}.",
                    f"arguments of forward: {len(self.edges)}",
                    "return None for arguments without gradient.",
                )
            )
        for i, (g, shape, edge) in enumerate(zip(found, self.inputs, self.edges, strict=True)):
            if edge is None or g is None:
                continue
            if not isinstance(g, TapeTensor):
                raise ArgumentTypeError(
                    message(
                        f"{self.label}.backward",
                        f"gradient {i} must be a Tensor, got {type(g).__name__}.",
                        f"its input has shape {shape}",
                        "compute it with tensor ops.",
                    )
                )
            if g._array.shape != shape:
                raise ShapeError(
                    message(
                        f"{self.label}.backward",
                        f"gradient {i} must have its input's shape {tuple(shape)}, got {tuple(g._array.shape)}.",
                        f"input {tuple(shape)}; gradient {tuple(g._array.shape)}",
                        "sum the gradient over the dims that forward broadcast.",
                    )
                )

    def release(self) -> None:
        self.ctx._saved = None


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator for a backward that cannot be differentiated again: a second order through it is an error."""

    @functools.wraps(backward)
    def wrapped(ctx: Any, *grads: Any) -> Any:
        recording = mode.recording
        with no_grad():
            found = backward(ctx, *grads)
        if not recording:
            return found
        single = not isinstance(found, tuple)
        node = _Once("once_differentiable", tuple(edge_of(g) for g in grads if g is not None))
        marked = []
        for g in (found,) if single else found:
            if isinstance(g, TapeTensor):
                g = stand_in(g)
                g._node, g._requires_grad = node, True
            marked.append(g)
        return marked[0] if single else tuple(marked)

    return wrapped


class _Once(Node):
    def vjp(self, grad: Any, create_graph: bool) -> Sequence[Any]:
        raise GraphError(
            message(
                self.label,
                "this backward was marked as differentiable once, and is differentiated a second time.",
                "it is decorated with @once_differentiable",
                "remove the decorator and write backward in tensor ops.",
            )
        )
