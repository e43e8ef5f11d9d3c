"""Whole derivatives of functions: `jacobian`, `hessian`, and their products with vectors.

Each takes a function and its inputs, one tensor or a tuple of them, and returns one or a tuple accordingly, as PyTorch
does. For f with inputs x and outputs y: the Jacobian J[i, j] = ∂yᵢ/∂xⱼ, the Hessian H[i, j] = ∂²y/∂xᵢ∂xⱼ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minicnn.autograd.engine import grad
from minicnn.autograd.graph import TapeTensor, wrap
from minicnn.autograd.mode import enable_grad
from minicnn.backend import backend_of
from minicnn.errors import ArgumentTypeError, GraphError, ParameterError, ShapeError, message, shown

Function = Callable[..., Any]


def _tuple(where: str, name: str, value: Any) -> tuple[tuple[Any, ...], bool]:
    """Return tensors as a tuple, and whether one came alone."""
    values = (value,) if isinstance(value, TapeTensor) else tuple(value) if isinstance(value, (tuple, list)) else ()
    if not values or not all(isinstance(v, TapeTensor) for v in values):
        raise ArgumentTypeError(
            message(
                where,
                f"{name} expects a Tensor or a tuple of them, got {type(value).__name__}.",
                f"{name} = {shown(value)}",
                "make tensors of the numbers first: minicnn.tensor(values).",
            )
        )
    return values, isinstance(value, TapeTensor)


def _fresh(inputs: Sequence[Any], create_graph: bool) -> tuple[Any, ...]:
    """Return inputs whose gradients are told apart: aliases where their own history is wanted, else new leaves."""
    if create_graph:
        return tuple(x.reshape(x.shape) if x._requires_grad else x.detach().requires_grad_() for x in inputs)
    return tuple(x.detach().requires_grad_() for x in inputs)


def _call(where: str, func: Function, inputs: tuple[Any, ...]) -> tuple[tuple[Any, ...], bool]:
    return _tuple(where, "the output of func", func(*inputs))


def _grads(
    outputs: Any, inputs: Sequence[Any], cotangents: Any, create_graph: bool, strict: bool, where: str
) -> tuple[Any, ...]:
    """Return gradients, zeros where an output does not depend on an input."""
    live = [(y, g) for y, g in zip(outputs, cotangents, strict=True) if y._requires_grad]
    found: Sequence[Any] = [None] * len(inputs)
    if live:
        found = grad(
            [y for y, _ in live],
            list(inputs),
            [g for _, g in live],
            retain_graph=True,
            create_graph=create_graph,
            allow_unused=True,
        )
    missing = [f is None or (create_graph and not f._requires_grad) for f in found]
    if strict and any(missing):
        i = missing.index(True)
        problem = "an output" if found[i] is None else "the jacobian"
        raise GraphError(
            message(
                where,
                f"{problem} does not depend on an input, and strict is True.",
                f"input {i} has no gradient",
                "leave strict out to get zeros.",
            )
        )
    return tuple(_zeros_like(x) if f is None else f for x, f in zip(inputs, found, strict=True))


def _zeros_like(x: Any) -> Any:
    return wrap(backend_of(x._array).xp.zeros_like(x._array))


def _one_hot(y: Any, place: int) -> Any:
    """Return zeros in y's shape with a 1 at one place of the flattened tensor."""
    array = backend_of(y._array).xp.zeros(y._array.size, dtype=y._array.dtype)
    array[place] = 1
    return wrap(array.reshape(y._array.shape))


def _check_options(where: str, strict: bool, vectorize: bool, strategy: str) -> None:
    if strict and vectorize:
        raise GraphError(
            message(where, "strict=True and vectorize=True do not go together.", "got both", "leave vectorize out.")
        )
    if strategy not in ("reverse-mode", "forward-mode"):
        raise ParameterError(
            message(
                where,
                "strategy expects 'reverse-mode' or 'forward-mode'.",
                f"got {strategy!r}",
                "leave it out: minicnn goes in reverse either way.",
            )
        )


