"""Calling a module, with the hooks before and after forward, and before and after its gradient."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from minicnn.autograd.graph import Handle, Node, Output, TapeTensor, edge_of, share, wrap
from minicnn.autograd.hooks import as_tuple, own, replaced
from minicnn.autograd.mode import mode, plainly
from minicnn.backend import backend_of
from minicnn.errors import ArgumentTypeError, GraphError, message

HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks", "_node_hooks")

Hooks = OrderedDict[int, Any]


class Hooked:
    """The part of `Module` that is called, and that holds hooks."""

    forward: Callable[..., Any]
    _forward_hooks: Hooks
    _forward_pre_hooks: Hooks
    _backward_pre_hooks: Hooks
    _backward_hooks: Hooks
    _node_hooks: Hooks  # of register_backward_hook

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not (
            self._forward_hooks
            or self._forward_pre_hooks
            or self._backward_hooks
            or self._backward_pre_hooks
            or self._node_hooks
        ):
            return self.forward(*args, **kwargs)
        return self._call_with_hooks(args, kwargs)

    def _call_with_hooks(self, args: Any, kwargs: Any) -> Any:
        result, called = None, set()
        try:
            args, kwargs = self._before(args, kwargs)
            crossing = Crossing(self) if self._backward_hooks or self._backward_pre_hooks else None
            if crossing is not None:
                args = crossing.enter(args)
            result = self.forward(*args, **kwargs)
            for key, (hook, with_kwargs, _) in list(self._forward_hooks.items()):
                called.add(key)
                changed = hook(self, args, kwargs, result) if with_kwargs else hook(self, args, result)
                result = result if changed is None else changed
        except Exception:
            for key, (hook, with_kwargs, always) in list(self._forward_hooks.items()):
                if always and key not in called:
                    self._after_error(hook, (args, kwargs, result) if with_kwargs else (args, result))
            raise
        if crossing is not None:
            result = crossing.leave(result)
        if self._node_hooks:
            self._hook_node(result)
        return result

    def _before(self, args: Any, kwargs: Any) -> tuple[Any, Any]:
        """Return the arguments after the forward pre-hooks."""
        for hook, with_kwargs in list(self._forward_pre_hooks.values()):
            if with_kwargs:
                changed = hook(self, args, kwargs)
                if changed is not None:
                    args, kwargs = _checked_pair(type(self).__name__, changed)
            else:
                changed = hook(self, args)
                if changed is not None:
                    args = changed if isinstance(changed, tuple) else (changed,)
        return args, kwargs

    def _after_error(self, hook: Any, arguments: tuple[Any, ...]) -> None:
        try:
            hook(self, *arguments)
        except Exception as error:  # the first error is the one to tell
            warnings.warn(f"a forward hook with always_call=True raised an error, ignored: {error}", stacklevel=3)

    def _hook_node(self, result: Any) -> None:
        while not isinstance(result, TapeTensor):  # the first tensor of the output
            if isinstance(result, dict):
                result = next((v for v in result.values() if isinstance(v, TapeTensor)), None)
            elif isinstance(result, (tuple, list)) and result:
                result = result[0]
            else:
                return
            if result is None:
                return
        if result._node is not None:
            for hook in self._node_hooks.values():
                result._node.register_hook(lambda grads, outer, hook=hook: hook(self, grads, outer))  # type: ignore[misc]

    # ---- registering

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """Call ``hook(module, args)`` before forward; what it returns, if anything, takes the arguments' place.

        Args:
            hook: the function; it may return a tuple of arguments, or one argument.
            prepend: call it before the hooks that are there.
            with_kwargs: call ``hook(module, args, kwargs)``, which may return both as a pair.
        Returns:
            A handle with ``remove()``.
        """
        return _register(self._forward_pre_hooks, (hook, with_kwargs), prepend)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> Handle:
        """Call ``hook(module, args, output)`` after forward; what it returns, if anything, takes the output's place.

        Args:
            hook: the function.
            prepend: call it before the hooks that are there.
            with_kwargs: call ``hook(module, args, kwargs, output)``.
            always_call: call it where forward or another hook raised an error, too; output is None before there is one.
        Returns:
            A handle with ``remove()``.

        >>> import minicnn
        >>> from minicnn import nn
        >>> layer, seen = nn.Linear(2, 3), []
        >>> with layer.register_forward_hook(lambda module, args, output: seen.append(output.shape)):
        ...     _ = layer(minicnn.zeros(5, 2))
        >>> [tuple(shape) for shape in seen]
        [(5, 3)]
        """
        return _register(self._forward_hooks, (hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Handle:
        """Call ``hook(module, grad_output)`` when the gradients of the module's outputs are known.

        Args:
            hook: the function. ``grad_output`` is a tuple, an entry an output; a tuple or tensor that it returns takes
                its place in what follows.
            prepend: call it before the hooks that are there.
        Returns:
            A handle with ``remove()``.
        """
        return _register(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Handle:
        """Call ``hook(module, grad_input, grad_output)`` when the gradients of the module's inputs are known.

        Both are tuples: an entry a positional argument of forward, and an entry an output. ``grad_input`` holds None
        for what is no tensor, and zeros for a tensor without gradient; ``grad_output`` holds None for both. Where no
        argument requires grad, the hook is called as soon as ``grad_output`` is known, with None for each argument.

        Args:
            hook: the function; a tuple or tensor that it returns takes the place of ``grad_input``.
            prepend: call it before the hooks that are there.
        Returns:
            A handle with ``remove()``.
        Raises:
            GraphError: the module has hooks of `register_backward_hook`.

        >>> import minicnn
        >>> from minicnn import nn
        >>> layer, x = nn.ReLU(), minicnn.tensor([-1.0, 2.0], requires_grad=True)
        >>> handle = layer.register_full_backward_hook(lambda module, grad_input, grad_output: print(grad_input))
        >>> layer(x).sum().backward()
        (tensor([0., 1.]),)
        """
        _not_both("register_full_backward_hook", self._node_hooks)
        return _register(self._backward_hooks, hook, prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call ``hook(module, grad_input, grad_output)`` for the last op of forward: an old form, as PyTorch has it.

        ``grad_input`` are the gradients of that op's inputs, not the module's: use `register_full_backward_hook`.

        Returns:
            A handle with ``remove()``.
        Raises:
            GraphError: the module has hooks of `register_full_backward_hook`.
        """
        _not_both("register_backward_hook", self._backward_hooks)
        return _register(self._node_hooks, hook, False)


