"""RMSprop: steps divided by the root of a running mean square of the gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minicnn.autograd.graph import wrap
from minicnn.backend import Array, backend_of
from minicnn.optim.captured import count_step, number
from minicnn.optim.optimizer import Optimizer, refuse_differentiable
from minicnn.tensor import Tensor


class RMSprop(Optimizer):
    """RMSprop: v ← α · v + (1 − α) · g²; θ ← θ − lr · g / (√v + eps), g = ∇θ + λ · θ.

    Centered, v − ḡ² takes v's place, ḡ a running mean of g; with momentum, b ← μ · b + g / (√v + eps), θ ← θ − lr · b.

    Args:
        params: tensors, pairs of name and tensor, or dicts of groups.
        lr: the learning rate.
        alpha: α, how much of the old mean stays.
        eps: added to the root.
        weight_decay: λ, an L2 penalty.
        momentum: μ.
        centered: divide by the standard deviation instead.
        capturable, foreach: accepted for PyTorch's sake; there is one implementation.
        maximize: go up the gradient instead of down.
        differentiable: False only.
    Raises:
        ParameterError: a setting out of range, or as for `Optimizer`.
    Source: Tieleman and Hinton, "Lecture 6.5 - RMSProp" (2012); Graves, "Generating Sequences" (2013), equation 38.

    >>> import minicnn
    >>> from minicnn import nn, optim
    >>> w = nn.Parameter(minicnn.tensor([1.0]))
    >>> (w * 2).sum().backward()
    >>> optim.RMSprop([w], lr=0.1, alpha=0.75).step()
    >>> w.data
    tensor([0.8000])
    """

    kept = ("step", "square_avg")

    capturable = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        refuse_differentiable(type(self).__name__, differentiable)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def check_settings(self, group: dict[str, Any]) -> None:
        for name in ("lr", "eps", "weight_decay", "momentum", "alpha"):
            self.check_range(name, group[name], 0.0)

    def update(self, param: Tensor, grad: Array, group: dict[str, Any]) -> None:
        p, xp = param._array, backend_of(param._array).xp
        alpha, momentum, state = float(group["alpha"]), float(group["momentum"]), self.state[param]
        if "square_avg" not in state:
            state.update(step=0, square_avg=wrap(xp.zeros_like(p)))
        for name, wanted in (("momentum_buffer", momentum), ("grad_avg", group["centered"])):
            if wanted and name not in state:
                state[name] = wrap(xp.zeros_like(p))
        count_step(state)
        grad = self.penalized(p, grad, group["maximize"], float(group["weight_decay"]))
        v, part = state["square_avg"]._array, self.scratch(p, 1)
        xp.multiply(v, alpha, out=v)
        xp.add(v, xp.multiply(xp.multiply(grad, grad, out=part), 1 - alpha, out=part), out=v)
        if group["centered"]:
            m = state["grad_avg"]._array
            xp.multiply(m, alpha, out=m)
            xp.add(m, xp.multiply(grad, 1 - alpha, out=part), out=m)
            root = xp.sqrt(xp.subtract(v, xp.multiply(m, m, out=part), out=part), out=part)
        else:
            root = xp.sqrt(v, out=part)
        step = xp.divide(grad, xp.add(root, float(group["eps"]), out=part), out=part)
        if momentum:
            b = state["momentum_buffer"]._array
            xp.multiply(b, momentum, out=b)
            step = xp.multiply(xp.add(b, step, out=b), 1.0, out=part)
        xp.subtract(p, xp.multiply(step, number(group, "lr", lambda: float(group["lr"]), p), out=part), out=p)
