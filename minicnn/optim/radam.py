"""RAdam: Adam that waits until it knows the variance of its steps."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from minicnn.backend import Array, backend_of
from minicnn.optim.moments import Moments
from minicnn.optim.optimizer import refuse_differentiable
from minicnn.tensor import Tensor


class RAdam(Moments):
    """RAdam: θ ← θ − lr · r · m̂ · √(1 − β₂ᵗ) / (√v + eps) where ρ > 5, else θ ← θ − lr · m̂.

    m̂ and v are Adam's; ρ = ρ∞ − 2 · t · β₂ᵗ / (1 − β₂ᵗ), ρ∞ = 2 / (1 − β₂) − 1, and
    r = √((ρ − 4) · (ρ − 2) · ρ∞ / ((ρ∞ − 4) · (ρ∞ − 2) · ρ)).

    Args:
        params: tensors, pairs of name and tensor, or dicts of groups.
        lr: the learning rate.
        betas: β₁ and β₂, how much of the old moments stays.
        eps: added to the root.
        weight_decay: λ, an L2 penalty: g = ∇θ + λ · θ.
        decoupled_weight_decay: shrink the weights beside the gradient's step instead: θ ← (1 − lr · λ) · θ.
        foreach, capturable: accepted for PyTorch's sake; there is one implementation.
        maximize: go up the gradient instead of down.
        differentiable: False only.
    Raises:
        ParameterError: a setting out of range, or as for `Optimizer`.
    Source: Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond" (2019), algorithm 2.

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> w = nn.Parameter(minicnn.tensor([1.0]))
    >>> (w * 2).sum().backward()
    >>> optim.RAdam([w], lr=0.1).step()
    >>> w.data
    tensor([0.8000])
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
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
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def update(self, param: Tensor, grad: Array, group: dict[str, Any]) -> None:
        p, xp = param._array, backend_of(param._array).xp
        _, m, v = self.advance(param, grad, group)
        t, (beta1, beta2), part = self.state[param]["step"], map(float, group["betas"]), self.scratch(p, 1)
        rate, correction2 = float(group["lr"]) / (1 - beta1**t), 1 - beta2**t
        limit = 2 / (1 - beta2) - 1
        rho = limit - 2 * t * beta2**t / correction2
        if rho > 5:
            rate *= math.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho) * correction2)
            xp.divide(m, xp.add(xp.sqrt(v, out=part), float(group["eps"]), out=part), out=part)
            xp.subtract(p, xp.multiply(part, rate, out=part), out=p)
        else:
            xp.subtract(p, xp.multiply(m, rate, out=part), out=p)
