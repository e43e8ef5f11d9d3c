"""The two kinds of op, and the registry of all public functions.

A `Primitive` writes its gradient in tensor ops, so primitives are closed under differentiation. A `Fused` op gives
a definition in primitives beside a fast forward and a fast backward; its gradient is again a fused op, `vjp_of`,
defined by the vector-Jacobian product of the definition. That alone gives every fused op gradients of any order.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np

from minicnn.autograd.graph import (
    Memory,
    Node,
    Output,
    Outputs,
    TapeTensor,
    edge_of,
    enable_grad,
    grad,
    memory_of,
    mode,
    share,
    stand_in,
    wrap,
)
from minicnn.autograd.sample import Errors, Samples
from minicnn.backend import Array, Backend, backend_of
from minicnn.errors import ArgumentTypeError, BackendError, message

F = TypeVar("F", bound=Callable[..., Any])


class Public:
    """A public differentiable function: what the suite runs.

    Attributes:
        name: what users call it.
        function: the function itself.
        samples: its samples, from a random generator.
        errors: calls that must raise.
        op: the op it applies; None for a composition of other functions.
    """

    def __init__(self, function: Any, samples: Samples, errors: Errors, op: type[Op] | None) -> None:
        self.name: str = function.__name__
        self.function = function
        self.samples = samples
        self.errors = errors
        self.op = op


functions: dict[str, Public] = {}
ops: dict[str, type[Op]] = {}


def composition(samples: Samples, errors: Errors) -> Callable[[F], F]:
    """Decorator: register a public function that is composed of others, with samples of its own."""

    def register(function: F) -> F:
        functions[function.__name__] = Public(function, samples, errors, None)
        return function

    return register


def check_registry() -> None:
    """Raise TypeError if an op has no public function: called once all ops are imported."""
    orphans = [op.__name__ for op in ops.values() if not op.applied]
    if orphans:
        raise TypeError(f"ops without a public function: {', '.join(orphans)}. Decorate one with @TheOp.public.")


class Op:
    """What both kinds have in common: a name in the registry, samples and error samples.

    A class without samples, or without errors, fails at import; so does one of minicnn's own that no public function
    applies. An op of your own that the suite is not to run says ``class MyOp(Fused, register=False)``.
    """

    name: ClassVar[str]
    samples: ClassVar[Any]
    errors: ClassVar[Any]
    applied: ClassVar[bool] = False  # whether a public function was registered for it

    def __init_subclass__(cls, abstract: bool = False, register: bool = True) -> None:
        cls.name = cls.__dict__.get("name", _snake(cls.__name__))
        if abstract:
            return
        for needed in ("forward", "samples", "errors") if register else ("forward",):
            if not hasattr(cls, needed):
                raise TypeError(f"op {cls.__name__} has no {needed}: give the class a static method {needed}.")
        if register:
            ops[cls.name] = cls

    @classmethod
    def public(cls, function: F) -> F:
        """Decorator: register the public function that applies this op."""
        cls.applied = True
        functions[function.__name__] = Public(function, cls.samples, cls.errors, cls)
        return function


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


def unwrap(name: str, inputs: Sequence[Any]) -> tuple[Backend, list[Any], bool]:
    """Return the backend of the input tensors, their arrays, and whether one of them wants a gradient.

    Raises:
        BackendError: they live on two backends.
    """
    arrays = []
    kind = None
    wanted = False
    for x in inputs:
        if isinstance(x, TapeTensor):
            array = x._array
            wanted = wanted or x._requires_grad
            if kind is None:
                kind = type(array)
            elif type(array) is not kind:
                raise _two_backends(name, inputs)
            arrays.append(array)
        else:
            arrays.append(x)
    if kind is None:
        raise ArgumentTypeError(
            message(
                name,
                f"expects a Tensor, got {', '.join(type(x).__name__ for x in inputs)}.",
                "an op works on tensors",
                "make one first: minicnn.tensor(values).",
            )
        )
    first = next(a for a in arrays if type(a) is kind)
    return backend_of(first), arrays, wanted


def _two_backends(name: str, inputs: Sequence[Any]) -> BackendError:
    places = [backend_of(x._array).device_type for x in inputs if isinstance(x, TapeTensor)]
    return BackendError(
        message(
            name,
            "expects all tensors on one device.",
            f"got tensors on: {', '.join(places)}",
            f'move them to one: x.to("{places[0]}").',
        )
    )


# ---- primitives


class Primitive(Op, abstract=True):
    """An op whose gradient is written in tensor ops.

    A subclass gives ``forward(be, a, b, *, dim)`` on arrays and, for each array, ``grad_a(g, ...)`` on tensors. A
    gradient names what it needs, and only that is kept: an input (``b``), a parameter (``dim``), an input's shape
    (``a_shape``), and, first of all, the output (``out``). An op that joins any number of arrays,
    ``forward(be, *inputs)``, gives ``grad_inputs(g, index, ...)``, called for each.

    Attributes:
        constants: the inputs that have no gradient.
        broadcasts: whether inputs are broadcast against each other; their gradients are summed back.
        views: whether the output may be a view of the first input.
    """

    constants: ClassVar[tuple[str, ...]] = ()
    broadcasts: ClassVar[bool] = False
    views: ClassVar[bool] = False
    gradients: ClassVar[tuple[Gradient | None, ...]]
    variadic: ClassVar[bool] = False
    differentiable: ClassVar[bool] = True

    def __init_subclass__(cls, abstract: bool = False, register: bool = True) -> None:
        super().__init_subclass__(abstract, register)
        if abstract:
            return
        signature = list(inspect.signature(cls.forward).parameters.values())[1:]  # type: ignore[attr-defined]
        arrays = [p.name for p in signature if p.kind is not p.KEYWORD_ONLY]
        cls.variadic = any(p.kind is p.VAR_POSITIONAL for p in signature)
        params = [p.name for p in signature if p.kind is p.KEYWORD_ONLY]
        gradients = []
        for name in arrays:
            function = getattr(cls, f"grad_{name}", None)
            if function is None and name not in cls.constants:
                raise TypeError(f"op {cls.__name__}: input {name} has no grad_{name}, and is not in constants.")
            gradients.append(function and Gradient(cls.__name__, function, arrays, params))
        cls.gradients = tuple(gradients)
        cls.differentiable = any(gradients)

    @classmethod
    def apply(cls, *inputs: Any, **params: Any) -> Any:
        """Compute the op on tensors, and record it where a gradient is wanted."""
        be, arrays, wanted = unwrap(cls.name, inputs)
        out = wrap(_as_array(be, cls.forward(be, *arrays, **params)))  # type: ignore[attr-defined]
        if cls.views:
            share(inputs[0], out)
        if wanted and mode.recording and cls.differentiable:
            cls.record(out, inputs, params)
        return out

    @classmethod
    def record(cls, out: Any, inputs: Sequence[Any], params: dict[str, Any]) -> None:
        """Put the op on the tape, as the maker of ``out``."""
        edges: list[Any] = []
        calls: list[Any] = []
        gradients = cls.gradients * len(inputs) if cls.variadic else cls.gradients
        for i, (x, gradient) in enumerate(zip(inputs, gradients, strict=True)):
            if gradient is None or not isinstance(x, TapeTensor) or not x._requires_grad:
                edges.append(None)
                calls.append(None)
            else:
                edges.append(edge_of(x))
                calls.append((gradient, gradient.arguments(inputs, params, i), x._array.shape))
        out._node = PrimitiveNode(cls, tuple(edges), calls, out)
        out._requires_grad = True


def _as_array(be: Backend, value: Any) -> Array:
    """NumPy gives scalars where an op's result has no dims; tensors hold arrays."""
    if type(value) is be.array_type or not isinstance(value, np.generic):
        return value
    return be.asarray(value)


