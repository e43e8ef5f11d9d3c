"""Analytic gradients against finite differences, in random directions.

For f with inputs x, a direction v in the inputs and a cotangent u of the outputs, both random, two numbers must agree:

    numeric  = (⟨u, f(x + h·v)⟩ − ⟨u, f(x − h·v)⟩) / 2h
    analytic = ⟨∇ₓ⟨u, f(x)⟩, v⟩

The difference of the two is O(h²) from the series, plus O(ε/h) from rounding; h near ε^(1/3) makes both small. A
random u matters: with u all ones, a softmax whose gradient is zero passes, since its outputs always sum to one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minicnn.autograd import grad as autograd_grad
from minicnn.backend import backend_of
from minicnn.errors import ArgumentTypeError, DTypeError, MinicnnError, message
from minicnn.tensor import Tensor
from minicnn.tensor.creation import tensor

STEP = 6e-6  # near ε^(1/3) of float64, where the two errors balance
TOLERANCE = 1e-6


class GradcheckError(MinicnnError, AssertionError):
    """A gradient that does not agree with finite differences (PyTorch: RuntimeError; also an AssertionError)."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = STEP,
    atol: float = TOLERANCE,
    rtol: float = 1e-4,
    seed: int = 0,
    directions: int = 2,
    raise_exception: bool = True,
    name: str | None = None,
) -> bool:
    """Check the gradient of ``func`` at ``inputs`` against finite differences.

    Args:
        func: takes the inputs, returns a tensor or several.
        inputs: tensors (float64, requires_grad for those to check) and anything else that func takes.
        eps: the step h.
        atol, rtol: |numeric − analytic| ≤ atol + rtol · |numeric| must hold, relative to the scale of the terms.
        seed: of the random directions; a failure names it.
        directions: how many pairs of directions are tried for each input.
        raise_exception: raise on failure, rather than return False.
        name: what messages call the function.
    Returns:
        True where all agree.
    Raises:
        GradcheckError: they do not; with the input, both values, and the element that is furthest off.
        DTypeError: a checked input is not float64, in which no difference is sharp.
        ArgumentTypeError: no input requires grad.

    >>> import minicnn
    >>> x = minicnn.tensor([0.3, -0.7], dtype=minicnn.float64, requires_grad=True)
    >>> gradcheck(minicnn.tanh, x)
    True
    """
    try:
        worst_error(
            func, inputs, eps=eps, atol=atol, rtol=rtol, seed=seed, directions=directions, name=name or _name(func)
        )
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = STEP,
    atol: float = TOLERANCE,
    rtol: float = 1e-4,
    seed: int = 0,
    directions: int = 2,
    raise_exception: bool = True,
    name: str | None = None,
) -> bool:
    """Check the second derivatives of ``func``: `gradcheck` of its gradient, as a function of inputs and cotangents.

    Arguments, results and errors are those of `gradcheck`.

    >>> import minicnn
    >>> x = minicnn.tensor([0.3, -0.7], dtype=minicnn.float64, requires_grad=True)
    >>> gradgradcheck(minicnn.tanh, x)
    True
    """
    function, arguments = gradient_of(func, inputs, seed)
    return gradcheck(
        function,
        arguments,
        eps=eps,
        atol=atol,
        rtol=rtol,
        seed=seed,
        directions=directions,
        raise_exception=raise_exception,
        name=f"gradient of {name or _name(func)}",
    )


def gradient_of(func: Callable[..., Any], inputs: Any, seed: int) -> tuple[Callable[..., Any], list[Any]]:
    """Return (inputs, cotangents) -> gradients as a function of its own, and arguments for it."""
    arguments = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    checked = [i for i, x in enumerate(arguments) if isinstance(x, Tensor) and x.requires_grad]
    outputs = _outputs(func(*arguments))
    rng = np.random.default_rng([seed, 2])
    cotangents = [_like(y, rng.normal(size=y.shape)).requires_grad_() for y in outputs]

    def gradient(*given: Any) -> Any:
        xs = given[: len(arguments)]
        found = autograd_grad(
            _outputs(func(*xs)),
            [xs[i] for i in checked],
            list(given[len(arguments) :]),
            create_graph=True,
            allow_unused=True,
        )
        return tuple(g for g in found if g is not None)

    return gradient, [*arguments, *cotangents]


