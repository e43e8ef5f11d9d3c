"""Rprop: each weight's own step, which grows while the gradient keeps its sign."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minicnn.autograd.graph import wrap
from minicnn.backend import Array, backend_of
from minicnn.errors import ParameterError, message
from minicnn.optim.optimizer import Optimizer, refuse_differentiable
from minicnn.tensor import Tensor


class Rprop(Optimizer):
    """Rprop: θ ← θ − s · sign(g), s ← s · η₊ where g kept its sign, s · η₋ where it changed, and there g ← 0.

    For whole data sets at once: the sign of a small batch's gradient changes by chance.

    Args:
        params: tensors, pairs of name and tensor, or dicts of groups.
        lr: s at the start.
        etas: η₋ and η₊.
        step_sizes: the limits of s.
        foreach, capturable: accepted for PyTorch's sake; there is one implementation.
        maximize: go up the gradient instead of down.
        differentiable: False only.
    Raises:
        ParameterError: a setting out of range, or as for `Optimizer`.
    Source: Riedmiller and Braun, "A Direct Adaptive Method for Faster Backpropagation Learning: The RPROP Algorithm"
        (1993), section II, without the weights' way back.

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> w = nn.Parameter(minicnn.tensor([1.0]))
    >>> optimizer = optim.Rprop([w], lr=0.1)
    >>> for _ in range(2):
    ...     w.grad = minicnn.tensor([2.0])
    ...     optimizer.step()
    >>> w.data
    tensor([0.7800])
    """

    kept = ("step", "prev", "step_size")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        refuse_differentiable(type(self).__name__, differentiable)
        super().__init__(params, {"lr": lr, "etas": etas, "step_sizes": step_sizes, "maximize": maximize})

    def check_settings(self, group: dict[str, Any]) -> None:
        self.check_range("lr", group["lr"], 0.0)
        low, high = group["etas"]
        if not 0 < low < 1 < high:
            raise ParameterError(
                message(
                    type(self).__name__,
                    f"Invalid etas: expects 0 < η₋ < 1 < η₊, got {low} and {high}.",
                    "factors of the step where the gradient changes its sign, and where it keeps it",
                    "etas=(0.5, 1.2).",
                )
            )

    def update(self, param: Tensor, grad: Array, group: dict[str, Any]) -> None:
        p, xp, state = param._array, backend_of(param._array).xp, self.state[param]
        if "prev" not in state:
            state.update(step=0, prev=wrap(xp.zeros_like(p)), step_size=wrap(xp.full_like(p, float(group["lr"]))))
        state["step"] += 1
        grad = self.penalized(p, grad, group["maximize"], 0.0)
        last, size, part = state["prev"]._array, state["step_size"]._array, self.scratch(p, 1)
        xp.multiply(grad, last, out=part)
        changed, kept = part < 0, part > 0
        low, high = map(float, group["etas"])
        xp.multiply(size, changed * (low - 1) + kept * (high - 1) + 1, out=size)
        xp.clip(size, *map(float, group["step_sizes"]), out=size)
        xp.multiply(grad, ~changed, out=last)
        xp.subtract(p, xp.multiply(xp.sign(last), size, out=part), out=p)