class Gradient:
    """One ``grad_x`` of a primitive, and where its arguments come from."""

    def __init__(self, owner: str, function: Any, arrays: list[str], params: list[str]) -> None:
        self.function = function
        names = list(inspect.signature(function).parameters)[1:]
        self.uses_out = names[:1] == ["out"]
        self.sources: list[tuple[str, Any]] = []
        for name in names[self.uses_out :]:
            if name in arrays:
                self.sources.append(("input", arrays.index(name)))
            elif name in params:
                self.sources.append(("param", name))
            elif name.removesuffix("_shape") in arrays and name.endswith("_shape"):
                self.sources.append(("shape", arrays.index(name.removesuffix("_shape"))))
            elif name == "shapes":
                self.sources.append(("shapes", None))
            elif name == "index":
                self.sources.append(("index", None))
            else:
                raise TypeError(f"op {owner}: {function.__name__} names {name}, which is no input or parameter.")

    def arguments(self, inputs: Sequence[Any], params: dict[str, Any], index: int) -> list[Any]:
        """Return what the gradient needs, to be kept until backward."""
        kept: list[Any] = []
        for kind, key in self.sources:
            if kind == "input":
                x = inputs[key]
                # A view's tensor leads to its whole family, and that may lead back here: keep a stand-in.
                kept.append(stand_in(x) if getattr(x, "_family", None) is not None else x)
            elif kind == "param":
                kept.append(params[key])
            elif kind == "shape":
                kept.append(inputs[key]._array.shape)
            elif kind == "shapes":
                kept.append([x._array.shape for x in inputs])
            else:
                kept.append(index)
        return kept