def worst_error(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = STEP,
    atol: float = TOLERANCE,
    rtol: float = 1e-4,
    seed: int = 0,
    directions: int = 2,
    name: str = "function",
) -> float:
    """Return the largest relative error over inputs and directions; raise GradcheckError past the tolerance."""
    arguments = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    checked = _checked(name, arguments)
    worst = 0.0
    for trial in range(directions):
        rng = np.random.default_rng([seed, 1, trial])
        outputs = _outputs(func(*arguments))
        cotangents = [_like(y, rng.normal(size=y.shape)) for y in outputs]
        wanted = [arguments[i] for i in checked]
        live = [(y, u) for y, u in zip(outputs, cotangents, strict=True) if y.requires_grad]
        found: Sequence[Any] = [None] * len(wanted)
        if live:
            found = autograd_grad([y for y, _ in live], wanted, [u for _, u in live], allow_unused=True)
        for i, gradient in zip(checked, found, strict=True):
            values = _host(arguments[i])
            direction = rng.normal(size=values.shape)
            analytic_terms = direction * (0.0 if gradient is None else _host(gradient))
            numeric, size = _difference(func, arguments, i, values, direction, cotangents, eps)
            analytic = float(np.sum(analytic_terms))
            # Rounding errors are relative to the terms that were added up, not to a sum that may cancel.
            scale = float(np.sqrt(np.sum(analytic_terms**2))) + abs(numeric) + size * 1e-15 / eps
            error = abs(numeric - analytic)
            if not error <= atol + rtol * scale:
                raise GradcheckError(
                    _failure(name, func, arguments, i, gradient, cotangents, numeric, analytic, eps, seed)
                )
            worst = max(worst, error / (scale + 1e-6) if error else 0.0)
    return worst


def _checked(name: str, arguments: list[Any]) -> list[int]:
    """Return the places of the inputs to check."""
    checked = [i for i, x in enumerate(arguments) if isinstance(x, Tensor) and x.requires_grad]
    if not checked:
        raise ArgumentTypeError(
            message(
                name,
                "no input requires grad, so there is nothing to check.",
                f"{len(arguments)} inputs: {', '.join(type(x).__name__ for x in arguments)}",
                "set requires_grad=True on one.",
            )
        )
    for i in checked:
        if arguments[i].dtype != np.float64:
            raise DTypeError(
                message(
                    name,
                    f"gradcheck expects float64 inputs, input {i} is {arguments[i].dtype}.",
                    "differences in float32 are too coarse to tell a wrong gradient",
                    "convert it: x.double().detach().requires_grad_().",
                )
            )
    return checked


def _difference(
    func: Callable[..., Any],
    arguments: list[Any],
    i: int,
    values: Any,
    direction: Any,
    cotangents: list[Tensor],
    eps: float,
) -> tuple[float, float]:
    """Return the central difference of ⟨u, f⟩ along a direction of input i, and the size of what was subtracted."""
    sides = []
    for sign in (1.0, -1.0):
        moved = list(arguments)
        moved[i] = _like(arguments[i], values + sign * eps * direction).requires_grad_()
        outputs = _outputs(func(*moved))
        sides.append([_host(y) for y in outputs])
    weights = [_host(u) for u in cotangents]
    # Difference first, then the sum: what the two sides share cancels before it can swamp the rest.
    total = sum(float(np.sum(u * (p - m))) for u, p, m in zip(weights, sides[0], sides[1], strict=True))
    size = sum(float(np.sum(np.abs(u * p))) for u, p in zip(weights, sides[0], strict=True))
    return total / (2 * eps), size


def _failure(
    name: str,
    func: Callable[..., Any],
    arguments: list[Any],
    i: int,
    gradient: Any,
    cotangents: list[Tensor],
    numeric: float,
    analytic: float,
    eps: float,
    seed: int,
) -> str:
    """Return the message of a failed check, with the element of input i that is furthest off."""
    values = _host(arguments[i])
    given = np.zeros(values.shape) if gradient is None else _host(gradient)
    where: tuple[int, ...] = ()
    worst, at = -1.0, (0.0, 0.0)
    for place in list(np.ndindex(values.shape))[:2000]:
        direction = np.zeros(values.shape)
        direction[place] = 1.0
        element, _ = _difference(func, arguments, i, values, direction, cotangents, eps)
        if abs(element - given[place]) > worst:
            where, worst, at = place, abs(element - given[place]), (float(given[place]), element)
    return message(
        name,
        f"the gradient of input {i} is wrong: {analytic:.8g} by backward, {numeric:.8g} by finite differences.",
        f"furthest off at element {where} of {values.shape}: backward {at[0]:.8g}, "
        f"differences {at[1]:.8g} (step {eps:g}, {arguments[i].dtype}, seed {seed})",
        f"compare backward with the derivative at that element; to repeat: gradcheck({name}, inputs, seed={seed}).",
    )


def _outputs(result: Any) -> list[Tensor]:
    """Return the float tensors of a result."""
    results = result if isinstance(result, (list, tuple)) else (result,)
    return [y for y in results if isinstance(y, Tensor) and y.is_floating_point()]


def _host(x: Tensor) -> Any:
    return backend_of(x._array).to_numpy(x._array)


def _like(x: Tensor, values: Any) -> Tensor:
    """Return values as a float64 tensor on x's backend."""
    be = backend_of(x._array)
    out = tensor(0.0)
    out._array = be.asarray(np.asarray(values, dtype=np.float64))
    return out


def _name(func: Callable[..., Any]) -> str:
    owner = getattr(func, "__self__", None)  # MyOp.apply is called MyOp
    return str(getattr(owner if isinstance(owner, type) else func, "__name__", type(func).__name__))
