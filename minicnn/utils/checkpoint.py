"""Trading time for memory: what a part of a network computed is dropped, and computed again in backward."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

from minicnn.autograd.engine import propagate, reachable
from minicnn.autograd.graph import Node, Output, TapeTensor, clock, edge_of, stand_in, wrap
from minicnn.autograd.mode import enable_grad, mode, plainly
from minicnn.errors import GraphError, ParameterError, message
from minicnn.random import default_generator


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    context_fn: Callable[[], tuple[Any, Any]] | None = None,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """Return ``function(*args, **kwargs)``, keeping nothing for backward but the arguments: it is computed again there.

    A network of L layers in parts of √L layers each needs the memory of about 2√L layers, for one forward more. The
    gradients are those without `checkpoint`, and have gradients themselves; only the order of addition may differ, for
    a tensor used at least twice in the function and once outside. Tensors that the function finds elsewhere, such as a
    module's parameters, get theirs too.

    The function must compute the same again: that its outputs have the same shapes is checked, as in PyTorch, and that
    they have the same values is not. Batch norm updates its running statistics both times, as in PyTorch.

    Args:
        function: returns a tensor, or tensors in tuples, lists and dicts; other outputs are passed on.
        args, kwargs: its arguments.
        use_reentrant: without effect; both values mean PyTorch's better way, False.
        preserve_rng_state: draw the same random numbers, dropout's masks above all, from the default generator again.
        context_fn: returns two context managers, to call the function in: one for now, one for backward.
        determinism_check: "none" leaves out the check that the outputs' shapes are the same again.
        debug, early_stop: without effect.
    Raises:
        ParameterError: determinism_check is neither "default" nor "none".
        GraphError: the function writes to its arguments in place; in backward, where it does not compute the same
            again, or a tensor it needs was written to in place since.

    Source: T. Chen, B. Xu, C. Zhang, C. Guestrin, Training Deep Nets with Sublinear Memory Cost, 2016, section 4.

    >>> import minicnn
    >>> x = minicnn.tensor([1.0, 2.0], requires_grad=True)
    >>> checkpoint(lambda x: (x * x).exp(), x, use_reentrant=False).sum().backward()
    >>> bool((x.grad == 2 * x * (x * x).exp()).all())
    True
    """
    if determinism_check not in ("default", "none"):
        raise ParameterError(
            message(
                "checkpoint",
                'determinism_check expects "default" or "none".',
                f"got {determinism_check!r}",
                'leave it out, or pass "none".',
            )
        )
    now, later = (nullcontext(), nullcontext()) if context_fn is None else context_fn()
    if not mode.recording:
        with now:
            return function(*args, **kwargs)
    state = default_generator.get_state() if preserve_rng_state else None
    start = clock()
    with now:
        result = function(*args, **kwargs)
    outputs = [y for y in _tensors(result) if y._node is not None and y._node.born > start]
    if not outputs:
        return result
    _check_arguments(args, kwargs, start)
    node = _Checkpoint(function, args, kwargs, outputs, start)
    node.state, node.context, node.check = state, later, determinism_check == "default"
    made = {id(y): node.output(i, y) for i, y in enumerate(outputs)}
    return _mapped(result, lambda t: made.get(id(t), t))


def checkpoint_sequential(
    functions: Any,
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    **kwargs: Any,
) -> Any:
    """Return what the functions compute one after another, in parts of which all but the last are checkpointed.

    Args:
        functions: modules or functions of one argument, or a `minicnn.nn.Sequential`.
        segments: the number of parts, from 1 to the number of functions.
        input: the first one's argument.
        use_reentrant, kwargs: as for `checkpoint`.
    Raises:
        ParameterError: segments is out of range.

    >>> import minicnn
    >>> from minicnn import nn
    >>> net, x = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 1)), minicnn.ones(2, 3)
    >>> bool((checkpoint_sequential(net, 2, x) == net(x)).all())
    True
    """
    functions = list(functions.children()) if hasattr(functions, "children") else list(functions)
    if not isinstance(segments, int) or not 1 <= segments <= len(functions):
        raise ParameterError(
            message(
                "checkpoint_sequential",
                f"segments expects a whole number from 1 to {len(functions)}, got {segments!r}.",
                f"there are {len(functions)} functions",
                "choose about the square root of their number.",
            )
        )
    size = len(functions) // segments
    for start in range(0, size * (segments - 1), size):
        part = _Chain(functions[start : start + size])
        input = checkpoint(part, input, use_reentrant=use_reentrant, **kwargs)
    return _Chain(functions[size * (segments - 1) :])(input)


class _Chain:
    """Functions called one after another."""

    def __init__(self, functions: Sequence[Any]) -> None:
        self.functions = functions

    def __call__(self, input: Any) -> Any:
        for function in self.functions:
            input = function(input)
        return input


class _Checkpoint(Node):
    """A function's call: its edges are those that lead out of what the function recorded, which is then let go.

    Attributes:
        call: the function and its arguments; None once freed.
        state: of the default generator, before the call; None for that of the time.
        context: what to call the function in.
        check: whether the shapes of its outputs are compared.
    """

    state: dict[str, object] | None
    context: Any
    check: bool

    def __init__(self, function: Any, args: Any, kwargs: Any, outputs: Sequence[Any], start: int) -> None:
        super().__init__("checkpoint", _edges_out(outputs, start))
        # Stand-ins, since a node must not lead to tensors whose history may later lead to it.
        self.call: Any = (function, _mapped(args, stand_in), _mapped(kwargs, stand_in))
        self.shapes = [y._array.shape for y in outputs]

    def output(self, index: int, inner: Any) -> Any:
        """Return an output of the function with this node as its history."""
        tensor = wrap(inner._array)
        tensor._memory, tensor._requires_grad = inner._memory, True
        tensor._node = Output(self, index, len(self.shapes))
        return tensor

    def vjp(self, grad: Any, create_graph: bool) -> Sequence[Any]:
        if self.call is None:
            raise self.freed()
        self._check_same_values()
        start = clock()
        outputs = [y for y in _tensors(self._again()) if y._node is not None and y._node.born > start]
        if len(outputs) != len(self.shapes) or (self.check and [y._array.shape for y in outputs] != self.shapes):
            raise self._differs(
                f"shapes {[tuple(s) for s in self.shapes]} before, {[tuple(y._array.shape) for y in outputs]} now"
            )
        pairs = [(y, g) for y, g in zip(outputs, grad.grads, strict=True) if g is not None]
        found = propagate(
            [y for y, _ in pairs],
            [g for _, g in pairs],
            retain_graph=create_graph,
            create_graph=create_graph,
            since=start,
        )
        if not set(found) <= set(self.edges):
            raise self._differs("it uses a tensor with a gradient that it did not use before")
        return [found.get(edge) for edge in self.edges]

    def _again(self) -> Any:
        """Return what the function computes now, recorded, with the random numbers of the first time."""
        function, args, kwargs = self.call
        now = default_generator.get_state()
        try:
            if self.state is not None:
                default_generator.set_state(self.state)
            with plainly(), enable_grad(), self.context:
                return function(*args, **kwargs)
        finally:
            if self.state is not None:
                default_generator.set_state(now)

    def _check_same_values(self) -> None:
        """Raise GraphError if an argument, or a leaf such as a parameter, was written to since the call."""
        _, args, kwargs = self.call
        self.check_unchanged(_tensors((args, kwargs)))
        self.check_unchanged(edge for edge in self.edges if isinstance(edge, TapeTensor))

    def _differs(self, how: str) -> GraphError:
        return GraphError(
            message(
                "checkpoint",
                "the function did not compute in backward what it computed before.",
                how,
                "let it depend on its arguments and on unchanged parameters only.",
            )
        )

    def release(self) -> None:
        self.call = None


def _edges_out(outputs: Sequence[Any], start: int) -> tuple[Any, ...]:
    """Return the leaves, and the nodes born before, that the outputs' gradients go to; each once."""
    found: dict[Any, None] = {}
    for node in reachable((edge_of(y) for y in outputs), start):
        for edge in node.edges:
            if edge is not None and not (isinstance(edge, Node) and edge.born > start):
                found[edge] = None
    return tuple(found)


def _check_arguments(args: Any, kwargs: Any, start: int) -> None:
    for a in _tensors((args, kwargs)):
        if a._memory is not None and a._memory.written > start:
            raise GraphError(
                message(
                    "checkpoint",
                    "the function changed an argument in place, which could not be computed again.",
                    f"the argument has shape {tuple(a._array.shape)}",
                    "change a copy in it: x.clone(); or begin the part with another layer.",
                )
            )


def _tensors(value: Any) -> Iterator[Any]:
    """Yield the tensors in nested tuples, lists and dicts."""
    if isinstance(value, TapeTensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for v in value:
            yield from _tensors(v)
    elif isinstance(value, dict):
        for v in value.values():
            yield from _tensors(v)


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return the value with each tensor in nested tuples, lists and dicts changed."""
    if isinstance(value, TapeTensor):
        return change(value)
    if isinstance(value, (tuple, list)):
        parts = [_mapped(v, change) for v in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if isinstance(value, dict):
        return type(value)((k, _mapped(v, change)) for k, v in value.items())
    return value