def _register(hooks: Hooks, entry: Any, prepend: bool) -> Handle:
    handle = Handle(hooks)
    hooks[handle._key] = entry
    if prepend:
        hooks.move_to_end(handle._key, last=False)
    return handle


def _not_both(where: str, others: Hooks) -> None:
    if others:
        raise GraphError(
            message(
                where,
                "a module cannot have both old and full backward hooks.",
                f"it has {len(others)} of the other kind",
                "use register_full_backward_hook alone.",
            )
        )


def _checked_pair(owner: str, changed: Any) -> tuple[Any, Any]:
    if not (isinstance(changed, tuple) and len(changed) == 2 and isinstance(changed[1], dict)):
        raise ArgumentTypeError(
            message(
                owner,
                "a forward pre-hook with kwargs must return None or a pair (args, kwargs).",
                f"got {type(changed).__name__}",
                "return (args, kwargs), or nothing.",
            )
        )
    return changed


class Crossing:
    """One call of a module with backward hooks: where its inputs' and outputs' gradients pass by.

    Attributes:
        grad_output: the gradients of the outputs, between their passing by and that of the inputs'.
        inputs: how many arguments the call had.
        entered: whether one of them requires grad.
    """

    def __init__(self, module: Any) -> None:
        self.module = module
        self.hooks = list(module._backward_hooks.values())
        self.pre_hooks = list(module._backward_pre_hooks.values())
        self.grad_output: tuple[Any, ...] | None = None
        self.inputs = 0
        self.entered = False

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the arguments of forward, their gradients watched."""
        self.inputs = len(args)
        watched, self.entered = _watch(
            args, self.input_grads, [i for i, a in enumerate(args) if isinstance(a, TapeTensor)]
        )
        return watched

    def leave(self, result: Any) -> Any:
        """Return the output of forward, its gradients watched."""
        several = isinstance(result, tuple)
        watched, _ = _watch(result if several else (result,), self.output_grads, [])
        if not several:
            return watched[0]
        return type(result)(*watched) if hasattr(result, "_fields") else watched

    def output_grads(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        """Call the pre-hooks with the outputs' gradients, and all hooks where no input will have one."""
        for hook in self.pre_hooks:
            grads = self._replaced(hook(self.module, _owned(grads)), grads)
        self.grad_output = grads
        if not self.entered:
            for hook in self.hooks:
                found = hook(self.module, (None,) * self.inputs, _owned(grads))
                if found is not None and any(g is not None for g in as_tuple(found)):
                    raise GraphError(
                        message(
                            type(self.module).__name__,
                            "a backward hook returned a gradient for inputs that have none.",
                            "no argument of the module requires grad",
                            "return None.",
                        )
                    )
            self.grad_output = None
        return grads

    def input_grads(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        """Call the hooks with the inputs' gradients."""
        if self.grad_output is None:  # they came by another way than through the module's outputs
            return grads
        for hook in self.hooks:
            grads = self._replaced(hook(self.module, _owned(grads), _owned(self.grad_output)), grads)
        self.grad_output = None
        return grads

    def _replaced(self, found: Any, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        return replaced(type(self.module).__name__, "a backward hook", found, grads)


def _watch(values: tuple[Any, ...], passing: Callable[..., Any], filled: Sequence[int]) -> tuple[tuple[Any, ...], bool]:
    """Return the values, the tensors among them behind one node that calls ``passing`` with all their gradients.

    Zeros stand for gradients that are missing at the places ``filled``, None at others.
    """
    live = [i for i, v in enumerate(values) if isinstance(v, TapeTensor) and v._requires_grad]
    if not live or not mode.recording:
        return values, False
    node = _Passage(values, live, passing, filled)
    watched = list(values)
    for place, i in enumerate(live):
        watched[i] = wrap(values[i]._array)
        share(values[i], watched[i])
        watched[i]._node, watched[i]._requires_grad = Output(node, place, len(live)), True
    return tuple(watched), True


class _Passage(Node):
    """Passes gradients on, after hooks have seen them all together."""

    def __init__(
        self, values: tuple[Any, ...], live: Sequence[int], passing: Callable[..., Any], filled: Sequence[int]
    ) -> None:
        super().__init__("backward_hook", tuple(edge_of(values[i]) for i in live))
        self.live, self.count, self.passing = live, len(values), passing
        arrays = [(i, values[i]._array) for i in filled]
        self.filled = [(i, backend_of(array), array.shape, array.dtype) for i, array in arrays]

    def vjp(self, grad: Any, create_graph: bool) -> Sequence[Any]:
        grads: list[Any] = [None] * self.count
        for i, g in zip(self.live, grad.grads, strict=True):
            grads[i] = g
        for i, be, shape, dtype in self.filled:
            if grads[i] is None:
                grads[i] = wrap(be.xp.zeros(shape, dtype=dtype))
        with plainly():
            found = self.passing(tuple(grads))
        return [found[i] for i in self.live]


def _owned(grads: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(own(g) for g in grads)
