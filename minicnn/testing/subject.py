"""A function under test: what it is called with, which of that is checked, and its values nearby."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from minicnn.autograd import grad as autograd_grad
from minicnn.autograd.graph import wrap
from minicnn.backend import backend_of
from minicnn.errors import ArgumentTypeError, DTypeError, GraphError, ShapeError, message
from minicnn.tensor import Tensor
from minicnn.testing.failures import GradcheckError, host, listed
from minicnn.testing.watch import watch


class Variable(NamedTuple):
    """A tensor whose gradient is checked, and what messages call it."""

    label: str
    tensor: Tensor


class Subject:
    """A function with its inputs.

    Attributes:
        name: what messages call the function.
        arguments: what it is called with.
        variables: those of them, and of a module's parameters, that require grad.
        repeat: returns a line that makes the same check again.
        moved: whether it is being called elsewhere than at the point, for its values alone.
    """

    moved = False

    def __init__(
        self, name: str, func: Callable[..., Any], arguments: Sequence[Any], repeat: Callable[[], str]
    ) -> None:
        self.name = name
        self.func = func
        self.arguments = list(arguments)
        self.repeat = repeat
        self.origin = func, arguments  # what the user passed, where this is the gradient of it
        self.variables: list[Variable] = []
        for i, x in enumerate(self.arguments):
            self._add(f"input {i}", x)

    def add_parameters(self) -> None:
        """Check the parameters too, where the function is a module; a lazy one is called once, to have them."""
        if not hasattr(self.func, "named_parameters"):
            return
        if any("Uninitialized" in type(p).__name__ for _, p in self.func.named_parameters()):
            self.outputs()
        for name, parameter in self.func.named_parameters():
            self._add(f"parameter {name}", parameter)

    def _add(self, label: str, x: Any) -> None:
        if isinstance(x, Tensor) and x.requires_grad and not any(x is v.tensor for v in self.variables):
            self.variables.append(Variable(label, x))

    def check(self) -> None:
        """Raise an error unless there is something to check, all of it float64."""
        if not self.variables:
            raise ArgumentTypeError(
                message(
                    self.name,
                    "no input requires grad, so there is nothing to check.",
                    f"inputs: {listed(self.arguments)}",
                    "set requires_grad=True on one.",
                )
            )
        for label, x in self.variables:
            if x.dtype != np.float64:
                module = label.startswith("parameter")
                raise DTypeError(
                    message(
                        self.name,
                        f"gradcheck expects float64, {label} is {x.dtype}.",
                        "differences in float32 are too coarse to tell a wrong gradient",
                        "convert the module: model.double()."
                        if module
                        else "convert it: x.double().detach().requires_grad_().",
                    )
                )

    def outputs(self) -> list[Tensor]:
        """Call the function; return the float tensors of its result."""
        with np.errstate(all="ignore"):  # what is not finite is reported
            result = self.func(*self.arguments)
        return [y for y in tensors_in(result) if y.is_floating_point()]

    def no_floats(self) -> GradcheckError:
        """Return the error of a function without an output that could have a gradient."""
        found = list(tensors_in(self.func(*self.arguments)))
        kinds = ", ".join(str(y.dtype) for y in found)
        return self.failure(
            f"the function returns no tensor{' of floats' * bool(found)}, so there is no gradient to check.",
            f"outputs: {kinds or 'none, neither alone nor in tuples, lists and dicts'}",
            "return the tensors whose gradients are meant",
        )

    def values(self) -> Any:
        """Call the function; return all elements of its outputs as one float64 vector on the host."""
        return flat(self.outputs())

    def at(self, variable: Variable, values: Any) -> Any:
        """Return the function's values with other values in a variable's place."""
        tensor = variable.tensor
        before = tensor._array, tensor._memory, tensor._family
        tensor._array, tensor._memory, tensor._family = backend_of(tensor._array).asarray(values), None, None
        self.moved = True
        try:
            return self.values()
        finally:
            tensor._array, tensor._memory, tensor._family = before
            self.moved = False

    def gradients(self, outputs: Sequence[Tensor], cotangents: Sequence[Tensor | None]) -> list[Any]:
        """Return the gradient for each variable, or None, by backward.

        Raises:
            GradcheckError: a backward on the way returned what is no gradient: a wrong shape, dtype or type.
        """
        pairs = [(y, u) for y, u in zip(outputs, cotangents, strict=True) if u is not None and y.requires_grad]
        if not pairs:
            return [None] * len(self.variables)
        watch([y for y, _ in pairs], self.failure)
        try:
            with np.errstate(all="ignore"):
                found = autograd_grad(
                    [y for y, _ in pairs], [v.tensor for v in self.variables], [u for _, u in pairs], allow_unused=True
                )
        except (ShapeError, ArgumentTypeError) as error:
            lines = str(error).splitlines()
            got, fix = (line.strip().removeprefix("Fix: ").rstrip(".") for line in (*lines, "", "")[1:3])
            raise self.failure(f"backward failed: {lines[0]}", got, fix) from error
        return list(found)

    def failure(self, problem: str, got: str, fix: str, kind: type[GradcheckError] = GradcheckError) -> GradcheckError:
        """Return the error of a failed check."""
        error = kind(message(self.name, problem, got, f"{fix}; to repeat: {self.repeat()}"))
        error.func, error.inputs = self.origin
        return error


def tensors_in(result: Any) -> Iterator[Tensor]:
    """Yield the tensors of a result: itself, or those in tuples, lists and dicts."""
    if isinstance(result, Tensor):
        yield result
    elif isinstance(result, (list, tuple, Mapping)):
        for part in result.values() if isinstance(result, Mapping) else result:
            yield from tensors_in(part)


def flat(tensors: Sequence[Tensor]) -> Any:
    """Return all elements of some tensors as one float64 vector on the host."""
    return np.concatenate([np.zeros(0), *(host(y).astype(np.float64, copy=False).ravel() for y in tensors)])


def like(x: Tensor, values: Any) -> Tensor:
    """Return values as a float64 tensor on x's backend."""
    out: Tensor = wrap(backend_of(x._array).asarray(np.asarray(values, dtype=np.float64)))
    return out


