"""Moments: what the optimizers share that keep running means of the gradient and of its square."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicnn.autograd.graph import wrap
from minicnn.backend import Array, backend_of
from minicnn.backend.capture import quiet
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

    def counted(self, param: Tensor, **initial: Any) -> dict[str, Any]:
        """Count the step; return the parameter's state, with means of zero before the first."""
        p, state = param._array, self.state[param]
        if "exp_avg" not in state:
            zeros = backend_of(p).xp.zeros_like
            state.update(step=0, **initial, exp_avg=wrap(zeros(p)), exp_avg_sq=wrap(zeros(p)))
        count_step(state)
        return state

    def shares(self, group: dict[str, Any], like: Array) -> list[Any]:
        """Return β₁, 1 − β₁, β₂ and 1 − β₂, which a schedule may cycle."""
        if quiet():
            beta1, beta2 = map(float, group["betas"])
            return [beta1, 1 - beta1, beta2, 1 - beta2]

        def share(name: str, i: int, rest: bool) -> Any:
            return number(group, name, lambda: 1 - float(group["betas"][i]) if rest else float(group["betas"][i]), like)

        return [share("beta1", 0, False), share("gain1", 0, True), share("beta2", 1, False), share("gain2", 1, True)]

    def advance(self, param: Tensor, grad: Array, group: dict[str, Any], **initial: Any) -> tuple[Array, Array, Array]:
        """Count the step, let the weights decay, and take the gradient into both means.

        Args:
            initial: state of the optimizer's own, as it is before the first step.
        Returns:
            g, in scratch memory of slot 0 or the gradient itself, and m and v.
        """
        p, be, state = param._array, backend_of(param._array), self.counted(param, **initial)
        xp = be.xp
        decay = float(group["weight_decay"])
        beta1, gain1, beta2, gain2 = self.shares(group, p)
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
