"""Primitives: ops whose gradient is written in tensor ops, and so can itself be differentiated."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, ClassVar

from minicnn.autograd.anomaly_mode import anomaly, calls
from minicnn.autograd.graph import Memory, Node, TapeTensor, clock, edge_of, memory_of, share, stand_in, wrap
from minicnn.autograd.mode import mode
from minicnn.autograd.op import Op, as_array, unwrap
from minicnn.backend import Array

INPUT, PARAM, SHAPE, SHAPES, INDEX = range(5)  # where an argument of a gradient comes from


class Primitive(Op, abstract=True):
    """An op whose gradient is written in tensor ops.

    A subclass gives ``forward(be, a, b, *, dim)`` on arrays and, for each array, ``grad_a(g, ...)`` on tensors. A
    gradient names what it needs, and only that is kept: an input (``b``), a parameter (``dim``), an input's shape
    (``a_shape``), and, first of all, the output (``out``). An op that joins any number of arrays,
    ``forward(be, *inputs)``, gives ``grad_inputs(g, index, ...)``, called for each.

    Where ``grad_a`` takes several tensor ops, the op may give ``fast_a(be, g, ...)`` beside it, with the same names, on
    arrays: it is taken where the gradient's own computation is not recorded.

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
    saves_output: ClassVar[bool] = False

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
            fast = getattr(cls, f"fast_{name}", None)
            gradients.append(function and Gradient(cls.__name__, function, fast, arrays, params))
        cls.gradients = tuple(gradients)
        cls.differentiable = any(gradients)
        cls.saves_output = any(gradient is not None and gradient.uses_out for gradient in gradients)

    @classmethod
    def apply(cls, *inputs: Any, **params: Any) -> Any:
        """Compute the op on tensors, and record it where a gradient is wanted."""
        be, arrays, wanted = unwrap(cls.name, inputs)
        array = cls.forward(be, *arrays, **params)  # type: ignore[attr-defined]
        out = wrap(array if type(array) is be.array_type else as_array(be, array))
        if cls.views and not mode.walking:
            share(inputs[0], out)
        if wanted and cls.differentiable and mode.recording:
            cls.record(out, inputs, params)
        return out

    @classmethod
    def record(cls, out: Any, inputs: Sequence[Any], params: dict[str, Any]) -> None:
        """Put the op on the tape, as the maker of ``out``."""
        edges: list[Any] = []
        calls: list[Any] = []
        gradients, shapes = cls.gradients, None
        if cls.variadic:
            gradients, shapes = gradients * len(inputs), [x._array.shape for x in inputs]
        for i, x in enumerate(inputs):
            gradient = gradients[i]
            if gradient is not None and isinstance(x, TapeTensor) and x._requires_grad:
                edges.append(x._node or edge_of(x))
                calls.append((gradient, gradient.arguments(inputs, params, shapes, i), x._array.shape))
        if edges:  # not only constants require grad
            out._node = PrimitiveNode(cls, edges, calls, out)
            out._requires_grad = True


class Gradient:
    """One ``grad_x`` of a primitive, and where its arguments come from."""

    def __init__(self, owner: str, function: Any, fast: Any, arrays: list[str], params: list[str]) -> None:
        self.function = function
        self.fast = fast
        names = list(inspect.signature(function).parameters)[1:]
        self.uses_out = names[:1] == ["out"]
        self.sources: list[tuple[int, Any]] = []
        for name in names[self.uses_out :]:
            if name in arrays:
                self.sources.append((INPUT, arrays.index(name)))
            elif name in params:
                self.sources.append((PARAM, name))
            elif name.removesuffix("_shape") in arrays and name.endswith("_shape"):
                self.sources.append((SHAPE, arrays.index(name.removesuffix("_shape"))))
            elif name == "shapes":
                self.sources.append((SHAPES, None))
            elif name == "index":
                self.sources.append((INDEX, None))
            else:
                raise TypeError(f"op {owner}: {function.__name__} names {name}, which is no input or parameter.")

    def arguments(self, inputs: Sequence[Any], params: dict[str, Any], shapes: Any, index: int) -> list[Any]:
        """Return what the gradient needs, to be kept until backward."""
        kept: list[Any] = []
        for kind, key in self.sources:
            if kind == INPUT:
                x = inputs[key]
                kept.append(stand_in(x) if isinstance(x, TapeTensor) else x)
            elif kind == PARAM:
                kept.append(params[key])
            elif kind == SHAPE:
                kept.append(inputs[key]._array.shape)
            elif kind == SHAPES:
                kept.append(shapes)
            else:
                kept.append(index)
        return kept


class PrimitiveNode(Node):
    """A recorded primitive.

    Attributes:
        calls: for each edge, the gradient, what it needs, and the shape it must have.
        out: the output's array and memory, where a gradient needs them.
    """

    out: tuple[Array, Memory] | None = None

    def __init__(self, op: type[Primitive], edges: list[Any], gradients: list[Any], out: TapeTensor) -> None:
        self.op = op
        self.edges = edges
        self.calls: list[Any] | None = gradients
        self.born = clock()
        if anomaly.on:
            self.trace = calls()
        if op.saves_output:
            # The array, not the tensor: a node that held its own tensor would make a cycle.
            self.out = (out._array, memory_of(out))

    @property
    def label(self) -> str:  # type: ignore[override]
        """The op's name."""
        return self.op.name

    def vjp(self, grad: Any, create_graph: bool) -> Sequence[Any]:
        if self.calls is None:
            raise self.freed()
        results: list[Any] = []
        for gradient, arguments, shape in self.calls:
            for x in arguments:
                if isinstance(x, TapeTensor) and x._memory is not None:
                    self.check_written(x._memory)
            if gradient.fast is not None and not (create_graph or mode.by_definition):
                result = self.fast(gradient, grad, arguments)
            elif gradient.uses_out:
                result = gradient.function(grad, self.output(), *arguments)
            else:
                result = gradient.function(grad, *arguments)
            if result._array.shape != shape and self.op.broadcasts:
                result = result.sum_to_size(shape)
            results.append(result)
        return results

    def fast(self, gradient: Gradient, grad: Any, arguments: list[Any]) -> Any:
        """Return the gradient, computed on arrays."""
        be, arrays, _ = unwrap(self.op.name, (grad, *arguments))
        if not gradient.uses_out:
            return wrap(as_array(be, gradient.fast(be, *arrays)))
        if self.out is None:
            raise self.freed()
        out, memory = self.out
        self.check_written(memory)
        return wrap(as_array(be, gradient.fast(be, arrays[0], out, *arrays[1:])))

    def output(self) -> Any:
        """Return the op's output again, as a tensor made by this node."""
        if self.out is None:
            raise self.freed()
        array, memory = self.out
        self.check_written(memory)
        tensor = wrap(array)
        if mode.recording:
            tensor._memory, tensor._node, tensor._requires_grad = memory, self, True
        return tensor

    def release(self) -> None:
        if self.out is not None or any(
            isinstance(argument, TapeTensor) for _, arguments, _ in self.calls or () for argument in arguments
        ):
            self.calls = self.out = None
