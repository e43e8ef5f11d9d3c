"""NAdam: Adam with Nesterov's momentum."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from minicnn.backend import Array, backend_of
from minicnn.optim.moments import Moments
from minicnn.optim.optimizer import refuse_differentiable
from minicnn.tensor import Tensor


class NAdam(Moments):
    """NAdam: θ ← θ − lr · ((1 − μₜ) / (1 − Πμ) · g + μₜ₊₁ / (1 − Πμ · μₜ₊₁) · m) / (√v̂ + eps).

    g, m and v̂ are Adam's; μₜ = β₁ · (1 − ½ · 0.96^(t · ψ)), and Πμ is the product μ₁ · … · μₜ.

    Args:
        params: tensors, pairs of name and tensor, or dicts of groups.
        lr: the learning rate.
        betas: β₁ and β₂, how much of the old moments stays.
        eps: added to the root.
        weight_decay: λ, an L2 penalty: g = ∇θ + λ · θ.
        momentum_decay: ψ, how fast the momentum warms up.
        decoupled_weight_decay: shrink the weights beside the gradient's step instead: θ ← (1 − lr · λ) · θ.
        foreach, capturable: accepted for PyTorch's sake; there is one implementation.
        maximize: go up the gradient instead of down.
        differentiable: False only.
    Raises:
        ParameterError: a setting out of range, or as for `Optimizer`.
    Source: Dozat, "Incorporating Nesterov Momentum into Adam" (2016), algorithm 2.

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> w = nn.Parameter(minicnn.tensor([1.0]))
    >>> optimizer = optim.NAdam([w], lr=0.1)
    >>> for _ in range(2):
    ...     w.grad = minicnn.tensor([2.0])
    ...     optimizer.step()
    >>> w.data
    tensor([0.8160])
    """

    kept = ("step", "mu_product", "exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        refuse_differentiable(type(self).__name__, differentiable)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def check_settings(self, group: dict[str, Any]) -> None:
        super().check_settings(group)
        self.check_range("momentum_decay", group["momentum_decay"], 0.0)

    def update(self, param: Tensor, grad: Array, group: dict[str, Any]) -> None:
        p, xp = param._array, backend_of(param._array).xp
        grad, m, v = self.advance(param, grad, group, mu_product=1.0)
        state, lr, (beta1, beta2) = self.state[param], float(group["lr"]), map(float, group["betas"])
        t, decay = state["step"], float(group["momentum_decay"])
        mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (i * decay)) for i in (t, t + 1))
        state["mu_product"] *= mu
        ahead, behind = (1 - mu) / (1 - state["mu_product"]), mu_next / (1 - state["mu_product"] * mu_next)
        root, part = self.scratch(p, 1), self.scratch(p, 2)
        xp.multiply(xp.sqrt(v, out=root), 1 / math.sqrt(1 - beta2**t), out=root)
        xp.add(root, float(group["eps"]), out=root)
        for coefficient, array in ((ahead, grad), (behind, m)):
            xp.divide(xp.multiply(array, lr * coefficient, out=part), root, out=part)
            xp.subtract(p, part, out=p)