class PrimitiveNode(Node):
    """A recorded primitive."""

    def __init__(self, op: type[Primitive], edges: tuple[Any, ...], calls: list[Any], out: TapeTensor) -> None:
        super().__init__(op.name, edges)
        self.op = op
        self.calls: list[Any] | None = calls
        self.out: tuple[Array, Memory] | None = None
        if any(call is not None and call[0].uses_out for call in calls):
            # The array, not the tensor: a node that held its own tensor would make a cycle.
            self.out = (out._array, memory_of(out))

    def vjp(self, grad: Any, create_graph: bool) -> Sequence[Any]:
        if self.calls is None:
            raise self.freed()
        results = []
        for call in self.calls:
            if call is None:
                results.append(None)
                continue
            gradient, arguments, shape = call
            self.check_unchanged(arguments)
            if gradient.uses_out:
                result = gradient.function(grad, self.output(), *arguments)
            else:
                result = gradient.function(grad, *arguments)
            if self.op.broadcasts and result._array.shape != shape:
                result = result.sum_to_size(shape)
            results.append(result)
        return results

    def output(self) -> Any:
        """Return the op's output again, as a tensor made by this node."""
        if self.out is None:
            raise self.freed()
        tensor = wrap(self.out[0])
        tensor._memory = self.out[1]
        self.check_unchanged((tensor,))
        tensor._node = self
        tensor._requires_grad = True
        return tensor

    def release(self) -> None:
        if self.out is not None or any(
            isinstance(argument, TapeTensor) for call in self.calls or () if call for argument in call[1]
        ):
            self.calls = self.out = None


# ---- fused ops


class Fused(Op, abstract=True):
    """An op with a definition in primitives, a fast forward and a fast backward.

    - ``definition(*inputs, **params)``: on tensors, as the textbook writes it. It shares no code with the kernels.
    - ``forward(be, *arrays, **params)``: on arrays; returns the output (or a tuple) and what backward wants saved.
    - ``backward(be, grads, saved, needs, *arrays, **params)``: on arrays; ``grads`` has one entry an output (None
      where nothing came back) and ``needs`` one bool an input. Returns one gradient an input, None where not
      needed; each an array of its own, that no one else holds.

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
        result, saved = cls.forward(be, *arrays, **params)
        node = None
        if wanted and mode.recording:
            edges = tuple(edge_of(x) if isinstance(x, TapeTensor) else None for x in inputs)
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
        tensor = wrap(_as_array(be, array))
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
        self, op: type[Fused], edges: tuple[Any, ...], inputs: Sequence[Any], params: dict[str, Any], saved: Any
    ) -> None:
        super().__init__(op.name, edges)
        self.op = op
        self.inputs: Sequence[Any] | None = inputs
        self.params = params
        self.saved = saved

    def vjp(self, grad: Any, create_graph: bool) -> Sequence[Any]:
        op, inputs = self.op, self.inputs
        if inputs is None:
            raise self.freed()
        grads = tuple(grad.grads) if isinstance(grad, Outputs) else (grad,)
        needs = tuple(edge is not None for edge in self.edges)
        if create_graph:
            self.check_unchanged(inputs)
            return vjp_of(op).apply(*grads, *inputs, of=(needs, self.saved, self.params))
        self.check_unchanged(inputs if op.reads is None else [inputs[i] for i in op.reads])
        self.check_written(self.output_memory)
        be, arrays, _ = unwrap(op.name, (*grads, *inputs))
        count = len(grads)
        found = op.backward(be, arrays[:count], self.saved, needs, *arrays[count:], **self.params)
        return [None if f is None else wrap(_as_array(be, f)) for f in found]

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
