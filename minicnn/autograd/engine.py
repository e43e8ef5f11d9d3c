"""Running gradients back along the tape: `backward` and `grad`.

Nodes are numbered in the order of their creation, so backward collects those it can reach, sorts them, and walks them
from the newest to the oldest: no recursion, and each node once, when all that flows into it has arrived.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from minicnn.autograd.accumulate import accumulate
from minicnn.autograd.anomaly_mode import anomaly, check_nan, told
from minicnn.autograd.graph import Node, TapeTensor, edge_of, wrap
from minicnn.autograd.hooks import run_hooks, run_post_hooks, run_pre_hooks
from minicnn.autograd.mode import mode
from minicnn.backend import backend_of
from minicnn.errors import ArgumentTypeError, BackendError, GraphError, ParameterError, ShapeError, message


def reachable(roots: Iterable[Any], since: int = 0) -> list[Node]:
    """Return all nodes that gradients from ``roots`` can reach, oldest first; of those born ``since`` then."""
    stack = [root for root in roots if isinstance(root, Node) and root.born > since]
    seen = set(stack)
    while stack:
        for edge in stack.pop().edges:
            if isinstance(edge, Node) and edge not in seen and edge.born > since:
                seen.add(edge)
                stack.append(edge)
    return sorted(seen, key=_born)


def _born(node: Node) -> int:
    return node.born


def _on_the_way(nodes: list[Node], targets: set[Any]) -> list[Node]:
    """Keep the nodes through which a target is reached; ``nodes`` come oldest first."""
    wanted: set[Any] = set(targets)
    kept = []
    for node in nodes:
        if any(edge in wanted for edge in node.edges if edge is not None):
            wanted.add(node)
            kept.append(node)
    return kept


def propagate(
    roots: Sequence[TapeTensor],
    grads: Sequence[Any],
    *,
    retain_graph: bool,
    create_graph: bool,
    targets: Sequence[TapeTensor] | None = None,
    since: int = 0,
) -> dict[Any, Any]:
    """Run gradients back from ``roots``; return what reached each leaf or, where given, each target.

    Args:
        roots: the tensors to start from.
        grads: the gradient of each.
        retain_graph: keep saved arrays for another backward.
        create_graph: record the gradients' own computation.
        targets: the tensors whose gradients are wanted; all leaves where None.
        since: a time of the clock. Nodes born before it, and leaves, are left to another run: what reaches them is
            returned, without their hooks.

    Returns:
        The sum of gradients for each leaf (by tensor), or for each target (by its edge).
    """
    pending: dict[Any, Any] = {}
    for root, grad in zip(roots, grads, strict=True):
        edge = edge_of(root)
        pending[edge] = pending[edge] + grad if edge in pending else grad
    wanted: set[Any] | None = None
    order = reachable(pending, since)
    if targets is not None:
        wanted = {edge_of(target) for target in targets}
        order = _on_the_way(order, wanted)
    found: dict[Any, Any] = {}
    searching = anomaly.on and anomaly.check_nan
    previous = mode.recording, mode.walking
    mode.recording, mode.walking = create_graph, not create_graph
    node: Any = None
    try:
        for node in reversed(order):
            grad = pending.pop(node, None)
            if grad is None:
                continue
            if node.hooks is not None:
                grad = run_hooks(node.hooks, grad)
            if node.retain is not None:
                _keep(node.retain(), grad)
            if wanted is not None and node in wanted:
                found[node] = grad
            if node.pre_hooks is not None:
                grad = run_pre_hooks(node.pre_hooks, grad)
            results = node.vjp(grad, create_graph)
            if searching:
                check_nan(node.name(), results, node.trace)
            if node.post_hooks is not None:
                results = run_post_hooks(node.post_hooks, results, grad)
            for edge, result in zip(node.edges, results, strict=True):
                if edge is not None and result is not None:
                    before = pending.get(edge)
                    pending[edge] = result if before is None else before + result
            if not retain_graph:
                node.release()
        node = None
        for edge, grad in pending.items():
            hooks = edge.hooks if isinstance(edge, Node) else edge._hooks  # a Node: a target that was not passed
            if hooks is not None and not since:
                grad = run_hooks(hooks, grad)
            found[edge] = grad
    except Exception as error:
        if node is not None:
            told(error, node.name(), node.trace)
        raise
    finally:
        mode.recording, mode.walking = previous
    return found


def _keep(tensor: TapeTensor | None, grad: Any) -> None:
    if tensor is not None:
        if not mode.recording:
            grad = wrap(grad._array.copy())  # its own: the gradient goes on to others
        tensor._grad = grad if tensor._grad is None else tensor._grad + grad


def _first_grad(where: str, root: TapeTensor, grad: Any) -> Any:
    """Return the gradient to start from: the one given, checked, or 1 for a scalar."""
    if not root._requires_grad:
        raise GraphError(
            message(
                where,
                "the tensor has no gradient: it does not require grad, and nothing was recorded for it.",
                f"shape {tuple(root._array.shape)}, made under no_grad() or from tensors without requires_grad",
                "set requires_grad=True on an input before computing it.",
            )
        )
    shape = tuple(root._array.shape)
    if grad is None:
        if root._array.size != 1:
            raise GraphError(
                message(
                    where,
                    "a gradient can be created by itself for one-element outputs only.",
                    f"the output has shape {shape}",
                    "call .sum() or .mean() first, or pass gradient= of that shape.",
                )
            )
        return wrap(backend_of(root._array).xp.ones_like(root._array))
    if not isinstance(grad, TapeTensor):
        raise ArgumentTypeError(
            message(
                where,
                f"gradient expects a Tensor, got {type(grad).__name__}.",
                f"the output has shape {shape}",
                "wrap it: minicnn.tensor(...).",
            )
        )
    if tuple(grad._array.shape) != shape:
        raise ShapeError(
            message(
                where,
                f"gradient expects the output's shape {shape}, got {tuple(grad._array.shape)}.",
                f"output {shape}; gradient {tuple(grad._array.shape)}",
                "pass a gradient of the output's shape.",
            )
        )
    if type(grad._array) is not type(root._array):
        place = backend_of(root._array).device_type
        raise BackendError(
            message(
                where,
                f"gradient expects the output's device {place}, got {backend_of(grad._array).device_type}.",
                f"output {shape}; gradient {tuple(grad._array.shape)}",
                f'move it: gradient.to("{place}").',
            )
        )
    return grad if grad._array.dtype == root._array.dtype else grad.to(root._array.dtype)  # type: ignore[attr-defined]


def _first_grads(where: str, roots: list[Any], given: list[Any]) -> list[Any]:
    """Return the gradients to start from, one a root."""
    if given and len(given) != len(roots):
        raise ParameterError(
            message(
                where,
                f"expects one gradient a tensor, got {len(given)} for {len(roots)}.",
                "None stands for the gradient 1 of a scalar",
                "pass as many as there are tensors, or none at all.",
            )
        )
    return [_first_grad(where, root, g) for root, g in zip(roots, given or [None] * len(roots), strict=True)]


def backward(
    tensors: TapeTensor | Sequence[TapeTensor],
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: TapeTensor | Sequence[TapeTensor] | None = None,
) -> None:
    """Add the gradient of ``tensors`` to the ``grad`` of every leaf they came from.

    Args:
        tensors: where to start; scalars, unless ``grad_tensors`` gives their gradients.
        grad_tensors: one gradient a tensor, of its shape; None stands for 1.
        retain_graph: keep what was saved, for another backward; as ``create_graph`` by default.
        create_graph: record this computation too, for gradients of gradients.
        grad_variables: the old name of ``grad_tensors``.
        inputs: add to these tensors only; leaves or not.

    Raises:
        GraphError: nothing was recorded, the graph was freed, or a saved tensor was changed in place.
        ShapeError: a gradient has not its tensor's shape.

    >>> import minicnn
    >>> x = minicnn.tensor([1.0, 2.0], requires_grad=True)
    >>> backward((x * x).sum())
    >>> x.grad
    tensor([2., 4.])
    """
    if grad_variables is not None:
        grad_tensors = _renamed(grad_tensors, grad_variables)
    roots, given, targets = _sequence(tensors), _sequence(grad_tensors), None
    if inputs is not None:
        targets = _sequence(inputs)
        _check_wanted("backward", targets)
    grads = _first_grads("backward", roots, given)
    retain = create_graph if retain_graph is None else retain_graph
    found = propagate(roots, grads, retain_graph=retain, create_graph=create_graph, targets=targets)
    lent = {id(grad._array) for grad in grads}
    if targets is None:
        arrived = found.items()
    else:
        arrived = {target: found.get(edge_of(target)) for target in targets}.items()
    for tensor, grad in arrived:
        if grad is not None:
            accumulate(tensor, grad, create_graph, lent)
            if tensor._post_hooks is not None:
                for hook in list(tensor._post_hooks.values()):
                    hook(tensor)


def _renamed(grad_tensors: Any, grad_variables: Any) -> Any:
    if grad_tensors is not None:
        raise GraphError(
            message(
                "backward",
                "got grad_tensors and grad_variables, which are one.",
                "grad_variables is the old name",
                "pass grad_tensors only.",
            )
        )
    return grad_variables


def _check_wanted(where: str, inputs: list[Any]) -> None:
    """Raise an error where there are no inputs, or one has no gradient."""
    if not inputs:
        raise GraphError(message(where, "expects at least one input.", "inputs is empty", "name the tensors wanted."))
    for i, tensor in enumerate(inputs):
        if not tensor._requires_grad:
            raise GraphError(
                message(
                    where,
                    f"input {i} does not require grad.",
                    f"its shape is {tuple(tensor._array.shape)}",
                    "call requires_grad_() on it before computing the output.",
                )
            )


def _sequence(value: Any) -> list[Any]:
    if value is None:
        return []
    return [value] if isinstance(value, TapeTensor) else list(value)


def grad(
    outputs: TapeTensor | Sequence[TapeTensor],
    inputs: TapeTensor | Sequence[TapeTensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """Return the gradients of ``outputs`` for ``inputs``, leaving every ``.grad`` as it is.

    Args:
        outputs: what to differentiate; scalars, unless ``grad_outputs`` gives their gradients.
        inputs: for what; leaves or not.
        grad_outputs: one gradient an output, of its shape; None stands for 1.
        retain_graph: keep what was saved, for another backward; as ``create_graph`` by default.
        create_graph: record this computation too, for gradients of gradients.
        only_inputs: has no effect, as in PyTorch.
        allow_unused: return None for an input that no output depends on, where otherwise an error says so; as
            ``materialize_grads`` by default.
        is_grads_batched: must be False: there is no vmap.
        materialize_grads: return zeros for an input that no output depends on.

    Returns:
        One gradient an input.

    Raises:
        GraphError: an input does not require grad or was not used, or as `backward`.
        ParameterError: ``allow_unused=False`` with ``materialize_grads``, or ``is_grads_batched``.

    >>> import minicnn
    >>> x = minicnn.tensor(3.0, requires_grad=True)
    >>> (dx,) = grad(x**3, x, create_graph=True)
    >>> grad(dx, x)
    (tensor(18.),)
    """
    _check_options(is_grads_batched, materialize_grads, allow_unused)
    roots, wanted, given = _sequence(outputs), _sequence(inputs), _sequence(grad_outputs)
    _check_wanted("grad", wanted)
    grads = _first_grads("grad", roots, given)
    retain = create_graph if retain_graph is None else retain_graph
    found = propagate(roots, grads, retain_graph=retain, create_graph=create_graph, targets=wanted)
    results = [found.get(edge_of(tensor)) for tensor in wanted]
    for i, result in enumerate(results):
        if result is None and materialize_grads:
            array = wanted[i]._array
            results[i] = wrap(backend_of(array).xp.zeros(array.shape, dtype=array.dtype))
        elif result is None and not allow_unused:
            raise GraphError(
                message(
                    "grad",
                    f"the outputs do not depend on input {i}.",
                    f"its shape is {tuple(wanted[i]._array.shape)}",
                    "pass allow_unused=True to get None for it.",
                )
            )
    return tuple(results)


def _check_options(is_grads_batched: bool, materialize_grads: bool, allow_unused: bool | None) -> None:
    if is_grads_batched:
        raise ParameterError(
            message(
                "grad",
                "is_grads_batched=True is not supported.",
                "it asks for one backward over a batch of gradients, by vmap, which minicnn has not",
                "call grad() once for each gradient, with retain_graph=True.",
            )
        )
    if materialize_grads and allow_unused is False:
        raise ParameterError(
            message(
                "grad",
                "materialize_grads=True needs allow_unused=True.",
                "got allow_unused=False",
                "leave allow_unused out.",
            )
        )
