"""Moments: what the optimizers share that keep running means of the gradient and of its square."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minicnn.autograd.graph import wrap
from minicnn.backend import Array, backend_of
from minicnn.optim.captured import count_step, number
from minicnn.optim.optimizer import Optimizer
from minicnn.tensor import Tensor


class Moments(Optimizer):
    """The base of Adam, NAdam and RAdam, and of Adamax but for v.

    m ← β₁ · m + (1 − β₁) · g, v ← β₂ · v + (1 − β₂) · g².
    """

    kept: Sequence[str] = ("step", "exp_avg", "exp_avg_sq")

    def check_settings(self, group: dict[str, Any]) -> None:
        for name in ("lr", "eps", "weight_decay"):
            self.check_range(name, group[name], 0.0)
        for i in (0, 1):
            self.check_range(f"betas[{i}]", group["betas"][i], 0.0, 1.0)

    def advance(self, param: Tensor, grad: Array, group: dict[str, Any], **initial: Any) -> tuple[Array, Array, Array]:
        """Count the step, let the weights decay, and take the gradient into both means.

        Args:
            initial: state of the optimizer's own, as it is before the first step.
        Returns:
            g, in scratch memory of slot 0 or the gradient itself, and m and v.
        """
        p, be, state = param._array, backend_of(param._array), self.state[param]
        xp = be.xp
        if "exp_avg" not in state:
            state.update(step=0, **initial, exp_avg=wrap(xp.zeros_like(p)), exp_avg_sq=wrap(xp.zeros_like(p)))
        count_step(state)
        decay = float(group["weight_decay"])
        beta1, gain1 = (number(group, f"beta1 {i}", compute, p) for i, compute in enumerate(_shares(group, 0)))
        beta2, gain2 = (number(group, f"beta2 {i}", compute, p) for i, compute in enumerate(_shares(group, 1)))
        if group["decoupled_weight_decay"]:
            grad = self.penalized(p, grad, group["maximize"], 0.0)
            xp.multiply(p, number(group, "shrink", lambda: 1 - float(group["lr"]) * decay, p), out=p)
        else:
            grad = self.penalized(p, grad, group["maximize"], decay)
        m, v = state["exp_avg"]._array, state["exp_avg_sq"]._array

        def take(g: Array, m: Array, v: Array) -> None:
            xp.multiply(m, beta1, out=m)
            xp.add(m, xp.multiply(g, gain1), out=m)
            xp.multiply(v, beta2, out=v)
            square = xp.multiply(g, g)
            square *= gain2
            xp.add(v, square, out=v)

        be.in_place(take, grad, m, v)
        return grad, m, v


def _shares(group: dict[str, Any], i: int) -> tuple[Callable[[], float], Callable[[], float]]:
    """Return what gives βᵢ and 1 − βᵢ; a schedule may cycle them."""
    return lambda: float(group["betas"][i]), lambda: 1 - float(group["betas"][i])
