"""Adamax: Adam with the largest gradient in place of the mean square."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minicnn.autograd.graph import wrap
from minicnn.backend import Array, backend_of
from minicnn.optim.captured import count_step, number
from minicnn.optim.moments import Moments
from minicnn.optim.optimizer import refuse_differentiable
from minicnn.tensor import Tensor


class Adamax(Moments):
    """Adamax: m ← β₁ · m + (1 − β₁) · g; u ← max(β₂ · u, |g| + eps); θ ← θ − lr / (1 − β₁ᵗ) · m / u, g = ∇θ + λ · θ.

    Args:
        params: tensors, pairs of name and tensor, or dicts of groups.
        lr: the learning rate.
        betas: β₁ and β₂, how much of the old mean and of the old largest value stays.
        eps: added to |g|.
        weight_decay: λ, an L2 penalty.
        foreach, capturable: accepted for PyTorch's sake; there is one implementation.
        maximize: go up the gradient instead of down.
        differentiable: False only.
    Raises:
        ParameterError: a setting out of range, or as for `Optimizer`.
    Source: Kingma and Ba, "Adam" (2014), algorithm 2.

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> w = nn.Parameter(minicnn.tensor([1.0]))
    >>> (w * 2).sum().backward()
    >>> optim.Adamax([w], lr=0.1).step()
    >>> w.data
    tensor([0.9000])
    """

    kept = ("step", "exp_avg", "exp_inf")

    capturable = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        refuse_differentiable(type(self).__name__, differentiable)
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, defaults)

    def update(self, param: Tensor, grad: Array, group: dict[str, Any]) -> None:
        p, xp = param._array, backend_of(param._array).xp
        (beta1, beta2), state = map(float, group["betas"]), self.state[param]
        if "exp_avg" not in state:
            state.update(step=0, exp_avg=wrap(xp.zeros_like(p)), exp_inf=wrap(xp.zeros_like(p)))
        count_step(state)
        grad = self.penalized(p, grad, group["maximize"], float(group["weight_decay"]))
        m, u, part = state["exp_avg"]._array, state["exp_inf"]._array, self.scratch(p, 1)
        xp.multiply(m, beta1, out=m)
        xp.add(m, xp.multiply(grad, 1 - beta1, out=part), out=m)
        xp.multiply(u, beta2, out=u)
        xp.maximum(u, xp.add(xp.absolute(grad, out=part), float(group["eps"]), out=part), out=u)
        rate = number(group, "rate", lambda: float(group["lr"]) / (1 - beta1 ** int(state["step"])), p, state)
        xp.subtract(p, xp.multiply(xp.divide(m, u, out=part), rate, out=part), out=p)
