"""Adam and AdamW: steps scaled by running moments of the gradient."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from minicnn.autograd.graph import wrap
from minicnn.backend import Array, backend_of
from minicnn.optim.captured import number
from minicnn.optim.moments import Moments
from minicnn.optim.optimizer import refuse_differentiable
from minicnn.tensor import Tensor


class Adam(Moments):
    """Adam: θ ← θ − lr · m̂ / (√v̂ + eps).

    g ← ∇θ + λ · θ; m ← β₁ · m + (1 − β₁) · g; v ← β₂ · v + (1 − β₂) · g²; m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ).
    With AMSGrad, the largest v so far takes v's place. Decoupled, θ ← (1 − lr · λ) · θ takes the place of λ · θ in g.

    Args:
        params: tensors, pairs of name and tensor, or dicts of groups.
        lr: the learning rate.
        betas: β₁ and β₂, how much of the old moments stays.
        eps: added to the root.
        weight_decay: λ, an L2 penalty.
        amsgrad: never let v̂ shrink.
        foreach, capturable, fused: accepted for PyTorch's sake; there is one implementation.
        maximize: go up the gradient instead of down.
        differentiable: False only.
        decoupled_weight_decay: shrink the weights beside the gradient's step, as `AdamW` does.
    Raises:
        ParameterError: a setting out of range, or as for `Optimizer`.
    Source: Kingma and Ba, "Adam" (2014), algorithm 1; Reddi, Kale and Kumar, "On the Convergence of Adam and Beyond"
        (2018), algorithm 2 (AMSGrad).

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> w = nn.Parameter(minicnn.tensor([1.0]))
    >>> (w * 2).sum().backward()
    >>> optim.Adam([w], lr=0.1).step()
    >>> w.data
    tensor([0.9000])
    """

    capturable = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        refuse_differentiable(type(self).__name__, differentiable)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def update(self, param: Tensor, grad: Array, group: dict[str, Any]) -> None:
        p, be, state = param._array, backend_of(param._array), self.counted(param)
        if group["amsgrad"] and "max_exp_avg_sq" not in state:
            state["max_exp_avg_sq"] = wrap(be.xp.zeros_like(p))
        decay, decoupled = float(group["weight_decay"]), group["decoupled_weight_decay"]
        beta1, gain1, beta2, gain2 = self.shares(group, p)

        def correction(i: int) -> float:
            return 1 - float(group["betas"][i]) ** int(state["step"])

        be.adam(
            p,
            grad,
            state["exp_avg"]._array,
            state["exp_avg_sq"]._array,
            state["max_exp_avg_sq"]._array if group["amsgrad"] else None,
            maximize=group["maximize"],
            decay=0.0 if decoupled else decay,
            eps=float(group["eps"]),
            beta1=beta1,
            gain1=gain1,
            beta2=beta2,
            gain2=gain2,
            shrink=number(group, "shrink", lambda: 1 - float(group["lr"]) * decay, p) if decoupled else None,
            rate=number(group, "rate", lambda: float(group["lr"]) / correction(0), p, state),
            root=number(group, "root", lambda: 1 / math.sqrt(correction(1)), p, state),
            scratch=self.scratch,
        )


class AdamW(Adam):
    """Adam with decoupled weight decay: θ ← (1 − lr · λ) · θ − lr · m̂ / (√v̂ + eps), m̂ and v̂ as in `Adam`.

    Args:
        params: tensors, pairs of name and tensor, or dicts of groups.
        lr: the learning rate.
        betas: β₁ and β₂, how much of the old moments stays.
        eps: added to the root.
        weight_decay: λ.
        amsgrad: never let v̂ shrink.
        maximize: go up the gradient instead of down.
        foreach, capturable, fused: accepted for PyTorch's sake; there is one implementation.
        differentiable: False only.
    Raises:
        ParameterError: a setting out of range, or as for `Optimizer`.
    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2017), algorithm 2.

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> w = nn.Parameter(minicnn.tensor([1.0]))
    >>> (w * 2).sum().backward()
    >>> optim.AdamW([w], lr=0.1, weight_decay=0.5).step()
    >>> w.data
    tensor([0.8500])
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            maximize=maximize,
            differentiable=differentiable,
            decoupled_weight_decay=True,
        )

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a state, which `Adam` may have saved: the weight decay stays decoupled."""
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
