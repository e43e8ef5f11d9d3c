"""Fused ops: a definition in primitives, a fast forward and a fast backward, side by side.

The gradient of a fused op is again a fused op, `vjp_of`, defined by the vector-Jacobian product of the definition.
That alone gives every fused op gradients of any order.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence
from typing import Any, ClassVar

from minicnn.autograd.engine import grad
from minicnn.autograd.graph import Memory, Node, Output, Outputs, TapeTensor, edge_of, memory_of, stand_in, wrap
from minicnn.autograd.mode import enable_grad, mode
from minicnn.autograd.op import Op, as_array, unwrap
from minicnn.backend import Array, Backend


class Fused(Op, abstract=True):
    """An op with a definition in primitives, a fast forward and a fast backward.

    - ``definition(*inputs, **params)``: on tensors, as the textbook writes it. It shares no code with the kernels.
    - ``forward(be, *arrays, **params)``: on arrays; returns the output (or a tuple) and what backward wants saved.
    - ``backward(be, grads, saved, needs, *arrays, **params)``: on arrays; ``grads`` has one entry an output (None
      where nothing came back) and ``needs`` one bool an input. Returns one gradient an input, None where not
      needed; each an array of its own, that no one else holds.
    - ``infer(be, *arrays, **params)``, if that is quicker: the output alone, for where nothing is recorded.

    Attributes:
        reads: the positions of the inputs that backward reads; None for all. Others may change in place before it.
        saves_output: whether what forward saved is the output's own memory, which must then not change before it.
        differentiable_outputs: how many of several outputs have gradients, the first ones.
    """

    reads: ClassVar[tuple[int, ...] | None] = None
    saves_output: ClassVar[bool] = False
    differentiable_outputs: ClassVar[int] = 1
    arity: ClassVar[int]  # how many inputs the op has
    definition: ClassVar[Any]
    forward: ClassVar[Any]
    infer: ClassVar[Any] = None

    def __init_subclass__(cls, abstract: bool = False, register: bool = True) -> None:
        super().__init_subclass__(abstract, register)
        if abstract:
            return
        if not hasattr(cls, "definition"):
            raise TypeError(f"fused op {cls.__name__} has no definition.")
        parameters = inspect.signature(cls.definition).parameters.values()
        cls.arity = sum(p.kind is not p.KEYWORD_ONLY for p in parameters)

    @classmethod
    def apply(cls, *inputs: Any, **params: Any) -> Any:
        """Compute the op on tensors, and record it where a gradient is wanted."""
        if mode.by_definition:
            return cls.definition(*inputs, **params)
        be, arrays, wanted = unwrap(cls.name, inputs)
        wanted = wanted and mode.recording
        node = None
        if cls.infer is not None and not wanted:
            result = cls.infer(be, *arrays, **params)
        else:
            result, saved = cls.forward(be, *arrays, **params)
        if wanted:
            edges = [edge_of(x) if isinstance(x, TapeTensor) else None for x in inputs]
            node = FusedNode(cls, edges, inputs, params, saved)
        if isinstance(result, tuple):
            return tuple(
                a if a is None else cls._output(be, a, node and _output_node(node, i, cls.differentiable_outputs))
                for i, a in enumerate(result)
            )
        out = cls._output(be, result, node)
        if node is not None and cls.saves_output:
            node.output_memory = memory_of(out)
        return out

    @staticmethod
    def _output(be: Backend, array: Array, node: Node | None) -> Any:
        tensor = wrap(as_array(be, array))
        if node is not None:
            tensor._node = node
            tensor._requires_grad = True
        return tensor

    @classmethod
    def backward(
        cls, be: Backend, grads: Sequence[Array], saved: Any, needs: Sequence[bool], *arrays: Any, **params: Any
    ) -> Sequence[Array]:
        """The gradient by definition: what an op has that gives no fast one (`vjp_of` an op, above all)."""
        with enable_grad():
            inputs = [wrap(a) if isinstance(a, be.array_type) else a for a in arrays]
            for x, need in zip(inputs, needs, strict=True):
                if need:
                    x._requires_grad = True
            tensors = [None if g is None else wrap(g) for g in grads]
            found = _vjp(cls.definition, tensors, inputs, needs, params, create_graph=False)
        return [None if f is None else f._array for f in found]


def _output_node(node: Node, index: int, count: int) -> Node | None:
    return Output(node, index, count) if index < count else None


def _vjp(
    definition: Any,
    grads: Sequence[Any],
    inputs: Sequence[Any],
    needs: Sequence[bool],
    params: dict[str, Any],
    create_graph: bool,
) -> list[Any]:
    """Return the vector-Jacobian product of a definition at ``inputs``, one entry an input."""
    results = definition(*inputs, **params)
    results = results if isinstance(results, tuple) else (results,)
    pairs = [
        (y, g) for y, g in zip(results, grads, strict=False) if y is not None and g is not None and y._requires_grad
    ]
    wanted = [x for x, need in zip(inputs, needs, strict=True) if need]
    if not pairs or not wanted:
        return [None] * len(inputs)
    found = iter(
        grad(
            [y for y, _ in pairs],
            wanted,
            [g for _, g in pairs],
            create_graph=create_graph,
            allow_unused=True,
        )
    )
    return [next(found) if need else None for need in needs]


class FusedNode(Node):
    """A recorded fused op."""

    output_memory: Memory | None = None

    def __init__(
        self, op: type[Fused], edges: Sequence[Any], inputs: Sequence[Any], params: dict[str, Any], saved: Any
    ) -> None:
        super().__init__(op.name, edges)
        self.op = op
        self.inputs: Sequence[Any] | None = [stand_in(x) if isinstance(x, TapeTensor) else x for x in inputs]
        self.params = params
        self.saved = saved

    def vjp(self, grad: Any, create_graph: bool) -> Sequence[Any]:
        op, inputs = self.op, self.inputs
        if inputs is None:
            raise self.freed()
        grads = tuple(grad.grads) if isinstance(grad, Outputs) else (grad,)
        needs = tuple([edge is not None for edge in self.edges])
        self.check_written(self.output_memory)
        if create_graph:
            self.check_unchanged(inputs)
            return vjp_of(op).apply(*grads, *inputs, of=(needs, self.saved, self.params))  # type: ignore[arg-type]  # a class is hashable
        self.check_unchanged(inputs if op.reads is None else [inputs[i] for i in op.reads])
        be, arrays, _ = unwrap(op.name, (*grads, *inputs))
        count = len(grads)
        found = op.backward(be, arrays[:count], self.saved, needs, *arrays[count:], **self.params)
        return [None if f is None else wrap(as_array(be, f)) for f in found]

    def release(self) -> None:
        self.inputs = self.saved = None


@functools.cache
def vjp_of(op: type[Fused]) -> type[Fused]:
    """Return the gradient of a fused op as a fused op: (*grads, *inputs) -> one gradient an input.

    Its forward is the op's fast backward. Its definition is the vector-Jacobian product of the op's definition, at
    the op's inputs alone: what forward saved is a cache that a definition never sees. Its own backward is left to
    `Fused.backward`, by definition; and so on, for any order.
    """
    count = op.differentiable_outputs

    class Vjp(Fused, abstract=True):
        @staticmethod
        def definition(*args: Any, of: tuple[Any, Any, Any]) -> tuple[Any, ...]:
            needs, _, params = of
            create_graph = mode.recording
            with enable_grad():
                inputs = [_fork(x) if need else x for x, need in zip(args[count:], needs, strict=True)]
                return tuple(_vjp(op.definition, args[:count], inputs, needs, params, create_graph))

        @staticmethod
        def forward(be: Backend, *arrays: Any, of: tuple[Any, Any, Any]) -> tuple[Any, None]:
            needs, saved, params = of
            return tuple(op.backward(be, arrays[:count], saved, needs, *arrays[count:], **params)), None

    Vjp.name = f"{op.name}_vjp"
    Vjp.arity = count + op.arity
    Vjp.differentiable_outputs = op.arity
    return Vjp


class _Fork(Node):
    """Passes its gradient on: an input of its own for a tensor that is used twice."""

    def vjp(self, grad: Any, create_graph: bool) -> Sequence[Any]:
        return (grad,)


def _fork(tensor: TapeTensor) -> Any:
    """Return the tensor again, as another one that requires grad, so that gradients for it are told apart."""
    copy = wrap(tensor._array)
    copy._requires_grad = True
    if tensor._requires_grad:
        copy._node = _Fork("fork", (edge_of(tensor),))
    return copy
