"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minicnn.autograd.graph import wrap
from minicnn.backend import Array, backend_of
from minicnn.errors import ParameterError, message
from minicnn.optim.captured import number
from minicnn.optim.optimizer import Optimizer, refuse_differentiable
from minicnn.tensor import Tensor


class SGD(Optimizer):
    """Stochastic gradient descent: θ ← θ − lr · b.

    g ← ∇θ + λ · θ; b ← μ · b + (1 − τ) · g, at first b = g; with Nesterov's momentum θ ← θ − lr · (g + μ · b).

    Args:
        params: tensors, pairs of name and tensor, or dicts of groups.
        lr: the learning rate.
        momentum: μ.
        dampening: τ.
        weight_decay: λ, an L2 penalty.
        nesterov: look ahead along the momentum; needs momentum, and no dampening.
        maximize: go up the gradient instead of down.
        foreach, fused: accepted for PyTorch's sake; there is one implementation.
        differentiable: False only.
    Raises:
        ParameterError: a setting out of range, or as for `Optimizer`.
    Source: Sutskever et al., "On the importance of initialization and momentum in deep learning" (2013), equations 1
        to 4, with PyTorch's placing of the learning rate.

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> w = nn.Parameter(minicnn.tensor([1.0]))
    >>> optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (w * 2).sum().backward()
    ...     optimizer.step()
    >>> w.data
    tensor([0.4200])
    """

    capturable = True
    kept = ()  # nothing but the momentum's buffer, where there is momentum

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        refuse_differentiable(type(self).__name__, differentiable)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def check_settings(self, group: dict[str, Any]) -> None:
        for name in ("lr", "momentum", "weight_decay"):
            self.check_range(name, group[name], 0.0)
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ParameterError(
                message(
                    type(self).__name__,
                    "Nesterov momentum requires a momentum and zero dampening.",
                    f"momentum {group['momentum']}, dampening {group['dampening']}",
                    "set momentum=0.9, dampening=0.",
                )
            )

    def update(self, param: Tensor, grad: Array, group: dict[str, Any]) -> None:
        p, be, moving = param._array, backend_of(param._array), float(group["momentum"]) != 0
        state = self.state[param] if moving else {}
        first = moving and state.get("momentum_buffer") is None
        if first:
            state["momentum_buffer"] = wrap(be.xp.empty_like(grad))
        be.sgd(
            p,
            grad,
            state["momentum_buffer"]._array if moving else None,
            maximize=group["maximize"],
            decay=float(group["weight_decay"]),
            mu=number(group, "momentum", lambda: float(group["momentum"]), p) if moving else 0.0,
            gain=1 - float(group["dampening"]),
            first=first,
            nesterov=group["nesterov"],
            rate=number(group, "lr", lambda: float(group["lr"]), p),
            scratch=self.scratch,
        )