def jacobian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """Return all first derivatives: J[i, j] = ∂yᵢ/∂xⱼ.

    Shapes: for an output (*Y) and an input (*X): (*Y, *X). Several outputs give a tuple of outputs, several inputs a
    tuple of inputs within.

    Args:
        func: takes the inputs, returns a tensor or a tuple of tensors.
        inputs: a tensor or a tuple of them, of floats.
        create_graph: record, so that the result can itself be differentiated.
        strict: raise where an output does not depend on an input, rather than return zeros; with ``create_graph``,
            also where the Jacobian does not.
        vectorize, strategy: taken as PyTorch takes them, without effect: rows are computed one by one, in reverse.
    Raises:
        ArgumentTypeError: inputs or outputs are no tensors.
        GraphError: what ``strict`` forbids.

    >>> import minicnn
    >>> jacobian(lambda x: x**2, minicnn.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    _check_options("jacobian", strict, vectorize, strategy)
    given, alone = _tuple("jacobian", "inputs", inputs)
    with enable_grad():
        xs = _fresh(given, create_graph)
        ys, one = _call("jacobian", func, xs)
        rows = []
        for y in ys:
            found = [_grads((y,), xs, (_one_hot(y, i),), create_graph, strict, "jacobian") for i in range(y.numel())]
            rows.append(tuple(_stack([f[j] for f in found], x, y) for j, x in enumerate(xs)))
    result = tuple(row[0] if alone else row for row in rows)
    return result[0] if one else result


def _stack(parts: list[Any], x: Any, y: Any) -> Any:
    """Return the rows of a Jacobian as one tensor (*Y, *X)."""
    shape = (*y.shape, *x.shape)
    if not parts:
        return wrap(backend_of(x._array).xp.zeros(shape, dtype=x._array.dtype))
    joined = parts[0].unsqueeze(0) if len(parts) == 1 else _cat([part.unsqueeze(0) for part in parts])
    return joined.reshape(shape)


def _cat(parts: list[Any]) -> Any:
    from minicnn.autograd.op import functions

    return functions["cat"].function(parts)


def hessian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """Return all second derivatives of a function with one number as output: H[i, j] = ∂²y/∂xᵢ∂xⱼ.

    Shapes: for an input (*X): (*X, *X); for several inputs, a tuple of tuples.

    Args:
        func: returns one number.
        vectorize, outer_jacobian_strategy: without effect; the others as for `jacobian`.
    Raises:
        ShapeError: the output has more than one element, or there are several.

    >>> import minicnn
    >>> hessian(lambda x: (x**3).sum(), minicnn.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    _check_options("hessian", strict, vectorize, outer_jacobian_strategy)
    given, alone = _tuple("hessian", "inputs", inputs)

    def gradient(*xs: Any) -> Any:
        y = _number("hessian", func, xs)
        return _grads((y,), xs, (_one_hot(y, 0),), True, strict, "hessian")

    rows = jacobian(gradient, given, create_graph, strict)
    return rows[0][0] if alone else rows


def _number(where: str, func: Function, xs: tuple[Any, ...]) -> Any:
    """Return what func returns, checked to be one number."""
    ys, _ = _call(where, func, xs)
    if len(ys) != 1 or ys[0].numel() != 1:
        shapes = ", ".join(str(tuple(y.shape)) for y in ys)
        raise ShapeError(message(where, "func must return one number.", f"it returned {shapes}", "sum the output."))
    return ys[0]


def _vectors(where: str, v: Any, like: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the vectors of a product, checked; 1 for a single number where none is given."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            stands = ", ".join(str(tuple(y.shape)) for y in like)
            raise ShapeError(
                message(where, "v can be left out for one number only.", f"it stands for {stands}", "pass v.")
            )
        return (_one_hot(like[0], 0),)
    vectors, _ = _tuple(where, "v", v)
    shapes, wanted = [tuple(x.shape) for x in vectors], [tuple(y.shape) for y in like]
    if shapes != wanted:
        raise ShapeError(
            message(where, f"v expects shapes {wanted}, got {shapes}.", "one vector a tensor", "give v those shapes.")
        )
    return vectors


def vjp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """Return the outputs, and the product of a vector with the Jacobian: vᵀ J, in one backward.

    Args:
        v: in the outputs' shapes; may be left out where the output is one number.

    >>> import minicnn
    >>> y, product = vjp(lambda x: x**2, minicnn.tensor([1.0, 2.0]), minicnn.tensor([1.0, 10.0]))
    >>> product
    tensor([ 2., 40.])
    """
    given, alone = _tuple("vjp", "inputs", inputs)
    with enable_grad():
        xs = _fresh(given, create_graph)
        ys, one = _call("vjp", func, xs)
        found = _grads(ys, xs, _vectors("vjp", v, ys), create_graph, strict, "vjp")
    outputs = ys if create_graph else tuple(y.detach() for y in ys)
    return (outputs[0] if one else outputs), (found[0] if alone else found)


def jvp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """Return the outputs, and the product of the Jacobian with a vector: J v, in two backwards.

    vᵀ J is linear in its vector u, and its derivative for u, times v, is J v.

    Args:
        v: in the inputs' shapes; may be left out where the input is one number.

    >>> import minicnn
    >>> y, product = jvp(lambda x: x**2, minicnn.tensor([1.0, 2.0]), minicnn.tensor([1.0, 10.0]))
    >>> product
    tensor([ 2., 40.])
    """
    given, _ = _tuple("jvp", "inputs", inputs)
    with enable_grad():
        xs = _fresh(given, create_graph)
        ys, one = _call("jvp", func, xs)
        us = tuple(_zeros_like(y).requires_grad_() for y in ys)
        products = _grads(ys, xs, us, True, strict, "jvp")
        found = _grads(products, us, _vectors("jvp", v, given), create_graph, strict and create_graph, "jvp")
    outputs = ys if create_graph else tuple(y.detach() for y in ys)
    return (outputs[0] if one else outputs), (found[0] if one else found)


def vhp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """Return the output, and the product of a vector with the Hessian: vᵀ H, without ever making H.

    Args:
        func: returns one number.
        v: in the inputs' shapes; may be left out where the input is one number.

    >>> import minicnn
    >>> y, product = vhp(lambda x: (x**3).sum(), minicnn.tensor([1.0, 2.0]), minicnn.tensor([1.0, 1.0]))
    >>> product
    tensor([ 6., 12.])
    """
    return _vhp("vhp", func, inputs, v, create_graph, strict)


def hvp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """Return the output, and the product of the Hessian with a vector: H v. H is symmetric, so this is `vhp`.

    Args:
        func: returns one number.
        v: in the inputs' shapes; may be left out where the input is one number.

    >>> import minicnn
    >>> y, product = hvp(lambda x: (x**3).sum(), minicnn.tensor([1.0, 2.0]), minicnn.tensor([1.0, 1.0]))
    >>> product
    tensor([ 6., 12.])
    """
    return _vhp("hvp", func, inputs, v, create_graph, strict)


def _vhp(where: str, func: Function, inputs: Any, v: Any, create_graph: bool, strict: bool) -> Any:
    given, alone = _tuple(where, "inputs", inputs)
    with enable_grad():
        xs = _fresh(given, create_graph)
        y = _number(where, func, xs)
        gradient = _grads((y,), xs, (_one_hot(y, 0),), True, strict, where)
        found = _grads(gradient, xs, _vectors(where, v, given), create_graph, strict, where)
    return (y if create_graph else y.detach()), (found[0] if alone else found)
