"""Optimizer: parameters in groups with settings, the state of each, and the step that all optimizers share."""

from __future__ import annotations

import functools
import math
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from minicnn.autograd import enable_grad, no_grad
from minicnn.autograd.graph import Handle, TapeTensor, clock, memory_of
from minicnn.autograd.refusal import guard_constructor
from minicnn.backend import Array, backend_of
from minicnn.errors import ArgumentTypeError, ParameterError, message
from minicnn.nn.parameter import clear_grads
from minicnn.ops.inplace import check_writable
from minicnn.optim.captured import need_capturable
from minicnn.optim.state import copied, need_fit, parts_of
from minicnn.tensor import Tensor

required: Any = object()  # the default of a setting that every group must give


def _counted(step: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: count the calls of ``step``, so that a schedule can tell when it is stepped first; run the hooks."""

    @functools.wraps(step)
    def counted(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        self._steps += 1
        for hook in list(self._pre_hooks.values()):
            changed = hook(self, args, kwargs)
            if changed is not None:
                args, kwargs = changed
        result = step(self, *args, **kwargs)
        for hook in list(self._post_hooks.values()):
            hook(self, args, kwargs)
        return result

    return counted


class Optimizer:
    """The base of all optimizers: a subclass defines `update` for one parameter, or `step` for all.

    Args:
        params: tensors, pairs of name and tensor, or dicts, each a group: ``{"params": tensors, "lr": 0.1}``.
        defaults: the settings of groups that do not give their own.
    Attributes:
        param_groups: one dict a group: ``"params"`` and its settings, which may be edited between steps.
        state: what is remembered for each parameter, by parameter.
        capturable: whether a step keeps its numbers up to date in a captured step's replays (`minicnn.cuda.graph`).
        kept: the names of what is there for each parameter that was stepped, by which a state of another kind is told.
    Raises:
        ParameterError: there are no parameters, one is no leaf, one stands in two groups, or a setting is missing.
        ArgumentTypeError: params is a tensor or a module, or holds what is no tensor.

    >>> import minicnn
    >>> from minicnn import nn
    >>> class Plain(Optimizer):
    ...     def __init__(self, params, lr):
    ...         super().__init__(params, {"lr": lr})
    ...     def update(self, param, grad, group):
    ...         param._array -= group["lr"] * grad
    >>> w = nn.Parameter(minicnn.tensor([1.0]))
    >>> (w * 2).sum().backward()
    >>> Plain([w], lr=0.1).step()
    >>> w.data
    tensor([0.8000])
    """

    kept: Sequence[str] | None = None  # None in an optimizer of one's own: a state is not looked at
    capturable = False
    _steps = 0  # how often step() was called

    def __init_subclass__(cls) -> None:
        if "step" in cls.__dict__:
            cls.step = _counted(cls.__dict__["step"])  # type: ignore[method-assign]
        guard_constructor(cls)

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._scratch_memory: dict[Any, Array] = {}
        self._pre_hooks: dict[int, Callable[..., Any]] = {}
        self._post_hooks: dict[int, Callable[..., Any]] = {}
        if isinstance(params, TapeTensor) or not isinstance(params, Iterable):
            raise _wrong_params(type(self).__name__, params)
        groups = list(params)
        if not groups:
            raise ParameterError(
                message(
                    type(self).__name__,
                    "got an empty parameter list.",
                    "params has no entries; a generator is empty once it was gone through",
                    "pass model.parameters() of a model that has parameters.",
                )
            )
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    # ---- groups

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Add parameters with settings of their own, such as layers that are unfrozen during training.

        Args:
            param_group: ``{"params": tensors}`` and settings; those left out are the optimizer's defaults.
        Raises:
            ParameterError, ArgumentTypeError: as for the optimizer.
        """
        where = type(self).__name__
        if not isinstance(param_group, Mapping) or "params" not in param_group:
            raise ArgumentTypeError(
                message(
                    where,
                    f'a group expects a dict with "params", got {type(param_group).__name__}.',
                    f"{str(param_group)[:60]}",
                    'write {"params": layer.parameters(), "lr": 0.1}, for example.',
                )
            )
        group = dict(param_group)
        given = group["params"]
        if isinstance(given, (set, frozenset)):
            raise ArgumentTypeError(
                message(
                    where, "parameters need an order, got a set.", "a set's order changes from run to run", "a list."
                )
            )
        params: list[Any] = [given] if isinstance(given, TapeTensor) else list(given)
        named = [isinstance(p, tuple) and len(p) == 2 for p in params]
        if any(named):
            if not all(named):
                raise _wrong_params(where, next(p for p, has_name in zip(params, named, strict=True) if not has_name))
            group["param_names"] = [name for name, _ in params]
            params = [p for _, p in params]
        self._check_params(where, params)
        group["params"] = params
        for name, default in self.defaults.items():
            if default is required and name not in group:
                raise ParameterError(
                    message(where, f"the group has no {name!r}, which is required.", f"{list(group)}", f"give {name}=.")
                )
            group.setdefault(name, default)
        self.check_settings(group)
        self.param_groups.append(group)

    def _check_params(self, where: str, params: list[Any]) -> None:
        for i, p in enumerate(params):
            if not isinstance(p, TapeTensor):
                raise _wrong_params(where, p)
            if p._node is not None and p._node.retain is None:
                raise ParameterError(
                    message(
                        where,
                        f"can't optimize a non-leaf Tensor: parameter {i} was computed, by {p._node.name()}.",
                        f"shape {tuple(p._array.shape)}; a step would change a value that is computed anew each time",
                        "pass the tensors it is computed from, or a leaf: x.detach().requires_grad_().",
                    )
                )
        ids = [id(p) for p in params]
        if len(set(ids)) != len(ids):
            warnings.warn(
                f"{where}: a group holds a parameter twice, and will step it twice.", UserWarning, stacklevel=5
            )
        if not set(ids).isdisjoint(id(p) for group in self.param_groups for p in group["params"]):
            raise ParameterError(
                message(
                    where,
                    "some parameters appear in more than one group.",
                    f"a group of {len(params)} shares some with those before it",
                    "put each parameter in one group.",
                )
            )

    def check_settings(self, group: dict[str, Any]) -> None:
        """Raise ParameterError if a setting is out of range; a subclass checks its own."""

    def check_range(self, name: str, value: Any, low: float, high: float = math.inf) -> None:
        """Raise ParameterError unless low ≤ value < high."""
        if not low <= value < high:
            limits = f"{low} or more" + ("" if high == math.inf else f", below {high}")
            raise ParameterError(
                message(
                    type(self).__name__,
                    f"Invalid {name}: expects {limits}, got {value}.",
                    "settings are checked when a group is added",
                    f"use {name}={self.defaults.get(name, low)!r}."
                    if self.defaults.get(name) != value
                    else "change it.",
                )
            )

    # ---- stepping

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters; with False, fill them with zeros."""
        clear_grads((p for group in self.param_groups for p in group["params"]), set_to_none)

    @_counted
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change each parameter that has a gradient, in place and off the tape.

        Args:
            closure: computes the loss and its gradients; called first, with recording on.
        Returns:
            What closure returned; None without one.
        Raises:
            GraphError: a parameter is an expanded tensor, or its memory may not be written to.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        need_capturable(self)
        with no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        check_writable(p, f"{type(self).__name__}.step")
                        self.update(p, p.grad._array, group)
                        memory_of(p).written = clock()  # a backward that needs the old value says so
        return loss

    def update(self, param: Tensor, grad: Array, group: dict[str, Any]) -> None:
        """Change one parameter's array in place.

        Args:
            param: the parameter; ``self.state[param]`` is its own dict.
            grad: its gradient's array, which must stay as it is.
            group: the settings.
        """
        raise NotImplementedError(
            message(
                type(self).__name__,
                "the optimizer defines neither update nor step.",
                "step() was called",
                "define update(self, param, grad, group), or step(self, closure=None).",
            )
        )

    def penalized(self, p: Array, grad: Array, maximize: bool, decay: float) -> Array:
        """Return ±grad + decay · p: the gradient itself where nothing changes, else in scratch memory (slot 0)."""
        return backend_of(p).penalized(p, grad, maximize, decay, self.scratch)

    def scratch(self, like: Array, slot: int = 0) -> Array:
        """Return memory of an array's shape and dtype to compute in, the same at each call: nothing stays in it.

        Fresh memory of some megabytes costs more to touch than the arithmetic done in it.

        Args:
            like: the array.
            slot: which of several scratch arrays, where more than one is in use.
        """
        key = (slot, type(like), like.dtype)
        flat = self._scratch_memory.get(key)
        if flat is None or flat.size < like.size:
            flat = self._scratch_memory[key] = backend_of(like).xp.empty(like.size, dtype=like.dtype)
        return flat[: like.size].reshape(like.shape)

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call ``hook(optimizer, args, kwargs)`` before each step; a pair it returns takes their place.

        >>> import minicnn
        >>> from minicnn import nn, optim
        >>> optimizer = optim.SGD([nn.Parameter(minicnn.zeros(1))])
        >>> with optimizer.register_step_pre_hook(lambda optimizer, args, kwargs: print("now")):
        ...     optimizer.step()
        now
        """
        return _register(self._pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call ``hook(optimizer, args, kwargs)`` after each step; what is returned has ``remove()``."""
        return _register(self._post_hooks, hook)

    # ---- state

    def state_dict(self) -> dict[str, Any]:
        """Return the state and settings, with parameters by number; tensors in it share the optimizer's memory.

        >>> import minicnn
        >>> from minicnn import nn, optim
        >>> optim.SGD([nn.Parameter(minicnn.zeros(2))], lr=0.5).state_dict()["param_groups"][0]["params"]
        [0]
        """
        number = {id(p): i for i, p in enumerate(self._all_params())}
        groups = [
            {**{k: v for k, v in group.items() if k != "params"}, "params": [number[id(p)] for p in group["params"]]}
            for group in self.param_groups
        ]
        state = {number[id(p)] if isinstance(p, TapeTensor) else p: s for p, s in self.state.items()}
        return {"state": state, "param_groups": groups}

    def _all_params(self) -> list[Any]:
        return [p for group in self.param_groups for p in group["params"]]

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a copy of a state and its settings; when that fails, nothing was changed.

        Args:
            state_dict: what `state_dict` of an optimizer with groups of the same sizes gave. Float tensors are cast
                to their parameter's dtype and device.
        Raises:
            ParameterError: the groups are not as many, or not of the same sizes; or the state is of another kind of
                optimizer, or of parameters of other shapes.
            ArgumentTypeError, KeyNameError: it has not the form of a state.
        """
        where = f"{type(self).__name__}.load_state_dict"
        saved, entries = parts_of(where, state_dict)
        sizes, expected = [len(g["params"]) for g in saved], [len(g["params"]) for g in self.param_groups]
        if sizes != expected:
            raise ParameterError(
                message(
                    where,
                    f"the groups expect {expected} parameters, the loaded state has {sizes}.",
                    f"{len(expected)} groups here, {len(sizes)} there",
                    "make the optimizer with the groups it was saved with.",
                )
            )
        numbers = [number for group in saved for number in group["params"]]
        params = dict(zip(numbers, self._all_params(), strict=True))
        if self.kept is not None:
            need_fit(where, self.defaults, self.kept, saved, entries, params)
        # What an optimizer keeps under a name, and not for one parameter, stays under its name.
        state = {params.get(k, k): copied(v, params.get(k)) for k, v in entries.items()}
        for group, loaded in zip(self.param_groups, saved, strict=True):
            group.update((k, v) for k, v in loaded.items() if k != "params")
        self.state.clear()
        self.state.update(state)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_scratch_memory": {}, "_pre_hooks": {}, "_post_hooks": {}}

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])


def _register(hooks: dict[int, Callable[..., Any]], hook: Callable[..., Any]) -> Handle:
    handle = Handle(hooks)
    hooks[handle._key] = hook
    return handle


def _wrong_params(where: str, value: Any) -> ArgumentTypeError:
    return ArgumentTypeError(
        message(
            where,
            f"params expects tensors, or dicts of them, got {type(value).__name__}.",
            f"{str(value)[:60]!r}",
            "pass model.parameters(); a single tensor in a list: [x].",
        )
    )


def refuse_differentiable(where: str, differentiable: bool) -> None:
    """Raise ParameterError where a step is asked for that can be differentiated itself."""
    if differentiable:
        raise ParameterError(
            message(
                where,
                "differentiable=True is not offered: a step changes arrays in place, off the tape.",
                "differentiable = True",
                "write the update in tensor ops, p = p - lr * g, with g from autograd.grad(..., create_graph=True).",
            )
        )
