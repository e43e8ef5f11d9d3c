"""Watching a backward: every gradient that an op hands on must have its input's shape and dtype."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minicnn.autograd.function import FunctionNode
from minicnn.autograd.fused import FusedNode
from minicnn.autograd.graph import Node, TapeTensor, edge_of
from minicnn.autograd.primitive import PrimitiveNode

Failure = Callable[[str, str, str], Exception]


def watch(outputs: Sequence[TapeTensor], failure: Failure) -> None:
    """Let the nodes behind these outputs raise ``failure(problem, got, fix)`` for a gradient of a wrong kind."""
    stack: list[Any] = [edge_of(y) for y in outputs]
    seen = set()
    while stack:
        node = stack.pop()
        if isinstance(node, Node) and node not in seen:
            seen.add(node)
            stack.extend(node.edges)
            _watch(node, failure)


def _watch(node: Node, failure: Failure) -> None:
    expected: list[Any]  # (shape, dtype) of each input; None where it is not known
    if isinstance(node, FunctionNode):
        _watch_function(node, failure)
        return
    if isinstance(node, FusedNode):
        inputs = node.inputs or ()
        expected = [(x._array.shape, x._array.dtype) if isinstance(x, TapeTensor) else (None, None) for x in inputs]
    elif isinstance(node, PrimitiveNode):
        expected = [(shape, None) for _, _, shape in node.calls or ()]
    else:
        return
    right = node.vjp

    def vjp(grad: Any, create_graph: bool) -> Sequence[Any]:
        found = right(grad, create_graph)
        for i, (g, (shape, dtype)) in enumerate(zip(found, expected, strict=False)):
            _check(node.op.name, i, g, shape, dtype, failure)
        return found

    node.vjp = vjp  # type: ignore[method-assign]


def _watch_function(node: FunctionNode, failure: Failure) -> None:
    """Look at what a user's backward returns itself: the node converts its dtype."""
    function, backward = node.function, node.function.backward

    def watched(ctx: Any, *grads: Any) -> Any:
        found = backward(ctx, *grads)
        results = found if isinstance(found, tuple) else (found,)
        for i, (g, dtype) in enumerate(zip(results, node.dtypes, strict=False)):
            _check(function.__name__, i, g, None, dtype, failure)
        return found

    node.function = type(function.__name__, (function,), {"backward": staticmethod(watched)})


def _check(name: str, i: int, g: Any, shape: Any, dtype: Any, failure: Failure) -> None:
    if not isinstance(g, TapeTensor):
        return
    where = f"{name}.backward"
    if shape is not None and g._array.shape != shape:
        raise failure(
            f"{where} returned a gradient of shape {tuple(g._array.shape)} for its input {i} of shape {tuple(shape)}.",
            f"input {tuple(shape)}; gradient {tuple(g._array.shape)}",
            "sum it over what was broadcast, or reshape it",
        )
    if dtype is not None and dtype.kind == "f" and g._array.dtype != dtype:
        raise failure(
            f"{where} returned a {g._array.dtype} gradient for its input {i}, which is {dtype}.",
            f"input {dtype}; gradient {g._array.dtype}",
            "compute it in the input's dtype: g.to(x.dtype)",
        )
