"""Adagrad: steps divided by the root of the sum of all squared gradients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minicnn.autograd.graph import wrap
from minicnn.backend import Array, backend_of
from minicnn.optim.captured import count_step, number
from minicnn.optim.optimizer import Optimizer, refuse_differentiable
from minicnn.tensor import Tensor


class Adagrad(Optimizer):
    """Adagrad: v ← v + g²; θ ← θ − lr / (1 + (t − 1) · η) · g / (√v + eps), g = ∇θ + λ · θ.

    Args:
        params: tensors, pairs of name and tensor, or dicts of groups.
        lr: the learning rate.
        lr_decay: η.
        weight_decay: λ, an L2 penalty.
        initial_accumulator_value: what v starts at.
        eps: added to the root.
        foreach, fused: accepted for PyTorch's sake; there is one implementation.
        maximize: go up the gradient instead of down.
        differentiable: False only.
    Raises:
        ParameterError: a setting out of range, or as for `Optimizer`.
    Source: Duchi, Hazan and Singer, "Adaptive Subgradient Methods" (2011), figure 1.

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> w = nn.Parameter(minicnn.tensor([1.0]))
    >>> (w * 2).sum().backward()
    >>> optim.Adagrad([w], lr=0.1).step()
    >>> w.data
    tensor([0.9000])
    """

    kept = ("step", "sum")

    capturable = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        refuse_differentiable(type(self).__name__, differentiable)
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def check_settings(self, group: dict[str, Any]) -> None:
        for name in ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"):
            self.check_range(name, group[name], 0.0)

    def update(self, param: Tensor, grad: Array, group: dict[str, Any]) -> None:
        p, xp = param._array, backend_of(param._array).xp
        state = self.state[param]
        if "sum" not in state:
            state.update(step=0, sum=wrap(xp.full_like(p, float(group["initial_accumulator_value"]))))
        count_step(state)
        grad = self.penalized(p, grad, group["maximize"], float(group["weight_decay"]))
        slowed = lambda: float(group["lr"]) / (1 + (state["step"] - 1) * float(group["lr_decay"]))  # noqa: E731
        lr = number(group, "lr", slowed, p, state)
        v, part = state["sum"]._array, self.scratch(p, 1)
        xp.add(v, xp.multiply(grad, grad, out=part), out=v)
        root = xp.add(xp.sqrt(v, out=part), float(group["eps"]), out=part)
        xp.subtract(p, xp.multiply(xp.divide(grad, root, out=part), lr, out=part), out=p)