def gradient_of(subject: Subject, seed: int, grad_outputs: Sequence[Tensor] | None = None) -> Subject:
    """Return the gradient of a function, (inputs, cotangents) -> gradients, as a function to check.

    Raises:
        GradcheckError: no output requires grad, so there is no gradient.
    """
    outputs = subject.outputs()
    if not outputs:
        raise subject.no_floats()
    if not any(y.requires_grad for y in outputs):
        raise subject.failure(
            "no output requires grad, so there is no gradient to differentiate.",
            f"{len(outputs)} outputs; inputs: {listed(subject.arguments)}",
            "compute them from the inputs, without detach() or no_grad()",
        )
    rng = np.random.default_rng([seed, 2])
    drawn = [like(y, rng.normal(size=y.shape)) for y in outputs]
    given = drawn if grad_outputs is None else [like(u, host(u)) for u in grad_outputs]
    if len(given) != len(outputs):
        raise GraphError(
            message(
                subject.name,
                f"grad_outputs expects one tensor an output, got {len(given)} for {len(outputs)}.",
                f"outputs: {[tuple(y.shape) for y in outputs]}",
                "pass as many, of the outputs' shapes, or None to have them drawn.",
            )
        )
    cotangents = [u.requires_grad_() for u in given]
    count = len(subject.arguments)
    checked = [v.tensor for v in subject.variables]

    def gradient(*_: Any) -> Any:
        results = subject.outputs()
        live = [(y, u) for y, u in zip(results, cotangents, strict=True) if y.requires_grad]
        if not live:
            return ()
        create_graph = not second.moved  # values alone come faster without a graph
        found = autograd_grad(
            [y for y, _ in live], checked, [u for _, u in live], create_graph=create_graph, allow_unused=True
        )
        return tuple(g for g in found if g is not None)

    second = Subject(f"gradient of {subject.name}", gradient, [*subject.arguments, *cotangents], subject.repeat)
    second.origin = subject.origin
    second.variables = [
        *subject.variables,
        *(Variable(f"cotangent {i}", u) for i, u in enumerate(second.arguments[count:])),
    ]
    return second


@contextmanager
def buffers_kept(func: Any) -> Iterator[None]:
    """Put a module's buffers back at the end: each call moves the running statistics of a batch norm."""
    buffers = [(b, b._array.copy()) for b in func.buffers()] if hasattr(func, "buffers") else []
    try:
        yield
    finally:
        for buffer, array in buffers:
            buffer._array[...] = array
