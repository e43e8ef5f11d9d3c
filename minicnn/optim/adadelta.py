"""Adadelta: steps whose size follows from the gradients and steps before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minicnn.autograd.graph import wrap
from minicnn.backend import Array, backend_of
from minicnn.optim.captured import count_step, number
from minicnn.optim.optimizer import Optimizer, refuse_differentiable
from minicnn.tensor import Tensor


class Adadelta(Optimizer):
    """Adadelta: v ← ρ · v + (1 − ρ) · g²; d = g · √(u + eps) / √(v + eps); u ← ρ · u + (1 − ρ) · d²; θ ← θ − lr · d.

    Args:
        params: tensors, pairs of name and tensor, or dicts of groups.
        lr: the learning rate.
        rho: ρ, how much of the old means stays.
        eps: added under the roots.
        weight_decay: λ, an L2 penalty: g = ∇θ + λ · θ.
        foreach, capturable: accepted for PyTorch's sake; there is one implementation.
        maximize: go up the gradient instead of down.
        differentiable: False only.
    Raises:
        ParameterError: a setting out of range, or as for `Optimizer`.
    Source: Zeiler, "ADADELTA" (2012), algorithm 1.

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> w = nn.Parameter(minicnn.tensor([1.0]))
    >>> (w * 2).sum().backward()
    >>> optim.Adadelta([w], eps=0.01).step()
    >>> w.data
    tensor([0.6877])
    """

    kept = ("step", "square_avg", "acc_delta")

    capturable = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        refuse_differentiable(type(self).__name__, differentiable)
        super().__init__(params, {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize})

    def check_settings(self, group: dict[str, Any]) -> None:
        for name in ("lr", "eps", "weight_decay"):
            self.check_range(name, group[name], 0.0)
        self.check_range("rho", group["rho"], 0.0, 1.0 + 1e-12)

    def update(self, param: Tensor, grad: Array, group: dict[str, Any]) -> None:
        p, xp = param._array, backend_of(param._array).xp
        rho, eps, state = float(group["rho"]), float(group["eps"]), self.state[param]
        if "square_avg" not in state:
            state.update(step=0, square_avg=wrap(xp.zeros_like(p)), acc_delta=wrap(xp.zeros_like(p)))
        count_step(state)
        grad = self.penalized(p, grad, group["maximize"], float(group["weight_decay"]))
        v, u, part = state["square_avg"]._array, state["acc_delta"]._array, self.scratch(p, 1)
        xp.multiply(v, rho, out=v)
        xp.add(v, xp.multiply(xp.multiply(grad, grad, out=part), 1 - rho, out=part), out=v)
        delta = xp.sqrt((u + eps) / (v + eps)) * grad
        xp.multiply(u, rho, out=u)
        xp.add(u, xp.multiply(xp.multiply(delta, delta, out=part), 1 - rho, out=part), out=u)
        lr = number(group, "lr", lambda: float(group["lr"]), p)
        xp.subtract(p, xp.multiply(delta, lr, out=part), out=p)
