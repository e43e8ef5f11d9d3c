"""Running users' hooks in the middle of backward: those of tensors, and those of nodes."""

from __future__ import annotations

from typing import Any

from minicnn.autograd.graph import Hook, Outputs, TapeTensor, wrap
from minicnn.autograd.mode import mode, plainly
from minicnn.errors import GraphError, message


def own(grad: Any) -> Any:
    """Return a gradient that a hook may keep, while a leaf's grad is added to in place: a copy."""
    return grad if grad is None or mode.recording else wrap(grad._array.copy())


def run_hooks(hooks: dict[int, Hook], grad: Any) -> Any:
    """Call each hook with the gradient; what it returns, if anything, takes the gradient's place."""
    for hook in list(hooks.values()):
        with plainly():
            result = hook(own(grad))
        if result is not None:
            if not _fits(result, grad):
                raise GraphError(
                    message(
                        "hook",
                        f"a gradient hook must return None or a tensor of shape {tuple(grad._array.shape)}.",
                        f"got {getattr(result, 'shape', type(result).__name__)}",
                        "return a tensor of the gradient's shape, or nothing.",
                    )
                )
            grad = own(result)
    return grad


def run_pre_hooks(hooks: dict[int, Hook], grad: Any) -> Any:
    """Call each hook with a node's output gradients, as a tuple; return what then stands in their place."""
    several = isinstance(grad, Outputs)
    grads = tuple(grad.grads) if several else (grad,)
    for hook in list(hooks.values()):
        with plainly():
            result = hook(tuple(own(g) for g in grads))
        grads = replaced("hook", "a node's hook", result, grads)
    return Outputs(list(grads)) if several else grads[0]


def run_post_hooks(hooks: dict[int, Any], results: Any, grad: Any) -> Any:
    """Call each hook with the gradients of a node's inputs and outputs; return what then are those of the inputs."""
    outputs = tuple(grad.grads) if isinstance(grad, Outputs) else (grad,)
    results = tuple(results)
    if any(isinstance(result, Outputs) for result in results):  # the node of one output: its parent is hooked instead
        return results
    for hook in list(hooks.values()):
        with plainly():
            result = hook(tuple(own(g) for g in results), tuple(own(g) for g in outputs))
        results = replaced("hook", "a node's hook", result, results)
    return results


def as_tuple(result: Any) -> tuple[Any, ...]:
    """Return what a hook returned as a tuple."""
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)


def replaced(where: str, what: str, result: Any, grads: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the gradients that a hook returned, checked; those before where it returned None."""
    if result is None:
        return grads
    given = as_tuple(result)
    if len(given) != len(grads) or not all(
        new is None or _fits(new, old) for new, old in zip(given, grads, strict=True)
    ):
        raise GraphError(
            message(
                where,
                f"{what} must return None or {len(grads)} gradients of the shapes it was given.",
                f"it was given {_shapes(grads)}, and returned {_shapes(given)}",
                "return a tuple of as many tensors.",
            )
        )
    return tuple(new if new is None else own(new) for new in given)


def _fits(new: Any, old: Any) -> bool:
    return isinstance(new, TapeTensor) and (old is None or new._array.shape == old._array.shape)


def _shapes(grads: tuple[Any, ...]) -> str:
    return str([tuple(g._array.shape) if isinstance(g, TapeTensor) else g for g in grads])[:200]
